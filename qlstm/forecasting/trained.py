"""A forecaster that was trained on a series, with all that forecasting it takes.

It knows its scale, its window, its horizon and its residuals, so that `forecast` takes
a series as it is and goes past its end. `train_forecaster` makes one, and
`load_forecaster` reads one from a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_size
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.calendar import continue_dates
from qlstm.forecasting.checks import check_share, gap_note
from qlstm.forecasting.conformal import conformal_intervals
from qlstm.forecasting.data import Scaler
from qlstm.forecasting.ensemble import Ensemble
from qlstm.forecasting.forecasters import FORECASTERS
from qlstm.forecasting.leads import LEVEL, Lead, Origins, lead_table
from qlstm.forecasting.multistep import predict_steps, recursive_forecast
from qlstm.forecasting.sources import Series


class SeriesForecast(NamedTuple):
    """What `TrainedForecaster.forecast` says of the values after a series."""

    values: NDArray[np.float64]
    """``(horizon,)``, in the series' unit."""
    lower: NDArray[np.float64] | None
    """Lower ends of the intervals; None if none were asked for."""
    upper: NDArray[np.float64] | None
    dates: NDArray | None
    """``(horizon,)``; None if the series has no dates, or no regular ones."""
    level: float | None
    """Share of the values that the intervals are to hold."""
    name: str
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Every number, as JSON takes it."""
        found = {"series": self.name, "unit": self.unit, "interval": self.level}
        found["values"] = self.values.tolist()
        if self.dates is not None:
            found["dates"] = [str(day) for day in self.dates]
        if self.lower is not None:
            found["lower"], found["upper"] = self.lower.tolist(), self.upper.tolist()
        return found


@dataclass(frozen=True, eq=False)
class TrainedForecaster:
    """A trained forecaster of one series; from `train_forecaster` or a file.

    Args:
        forecaster: What was fitted, with its options; None for a bare model's file.
        models: One fitted forecaster, or one for each value ahead.
        scalers: Of the series and of each further column, fitted on what trained.
        name: The series' name.
        unit: Its unit, or "".
        frequency: Step of its dates, such as "1 day"; "" without dates.
        columns: Names of the further columns.
        n_steps: Values in a window.
        horizon: Values ahead whose residuals are known.
        strategy: ``"recursive"``, ``"direct"`` or ``"joint"``.
        residuals: Target minus forecast of values that did not train, ``(n,
            horizon)``, those of calibration first.
        n_calibration: How many of these rows are calibration's.
        leads: What the test part says, value by value ahead.
        record: Where it comes from: the series with its sha256, the parts, versions.
    """

    forecaster: Forecaster | None
    models: tuple[Fitted, ...]
    scalers: tuple[Scaler, ...]
    name: str
    unit: str
    frequency: str
    columns: tuple[str, ...]
    n_steps: int
    horizon: int
    strategy: str
    residuals: NDArray[np.float64]
    n_calibration: int
    leads: tuple[Lead, ...]
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Name of the forecaster."""
        return describe_forecaster(self.forecaster)["name"]

    def forecast(
        self,
        series: Series,
        *,
        inputs: Sequence[Series] = (),
        horizon: int | None = None,
        interval: float | None = LEVEL,
    ) -> SeriesForecast:
        """Forecast the values after the end of a series.

        Args:
            series: The series up to now, in the unit of the training; its last
                `n_steps` values must be known.
            inputs: The further columns of the training, on the same dates.
            horizon: Values to forecast; None for as many as in training. More can be
                had from a recursive forecaster without intervals.
            interval: Share of the values that intervals hold, if the residuals of
                calibration and test are like those to come (split conformal, each
                number of steps ahead by itself); None for no intervals.

        Returns:
            A `SeriesForecast`.

        Raises:
            TypeError: If `series` is no `Series`, or `horizon` no integer.
            ValueError: If the series does not end with a whole window, has another
                unit or step than in training, `inputs` are not the columns of the
                training, the horizon is too long, or there are too few residuals for
                the interval.

        Example:
            >>> from qlstm.forecasting import make_forecaster, train_forecaster
            >>> values = np.tile([1.0, 2.0, 3.0, 4.0], 30)
            >>> series = Series(values, None, "level", "m", {})
            >>> rng = np.random.default_rng(0)
            >>> ar = make_forecaster("ar")
            >>> trained = train_forecaster(series, ar, n_steps=4, horizon=3, rng=rng)
            >>> trained.forecast(series).values.round(6)
            array([1., 2., 3.])
        """
        horizon = self.horizon if horizon is None else horizon
        check_size("horizon", horizon)
        self._check_horizon(horizon, interval)
        columns = self._columns(series, inputs)
        window = columns[None, -self.n_steps :]
        self._check_window(series, window[0])
        values = self._predict(window, horizon)[0]
        lower = upper = None
        if interval is not None:
            check_share("interval", interval)
            lower, upper = np.array(
                [self._interval(v, h, interval) for h, v in enumerate(values)]
            ).T
        dates = continue_dates(series.dates, self.frequency, horizon)
        return SeriesForecast(
            values, lower, upper, dates, interval, series.name, self.unit
        )

    def walk(
        self, series: Series, *, inputs: Sequence[Series] = (), first_origin: int = 0
    ) -> Origins:
        """Forecast from every origin of a series, without training anew.

        Args:
            series: As in `forecast`.
            inputs: As in `forecast`.
            first_origin: Position of the first value that may be forecast.

        Returns:
            `Origins` whose window and targets have no gap.

        Raises:
            ValueError: As `forecast`, or if there is no such origin.
        """
        columns = self._columns(series, inputs)
        index = cut_origins(columns, self.n_steps, self.horizon)
        index = index[index[:, self.n_steps] >= first_origin]
        if not len(index):
            raise ValueError(
                f"Argument `series` must hold {self.n_steps} known values and "
                f"{self.horizon} after them to be tested from value {first_origin + 1} "
                f"on, but holds {len(columns)}{gap_note(series.values)}."
            )
        return self.origins(columns, index)

    def to_dict(self) -> dict[str, Any]:
        """What it is and what its test part says, as JSON takes it."""
        return {
            "forecaster": describe_forecaster(self.forecaster),
            "n_params": sum(model.n_params for model in self.models),
            "series": {"name": self.name, "unit": self.unit, "step": self.frequency},
            "inputs": list(self.columns),
            "n_steps": self.n_steps,
            "horizon": self.horizon,
            "strategy": self.strategy,
            "leads": [lead.to_dict() for lead in self.leads],
            **self.record,
        }

    def __str__(self) -> str:
        """What it is, and a table of the test part."""
        unit = f" in {self.unit}" if self.unit else ""
        beside = f" and {', '.join(self.columns)}" if self.columns else ""
        how = self.strategy
        if how == "direct":
            how += f", one model for each of {self.horizon} values ahead"
        text = (
            f"{self.kind} ({how}) for {self.name}{unit}: it sees {self.n_steps} "
            f"values{beside}.\n"
        )
        return text + (f"\n{lead_table(self.leads)}" if self.leads else "")

    def _check_horizon(self, horizon: int, interval: float | None) -> None:
        """Say so when forecasts or intervals do not reach so far."""
        if horizon <= self.horizon and (interval is None or len(self.residuals)):
            return
        if self.strategy != "recursive":
            raise ValueError(
                f"Argument `horizon` must be at most {self.horizon}, for which it was "
                f"trained, but is {horizon}."
            )
        if interval is not None:
            raise ValueError(
                "Argument `interval` must be None where no residuals are known, but is "
                f"{interval} for {horizon} values ahead; residuals reach to "
                f"{self.horizon if len(self.residuals) else 0}."
            )

    def _columns(self, series: Series, inputs: Sequence[Series]) -> NDArray[np.float64]:
        """The series and the further columns, ``(n, n_features)``, checked."""
        columns = stack_columns(series, inputs)
        names = tuple(own.name for own in inputs)
        if names != self.columns:
            raise ValueError(
                f"Argument `inputs` must be the columns of the training, "
                f"{', '.join(self.columns) or 'none'}, but is "
                f"{', '.join(names) or 'none'}."
            )
        for what, ours, theirs in (
            ("unit", self.unit, series.unit),
            ("step", self.frequency, series.provenance.get("frequency", "")),
        ):
            if ours and theirs and ours != theirs:
                raise ValueError(
                    f"Argument `series` must have the {what} of the training, {ours}, "
                    f"but has {theirs}."
                )
        return columns

    def _check_window(self, series: Series, window: NDArray[np.float64]) -> None:
        """Say so when the last window is short or has a gap."""
        if len(window) < self.n_steps:
            raise ValueError(
                f"Argument `series` must hold at least {self.n_steps} values, but "
                f"holds {len(window)}."
            )
        gaps = np.isnan(window).any(axis=1)
        if gaps.any():
            places = range(len(series.values) - self.n_steps, len(series.values))
            missing = [place for place, gap in zip(places, gaps) if gap]
            told = [
                str(place + 1) if series.dates is None else str(series.dates[place])
                for place in missing[:5]
            ]
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise ValueError(
                f"Argument `series` must end with {self.n_steps} known values, but "
                f"{', '.join(told)}{more} {'is' if len(missing) == 1 else 'are'} "
                "missing."
            )

    def _predict(self, windows: NDArray[np.float64], horizon: int) -> NDArray:
        """Forecasts ``(n, horizon)`` of windows ``(n, n_steps, n_features)``."""
        offset, scale = np.array(self.scalers).T
        scaled = (windows - offset) / scale
        if self.strategy == "recursive":
            found = recursive_forecast(self.models[0], scaled, horizon)
        elif self.strategy == "joint":
            found = predict_steps(self.models[0], scaled, self.horizon)[:, :horizon]
        else:
            steps = [predict_steps(m, scaled, 1) for m in self.models[:horizon]]
            found = np.concatenate(steps, axis=1)
        return self.scalers[0].inverse(found)

    def origins(self, columns: NDArray[np.float64], index: NDArray[np.intp]) -> Origins:
        """Forecasts of the windows at some positions.

        Args:
            columns: Values ``(n, n_features)``.
            index: From `cut_origins`.
        """
        inputs, ahead = index[:, : self.n_steps], index[:, self.n_steps :]
        predictions = self._predict(columns[inputs], self.horizon)
        values = columns[:, 0]
        return Origins(ahead, predictions, values[ahead], values[inputs[:, -1]])

    def _interval(self, value: float, h: int, level: float) -> tuple[float, float]:
        """Both ends of one interval."""
        try:
            found = conformal_intervals(
                [value], self.residuals[:, h], alpha=1 - level, kind="symmetric"
            )
        except ValueError:
            least = int(np.ceil(1 / (1 - level) - 1 - 1e-9))
            raise ValueError(
                f"Argument `interval` must be reached by the {len(self.residuals)} "
                f"residuals that are known, but {level:g} needs {least}."
            ) from None
        return found.lower.item(), found.upper.item()


def stack_columns(series: Series, inputs: Sequence[Series]) -> NDArray[np.float64]:
    """A series and further ones on the same dates: ``(n, n_features)``.

    Args:
        series: The series.
        inputs: Further ones.

    Returns:
        Their values, a column each, nan where a value is missing.

    Raises:
        TypeError: If one is no `Series`.
        ValueError: If their dates or lengths differ, or a name comes twice.
    """
    for own in (series, *inputs):
        if not isinstance(own, Series):
            raise TypeError(
                f"Arguments `series` and `inputs` must be Series, but one is a "
                f"{type(own).__name__}."
            )
    names = [own.name for own in (series, *inputs)]
    for own in inputs:
        if names.count(own.name) > 1:
            raise ValueError(
                f"Argument `inputs` must have names of their own, but {own.name!r} "
                "comes twice."
            )
        dated = series.dates is not None and own.dates is not None
        if len(own.values) != len(series.values) or (
            not np.array_equal(own.dates, series.dates)
            if dated
            else (own.dates is None) != (series.dates is None)
        ):
            raise ValueError(
                f"Argument `inputs` must have the dates of `series`, but {own.name!r} "
                "has others."
            )
    return np.column_stack([own.values for own in (series, *inputs)])


def cut_origins(
    columns: NDArray[np.float64], n_steps: int, n_targets: int
) -> NDArray[np.intp]:
    """Positions of whole windows and the targets after them.

    Args:
        columns: Values ``(n, n_features)``, nan where one is missing.
        n_steps: Values in a window, known in every column.
        n_targets: Values after it, known in the first column.

    Returns:
        ``(n_origins, n_steps + n_targets)``.
    """
    first = np.arange(len(columns) - n_steps - n_targets + 1)[:, None]
    index = first + np.arange(n_steps + n_targets)
    gap = np.isnan(columns)
    whole = ~gap.any(axis=1)[index[:, :n_steps]].any(axis=1)
    return index[whole & ~gap[:, 0][index[:, n_steps:]].any(axis=1)]


def describe_forecaster(forecaster: Forecaster | None) -> dict[str, Any]:
    """A forecaster's name and options, as JSON takes them.

    Args:
        forecaster: The forecaster; None for one that nobody knows any more.

    Returns:
        ``name`` and ``options``; an ensemble's have ``n_members``.
    """
    if forecaster is None:
        return {"name": "quantum", "options": {}}
    if isinstance(forecaster, Ensemble):
        inner = describe_forecaster(forecaster.forecaster)
        return inner | {"n_members": forecaster.n_members}
    options = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in forecaster.get_params().items()
    }
    names = {kind: name for name, kind in FORECASTERS.items()}
    kind = type(forecaster)
    return {"name": names.get(kind, kind.__name__), "options": options}
