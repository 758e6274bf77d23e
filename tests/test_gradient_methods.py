"""Every gradient method against reverse mode, and reverse mode against a complex step."""

import checker
import dense
import numpy as np
import one
import pytest
from covering import covering

from qlstm import (
    PAPER_MEMORIES,
    QLSTMConfig,
    QLSTMParams,
    fit,
    init_params,
    loss_and_grad,
    loss_gradient,
)
from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine, prepare
from qlstm.shift import shifted_kraus
from qsim import circuit_matrix

REGISTERS = [(1, 1), (1, 2), (2, 2), (3, 1)]
METHODS = {
    "parameter-shift": 1e-12,
    "amplitude-shift": 1e-12,
    "finite-difference": 1e-7,
}


def draw(seed, n_steps=5, batch=3, **sizes):
    """A model and data whose collapse outcomes are far from a tie."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(**sizes)
    while True:
        params = init_params(config, rng)
        inputs = rng.uniform(-1, 1, (batch, n_steps, config.n_features))
        if config.memory != "collapse" or dense.margin(params, inputs, config) > 1e-4:
            shape = (batch,) if config.loss == "last" else (batch, n_steps)
            return config, params, inputs, rng.uniform(-1, 1, shape)


def gradient(params, inputs, targets, config, method="reverse"):
    """The gradient as one vector."""
    rng = np.random.default_rng(7)  # for `sampled`: the same record every time
    _, grads = loss_and_grad(params, inputs, targets, config, method, rng)
    return checker.flatten(grads)


@pytest.mark.parametrize(
    "rotation, memory, registers, n_steps, n_features, loss",
    covering(
        ["RX", "RY"], PAPER_MEMORIES, REGISTERS, [1, 2, 5, 10], [1, 2], ["last", "all"]
    ),
)
def test_all_methods_agree(rotation, memory, registers, n_steps, n_features, loss):
    n_system, n_ancilla = registers
    case = draw(
        n_steps * 10 + n_features,
        n_steps,
        n_features=n_features,
        n_system=n_system,
        n_ancilla=n_ancilla,
        rotation=rotation,
        memory=memory,
        loss=loss,
    )
    config, params, inputs, targets = case
    reverse = gradient(params, inputs, targets, config)
    for method, tolerance in METHODS.items():
        found = gradient(params, inputs, targets, config, method)
        np.testing.assert_allclose(found, reverse, atol=tolerance, rtol=0)


@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("memory", one.MEMORIES)
def test_all_methods_agree_for_the_inverse_disentangler(memory, n_layers):
    case = draw(3, memory=memory, n_layers=n_layers, disentangler="inverse")
    config, params, inputs, targets = case
    reverse = gradient(params, inputs, targets, config)
    for method, tolerance in METHODS.items():
        found = gradient(params, inputs, targets, config, method)
        np.testing.assert_allclose(found, reverse, atol=tolerance, rtol=0)


def analytic_loss(flat, like, inputs, targets, config):
    """The loss of an RY model without a conjugate or an absolute value in it.

    So it is the analytic continuation, and ``Im loss(x + i s) / s`` its derivative with
    no difference of nearby numbers. Written from the paper's equations.
    """
    arrays, start = [], 0
    for array in like:
        arrays.append(flat[start : start + array.size].reshape(array.shape))
        start += array.size
    params = QLSTMParams(*arrays)
    matrix = circuit_matrix(one.circuit_angles(params, config), "RY")
    total = 0.0
    for sequence, target in zip(inputs, targets, strict=True):
        memory = np.eye(config.ancilla_dim)[0]
        for x in sequence:
            a = x @ params.proj_weight + params.proj_bias
            psi = matrix @ np.kron(a / np.sqrt((a**2).sum()), memory)
            branches = psi.reshape(config.system_dim, config.ancilla_dim)
            p = (branches**2).sum(axis=1)
            if config.memory == "collapse":
                memory = branches[p.real.argmax()] / np.sqrt(p[p.real.argmax()])
            else:
                q = (branches**2).sum(axis=0)
                memory = q / np.sqrt((q**2).sum())
        total += (p[0::2].sum() - p[1::2].sum() - target) ** 2
    return total / len(inputs)


@pytest.mark.parametrize("n_steps", [1, 2, 10])
@pytest.mark.parametrize("registers", REGISTERS, ids="{0[0]}+{0[1]}".format)
@pytest.mark.parametrize("memory", PAPER_MEMORIES)
def test_complex_step(memory, registers, n_steps):
    n_system, n_ancilla = registers
    case = draw(
        5,
        n_steps,
        n_system=n_system,
        n_ancilla=n_ancilla,
        rotation="RY",
        memory=memory,
    )
    config, params, inputs, targets = case
    flat = checker.flatten(params)
    step = 1e-30
    derivative = [
        analytic_loss(flat + 1j * step * row, params, inputs, targets, config).imag
        / step
        for row in np.eye(flat.size)
    ]
    reverse = gradient(params, inputs, targets, config)
    scale = max(1.0, np.abs(reverse).max())
    np.testing.assert_allclose(derivative, reverse, atol=1e-14 * scale, rtol=0)


VARIANTS = {
    "flip": {},
    "inverse": {"disentangler": "inverse"},
    "angle": {"encoding": "angle"},
    "separate": {"cut": "separate"},
}


@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_amplitude_identity(variant, rotation):
    case = draw(0, memory="mixed", rotation=rotation, **VARIANTS[variant])
    config, params, inputs, _ = case
    run = one.forward(params, inputs, config, "kraus").run

    def shifted(turn):
        return shifted_kraus(run, turn, config)

    derivatives, step = shifted(np.pi) / 2, 1e-6
    difference = (shifted(step) - shifted(-step)) / (2 * step)
    np.testing.assert_allclose(derivatives, difference, atol=1e-9)
    ahead, behind = shifted(2 * np.pi), shifted(0)
    np.testing.assert_allclose(ahead, -behind, atol=1e-13)


OPTIONS = {
    "affine": {"readout": "affine"},
    "change": {"predicts": "change"},
    "two outputs": {"n_outputs": 2},
    "angle": {"encoding": "angle"},
    "separate": {"cut": "separate"},
    "separate inverse": {"cut": "separate", "disentangler": "inverse"},
    "all": {
        "encoding": "angle",
        "readout": "affine",
        "predicts": "change",
        "n_outputs": 2,
        "loss": "all",
    },
}


@pytest.mark.parametrize(
    "option, memory, rotation",
    covering(OPTIONS, one.MEMORIES, ["RX", "RY"], strength=2),
)
def test_all_methods_agree_for_every_option(option, memory, rotation):
    options = OPTIONS[option]
    config = QLSTMConfig(n_features=2, memory=memory, rotation=rotation, **options)
    rng = np.random.default_rng(11)
    params = init_params(config, rng)
    params = type(params)(*(a + rng.normal(0, 0.2, a.shape) for a in params))
    inputs = rng.uniform(-1, 1, (3, 4, 2))
    shape = (3,) if config.loss == "last" else (3, 4)
    shape += (config.n_outputs,) if config.n_outputs > 1 else ()
    targets = rng.uniform(-1, 1, shape)
    reverse = gradient(params, inputs, targets, config)
    for method, tolerance in METHODS.items():
        found = gradient(params, inputs, targets, config, method)
        np.testing.assert_allclose(found, reverse, atol=tolerance, rtol=0)


@pytest.mark.parametrize("memory", PAPER_MEMORIES)
def test_naive_shift_is_exact_at_one_step_only(memory):
    errors = []
    for n_steps in (1, 2, 10):
        case = draw(1, n_steps, rotation="RY", memory=memory)
        config, params, inputs, targets = case
        reverse = gradient(params, inputs, targets, config)
        naive = gradient(params, inputs, targets, config, "naive-parameter-shift")
        errors.append(np.linalg.norm(naive - reverse) / np.linalg.norm(reverse))
    assert errors[0] < 1e-13
    assert min(errors[1:]) > 0.3


COUNTS = {
    # sizes 2+2, 2 layers: 16 angles, 4 amplitudes, 4 memory amplitudes; 5 steps
    ("parameter-shift", "collapse"): 1 + 5 * 2 * (16 + 4),
    ("parameter-shift", "sampled"): 1 + 5 * 2 * (16 + 4),
    ("parameter-shift", "mixed"): 1 + 5 * 2 * (16 + 4),
    ("parameter-shift", "probabilities"): 5 * (1 + 2 * (16 + 4 + 4)) - 2 * 4,
    ("parameter-shift", "marginals"): 5 * (1 + 2 * (16 + 4 + 4)) - 2 * 4,
    ("parameter-shift", "reset"): 5 * (1 + 2 * (16 + 4)),
    ("finite-difference", "collapse"): 1 + 2 * 24,
    ("naive-parameter-shift", "collapse"): 1 + 2 * 16,
    ("amplitude-shift", "collapse"): 0,
    ("reverse", "collapse"): 0,
}


@pytest.mark.parametrize("method, memory", COUNTS)
def test_circuits_are_counted(method, memory):
    config, params, inputs, targets = draw(0, memory=memory)
    rng = np.random.default_rng(0)
    result = loss_gradient(params, inputs, targets, config, method, rng)
    assert result.evaluations == len(inputs) * COUNTS[method, memory]


@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("memory", PAPER_MEMORIES)
def test_training_by_shifts_is_training_in_reverse(memory, rotation):
    protocol = SINE_PROTOCOLS["figure"]
    rng = np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng), protocol, rng)
    config = QLSTMConfig(rotation=rotation, memory=memory)
    losses = [
        fit(
            init_params(config, np.random.default_rng(1)),
            data.train.inputs,
            data.train.targets,
            config,
            epochs=1,
            rng=np.random.default_rng(2),
            gradient=method,
        )[1]["loss"]
        for method in ("reverse", "parameter-shift")
    ]
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-10, rtol=0)


def test_methods_are_named():
    config, params, inputs, targets = draw(0)
    with pytest.raises(ValueError, match="`gradient` must be one of reverse, param"):
        loss_and_grad(params, inputs, targets, config, "adjoint")
