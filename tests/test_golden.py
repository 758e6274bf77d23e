"""Our code against numbers that PennyLane computed (see golden/make_golden.py).

PennyLane need not be installed. Largest differences found when this was written: 5e-16
after single layers, 3e-15 in states, outputs and memories of whole sequences, 8e-15 in
entropies, 2e-14 in gradients through 10 steps.
"""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import one
import pytest

from qlstm import QLSTMConfig, QLSTMParams, loss_and_grad, predict
from qlstm.memory import RULES
from qsim import (
    collapse,
    entangling_layers,
    entangling_layers_backward,
    expval_z,
    probabilities,
    reduced_density_matrix,
)

FOLDER = Path(__file__).parent / "golden"
CASES = {
    f"{path.stem}-{case['n_steps']}": (QLSTMConfig(**content["config"]), case)
    for path in sorted(FOLDER.glob("R[XY]_*.json"))
    for content in [json.loads(path.read_text(encoding="utf-8"))]
    for case in content["cases"]
}
TOLERANCE = 1e-12
"""Absolute, for everything; room for another machine's rounding."""


def decode(content):
    """Undo `make_golden.encode`: an array, or parameters."""
    if isinstance(content, dict) and "real" in content:
        return np.array(content["real"]) + 1j * np.array(content["imag"])
    if isinstance(content, dict):
        return QLSTMParams(**{name: decode(value) for name, value in content.items()})
    return np.array(content)


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def golden(request):
    """A configuration, and its case with arrays for lists."""
    config, case = request.param
    arrays = {k: decode(v) for k, v in case.items() if k not in ("loss", "grads")}
    arrays["loss"] = case["loss"]
    arrays["grads"] = {loss: decode(grads) for loss, grads in case["grads"].items()}
    return config, arrays


def assert_near(ours, theirs):
    assert np.shape(ours) == np.shape(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


def as_states(flat, config):
    """Rows of amplitudes as the simulator's states."""
    return flat.reshape(-1, *(2,) * config.n_wires)


def test_every_configuration_is_there():
    found = {
        (c.n_system, c.n_ancilla, c.rotation, c.memory, case["n_steps"])
        for c, case in CASES.values()
    }
    registers = {(2, 2), (1, 2), (2, 1), (3, 2), (1, 1)}
    assert len(found) == len(CASES) == 60
    assert {key[:2] for key in found} == registers
    assert {key[4] for key in found} == {1, 2, 10}


def test_no_case_is_near_a_tie():
    assert min(case["smallest_margin"] for _, case in CASES.values()) > 1e-3


def test_state_after_every_layer(golden):
    config, case = golden
    angles = one.circuit_angles(case["params"], config)
    for joint, layers in zip(case["joint"], case["layers"], strict=True):
        state = as_states(joint, config)
        for k, expected in enumerate(layers):
            state = entangling_layers(state, angles[k : k + 1], config.rotation)
            assert_near(state.reshape(expected.shape), expected)
            whole = entangling_layers(
                as_states(joint, config), angles[: k + 1], config.rotation
            )
            assert_near(whole.reshape(expected.shape), expected)


def test_layers_are_undone(golden):
    config, case = golden
    angles = one.circuit_angles(case["params"], config)
    for joint, layers in zip(case["joint"], case["layers"], strict=True):
        last = as_states(layers[-1], config)
        before, _, _ = entangling_layers_backward(last, last, angles, config.rotation)
        assert_near(before.reshape(joint.shape), joint)


def test_measurements_of_the_shown_states(golden):
    config, case = golden
    system = range(config.n_system)
    ancilla = range(config.n_system, config.n_wires)
    for k, step in enumerate(case["shown"]):
        state = as_states(case["layers"][k, -1], config)
        assert_near(expval_z(state, config.n_system - 1), case["outputs"][step])
        assert_near(probabilities(state, system), case["p_system"][step])
        assert_near(probabilities(state, ancilla), case["p_ancilla"][step])
        rho = reduced_density_matrix(state, ancilla)
        assert_near(rho, case["rho_ancilla"][k])
        eigenvalues = np.linalg.eigvalsh(rho).clip(min=1e-300)
        entropy = -(eigenvalues * np.log2(eigenvalues)).sum(axis=1)
        assert_near(entropy, case["entropy"][k])
        if config.memory == "collapse":
            memory = collapse(state, system).state
            assert_near(memory.reshape(len(state), -1), case["memories"][step])


@pytest.mark.parametrize("route", one.ROUTES)
def test_unrolled_model(golden, route):
    config, case = golden
    run = one.forward(case["params"], case["inputs"], config, route)
    assert_near(run.outputs, case["outputs"])
    memory, _ = RULES[config.memory].update(run.branches[-1])
    assert_near([*run.memories[1:], memory], case["memories"])
    p = np.vecdot(run.branches, run.branches).real
    assert_near(p, case["p_system"])
    assert_near(run.probabilities, case["p_system"])
    for k, step in enumerate(case["shown"]):
        u, h = run.values[step], run.memories[step]
        joint = (u[:, :, None] * h[:, None, :]).reshape(len(u), -1)
        assert_near(joint, case["joint"][k])
        assert_near(run.branches[step].reshape(joint.shape), case["layers"][k, -1])


def test_predictions(golden):
    config, case = golden
    y = predict(case["params"], case["inputs"], config)
    assert_near(y, case["outputs"][-1])
    y = predict(case["params"], case["inputs"], config, all_steps=True)
    assert_near(y, case["outputs"].T)


@pytest.mark.parametrize("loss", ["last", "all"])
@pytest.mark.parametrize("route", [None, *one.ROUTES])
def test_loss_and_gradient(golden, loss, route):
    config, case = golden
    config = replace(config, loss=loss)
    targets = case["targets"] if loss == "all" else case["targets"][:, -1]
    if route is None:
        value, grads = loss_and_grad(case["params"], case["inputs"], targets, config)
    else:
        value, grads, _ = one.reverse(
            case["params"], case["inputs"], targets, config, route
        )
    assert_near(value, case["loss"][loss])
    for ours, theirs in zip(grads, case["grads"][loss], strict=True):
        assert_near(ours, theirs)


@pytest.fixture
def make_golden(monkeypatch):
    """The script that writes the files, which needs PennyLane."""
    pytest.importorskip("pennylane", reason="golden vectors are made with PennyLane")
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[1])
    spec = importlib.util.spec_from_file_location(
        "make_golden", FOLDER / "make_golden.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same(today, written):
    """Compare nested dicts; numbers may differ by rounding."""
    if isinstance(written, dict):
        assert today.keys() == written.keys()
        for name, value in written.items():
            assert_same(today[name], value)
    else:
        assert_near(today, written)


@pytest.mark.parametrize("stem", ["RX_collapse_2_2", "RY_probabilities_1_2"])
def test_pennylane_gives_the_same_numbers_today(make_golden, stem):
    config, case = CASES[f"{stem}-2"]
    assert_same(make_golden.make_case(config, 2), case)


def test_the_script_names_every_file(make_golden):
    names = {make_golden.filename(config) for config in make_golden.configs()}
    assert names == {path.name for path in FOLDER.glob("R[XY]_*.json")}
