"""The copy detector: does a forecast repeat the last value it has seen?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_size
from qlstm.forecasting.checks import (
    ROUNDING,
    check_finite,
    check_series,
    check_share,
    exponent,
    rescale,
)
from qlstm.forecasting.metrics import skill
from qlstm.forecasting.significance import diebold_mariano, loss_statistic

NEAR = 1 / 3
"""Most that a copy's squared distance to the last value seen is of its error."""


DRAWS, SEED = 400, [71, 1995]
"""Simulated forecasts at each skill, for the power of the detector, and their seed: one
that nobody draws a series from."""


class CopyCheck(NamedTuple):
    """Result of `check_copy`; printed, it is a sentence."""

    correlation: NDArray[np.float64]
    """Of predictions with the value k steps before their target, k = 0, 1, ...; 0 is
    the target itself, nan where one side does not vary. ``(n_lags + 1,)``."""
    mse: NDArray[np.float64]
    """Mean squared distance to that value, ``(n_lags + 1,)``."""
    horizon: int
    """Steps from the last value seen to the target."""
    skill: float
    """Against persistence; nan if that has no error."""
    p_value: float
    """One-sided, the chance of such a skill if the forecast were no better."""
    is_near: bool
    """Whether predictions lie much nearer to the last value seen than to the target."""
    is_better: bool
    """Whether the forecast beats persistence beyond chance."""
    level: float
    """Level of that test."""
    half_missed: float
    """True skill at which half of all honest forecasts of these targets are called
    copies: `missed_share` is 1/2 there. Nan where persistence has no error."""

    @property
    def is_copy(self) -> bool:
        """Near the last value seen, and not better than it."""
        return self.is_near and not self.is_better

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        beats = "beats" if self.is_better else "does not beat"
        found = f"skill {self.skill:+.3f}, p = {self.p_value:.2g}"
        if np.isnan(self.skill):
            found = "which has no error here, so that skill is undefined"
        verdict = f"it {beats} persistence ({found})"
        to_target, to_last = (
            f"{self.mse[k]:.3g} (correlation {self.correlation[k]:.2f})"
            for k in (0, self.horizon)
        )
        distance = (
            f"its mean squared distance is {to_last} to the last value seen and "
            f"{to_target} to the value it predicts"
        )
        if self.mse[self.horizon] == 0:
            said = f"The forecast is the last value seen: {verdict}."
        elif self.is_copy:
            said = (
                f"The forecast copies the last value seen: {distance}, and {verdict}."
            )
        elif self.is_near:
            but = f"but {verdict}"
            said = f"The forecast keeps near the last value seen: {distance}; {but}."
        else:
            it_beats = f"It{verdict.removeprefix('it')}"
            said = f"The forecast is no copy: {distance}. {it_beats}."
        return said + self.power

    @property
    def power(self) -> str:
        """What the detector would miss here, the sentence's end; empty if undefined."""
        if np.isnan(self.half_missed):
            return ""
        return (
            f" Of honest forecasts whose true skill is {self.half_missed:.2f}, it "
            "would call half copies here."
        )

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


def check_copy(
    predictions: ArrayLike,
    values: ArrayLike,
    index: ArrayLike,
    *,
    horizon: int = 1,
    n_lags: int = 5,
    level: float = 0.05,
) -> CopyCheck:
    """Compare predictions with the values at and before their targets.

    A forecast is a copy if both hold:

    1. near: ``mean (p - last)^2 <= 1/3 mean (p - target)^2``. Where the predicted moves
       ``p - last`` say nothing about the true ones, their squares are then at most
       half as large;
    2. not better: the Diebold-Mariano test of its squared errors against those of
       persistence, one-sided, does not reject at `level`.

    Distances decide, and correlations only illustrate: on a slow series everything
    correlates with everything. Either condition alone misleads. A series that barely
    moves has good forecasts near its last value; a forecast of noise is bad but copies
    nothing.

    Few targets make the test weak, and good forecasts are then called copies, too:
    `half_missed` says how good they may be.

    Args:
        predictions: ``(n,)``, in the units of `values`, in order of time.
        values: The whole series, nan where a value is missing.
        index: Position of each prediction's target in `values`, ``(n,)``.
        horizon: Steps from the last value seen to the target.
        n_lags: Largest k to look back, raised to `horizon`.
        level: Level of the test.

    Returns:
        A `CopyCheck`. Lag k leaves out targets whose value k steps before is missing.

    Raises:
        ValueError: If shapes do not fit, predictions are not finite, positions are not
            in the series, fewer than four targets have a known last value, or `level`
            is not between 0 and 1.

    Example:
        >>> values = np.sin(np.arange(60.0) ** 2)
        >>> index = np.arange(20, 60)
        >>> check_copy(values[index - 1], values, index).sentence[:35]
        'The forecast is the last value seen'
        >>> check_copy(np.zeros(40), values, index).is_copy
        False
    """
    check_size("horizon", horizon)
    check_size("n_lags", n_lags)
    check_share("level", level)
    predictions, values, index = _check_targets(predictions, values, index)
    e = max(exponent(predictions), exponent(values[~np.isnan(values)]))
    predictions, values = np.ldexp(predictions, -e), np.ldexp(values, -e)
    lagged = _lagged(values, index, max(n_lags, horizon))
    rounding = ROUNDING * np.nanmax(np.abs(values))  # scaling and back is no difference
    same = np.abs(predictions - lagged[horizon]) <= rounding
    predictions = np.where(same, lagged[horizon], predictions)
    correlation = [_correlation(predictions, row) for row in lagged]
    mse = [_mean((predictions - row) ** 2) for row in lagged]
    target, last = lagged[0], lagged[horizon]
    known = ~np.isnan(target) & ~np.isnan(last)
    if known.sum() < 4:
        raise ValueError(
            "Argument `index` must hold at least 4 targets that are known together "
            f"with the last value seen, but holds {known.sum()}."
        )
    to_target = (predictions - target)[known] ** 2
    to_last = (predictions - last)[known] ** 2
    persistence = (last - target)[known] ** 2
    test = diebold_mariano(to_target, persistence, horizon=horizon, alternative="less")
    moves = (target - last)[known]
    return CopyCheck(
        correlation=np.array(correlation),
        mse=np.array(
            [m if np.isnan(m) else rescale("predictions", m, 2 * e) for m in mse]
        ),
        horizon=horizon,
        skill=skill(to_target.mean(), persistence.mean())
        if persistence.any()
        else float("nan"),
        p_value=test.p_value,
        is_near=bool(to_last.mean() <= NEAR * to_target.mean()),
        is_better=test.p_value < level,
        level=level,
        half_missed=_half_missed(moves, test.n_lags, level),
    )


def missed_share(
    moves: NDArray[np.float64], skill: float, n_lags: int, level: float
) -> float:
    """Share of honest forecasts of a true skill that `check_copy` calls copies.

    With the true moves m (target minus last value seen) and their mean square v, an
    honest forecast of skill s predicts the moves ``q = s m + sqrt(s (1 - s) v) z``, z
    standard normal: over the draws q does not correlate with its error ``m - q``, the
    squares of q are ``s v`` in the mean, and those of the error ``(1 - s) v``. Each
    draw is then judged as `check_copy` judges. The draws are the same at every skill,
    and at every call.

    Args:
        moves: True moves ``(n,)``, of a scale that can be squared.
        skill: True skill against persistence, 0 to 1.
        n_lags: Autocovariances of the Diebold-Mariano test.
        level: Its level.

    Returns:
        The share among `DRAWS` forecasts; fewer for over 2,500 targets.

    Example:
        >>> moves = np.random.default_rng(0).normal(size=71)
        >>> [missed_share(moves, skill, 3, 0.05) > 0.5 for skill in (0.05, 0.25)]
        [True, False]
    """
    from scipy.stats import t

    n, rng = len(moves), np.random.default_rng(SEED)
    idle = np.sqrt(skill * (1 - skill) * np.mean(moves**2))
    critical, missed = t.ppf(level, n - 1), []
    draws, block = min(DRAWS, max(20, 10**6 // n)), max(1, 10**5 // n)
    for start in range(0, draws, block):
        noise = rng.normal(size=(min(block, draws - start), n))
        predicted = skill * moves + idle * noise
        to_last, to_target = predicted**2, (moves - predicted) ** 2
        near = to_last.mean(axis=1) <= NEAR * to_target.mean(axis=1)
        better = loss_statistic(to_target - moves**2, n_lags) < critical
        missed.append(near & ~better)
    return float(np.concatenate(missed).mean())


def _half_missed(moves: NDArray[np.float64], n_lags: int, level: float) -> float:
    """The skill at which `missed_share` falls below 1/2, to 0.001; nan without moves.

    Squared moves are neither 0 nor infinite on the scale of the largest.
    """
    if not moves.any():
        return float("nan")
    moves = np.ldexp(moves, -exponent(moves))
    low, high = 0.0, 1.0
    while high - low > 0.001:
        middle = (low + high) / 2
        if missed_share(moves, middle, n_lags, level) >= 0.5:
            low = middle
        else:
            high = middle
    return high


def _check_targets(
    predictions: ArrayLike, values: ArrayLike, index: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Predictions, the series and the positions of targets, or a message."""
    predictions = check_finite("predictions", predictions)
    values, index = check_series("values", values), as_real("index", index)
    if predictions.ndim != 1 or predictions.shape != index.shape:
        raise ValueError(
            "Arguments `predictions` and `index` must be series of one length, but "
            f"have shapes {predictions.shape} and {index.shape}."
        )
    if not np.isin(index, np.arange(len(values))).all():
        raise ValueError(
            f"Argument `index` must hold positions in a series of {len(values)} values."
        )
    return predictions, values, index.astype(np.intp)


def _lagged(
    values: NDArray[np.float64], index: NDArray[np.intp], n_lags: int
) -> NDArray[np.float64]:
    """Values k steps before each target ``(n_lags + 1, n)``, nan before the start."""
    padded = np.concatenate([np.full(n_lags, np.nan), values])
    return padded[index - np.arange(n_lags + 1)[:, None] + n_lags]


def _mean(squares: NDArray[np.float64]) -> float:
    """Mean of what is known; nan if nothing is."""
    known = squares[~np.isnan(squares)]
    return float(known.mean()) if known.size else float("nan")


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson's correlation where both are known; nan where one does not vary."""
    known = ~np.isnan(second)
    a, b = first[known], second[known]
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
