"""The cell as a PennyLane QNode, and its absence."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import one
import pytest

from qlstm import QLSTMConfig, init_params, loss_and_grad, predict
from qlstm.interchange import to_pennylane

CONFIGS = [
    QLSTMConfig(),
    QLSTMConfig(n_system=1, n_layers=3, rotation="RY", memory="probabilities"),
    QLSTMConfig(n_system=3, n_ancilla=1, n_layers=1, n_features=2, rotation="RY"),
    QLSTMConfig(n_system=1, n_ancilla=1, memory="probabilities"),
]


@pytest.fixture
def qml():
    return pytest.importorskip("pennylane", reason="the node is PennyLane's")


def _draw(config, seed=0, batch=3, n_steps=4):
    rng = np.random.default_rng(seed)
    params = init_params(config, rng)
    return params, rng.uniform(-1, 1, (batch, n_steps, config.n_features))


@pytest.mark.parametrize("config", CONFIGS)
def test_every_step_of_a_sequence(qml, config):
    params, inputs = _draw(config)
    cell = to_pennylane(params, config)
    run = one.forward(params, inputs, config)
    for t, memory in enumerate(run.memories):
        y, state = cell(inputs[:, t], memory)
        np.testing.assert_allclose(y, run.outputs[t], rtol=0, atol=1e-13)
        branches = np.reshape(state, run.branches[t].shape)
        np.testing.assert_allclose(branches, run.branches[t], rtol=0, atol=1e-13)


def test_a_batch_equals_a_loop(qml):
    params, inputs = _draw(CONFIGS[0])
    cell = to_pennylane(params, CONFIGS[0])
    h = np.array([0.6, 0.0, 0.8, 0.0])
    together = cell(inputs[:, 0], np.tile(h, (3, 1)))
    for k in range(3):
        for whole, alone in zip(together, cell(inputs[k, 0], h), strict=True):
            assert np.shape(alone) == np.shape(whole)[1:]
            np.testing.assert_allclose(alone, whole[k], rtol=0, atol=1e-14)


def test_the_memory_starts_as_the_first_basis_state(qml):
    params, inputs = _draw(CONFIGS[0])
    cell = to_pennylane(params, CONFIGS[0])
    for ours, theirs in zip(
        cell(inputs[0, 0]), cell(inputs[0, 0], np.eye(4)[0]), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("config", CONFIGS)
def test_gradients_of_all_parameters(qml, config):
    from pennylane import numpy as pnp

    params, inputs = _draw(config, n_steps=1)
    targets = np.array([0.3, -0.2, 0.9])
    cell = to_pennylane(params, config)

    def loss(*arrays):
        y, _ = cell(inputs[:, 0], None, *arrays)
        return pnp.mean((y - targets) ** 2)

    theirs = qml.grad(loss, argnums=[0, 1, 2, 3])(*map(pnp.array, params))
    _, ours = loss_and_grad(params, inputs, targets, config)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


def test_parameters_of_the_call_win_over_the_given_ones(qml):
    config = CONFIGS[0]
    params, inputs = _draw(config)
    other, _ = _draw(config, seed=1)
    y, _ = to_pennylane(params, config)(inputs[:, 0], None, **other._asdict())
    expected = predict(other, inputs[:, :1], config)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)


def test_the_given_parameters_are_copied(qml):
    params, inputs = _draw(CONFIGS[0])
    cell = to_pennylane(params, CONFIGS[0])
    before, _ = cell(inputs[:, 0])
    params.entangler[:] += 1.0
    after, _ = cell(inputs[:, 0])
    np.testing.assert_array_equal(before, after)


def test_its_function_runs_on_another_device(qml):
    params, inputs = _draw(CONFIGS[0])
    cell = to_pennylane(params, CONFIGS[0])
    other = qml.QNode(cell.func, qml.device("lightning.qubit", wires=4))
    for a, b in zip(cell(inputs[0, 0]), other(inputs[0, 0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


@pytest.mark.filterwarnings("error")
def test_the_example_in_the_docstring(qml):
    finder = doctest.DocTestFinder(recurse=False)
    globs = {"np": np, "QLSTMConfig": QLSTMConfig, "to_pennylane": to_pennylane}
    (test,) = finder.find(to_pennylane, "to_pennylane", globs=globs)
    assert len(test.examples) > 5
    for example in test.examples:
        assert example.options.pop(doctest.SKIP)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_wrong_parameters(qml):
    params, _ = _draw(CONFIGS[0])
    with pytest.raises(
        ValueError, match=r"`params.entangler` must have shape \(1, 4\)"
    ):
        to_pennylane(params, QLSTMConfig(n_layers=1))


def test_without_pennylane(monkeypatch):
    monkeypatch.setitem(sys.modules, "pennylane", None)
    params, _ = _draw(CONFIGS[0])
    with pytest.raises(ImportError, match=r'pip install "qlstm\[crosscheck\]"'):
        to_pennylane(params, CONFIGS[0])


def test_a_broken_pennylane_is_not_called_absent(monkeypatch, tmp_path):
    package = tmp_path / "pennylane.py"
    package.write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pennylane", raising=False)
    params, _ = _draw(CONFIGS[0])
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        to_pennylane(params, CONFIGS[0])


def test_pennylane_is_imported_only_when_asked_for():
    code = (
        "import sys, qlstm, experiments.crosscheck; print('pennylane' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[1]
    out = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert out.stdout == "False\n", out.stderr
