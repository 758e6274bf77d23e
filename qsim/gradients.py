"""Derivatives of any function of angles, by evaluating it at other angles."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.numbers import as_number, as_real


def parameter_shift(
    f: Callable[[NDArray], ArrayLike], angles: ArrayLike
) -> NDArray[np.float64]:
    """Exact gradient of an expectation value by the two-term parameter-shift rule.

    ``df/dt_k = [f(t + pi/2 e_k) - f(t - pi/2 e_k)] / 2``

    It is exact for every f that is a sinusoid of period 2 pi in each angle: an
    expectation value in which each angle drives *one* rotation gate. It is wrong where
    an angle drives several gates (a recurrent cell), or where f divides by a
    probability: see docs/gradients.md, section 6, for what holds there.

    Args:
        f: Function of an array shaped as `angles`; returns a number or an array.
        angles: Angles in radians, any shape.

    Returns:
        float64 array ``angles.shape + f(angles).shape``.

    Raises:
        ValueError: If the angles are not finite real numbers, or f is complex.

    References:
        Schuld et al., Phys. Rev. A 99, 032331 (2019).

    Example:
        >>> from qsim import RY, apply_gate, expval_z, zero_state
        >>> def f(t):
        ...     return expval_z(apply_gate(zero_state(1), RY(t[0]), [0]), 0)
        >>> parameter_shift(f, [np.pi / 2]).round(3)
        array([[-1.]])
    """
    return _differences(f, angles, np.pi / 2, 0.5)


def finite_difference(
    f: Callable[[NDArray], ArrayLike], angles: ArrayLike, step: float = 1e-6
) -> NDArray[np.float64]:
    """Central differences, ``[f(t + step e_k) - f(t - step e_k)] / (2 step)``.

    Args:
        f: Function of an array shaped as `angles`; returns a number or an array.
        angles: Point at which to differentiate, any shape.
        step: Distance of the two points from it, positive.

    Returns:
        float64 array ``angles.shape + f(angles).shape``; its error is of order
        ``step**2`` (truncation) plus ``1e-16 / step`` (rounding).

    Raises:
        ValueError: If the angles are not finite real numbers, the step is not
            positive, or f is complex.

    Example:
        >>> finite_difference(lambda t: np.sin(t[0]), [0.0]).round(6)
        array([1.])
    """
    step = as_number("step", step, finite=False)
    if not 0 < step < np.inf:
        raise ValueError(f"Argument `step` must be positive, but is {step}.")
    return _differences(f, angles, step, 0.5 / step)


def _differences(
    f: Callable[[NDArray], ArrayLike], angles: ArrayLike, shift: float, factor: float
) -> NDArray[np.float64]:
    """``factor * [f(t + shift e_k) - f(t - shift e_k)]`` for every k."""
    angles, rows = as_real("angles", angles), []
    for index in np.ndindex(angles.shape):
        offset = np.zeros_like(angles)
        offset[index] = shift
        # f may well diverge: nan and inf are its own affair
        ends = [as_real("f", f(at), False) for at in (angles + offset, angles - offset)]
        rows.append(factor * (ends[0] - ends[1]))
    return np.array(rows).reshape(angles.shape + np.shape(rows[0] if rows else 0.0))
