"""Gate matrices: constants, and rotations that are functions of an angle.

A gate on k wires is a ``(2**k, 2**k)`` matrix. The first wire it is applied to is the
most significant bit of its row index.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.numbers import as_numbers, as_real

I2 = np.eye(2)
PAULI_X = np.array([[0.0, 1.0], [1.0, 0.0]])
PAULI_Y = np.array([[0.0, -1.0j], [1.0j, 0.0]])
PAULI_Z = np.diag([1.0, -1.0])
HADAMARD = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0)
CNOT = np.eye(4)[[0, 1, 3, 2]]  # exchanges |10> and |11>
for _constant in (I2, PAULI_X, PAULI_Y, PAULI_Z, HADAMARD, CNOT):
    _constant.flags.writeable = False


def RX(theta: ArrayLike) -> NDArray[np.complex128]:
    """Rotation about the x axis, ``exp(-i theta X / 2)``.

    Args:
        theta: Angle or array of angles, in radians, any shape.

    Returns:
        complex128 array ``theta.shape + (2, 2)``.

    Raises:
        ValueError: If an angle is complex, nan, inf or masked.

    Example:
        >>> RX(np.pi).round(3) + 0  # a half turn is -i X
        array([[0.+0.j, 0.-1.j],
               [0.-1.j, 0.+0.j]])
    """
    half = as_real("theta", theta) / 2
    cos, sin = np.cos(half), -1j * np.sin(half)
    return _matrix(cos, sin, sin, cos)


def RY(theta: ArrayLike) -> NDArray:
    """Rotation about the y axis, ``exp(-i theta Y / 2)``: a real matrix.

    Args:
        theta: Angle or array of angles, in radians, any shape. Complex angles are
            legal and give the analytic continuation (for complex-step derivatives).

    Returns:
        Array ``theta.shape + (2, 2)``, float64 for real angles.

    Raises:
        ValueError: If an angle is nan, inf or masked.

    Example:
        >>> RY(np.pi / 2).round(3)  # a quarter turn takes |0> to (|0> + |1>) / sqrt 2
        array([[ 0.707, -0.707],
               [ 0.707,  0.707]])
    """
    half = as_numbers("theta", theta) / 2
    cos, sin = np.cos(half), np.sin(half)
    return _matrix(cos, -sin, sin, cos)


def RZ(theta: ArrayLike) -> NDArray[np.complex128]:
    """Rotation about the z axis, ``exp(-i theta Z / 2)``: a pair of phases.

    Args:
        theta: Angle or array of angles, in radians, any shape.

    Returns:
        complex128 array ``theta.shape + (2, 2)``.

    Raises:
        ValueError: If an angle is complex, nan, inf or masked.

    Example:
        >>> RZ(np.pi).round(3) + 0
        array([[0.-1.j, 0.+0.j],
               [0.+0.j, 0.+1.j]])
    """
    half = as_real("theta", theta) / 2
    phase = np.cos(half) - 1j * np.sin(half)
    zero = np.zeros_like(phase)
    return _matrix(phase, zero, zero, np.cos(half) + 1j * np.sin(half))


def _matrix(m00: NDArray, m01: NDArray, m10: NDArray, m11: NDArray) -> NDArray:
    """Four arrays of entries as an array of 2 x 2 matrices."""
    matrix = np.empty((*m00.shape, 2, 2), dtype=np.result_type(m00, m01))
    matrix[..., 0, 0], matrix[..., 0, 1] = m00, m01
    matrix[..., 1, 0], matrix[..., 1, 1] = m10, m11
    return matrix


ROTATIONS = {"RX": RX, "RY": RY, "RZ": RZ}
"""The rotation gates by name."""

GENERATORS = {
    "RX": -0.5j * PAULI_X,
    "RY": (-0.5j * PAULI_Y).real,
    "RZ": -0.5j * PAULI_Z,
}
"""Generators ``g = -i P / 2``, so that ``dR(t)/dt = g R(t)``; real for RY."""


def on_each_wire(gate: NDArray, n_wires: int) -> NDArray:
    """A gate of one wire on each of n wires, ``(n_wires, 2**n_wires, 2**n_wires)``."""
    sides = [(np.eye(2**w), np.eye(2 ** (n_wires - 1 - w))) for w in range(n_wires)]
    return np.array([np.kron(np.kron(left, gate), right) for left, right in sides])


def ring_wires(n_wires: int) -> list[tuple[int, int]]:
    """The closed ring's CNOTs as (control, target): ``(0,1), (1,2), ..., (n-1,0)``.

    Two wires have one CNOT, one wire has none.
    """
    n_cnots = n_wires if n_wires > 2 else n_wires - 1
    return [(wire, (wire + 1) % n_wires) for wire in range(n_cnots)]
