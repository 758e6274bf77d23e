"""Errors of a forecast, in whatever units it comes in."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_size
from qlstm.forecasting.baselines.naive import persistence
from qlstm.forecasting.checks import check_finite
from qlstm.forecasting.data import Dataset


class Errors(NamedTuple):
    """Errors of predictions against targets."""

    mse: float
    """Mean squared error, in squared units of the targets."""
    rmse: float
    """Its root, in units of the targets."""
    mae: float
    """Mean absolute error, in units of the targets."""


class Scores(NamedTuple):
    """All the numbers of one forecast of a test part."""

    original: Errors
    """In the units of the series."""
    scaled: Errors
    """In the units that the model sees."""
    mase: float
    """MAE over the in-sample MAE of the naive forecast; has no unit."""
    r2: float
    """Share of the targets' variance that is explained; has no unit."""
    skill: float
    """Share of persistence's squared error that is gone; has no unit."""


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


def persistence_errors(dataset: Dataset) -> Errors:
    """Errors of the naive forecast on a dataset's test part: what `skill` is against.

    Args:
        dataset: What `prepare` made.

    Returns:
        `Errors` of the last value seen, in original units.

    Example:
        >>> from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine, prepare
        >>> protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
        >>> data = prepare(noisy_sine(protocol, rng), protocol, rng)
        >>> round(persistence_errors(data).mse, 3)
        0.04
    """
    inverse, test = dataset.scaler.inverse, dataset.test
    return errors(inverse(persistence(test.inputs)), inverse(test.targets))


def r2(predictions: ArrayLike, targets: ArrayLike) -> float:
    """Coefficient of determination: the skill against the targets' own mean.

    ``1 - sum (target - prediction)^2 / sum (target - mean target)^2``. The mean of the
    targets is not known when a forecast is made, and a slow series stays far from it:
    persistence alone then has an R2 near 1. Read `skill` beside it.

    Args:
        predictions: Array of any shape, not empty.
        targets: Array of the same shape.

    Returns:
        R2, at most 1.

    Raises:
        ValueError: If shapes differ, the arrays are empty or hold nan, or the targets
            do not vary.

    Example:
        >>> r2([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
        0.5
    """
    mse = errors(predictions, targets).mse
    targets = np.asarray(targets, dtype=np.float64)
    if np.ptp(targets) == 0:
        raise ValueError("Argument `targets` must vary, but all are the same.")
    return 1 - mse / float(np.var(targets))


def mase_scale(train_values: ArrayLike, season: int = 1) -> float:
    """What MASE divides by: the in-sample MAE of the (seasonal) naive forecast.

    ``mean |y_t - y_(t - season)|`` over the training part.

    Args:
        train_values: Training part of the series ``(n,)``, nan for a missing value; a
            pair with a gap is left out.
        season: Period m of the naive forecast; 1 repeats the last value.

    Returns:
        The scale, in units of the series.

    Raises:
        ValueError: If `season` is not positive, or no pair of values differs.

    References:
        Hyndman and Koehler, "Another look at measures of forecast accuracy",
        International Journal of Forecasting 22 (2006), eq. for q_t.

    Example:
        >>> mase_scale([1.0, 3.0, 2.0, 6.0])
        2.3333333333333335
    """
    check_size("season", season)
    values = np.asarray(train_values, dtype=np.float64)
    steps = np.abs(values[season:] - values[:-season])
    steps = steps[~np.isnan(steps)]
    if values.ndim != 1 or not steps.any():
        raise ValueError(
            "Argument `train_values` must be one-dimensional and change over "
            f"{season} steps, but has shape {values.shape} and {len(steps)} known "
            "pairs."
        )
    return float(steps.mean())


def mase(
    predictions: ArrayLike, targets: ArrayLike, train_values: ArrayLike, season: int = 1
) -> float:
    """Mean absolute scaled error: below 1 beats what naive forecasts did in training.

    ``MAE / mase_scale(train_values, season)``. The scale comes from another stretch
    than the error: where the test part is calmer than the training part, even
    persistence is below 1.

    Args:
        predictions: Array of any shape, not empty, in the units of `train_values`.
        targets: Array of the same shape.
        train_values: Training part of the series ``(n,)``, nan for a missing value.
        season: Period m of the naive forecast.

    Returns:
        The scaled error, without unit.

    Raises:
        ValueError: As `errors` and `mase_scale`.

    Example:
        >>> mase([2.0, 5.0], [4.0, 4.0], train_values=[1.0, 3.0, 6.0, 7.0])
        0.75
    """
    return errors(predictions, targets).mae / mase_scale(train_values, season)


def scores(dataset: Dataset, predictions: ArrayLike, season: int = 1) -> Scores:
    """Every metric of a forecast of a dataset's test part.

    Args:
        dataset: What `prepare` made.
        predictions: Forecast of its test targets ``(n_test,)``, in original units.
        season: Period of the naive forecast that MASE divides by; its values are those
            of the training windows.

    Returns:
        `Scores`.

    Raises:
        ValueError: As `errors`, `r2` and `mase_scale`, or if the test inputs all end
            in their target, so that persistence has no error.

    Example:
        >>> from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine, prepare
        >>> protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
        >>> data = prepare(noisy_sine(protocol, rng), protocol, rng)
        >>> last_seen = data.values[data.test.index - 1]
        >>> found = scores(data, last_seen)
        >>> round(found.r2, 2), round(found.mase, 2), found.skill
        (0.91, 0.94, 0.0)
    """
    test, train = dataset.test, dataset.train
    targets = dataset.scaler.inverse(test.targets)
    original = errors(predictions, targets)
    seen = np.full(len(dataset.values), np.nan)
    for positions in (train.input_index, train.index):
        seen[positions] = dataset.values[positions]
    return Scores(
        original=original,
        scaled=errors(dataset.scaler.transform(predictions), test.targets),
        mase=original.mae / mase_scale(seen, season),
        r2=r2(predictions, targets),
        skill=skill(original.mse, persistence_errors(dataset).mse),
    )


def _difference(predictions: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """``predictions - targets``, both checked."""
    predictions = check_finite("predictions", predictions)
    targets = check_finite("targets", targets)
    if predictions.shape != targets.shape or predictions.size == 0:
        raise ValueError(
            "Arguments `predictions` and `targets` must have the same shape and not be "
            f"empty, but have {predictions.shape} and {targets.shape}."
        )
    return check_finite("predictions - targets", predictions - targets)
