"""Forecasts that train nothing, or a mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_size
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.examples import Examples, check_windows


def persistence(inputs: ArrayLike) -> NDArray[np.float64]:
    """Forecast the last value seen.

    Args:
        inputs: Windows ``(n, n_steps, n_features)``; the first feature is the series
            itself.

    Returns:
        float64 array ``(n,)``.

    Raises:
        ValueError: If the shape does not fit or a value is not finite.

    Example:
        >>> persistence([[[1.0], [2.0]], [[2.0], [5.0]]])
        array([2., 5.])
    """
    return check_windows(inputs)[:, -1, 0]


class _Rule(Forecaster):
    """A forecast that reads its window and trains nothing."""

    min_steps = 1

    def _fit(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None
    ) -> "FittedRule":
        """Note the sizes; the window must be long enough."""
        layout = examples.layout
        if layout.n_steps < self.min_steps:
            raise ValueError(
                f"Argument `inputs` must have at least {self.min_steps} steps for "
                f"{self}, but has {layout.n_steps}."
            )
        return FittedRule(layout, 0, self)

    def forecast(self, series: NDArray, horizon: int) -> NDArray[np.float64]:
        """Forecast windows of the series ``(n, n_steps)``: ``(n, horizon)``."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class FittedRule(Fitted):
    """A rule that knows its sizes."""

    rule: _Rule

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast checked windows: ``(n, n_outputs)``."""
        return self.rule.forecast(inputs[:, :, 0], self.layout.n_outputs)


@dataclass(frozen=True)
class Persistence(_Rule):
    """The last value, ``y_h = x_T`` at every lead h: the naive forecast.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = np.array([[[1.0], [2.0], [5.0]]])
        >>> Persistence().fit(inputs, [[7.0, 9.0]], rng=rng).predict(inputs)
        array([[5., 5.]])
    """

    def forecast(self, series: NDArray, horizon: int) -> NDArray[np.float64]:
        """Forecast windows of the series ``(n, n_steps)``: ``(n, horizon)``."""
        return np.repeat(series[:, -1:], horizon, axis=1)


@dataclass(frozen=True)
class Drift(_Rule):
    """The last value and the window's mean step: a line through its two ends.

    ``y_h = x_T + h (x_T - x_1) / (T - 1)``

    References:
        Hyndman and Athanasopoulos, "Forecasting: principles and practice", 3rd ed.,
        section 5.2, with the window as the history.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = np.array([[[1.0], [2.0], [5.0]]])
        >>> Drift().fit(inputs, [[7.0, 9.0]], rng=rng).predict(inputs)
        array([[7., 9.]])
    """

    min_steps = 2

    def forecast(self, series: NDArray, horizon: int) -> NDArray[np.float64]:
        """Forecast windows of the series ``(n, n_steps)``: ``(n, horizon)``."""
        first, last = series[:, :1], series[:, -1:]
        leads = np.arange(1, horizon + 1)
        return last + leads * (last - first) / (series.shape[1] - 1)


@dataclass(frozen=True)
class SeasonalNaive(_Rule):
    """The value one season before, ``y_h = x_{T + h - s}``, further seasons repeated.

    Args:
        season: Steps in a season, s; a window must hold one.

    Raises:
        TypeError: If the season is not an integer.
        ValueError: If it is not positive.

    References:
        Hyndman and Athanasopoulos, as in `Drift`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = np.array([[[1.0], [2.0], [5.0]]])
        >>> fitted = SeasonalNaive(season=2).fit(inputs, [[2.0, 5.0, 2.0]], rng=rng)
        >>> fitted.predict(inputs)
        array([[2., 5., 2.]])
    """

    season: int

    def __post_init__(self) -> None:
        check_size("season", self.season)

    @property
    def min_steps(self) -> int:
        """A window must hold a season."""
        return self.season

    def forecast(self, series: NDArray, horizon: int) -> NDArray[np.float64]:
        """Forecast windows of the series ``(n, n_steps)``: ``(n, horizon)``."""
        last_season = series[:, -self.season :]
        return last_season[:, np.arange(horizon) % self.season]


@dataclass(frozen=True, eq=False)
class FittedMean(Fitted):
    """A mean that was learnt."""

    level: float
    """Mean of the training targets."""

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast checked windows: ``(n, n_outputs)``."""
        return np.full((len(inputs), self.layout.n_outputs), self.level)


@dataclass(frozen=True)
class Mean(Forecaster):
    """The mean of the training targets, at every lead: the mean of the known history.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = np.array([[[1.0], [2.0]], [[2.0], [5.0]]])
        >>> Mean().fit(inputs, [5.0, 8.0], rng=rng).predict(inputs)
        array([6.5, 6.5])
    """

    def _fit(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None
    ) -> FittedMean:
        """Take the mean."""
        return FittedMean(examples.layout, 1, float(examples.targets.mean()))
