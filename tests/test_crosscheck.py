"""The command that compares every number with PennyLane."""

import json
import runpy
import sys

import numpy as np
import pytest

from qlstm import QLSTMConfig, QLSTMParams, init_params, save_model
from qlstm.processes import cell_process

SMALL = ["--system-qubits=1", "--ancilla-qubits=1", "--layers=1", "--epochs=1"]
ONE = [*SMALL, "--rotation", "RY", "--memory", "probabilities"]


@pytest.fixture
def comparison():
    """The module that runs both sides."""
    pytest.importorskip("pennylane", reason="the cross-check compares with PennyLane")
    from experiments.crosscheck import runs

    return runs


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command: exit status, standard output and standard error."""

    def command(*options):
        monkeypatch.setattr(sys, "argv", ["crosscheck", *map(str, options)])
        try:
            runpy.run_module("experiments.crosscheck", run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return command


def _break(module, name, change):
    """What `name` of the module returns, changed."""
    original = getattr(module, name)
    return lambda *args, **kwargs: change(*original(*args, **kwargs))


def test_all_four_configurations_agree(comparison, run, tmp_path):
    path = tmp_path / "out.json"
    status, out, _ = run(*SMALL, "--out", path)
    assert status == 0
    assert "PASS: differences must not exceed 1e-10" in out
    assert "FAIL" not in out
    for text in ("qlstm 0", "PennyLane 0", "autograd 1", "times faster", "entropies"):
        assert text in out
    record = json.loads(path.read_text())
    assert record["passed"] is True
    names = {(c["config"]["rotation"], c["config"]["memory"]) for c in _configs(record)}
    assert len(names) == 4
    for found in _configs(record):
        assert max(found["differences"].values()) < 1e-12
        assert len(found["epoch_seconds"]["ours"]) == 1
        collapses = found["config"]["memory"] == "collapse"
        assert (found["smallest_margin"] is not None) == collapses
        assert found["different_outcomes"] == (0 if collapses else None)


def _configs(record):
    return record["configurations"]


def test_parameters_without_influence_are_named(comparison, run):
    # with one wire each and RX, no ancilla angle reaches the readout
    status, out, _ = run(*SMALL, "--rotation", "RX", "--memory", "collapse")
    assert status == 0
    assert "RX collapse: 2 parameter(s) have no influence on the loss" in out


@pytest.mark.parametrize("error", [1e-9, np.nan])
def test_a_wrong_gradient_is_found(comparison, run, monkeypatch, tmp_path, error):
    def change(loss, grads):
        entangler = grads.entangler.copy()
        entangler[0, 0] += error
        return loss, grads._replace(entangler=entangler)

    monkeypatch.setattr(
        comparison, "loss_and_grad", _break(comparison, "loss_and_grad", change)
    )
    # Adam passes nan on to the parameters, whose check refuses them: no training here
    if np.isnan(error):
        monkeypatch.setattr(comparison, "adam_update", lambda p, g, s, rate: (p, s))
    path = tmp_path / "out.json"
    status, out, _ = run(*ONE, "--out", path)
    assert status == 1
    assert "FAIL: differences must not exceed 1e-10" in out
    (found,) = _configs(json.loads(path.read_text()))
    for name, value in found["differences"].items():
        if "gradient" in name and "records" not in name:
            assert value is None if np.isnan(error) else value > 1e-10
        elif "training" not in name:
            assert value < 1e-10
    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    assert lines["gradient, last step"].endswith("FAIL")
    assert lines["joint states"].endswith("PASS")


@pytest.mark.parametrize("error", [1e-9, np.nan])
def test_a_wrong_gradient_of_records_is_found(comparison, run, monkeypatch, error):
    def change(loss, grads):
        return loss, grads._replace(proj_bias=grads.proj_bias + error)

    name = "record_loss_and_grad"
    monkeypatch.setattr(comparison, name, _break(comparison, name, change))
    status, out, _ = run(*ONE)
    assert status == 1
    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    for start in ("first", "stationary"):
        assert lines[f"records, {start}: log-loss"].endswith("PASS")
        assert lines[f"records, {start}: gradient"].endswith("FAIL")


@pytest.mark.parametrize("disentangler", ["flip", "inverse"])
def test_records_where_several_memories_are_stationary(comparison, disentangler):
    """Both sides take the mean over a long run that starts maximally mixed."""
    config = QLSTMConfig(n_system=1, n_ancilla=1, disentangler=disentangler)
    params = init_params(config, np.random.default_rng(0))
    data = comparison.make_data(config, 1, 0)
    kraus = cell_process(params, config, data.inputs[0, 0]).kraus
    values = np.linalg.eigvals(sum(np.kron(k, k.conj()) for k in kraus))
    assert (abs(values - 1) < 1e-9).sum() == 2
    found = comparison._compare_records(params, data, config)
    assert len(found) == 4
    assert max(found.values()) < 1e-13


def test_a_wrong_parameter_is_found(comparison, run, monkeypatch):
    trace = comparison.trace

    def shifted(params, *args):
        return trace(params._replace(disentangler=params.disentangler + 1e-6), *args)

    monkeypatch.setattr(comparison, "trace", shifted)
    status, out, _ = run(*ONE)
    assert status == 1
    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    assert lines["joint states"].endswith("FAIL")
    assert lines["outputs of all steps"].endswith("PASS")


def test_different_outcomes_are_said_aloud(comparison, run, monkeypatch):
    likeliest, calls = comparison._likeliest, []

    def tied(states):
        chosen, margin = likeliest(states)
        calls.append(chosen)
        if len(calls) == 2:  # our second minibatch
            chosen = chosen.copy()
            chosen[3, 1] = 1 - chosen[3, 1]
            margin = 1e-17
        return chosen, margin

    monkeypatch.setattr(comparison, "_likeliest", tied)
    _, out, _ = run(*SMALL, "--rotation", "RY", "--memory", "collapse")
    out = " ".join(out.split())
    assert "collapsed to DIFFERENT outcomes at 1 place(s)" in out
    assert "first in epoch 1, minibatch 2, sample 4, step 2;" in out
    assert "by at least 1.0e-17" in out


@pytest.mark.parametrize("loss", ["last", "all"])
def test_a_saved_model(comparison, run, tmp_path, loss):
    config = QLSTMConfig(
        n_features=2, n_ancilla=1, n_layers=1, memory="probabilities", loss=loss
    )
    path = tmp_path / "model.npz"
    save_model(path, init_params(config, np.random.default_rng(5)), config)
    status, out, _ = run("--model", path, "--epochs", 1)
    assert status == 0
    assert "2+1 wires, 1 layer(s)" in out
    assert "RX probabilities" in out
    assert "collapse" not in out


def test_a_saved_model_and_another_size(comparison, run, tmp_path):
    status, _, err = run("--model", tmp_path / "model.npz", "--layers", 3)
    assert status == 2
    assert err == (
        "error: Option --layers must be left out with --model, which brings its own "
        "configuration.\n"
    )


def test_no_saved_model(comparison, run, tmp_path):
    status, _, err = run("--model", tmp_path / "none.npz")
    assert status == 2
    assert err.startswith("error: No model file at ")


def test_without_pennylane(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pennylane", None)
    status, out, err = run(*ONE)
    assert (status, out) == (2, "")
    assert err == (
        "error: The cross-check needs PennyLane, which is not installed: "
        'pip install "qlstm[crosscheck]"\n'
    )


def test_same_seed_same_numbers(comparison):
    config = QLSTMConfig(n_system=1, n_ancilla=1, n_layers=1, rotation="RY")
    params = init_params(config, np.random.default_rng(0))
    one, two = (comparison.compare(params, config, 1, 7) for _ in range(2))
    assert one.differences == two.differences
    assert one.margin == two.margin


def test_the_minibatches_cover_every_window(comparison):
    data = comparison.make_data(QLSTMConfig(), 3, 0)
    assert data.inputs.shape == (15, 5, 1)
    assert data.targets["last"].shape == (15,)
    np.testing.assert_array_equal(data.targets["all"][:, -1], data.targets["last"])
    for batches in data.batches:
        assert sorted(np.concatenate(batches)) == list(range(15))


def test_pennylane_broadcasts_exactly(comparison):
    pm = comparison.pm
    config = QLSTMConfig()
    params = init_params(config, np.random.default_rng(0))
    inputs = np.random.default_rng(1).uniform(-1, 1, (4, 3, 1))
    cell = pm.make_cell(config)
    together = pm.unroll(params, inputs, config, cell)
    for k in range(4):
        alone = pm.unroll(params, inputs[k : k + 1], config, cell)
        for field in ("outputs", "states", "memories"):
            np.testing.assert_allclose(
                np.stack(getattr(together, field))[:, k],
                np.stack(getattr(alone, field))[:, 0],
                rtol=0,
                atol=1e-14,
            )


def test_pennylane_does_not_know_a_rule(comparison, monkeypatch):
    pm = comparison.pm
    monkeypatch.delitem(pm.RULES, "collapse")
    config = QLSTMConfig()
    params = init_params(config, np.random.default_rng(0))
    with pytest.raises(ValueError, match="knows the memory rules probabilities, "):
        comparison.compare(params, config, 1, 0)


def test_adam_with_pennylanes_own_defaults_differs(comparison):
    pm = comparison.pm
    rng = np.random.default_rng(0)
    params = init_params(QLSTMConfig(), rng)
    grads = [QLSTMParams(*(rng.normal(size=a.shape) for a in params)) for _ in range(3)]

    def trained(optimizer, step):
        found = pm.trainable(params)
        for grad in grads:
            found = step(found, tuple(grad), optimizer)
        return QLSTMParams(*map(np.asarray, found))

    ours, state = params, comparison.adam_init(params)
    for grad in grads:
        ours, state = comparison.adam_update(ours, grad, state)
    theirs = trained(pm.make_adam(0.01), pm.adam_step)
    plain = trained(
        pm.qml.AdamOptimizer(0.01), lambda p, g, adam: tuple(adam.apply_grad(g, p))
    )
    assert comparison.difference(ours, theirs) < 1e-15
    assert comparison.difference(ours, plain) > 1e-6


def test_shapes_must_match(comparison):
    with pytest.raises(ValueError, match=r"one shape, but have \(2,\) and \(2, 1\)"):
        comparison.difference(np.zeros(2), np.zeros((2, 1)))


def test_nan_is_the_largest_difference(comparison):
    bad, good = np.array([0.0, np.nan]), np.array([3.0, 1.0])
    assert np.isnan(comparison.difference(bad, good))
    assert np.isnan(comparison.difference([good, bad, good], [2 * good, good, good]))
