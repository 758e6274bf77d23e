"""The rules beyond the paper's two: values, statistics, and every gradient.

`marginals`, `sampled`, `mixed` and `reset`, and the inverse disentangler.
"""

from dataclasses import replace

import checker
import dense
import numpy as np
import one
import pytest
from scipy import stats

from qlstm import QLSTMConfig, init_params, loss_and_grad, loss_gradient, predict
from qlstm.insight import trace
from qlstm.memory import RULES

NEW = ("marginals", "sampled", "mixed", "reset")
REGISTERS = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
every_rotation = pytest.mark.parametrize("rotation", ["RX", "RY"])
every_size = pytest.mark.parametrize("registers", REGISTERS, ids="{0[0]}+{0[1]}".format)


def draw(seed, registers=(2, 2), n_steps=5, batch=3, **options):
    """A model with angles in the whole circle, inputs, and targets of the loss's shape."""
    rng = np.random.default_rng(seed)
    n_system, n_ancilla = registers
    config = QLSTMConfig(n_system=n_system, n_ancilla=n_ancilla, **options)
    params = init_params(config, rng)
    shape = params.entangler.shape
    params = params._replace(
        entangler=rng.uniform(0, 2 * np.pi, shape),
        disentangler=rng.uniform(0, 2 * np.pi, shape),
    )
    inputs = rng.uniform(-1, 1, (batch, n_steps, config.n_features))
    last = config.loss == "last"
    targets = rng.uniform(-1, 1, (batch,) if last else (batch, n_steps))
    return config, params, inputs, targets


def stage_by_stage(params, config):
    """The step's matrix, from Kronecker products alone."""
    entangler = dense.layers_matrix(params.entangler, config.rotation)
    if config.disentangler == "inverse":
        adjoint = dense.layers_matrix(params.disentangler, config.rotation)
        return adjoint.conj().T @ entangler
    return dense.layers_matrix(params.disentangler[::-1], config.rotation) @ entangler


# -- mixed -------------------------------------------------------------------------


def trace_out_system(rho, d_s, d_a):
    """``sum_i <i| rho |i>``, entry by entry."""
    memory = np.zeros((d_a, d_a), dtype=complex)
    for i in range(d_s):
        for j in range(d_a):
            for k in range(d_a):
                memory[j, k] += rho[i * d_a + j, i * d_a + k]
    return memory


def run_density(params, sequence, config):
    """One sequence with the joint density matrix: outputs, memories, joint states."""
    w = stage_by_stage(params, config)
    d_s, d_a = config.system_dim, config.ancilla_dim
    z_last = dense.embed(np.diag([1, -1]), [config.n_system - 1], config.n_wires)
    sigma = np.zeros((d_a, d_a))
    sigma[0, 0] = 1
    outputs, memories, states = [], [], []
    for x in sequence:
        a = x @ params.proj_weight + params.proj_bias
        u = a / np.linalg.norm(a)
        rho = w @ np.kron(np.outer(u, u), sigma) @ w.conj().T
        outputs.append(np.trace(z_last @ rho).real)
        sigma = trace_out_system(rho, d_s, d_a)
        memories.append(sigma)
        states.append(rho)
    return np.array(outputs), np.array(memories), np.array(states)


@pytest.mark.parametrize("disentangler", ["flip", "inverse"])
@every_rotation
@every_size
def test_mixed_is_the_density_matrix_of_everything(registers, rotation, disentangler):
    config, params, inputs, _ = draw(
        1, registers, rotation=rotation, memory="mixed", disentangler=disentangler
    )
    outputs = predict(params, inputs, config, all_steps=True)
    ledger = trace(params, inputs, config)
    for k, sequence in enumerate(inputs):
        slow_outputs, memories, states = run_density(params, sequence, config)
        np.testing.assert_allclose(outputs[k], slow_outputs, atol=1e-13)
        np.testing.assert_allclose(ledger.memory_after[k], memories, atol=1e-13)
        np.testing.assert_allclose(ledger.state_out[k], states, atol=1e-13)


def test_mixed_memories_are_density_matrices():
    config, params, inputs, _ = draw(2, n_steps=30, memory="mixed")
    memory = trace(params, inputs, config).memory_after
    np.testing.assert_allclose(np.trace(memory, axis1=-2, axis2=-1), 1, atol=1e-13)
    np.testing.assert_allclose(memory, memory.conj().swapaxes(-1, -2), atol=1e-14)
    assert np.linalg.eigvalsh(memory).min() > -1e-14


# -- sampled -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def trajectories():
    """20,000 runs of one sequence by `sampled`, and the same by `mixed`."""
    config, params, inputs, _ = draw(3, n_steps=4, batch=1, memory="sampled")
    many = np.repeat(inputs, 20_000, axis=0)
    sampled = trace(params, many, config, rng=np.random.default_rng(0))
    return sampled, trace(params, inputs, replace(config, memory="mixed"))


def test_the_mean_of_sampled_is_mixed(trajectories):
    sampled, mixed = trajectories
    n = len(sampled.readout)
    error = sampled.readout.std(axis=0, ddof=1) / np.sqrt(n)
    assert error[0] < 1e-15  # the first step has drawn nothing yet
    off = (sampled.readout.mean(axis=0) - mixed.readout[0])[1:] / error[1:]
    assert np.abs(off).max() < 4
    h = sampled.memory_after
    mean = np.einsum("ntj,ntk->tjk", h, h.conj()) / n
    assert np.abs(mean - mixed.memory_after[0]).max() < 5 / np.sqrt(n)


def test_its_error_falls_as_one_over_the_root_of_n(trajectories):
    sampled, mixed = trajectories
    sizes = [20, 80, 320, 1280]
    errors = []
    for n in sizes:
        means = sampled.readout[:, -1][: 20_000 // n * n].reshape(-1, n).mean(axis=1)
        errors.append(np.sqrt(((means - mixed.readout[0, -1]) ** 2).mean()))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert abs(slope + 0.5) < 0.15


def test_sampled_has_born_s_frequencies(trajectories):
    sampled, _ = trajectories
    for step in range(3):
        # outcomes of runs whose record so far is the same have the same probabilities
        record = sampled.outcome[:, :step] @ 4 ** np.arange(step)
        values, counts = np.unique(record, return_counts=True)
        rows = np.flatnonzero(record == values[counts.argmax()])
        p = sampled.outcome_probabilities[rows[0], step]
        seen = np.bincount(sampled.outcome[rows, step], minlength=4)
        assert stats.chisquare(seen, len(rows) * p).pvalue > 1e-3


def test_an_impossible_outcome_is_never_drawn():
    branches = np.zeros((5000, 4, 2))
    branches[:, 1, 0], branches[:, 2, 1] = 0.6, 0.8
    _, cache = RULES["sampled"].update(branches[None], [np.random.default_rng(0)])
    seen = np.bincount(RULES["sampled"].outcomes(cache)[0], minlength=4) / 5000
    np.testing.assert_allclose(seen, [0, 0.36, 0.64, 0], atol=0.03)
    assert seen[0] == seen[3] == 0


def test_sampled_needs_a_generator():
    config, params, inputs, targets = draw(4, memory="sampled")
    message = r"Argument `rng` must be a numpy.random.Generator .*sampled.*is None"
    with pytest.raises(ValueError, match=message):
        predict(params, inputs, config)
    with pytest.raises(ValueError, match=message):
        loss_and_grad(params, inputs, targets, config)


def test_the_same_seed_draws_the_same_bits():
    config, params, inputs, _ = draw(5, memory="sampled", batch=50)
    first, again, other = (
        predict(params, inputs, config, rng=np.random.default_rng(s)) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_fixed_record_leaves_out_the_score_function():
    """The mean of sampled gradients is not the gradient of the mean output."""
    config, params, inputs, _ = draw(6, n_steps=2, batch=1, memory="sampled")
    many, n = np.repeat(inputs, 20_000, axis=0), 20_000
    rng = np.random.default_rng(0)
    run = one.forward(params, many, config, rng=rng)
    fixed = _output_gradient(params, many, config, np.random.default_rng(0)) / n
    exact = _output_gradient(params, inputs, replace(config, memory="mixed"))
    # add y d(log p): the derivative of the record's probability, by finite differences
    outcome, y = run.outcomes[0], run.outputs[1]
    score = np.zeros(exact.size)
    flat = checker.flatten(params)
    for k in range(flat.size):
        logs = []
        for h in (1e-5, -1e-5):
            moved = flat.copy()
            moved[k] += h
            there = one.forward(checker.like(moved, params), inputs, config, rng=rng)
            p = np.vecdot(there.branches[0], there.branches[0]).real[0]
            logs.append(np.log(p[outcome]))
        score[k] = (y * (logs[0] - logs[1]) / 2e-5).mean()
    assert np.linalg.norm(fixed - exact) > 0.1 * np.linalg.norm(exact)
    assert np.linalg.norm(fixed + score - exact) < 0.03 * np.linalg.norm(exact)


def _output_gradient(params, inputs, config, rng=None):
    """Gradient of the summed last outputs."""
    y = predict(params, inputs, config, rng=np.random.default_rng(0))
    _, grads = loss_and_grad(params, inputs, y - 0.5 * len(y), config, rng=rng)
    return checker.flatten(grads)


# -- marginals and reset -----------------------------------------------------------


@every_rotation
@pytest.mark.parametrize("n_system", [1, 2, 3])
def test_marginals_of_one_wire_are_its_probabilities(n_system, rotation):
    config, params, inputs, _ = draw(
        7, (n_system, 1), rotation=rotation, memory="marginals"
    )
    same = replace(config, memory="probabilities")
    np.testing.assert_allclose(
        predict(params, inputs, config, all_steps=True),
        predict(params, inputs, same, all_steps=True),
        atol=1e-14,
    )


def test_marginals_of_two_wires_are_not():
    config, params, inputs, _ = draw(7, memory="marginals")
    same = replace(config, memory="probabilities")
    apart = predict(params, inputs, config) - predict(params, inputs, same)
    assert np.abs(apart).min() > 1e-4


@every_rotation
def test_reset_forgets_every_earlier_input(rotation):
    config, params, inputs, _ = draw(8, rotation=rotation, memory="reset")
    other = inputs.copy()
    other[:, :-1] = np.random.default_rng(0).uniform(-9, 9, other[:, :-1].shape)
    expected = predict(params, inputs[:, -1:], config)
    np.testing.assert_allclose(predict(params, inputs, config), expected, atol=1e-15)
    np.testing.assert_array_equal(
        predict(params, inputs, config), predict(params, other, config)
    )


# -- gradients ---------------------------------------------------------------------

CASES = [
    (memory, registers, rotation, loss, n_features, "flip")
    for memory in NEW
    for k, registers in enumerate(REGISTERS)
    for rotation in ("RX", "RY")
    for loss, n_features in [[("last", 1), ("all", 2)], [("all", 1), ("last", 2)]][
        k % 2
    ]
] + [
    (memory, registers, rotation, loss, 1, "inverse")
    for memory in one.MEMORIES
    for registers, loss in [((1, 2), "last"), ((2, 2), "all")]
    for rotation in ("RX", "RY")
]
every_case = pytest.mark.parametrize(
    "memory, registers, rotation, loss, n_features, disentangler",
    CASES,
    ids=lambda v: f"{v[0]}+{v[1]}" if isinstance(v, tuple) else str(v),
)


def outcomes(params, inputs, config):
    """What `sampled` draws and `collapse` chooses, and the smallest margin."""
    ledger = trace(params, inputs, config, rng=np.random.default_rng(7))
    margin = ledger.margin.min() if config.memory == "collapse" else 1.0
    return ledger.outcome, margin


@every_case
def test_the_gradient(memory, registers, rotation, loss, n_features, disentangler):
    options = {
        "rotation": rotation,
        "memory": memory,
        "loss": loss,
        "n_features": n_features,
        "disentangler": disentangler,
    }
    config, _, inputs, targets = draw(9, registers, n_steps=4, **options)
    rng = np.random.default_rng(10)

    def draw_params():
        return draw(int(rng.integers(1 << 30)), registers, **options)[1]

    def loss_of(params):
        drawn = np.random.default_rng(7)
        return loss_and_grad(params, inputs, targets, config, rng=drawn)[0]

    def gradient(params):
        drawn = np.random.default_rng(7)
        return loss_and_grad(params, inputs, targets, config, rng=drawn)[1]

    def stable(points):
        found = [outcomes(p, inputs, config) for p in points]
        same = all((o == found[0][0]).all() for o, _ in found)
        return same and min(margin for _, margin in found) > checker.TIE

    error = checker.relative_error(rng, draw_params, loss_of, gradient, stable)
    assert error < 1e-7


@every_case
def test_exact_shifts_and_both_routes(
    memory, registers, rotation, loss, n_features, disentangler
):
    config, params, inputs, targets = draw(
        11,
        registers,
        n_steps=4,
        rotation=rotation,
        memory=memory,
        loss=loss,
        n_features=n_features,
        disentangler=disentangler,
    )

    def gradient(method):
        drawn = np.random.default_rng(7)
        return checker.flatten(
            loss_and_grad(params, inputs, targets, config, method, drawn)[1]
        )

    exact = gradient("reverse")
    assert np.linalg.norm(exact) > 1e-3
    for method in ("parameter-shift", "amplitude-shift"):
        np.testing.assert_allclose(gradient(method), exact, atol=1e-12)
    for route in one.ROUTES:
        drawn = np.random.default_rng(7)
        result = one.reverse(params, inputs, targets, config, route, drawn)
        np.testing.assert_allclose(checker.flatten(result.grads), exact, atol=1e-12)


def test_a_gradient_by_differences_replays_the_draws():
    config, params, inputs, targets = draw(12, memory="sampled")
    exact, measured = (
        checker.flatten(
            loss_and_grad(
                params, inputs, targets, config, method, np.random.default_rng(7)
            )[1]
        )
        for method in ("reverse", "finite-difference")
    )
    np.testing.assert_allclose(measured, exact, atol=1e-8)


@pytest.mark.parametrize(
    "memory, expected", [("marginals", 482), ("sampled", 401), ("mixed", 401)]
)
def test_circuits_are_counted(memory, expected):
    config, params, inputs, targets = draw(13, n_steps=10, batch=1, memory=memory)
    result = loss_gradient(
        params, inputs, targets, config, "parameter-shift", np.random.default_rng(7)
    )
    assert result.evaluations == expected


def test_reset_needs_no_circuit_for_its_memory():
    config, params, inputs, targets = draw(13, n_steps=10, batch=1, memory="reset")
    result = loss_gradient(params, inputs, targets, config, "parameter-shift")
    assert result.evaluations == 10 * (1 + 2 * 16 + 2 * 4)


# -- the inverse disentangler ------------------------------------------------------


@every_rotation
def test_equal_angles_undo_the_entangler(rotation):
    """``A^dag A = 1``: nothing is entangled, and the input alone is read out."""
    config, params, inputs, _ = draw(14, rotation=rotation, disentangler="inverse")
    params = params._replace(disentangler=params.entangler)
    ledger = trace(params, inputs, config)
    np.testing.assert_allclose(ledger.S_out, 0, atol=1e-12)
    assert ledger.S_en.min() > 0.01
    signs = np.array([1, -1, 1, -1])
    np.testing.assert_allclose(ledger.readout, ledger.encoded**2 @ signs, atol=1e-13)


@pytest.mark.parametrize("memory", ["collapse", "probabilities"])
@every_rotation
def test_the_inverse_is_the_adjoint_of_the_flipped_circuit(rotation, memory):
    config, params, inputs, _ = draw(
        15, rotation=rotation, memory=memory, disentangler="inverse"
    )
    w = stage_by_stage(params, config)
    run = one.forward(params, inputs, config)
    for t, h in enumerate(run.memories):
        joint = np.einsum("bi,bj->bij", run.values[t], h)
        expected = joint.reshape(len(inputs), -1) @ w.T
        np.testing.assert_allclose(
            run.branches[t].reshape(len(inputs), -1), expected, atol=1e-13
        )
