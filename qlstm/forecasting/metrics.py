"""Errors of a forecast, in whatever units it comes in."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_size
from qlstm.forecasting.baselines.naive import persistence
from qlstm.forecasting.checks import check_finite, check_series, exponent, rescale
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
    """MAE over the in-sample MAE of the naive forecast; has no unit. This and the rest
    are nan where what they divide by is 0, such as on a flat stretch."""
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
        TypeError: If they are not real numbers.
        ValueError: If shapes differ, the arrays are empty or hold nan, or a square is
            too large for float64.

    Example:
        >>> errors([1.0, 3.0], [1.0, 1.0])
        Errors(mse=2.0, rmse=1.4142135623730951, mae=1.0)
    """
    difference = _difference(predictions, targets)
    e = exponent(difference)
    scaled = np.ldexp(difference, -e)
    mse, mae = np.mean(scaled**2), np.mean(np.abs(scaled))
    return Errors(
        rescale("predictions - targets", mse, 2 * e),
        rescale("predictions - targets", np.sqrt(mse), e),
        rescale("predictions - targets", mae, e),
    )


def skill(mse: float, reference_mse: float) -> float:
    """Share of a reference forecast's squared error that is gone.

    ``1 - mse / reference_mse``: 1 is perfect, 0 no better than the reference.

    Args:
        mse: Mean squared error of the forecast.
        reference_mse: That of the reference, by custom persistence; positive.

    Returns:
        The skill, at most 1.

    Raises:
        TypeError: If one is not a real number.
        ValueError: If the reference's error is not positive, the forecast's is
            negative, or one is not finite.

    Example:
        >>> skill(0.5, 2.0)
        0.75
    """
    own, reference = as_real("mse", mse), as_real("reference_mse", reference_mse)
    if reference.ndim or not 0 < reference < np.inf:
        raise ValueError(
            f"Argument `reference_mse` must be positive, but is {reference_mse}."
        )
    if own.ndim or not 0 <= own < np.inf:
        raise ValueError(
            f"Argument `mse` must be finite and not negative, but is {mse}."
        )
    return rescale("mse / reference_mse", 1 - float(own) / float(reference), 0)


def skill_between(own: Errors, reference: Errors) -> float:
    """The `skill`, nan against a reference without error: on a flat stretch.

    Args:
        own: Errors of the forecast.
        reference: Those of the reference.

    Returns:
        The skill, or nan.

    Example:
        >>> skill_between(errors([1.0], [2.0]), errors([2.0], [2.0]))
        nan
    """
    if reference.rmse == 0:
        return float("nan")
    if reference.mse < np.finfo(np.float64).tiny:  # its square underflows
        return skill((own.rmse / reference.rmse) ** 2, 1.0)
    return skill(own.mse, reference.mse)


def known(value: float) -> float | None:
    """The value, or None for nan: what JSON takes."""
    return None if np.isnan(value) else value


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
        TypeError: If they are not real numbers.
        ValueError: If shapes differ, the arrays are empty or hold nan, or the targets
            do not vary.

    Example:
        >>> r2([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
        0.5
    """
    difference, targets = _difference(predictions, targets), as_real("targets", targets)
    if np.ptp(targets) == 0:
        raise ValueError("Argument `targets` must vary, but all are the same.")
    e, f = exponent(difference), exponent(targets)
    targets = np.ldexp(targets, -f)
    spread = exponent(targets - targets.mean())
    variance = np.var(np.ldexp(targets, -spread))
    ratio = np.mean(np.ldexp(difference, -e) ** 2) / variance
    return 1 - rescale("predictions - targets", ratio, 2 * (e - f - spread))


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
        TypeError: If the values are not real numbers.
        ValueError: If `season` is not positive, a value is infinite, or no pair of
            values differs.

    References:
        Hyndman and Koehler, "Another look at measures of forecast accuracy",
        International Journal of Forecasting 22 (2006), eq. for q_t.

    Example:
        >>> mase_scale([1.0, 3.0, 2.0, 6.0])
        2.3333333333333335
    """
    check_size("season", season)
    values = as_real("train_values", train_values)
    steps = np.zeros(0)
    if values.ndim == 1:
        steps = _season_steps(check_series("train_values", values), season)
    if not steps.any():
        raise ValueError(
            "Argument `train_values` must be one-dimensional and change over "
            f"{season} steps, but has shape {values.shape} and {len(steps)} known "
            "pairs."
        )
    e = exponent(steps)
    return rescale("train_values", np.ldexp(steps, -e).mean(), e)


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
    mae = float(np.mean(np.abs(_difference(predictions, targets))))
    return rescale("predictions - targets", mae / mase_scale(train_values, season), 0)


def scores(dataset: Dataset, predictions: ArrayLike, season: int = 1) -> Scores:
    """Every metric of a forecast of a dataset's test part.

    Args:
        dataset: What `prepare` made.
        predictions: Forecast of its test targets ``(n_test,)``, in original units.
        season: Period of the naive forecast that MASE divides by; its values are those
            of the training windows.

    Returns:
        `Scores`, with nan for what is not defined: the skill where persistence has no
        error, R2 where the targets do not vary, MASE where the training part does not.

    Raises:
        ValueError: As `errors`.

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
    check_size("season", season)
    moves = _season_steps(seen, season).any()
    return Scores(
        original=original,
        scaled=errors(dataset.scaler.transform(predictions), test.targets),
        mase=original.mae / mase_scale(seen, season) if moves else float("nan"),
        r2=r2(predictions, targets) if np.ptp(targets) else float("nan"),
        skill=skill_between(original, persistence_errors(dataset)),
    )


def _season_steps(values: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """``|y_t - y_(t - season)|`` where both are known."""
    steps = np.abs(values[season:] - values[:-season])
    return steps[~np.isnan(steps)]


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
