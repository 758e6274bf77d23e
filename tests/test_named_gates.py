"""Named unitaries: what defines each, and what the checks say."""

import numpy as np
import pytest

import qsim
from qsim import CNOT, entanglement
from qsim.entanglement import CZ, DCNOT, ISWAP, QUBIT_QUTRIT, SWAP

XX, YY, ZZ = (np.kron(p, p) for p in (qsim.PAULI_X, qsim.PAULI_Y, qsim.PAULI_Z))


def test_constants_are_what_their_names_say():
    a, b = np.random.default_rng(0).normal(size=(2, 2))
    np.testing.assert_allclose(SWAP @ np.kron(a, b), np.kron(b, a))
    hadamard = np.kron(qsim.I2, qsim.HADAMARD)
    np.testing.assert_allclose(CZ, hadamard @ CNOT @ hadamard, atol=1e-15)
    np.testing.assert_allclose(ISWAP, SWAP @ CZ @ np.diag([1, 1j, 1j, -1]))
    # Bits: CNOT takes (a, b) to (a, a + b), the second one then to (b, a + b).
    for a, b in np.ndindex(2, 2):
        assert DCNOT[2 * b + (a ^ b), 2 * a + b] == 1


def test_the_qubit_qutrit_gate_maps_the_basis_as_documented():
    images = {0: [0], 1: [4], 3: [5], 4: [2], 2: [1, 3], 5: [1, -3]}
    for column, rows in images.items():
        wanted = np.zeros(6)
        for row in rows:
            wanted[abs(row)] = np.sign(row or 1) / np.sqrt(len(rows))
        np.testing.assert_allclose(QUBIT_QUTRIT[:, column], wanted, atol=1e-15)


@pytest.mark.parametrize("gate", [CNOT, CZ, SWAP, ISWAP, DCNOT, QUBIT_QUTRIT])
def test_constants_are_unitary_and_read_only(gate):
    np.testing.assert_allclose(gate.conj().T @ gate, np.eye(len(gate)), atol=1e-15)
    with pytest.raises(ValueError, match="read-only"):
        gate[0, 0] = 2.0


@pytest.mark.parametrize("gate", [CNOT, CZ, SWAP, ISWAP, DCNOT, QUBIT_QUTRIT])
def test_roots_multiply_back(gate):
    third = entanglement.unitary_power(gate, 1 / 3)
    np.testing.assert_allclose(third @ third @ third, gate, atol=1e-14)
    np.testing.assert_allclose(third.conj().T @ third, np.eye(len(gate)), atol=1e-14)
    np.testing.assert_allclose(
        entanglement.unitary_power(gate, -1), gate.conj().T, atol=1e-14
    )


def test_the_principal_root_takes_minus_one_to_plus_i():
    for gate in (CZ, SWAP, CNOT):
        root = entanglement.unitary_power(gate, 0.5)
        phases = np.sort(np.angle(np.linalg.eigvals(root)))
        np.testing.assert_allclose(phases, [0, 0, 0, np.pi / 2], atol=1e-14)


def test_canonical_gates_are_exponentials():
    from scipy.linalg import expm

    x, y, z = 0.3, -0.8, 1.7
    np.testing.assert_allclose(
        entanglement.canonical_gate(x, y, z),
        expm(-1j * (x * XX + y * YY + z * ZZ)),
        atol=1e-14,
    )
    eighth = np.pi / 8
    root = entanglement.canonical_gate(eighth, eighth, eighth) * np.exp(1j * eighth)
    np.testing.assert_allclose(root, entanglement.unitary_power(SWAP, 0.5), atol=1e-14)
    root = entanglement.canonical_gate(-eighth, -eighth, 0)
    np.testing.assert_allclose(root, entanglement.unitary_power(ISWAP, 0.5), atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_ring_is_its_cnots_one_by_one(n):
    state = np.eye(2**n).reshape(2**n, *(2,) * n)
    for control in range(n if n > 2 else n - 1):
        state = qsim.apply_gate(state, CNOT, [control, (control + 1) % n])
    np.testing.assert_array_equal(entanglement.cnot_ring(n), state.reshape(2**n, -1).T)


def test_across_cut_moves_wires_to_the_front():
    rng = np.random.default_rng(1)
    a, b, c = (entanglement.haar_unitary(2, rng) for _ in range(3))
    whole = np.kron(np.kron(a, b), c)
    np.testing.assert_allclose(
        entanglement.across_cut(whole, [2, 0]), np.kron(np.kron(c, a), b), atol=1e-14
    )
    u = entanglement.haar_unitary(8, rng)
    np.testing.assert_array_equal(entanglement.across_cut(u, [0, 1]), u)
    moved = entanglement.across_cut(u, [1])
    psi = rng.normal(size=(1, 2, 2, 2))
    there = (moved @ psi.transpose(0, 2, 1, 3).reshape(8)).reshape(2, 2, 2)
    here = (u @ psi.reshape(8)).reshape(2, 2, 2)
    np.testing.assert_allclose(there, here.transpose(1, 0, 2), atol=1e-14)


def test_a_haar_unitary_of_size_one_is_a_uniform_phase():
    rng = np.random.default_rng(5)
    phases = np.array([entanglement.haar_unitary(1, rng) for _ in range(4000)])
    assert phases.shape == (4000, 1, 1) and phases.dtype == np.complex128
    np.testing.assert_allclose(np.abs(phases), 1, atol=1e-15)
    # E z = E z^2 = 0 with errors of 1 / sqrt 4000 = 0.016
    assert np.abs(phases.mean()) < 0.06 and np.abs((phases**2).mean()) < 0.06


def test_haar_unitaries_are_seeded_unitary_and_uniform():
    same = [entanglement.haar_unitary(5, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    np.testing.assert_allclose(same[0].conj().T @ same[0], np.eye(5), atol=1e-14)
    # E |Tr U|^2 = 1 and E |Tr U|^4 = 2, for the Haar measure; QR alone fails.
    rng = np.random.default_rng(4)
    traces = np.array(
        [np.trace(entanglement.haar_unitary(2, rng)) for _ in range(4000)]
    )
    moment = np.abs(traces) ** 2
    for power, wanted in ((1, 1), (2, 2)):
        values = moment**power
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - wanted) < 4 * error


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: entanglement.unitary_power(np.ones((2, 3)), 0.5),
            r"Argument `unitary` must have shape \(d, d\), but has \(2, 3\)",
        ),
        (
            lambda: entanglement.unitary_power(2 * np.eye(2), 0.5),
            "Argument `unitary` must be unitary, but U.dag U is off the identity by 3",
        ),
        (
            lambda: entanglement.unitary_power(np.full((2, 2), np.nan), 0.5),
            "Argument `unitary` must be finite",
        ),
        (
            lambda: entanglement.across_cut(np.eye(6), [0]),
            (
                "Argument `unitary` must have a power of two as its size, but has "
                r"shape \(6, 6\)"
            ),
        ),
        (
            lambda: entanglement.across_cut(np.eye(4), [2]),
            "Argument `wires` must lie in 0..1, but holds 2",
        ),
        (
            lambda: entanglement.cnot_ring(0),
            "Argument `n_wires` must be at least 1, but is 0",
        ),
        (
            lambda: entanglement.haar_unitary(0, np.random.default_rng(0)),
            "Argument `dim` must be at least 1, but is 0",
        ),
    ],
)
def test_messages(call, text):
    with pytest.raises(ValueError, match=text):
        call()
