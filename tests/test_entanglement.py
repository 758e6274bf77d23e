"""Entanglement of pure states: closed forms, cuts and their complements, batches."""

from itertools import combinations

import numpy as np
import pytest

import qsim
from qsim import entanglement


def random_states(rng, batch, n_wires):
    """Random normalized states ``(batch, 2, ..., 2)``."""
    shape = (batch, 2**n_wires)
    flat = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return flat.reshape(batch, *(2,) * n_wires)


def ghz(n_wires):
    """``(|0...0> + |1...1>) / sqrt 2``."""
    flat = np.zeros(2**n_wires)
    flat[[0, -1]] = np.sqrt(0.5)
    return flat.reshape(1, *(2,) * n_wires)


def w_state(n_wires):
    """The equal sum of all states with a single one."""
    flat = np.zeros(2**n_wires)
    flat[2 ** np.arange(n_wires)] = 1 / np.sqrt(n_wires)
    return flat.reshape(1, *(2,) * n_wires)


def product_state(rng, n_wires):
    """A random state of each wire."""
    state = random_states(rng, 1, 1)
    for _ in range(n_wires - 1):
        state = state[..., None] * random_states(rng, 1, 1)[0]
    return state


def binary_entropy(p):
    """Entropy of a coin."""
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


@pytest.mark.parametrize("wires", [[0], [2], [0, 1], [3, 1], [1, 2, 3]])
def test_ghz_has_one_ebit_across_every_cut(wires):
    state = ghz(4)
    s = entanglement.schmidt_coefficients(state, wires)
    np.testing.assert_allclose(s[0, :2], np.sqrt(0.5), atol=1e-14)
    np.testing.assert_allclose(s[0, 2:], 0, atol=1e-14)
    for alpha in (0, 0.5, 1, 2, np.inf):
        entropies = entanglement.entanglement_entropy(state, wires, alpha)
        np.testing.assert_allclose(entropies, 1, atol=1e-13)
    np.testing.assert_allclose(
        entanglement.linear_entropy(state, wires), 0.5, atol=1e-14
    )
    np.testing.assert_allclose(
        entanglement.pure_concurrence(state, wires), 1, atol=1e-14
    )


@pytest.mark.parametrize(("n", "k"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_w_states(n, k):
    state = w_state(n)
    p = k / n
    np.testing.assert_allclose(
        entanglement.entanglement_entropy(state, range(k)),
        binary_entropy(p),
        atol=1e-13,
    )
    np.testing.assert_allclose(
        entanglement.linear_entropy(state, range(k)), 2 * p * (1 - p), atol=1e-14
    )
    np.testing.assert_allclose(
        entanglement.meyer_wallach(state), 4 * (n - 1) / n**2, atol=1e-14
    )


def test_product_states_have_no_entanglement():
    state = product_state(np.random.default_rng(0), 4)
    for wires in ([0], [1, 3], [0, 1, 2]):
        assert abs(entanglement.entanglement_entropy(state, wires)[0]) < 1e-13
        # The stable form keeps 1e-15 here, and so 1e-7 or better under the root.
        assert entanglement.linear_entropy(state, wires)[0] < 1e-29
        assert entanglement.pure_concurrence(state, wires)[0] < 1e-14
        rest = [wire for wire in range(4) if wire not in wires]
        assert abs(entanglement.mutual_information(state, wires, rest)[0]) < 1e-13
    assert abs(entanglement.meyer_wallach(state)[0]) < 1e-14
    lengths = np.linalg.norm(entanglement.bloch_vectors(state), axis=2)
    np.testing.assert_allclose(lengths, 1, atol=1e-14)


def test_concurrence_of_two_qubits_is_twice_the_determinant():
    state = random_states(np.random.default_rng(1), 8, 2)
    np.testing.assert_allclose(
        entanglement.pure_concurrence(state, [0]),
        2 * abs(np.linalg.det(state)),
        atol=1e-14,
    )


@pytest.mark.parametrize(
    "wires", [w for k in (1, 2, 3) for w in combinations(range(4), k)]
)
def test_a_cut_equals_its_complement_and_its_density_matrix(wires):
    state = random_states(np.random.default_rng(2), 3, 4)
    rest = [wire for wire in range(4) if wire not in wires]
    rho = qsim.reduced_density_matrix(state, wires)
    for alpha in (0, 0.5, 1, 3, np.inf):
        here = entanglement.entanglement_entropy(state, wires, alpha)
        there = entanglement.entanglement_entropy(state, rest, alpha)
        np.testing.assert_allclose(here, there, atol=1e-13)
        np.testing.assert_allclose(here, entanglement.entropy(rho, alpha), atol=1e-12)
    np.testing.assert_allclose(
        entanglement.linear_entropy(state, wires),
        1 - entanglement.purity(rho),
        atol=1e-14,
    )


def test_local_gates_change_nothing():
    rng = np.random.default_rng(3)
    state = random_states(rng, 2, 4)
    moved = qsim.apply_gate(state, entanglement.haar_unitary(4, rng), [2, 0])
    moved = qsim.apply_gate(moved, entanglement.haar_unitary(4, rng), [1, 3])
    np.testing.assert_allclose(
        entanglement.schmidt_coefficients(moved, [0, 2]),
        entanglement.schmidt_coefficients(state, [0, 2]),
        atol=1e-14,
    )


def test_mutual_information():
    # Two Bell pairs, (0, 2) and (1, 3).
    bell = np.eye(2) / np.sqrt(2)
    state = np.einsum("ac,bd->abcd", bell, bell)[None]
    np.testing.assert_allclose(
        entanglement.mutual_information(state, [0], [2]), 2, atol=1e-13
    )
    np.testing.assert_allclose(
        entanglement.mutual_information(state, [0], [1]), 0, atol=1e-13
    )
    np.testing.assert_allclose(
        entanglement.mutual_information(state, [0, 1], [2, 3]), 4, atol=1e-13
    )
    np.testing.assert_allclose(
        entanglement.mutual_information(ghz(4), [0, 1], [3]), 1, atol=1e-13
    )


def test_mutual_information_is_symmetric_and_grows_with_its_sides():
    state = random_states(np.random.default_rng(4), 5, 5)
    small = entanglement.mutual_information(state, [0], [3])
    np.testing.assert_allclose(
        small, entanglement.mutual_information(state, [3], [0]), atol=1e-13
    )
    assert (small < entanglement.mutual_information(state, [0, 1], [3])).all()


def test_bloch_vectors_are_pauli_expectations():
    state = random_states(np.random.default_rng(5), 4, 3)
    vectors = entanglement.bloch_vectors(state)
    assert vectors.shape == (4, 3, 3)
    for wire in range(3):
        for axis, pauli in enumerate((qsim.PAULI_X, qsim.PAULI_Y, qsim.PAULI_Z)):
            moved = qsim.apply_gate(state, pauli, [wire])
            wanted = (state.conj() * moved).sum(axis=(1, 2, 3)).real
            np.testing.assert_allclose(vectors[:, wire, axis], wanted, atol=1e-14)


def test_bloch_vector_of_a_turned_qubit():
    state = qsim.apply_gate(qsim.zero_state(1), qsim.RX(np.pi / 2), [0])
    np.testing.assert_allclose(
        entanglement.bloch_vectors(state), [[[0, -1, 0]]], atol=1e-15
    )


def test_meyer_wallach_of_known_states_and_as_bloch_lengths():
    np.testing.assert_allclose(entanglement.meyer_wallach(ghz(3)), 1, atol=1e-14)
    bell_and_zero = np.zeros((1, 2, 2, 2))
    bell_and_zero[0, 0, 0, 0] = bell_and_zero[0, 1, 1, 0] = np.sqrt(0.5)
    np.testing.assert_allclose(
        entanglement.meyer_wallach(bell_and_zero), 2 / 3, atol=1e-14
    )
    state = random_states(np.random.default_rng(6), 4, 4)
    lengths = (entanglement.bloch_vectors(state) ** 2).sum(axis=2)
    np.testing.assert_allclose(
        entanglement.meyer_wallach(state), 1 - lengths.mean(axis=1), atol=1e-14
    )


def test_a_batch_equals_a_loop():
    states = random_states(np.random.default_rng(7), 5, 3)
    calls = [
        lambda state: entanglement.schmidt_coefficients(state, [2, 0]),
        lambda state: entanglement.entanglement_entropy(state, [1]),
        lambda state: entanglement.entanglement_entropy(state, [1], 2.5),
        lambda state: entanglement.linear_entropy(state, [1]),
        lambda state: entanglement.pure_concurrence(state, [1]),
        lambda state: entanglement.mutual_information(state, [0], [2]),
        entanglement.bloch_vectors,
        entanglement.meyer_wallach,
    ]
    for call in calls:
        loop = np.concatenate([call(states[k : k + 1]) for k in range(5)])
        np.testing.assert_allclose(call(states), loop, atol=1e-14)


def test_arguments_are_not_modified():
    states = random_states(np.random.default_rng(8), 2, 3)
    before = states.copy()
    entanglement.mutual_information(states, [0], [2])
    entanglement.meyer_wallach(states)
    entanglement.bloch_vectors(states)
    np.testing.assert_array_equal(states, before)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: entanglement.entanglement_entropy(np.ones((1, 2, 2)), [0]),
            "Argument `state` must be normalized, but sample 0 has norm 2",
        ),
        (
            lambda: entanglement.bloch_vectors([[1.0, 0.0], [np.nan, 0.0]]),
            "Argument `state` must be finite, but holds nan or inf",
        ),
        (
            lambda: entanglement.schmidt_coefficients(np.ones((1, 3)), [0]),
            r"Argument `state` must have shape \(batch, 2, ..., 2\), but has \(1, 3\)",
        ),
        (
            lambda: entanglement.linear_entropy(ghz(2), [2]),
            "Argument `wires` must lie in 0..1, but holds 2",
        ),
        (
            lambda: entanglement.entanglement_entropy(ghz(2), [0], -0.5),
            "Argument `alpha` must be at least 0, but is -0.5",
        ),
        (
            lambda: entanglement.mutual_information(ghz(3), [0, 1], [1, 2]),
            (
                r"Arguments `wires_a` and `wires_b` must be disjoint, but are \[0, 1\] "
                r"and \[1, 2\]"
            ),
        ),
        (
            lambda: entanglement.meyer_wallach(qsim.zero_state(1)),
            "Argument `state` must have at least two wires, but has 1",
        ),
    ],
)
def test_messages(call, text):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize("dtype", [complex, np.complex64])
@pytest.mark.parametrize("alpha", [0, 1e-300, 0.01, 0.1, 0.9, 1 - 1e-15])
def test_a_product_state_has_no_entropy_of_any_order(alpha, dtype):
    rng = np.random.default_rng(3)
    left, right = random_states(rng, 5, 3), random_states(rng, 5, 3)
    state = np.einsum("bi,bj->bij", left.reshape(5, -1), right.reshape(5, -1))
    state = state.reshape(5, *(2,) * 6).astype(dtype)
    found = entanglement.entanglement_entropy(state, [0, 1, 2], alpha)
    np.testing.assert_allclose(found, 0, atol=1e-10 if dtype is complex else 1e-4)


def test_a_small_coefficient_that_is_not_rounding_counts():
    small = 1e-10
    state = np.array([[[1.0, 0.0], [0.0, small]]])
    found = entanglement.entanglement_entropy(state, [0], 0.01)
    expected = np.log2(1 + small**0.02) / 0.99
    np.testing.assert_allclose(found, expected, atol=1e-12)
