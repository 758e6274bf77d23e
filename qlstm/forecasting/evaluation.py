"""Walk-forward evaluation: forecast, step on, refit, as one would have at the time.

An *origin* is the position of the first value to forecast: all values before it are
known, it and those after it are not. Nothing here looks past the origin, scaling
included; `qlstm.audit` checks that from the positions each result carries.

A forecaster is anything with ``fit(inputs, targets, *, rng, validation=None)`` that
returns something with ``predict(inputs)`` (`qlstm.forecasting.Forecaster`); both see
scaled windows ``(n_windows, n_steps, 1)``.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_choice, check_rng, check_size
from qlstm.forecasting.base import Forecaster
from qlstm.forecasting.checks import check_series, gap_note, warn_of_markers
from qlstm.forecasting.data import Scaler, cut_windows, fit_minmax_or_shift
from qlstm.forecasting.metrics import Errors, errors, mase_scale, skill_between
from qlstm.forecasting.multistep import predict_steps, recursive_forecast

STRATEGIES = ("recursive", "direct", "joint")


class Fit(NamedTuple):
    """One training within a walk, and every position that it used."""

    models: tuple[Any, ...]
    """What `fit` returned, one model, or one for each step ahead (direct)."""
    scaler: Scaler
    """Fitted on the training part at hand."""
    scaler_index: NDArray[np.intp]
    """Positions of the scaler's values; empty without scaling."""
    train_index: NDArray[np.intp]
    """Positions of the training targets."""
    input_index: NDArray[np.intp]
    """Positions inside the training windows."""
    validation_index: NDArray[np.intp]
    """Positions of the validation targets; empty without validation."""


class WalkForward(NamedTuple):
    """Result of `walk_forward`, in original units."""

    predictions: NDArray[np.float64]
    """``(n_origins, horizon)``."""
    targets: NDArray[np.float64]
    """``(n_origins, horizon)``, nan where the series has a gap."""
    index: NDArray[np.intp]
    """Position of each target, ``(n_origins, horizon)``."""
    origins: NDArray[np.intp]
    """Origin of each row; a row's inputs are the `n_steps` values before it."""
    fit_index: NDArray[np.intp]
    """Which of `fits` made each row, ``(n_origins,)``."""
    fits: tuple[Fit, ...]
    values: NDArray[np.float64]
    """The whole series."""
    n_steps: int
    """Values in a window."""


class _Plan(NamedTuple):
    """What is the same at every training."""

    forecaster: Forecaster
    n_steps: int
    horizon: int
    strategy: str
    scaling: str

    @property
    def leads(self) -> list[list[int]]:
        """For each model, how many steps ahead its targets lie."""
        ahead = list(range(1, self.horizon + 1))
        if self.strategy == "joint":
            return [ahead]
        return [[h] for h in ahead] if self.strategy == "direct" else [[1]]


class HorizonErrors(NamedTuple):
    """Errors of the forecasts some steps ahead, in original units."""

    ahead: int
    """Steps ahead, 1 being the first value after the last one seen."""
    n: int
    """Number of targets."""
    errors: Errors
    mase: float
    """MAE over the one-step naive MAE of the values before the first origin; nan where
    those do not change."""
    skill: float
    """Against persistence, the last value seen, however far ahead; nan where it has no
    error."""


def walk_forward(
    values: ArrayLike,
    forecaster: Forecaster,
    *,
    n_steps: int,
    first_origin: int,
    rng: np.random.Generator,
    horizon: int = 1,
    stride: int = 1,
    refit_every: int | None = 1,
    train_size: int | None = None,
    strategy: str = "recursive",
    scaling: str = "minmax",
    validation_size: int = 0,
) -> WalkForward:
    """Forecast from one origin after the other, training only on what came before.

    Args:
        values: Series ``(n,)`` in original units, nan or masked where a value is
            missing. Training windows and origins with a gap in them are dropped.
        forecaster: The method; see the top of the module.
        n_steps: Values in a window.
        first_origin: Position of the first value to forecast.
        rng: Source of randomness; each training gets a child of its own.
        horizon: Values to forecast from each origin.
        stride: Steps from one origin to the next.
        refit_every: Train anew at every k-th origin; None trains once, before the
            first. The values since the last training are still seen as inputs.
        train_size: None trains on all values before the origin (expanding window); a
            number on so many of them (sliding window).
        strategy: ``"recursive"``: one model a step ahead, whose forecasts are fed back.
            ``"direct"``: a model for each number of steps ahead. ``"joint"``: one model
            whose `predict` gives all of them, trained on targets ``(n, horizon)``.
        scaling: ``"minmax"``: to [0, 1] by the training part, anew at each training; a
            part that does not vary is shifted to 0. ``"none"``.
        validation_size: So many of the last values of the training part are kept as
            targets for `validation`; the scaler does not see them.

    Returns:
        A `WalkForward`.

    Raises:
        TypeError: If the values are not real numbers, a size is no integer or `rng` is
            no generator.
        ValueError: If a name is unknown, a size is not positive, the series is not
            one-dimensional or holds infinity, there is no origin with a whole window
            and room for the horizon, or a training part has no whole window.

    References:
        Tashman, "Out-of-sample tests of forecasting accuracy", International Journal of
        Forecasting 16 (2000), 437. Ben Taieb et al., "A review and comparison of
        strategies for multi-step ahead time series forecasting", Expert Systems with
        Applications 39 (2012), 7067.

    Example:
        >>> class Mean:
        ...     def fit(self, inputs, targets, *, rng, validation=None):
        ...         self.mean = targets.mean()
        ...         return self
        ...     def predict(self, inputs):
        ...         return np.full(len(inputs), self.mean)
        >>> rng, values = np.random.default_rng(0), [0, 2, 4, 6, 8]
        >>> walk = walk_forward(values, Mean(), n_steps=1, first_origin=3, rng=rng)
        >>> walk.index.ravel(), walk.predictions.ravel()
        (array([3, 4]), array([3., 4.]))
    """
    check_choice("strategy", strategy, STRATEGIES)
    check_choice("scaling", scaling, ("minmax", "none"))
    check_rng(rng)
    values = check_series("values", values)
    warn_of_markers(values)
    origins = _origins(values, n_steps, first_origin, horizon, stride)
    refit_every = len(origins) if refit_every is None else refit_every
    train_size = len(values) if train_size is None else train_size
    sizes = {"refit_every": refit_every, "train_size": train_size}
    for name, size in (sizes | {"validation_size + 1": validation_size + 1}).items():
        check_size(name, size)
    plan = _Plan(forecaster, n_steps, horizon, strategy, scaling)
    fits: list[Fit] = []
    rows = []
    for row, origin in enumerate(origins):
        if row % refit_every == 0:
            start = max(0, origin - train_size)
            past = values[:origin]  # nothing below can see the origin
            fits.append(_fit(plan, past, start, origin - validation_size, rng))
        fit = fits[-1]
        inputs = fit.scaler.transform(values[None, origin - n_steps : origin, None])
        rows.append(fit.scaler.inverse(_forecast(plan, fit.models, inputs)[0]))
    index = origins[:, None] + np.arange(horizon)
    return WalkForward(
        predictions=np.array(rows),
        targets=values[index],
        index=index,
        origins=origins,
        fit_index=np.arange(len(origins)) // refit_every,
        fits=tuple(fits),
        values=values,
        n_steps=n_steps,
    )


def horizon_errors(walk: WalkForward) -> tuple[HorizonErrors, ...]:
    """Errors for each number of steps ahead, beside persistence.

    Args:
        walk: Result of `walk_forward`.

    Returns:
        A `HorizonErrors` for each step ahead; targets in a gap are left out.

    Raises:
        ValueError: If no target of some step is known.

    Example:
        >>> class Last:
        ...     def fit(self, inputs, targets, *, rng, validation=None):
        ...         return self
        ...     def predict(self, inputs):
        ...         return inputs[:, -1, 0]
        >>> rng = np.random.default_rng(0)
        >>> walk = walk_forward(np.arange(9.0) ** 2, Last(), n_steps=2, first_origin=6,
        ...                     rng=rng, horizon=2)
        >>> for row in horizon_errors(walk):
        ...     print(row.ahead, row.n, row.errors.mae, row.skill)
        1 2 12.0 0.0
        2 2 26.0 0.0
    """
    past = walk.values[: walk.origins.min()]
    moves = np.abs(np.diff(past))
    scale = mase_scale(past) if (moves > 0).any() else float("nan")
    last = walk.values[walk.origins - 1]
    found = []
    for h in range(walk.index.shape[1]):
        known = ~np.isnan(walk.targets[:, h])
        targets = walk.targets[known, h]
        own = errors(walk.predictions[known, h], targets)
        reference = errors(last[known], targets)
        above = skill_between(own, reference)
        found.append(HorizonErrors(h + 1, len(targets), own, own.mae / scale, above))
    return tuple(found)


def _origins(
    values: NDArray[np.float64],
    n_steps: int,
    first_origin: int,
    horizon: int,
    stride: int,
) -> NDArray[np.intp]:
    """Origins that have a whole window before and some known target after them."""
    sizes = {"n_steps": n_steps, "first_origin": first_origin}
    for name, size in (sizes | {"horizon": horizon, "stride": stride}).items():
        check_size(name, size)
    known = ~np.isnan(values)
    origins = [
        origin
        for origin in range(first_origin, len(values) - horizon + 1, stride)
        if origin >= n_steps
        and known[origin - n_steps : origin].all()
        and known[origin : origin + horizon].any()
    ]
    if not origins:
        raise ValueError(
            f"Argument `first_origin` must leave {n_steps} known values before it and "
            f"{horizon} after it, but is {first_origin} of {len(values)} values"
            f"{gap_note(values)}."
        )
    return np.array(origins, dtype=np.intp)


def _fit(
    plan: _Plan,
    past: NDArray[np.float64],
    start: int,
    cut: int,
    rng: np.random.Generator,
) -> Fit:
    """Train on ``past[start:cut]``; what follows is for validation."""
    scaler, scaler_index = Scaler(), np.arange(0)
    if plan.scaling == "minmax":
        scaler_index = np.arange(start, cut)
        scaler = fit_minmax_or_shift(past[scaler_index])
    scaled = scaler.transform(past)
    models, used = [], []
    for lead in plan.leads:
        inputs, targets, input_index, index = cut_windows(
            scaled, plan.n_steps, lead, start
        )
        train = index[:, -1] < cut
        if not train.any():
            raise ValueError(
                "Argument `first_origin` must leave a whole window of "
                f"{plan.n_steps} steps for training, but values {start} to {cut - 1} "
                f"hold none{gap_note(past[start:cut])}."
            )
        valid = index[:, 0] >= cut  # joint targets on both sides are left out
        targets = targets if plan.strategy == "joint" else targets[:, 0]
        held = (inputs[valid], targets[valid]) if valid.any() else None
        model = plan.forecaster.fit(
            inputs[train], targets[train], rng=rng.spawn(1)[0], validation=held
        )
        models.append(model)
        used.append((index[train], input_index[train], index[valid]))
    positions = [
        np.unique(np.concatenate([array.ravel() for array in arrays]))
        for arrays in zip(*used, strict=True)
    ]
    return Fit(tuple(models), scaler, scaler_index, *positions)


def _forecast(
    plan: _Plan, models: tuple[Any, ...], inputs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scaled forecasts ``(n, horizon)``."""
    if plan.strategy == "recursive":
        return recursive_forecast(models[0], inputs, plan.horizon)
    if plan.strategy == "joint":
        return predict_steps(models[0], inputs, plan.horizon)
    return np.concatenate([predict_steps(model, inputs, 1) for model in models], axis=1)
