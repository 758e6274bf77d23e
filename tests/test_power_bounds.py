"""Upper bounds on entangling power: closed forms, duality, and their gradient."""

import numpy as np
import pytest

import qsim
from qsim import CNOT, entanglement
from qsim.entanglement import CZ, DCNOT, ISWAP, QUBIT_QUTRIT, SWAP
from qsim.entanglement.bounds import _negative_trace_norm

ALL_DIMS = [(2, 2), (2, 3), (3, 2), (3, 3), (2, 4), (4, 4)]


def random_density(d, rng):
    """A random density matrix, not far from maximally mixed."""
    a = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
    rho = a @ a.conj().T
    return 0.2 * rho / np.trace(rho).real + 0.8 * np.eye(d) / d


@pytest.mark.parametrize(
    ("gate", "capacity"),
    [
        (CNOT, 1),
        (CZ, 1),
        (ISWAP, 2),
        (DCNOT, 2),
        (SWAP, 2),
        (entanglement.unitary_power(SWAP, 0.5), 1.776968),
        (entanglement.unitary_power(ISWAP, 0.5), 1.543107),
        (np.kron(qsim.HADAMARD, qsim.RX(0.3)), 0),
        (entanglement.canonical_gate(0, 0, 0.1), np.log2(1 + np.sin(0.2))),
        (entanglement.canonical_gate(0, 0, 0.3), np.log2(1 + np.sin(0.6))),
        (entanglement.canonical_gate(0, 0, 0.5), np.log2(1 + np.sin(1.0))),
        (entanglement.canonical_gate(0.2, 0.2, 0.2), 1.218648),
    ],
)
def test_two_qubit_gates(gate, capacity):
    found = entanglement.log_negativity_capacity(gate, (2, 2))
    assert abs(found.value - capacity) < 1e-6
    assert abs(found.upper_bound - capacity) < 1e-6
    # For two qubits the maximally mixed pair is the best: LN = H_1/2(p).
    p = entanglement.operator_schmidt(gate, (2, 2)).probabilities
    renyi = 2 * np.log2(np.sqrt(p).sum())
    assert abs(entanglement.dual_upper_bound(gate, (2, 2)) - renyi) < 1e-12
    assert abs(found.value - renyi) < 1e-9


def test_the_adjoint_of_the_qubit_qutrit_gate_in_closed_form():
    found = entanglement.log_negativity_capacity(QUBIT_QUTRIT.T, (2, 3))
    exact = np.log2(2 + 6 / np.sqrt(10))
    assert found.value <= exact + 1e-12
    np.testing.assert_allclose(found[:2], exact, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dims", [*ALL_DIMS, (4, 8)])
def test_both_sides_of_the_bound_meet(dims, seed):
    unitary = entanglement.haar_unitary(dims[0] * dims[1], np.random.default_rng(seed))
    found = entanglement.log_negativity_capacity(unitary, dims)
    assert -1e-12 < found.upper_bound - found.value < 1e-6
    assert found.upper_bound <= 2 * np.log2(min(dims))
    again = entanglement.dual_upper_bound(unitary, dims, found.rho_a, found.rho_b)
    np.testing.assert_allclose(again, found.upper_bound, atol=1e-12)
    for rho, d in zip((found.rho_a, found.rho_b), dims, strict=True):
        np.testing.assert_allclose(np.trace(rho).real, 1, atol=1e-12)
        assert rho.shape == (d, d)


@pytest.mark.parametrize("dims", ALL_DIMS)
def test_every_pair_of_density_matrices_gives_a_bound(dims):
    rng = np.random.default_rng(2)
    unitary = entanglement.haar_unitary(dims[0] * dims[1], rng)
    best = entanglement.log_negativity_capacity(unitary, dims).value
    assert entanglement.dual_upper_bound(unitary, dims) >= best - 1e-12
    bounds = [
        entanglement.dual_upper_bound(
            unitary, dims, *(random_density(d, rng) for d in dims)
        )
        for _ in range(20)
    ]
    assert min(bounds) >= best - 1e-12
    trivial = 2 * np.log2(min(dims))
    assert max(bounds) <= trivial
    assert dims[0] != dims[1] or max(bounds) < trivial


def test_the_bound_is_the_norm_of_a_decomposition_of_the_unitary():
    # Equation (1), from the decomposition U = sum a_k (x) b_k written out.
    rng = np.random.default_rng(3)
    unitary = entanglement.haar_unitary(9, rng)
    rho_a, rho_b = random_density(3, rng), random_density(3, rng)
    roots = [_root(rho) for rho in (rho_a, rho_b)]
    weighted = unitary @ np.kron(*roots)
    matrix = weighted.reshape(3, 3, 3, 3).transpose(0, 2, 1, 3).reshape(9, 9)
    u, t, vh = np.linalg.svd(matrix)
    a = [np.sqrt(x) * k.reshape(3, 3) for x, k in zip(t, u.T, strict=True)]
    b = [np.sqrt(x) * k.reshape(3, 3) for x, k in zip(t, vh, strict=True)]
    a = [k @ np.linalg.inv(roots[0]) for k in a]
    b = [k @ np.linalg.inv(roots[1]) for k in b]
    rebuilt = sum(np.kron(x, y) for x, y in zip(a, b, strict=True))
    np.testing.assert_allclose(rebuilt, unitary, atol=1e-12)
    norms = [np.linalg.norm(sum(k.conj().T @ k for k in side), 2) for side in (a, b)]
    wanted = np.log2(norms).sum()
    assert wanted < 2 * np.log2(3)
    np.testing.assert_allclose(
        entanglement.dual_upper_bound(unitary, (3, 3), rho_a, rho_b), wanted, atol=1e-12
    )


def _root(rho):
    """The square root of a positive matrix."""
    values, vectors = np.linalg.eigh(rho)
    return (vectors * np.sqrt(values)) @ vectors.conj().T


def test_local_unitaries_change_nothing():
    rng = np.random.default_rng(4)
    unitary = entanglement.haar_unitary(6, rng)
    local = np.kron(
        entanglement.haar_unitary(2, rng), entanglement.haar_unitary(3, rng)
    )
    values = [
        entanglement.log_negativity_capacity(u, (2, 3)).value
        for u in (unitary, local @ unitary, unitary @ local)
    ]
    np.testing.assert_allclose(values, values[0], atol=1e-6)


@pytest.mark.parametrize("dims", [(2, 2), (2, 3), (3, 2)])
def test_gradient_is_central_differences(dims):
    rng = np.random.default_rng(5)
    tensor = entanglement.haar_unitary(dims[0] * dims[1], rng).reshape(*dims, *dims)
    x = rng.normal(size=2 * (dims[0] ** 2 + dims[1] ** 2))
    _, grad = _negative_trace_norm(x, tensor)
    numeric = qsim.finite_difference(lambda y: _negative_trace_norm(y, tensor)[0], x)
    np.testing.assert_allclose(grad, numeric, atol=1e-8)


def test_gradient_where_the_unitary_has_a_low_schmidt_rank():
    rng = np.random.default_rng(6)
    tensor = CNOT.reshape(2, 2, 2, 2)
    x = rng.normal(size=16)
    _, grad = _negative_trace_norm(x, tensor)
    numeric = qsim.finite_difference(lambda y: _negative_trace_norm(y, tensor)[0], x)
    np.testing.assert_allclose(grad, numeric, atol=1e-7)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: entanglement.dual_upper_bound(CNOT, (2, 2), np.eye(3) / 3),
            r"Argument `rho_a` must have shape \(2, 2\), but has \(3, 3\)",
        ),
        (
            lambda: entanglement.dual_upper_bound(CNOT, (2, 2), rho_b=np.eye(2)),
            "Argument `rho_b` must have trace 1, but sample 0 has 2",
        ),
        (
            lambda: entanglement.dual_upper_bound(CNOT, (2, 2), np.diag([1.0, 0.0])),
            "Argument `rho_a` must have eigenvalues of at least 1e-07, but one is 0",
        ),
        (
            lambda: entanglement.dual_upper_bound(CNOT, (4, 2)),
            "Argument `dims` must be two positive integers with product 4",
        ),
        (
            lambda: entanglement.log_negativity_capacity(2 * CNOT, (2, 2)),
            "Argument `unitary` must be unitary",
        ),
    ],
)
def test_messages(call, text):
    with pytest.raises(ValueError, match=text):
        call()
