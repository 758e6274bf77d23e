"""Closed forms of bipartite unitaries: operator Schmidt, e_p, Weyl, maximality."""

import numpy as np
import pytest

import qsim
from qsim import CNOT, entanglement
from qsim.entanglement import CZ, DCNOT, ISWAP, QUBIT_QUTRIT, SWAP

PI_4 = np.pi / 4
ALL_DIMS = [(2, 2), (2, 3), (3, 2), (3, 3), (2, 4), (4, 4)]


def root(gate):
    """The principal square root."""
    return entanglement.unitary_power(gate, 0.5)


def random_local(dims, rng):
    """A product of two Haar-random unitaries."""
    return np.kron(
        entanglement.haar_unitary(dims[0], rng), entanglement.haar_unitary(dims[1], rng)
    )


def random_rx_circuit(rng, n_layers):
    """The matrix of RX layers on four wires."""
    return qsim.circuit_matrix(rng.uniform(0, 2 * np.pi, (n_layers, 4)), "RX")


def shannon(p):
    """Entropy in bits of positive probabilities."""
    return -(p * np.log2(p)).sum()


# gate, K, e_p, Weyl coordinates in units of pi/4
TABLE = {
    "CNOT": (CNOT, 1, 2 / 9, (1, 0, 0)),
    "CZ": (CZ, 1, 2 / 9, (1, 0, 0)),
    "iSWAP": (ISWAP, 2, 2 / 9, (1, 1, 0)),
    "DCNOT": (DCNOT, 2, 2 / 9, (1, 1, 0)),
    "SWAP": (SWAP, 2, 0, (1, 1, 1)),
    "sqrt SWAP": (root(SWAP), 1.548795, 1 / 6, (0.5, 0.5, 0.5)),
    "sqrt iSWAP": (root(ISWAP), 1.201752, 1 / 6, (0.5, 0.5, 0)),
    "sqrt CNOT": (root(CNOT), 0.600876, 1 / 9, (0.5, 0, 0)),
    "local": (np.kron(qsim.HADAMARD, qsim.RX(0.3)), 0, 0, (0, 0, 0)),
    "Ising": (
        entanglement.canonical_gate(0, 0, 0.3),
        0.427502,
        None,
        (0.3 / PI_4, 0, 0),
    ),
    "Heisenberg": (
        entanglement.canonical_gate(0.2, 0.2, 0.2),
        0.691346,
        None,
        (0.2 / PI_4, 0.2 / PI_4, 0.2 / PI_4),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_two_qubit_gates(name):
    gate, strength, mean_power, weyl = TABLE[name]
    assert abs(entanglement.schmidt_strength(gate, (2, 2)) - strength) < 1e-6
    if mean_power is not None:
        value = entanglement.mean_entangling_power(gate, (2, 2))
        np.testing.assert_allclose(value, mean_power, atol=1e-14)
    np.testing.assert_allclose(
        entanglement.weyl_coordinates(gate) / PI_4, weyl, atol=1e-7
    )


def test_strengths_in_closed_form():
    for a in (0.02, 0.1, 0.3, 0.5, PI_4):
        ising = entanglement.schmidt_strength(
            entanglement.canonical_gate(0, 0, a), (2, 2)
        )
        p = np.array([np.cos(a) ** 2, np.sin(a) ** 2])
        np.testing.assert_allclose(ising, shannon(p), atol=1e-13)
        # exp(-ia(XX+YY+ZZ)) = e^(ia) (cos 2a - i sin 2a SWAP)
        heisenberg = entanglement.schmidt_strength(
            entanglement.canonical_gate(a, a, a), (2, 2)
        )
        each = np.sin(2 * a) ** 2 / 4
        p = np.array([1 - 3 * each, each, each, each])
        np.testing.assert_allclose(heisenberg, shannon(p), atol=1e-13)
    weak = entanglement.canonical_gate(0.02, 0.02, 0.02)
    assert abs(entanglement.schmidt_strength(weak, (2, 2)) - 0.015268) < 1e-6


@pytest.mark.parametrize("dims", ALL_DIMS)
def test_operator_schmidt_multiplies_back(dims):
    unitary = entanglement.haar_unitary(dims[0] * dims[1], np.random.default_rng(0))
    values, p, a, b = entanglement.operator_schmidt(unitary, dims)
    rebuilt = np.einsum("k,kac,kbd->abcd", values, a, b).reshape(unitary.shape)
    np.testing.assert_allclose(rebuilt, unitary, atol=1e-14)
    for operators in (a, b):
        overlaps = np.einsum("jab,kab->jk", operators.conj(), operators)
        np.testing.assert_allclose(overlaps, np.eye(min(dims) ** 2), atol=1e-14)
    np.testing.assert_allclose(p.sum(), 1, atol=1e-14)
    np.testing.assert_allclose(
        entanglement.schmidt_strength(unitary, dims), shannon(p), atol=1e-13
    )


@pytest.mark.parametrize("dims", ALL_DIMS)
def test_strength_is_the_gain_of_maximally_entangled_pairs(dims):
    unitary = entanglement.haar_unitary(dims[0] * dims[1], np.random.default_rng(1))
    pairs = [np.eye(d) / np.sqrt(d) for d in dims]
    state = np.einsum("ax,by->axby", *pairs)
    gain = entanglement.entanglement_gain(unitary, state, dims)
    np.testing.assert_allclose(
        entanglement.schmidt_strength(unitary, dims), gain, atol=1e-12
    )


@pytest.mark.parametrize("dims", ALL_DIMS)
def test_mean_power_is_the_mean_over_product_states(dims):
    rng = np.random.default_rng(2)
    unitary = entanglement.haar_unitary(dims[0] * dims[1], rng)
    n = 4000
    sides = []
    for d in dims:
        side = rng.normal(size=(n, d)) + 1j * rng.normal(size=(n, d))
        sides.append(side / np.linalg.norm(side, axis=1)[:, None])
    states = np.einsum("na,nb->nab", *sides).reshape(n, -1) @ unitary.T
    rho = states.reshape(n, *dims)
    rho = rho @ rho.conj().swapaxes(1, 2)
    samples = 1 - (np.abs(rho) ** 2).sum(axis=(1, 2))
    error = samples.std() / np.sqrt(n)
    assert (
        abs(entanglement.mean_entangling_power(unitary, dims) - samples.mean())
        < 3 * error
    )


@pytest.mark.parametrize("d", [2, 3, 4])
def test_mean_power_is_zanardis_formula(d):
    unitary = entanglement.haar_unitary(d * d, np.random.default_rng(3))
    swap = np.eye(d * d).reshape(d, d, d, d).swapaxes(0, 1).reshape(d * d, d * d)

    def linear(u):
        return 1 - (entanglement.operator_schmidt(u, (d, d)).probabilities ** 2).sum()

    wanted = linear(unitary) + linear(unitary @ swap) - linear(swap)
    np.testing.assert_allclose(
        entanglement.mean_entangling_power(unitary, (d, d)),
        (d / (d + 1)) ** 2 * wanted,
        atol=1e-14,
    )


@pytest.mark.parametrize("dims", ALL_DIMS)
def test_invariances(dims):
    rng = np.random.default_rng(4)
    d_a, d_b = dims
    unitary = entanglement.haar_unitary(d_a * d_b, rng)
    exchanged = unitary.reshape(d_a, d_b, d_a, d_b).transpose(1, 0, 3, 2)
    others = {
        "local unitaries": (
            random_local(dims, rng) @ unitary @ random_local(dims, rng),
            dims,
        ),
        "the adjoint": (unitary.conj().T, dims),
        "the sides exchanged": (exchanged.reshape(unitary.shape), dims[::-1]),
    }
    for f in (entanglement.schmidt_strength, entanglement.mean_entangling_power):
        wanted = f(unitary, dims)
        for name, (other, its_dims) in others.items():
            np.testing.assert_allclose(
                f(other, its_dims), wanted, atol=1e-12, err_msg=name
            )


def test_weyl_coordinates_survive_local_gates():
    rng = np.random.default_rng(5)
    for _ in range(50):
        x, y, z = np.sort(rng.uniform(0, PI_4, 3))[::-1]
        z *= rng.choice([-1, 1])
        gate = entanglement.canonical_gate(x, y, z)
        dressed = random_local((2, 2), rng) @ gate @ random_local((2, 2), rng)
        np.testing.assert_allclose(
            entanglement.weyl_coordinates(dressed), [x, y, z], atol=1e-7
        )


def test_weyl_coordinates_name_the_gate_up_to_local_gates():
    rng = np.random.default_rng(6)
    for _ in range(50):
        gate = entanglement.haar_unitary(4, rng)
        x, y, z = entanglement.weyl_coordinates(gate)
        assert PI_4 >= x >= y >= abs(z)
        twin = entanglement.canonical_gate(x, y, z)
        for f in (entanglement.schmidt_strength, entanglement.mean_entangling_power):
            np.testing.assert_allclose(f(gate, (2, 2)), f(twin, (2, 2)), atol=1e-12)


def test_weyl_coordinates_on_the_chambers_wall():
    # At x = pi/4 the signs of z are locally equivalent, and the positive one is told.
    for z in (0.2, -0.2):
        gate = entanglement.canonical_gate(PI_4, 0.3, z)
        np.testing.assert_allclose(
            entanglement.weyl_coordinates(gate), [PI_4, 0.3, 0.2], atol=1e-12
        )
    far = entanglement.canonical_gate(0.1 + np.pi, 0.2 - np.pi / 2, 0.3)
    np.testing.assert_allclose(
        entanglement.weyl_coordinates(far), [0.3, 0.2, 0.1], atol=1e-12
    )


def test_maximality_of_the_qubit_qutrit_gate():
    forward = entanglement.maximality(QUBIT_QUTRIT, (2, 3))
    assert forward.is_maximal
    assert forward.residual < 1e-12
    np.testing.assert_allclose(forward.sigma, np.diag([0.5, 0.5, 0]), atol=1e-12)
    backward = entanglement.maximality(QUBIT_QUTRIT.T, (2, 3))
    assert not backward.is_maximal
    np.testing.assert_allclose(backward.residual, 1 / np.sqrt(11), atol=1e-12)
    for gate in (QUBIT_QUTRIT, QUBIT_QUTRIT.T):
        assert abs(entanglement.schmidt_strength(gate, (2, 3)) - 1.918296) < 1e-6
        np.testing.assert_allclose(
            entanglement.mean_entangling_power(gate, (2, 3)), 11 / 36, atol=1e-14
        )


@pytest.mark.parametrize("name", TABLE)
def test_maximality_of_two_qubit_gates(name):
    # For two qubits E_up is maximal exactly when K is.
    gate, strength, _, _ = TABLE[name]
    assert entanglement.maximality(gate, (2, 2)).is_maximal == (strength == 2)


def test_maximality_with_the_sides_exchanged():
    exchanged = QUBIT_QUTRIT.reshape(2, 3, 2, 3).transpose(1, 0, 3, 2).reshape(6, 6)
    assert entanglement.maximality(exchanged, (3, 2)).is_maximal
    assert not entanglement.maximality(exchanged.T, (3, 2)).is_maximal


def test_maximality_looks_for_a_positive_solution():
    # SWAP with two levels of B, any unitary with the other four: maximal, though the
    # least-squares solution, with its part on those four, has a negative eigenvalue.
    rng = np.random.default_rng(1)
    unitary = np.zeros((2, 6, 2, 6), dtype=complex)
    unitary[:, :2, :, :2] = SWAP.reshape(2, 2, 2, 2)
    unitary[:, 2:, :, 2:] = entanglement.haar_unitary(8, rng).reshape(2, 4, 2, 4)
    found = entanglement.maximality(unitary.reshape(12, 12), (2, 6))
    assert found.is_maximal
    assert np.linalg.eigvalsh(found.sigma)[0] > -1e-6
    blocks = unitary.transpose(0, 2, 1, 3).reshape(4, 6, 6)
    traces = np.einsum("xy,mzy,nzx->mn", found.sigma, blocks.conj(), blocks)
    np.testing.assert_allclose(traces, np.eye(4) / 2, atol=1e-10)


def test_maximality_needs_a_positive_solution():
    # B controls ten unitaries near the identity. Weights that make them a tight frame
    # exist, but not positive ones.
    rng = np.random.default_rng(2)
    frame = np.array([3.0, 0, 0, 0]) + rng.normal(size=(10, 4))
    frame /= np.linalg.norm(frame, axis=1)[:, None]
    assert (frame[:, 0] ** 2 > 0.25).all()
    paulis = [np.eye(2), *(1j * p for p in (qsim.PAULI_X, qsim.PAULI_Y, qsim.PAULI_Z))]
    unitary = np.zeros((2, 10, 2, 10), dtype=complex)
    for b, x in enumerate(frame):
        unitary[:, b, :, b] = np.tensordot(x, paulis, 1)
    found = entanglement.maximality(unitary.reshape(20, 20), (2, 10))
    assert found.residual < 1e-7
    assert not found.is_maximal


@pytest.mark.parametrize("adjoint", [False, True])
def test_two_rx_layers_always_have_the_largest_power(adjoint):
    rng = np.random.default_rng(7)
    for _ in range(100):
        unitary = random_rx_circuit(rng, 2)
        unitary = unitary.conj().T if adjoint else unitary
        np.testing.assert_allclose(
            entanglement.schmidt_strength(unitary, (4, 4)), 4, atol=1e-12
        )
        np.testing.assert_allclose(
            entanglement.mean_entangling_power(unitary, (4, 4)), 0.6, atol=1e-12
        )
    assert entanglement.maximality(unitary, (4, 4)).is_maximal


@pytest.mark.parametrize("rotation", ["RX", "RY"])
def test_one_layer_has_the_power_of_the_bare_ring(rotation):
    rng = np.random.default_rng(8)
    ring = entanglement.cnot_ring(4)
    for unitary in (ring, qsim.circuit_matrix(rng.uniform(0, 6, (1, 4)), rotation)):
        np.testing.assert_allclose(
            entanglement.schmidt_strength(unitary, (4, 4)), 2, atol=1e-12
        )
        np.testing.assert_allclose(
            entanglement.mean_entangling_power(unitary, (4, 4)), 0.48, atol=1e-12
        )


def test_first_layer_angles_never_matter_and_second_layer_ry_angles_do():
    rng = np.random.default_rng(9)
    strengths = []
    for _ in range(20):
        angles = rng.uniform(0, 2 * np.pi, (2, 4))
        here = entanglement.schmidt_strength(qsim.circuit_matrix(angles, "RY"), (4, 4))
        angles[0] = rng.uniform(0, 2 * np.pi, 4)
        there = entanglement.schmidt_strength(qsim.circuit_matrix(angles, "RY"), (4, 4))
        np.testing.assert_allclose(there, here, atol=1e-12)
        strengths.append(here)
    assert max(strengths) - min(strengths) > 0.5


@pytest.mark.parametrize(("wires", "strength"), [([0, 1], 2), ([0, 2], 4)])
def test_the_rings_strength_depends_on_the_cut(wires, strength):
    # Two of the four CNOTs cross the cut (0, 1 : 2, 3), all of them (0, 2 : 1, 3).
    ring = entanglement.across_cut(entanglement.cnot_ring(4), wires)
    np.testing.assert_allclose(entanglement.schmidt_strength(ring, (4, 4)), strength)


@pytest.mark.parametrize(
    "f",
    [
        entanglement.operator_schmidt,
        entanglement.schmidt_strength,
        entanglement.mean_entangling_power,
        entanglement.maximality,
    ],
)
def test_messages(f):
    with pytest.raises(ValueError, match="Argument `unitary` must be unitary, but"):
        f(np.ones((4, 4)), (2, 2))
    text = (
        "Argument `dims` must be two positive integers with product 4, the size of "
        r"`unitary`, but is \(2, 3\)"
    )
    with pytest.raises(ValueError, match=text):
        f(np.eye(4), (2, 3))


def test_messages_of_weyl_coordinates():
    text = r"Argument `unitary` must have shape \(4, 4\), but has \(9, 9\)"
    with pytest.raises(ValueError, match=text):
        entanglement.weyl_coordinates(np.eye(9))
