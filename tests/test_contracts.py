"""What users may build on, each held by a throwaway user (see own_rules.py).

A memory rule, a readout and a monitor; nothing inside the packages knows them.
"""

import importlib
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import checker
import numpy as np
import one
import pytest
from rule_runs import fitted

from qlstm import (
    QLSTMConfig,
    QLSTMParams,
    Training,
    fit,
    init_params,
    load_model,
    load_state,
    loss_and_grad,
    loss_gradient,
    predict,
    save_model,
    save_state,
    train,
    train_init,
)
from qlstm.gradient import reverse
from qlstm.insight import (
    EntanglementMonitor,
    forgetting_curve,
    gradient_memory,
    holevo_information,
    memory_capacity,
    memory_channel,
    quantum_retention,
    trace,
)
from qlstm.memory import RULES
from qlstm.params import stack_params
from qlstm.sweeps import ProcessWorkers, RunFolder, run_key, run_sweep

ROOT = Path(__file__).resolve().parents[1]
VECTORS = ("coherent", "second", "coin", "kicked")
DENSITIES = ("dephased", "lazy")
MINE = (*VECTORS, *DENSITIES)
METHODS = {
    "coherent": (),
    "kicked": (),
    "second": ("parameter-shift",),
    "coin": ("parameter-shift",),
    "dephased": ("parameter-shift",),
    "lazy": ("parameter-shift",),
}
"""Exact methods beside reverse mode and the amplitude identity."""
every_rule = pytest.mark.parametrize("memory", MINE)
every_rotation = pytest.mark.parametrize("rotation", ["RX", "RY"])


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    """The user's file, in a folder of its own, imported."""
    folder = tmp_path / "mine"
    folder.mkdir()
    path = folder / "my_rules.py"
    shutil.copy(Path(__file__).with_name("own_rules.py"), path)
    monkeypatch.syspath_prepend(folder)
    importlib.import_module("my_rules")
    yield path
    del sys.modules["my_rules"]


def draw(seed=0, batch=5, n_steps=4, **options):
    """A model with angles in the whole circle, and data."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(**options)
    params = init_params(config, rng)
    turns = rng.uniform(-np.pi, np.pi, (2, *params.entangler.shape))
    params = params._replace(entangler=turns[0], disentangler=turns[1])
    inputs = rng.uniform(-1, 1, (batch, n_steps, config.n_features))
    shape = (batch,) if config.loss == "last" else (batch, n_steps)
    shape += (config.n_outputs,) if config.n_outputs > 1 else ()
    return config, params, inputs, rng.uniform(-0.9, 0.9, shape)


def gradient(case, method="reverse"):
    """The gradient as one vector; what is drawn is always the same."""
    config, params, inputs, targets = case
    rng = np.random.default_rng(7)
    return checker.flatten(
        loss_and_grad(params, inputs, targets, config, method, rng)[1]
    )


def assert_trains(config, **options):
    """Training by name lowers the loss; the parameters afterwards."""
    _, params, inputs, targets = draw(1, batch=16, **vars(config))
    rng = np.random.default_rng(0)
    options = {"epochs": 25, "learning_rate": 0.05} | options
    fitted, history = fit(params, inputs, targets / 2, config, rng=rng, **options)
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    return params, fitted, history


# -- a memory rule: gradients and training -------------------------------------------


@pytest.mark.parametrize("loss", ["last", "all"])
@every_rotation
@every_rule
def test_the_gradient_of_a_rule_is_the_derivative(memory, rotation, loss):
    case = draw(memory=memory, rotation=rotation, loss=loss)
    exact = gradient(case)
    assert np.linalg.norm(exact) > 1e-3
    measured = gradient(case, "finite-difference")
    np.testing.assert_allclose(measured, exact, rtol=0, atol=1e-7)
    for method in ("amplitude-shift", *METHODS[memory]):
        np.testing.assert_allclose(gradient(case, method), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "options", [{"encoding": "angle"}, {"disentangler": "inverse"}, {"cut": "separate"}]
)
@every_rule
def test_with_every_circuit(memory, options):
    case = draw(memory=memory, **options)
    measured = gradient(case, "finite-difference")
    np.testing.assert_allclose(measured, gradient(case), rtol=0, atol=1e-7)


@pytest.mark.parametrize("memory", [m for m in MINE if m != "coin"])
def test_one_sequence_is_a_part_of_many(memory):
    """For few states the gates are applied to them; a rule must not notice."""
    config, params, inputs, _ = draw(2, batch=40, memory=memory)
    y = predict(params, inputs, config, all_steps=True)
    for k in (3, 7):
        (alone,) = predict(params, inputs[k : k + 1], config, all_steps=True)
        np.testing.assert_allclose(alone, y[k], rtol=0, atol=1e-13)


@every_rule
def test_many_models_with_a_rule_are_each_one_alone(memory):
    cases = [draw(seed, memory=memory) for seed in (3, 4, 5)]
    config, (_, models, inputs, targets) = cases[0][0], zip(*cases, strict=True)
    data = np.stack(inputs), np.stack(targets)
    rngs = [np.random.default_rng(7) for _ in cases]
    together = reverse(stack_params(models), *data, config, rngs)
    for k, case in enumerate(cases):
        found = checker.flatten([array[k] for array in together.grads])
        np.testing.assert_array_equal(found, gradient(case))


@every_rule
def test_it_trains_by_name(memory):
    config = QLSTMConfig(memory=memory, rotation="RY")
    _, _, history = assert_trains(config)
    assert ("branch_switches" in history) == (memory == "second")


@every_rule
def test_it_trains_by_differences_as_in_reverse(memory):
    config, params, inputs, targets = draw(6, memory=memory, n_system=1, n_ancilla=1)
    losses = [
        fit(
            params,
            inputs,
            targets,
            config,
            epochs=2,
            gradient=method,
            rng=np.random.default_rng(0),
        )[1]["loss"]
        for method in ("reverse", "finite-difference")
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0, atol=1e-7)


# -- a memory rule: what it does is what was meant -----------------------------------


def circuit_kraus(params, x, config):
    """``K_i = <i| W |u>``, from the cell of a built-in rule."""
    run = one.forward(params, x[None, None], config, "kraus").run
    return run.kraus[0, 0, 0]


@pytest.mark.parametrize("memory", ["coherent", "kicked", "dephased", "lazy"])
def test_each_step_is_what_the_rule_says(memory):
    config, params, inputs, _ = draw(8, batch=1, memory=memory)
    ledger = trace(params, inputs, config)
    plain = QLSTMConfig(memory="mixed")
    before = ledger.memory_before[0, 0]
    for t, x in enumerate(inputs[0]):
        kraus = circuit_kraus(params, x, plain)
        if memory == "coherent":
            after = kraus.sum(axis=0) @ before
            after = after / np.linalg.norm(after)
        elif memory == "kicked":
            after = kraus.sum(axis=0) @ (np.exp([0, 0.5j, 0, 0.5j]) * before)
            after = after / np.linalg.norm(after)
        else:
            after = sum(k @ before @ k.conj().T for k in kraus)
            if memory == "dephased":
                after[~np.eye(4, dtype=bool)] *= 0.7
            else:
                after = 0.75 * after + 0.25 * before
        np.testing.assert_allclose(ledger.memory_before[0, t], before, atol=1e-13)
        np.testing.assert_allclose(ledger.memory_after[0, t], after, atol=1e-13)
        before = after


def test_a_lazy_step_shows_in_the_output():
    """With probability 1/4 the outcome is 0, and Z is 1."""
    config, params, inputs, _ = draw(9, n_steps=1, memory="lazy")
    y = predict(params, inputs, QLSTMConfig(memory="mixed"))
    expected = 0.75 * y + 0.25
    np.testing.assert_allclose(predict(params, inputs, config), expected, atol=1e-14)


@pytest.mark.parametrize("memory", ["second", "coin"])
def test_a_rule_is_given_its_outcomes(memory):
    """In the place of its own, for values and for every gradient."""
    config, params, inputs, targets = draw(10, memory=memory)
    record = np.random.default_rng(0).integers(4, size=(5, 3))
    collapse = QLSTMConfig()
    y, expected = (
        predict(params, inputs, c, all_steps=True, record=record)
        for c in (config, collapse)
    )
    np.testing.assert_array_equal(y, expected)
    found = [
        checker.flatten(
            loss_and_grad(params, inputs, targets, c, method, record=record)[1]
        )
        for c in (config, collapse)
        for method in ("reverse", "parameter-shift", "amplitude-shift")
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0, atol=1e-12)
    ledger = trace(params, inputs, config, np.random.default_rng(0), record)
    np.testing.assert_array_equal(ledger.outcome[:, :-1], record)


def test_a_rule_chooses_and_draws_where_nothing_is_given():
    config, params, inputs, _ = draw(11, memory="second")
    ledger = trace(params, inputs, config)
    second = ledger.outcome_probabilities.argsort(axis=-1)[..., -2]
    np.testing.assert_array_equal(ledger.outcome, second)
    coin = QLSTMConfig(memory="coin")
    one_seed, same, other = (
        trace(params, inputs, coin, np.random.default_rng(seed)).outcome
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one_seed, same)
    assert (one_seed != other).any()
    with pytest.raises(
        ValueError, match="`rng` must be .* for memory 'coin', but is N"
    ):
        predict(params, inputs, coin)


# -- a memory rule: what it does not support, and insight ----------------------------


@pytest.mark.parametrize("memory", ["coherent", "kicked", "forward"])
def test_a_method_that_is_not_supported_is_named(memory):
    case = config, params, inputs, targets = draw(12, memory=memory)
    wrong = ["parameter-shift"]
    if memory == "forward":
        wrong += ["reverse", "amplitude-shift", "naive-parameter-shift"]
    for method in wrong:
        message = f"rule '{memory}' does not support the gradient method '{method}': it"
        for call in (
            lambda method=method: gradient(case, method),
            lambda method=method: loss_gradient(
                params, inputs, targets, config, method, np.random.default_rng(0)
            ),
            lambda method=method: fit(
                params,
                inputs,
                targets,
                config,
                Training(epochs=1, gradient=method),
                rng=np.random.default_rng(0),
            ),
        ):
            with pytest.raises(ValueError, match=message):
                call()


def test_a_rule_without_a_backward_pass_trains_by_differences():
    config, params, inputs, targets = draw(
        13, memory="forward", n_system=1, n_ancilla=1
    )
    rng = np.random.default_rng(0)
    options = {"epochs": 8, "learning_rate": 0.05, "gradient": "finite-difference"}
    _, history = fit(params, inputs, targets, config, rng=rng, **options)
    assert history["loss"][-1] < history["loss"][0]


@every_rule
def test_insight_looks_inside(memory):
    """Everything that can be asked of a model."""
    config, params, inputs, targets = draw(14, batch=80, memory=memory)
    rng = np.random.default_rng(0)
    ledger = trace(params, inputs, config, rng)
    assert ledger.to_frame().shape[0] == 80 * 4
    assert -1e-12 < ledger.S_en.min() <= ledger.S_en.max() <= 2
    curve = forgetting_curve(params, inputs, config, rng=rng)
    assert 0 <= curve.distance.min() <= curve.distance.max() <= 1 + 1e-12
    assert curve.distance[0] > 1e-3
    assert (gradient_memory(params, inputs, config, rng=rng).norm > 0).all()
    assert holevo_information(params, inputs, config, rng=rng).raw.max() <= 2
    assert memory_capacity(params, inputs, config, rng=rng).r2.max() <= 1
    monitor = EntanglementMonitor(inputs, config, rng)
    _, history = fit(
        params, inputs, targets, config, epochs=1, rng=rng, monitor=monitor
    )
    assert {"S_en", "S_out", "K_en", "K_dis", "K_step"} < set(history)


@pytest.mark.parametrize("memory", DENSITIES)
def test_a_rule_is_a_channel(memory):
    """Its matrix takes each memory to the next, and keeps the trace."""
    config, params, inputs, _ = draw(15, memory=memory)
    ledger = trace(params, inputs, config)
    matrix = memory_channel(params, inputs, config).matrix
    before = ledger.memory_before.reshape(5, 4, 16, 1)
    after = (matrix @ before).reshape(ledger.memory_after.shape)
    np.testing.assert_allclose(after, ledger.memory_after, atol=1e-13)
    identity = np.eye(4).ravel()
    np.testing.assert_allclose(
        identity @ matrix, np.broadcast_to(identity, (5, 4, 16)), atol=1e-13
    )
    left = quantum_retention(params, inputs, config)
    assert (np.diff(left, axis=1) < 1e-10).all()


@pytest.mark.parametrize("memory", VECTORS)
def test_a_rule_that_is_no_channel_says_so(memory):
    config, params, inputs, _ = draw(15, memory=memory)
    with pytest.raises(ValueError, match=rf"one of .*dephased, lazy.*is '{memory}'"):
        memory_channel(params, inputs, config)


# -- a memory rule: files and workers ------------------------------------------------


def fresh(code, *paths):
    """Run code in a process that has not seen the user's file."""
    command = [sys.executable, "-c", code, *map(str, paths)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "options", [{"memory": m} for m in MINE] + [{"readout": "parity"}]
)
def test_a_model_is_saved_and_loaded(options, tmp_path):
    config, params, inputs, targets = draw(16, **options)
    save_model(tmp_path / "model.npz", params, config)
    loaded, loaded_config = load_model(tmp_path / "model.npz")
    assert loaded_config == config and type(loaded) is type(params)
    y, again = (
        predict(p, inputs, config, rng=np.random.default_rng(0))
        for p in (params, loaded)
    )
    np.testing.assert_array_equal(y, again)
    state = train_init(params, np.random.default_rng(0))
    state = train(state, inputs, targets, config, epochs=1)
    save_state(tmp_path / "state.npz", state, config)
    found, found_config = load_state(tmp_path / "state.npz")
    assert found_config == config
    whole = train(state, inputs, targets, config, epochs=2)
    rest = train(found, inputs, targets, config, epochs=2)
    for a, b in zip(whole.params, rest.params, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("load", [load_model, load_state])
@pytest.mark.parametrize("kind, name", [("memory", "coherent"), ("readout", "parity")])
def test_a_file_whose_rule_is_absent_says_how_to_get_it(kind, name, load, tmp_path):
    config, params, _, _ = draw(17, **{kind: name})
    path = tmp_path / "model.npz"
    if load is load_model:
        save_model(path, params, config)
    else:
        save_state(path, train_init(params, np.random.default_rng(0)), config)
    code = "import sys, qlstm; qlstm." + load.__name__ + "(sys.argv[1])"
    process = fresh(code, path)
    assert process.returncode == 1
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: ")
    for part in (f"{kind} '{name}'", f"`register_{kind}`", "my_rules", str(path)):
        assert part in last
    with_it = f"import sys; sys.path.append(sys.argv[2]); import my_rules; {code}"
    process = fresh(with_it, path, tmp_path / "mine")
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("memory", ["coherent", "dephased", "lazy"])
def test_a_sweep_finds_the_rule_in_its_workers(memory, own_file, tmp_path):
    """Two processes that never saw the file's folder."""
    sys.path.remove(str(own_file.parent))
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    common = {"memory": memory, "meeting": str(meeting), "processes": 2}
    configs = [common | {"seed": seed} for seed in range(4)]
    with ProcessWorkers(2) as workers:
        tally = run_sweep(fitted, configs, tmp_path / "sweep", workers)
    assert (tally.finished, tally.failed) == (4, 0)
    for config in configs:
        record = RunFolder(tmp_path / "sweep").load_run(run_key(config))
        assert record["result"]["loss"] == fitted(config)["loss"]


def test_a_worker_that_lacks_the_file_names_it(own_file, tmp_path):
    sys.path.remove(str(own_file.parent))
    own_file.unlink()
    common = {"memory": "coherent", "meeting": str(tmp_path), "processes": 1}
    with ProcessWorkers(1) as workers:
        tally = run_sweep(fitted, [common | {"seed": 0}], tmp_path / "sweep", workers)
    assert (tally.finished, tally.failed) == (0, 1)
    (path,) = (tmp_path / "sweep" / "failed").glob("*.json")
    for part in ("'coherent'", "my_rules", str(own_file)):
        assert part in path.read_text()


# -- a readout -------------------------------------------------------------------------

READOUTS = {
    "one": {},
    "two": {"n_outputs": 2},
    "all": {"n_outputs": 2, "loss": "all"},
    "three wires": {"n_outputs": 3, "n_system": 3, "n_ancilla": 1},
    "change": {"predicts": "change", "n_features": 2},
    "angle": {"encoding": "angle"},
}


@pytest.mark.parametrize("options", READOUTS)
@pytest.mark.parametrize("memory", [*one.MEMORIES, "dephased"])
def test_the_gradient_of_a_readout_is_the_derivative(memory, options):
    case = draw(18, memory=memory, readout="parity", **READOUTS[options])
    params = case[1]
    assert isinstance(params, QLSTMParams) and params._fields[4:] == ("gain",)
    exact = gradient(case)
    assert len(exact) == case[0].n_params
    assert np.abs(exact[-params.gain.size :]).min() > 1e-5
    measured = gradient(case, "finite-difference")
    np.testing.assert_allclose(measured, exact, rtol=0, atol=1e-7)
    for method in ("parameter-shift", "amplitude-shift"):
        np.testing.assert_allclose(gradient(case, method), exact, rtol=0, atol=1e-12)


def test_a_readout_is_what_it_says():
    """Parity and Z from the probabilities of the ledger, entry by entry."""
    config, params, inputs, _ = draw(19, readout="parity", n_outputs=2)
    params = params._replace(gain=np.array([0.8, -1.3]))
    p = trace(params, inputs, config).outcome_probabilities
    parity = p[..., 0] - p[..., 1] - p[..., 2] + p[..., 3]
    z = p[..., 0] - p[..., 1] + p[..., 2] - p[..., 3]  # of the lowest bit
    expected = np.stack([np.tanh(0.8 * parity), np.tanh(-1.3 * z)], axis=-1)
    y = predict(params, inputs, config, all_steps=True)
    np.testing.assert_allclose(y, expected, atol=1e-14)


def test_its_arrays_are_parameters_like_others():
    config, params, inputs, targets = draw(20, readout="parity", n_outputs=2)
    np.testing.assert_array_equal(params.gain, [1.5, 1.5])
    assert config.n_params == 26
    with pytest.raises(ValueError, match=r"`params.gain` must have shape \(2,\)"):
        predict(params._replace(gain=np.ones(3)), inputs, config)
    with pytest.raises(ValueError, match="gain for a readout 'parity', but holds 4"):
        predict(params[:4], inputs, config)
    again = pickle.loads(pickle.dumps(params))
    assert type(again) is type(params)
    np.testing.assert_array_equal(again.gain, params.gain)
    rng = np.random.default_rng(0)
    options = {"epochs": 2, "rng": rng}
    fitted, _ = fit(params, inputs, targets, config, frozen=("gain",), **options)
    np.testing.assert_array_equal(fitted.gain, params.gain)
    assert (fitted.entangler != params.entangler).any()
    alone, _ = fit(
        params, inputs, targets, config, frozen=params._fields[:4], **options
    )
    assert (alone.gain != params.gain).all()
    np.testing.assert_array_equal(alone.entangler, params.entangler)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_readout_trains_by_name(n_outputs):
    config = QLSTMConfig(readout="parity", rotation="RY", n_outputs=n_outputs)
    before, after, _ = assert_trains(config, epochs=40)
    assert np.abs(after.gain - before.gain).min() > 1e-3


def test_many_models_with_a_readout_are_each_one_alone():
    cases = [draw(seed, readout="parity", n_outputs=2) for seed in (21, 22, 23)]
    config, (_, models, inputs, targets) = cases[0][0], zip(*cases, strict=True)
    together = reverse(
        stack_params(models), np.stack(inputs), np.stack(targets), config
    )
    for k, case in enumerate(cases):
        found = checker.flatten([array[k] for array in together.grads])
        np.testing.assert_array_equal(found, gradient(case))


def test_insight_sees_a_readout():
    config, params, inputs, _ = draw(24, readout="parity", n_outputs=2)
    y = predict(params, inputs, config, all_steps=True)
    ledger = trace(params, inputs, config)
    np.testing.assert_allclose(ledger.readout, y[..., 0], atol=1e-14)
    found = gradient_memory(params, inputs, config).gradients
    for t in range(4):
        step = np.zeros_like(inputs)
        step[:, t] = 1e-5
        plus, minus = (predict(params, inputs + s, config) for s in (step, -step))
        np.testing.assert_allclose(found[:, t, 0], (plus - minus) / 2e-5, atol=1e-8)


# -- a monitor -------------------------------------------------------------------------


def norms(models):
    """The norm of each model's parameters."""
    return [{"norm": float(np.linalg.norm(checker.flatten(p)))} for p in models]


class Noise:
    """A monitor with a source of randomness of its own."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def __call__(self, models):
        return [{"noise": self.rng.normal()} for _ in models]


@pytest.mark.parametrize("memory", ["collapse", "sampled"])
def test_a_monitor_adds_numbers_after_each_epoch(memory):
    config, params, inputs, targets = draw(25, memory=memory)
    states = []
    _, history = fit(
        params,
        inputs,
        targets,
        config,
        epochs=4,
        rng=np.random.default_rng(0),
        monitor=norms,
        callback=states.append,
    )
    expected = [norms([state.params])[0]["norm"] for state in states]
    assert history["norm"] == expected
    assert len(set(expected)) == 4
    assert states[1].history["norm"] == expected[:2]  # it is there before the callback


def test_a_monitor_sees_one_model_or_many():
    models = [draw(seed)[1] for seed in (26, 27, 28)]
    assert norms(models) == [norms([params])[0] for params in models]


@pytest.mark.parametrize("memory", ["collapse", "sampled"])
def test_a_monitor_changes_nothing(memory):
    """Not even one that draws, and it cannot stop the run."""
    config, params, inputs, targets = draw(29, memory=memory)
    runs = [
        fit(
            params,
            inputs,
            targets,
            config,
            epochs=4,
            rng=np.random.default_rng(0),
            monitor=monitor,
        )
        for monitor in (None, norms, Noise(3))
    ]
    for trained, history in runs[1:]:
        assert history["loss"] == runs[0][1]["loss"]
        for a, b in zip(trained, runs[0][0], strict=True):
            np.testing.assert_array_equal(a, b)
    fresh_rng = np.random.default_rng(3)
    assert runs[2][1]["noise"] == [fresh_rng.normal() for _ in range(4)]


def test_what_a_monitor_found_is_saved_with_the_run(tmp_path):
    config, params, inputs, targets = draw(30)
    state = train_init(params, np.random.default_rng(0))
    part = train(state, inputs, targets, config, epochs=2, monitor=norms)
    save_state(tmp_path / "state.npz", part, config)
    loaded, _ = load_state(tmp_path / "state.npz")
    rest = train(loaded, inputs, targets, config, epochs=4, monitor=norms)
    whole = train(state, inputs, targets, config, epochs=4, monitor=norms)
    assert rest.history["norm"] == whole.history["norm"]
    assert len(whole.history["norm"]) == 4


def test_the_rules_of_this_file_are_not_built_in():
    assert set(MINE) | {"forward"} == set(RULES) - set(one.MEMORIES)
