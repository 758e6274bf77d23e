"""Prediction intervals from residuals: split conformal prediction."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_choice
from qlstm.forecasting.checks import check_finite, check_series, check_share

KINDS = ("symmetric", "asymmetric")


class Intervals(NamedTuple):
    """One interval for each prediction."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    alpha: float
    """The share that may fall outside."""
    n_calibration: int
    """Residuals they come from."""


class Coverage(NamedTuple):
    """What `coverage` measures."""

    share: float
    """Share of targets inside."""
    mean_width: float
    """In units of the targets."""
    n: int
    """Number of targets."""
    low: float
    """With probability 95 % the share of exchangeable targets lies from here ..."""
    high: float
    """... to here."""


def conformal_intervals(
    predictions: ArrayLike,
    residuals: ArrayLike,
    *,
    alpha: float = 0.1,
    kind: str = "symmetric",
) -> Intervals:
    """Intervals that hold a new target with a probability of at least ``1 - alpha``.

    ``prediction +- q``, q being the ``ceil((n + 1) (1 - alpha))``-th smallest of the n
    absolute residuals. The guarantee needs residuals that the model was not trained on
    and that are exchangeable with the new ones: no trend, no drift, no season that the
    validation part misses. It speaks of all targets together, not of each.

    Args:
        predictions: Forecasts of any shape.
        residuals: Target minus prediction on the validation part, ``(n,)``, same units.
        alpha: Share that may fall outside.
        kind: ``"symmetric"``, or ``"asymmetric"``: each side has a bound of its own,
            from signed residuals, and ``alpha / 2`` may pass it.

    Returns:
        `Intervals`.

    Raises:
        TypeError: If an argument does not hold real numbers.
        ValueError: If `alpha` is not between 0 and 1, `kind` is unknown, predictions
            are not finite, or residuals are not a finite series, or are too few: ``1 /
            alpha - 1`` at least, twice as many for two sides.

    References:
        Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-free predictive
        inference for regression", Journal of the American Statistical Association 113
        (2018), 1094.

    Example:
        >>> found = conformal_intervals([10.0], [1.0, -2.0, 0.5, -0.2], alpha=0.2)
        >>> found.lower, found.upper
        (array([8.]), array([12.]))
    """
    check_choice("kind", kind, KINDS)
    check_share("alpha", alpha)
    predictions = check_finite("predictions", predictions)
    check_series("residuals", residuals)
    residuals = check_finite("residuals", residuals)
    if kind == "symmetric":
        up = down = _quantile(np.abs(residuals), alpha)
    else:
        up, down = _quantile(residuals, alpha / 2), _quantile(-residuals, alpha / 2)
    return Intervals(predictions - down, predictions + up, alpha, len(residuals))


def coverage(intervals: Intervals, targets: ArrayLike) -> Coverage:
    """Share of targets inside their intervals, and what chance allows.

    With n calibration residuals, m targets and ``k = ceil((n + 1) (1 - alpha))``, the
    number inside is beta-binomial with parameters ``(m, k, n + 1 - k)``, if residuals
    are continuous and exchangeable (symmetric intervals; asymmetric ones, roughly).

    Args:
        intervals: From `conformal_intervals`.
        targets: True values, of the intervals' shape.

    Returns:
        `Coverage`.

    Raises:
        TypeError: If they are not real numbers.
        ValueError: If shapes differ, the targets are empty, or a number is not finite.

    Example:
        >>> intervals = conformal_intervals(np.zeros(4), np.arange(-9.0, 10.0))
        >>> found = coverage(intervals, [0.0, 5.0, -8.0, 20.0])
        >>> found.share, found.mean_width, found.low, found.high
        (0.75, 18.0, 0.5, 1.0)
    """
    from scipy.stats import betabinom

    lower, upper, alpha, n_calibration = intervals
    lower = check_finite("intervals.lower", lower)
    upper = check_finite("intervals.upper", upper)
    targets = check_finite("targets", targets)
    if not targets.shape == lower.shape == upper.shape or not targets.size:
        raise ValueError(
            f"Argument `targets` must have the intervals' shape {lower.shape} and not "
            f"be empty, but has {targets.shape}."
        )
    inside = (lower <= targets) & (targets <= upper)
    rank = max(_rank(n_calibration, alpha), 0)
    low = high = 0.0  # of intervals without width
    if rank > 0:
        chance = betabinom(targets.size, rank, n_calibration + 1 - rank)
        low, high = (float(chance.ppf(p) / targets.size) for p in (0.025, 0.975))
    return Coverage(
        share=float(inside.mean()),
        mean_width=float((upper - lower).mean()),
        n=targets.size,
        low=low,
        high=high,
    )


def _rank(n: int, alpha: float) -> int:
    """``ceil((n + 1) (1 - alpha))``, where shares such as 0.9 mean what they say."""
    return math.ceil((n + 1) * (1 - alpha) - 1e-9)


def _quantile(scores: NDArray[np.float64], alpha: float) -> float:
    """The finite-sample quantile: the smallest bound that holds for new scores."""
    rank = _rank(len(scores), alpha)
    if rank < 1:
        return 0.0  # everything may fall outside
    if rank > len(scores):
        needed = np.ceil(1 / max(alpha, np.finfo(np.float64).tiny) - 1 - 1e-9)
        raise ValueError(
            "Argument `residuals` must hold at least "
            f"{needed:.15g} values for a tail of {alpha:g}, but "
            f"holds {len(scores)}."
        )
    return float(np.sort(scores)[rank - 1])
