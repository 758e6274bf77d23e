"""Rotations against the exponential series, and constants against their algebra."""

import dense
import numpy as np
import pytest

from qsim import CNOT, HADAMARD, I2, PAULI_X, PAULI_Y, PAULI_Z, RX, RY, RZ
from qsim.gates import GENERATORS, on_each_wire

ROTATIONS = {"RX": RX, "RY": RY, "RZ": RZ}
ANGLES = [0.0, 0.3, -1.7, np.pi / 2, np.pi, 2 * np.pi, 5.1]


@pytest.mark.parametrize("name", ROTATIONS)
@pytest.mark.parametrize("angle", ANGLES)
def test_rotation_is_the_exponential_of_its_generator(name, angle):
    np.testing.assert_allclose(
        ROTATIONS[name](angle), dense.rotation(name, angle), atol=1e-14
    )


def test_complex_angles_of_ry_give_the_analytic_continuation():
    angle = 0.7 - 0.4j
    np.testing.assert_allclose(RY(angle), dense.rotation("RY", angle), atol=1e-14)


@pytest.mark.parametrize("rotation", [RX, RZ])
def test_the_others_are_unitary_so_their_angles_are_real(rotation):
    with pytest.raises(ValueError, match="`theta` must be real here, but is complex"):
        rotation(1 + 1j)


@pytest.mark.parametrize("name", ROTATIONS)
def test_an_array_of_angles_is_a_loop(name):
    angles = np.random.default_rng(0).uniform(-4, 4, (2, 3))
    gates = ROTATIONS[name](angles)
    assert gates.shape == (2, 3, 2, 2)
    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(gates[index], ROTATIONS[name](angles[index]))


@pytest.mark.parametrize("name", ROTATIONS)
def test_rotations_add_angles_and_are_unitary(name):
    gate = ROTATIONS[name]
    np.testing.assert_allclose(gate(0.4) @ gate(1.1), gate(1.5), atol=1e-15)
    np.testing.assert_allclose(gate(0.4) @ gate(0.4).conj().T, I2, atol=1e-15)


@pytest.mark.parametrize("name", ROTATIONS)
def test_derivative_is_half_the_gate_at_another_half_turn(name):
    # dR(t)/dt = R(t + pi) / 2 = -i P R(t) / 2
    gate, pauli = ROTATIONS[name], dense.PAULI[name]
    np.testing.assert_allclose(
        gate(0.9 + np.pi) / 2, -0.5j * pauli @ gate(0.9), atol=1e-15
    )


@pytest.mark.parametrize("name", ROTATIONS)
def test_generators_are_the_derivatives(name):
    # dR(t)/dt = g R(t), at t = 0 where R is the identity
    gate, step = ROTATIONS[name], 1e-6
    slope = (gate(step) - gate(-step)) / (2 * step)
    np.testing.assert_allclose(GENERATORS[name], slope, atol=1e-12)
    np.testing.assert_array_equal(GENERATORS[name], -0.5j * dense.PAULI[name])


@pytest.mark.parametrize("n_wires", [1, 2, 4])
def test_a_gate_on_each_wire(n_wires):
    gate = dense.random_matrix(np.random.default_rng(1), 2)
    found = on_each_wire(gate, n_wires)
    expected = [dense.embed(gate, [wire], n_wires) for wire in range(n_wires)]
    np.testing.assert_array_equal(found, expected)


def test_ry_is_real_and_the_others_are_complex():
    assert RY(0.3).dtype == RY(1).dtype == np.float64
    assert GENERATORS["RY"].dtype == np.float64
    assert RX(0.3).dtype == RZ(0.3).dtype == RY(0.3 + 0j).dtype == np.complex128


def test_constants_obey_their_algebra():
    np.testing.assert_array_equal(PAULI_X @ PAULI_Y, 1j * PAULI_Z)
    np.testing.assert_allclose(HADAMARD @ PAULI_X @ HADAMARD, PAULI_Z, atol=1e-15)
    np.testing.assert_array_equal(CNOT, dense.cnot(0, 1, 2))


@pytest.mark.parametrize("constant", [I2, PAULI_X, PAULI_Y, PAULI_Z, HADAMARD, CNOT])
def test_constants_cannot_be_written_to(constant):
    with pytest.raises(ValueError, match="read-only"):
        constant[0, 0] = 2
