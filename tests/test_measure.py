"""Probabilities, expectation values, reduced states and collapse."""

from itertools import permutations

import dense
import numpy as np
import pytest

from qsim import (
    RY,
    apply_gate,
    collapse,
    expval_z,
    probabilities,
    reduced_density_matrix,
    zero_state,
)

CASES = [
    (n, wires)
    for n in range(1, 6)
    for k in range(1, min(n, 3) + 1)
    for wires in permutations(range(n), k)
    if n < 5 or wires in {(4,), (0, 3), (3, 0), (1, 4, 2), (4, 2, 0)}
]


def projectors(wires, n_wires):
    """``|i><i|`` on the wires for every outcome i, as dense matrices."""
    dim = 2 ** len(wires)
    return [dense.embed(np.diag(row), wires, n_wires) for row in np.eye(dim)]


@pytest.mark.parametrize("n_wires, wires", CASES)
def test_probabilities_are_expectations_of_projectors(n_wires, wires):
    rng = np.random.default_rng([0, n_wires, *wires])
    state = dense.random_state(rng, n_wires, 3)
    p = probabilities(state, wires)
    flat = state.reshape(3, -1)
    expected = [
        [
            (row.conj() @ projector @ row).real
            for projector in projectors(wires, n_wires)
        ]
        for row in flat
    ]
    assert p.dtype == np.float64
    np.testing.assert_allclose(p, expected, atol=1e-13, rtol=0)
    np.testing.assert_allclose(p.sum(axis=1), 1)


@pytest.mark.parametrize("n_wires", [1, 2, 3, 4, 5, 6])
def test_expval_z_is_an_expectation(n_wires):
    rng = np.random.default_rng([1, n_wires])
    state = dense.random_state(rng, n_wires, 3)
    flat = state.reshape(3, -1)
    for wire in range(n_wires):
        z = dense.embed(dense.PAULI["RZ"], [wire], n_wires)
        expected = [(row.conj() @ z @ row).real for row in flat]
        np.testing.assert_allclose(expval_z(state, wire), expected, atol=1e-13)


@pytest.mark.parametrize("n_wires, wires", CASES)
def test_reduced_density_matrix_is_a_partial_trace(n_wires, wires):
    rng = np.random.default_rng([2, n_wires, *wires])
    state = dense.random_state(rng, n_wires, 2)
    rho = reduced_density_matrix(state, wires)
    expected = [dense.partial_trace(one, wires) for one in state]
    np.testing.assert_allclose(rho, expected, atol=1e-13, rtol=0)
    np.testing.assert_allclose(rho, rho.conj().swapaxes(1, 2), atol=1e-15)
    np.testing.assert_allclose(np.trace(rho, axis1=1, axis2=2), 1)
    diagonal = np.diagonal(rho, axis1=1, axis2=2)
    np.testing.assert_allclose(diagonal, probabilities(state, wires), atol=1e-15)


def test_partial_trace_of_a_product_gives_its_factors():
    rng = np.random.default_rng(3)
    a, b = dense.random_state(rng, 2), dense.random_state(rng, 3)
    state = np.kron(a.ravel(), b.ravel()).reshape(1, *(2,) * 5)
    for factor, wires in ((a, [0, 1]), (b, [2, 3, 4])):
        vector = factor.ravel()
        rho = reduced_density_matrix(state, wires)[0]
        np.testing.assert_allclose(rho, np.outer(vector, vector.conj()), atol=1e-14)


def test_a_cut_has_one_spectrum():
    state = dense.random_state(np.random.default_rng(4), 4)
    one = np.linalg.eigvalsh(reduced_density_matrix(state, [1])[0])
    rest = np.linalg.eigvalsh(reduced_density_matrix(state, [0, 2, 3])[0])
    np.testing.assert_allclose(rest[-2:], one, atol=1e-14)
    np.testing.assert_allclose(rest[:-2], 0, atol=1e-14)


def test_dtype_follows_the_state():
    state = apply_gate(zero_state(2), RY(0.3), [1])
    assert reduced_density_matrix(state, [1]).dtype == np.float64
    assert collapse(state, [0]).state.dtype == np.float64
    assert probabilities(state + 0j, [1]).dtype == np.float64


@pytest.mark.parametrize("n_wires, wires", [c for c in CASES if len(c[1]) < c[0]])
def test_collapse_projects_and_normalizes(n_wires, wires):
    rng = np.random.default_rng([5, n_wires, *wires])
    state = dense.random_state(rng, n_wires, 2)
    kept = state.copy()
    projector = projectors(wires, n_wires)
    p = probabilities(state, wires)
    given = rng.integers(0, 2 ** len(wires), 2)
    rest = [w for w in range(n_wires) if w not in wires]
    for outcomes in (None, given):
        after = collapse(state, wires, outcomes)
        wanted = p.argmax(axis=1) if outcomes is None else outcomes
        np.testing.assert_array_equal(after.outcomes, wanted)
        np.testing.assert_allclose(after.probability, p[range(2), wanted], atol=1e-15)
        assert after.state.shape == (2, *(2,) * len(rest))
        np.testing.assert_allclose(
            np.linalg.norm(after.state.reshape(2, -1), axis=1), 1
        )
        for i, outcome in enumerate(wanted):
            projected = projector[outcome] @ state[i].ravel()
            expected = dense.partial_trace(projected.reshape(state[i].shape), rest)
            vector = after.state[i].ravel()
            np.testing.assert_allclose(
                after.probability[i] * np.outer(vector, vector.conj()),
                expected,
                atol=1e-13,
            )
    np.testing.assert_array_equal(state, kept)


def test_collapse_keeps_the_branch_itself():
    state = dense.random_state(np.random.default_rng(6), 4)
    after = collapse(state, [0, 1], [2])
    branch = state[0, 1, 0]  # outcome 2 is bits 1, 0: amplitudes, phase included
    np.testing.assert_allclose(after.state[0], branch / np.linalg.norm(branch))


def test_ties_go_to_the_lowest_outcome():
    even = np.full((1, 2, 2, 2), 8**-0.5)
    assert collapse(even, [0, 1]).outcomes.tolist() == [0]
    upper = np.array([0.0, 0.5, 0.5, 0.5]).repeat(2).reshape(1, 2, 2, 2)
    assert collapse(upper, [0, 1]).outcomes.tolist() == [1]
    assert collapse(upper, [1, 0]).outcomes.tolist() == [1]  # its own order of bits


def test_collapse_refuses_an_impossible_outcome():
    text = "non-zero probability, but outcome 1 of sample 1 has probability 0"
    with pytest.raises(ValueError, match=text):
        collapse(zero_state(2, 2), [0], [0, 1])


@pytest.mark.parametrize(
    "outcomes, text",
    [
        ([0], r"must be integers of shape \(2,\), but is int64 of shape \(1,\)"),
        ([0.0, 1.0], r"must be integers of shape \(2,\), but is float64"),
        ([0, 2], r"must lie in 0\.\.1, but holds 0 to 2"),
        ([-1, 0], r"must lie in 0\.\.1, but holds -1 to 0"),
    ],
)
def test_collapse_refuses_wrong_outcomes(outcomes, text):
    with pytest.raises(ValueError, match=text):
        collapse(zero_state(2, 2), [0], outcomes)


def test_collapse_must_leave_a_wire():
    with pytest.raises(ValueError, match="`wires` must leave a wire unmeasured, but"):
        collapse(zero_state(2), [1, 0])


@pytest.mark.parametrize("measure", [probabilities, reduced_density_matrix, collapse])
def test_refuses_wrong_states_and_wires(measure):
    with pytest.raises(ValueError, match="Argument `state` must have shape"):
        measure(np.ones(4), [0])
    with pytest.raises(ValueError, match="Argument `wires` must lie in 0..1"):
        measure(zero_state(2), [2])


def test_expval_z_refuses_a_wrong_wire():
    with pytest.raises(ValueError, match="Argument `wires` must lie in 0..1"):
        expval_z(zero_state(2), 2)


def test_small_integers_do_not_overflow():
    state = np.array([[0, 1]], dtype=np.uint8)
    np.testing.assert_array_equal(expval_z(state, 0), [-1.0])


@pytest.mark.parametrize("wire", [0.7, "1", None])
def test_wires_are_integers(wire):
    with pytest.raises(TypeError, match="`wires` must be a sequence of integers"):
        probabilities(zero_state(2), [wire])


def test_states_are_numbers_and_there_is_one():
    with pytest.raises(TypeError, match="`state` must be an array of numbers"):
        probabilities(np.array([["a", "b"]]), [0])
    with pytest.raises(ValueError, match="`state` must hold at least one state"):
        probabilities(np.zeros((0, 2)), [0])
