"""Train a forecaster on a series, and measure it on what comes after.

A series is cut in three parts of time. The first trains. The second gives residuals for
intervals, the third measures errors and coverage.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_choice, check_rng, check_size
from qlstm.files import versions
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.checks import check_share, gap_note, warn_of_markers
from qlstm.forecasting.data import Scaler, fit_minmax_or_shift
from qlstm.forecasting.ensemble import Ensemble
from qlstm.forecasting.evaluation import STRATEGIES
from qlstm.forecasting.leads import measure_leads
from qlstm.forecasting.sources import Series
from qlstm.forecasting.trained import TrainedForecaster, cut_origins, stack_columns

HELD_OUT = 0.2
"""Last share of the training windows by which `patience` stops."""


def train_forecaster(
    series: Series,
    forecaster: Forecaster,
    *,
    inputs: Sequence[Series] = (),
    n_steps: int = 10,
    horizon: int = 7,
    strategy: str | None = None,
    scaling: str = "minmax",
    train_share: float = 0.6,
    calibration_share: float = 0.2,
    rng: np.random.Generator,
    refit: bool = False,
    **options: Any,
) -> TrainedForecaster:
    """Train on the first part of a series, and measure on the rest.

    The targets are split in time: training, calibration, test. A window's inputs may
    reach back over a cut, never forward; windows with a gap are left out. A forecaster
    with `patience` stops by the last fifth of the training windows, on which it is
    not trained.

    Args:
        series: The series.
        forecaster: What to train, from `make_forecaster` or an `Ensemble`.
        inputs: Further series on the same dates, which are seen but not forecast.
        n_steps: Values in a window.
        horizon: Values ahead to forecast.
        strategy: ``"recursive"``: one model a step ahead, which is fed its forecasts;
            one column only. ``"direct"``: a model for each value ahead, trained at
            once. ``"joint"``: one model with `horizon` outputs. None: recursive
            without `inputs`, direct with them.
        scaling: ``"minmax"``: each column to [0, 1] by the training part. ``"none"``.
        train_share: Share of the values that train.
        calibration_share: Share whose residuals set the intervals that are measured.
        rng: Source of randomness.
        refit: Train once more, on all values, after measuring; the residuals stay
            those of before.
        **options: What `forecaster.fit` takes beside, such as `checkpoint`.

    Returns:
        A `TrainedForecaster`. Its forecasts use the residuals of calibration and test
        together.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If names are unknown, shares leave nothing, series do not fit one
            another, or a part has no whole window.

    References:
        As `conformal_intervals` and `walk_forward`.
    """
    check_rng(rng)
    check_size("n_steps", n_steps)
    check_size("horizon", horizon)
    check_choice("scaling", scaling, ("minmax", "none"))
    strategy = strategy or ("direct" if inputs else "recursive")
    check_choice("strategy", strategy, STRATEGIES)
    if strategy == "recursive" and inputs:
        raise ValueError(
            "Argument `strategy` must be 'direct' or 'joint' with `inputs`, whose "
            "values to come are not known, but is 'recursive'."
        )
    columns = stack_columns(series, inputs)
    for own in (series, *inputs):
        warn_of_markers(own.values)
    cuts = _cuts(len(columns), train_share, calibration_share)
    index = cut_origins(columns, n_steps, horizon)
    parts = _parts(series, index[:, n_steps:], n_steps, cuts)
    scalers = _scalers(columns[: cuts[0]], scaling)
    plan = _Plan(forecaster, n_steps, horizon, strategy, scalers, options)
    models = plan.fit(columns[: cuts[0]], rng)
    trained = TrainedForecaster(
        forecaster=forecaster,
        models=models,
        scalers=scalers,
        name=series.name,
        unit=series.unit,
        frequency=series.provenance.get("frequency", ""),
        columns=tuple(own.name for own in inputs),
        n_steps=n_steps,
        horizon=horizon,
        strategy=strategy,
        residuals=np.empty((0, horizon)),
        n_calibration=int(parts["calibration"].sum()),
        leads=(),
        record=_record(series, inputs, parts, cuts, scaling, refit),
    )
    calibration, test = (
        trained.origins(columns, index[parts[part]]) for part in ("calibration", "test")
    )
    residuals = [part.targets - part.predictions for part in (calibration, test)]
    if refit:
        plan = plan._replace(scalers=_scalers(columns, scaling))
        models = plan.fit(columns, rng)
    return replace(
        trained,
        models=models,
        scalers=plan.scalers,
        residuals=np.concatenate(residuals),
        leads=measure_leads(test, residuals[0]),
    )


class _Plan(NamedTuple):
    """How models are fitted."""

    forecaster: Forecaster
    n_steps: int
    horizon: int
    strategy: str
    scalers: tuple[Scaler, ...]
    options: dict[str, Any]

    def fit(
        self, columns: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[Fitted, ...]:
        """Fit to every window of these values, ``(n, n_features)``."""
        n_targets = 1 if self.strategy == "recursive" else self.horizon
        index = cut_origins(columns, self.n_steps, n_targets)
        offset, scale = np.array(self.scalers).T
        scaled = (columns - offset) / scale
        inputs = scaled[index[:, : self.n_steps]]
        targets = scaled[:, 0][index[:, self.n_steps :]]
        targets = targets[None] if self.strategy == "joint" else targets.T
        n_fit = len(inputs)
        if _stops_early(self.forecaster) and n_fit > 1:
            n_fit = max(1, int((1 - HELD_OUT) * n_fit))
        held = None
        if n_fit < len(inputs):
            held = [(inputs[n_fit:], own[n_fit:]) for own in targets]
        rngs = rng.spawn(len(targets))
        if len(targets) == 1:
            fitted = self.forecaster.fit(
                inputs[:n_fit],
                targets[0][:n_fit],
                rng=rngs[0],
                validation=held and held[0],
                **self.options,
            )
            return (fitted,)
        fitted = self.forecaster.fit_many(
            [inputs[:n_fit]] * len(targets),
            [own[:n_fit] for own in targets],
            rngs=rngs,
            validation=held,
            **self.options,
        )
        return tuple(fitted)


def _parts(
    series: Series, ahead: NDArray[np.intp], n_steps: int, cuts: tuple[int, int]
) -> dict[str, NDArray[np.bool_]]:
    """Which targets ``(n_origins, horizon)`` lie in each part; none crosses a cut."""
    parts = {
        "training": ahead[:, -1] < cuts[0],
        "calibration": (ahead[:, 0] >= cuts[0]) & (ahead[:, -1] < cuts[1]),
        "test": ahead[:, 0] >= cuts[1],
    }
    for part, rows in parts.items():
        if not rows.any():
            raise ValueError(
                f"Argument `series` must leave a {part} window of {n_steps} values and "
                f"{ahead.shape[1]} after it, but has {len(series.values)} values"
                f"{gap_note(series.values)}."
            )
    return parts


def _cuts(n: int, train_share: float, calibration_share: float) -> tuple[int, int]:
    """Where calibration and test begin."""
    shares = {"train_share": train_share, "calibration_share": calibration_share}
    for name, share in shares.items():
        check_share(name, share)
    if train_share + calibration_share >= 1:
        raise ValueError(
            "Arguments `train_share` and `calibration_share` must leave something to "
            f"test on, but are {train_share} and {calibration_share}."
        )
    return (
        int(train_share * n + 1e-9),
        int((train_share + calibration_share) * n + 1e-9),
    )


def _scalers(columns: NDArray[np.float64], scaling: str) -> tuple[Scaler, ...]:
    """A scaler for each column, fitted on these values."""
    if scaling == "none":
        return (Scaler(),) * columns.shape[1]
    return tuple(fit_minmax_or_shift(column) for column in columns.T)


def _stops_early(forecaster: Forecaster) -> bool:
    """Whether training stops by data that it is not trained on."""
    if isinstance(forecaster, Ensemble):
        return _stops_early(forecaster.forecaster)
    return getattr(forecaster, "patience", None) is not None


def _record(
    series: Series,
    inputs: Sequence[Series],
    parts: dict[str, NDArray[np.bool_]],
    cuts: tuple[int, int],
    scaling: str,
    refit: bool,
) -> dict[str, Any]:
    """Where a forecaster comes from, as JSON takes it."""
    return {
        "source": [
            {"name": own.name, "sha256": own.sha256, "provenance": own.provenance}
            for own in (series, *inputs)
        ],
        "windows": {part: int(rows.sum()) for part, rows in parts.items()},
        "cuts": list(cuts),
        "first_test_date": None if series.dates is None else str(series.dates[cuts[1]]),
        "n_values": len(series.values),
        "scaling": scaling,
        "refit": refit,
        "versions": versions(),
    }
