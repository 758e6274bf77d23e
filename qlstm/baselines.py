"""Classical forecasts that every result stands beside."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


def persistence(inputs: ArrayLike) -> NDArray[np.float64]:
    """Forecast the last value seen.

    Args:
        inputs: Windows ``(n_windows, n_steps, n_features)``; the first feature is the
            series itself.

    Returns:
        float64 array ``(n_windows,)``.

    Example:
        >>> persistence([[[1.0], [2.0]], [[2.0], [5.0]]])
        array([2., 5.])
    """
    return np.asarray(inputs, dtype=np.float64)[:, -1, 0]


class Autoregression(NamedTuple):
    """A linear forecast from the values of a window, AR(p)."""

    coefficients: NDArray[np.float64]
    """One for each step (and feature), oldest first: ``(n_steps * n_features,)``."""
    intercept: float
    """The constant term."""

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows ``(n_windows, n_steps, n_features)``: ``(n_windows,)``."""
        inputs = np.asarray(inputs, dtype=np.float64)
        return inputs.reshape(len(inputs), -1) @ self.coefficients + self.intercept


def fit_autoregression(inputs: ArrayLike, targets: ArrayLike) -> Autoregression:
    """Fit AR(p) with a constant by ordinary least squares, p the window's length.

    Args:
        inputs: Training windows ``(n_windows, n_steps, n_features)``.
        targets: The values after them, ``(n_windows,)``.

    Returns:
        An `Autoregression`; of least norm where the windows do not determine it.

    Example:
        >>> inputs = np.array([[[1.0], [2.0]], [[2.0], [4.0]], [[4.0], [7.0]]])
        >>> model = fit_autoregression(inputs, [3.0, 6.0, 10.0])
        >>> model.predict([[[7.0], [11.0]]]).round(6)
        array([15.])
    """
    inputs = np.asarray(inputs, dtype=np.float64)
    flat = inputs.reshape(len(inputs), -1)
    design = np.column_stack([flat, np.ones(len(flat))])
    solution = np.linalg.lstsq(design, np.asarray(targets, dtype=np.float64))[0]
    return Autoregression(solution[:-1], float(solution[-1]))
