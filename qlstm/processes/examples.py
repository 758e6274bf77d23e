"""Processes whose memory is one qubit, and for a classical machine more than one bit.

Each is known in closed form (docs/quantum_memory.md).
"""

import numpy as np
from numpy.typing import NDArray

from qlstm.processes.process import Process
from qsim.numbers import as_number


def square_and_diamond() -> Process:
    """Four symbols, each the state that the memory is left in.

    ``K = |0><0|, |1><1|, |+><+|, |-><-|``, each over ``sqrt 2``

    The next symbol is the same with 1/2, its opposite never, each of the other two with
    1/4. One qubit holds it; four classical states are needed.

    Returns:
        A `Process` of four symbols, ``dim = 2``.

    Example:
        >>> square_and_diamond().kraus.shape
        (4, 2, 2)
    """
    return _measured(np.pi / 2 * np.array([0, 2, 1, 3]), np.sqrt(1 / 2))


def trine() -> Process:
    """Three symbols, at a third of the circle from each other.

    ``K_i = sqrt(2/3) |v_i><v_i|``, ``v_i = (cos i pi/3, sin i pi/3)``: the next symbol
    is the same with 2/3, each other one with 1/6.

    Returns:
        A `Process` of three symbols, ``dim = 2``.

    Example:
        >>> trine().kraus[0].round(4)
        array([[0.8165, 0.    ],
               [0.    , 0.    ]])
    """
    return _measured(2 * np.pi / 3 * np.arange(3), np.sqrt(2 / 3))


def tetrahedron() -> Process:
    """Four symbols, at the corners of a tetrahedron in the Bloch sphere.

    ``K_i = sqrt(1/2) |v_i><v_i|``: the next symbol is the same with 1/2, each other one
    with 1/6. It needs a complex qubit.

    Returns:
        A `Process` of four symbols, ``dim = 2``, complex.

    Example:
        >>> tetrahedron().kraus.dtype
        dtype('complex128')
    """
    polar = np.array([0.0, *[np.arccos(-1 / 3)] * 3])
    turn = np.exp(2j * np.pi / 3 * np.array([0, 0, 1, 2]))
    vectors = np.stack([np.cos(polar / 2), turn * np.sin(polar / 2)], axis=1)
    return _projectors(vectors, np.sqrt(1 / 2))


def qubit_clock(s: float, alpha: float) -> Process:
    """A driven atom whose photons are counted: silence (0) or a click (1).

    ``K_0 = diag(1, s) R(alpha)``, ``K_1 = sqrt(1 - s^2) |0><1| R(alpha)``, R a rotation
    matrix. A click resets the memory; silence turns it on.

    Args:
        s: What silence leaves of the excited amplitude, 0 < s < 1.
        alpha: How far a step turns, in radians.

    Returns:
        A `Process` of two symbols, ``dim = 2``.

    Raises:
        ValueError: If s lies outside of (0, 1), or a number is not finite.

    Example:
        >>> qubit_clock(0.8, 0.0).kraus[1].round(6)
        array([[0. , 0.6],
               [0. , 0. ]])
    """
    s, turn = check_clock(s), rotation_matrix(as_number("alpha", alpha))
    click = np.array([[0.0, np.sqrt(1 - s * s)], [0.0, 0.0]])
    return Process(np.stack([np.diag([1.0, s]) @ turn, click @ turn]))


def probability_clock(s: float = 0.6, alpha: float = 0.6) -> Process:
    """Jaeger's probability clock, as it was published for learning.

    ``K_0 = R(alpha) diag(s, 1)``, ``K_1 = diag(sqrt(1 - s^2), 0)``. It is not
    `qubit_clock` at the same numbers: a click leaves the memory in the state that
    clicked.

    Args:
        s: What silence leaves of the amplitude that clicks, 0 < s < 1.
        alpha: How far a silent step turns, in radians.

    Returns:
        A `Process` of two symbols, ``dim = 2``; as published with the default numbers.

    Raises:
        ValueError: If s lies outside of (0, 1), or a number is not finite.

    References:
        Jaeger, Neural Computation 12, 1371 (2000): the classical probability clock.

    Example:
        >>> probability_clock().kraus[1].round(6)
        array([[0.8, 0. ],
               [0. , 0. ]])
    """
    s, turn = check_clock(s), rotation_matrix(as_number("alpha", alpha))
    click = np.diag([np.sqrt(1 - s * s), 0.0])
    return Process(np.stack([turn @ np.diag([s, 1.0]), click]))


def check_clock(s: float) -> float:
    """Return what silence leaves, or say that it is no damping."""
    s = as_number("s", s)
    if not 0 < s < 1:
        raise ValueError(f"Argument `s` must lie between 0 and 1, but is {s:g}.")
    return s


def rotation_matrix(angle: float) -> NDArray[np.float64]:
    """``R(angle)``, a turn of the plane."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _measured(bloch: NDArray, scale: float) -> Process:
    """Projectors on real states, by their angles on the Bloch circle."""
    vectors = np.stack([np.cos(bloch / 2), np.sin(bloch / 2)], axis=1)
    return _projectors(vectors, scale)


def _projectors(vectors: NDArray, scale: float) -> Process:
    """``K_i = scale |v_i><v_i|``."""
    return Process(scale * vectors[:, :, None] * vectors[:, None, :].conj())
