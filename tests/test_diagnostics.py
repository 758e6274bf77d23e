"""Diagnostics of the memory against closed forms, slow loops, and each other."""

from dataclasses import replace
from functools import reduce
from itertools import product

import numpy as np
import one
import pytest

from qlstm import QLSTMConfig, QLSTMParams, init_params, predict
from qlstm.insight import (
    channel,
    forgetting_curve,
    gradient_memory,
    holevo_information,
    knowledge,
    memory_capacity,
    memory_channel,
    quantum_retention,
    trace,
)
from qlstm.insight.knowledge import pauli_expectations
from qsim import PAULI_X, PAULI_Y, PAULI_Z, circuit_matrix
from qsim.entanglement import concurrence, entropy, log_negativity, trace_distance

PAULIS = [np.eye(2), PAULI_X, PAULI_Y, PAULI_Z]
every_memory = pytest.mark.parametrize("memory", one.MEMORIES)
every_rotation = pytest.mark.parametrize("rotation", ["RX", "RY"])


def draw(seed=0, batch=6, n_steps=5, **options):
    """A model and random sequences."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(**{"memory": "mixed", **options})
    params = init_params(config, rng)
    return params, rng.uniform(-1, 1, (batch, n_steps, config.n_features)), config


def any_angles(params, rng):
    """The same projection, with angles from the whole circle."""
    shape = params.entangler.shape
    angles = rng.uniform(0, 2 * np.pi, (2, *shape))
    return params._replace(entangler=angles[0], disentangler=angles[1])


def memories(params, inputs, config, seed=7):
    """Last memories as density matrices, by way of the ledger."""
    after = trace(params, inputs, config, rng=np.random.default_rng(seed)).memory_after
    last = after[:, -1]
    return last if last.ndim == 3 else np.einsum("bi,bj->bij", last, last.conj())


# -- the channel -------------------------------------------------------------------


def kraus_by_hand(params, x, config):
    """``<i| W |u>`` entry by entry."""
    w = circuit_matrix(
        np.concatenate([params.entangler, params.disentangler[::-1]]), config.rotation
    )
    a = x @ params.proj_weight + params.proj_bias
    u = a / np.linalg.norm(a)
    d = config.ancilla_dim
    tensor = w.reshape(config.system_dim, d, config.system_dim, d)
    return [sum(u[k] * tensor[i, :, k] for k in range(len(u))) for i in range(len(u))]


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2), (2, 1), (1, 2)])
@every_rotation
def test_the_channel_is_the_sum_over_outcomes(rotation, sizes):
    params, inputs, config = draw(
        1, 2, 2, rotation=rotation, n_system=sizes[0], n_ancilla=sizes[1]
    )
    found = memory_channel(params, inputs, config)
    for at in np.ndindex(2, 2):
        kraus = kraus_by_hand(params, inputs[at], config)
        expected = sum(np.kron(k, k.conj()) for k in kraus)
        np.testing.assert_allclose(found.matrix[at], expected, atol=1e-14)
        moduli = np.sort(np.abs(np.linalg.eigvals(expected)))[::-1]
        np.testing.assert_allclose(np.abs(found.eigenvalues[at]), moduli, atol=1e-3)
        np.testing.assert_allclose(found.rate[at], moduli[1], atol=1e-3)
        if found.rate[at] < 1:
            np.testing.assert_allclose(found.tau[at], -1 / np.log(found.rate[at]))


@every_rotation
def test_its_steps_are_those_of_mixed(rotation):
    params, inputs, config = draw(2, rotation=rotation)
    matrices = memory_channel(params, inputs, config).matrix
    sigma = np.eye(16)[0]  # |0><0|, read row by row
    for sequence, expected in zip(
        matrices, memories(params, inputs, config), strict=True
    ):
        state = reduce(lambda s, t: t @ s, sequence, sigma)
        np.testing.assert_allclose(state.reshape(4, 4), expected, atol=1e-13)


def test_its_first_eigenvalue_is_one_and_the_others_are_smaller():
    params, inputs, config = draw(3, rotation="RY")
    values = memory_channel(params, inputs, config).eigenvalues
    np.testing.assert_allclose(values[..., 0], 1, atol=1e-12)
    assert (np.diff(np.abs(values), axis=-1) < 1e-12).all()
    assert np.abs(values[..., 1]).max() < 0.9


def test_a_memory_that_is_left_alone_never_decays():
    config = QLSTMConfig(n_system=1, n_ancilla=1, n_layers=1, memory="mixed")
    params = QLSTMParams(np.ones((1, 2)), np.ones(2), *np.zeros((2, 1, 2)))
    inputs = np.linspace(-0.9, 0.9, 6).reshape(2, 3, 1)
    found = memory_channel(params, inputs, config)
    np.testing.assert_allclose(found.matrix, np.broadcast_to(np.eye(4), (2, 3, 4, 4)))
    np.testing.assert_array_equal(found.rate, 1)
    np.testing.assert_array_equal(found.tau, np.inf)
    np.testing.assert_allclose(quantum_retention(params, inputs, config), 2, atol=1e-12)
    forgotten = forgetting_curve(params, inputs, config, rng=np.random.default_rng(0))
    np.testing.assert_allclose(forgotten.distance, 0, atol=1e-15)


@pytest.mark.parametrize(
    "kraus, rate, left",
    [
        (PAULIS[:1], 1.0, [2, 2, 2]),
        ([p / 2 for p in PAULIS], 0.0, [2, 0, 0]),  # depolarizes fully
        ([np.diag([1, 0]), np.diag([0, 1])], 1.0, [2, 1, 1]),  # dephases fully
        ([np.outer([0.6, 0.8], e) for e in np.eye(2)], 0.0, [2, 0, 0]),  # swaps u in
    ],
    ids=["identity", "depolarizing", "dephasing", "swap"],
)
def test_closed_forms(kraus, rate, left, monkeypatch):
    operators = np.array(kraus)[None, None].repeat(2, axis=0)  # two steps, one sample
    monkeypatch.setattr(channel, "_kraus", lambda *_: operators)
    config = QLSTMConfig(n_system=1, n_ancilla=1, memory="mixed")
    np.testing.assert_allclose(
        memory_channel(None, None, config).rate, rate, atol=1e-12
    )
    found = quantum_retention(None, None, config)
    np.testing.assert_allclose(found, [left], atol=1e-10)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.9])
def test_amplitude_damping(gamma, monkeypatch):
    """Eigenvalues 1, 1 - gamma and twice the root of that; the entropies by hand."""
    lowering = np.array([[0, np.sqrt(gamma)], [0, 0]])
    operators = np.array([np.diag([1, np.sqrt(1 - gamma)]), lowering])[None, None]
    monkeypatch.setattr(channel, "_kraus", lambda *_: operators)
    config = QLSTMConfig(n_system=1, n_ancilla=1, memory="mixed")
    found = memory_channel(None, None, config)
    root = np.sqrt(1 - gamma)
    np.testing.assert_allclose(found.eigenvalues[0, 0], [1, root, root, 1 - gamma])
    np.testing.assert_allclose(found.tau, [[-2 / np.log(1 - gamma)]])

    def h(p):
        return -p * np.log2(p) - (1 - p) * np.log2(1 - p)

    expected = 1 + h((1 + gamma) / 2) - h(gamma / 2)
    np.testing.assert_allclose(quantum_retention(None, None, config)[0, 1], expected)


def test_retention_with_a_reference_carried_along():
    """The joint state of reference, system and memory, from Kronecker products."""
    params, inputs, config = draw(4, 2, 3, rotation="RY")
    w = circuit_matrix(
        np.concatenate([params.entangler, params.disentangler[::-1]]), "RY"
    )
    found = quantum_retention(params, inputs, config)
    for k, sequence in enumerate(inputs):
        pair = np.eye(4).reshape(16) / 2  # R and memory, maximally entangled
        rho = np.outer(pair, pair)
        expected = [4.0]
        for x in sequence:
            a = x @ params.proj_weight + params.proj_bias
            u = a / np.linalg.norm(a)
            joint = np.kron(np.outer(u, u), rho).reshape([4] * 6)  # system, R, memory
            joint = np.einsum("abcd,crdesf->arbesf", w.reshape([4] * 4), joint)
            joint = np.einsum("arbesf,ghef->arbgsh", joint, w.reshape([4] * 4))
            rho = np.einsum("arbash->rbsh", joint).reshape(16, 16)
            memory = np.einsum("rbrh->bh", rho.reshape(4, 4, 4, 4))
            left = 2 + entropy(memory[None])[0] - entropy(rho[None])[0]
            expected.append(left)
        np.testing.assert_allclose(found[k], expected, atol=1e-10)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 2), (1, 2), (2, 1)])
@every_rotation
def test_retention_falls_from_twice_the_wires(rotation, sizes):
    params, inputs, config = draw(
        5, rotation=rotation, n_system=sizes[0], n_ancilla=sizes[1]
    )
    left = quantum_retention(params, inputs, config)
    assert left.shape == (6, 6)
    np.testing.assert_array_equal(left[:, 0], 2 * sizes[1])
    assert (np.diff(left, axis=1) < 1e-10).all()
    assert left.min() >= 0


@pytest.mark.parametrize("memory", ["collapse", "probabilities", "marginals", "reset"])
@pytest.mark.parametrize("question", [memory_channel, quantum_retention])
def test_only_channels_are_channels(question, memory):
    params, inputs, config = draw(6, memory=memory)
    with pytest.raises(
        ValueError, match=rf"one of mixed, sampled.*is '{memory}'.*repl"
    ):
        question(params, inputs, config)


def test_sampled_is_a_channel_in_the_mean():
    params, inputs, config = draw(6)
    drawn = replace(config, memory="sampled")
    for question in (memory_channel, quantum_retention):
        first, second = (question(params, inputs, c) for c in (config, drawn))
        np.testing.assert_array_equal(first[0], second[0])


# -- what is nilpotent, and why ----------------------------------------------------


def ring_over_f2(n_wires):
    """The CNOTs of a layer as a matrix over F2: in the X basis, control += target."""
    pairs = (
        [(0, 1)] if n_wires == 2 else [(w, (w + 1) % n_wires) for w in range(n_wires)]
    )
    matrix = np.eye(n_wires, dtype=int)
    for control, target in pairs:
        matrix[control] = (matrix[control] + matrix[target]) % 2
    return matrix


def power(matrix, n):
    """A matrix power over F2."""
    return reduce(lambda a, _: a @ matrix % 2, range(n), np.eye(len(matrix), dtype=int))


def nilpotency(block):
    """The smallest m with ``block^m = 0`` over F2, or None."""
    return next((m for m in range(1, 9) if not power(block, m).any()), None)


def order(matrix):
    """The smallest m > 0 with ``matrix^m = 1`` over F2."""
    eye = np.eye(len(matrix))
    return next(m for m in range(1, 200) if (power(matrix, m) == eye).all())


def deviations(matrices):
    """Largest entry of the product of channels on operators of trace 0."""
    d = int(np.sqrt(len(matrices[0])))
    product_ = reduce(lambda a, t: t @ a, matrices, np.eye(d * d))
    one = np.eye(d).ravel()
    return np.abs(product_ - np.outer(product_ @ one / d, one)).max()


@pytest.mark.parametrize("seed", range(5))
def test_mixed_with_rx_forgets_everything_in_four_steps(seed):
    rng = np.random.default_rng(seed)
    params, inputs, config = draw(seed, 20, 4)
    params = any_angles(params, rng)
    matrices = memory_channel(params, inputs * 9, config).matrix
    assert max(deviations(sequence) for sequence in matrices) < 2e-15
    assert max(deviations(sequence[:3]) for sequence in matrices) > 1e-3


def test_and_so_do_its_diagnostics():
    params, inputs, config = draw(7, 600, 8)
    rng = np.random.default_rng(0)
    curve = forgetting_curve(params, inputs, config, rng=rng)
    assert curve.distance[:4].min() > 1e-3
    assert curve.distance[4:].max() < 1e-15
    assert quantum_retention(params, inputs, config)[:, 4:].max() < 1e-12
    gradient = gradient_memory(params, inputs, config).norm
    assert gradient[:5].min() > 1e-6  # the last step adds one
    assert gradient[5:].max() < 1e-15
    assert memory_channel(params, inputs, config).rate.max() < 1e-3


@pytest.mark.parametrize(
    "sizes, steps",
    [
        ((2, 2, 2), 4),
        ((2, 2, 1), None),
        ((2, 2, 3), None),
        ((2, 2, 4), 3),
        ((3, 1, 2), 2),
        ((2, 1, 1), 2),
        ((2, 3, 2), 6),
        ((1, 2, 2), None),
        ((1, 1, 2), None),
        ((3, 3, 2), None),
    ],
)
def test_the_criterion_over_f2(sizes, steps):
    """Nilpotent if the memory's blocks of L and of its inverse are, and not otherwise."""
    n_system, n_ancilla, n_layers = sizes
    matrix = power(ring_over_f2(n_system + n_ancilla), 2 * n_layers)
    inverse = power(matrix, order(matrix) - 1)
    there, back = (nilpotency(m[n_system:, n_system:]) for m in (matrix, inverse))
    assert (there + back if there and back else None) == steps
    params, inputs, config = draw(
        8, 1, 12, n_system=n_system, n_ancilla=n_ancilla, n_layers=n_layers
    )
    params = any_angles(params, np.random.default_rng(8))
    sequence = memory_channel(params, inputs, config).matrix[0]
    if steps is None:
        assert deviations(sequence) > 1e-9
    else:
        assert deviations(sequence[:steps]) < 1e-14
        assert deviations(sequence[: steps - 1]) > 1e-6


def test_with_the_inverse_disentangler_rx_never_forgets():
    """The CNOTs cancel: populations in the X basis are neither lost nor learnt."""
    params, inputs, config = draw(9, disentangler="inverse")
    np.testing.assert_allclose(
        memory_channel(params, inputs, config).rate, 1, atol=1e-6
    )


# -- published numbers -------------------------------------------------------------


@pytest.mark.parametrize(
    "rotation, rate, left, length",
    [
        ("RY", 0.52, [4, 1.97, 0.59, 0.14, 0.035], 2.0),
        ("RX", 0.0, [4, 2.05, 0.33, 0.06, 0], 2.3),
    ],
)
def test_numbers_of_the_page(rotation, rate, left, length):
    """Means over draws of the initial parameters, as docs/memory.md shows them."""
    rates, retained, lengths, records = [], [], [], []
    for seed in range(20):
        params, inputs, config = draw(seed, 60, 10, rotation=rotation)
        rates.append(memory_channel(params, inputs[:, :1], config).rate.mean())
        retained.append(quantum_retention(params, inputs[:, :4], config).mean(axis=0))
        rng = np.random.default_rng(seed)
        lengths.append(forgetting_curve(params, inputs, config, rng=rng)[2])
        collapsed = trace(params, inputs, replace(config, memory="collapse"))
        records.append(collapsed.record_probability[:, -1])
    assert abs(np.mean(rates) - rate) < 0.03
    np.testing.assert_allclose(np.mean(retained, axis=0), left, atol=0.1)
    assert abs(np.mean(lengths) - length) < 0.25
    assert 5e-5 < np.median(records) < 1e-3


# -- sensitivity -------------------------------------------------------------------


@every_rotation
@every_memory
def test_the_forgetting_curve_equals_a_loop(memory, rotation):
    params, inputs, config = draw(10, memory=memory, rotation=rotation)
    found = forgetting_curve(params, inputs, config, rng=np.random.default_rng(7))
    rng = np.random.default_rng(7)
    seed = int(rng.integers(2**63))
    kept = memories(params, inputs, config, seed)
    for lag in range(5):
        shift = rng.integers(1, 6)
        changed = inputs.copy()
        for k in range(6):
            changed[k, 4 - lag] = inputs[(k + shift) % 6, 4 - lag]
        distance = trace_distance(kept, memories(params, changed, config, seed))
        assert abs(found.distance[lag] - distance.mean()) < 1e-7
        error = np.std(distance, ddof=1) / np.sqrt(6)
        assert abs(found.standard_error[lag] - error) < 1e-7
    if memory != "reset":
        expected = found.distance.sum() / found.distance[0]
        assert abs(found.effective_length - expected) < 1e-12


def test_a_reset_memory_is_not_sensitive_at_all():
    params, inputs, config = draw(11, memory="reset")
    found = forgetting_curve(params, inputs, config, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(found.distance, 0)
    assert found.effective_length == 0


def test_equal_memories_have_distance_zero_not_1e_minus_8():
    """Two histories that agree where it matters: RX, probabilities, one feature off."""
    params, inputs, config = draw(12, memory="probabilities", n_features=2)
    params = params._replace(proj_weight=params.proj_weight * [[1], [0]])
    inputs[..., 0] = 0.5
    found = forgetting_curve(params, inputs, config, rng=np.random.default_rng(0))
    assert found.distance.max() < 1e-15


def test_collapse_is_the_more_sensitive_and_mixed_the_more_capable():
    """Sensitivity is not capacity: the two order the rules the other way round."""
    params, inputs, config = draw(0, 1000, 16, rotation="RY")
    collapse = replace(config, memory="collapse")
    rng = np.random.default_rng(0)
    lengths, totals = (
        [
            forgetting_curve(params, inputs[:200], c, rng=rng).effective_length
            for c in (collapse, config)
        ],
        [memory_capacity(params, inputs, c).total for c in (collapse, config)],
    )
    assert lengths[0] > 3 * lengths[1]
    assert totals[1] > 2 * totals[0]


@pytest.mark.parametrize("n_features", [1, 2])
@every_rotation
@every_memory
def test_gradients_of_the_inputs(memory, rotation, n_features):
    params, inputs, config = draw(
        13, 4, 4, memory=memory, rotation=rotation, n_features=n_features
    )

    def outputs(at):
        return predict(params, at, config, rng=np.random.default_rng(7))

    found = gradient_memory(params, inputs, config, rng=np.random.default_rng(7))
    for t, f in product(range(4), range(n_features)):
        step = np.zeros_like(inputs)
        step[:, t, f] = 1e-5
        measured = (outputs(inputs + step) - outputs(inputs - step)) / 2e-5
        np.testing.assert_allclose(found.gradients[:, t, f], measured, atol=1e-8)
    norms = np.linalg.norm(found.gradients, axis=2).mean(axis=0)
    np.testing.assert_allclose(found.norm, norms[::-1], atol=1e-15)
    if memory == "reset":
        np.testing.assert_array_equal(found.norm[1:], 0)


OPTIONS = [
    {"encoding": "angle"},
    {"readout": "affine"},
    {"predicts": "change"},
    {"n_outputs": 2},
    {"encoding": "angle", "readout": "affine", "predicts": "change", "n_outputs": 2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("memory", ["collapse", "probabilities", "sampled", "mixed"])
def test_gradients_of_the_inputs_of_other_models(memory, options):
    params, inputs, config = draw(26, 3, 3, memory=memory, n_features=2, **options)
    if config.readout == "affine":
        scale = np.array([1.5, -0.7])[: config.n_outputs]
        params = params._replace(readout_scale=scale, readout_offset=scale / 3)
    found = gradient_memory(params, inputs, config, rng=np.random.default_rng(7))
    assert found.gradients.shape == inputs.shape + (2,) * (config.n_outputs == 2)
    for t, f in product(range(3), range(2)):
        step = np.zeros_like(inputs)
        step[:, t, f] = 1e-5
        plus, minus = (
            predict(params, at, config, rng=np.random.default_rng(7))
            for at in (inputs + step, inputs - step)
        )
        measured = (plus - minus) / 2e-5
        np.testing.assert_allclose(found.gradients[:, t, f], measured, atol=1e-8)
    flat = np.moveaxis(found.gradients, 1, 0).reshape(3, 3, -1)
    norms = np.linalg.norm(flat, axis=2).mean(axis=1)
    np.testing.assert_allclose(found.norm, norms[::-1], atol=1e-15)


def test_angle_encoding_has_a_channel_too():
    params, inputs, config = draw(27, encoding="angle")
    matrices = memory_channel(params, inputs, config).matrix
    for sequence, expected in zip(
        matrices, memories(params, inputs, config), strict=True
    ):
        state = reduce(lambda s, t: t @ s, sequence, np.eye(16)[0])
        np.testing.assert_allclose(state.reshape(4, 4), expected, atol=1e-13)
    assert (np.diff(quantum_retention(params, inputs, config), axis=1) < 1e-10).all()


# -- knowledge ---------------------------------------------------------------------


def by_hand(states):
    """Put memories in place of the model's."""
    return lambda *_: states


def test_pauli_expectations_are_traces():
    rng = np.random.default_rng(0)
    for n in (1, 2, 3):
        a = rng.normal(size=(3, 2**n, 2**n)) + 1j * rng.normal(size=(3, 2**n, 2**n))
        rho = a @ a.conj().swapaxes(1, 2)
        expected = [
            np.einsum("bij,ji->b", rho, reduce(np.kron, factors)).real
            for factors in product(PAULIS, repeat=n)
        ]
        np.testing.assert_allclose(pauli_expectations(rho), np.transpose(expected))


def test_holevo_of_orthogonal_memories_is_all_of_the_bin(monkeypatch):
    params, inputs, config = draw(14, 4000, 3, memory="collapse")
    quarter = np.argsort(np.argsort(inputs[:, 1, 0])) * 4 // 4000
    monkeypatch.setattr(knowledge, "last_memory", by_hand(np.eye(4)[quarter]))
    rng = np.random.default_rng(0)
    found = holevo_information(params, inputs, config, n_bins=8, rng=rng)
    np.testing.assert_allclose(found.raw[1], 2, atol=1e-12)
    np.testing.assert_allclose(found.raw[[0, 2]], found.control[[0, 2]], atol=2e-3)
    np.testing.assert_allclose(found.information, [0, 2, 0], atol=6e-3)
    assert 0 < found.control[0] < 0.01


def test_holevo_of_overlapping_memories(monkeypatch):
    """Two pure states at overlap c, equally often: h((1 + c) / 2) bits."""
    params, inputs, config = draw(
        15, 2000, 1, memory="collapse", n_system=1, n_ancilla=1
    )
    upper = np.argsort(np.argsort(inputs[:, 0, 0])) * 2 // 2000
    angle = 0.7
    pair = np.array([[1, 0], [np.cos(angle), np.sin(angle)]])
    monkeypatch.setattr(knowledge, "last_memory", by_hand(pair[upper]))
    rng = np.random.default_rng(0)
    found = holevo_information(params, inputs, config, n_bins=2, rng=rng)
    p = (1 + np.cos(angle)) / 2
    expected = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
    np.testing.assert_allclose(found.raw, [expected], atol=1e-12)


@every_memory
def test_holevo_equals_a_loop(memory):
    params, inputs, config = draw(16, 50, 3, memory=memory, n_features=2)
    found = holevo_information(
        params,
        inputs,
        config,
        feature=1,
        n_bins=3,
        n_shuffles=2,
        rng=np.random.default_rng(7),
    )
    rho = memories(params, inputs, config)
    total = entropy(rho.mean(axis=0)[None])[0]
    for lag in range(3):
        ranked = np.argsort(inputs[:, 2 - lag, 1])
        parts = [ranked[:16], ranked[16:33], ranked[33:]]
        inside = [len(p) / 50 * entropy(rho[p].mean(axis=0)[None])[0] for p in parts]
        assert abs(found.raw[lag] - (total - sum(inside))) < 1e-12
    np.testing.assert_array_equal(found.information, found.raw - found.control)


def test_sampled_knows_what_mixed_knows():
    params, inputs, config = draw(17, 6000, 4, rotation="RX")
    drawn = replace(config, memory="sampled")
    rng = np.random.default_rng(0)
    first, second = (
        holevo_information(params, inputs, c, rng=rng).information
        for c in (config, drawn)
    )
    assert first[0] > 0.1
    np.testing.assert_allclose(first, second, atol=0.03)


def test_capacity_of_a_perfect_memory(monkeypatch):
    """Populations linear in the last input, a coherence in the one before."""
    params, inputs, config = draw(18, 400, 4, n_system=1, n_ancilla=1)
    states = np.zeros((400, 2, 2), dtype=complex)
    states[:, 0, 0] = (1 + 0.5 * inputs[:, 3, 0]) / 2
    states[:, 1, 1] = 1 - states[:, 0, 0]
    states[:, 0, 1] = 0.2j * inputs[:, 2, 0]
    states[:, 1, 0] = states[:, 0, 1].conj()
    monkeypatch.setattr(knowledge, "last_memory", by_hand(states))
    found = memory_capacity(params, inputs, config)
    np.testing.assert_allclose(found.r2[:2, 0], 1, atol=1e-12)
    assert np.abs(found.r2[2:]).max() < 0.05
    assert abs(found.total - found.r2.sum()) < 1e-12


def test_capacity_sees_what_is_linear_only(monkeypatch):
    params, inputs, config = draw(
        19, 2000, 2, memory="collapse", n_system=1, n_ancilla=1
    )
    states = np.zeros((2000, 2))
    states[:, 0] = np.sqrt((1 + inputs[:, 1, 0] ** 2) / 2)
    states[:, 1] = np.sqrt(1 - states[:, 0] ** 2)
    monkeypatch.setattr(knowledge, "last_memory", by_hand(states))
    assert abs(memory_capacity(params, inputs, config).total) < 0.05


@every_memory
def test_capacity_equals_a_fit_by_hand(memory):
    params, inputs, config = draw(20, 301, 3, memory=memory, n_features=2)
    found = memory_capacity(params, inputs, config, rng=np.random.default_rng(7))
    rho = memories(params, inputs, config)
    if memory in ("probabilities", "marginals"):
        h = np.sqrt(np.einsum("bii->bi", rho).real)
        features = np.column_stack([h / h.sum(axis=1, keepdims=True), np.ones(301)])
    else:
        upper = np.triu_indices(4, 1)
        parts = [
            np.einsum("bii->bi", rho).real,
            rho[:, *upper].real,
            rho[:, *upper].imag,
        ]
        features = np.concatenate(parts, axis=1)  # spans what the Paulis span
    for lag, f in product(range(3), range(2)):
        x = inputs[:, 2 - lag, f]
        fitted = features[150:] @ (np.linalg.pinv(features[:150]) @ x[:150])
        r2 = (
            1
            - ((x[150:] - fitted) ** 2).sum() / ((x[150:] - x[150:].mean()) ** 2).sum()
        )
        assert abs(found.r2[lag, f] - r2) < 1e-6


# -- all of them -------------------------------------------------------------------


def every_question(params, inputs, config):
    """Everything that can be asked, with a seed."""
    rng = np.random.default_rng(3)
    questions = [
        forgetting_curve(params, inputs, config, rng=rng),
        holevo_information(params, inputs, config, rng=rng),
        memory_capacity(params, inputs, config, rng=rng),
        gradient_memory(params, inputs, config, rng=rng),
    ]
    return [np.asarray(array) for answer in questions for array in answer]


@every_memory
def test_the_same_seed_gives_the_same_bits_and_keeps_the_arguments(memory):
    params, inputs, config = draw(21, 100, 3, memory=memory)
    copies = [array.copy() for array in (*params, inputs)]
    first, second = (every_question(params, inputs, config) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    for before, after in zip(copies, (*params, inputs), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_generator_moves_on():
    params, inputs, config = draw(28, 100, 3, memory="sampled", n_outputs=2)
    rng = np.random.default_rng(0)
    for ask in (forgetting_curve, holevo_information, memory_capacity, gradient_memory):
        first, second = (ask(params, inputs, config, rng=rng)[0] for _ in range(2))
        assert (first != second).any()


@pytest.mark.parametrize(
    "change, pattern",
    [
        ({"n_bins": 0}, "`n_bins` must be at least 1, but is 0"),
        ({"n_shuffles": 0}, "`n_shuffles` must be at least 1, but is 0"),
        ({"n_bins": 7}, "at least 7 sequences, but holds 6"),
        ({"feature": 1}, r"`feature` must lie in 0\.\.0, but is 1"),
        ({"feature": -1}, r"`feature` must lie in 0\.\.0, but is -1"),
    ],
)
def test_holevo_s_options_are_checked(change, pattern):
    params, inputs, config = draw(22)
    with pytest.raises(ValueError, match=pattern):
        holevo_information(
            params,
            inputs,
            config,
            **{"n_bins": 2} | change,
            rng=np.random.default_rng(0),
        )


def test_a_count_is_an_integer():
    params, inputs, config = draw(22)
    with pytest.raises(TypeError, match=r"`n_bins` must be an integer, but is 2\.0"):
        holevo_information(
            params, inputs, config, n_bins=2.0, rng=np.random.default_rng(0)
        )


def test_too_little_data_is_an_error():
    params, inputs, config = draw(23, 63)
    with pytest.raises(ValueError, match="at least 64 sequences.*but holds 63"):
        memory_capacity(params, inputs, config)
    with pytest.raises(ValueError, match="at least 2 sequences, but holds 1"):
        forgetting_curve(params, inputs[:1], config, rng=np.random.default_rng(0))
    constant = np.repeat(inputs, 2, axis=0)
    constant[:, 1] = 0.3
    with pytest.raises(ValueError, match="must vary over the sequences at each step"):
        memory_capacity(params, constant, config)


@pytest.mark.parametrize(
    "question",
    [memory_channel, quantum_retention, gradient_memory, memory_capacity],
)
def test_wrong_models_are_refused(question):
    params, inputs, config = draw(24)
    with pytest.raises(ValueError, match="Argument `inputs` must have shape"):
        question(params, inputs[..., 0], config)
    with pytest.raises(
        ValueError, match=r"Argument `params\.proj_bias` must have shape"
    ):
        question(params._replace(proj_bias=np.ones(3)), inputs, config)


@pytest.mark.parametrize("question", [gradient_memory, memory_capacity])
def test_sampled_needs_a_generator(question):
    params, inputs, config = draw(25, 100, memory="sampled")
    with pytest.raises(ValueError, match="Argument `rng` must be"):
        question(params, inputs, config)


def test_half_of_the_retention_bounds_not_every_measure():
    """Cells of 1 + 1 wires: formation and log-negativity can both exceed I / 2."""
    config = QLSTMConfig(n_system=1, n_ancilla=1, rotation="RY", memory="mixed")
    larger = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        params, inputs = init_params(config, rng), rng.uniform(-1, 1, (1, 1, 1))
        half = quantum_retention(params, inputs, config)[0, 1] / 2
        channel = memory_channel(params, inputs, config).matrix[0, 0]
        choi = channel.reshape(2, 2, 2, 2).transpose(2, 0, 3, 1).reshape(1, 4, 4) / 2
        c = concurrence(choi)[0]
        p = (1 + np.sqrt(1 - c**2)) / 2
        formation = 0 if p == 1 else -p * np.log2(p) - (1 - p) * np.log2(1 - p)
        measures = formation, log_negativity(choi, (2, 2))[0]
        larger += min(measures) > half + 0.01
    assert larger > 0


def test_a_channel_that_forgets_nothing_has_rate_1():
    """`inverse` at equal angles is the identity: every memory stays as it is."""
    config = QLSTMConfig(rotation="RY", memory="mixed", disentangler="inverse")
    rng = np.random.default_rng(0)
    params = init_params(config, rng)
    params = params._replace(disentangler=params.entangler)
    found = memory_channel(params, rng.uniform(-1, 1, (2, 3, 1)), config)
    assert (found.rate == 1).all() and np.isinf(found.tau).all()
    np.testing.assert_allclose(found.matrix - np.eye(16), 0, atol=1e-12)
