"""Entangling and disentangling power: known values, properties, gradients."""

import numpy as np
import pytest

import qsim
from qsim import CNOT, entanglement
from qsim.entanglement import CZ, DCNOT, ISWAP, QUBIT_QUTRIT, SWAP
from qsim.entanglement.gain import gain_objective, product_objective

ALL_DIMS = [(2, 2), (2, 3), (3, 3), (2, 4), (4, 4)]
RING = entanglement.cnot_ring(4)


def root(gate):
    """The principal square root."""
    return entanglement.unitary_power(gate, 0.5)


def binary_entropy(p):
    """Entropy of a coin."""
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


def ising_power(a):
    """``max_phi h(cos^2(phi + a)) - h(cos^2 phi)``, on a fine grid and refined."""
    phi = np.linspace(1e-6, np.pi / 2, 100_001)
    for _ in range(3):
        p, q = np.cos(phi + a) ** 2, np.cos(phi) ** 2
        gains = binary_entropy(np.clip(p, 1e-15, 1 - 1e-15)) - binary_entropy(
            np.clip(q, 1e-15, 1 - 1e-15)
        )
        best, width = phi[gains.argmax()], phi[1] - phi[0]
        phi = np.linspace(best - width, best + width, 1001)
    return gains.max()


# gate: E_0 without and with ancillas, E_up without and with ancillas of size (2, 2)
TABLE = {
    "CNOT": (CNOT, 1, 1, 1, 1),
    "CZ": (CZ, 1, 1, 1, 1),
    "iSWAP": (ISWAP, 1, 2, 1, 2),
    "DCNOT": (DCNOT, 1, 2, 1, 2),
    "SWAP": (SWAP, 0, 2, 0, 2),
    "sqrt SWAP": (root(SWAP), 1, 1.548795, 1, 1.652710),
    "sqrt iSWAP": (root(ISWAP), 1, 1.201752, 1, 1.375652),
    "local": (np.kron(qsim.HADAMARD, qsim.RX(0.3)), 0, 0, 0, 0),
    "Ising 0.1": (
        entanglement.canonical_gate(0, 0, 0.1),
        0.080572,
        0.080572,
        0.190183,
        0.190183,
    ),
    "Ising 0.3": (
        entanglement.canonical_gate(0, 0, 0.3),
        0.427502,
        0.427502,
        0.545516,
        0.545516,
    ),
    "Ising 0.5": (
        entanglement.canonical_gate(0, 0, 0.5),
        0.777748,
        0.777748,
        0.826012,
        0.826012,
    ),
    "Heisenberg": (
        entanglement.canonical_gate(0.2, 0.2, 0.2),
        0.613946,
        0.691346,
        0.698206,
        0.965142,
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_two_qubit_gates(name):
    gate, *wanted = TABLE[name]
    rng = np.random.default_rng(0)
    found = [
        entanglement.entangling_power(
            gate, (2, 2), ancillas=sizes, inputs=inputs, rng=rng
        )
        for inputs in ("product", "arbitrary")
        for sizes in ((1, 1), (2, 2))
    ]
    np.testing.assert_allclose([f.value for f in found], wanted, atol=1e-6)
    down = entanglement.disentangling_power(gate, (2, 2), rng=rng).value
    assert abs(down - wanted[3]) < 1e-6


@pytest.mark.parametrize("a", [0.05, 0.1, 0.3, 0.5, 0.7])
def test_ising_gates_in_closed_form(a):
    gate = entanglement.canonical_gate(0, 0, a)
    rng = np.random.default_rng(1)
    product = entanglement.entangling_power(gate, (2, 2), inputs="product", rng=rng)
    np.testing.assert_allclose(product.value, binary_entropy(np.cos(a) ** 2), atol=1e-9)
    found = entanglement.entangling_power(gate, (2, 2), rng=rng)
    np.testing.assert_allclose(found.value, ising_power(a), atol=1e-9)


def test_strength_is_not_always_the_power_over_product_inputs():
    weak = entanglement.canonical_gate(0.02, 0.02, 0.02)
    found = entanglement.entangling_power(
        weak, (2, 2), inputs="product", rng=np.random.default_rng(2)
    )
    assert abs(found.value - 0.017159) < 1e-6
    assert found.value > entanglement.schmidt_strength(weak, (2, 2)) + 0.001


@pytest.mark.parametrize("ancillas", [(1, 1), (4, 4)])
@pytest.mark.parametrize("inputs", ["product", "arbitrary"])
def test_the_cnot_ring(ancillas, inputs):
    found = entanglement.entangling_power(
        RING, (4, 4), ancillas=ancillas, inputs=inputs, rng=np.random.default_rng(3)
    )
    assert abs(found.value - 2) < 1e-6
    assert abs(found.upper_bound - 2) < 1e-12


def test_the_qubit_qutrit_gate_creates_more_than_it_destroys():
    up = entanglement.entangling_power(
        QUBIT_QUTRIT, (2, 3), rng=np.random.default_rng(4)
    )
    assert abs(up.value - 2) < 1e-6
    assert abs(up.upper_bound - 2) < 1e-12
    down = entanglement.entangling_power_bounds(
        QUBIT_QUTRIT.T, (2, 3), ancillas=(5, 5), rng=np.random.default_rng(4)
    )
    assert 1.9399 < down.lower <= down.upper < 1.9626
    assert abs(down.lower - 1.939982) < 1e-5
    proof = entanglement.dual_upper_bound(
        QUBIT_QUTRIT.T, (2, 3), down.rho_a, down.rho_b
    )
    np.testing.assert_allclose(proof, down.upper, atol=1e-12)
    gain = entanglement.entanglement_gain(QUBIT_QUTRIT.T, down.state, (2, 3))
    np.testing.assert_allclose(gain, down.lower, atol=1e-12)


@pytest.mark.parametrize(
    ("ancillas", "value"), [((2, 2), 1.904660), ((2, 3), 1.939364)]
)
def test_the_qubit_qutrit_gate_needs_large_ancillas(ancillas, value):
    down = entanglement.disentangling_power(
        QUBIT_QUTRIT, (2, 3), ancillas=ancillas, rng=np.random.default_rng(5)
    )
    assert abs(down.value - value) < 1e-5


def test_the_state_that_proves_the_qubit_qutrit_gates_power():
    state = np.zeros((2, 2, 3, 3))
    for a, b in np.ndindex(2, 2):
        state[a, a, b, b] = 0.5
    assert abs(entanglement.entanglement_gain(QUBIT_QUTRIT, state, (2, 3)) - 2) < 1e-12
    product = entanglement.entangling_power(
        QUBIT_QUTRIT.T, (2, 3), inputs="product", rng=np.random.default_rng(6)
    )
    exact = 1 + binary_entropy(0.5 + 0.5 / np.sqrt(10))
    assert abs(product.value - exact) < 1e-6


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dims", ALL_DIMS)
def test_the_sandwich(dims, seed):
    """``K <= E_0 <= E_up <= LN <= 2 log2 min(dA, dB)``."""
    rng = np.random.default_rng(seed)
    unitary = entanglement.haar_unitary(dims[0] * dims[1], rng)
    strength = entanglement.schmidt_strength(unitary, dims)
    product = entanglement.entangling_power(
        unitary, dims, inputs="product", n_starts=3, rng=rng
    )
    interval = entanglement.entangling_power_bounds(unitary, dims, n_starts=1, rng=rng)
    chain = [strength, product.value, interval.lower, interval.upper]
    assert (np.diff(chain) > -1e-9).all()
    assert interval.upper <= entanglement.dual_upper_bound(unitary, dims) + 1e-12
    for found in (product, interval):
        gain = entanglement.entanglement_gain(unitary, found.state, dims)
        np.testing.assert_allclose(gain, found[0], atol=1e-12)
    alpha_beta = product.state.reshape(dims[0] ** 2, dims[1] ** 2)
    assert np.linalg.svd(alpha_beta, compute_uv=False)[1] < 1e-12


@pytest.mark.parametrize("dims", ALL_DIMS)
def test_disentangling_is_entangling_of_the_adjoint(dims):
    rng = np.random.default_rng(8)
    unitary = entanglement.haar_unitary(dims[0] * dims[1], rng)
    down = entanglement.disentangling_power(unitary, dims, n_starts=2, rng=rng)
    up = entanglement.entangling_power(unitary.conj().T, dims, n_starts=2, rng=rng)
    np.testing.assert_allclose(down.value, up.value, atol=1e-6)
    gain = entanglement.entanglement_gain(unitary, down.state, dims)
    np.testing.assert_allclose(gain, -down.value, atol=1e-12)


def test_two_qubit_gates_destroy_as_much_as_they_create():
    rng = np.random.default_rng(9)
    for _ in range(3):
        gate = entanglement.haar_unitary(4, rng)
        up = entanglement.entangling_power(gate, (2, 2), rng=rng)
        down = entanglement.disentangling_power(gate, (2, 2), rng=rng)
        np.testing.assert_allclose(up.value, down.value, atol=1e-9)


@pytest.mark.parametrize("dims", [(2, 2), (2, 3), (3, 3), (4, 4)])
def test_local_unitaries_and_exchanged_sides_change_nothing(dims):
    rng = np.random.default_rng(10)
    d_a, d_b = dims
    unitary = entanglement.haar_unitary(d_a * d_b, rng)
    before, after = (
        np.kron(
            entanglement.haar_unitary(d_a, rng), entanglement.haar_unitary(d_b, rng)
        )
        for _ in range(2)
    )
    exchanged = unitary.reshape(d_a, d_b, d_a, d_b).transpose(1, 0, 3, 2)
    values = [
        entanglement.entangling_power(u, d, n_starts=2, rng=rng).value
        for u, d in (
            (unitary, dims),
            (after @ unitary @ before, dims),
            (exchanged.reshape(unitary.shape), dims[::-1]),
        )
    ]
    np.testing.assert_allclose(values, values[0], atol=1e-6)


def test_circuits_of_one_and_of_two_rx_layers():
    rng = np.random.default_rng(11)
    for n_layers, wanted in ((1, 2), (2, 4)):
        angles = rng.uniform(0, 2 * np.pi, (n_layers, 4))
        unitary = qsim.circuit_matrix(angles, "RX")
        for power in (entanglement.entangling_power, entanglement.disentangling_power):
            assert (
                abs(power(unitary, (4, 4), n_starts=2, rng=rng).value - wanted) < 1e-6
            )


def test_ry_circuits_lie_between_their_bounds():
    rng = np.random.default_rng(12)
    angles = rng.uniform(0, 2 * np.pi, (2, 4))
    unitary = qsim.circuit_matrix(angles, "RY")
    found = entanglement.entangling_power_bounds(unitary, (4, 4), rng=rng)
    strength = entanglement.schmidt_strength(unitary, (4, 4))
    assert 2.5 < strength <= found.lower <= found.upper < 4


@pytest.mark.parametrize("ancillas", [(1, 1), (2, 3), (3, 1)])
@pytest.mark.parametrize("make", [gain_objective, product_objective])
def test_gradients_are_central_differences(make, ancillas):
    rng = np.random.default_rng(13)
    dims = (2, 3)
    objective = make(entanglement.haar_unitary(6, rng), dims, ancillas)
    size = 6 * ancillas[0] * ancillas[1]
    if make is product_objective:
        size = 2 * ancillas[0] + 3 * ancillas[1]
    x = 1.7 * rng.normal(size=2 * size)
    value, grad = objective(x)
    numeric = qsim.finite_difference(lambda y: objective(y)[0], x)
    np.testing.assert_allclose(grad, numeric, atol=1e-8)
    assert abs(grad).max() > 1e-3
    np.testing.assert_allclose(objective(3 * x)[0], value, atol=1e-13)


def test_the_objective_is_minus_the_gain():
    rng = np.random.default_rng(14)
    unitary = entanglement.haar_unitary(6, rng)
    psi = rng.normal(size=(2, 3, 2, 4)) + 1j * rng.normal(size=(2, 3, 2, 4))
    psi /= np.linalg.norm(psi)
    value, _ = gain_objective(unitary, (2, 3), (2, 4))(psi.ravel().view(float))
    gain = entanglement.entanglement_gain(unitary, psi.transpose(0, 2, 1, 3), (2, 3))
    np.testing.assert_allclose(value, -gain, atol=1e-13)


def test_gain_of_cnot_on_wires_of_the_simulator():
    # The gain across (0, 1 : 2, 3) of a CNOT from wire 1 to wire 2.
    rng = np.random.default_rng(15)
    state = rng.normal(size=(1, 2, 2, 2, 2)) + 1j * rng.normal(size=(1, 2, 2, 2, 2))
    state /= np.linalg.norm(state)
    after = qsim.apply_gate(state, CNOT, [1, 2])
    wanted = entanglement.entanglement_entropy(
        after, [0, 1]
    ) - entanglement.entanglement_entropy(state, [0, 1])
    ours = state[0].transpose(1, 0, 2, 3)  # (dA, dA', dB, dB')
    np.testing.assert_allclose(
        entanglement.entanglement_gain(CNOT, ours, (2, 2)), wanted[0], atol=1e-13
    )


def test_same_seed_same_bits():
    for f in (
        entanglement.entangling_power,
        entanglement.disentangling_power,
        entanglement.entangling_power_bounds,
    ):
        found = [f(root(SWAP), (2, 2), rng=np.random.default_rng(16)) for _ in range(2)]
        for one, other in zip(*found, strict=True):
            np.testing.assert_array_equal(one, other)


def test_starts_are_counted_and_printed():
    found = entanglement.entangling_power(
        CNOT, (2, 2), ancillas=(2, 1), rng=np.random.default_rng(17)
    )
    assert found.n_starts == 12
    assert 1 <= found.n_reached <= 12
    assert found.state.shape == (2, 2, 2, 1)
    found = found._replace(n_reached=3)
    assert repr(found) == (
        "EntanglingPower: 1.000000 <= E <= 1.000000 ebits (3 of 12 starts agree)"
    )
    found = entanglement.entangling_power(CNOT, (2, 2), rng=np.random.default_rng(17))
    assert found.n_starts == 4
    found = entanglement.entangling_power(
        CNOT, (2, 2), n_starts=1, inputs="product", rng=np.random.default_rng(17)
    )
    assert found.n_starts == found.n_reached == 1


def test_arguments_are_not_modified():
    gate = root(SWAP)
    before = gate.copy()
    entanglement.entangling_power_bounds(gate, (2, 2), rng=np.random.default_rng(18))
    np.testing.assert_array_equal(gate, before)


RNG = np.random.default_rng(19)
PLUS = np.full((2, 1, 2, 1), 0.5)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: entanglement.entangling_power(CNOT, (2, 2), ancillas=(2,), rng=RNG),
            ValueError,
            r"Argument `ancillas` must be two positive integers, but is \(2,\)",
        ),
        (
            lambda: entanglement.disentangling_power(
                CNOT, (2, 2), ancillas=(0, 2), rng=RNG
            ),
            ValueError,
            r"Argument `ancillas` must be two positive integers, but is \(0, 2\)",
        ),
        (
            lambda: entanglement.entangling_power(CNOT, (2, 2), inputs="pure", rng=RNG),
            ValueError,
            "Argument `inputs` must be one of arbitrary, product, but is 'pure'",
        ),
        (
            lambda: entanglement.entangling_power(CNOT, (2, 2), n_starts=0, rng=RNG),
            ValueError,
            "Argument `n_starts` must be a positive integer, but is 0",
        ),
        (
            lambda: entanglement.entangling_power_bounds(CNOT, (2, 2), rng=None),
            TypeError,
            "Argument `rng` must be a numpy.random.Generator, but is NoneType",
        ),
        (
            lambda: entanglement.entangling_power(CNOT[:2], (2, 2), rng=RNG),
            ValueError,
            r"Argument `unitary` must have shape \(d, d\), but has \(2, 4\)",
        ),
        (
            lambda: entanglement.disentangling_power(CNOT, (4, 4), rng=RNG),
            ValueError,
            "Argument `dims` must be two positive integers with product 4",
        ),
        (
            lambda: entanglement.entanglement_gain(CNOT, PLUS[..., 0], (2, 2)),
            ValueError,
            r"Argument `state` must have shape \(2, dA', 2, dB'\), but has \(2, 1, 2\)",
        ),
        (
            lambda: entanglement.entanglement_gain(CNOT, 2 * PLUS, (2, 2)),
            ValueError,
            "Argument `state` must be normalized, but has norm 2",
        ),
    ],
)
def test_messages(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_random_unitaries_on_unequal_dimensions_get_larger_ancillas():
    gate = entanglement.haar_unitary(6, np.random.default_rng(0))
    options = {"rng": np.random.default_rng(0)}
    small = entanglement.entangling_power(gate, (2, 3), ancillas=(2, 3), **options)
    found = entanglement.entangling_power(gate, (2, 3), **options)
    assert found.state.shape == (2, 5, 3, 5)
    assert round(small.value, 5) == 1.71831 and round(found.value, 5) == 1.71915
    gain = entanglement.entanglement_gain(gate, found.state, (2, 3))
    np.testing.assert_allclose(gain, found.value, atol=1e-12)
