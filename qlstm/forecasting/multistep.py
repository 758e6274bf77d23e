"""How one step ahead becomes several."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_size
from qlstm.forecasting.base import Fitted


def recursive_forecast(
    fitted: Fitted, inputs: ArrayLike, horizon: int
) -> NDArray[np.float64]:
    """Forecast several steps with a one-step model that is fed its own forecasts.

    Args:
        fitted: A trained forecaster whose `predict` gives ``(n,)`` or ``(n, 1)``.
        inputs: Windows ``(n, n_steps, 1)``, in the units it was trained in.
        horizon: Steps ahead.

    Returns:
        float64 array ``(n, horizon)``, in the same units.

    Raises:
        ValueError: If `inputs` has another shape or more than one feature, or `predict`
            gives more than one step.

    Example:
        >>> from qlstm.forecasting.baselines import Autoregression
        >>> inputs = np.array([[[1.0], [2.0]], [[2.0], [4.0]], [[4.0], [7.0]]])
        >>> fitted = Autoregression().fit(inputs, [3.0, 6.0, 11.0], rng=None)
        >>> recursive_forecast(fitted, [[[1.0], [1.0]]], 4).round(6)
        array([[2., 3., 5., 8.]])
    """
    check_size("horizon", horizon)
    window = as_real("inputs", inputs)
    if window.ndim != 3 or window.shape[2] != 1:
        raise ValueError(
            "Argument `inputs` must have shape (n, n_steps, 1) to be fed forecasts, "
            f"but has {window.shape}."
        )
    steps = []
    for _ in range(horizon):
        steps.append(predict_steps(fitted, window, 1)[:, 0])
        window = np.concatenate([window[:, 1:], steps[-1][:, None, None]], axis=1)
    return np.stack(steps, axis=1)


def predict_steps(
    fitted: Fitted, inputs: NDArray[np.float64], horizon: int
) -> NDArray[np.float64]:
    """What a model predicts, as ``(n, horizon)``.

    Args:
        fitted: A trained forecaster.
        inputs: Windows ``(n, n_steps, 1)``.
        horizon: Steps that it has to predict at once.

    Returns:
        float64 array ``(n, horizon)``.

    Raises:
        ValueError: If `predict` gives another shape.
    """
    found = as_real("predictions", fitted.predict(inputs))
    shape = (len(inputs), horizon)
    if found.shape != shape and (horizon > 1 or found.shape != shape[:1]):
        raise ValueError(
            f"Argument `forecaster` must predict {shape}, or {shape[:1]} one step "
            f"ahead, but predicts {found.shape}."
        )
    return found.reshape(shape)
