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
from qlstm.forecasting.significance import diebold_mariano

NEAR = 1 / 3
"""Most that a copy's squared distance to the last value seen is of its error."""


class CopyCheck(NamedTuple):
    """Result of `check_copy`; printed, it is a sentence."""

    correlation: NDArray[np.float64]
    """Of predictions with the value k steps before their target, k = 0, 1, ...: 0 is
    the target itself; nan where one side does not vary. ``(n_lags + 1,)``."""
    mse: NDArray[np.float64]
    """Mean squared distance to that value, ``(n_lags + 1,)``."""
    horizon: int
    """Steps from the last value seen to the target."""
    skill: float
    """Against persistence; nan if that has no error."""
    p_value: float
    """One-sided: the chance of such a skill if the forecast were no better."""
    is_near: bool
    """Whether predictions lie much nearer to the last value seen than to the target."""
    is_better: bool
    """Whether the forecast beats persistence beyond chance."""
    level: float
    """Level of that test."""

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
            return f"The forecast is the last value seen: {verdict}."
        if self.is_copy:
            return (
                f"The forecast copies the last value seen: {distance}, and {verdict}."
            )
        if self.is_near:
            but = f"but {verdict}"
            return f"The forecast keeps near the last value seen: {distance}; {but}."
        return f"The forecast is no copy: {distance}. It{verdict.removeprefix('it')}."

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
    )


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
