"""Errors of a forecast, in whatever units it comes in."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Errors(NamedTuple):
    """Errors of predictions against targets."""

    mse: float
    """Mean squared error, in squared units of the targets."""
    rmse: float
    """Its root, in units of the targets."""
    mae: float
    """Mean absolute error, in units of the targets."""


def errors(predictions: ArrayLike, targets: ArrayLike) -> Errors:
    """Mean squared, root mean squared and mean absolute error.

    Args:
        predictions: Array of any shape, not empty.
        targets: Array of the same shape.

    Returns:
        `Errors`.

    Raises:
        ValueError: If shapes differ, the arrays are empty or hold nan.

    Example:
        >>> errors([1.0, 3.0], [1.0, 1.0])
        Errors(mse=2.0, rmse=1.4142135623730951, mae=1.0)
    """
    difference = _difference(predictions, targets)
    mse = float(np.mean(difference**2))
    return Errors(mse, float(np.sqrt(mse)), float(np.mean(np.abs(difference))))


def skill(mse: float, reference_mse: float) -> float:
    """Share of a reference forecast's squared error that is gone.

    ``1 - mse / reference_mse``: 1 is perfect, 0 no better than the reference.

    Args:
        mse: Mean squared error of the forecast.
        reference_mse: That of the reference, by custom persistence; positive.

    Returns:
        The skill, at most 1.

    Raises:
        ValueError: If the reference's error is not positive.

    Example:
        >>> skill(0.5, 2.0)
        0.75
    """
    if not reference_mse > 0:
        raise ValueError(
            f"Argument `reference_mse` must be positive, but is {reference_mse}."
        )
    return 1 - mse / reference_mse


def _difference(predictions: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """``predictions - targets``, both checked."""
    predictions = np.asarray(predictions, dtype=np.float64)
    targets = np.asarray(targets, dtype=np.float64)
    if predictions.shape != targets.shape or predictions.size == 0:
        raise ValueError(
            "Arguments `predictions` and `targets` must have the same shape and not be "
            f"empty, but have {predictions.shape} and {targets.shape}."
        )
    difference = predictions - targets
    if not np.isfinite(difference).all():
        raise ValueError("Arguments `predictions` and `targets` must be finite.")
    return difference
