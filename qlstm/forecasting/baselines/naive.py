"""Forecasts that train nothing, or a mean."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_size
from qlstm.forecasting.baselines.examples import Layout, check_examples, check_windows


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


class _Rule:
    """A forecast that reads its window and trains nothing."""

    min_steps = 1

    def fit(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        rng: np.random.Generator,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> "FittedRule":
        """Note the sizes.

        Args:
            inputs: Windows ``(n, n_steps, n_features)``; the first feature is the
                series itself.
            targets: The values after them, ``(n,)`` or ``(n, horizon)``.
            rng: Not used.
            validation: Not used.

        Returns:
            A `FittedRule`.

        Raises:
            ValueError: If shapes do not fit, a value is not finite, or the rule needs
                longer windows.
        """
        layout = check_examples(inputs, targets).layout
        if layout.n_steps < self.min_steps:
            raise ValueError(
                f"Argument `inputs` must have at least {self.min_steps} steps for "
                f"{self}, but has {layout.n_steps}."
            )
        return FittedRule(self, layout)

    def forecast(self, series: NDArray, horizon: int) -> NDArray[np.float64]:
        """Forecast windows of the series ``(n, n_steps)``: ``(n, horizon)``."""
        raise NotImplementedError


class FittedRule(NamedTuple):
    """A rule that knows its sizes."""

    rule: _Rule
    layout: Layout
    n_params: int = 0

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows ``(n, n_steps, n_features)``: ``(n,)`` or ``(n, horizon)``."""
        series = self.layout.check(inputs)[:, :, 0]
        return self.layout.shape(self.rule.forecast(series, self.layout.n_outputs))


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


class FittedMean(NamedTuple):
    """A mean that was learnt."""

    level: float
    """Mean of the training targets."""
    layout: Layout
    n_params: int = 1

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows ``(n, n_steps, n_features)``: ``(n,)`` or ``(n, horizon)``."""
        n = len(self.layout.check(inputs))
        return self.layout.shape(np.full((n, self.layout.n_outputs), self.level))


@dataclass(frozen=True)
class Mean:
    """The mean of the training targets, at every lead: the mean of the known history.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = np.array([[[1.0], [2.0]], [[2.0], [5.0]]])
        >>> Mean().fit(inputs, [5.0, 8.0], rng=rng).predict(inputs)
        array([6.5, 6.5])
    """

    def fit(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        rng: np.random.Generator,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> FittedMean:
        """Take the mean.

        Args:
            inputs: Windows ``(n, n_steps, n_features)``.
            targets: The values after them, ``(n,)`` or ``(n, horizon)``.
            rng: Not used.
            validation: Not used.

        Returns:
            A `FittedMean`.

        Raises:
            ValueError: If shapes do not fit or a value is not finite.
        """
        examples = check_examples(inputs, targets)
        return FittedMean(float(examples.targets.mean()), examples.layout)
