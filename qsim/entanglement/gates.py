"""Unitaries on two systems, by name: the landmarks of entangling power.

A unitary on dimensions (dA, dB) is a matrix whose row and column index is
``a * dB + b``. Two-qubit gates are constants, families of gates are functions.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.circuits import circuit_matrix
from qsim.entanglement.checks import check_unitary
from qsim.gates import CNOT, PAULI_X, PAULI_Y, PAULI_Z
from qsim.numbers import as_number, check_count, check_fits, check_wires_fit
from qsim.state import check_wires

CZ = np.diag([1.0, 1.0, 1.0, -1.0])
SWAP = np.eye(4)[[0, 2, 1, 3]]
ISWAP = np.diag([1, 1j, 1j, 1])[[0, 2, 1, 3]]
DCNOT = SWAP @ CNOT @ SWAP @ CNOT
"""Two CNOTs: first controlled by A, then by B."""

_r = np.sqrt(0.5)
QUBIT_QUTRIT = np.array(
    [
        [1, 0, 0, 0, 0, 0],
        [0, 0, _r, 0, 0, _r],
        [0, 0, 0, 0, 1, 0],
        [0, 0, _r, 0, 0, -_r],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
    ]
)
"""A gate on (2, 3) that can create 2 ebits but destroy fewer: E_down < E_up = 2.

From ``Phi+ (x) (|00> + |11>) / sqrt 2`` it makes 2 ebits. Its adjoint cannot, because
the conditions of `maximality` contradict each other: E_down is at most
``log2(2 + 6 / sqrt 10) = 1.9625``.
"""
for _constant in (CZ, SWAP, ISWAP, DCNOT, QUBIT_QUTRIT):
    _constant.flags.writeable = False


def unitary_power(unitary: ArrayLike, exponent: float) -> NDArray[np.complex128]:
    """Principal power of a unitary: ``unitary_power(SWAP, 0.5)`` is sqrt SWAP.

    ``U^t = sum_k exp(i t phi_k) |k><k|`` with eigenphases ``-pi < phi_k <= pi``

    Args:
        unitary: Unitary matrix ``(d, d)``.
        exponent: The power t, any real number.

    Returns:
        complex128 unitary ``(d, d)``.

    Raises:
        ValueError: If the matrix is not unitary, or the exponent is not real.

    Example:
        >>> unitary_power(SWAP, 0.5).round(3)[1:3, 1:3]
        array([[0.5+0.5j, 0.5-0.5j],
               [0.5-0.5j, 0.5+0.5j]])
    """
    # SciPy's modules take longer to import than all of qsim, so only who needs them
    # pays for it.
    from scipy.linalg import schur

    unitary, exponent = check_unitary(unitary), as_number("exponent", exponent)
    triangle, vectors = schur(unitary, output="complex")
    phases = np.angle(np.diag(triangle))
    phases[phases < 1e-9 - np.pi] += 2 * np.pi  # -1 has the phase pi, not -pi
    return (vectors * np.exp(1j * exponent * phases)) @ vectors.conj().T


def canonical_gate(x: float, y: float, z: float) -> NDArray[np.complex128]:
    """Two qubits that interact: up to local gates, any two-qubit gate is one of these.

    ``exp(-i (x XX + y YY + z ZZ))``

    Args:
        x: Strength of XX, in radians.
        y: Strength of YY, in radians.
        z: Strength of ZZ, in radians. ``(0, 0, a)`` is the Ising gate, ``(a, a, a)``
            the Heisenberg gate.

    Returns:
        complex128 unitary ``(4, 4)``.

    Raises:
        ValueError: If a strength is not a finite real number.

    References:
        Kraus and Cirac, Phys. Rev. A 63, 062309 (2001).

    Example:
        An Ising gate is diagonal:

        >>> canonical_gate(0, 0, np.pi / 2).diagonal().round(3) + 0
        array([0.-1.j, 0.+1.j, 0.+1.j, 0.-1.j])
    """
    gate = np.eye(4, dtype=complex)
    for name, angle, pauli in (("x", x, PAULI_X), ("y", y, PAULI_Y), ("z", z, PAULI_Z)):
        angle = as_number(name, angle)
        pair = np.kron(pauli, pauli)  # XX, YY and ZZ commute, and square to 1
        gate = gate @ (np.cos(angle) * np.eye(4) - 1j * np.sin(angle) * pair)
    return gate


def cnot_ring(n_wires: int) -> NDArray[np.float64]:
    """The closed ring of CNOTs ``(0,1), (1,2), ..., (n-1,0)`` as a matrix.

    Args:
        n_wires: Number of wires, at least 1. Two wires have one CNOT, one has none.

    Returns:
        Permutation matrix ``(2**n_wires, 2**n_wires)``.

    Raises:
        MemoryError: If the matrix is larger than the machine's memory.
        ValueError: If the number is below 1.

    Example:
        >>> cnot_ring(2)
        array([[1., 0., 0., 0.],
               [0., 1., 0., 0.],
               [0., 0., 0., 1.],
               [0., 0., 1., 0.]])
    """
    check_count("n_wires", n_wires)
    check_wires_fit(n_wires, "A ring", sides=2)
    return circuit_matrix(np.zeros((1, n_wires)), "RY")


def across_cut(unitary: ArrayLike, wires: Sequence[int]) -> NDArray:
    """Reorder a circuit's matrix so that some of its wires come first.

    The result acts on ``dims = (2**k, 2**(n - k))``: A holds the k named wires in
    their order, B the others.

    Args:
        unitary: Unitary ``(2**n, 2**n)``, wire 0 its most significant bit.
        wires: The wires of A.

    Returns:
        A new array of the same shape.

    Raises:
        ValueError: If the matrix is not unitary on a number of wires, or the wires are
            wrong.

    Example:
        Seen from its target, a CNOT has the control on the other side:

        >>> across_cut(CNOT, [1])
        array([[1., 0., 0., 0.],
               [0., 0., 0., 1.],
               [0., 0., 1., 0.],
               [0., 1., 0., 0.]])
    """
    unitary = check_unitary(unitary)
    n = len(unitary).bit_length() - 1
    if len(unitary) != 2**n:
        raise ValueError(
            "Argument `unitary` must have a power of two as its size, "
            f"but has shape {unitary.shape}."
        )
    wires = check_wires(wires, n)
    order = wires + [wire for wire in range(n) if wire not in wires]
    tensor = unitary.reshape((2,) * (2 * n))
    moved = tensor.transpose([*order, *(n + wire for wire in order)])
    return moved.reshape(unitary.shape)


def haar_unitary(dim: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """A random unitary, uniform in the Haar measure.

    It is the Q of a Gaussian matrix's QR decomposition, its columns multiplied by the
    phases of R's diagonal.

    Args:
        dim: Size of the matrix, at least 1.
        rng: Source of randomness.

    Returns:
        complex128 unitary ``(dim, dim)``.

    Raises:
        MemoryError: If the matrix is larger than the machine's memory.
        ValueError: If the size is below 1.

    References:
        Mezzadri, Notices of the AMS 54, 592 (2007).

    Example:
        >>> unitary = haar_unitary(3, np.random.default_rng(0))
        >>> abs(unitary @ unitary.conj().T).round(6)
        array([[1., 0., 0.],
               [0., 1., 0.],
               [0., 0., 1.]])
    """
    check_count("dim", dim)
    check_fits(16 * int(dim) ** 2, f"A unitary of size {dim}")
    q, r = np.linalg.qr(rng.normal(size=(dim, dim)) + 1j * rng.normal(size=(dim, dim)))
    diagonal = np.diag(r)
    return q * (diagonal / np.abs(diagonal))
