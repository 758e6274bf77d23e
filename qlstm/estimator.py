"""Regressors in the manners of scikit-learn, which they do not need.

`QLSTMRegressor` is the quantum LSTM, `BaselineRegressor` any forecaster of
`qlstm.forecasting`, so that both compete in one grid search. A row of ``X`` is a
window, a column of ``y`` a value to forecast.
"""

import inspect
import sys
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_choice, check_size
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.checks import check_share
from qlstm.forecasting.ensemble import Ensemble
from qlstm.forecasting.examples import check_examples
from qlstm.forecasting.forecasters import (
    FORECASTERS,
    forecaster_options,
    make_forecaster,
)
from qlstm.forecasting.quantum import FittedQuantum, Quantum, training_data
from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.progress import epoch_progress
from qlstm.run_state import History, TrainState
from qlstm.train import train

__all__ = ["BaselineRegressor", "QLSTMRegressor"]

CELL = ("n_ancilla", "n_layers", "rotation", "memory", "disentangler", "loss")
CELL += ("encoding", "readout", "cut", "n_features")
TRAINING = ("epochs", "batch_size", "learning_rate", "schedule", "clip_norm")
TRAINING += ("patience", "gradient", "frozen", "bias")

OWN = ("name", "n_features", "random_state")
"""Options of `BaselineRegressor` that are no forecaster's."""


class _Regressor:
    """What scikit-learn asks of a regressor."""

    n_features: int
    random_state: Any

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to windows and the values after them.

        Args:
            X: ``(n, n_steps * n_features)``, step by step; or ``(n, n_steps,
                n_features)``. A DataFrame has its columns' names checked later.
            y: ``(n,)``, or ``(n, n_outputs)``.

        Returns:
            Itself.

        Raises:
            TypeError: If X is sparse.
            ValueError: If shapes do not fit, values are not finite real numbers, or an
                option has no meaning.
        """
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        check_size("n_features", self.n_features)
        names = _names(X)
        inputs = self._windows(_numbers("X", X))
        targets = _numbers("y", y)
        if targets.ndim not in (1, 2) or len(targets) != len(inputs):
            raise ValueError(
                "Arguments `X` and `y` have inconsistent numbers of samples or shapes: "
                f"{np.shape(X)} and {targets.shape}."
            )
        self._fit(inputs, targets)
        self.n_features_in_ = inputs.shape[1] * inputs.shape[2]
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Forecast the values after windows.

        Args:
            X: As in `fit`.

        Returns:
            ``(n,)`` or ``(n, n_outputs)``, as the targets were.

        Raises:
            NotFittedError: If it was not fitted: scikit-learn's where that is loaded,
                else a ValueError.
            ValueError: As in `fit`, or if windows have other sizes than those.
        """
        if not hasattr(self, "n_features_in_"):
            raise _not_fitted()(
                f"This {type(self).__name__} instance is not fitted yet: call `fit` "
                "first."
            )
        names, own = _names(X), getattr(self, "feature_names_in_", None)
        if names is not None and own is not None and list(own) != names:
            raise ValueError(
                "The feature names should match those that were passed during fit, "
                f"{', '.join(own)}, but are {', '.join(names)}."
            )
        X = _numbers("X", X)
        _check_axes(X)
        n_in = int(np.prod(X.shape[1:]))
        if n_in != self.n_features_in_:
            raise ValueError(
                f"X has {n_in} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return self._model.predict(self._windows(X))

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """The coefficient of determination R2, its mean over the outputs.

        Args:
            X: As in `fit`.
            y: The values that came.
            sample_weight: A weight for each window, ``(n,)``; None for equal ones.

        Returns:
            1 for perfect forecasts, 0 for those as good as the mean of `y`; where `y`
            does not vary, 1 without error and else 0.
        """
        found = self.predict(X)
        targets = _numbers("y", y).reshape(len(found), -1)
        weights = np.ones(len(found)) if sample_weight is None else sample_weight
        weights = np.asarray(weights, np.float64)[:, None]
        mean = (weights * targets).sum(axis=0) / weights.sum()
        miss = (weights * (targets - found.reshape(targets.shape)) ** 2).sum(axis=0)
        spread = (weights * (targets - mean) ** 2).sum(axis=0)
        flat = np.where(miss == 0, 1.0, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.where(spread > 0, 1 - miss / spread, flat).mean())

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every option with its value.

        Args:
            deep: For scikit-learn; no option has options of its own.
        """
        return {name: getattr(self, name) for name in self._option_names()}

    def set_params(self, **options: Any) -> Self:
        """Set options.

        Args:
            **options: Names and values.

        Returns:
            Itself.

        Raises:
            ValueError: If an option is unknown.
        """
        for name, value in options.items():
            known = self._option_names()
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for {type(self).__name__}: it has "
                    f"{', '.join(known)}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """The options that are not the defaults."""
        usual, given = type(self)().get_params(), self.get_params()
        parts = [
            f"{name}={value!r}"
            for name, value in given.items()
            if name not in usual or repr(usual[name]) != repr(value)
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn may expect; only it calls this."""
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True),
            regressor_tags=RegressorTags(poor_score=True),
            input_tags=InputTags(three_d_array=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` came to its end."""
        return hasattr(self, "n_features_in_")

    def _option_names(self) -> list[str]:
        """Names of the constructor's arguments."""
        return list(inspect.signature(type(self).__init__).parameters)[1:]

    def _windows(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """X as ``(n, n_steps, n_features)``."""
        _check_axes(X)
        if X.ndim == 3:
            return X
        if X.shape[1] % self.n_features:
            raise ValueError(
                f"Argument `X` must have a multiple of {self.n_features} columns, the "
                f"features of a step, but has {X.shape[1]}."
            )
        return X.reshape(len(X), -1, self.n_features)

    def _rng(self) -> np.random.Generator:
        """The source of randomness."""
        state = self.random_state
        if isinstance(state, np.random.RandomState):
            state = state.randint(2**32, dtype=np.uint64)
        return np.random.default_rng(state)

    def _fit(self, inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> None:
        """Fit to checked windows."""
        raise NotImplementedError


class QLSTMRegressor(_Regressor):
    """The quantum LSTM as a regressor, for pipelines and grid searches.

    Scale inputs to about [-1, 1]; the readout ``"affine"`` learns the scale of the
    targets. Nothing is scaled here.

    Args:
        n_system: Wires of the input; None for two, or as many as there are outputs.
        n_ancilla: Wires of the memory, as all options down to `cut` in `QLSTMConfig`.
        n_layers: Layers of each stage.
        rotation: ``"RX"`` or ``"RY"``.
        memory: Memory rule.
        disentangler: ``"flip"`` or ``"inverse"``.
        loss: ``"last"`` or ``"all"``.
        encoding: ``"amplitude"`` or ``"angle"``.
        readout: From ``<Z>`` to the forecast.
        cut: ``"entangled"`` or ``"separate"``.
        n_features: Values in a step, where X has two dimensions.
        epochs: Passes over the windows, as all options down to `bias` in `Quantum`.
        batch_size: Windows in a minibatch.
        learning_rate: Adam's step size.
        schedule: Of the learning rate.
        clip_norm: Longest gradient.
        patience: Stop so many epochs after the best one.
        gradient: Gradient method.
        frozen: Parameter arrays that keep their initial values.
        bias: Whether the projection has a bias.
        n_members: Seeds that are trained as one batch, whose mean is the forecast.
        validation_share: Share of the last windows that only measure, for `patience`.
        warm_start: Whether `fit` goes on from where it was, with Adam's moments, for
            `epochs` more; for one member.
        random_state: Seed, ``numpy.random.Generator``, ``RandomState`` or None.
        verbose: Whether to show a bar on a terminal.

    Attributes:
        n_features_in_: Values in a window.
        feature_names_in_: Names of the columns, if X was a DataFrame.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-1, 1, (40, 5))
        >>> model = QLSTMRegressor(epochs=40, rotation="RY", random_state=0)
        >>> model.fit(X, X[:, -1] / 2).score(X, X[:, -1] / 2) > 0.9
        True
    """

    def __init__(
        self,
        *,
        n_system: int | None = None,
        n_ancilla: int = 2,
        n_layers: int = 2,
        rotation: str = "RX",
        memory: str = "collapse",
        disentangler: str = "flip",
        loss: str = "last",
        encoding: str = "amplitude",
        readout: str = "affine",
        cut: str = "entangled",
        n_features: int = 1,
        epochs: int = 150,
        batch_size: int = 5,
        learning_rate: float = 0.01,
        schedule: str = "constant",
        clip_norm: float | None = None,
        patience: int | None = None,
        gradient: str = "reverse",
        frozen: tuple[str, ...] = (),
        bias: bool = True,
        n_members: int = 1,
        validation_share: float = 0.0,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        """Keep the options; `fit` checks them."""
        self.n_system, self.n_ancilla, self.n_layers = n_system, n_ancilla, n_layers
        self.rotation, self.memory, self.disentangler = rotation, memory, disentangler
        self.loss, self.encoding, self.readout, self.cut = loss, encoding, readout, cut
        self.n_features, self.epochs, self.batch_size = n_features, epochs, batch_size
        self.learning_rate, self.schedule = learning_rate, schedule
        self.clip_norm, self.patience, self.gradient = clip_norm, patience, gradient
        self.frozen, self.bias, self.n_members = frozen, bias, n_members
        self.validation_share, self.warm_start = validation_share, warm_start
        self.random_state, self.verbose = random_state, verbose

    @property
    def params_(self) -> QLSTMParams | list[QLSTMParams]:
        """Trained parameters, of an ensemble a list of them."""
        return self._of_members([member.params for member in self._members])

    @property
    def history_(self) -> History | list[History]:
        """As `qlstm.fit` returns it, of an ensemble a list of them."""
        return self._of_members([member.history for member in self._members])

    @property
    def config_(self) -> QLSTMConfig:
        """The configuration."""
        return self._members[0].config

    @property
    def n_iter_(self) -> int:
        """Epochs of the longest training."""
        return max(len(member.history["loss"]) for member in self._members)

    @property
    def _members(self) -> tuple[FittedQuantum, ...]:
        """The trained models; AttributeError before there are some."""
        return getattr(self._model, "members", (self._model,))

    def _of_members(self, values: list) -> Any:
        """One value, or all of an ensemble's."""
        return values[0] if self.n_members == 1 else values

    def _fit(self, inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> None:
        """Train, from the start or from where it was."""
        check_size("n_members", self.n_members)
        if self.warm_start and self.n_members > 1:
            raise ValueError(
                "Argument `n_members` must be 1 with `warm_start`, but is "
                f"{self.n_members}."
            )
        n_fit = len(inputs)
        if self.validation_share:
            check_share("validation_share", self.validation_share)
            n_fit = int((1 - self.validation_share) * n_fit + 1e-9)
        if not n_fit:
            raise ValueError(
                "Argument `validation_share` must leave a window to train on, but "
                f"{len(inputs)} sample(s) were given."
            )
        data = (inputs[:n_fit], targets[:n_fit])
        held = (inputs[n_fit:], targets[n_fit:]) if n_fit < len(inputs) else None
        if self.warm_start and hasattr(self, "_state"):
            self._model = self._go_on(data, held)
            return
        forecaster: Forecaster = self._forecaster(targets)
        if self.n_members > 1:
            forecaster = Ensemble(forecaster, self.n_members)
        bar = epoch_progress("quantum LSTM", self.epochs) if self.verbose else None

        def watch(state: TrainState) -> None:
            self._state = state
            if bar is not None:
                bar(state)

        self._model = forecaster.fit(
            *data, rng=self._rng(), validation=held, callback=watch
        )

    def _forecaster(self, targets: NDArray[np.float64]) -> Quantum:
        """What is trained."""
        n_outputs = targets.shape[1] if targets.ndim == 2 else 1
        n_system = max(2, n_outputs) if self.n_system is None else self.n_system
        cell = {name: getattr(self, name) for name in CELL} | {"n_system": n_system}
        frozen = {"frozen": tuple(self.frozen)}
        return Quantum(
            QLSTMConfig(**cell | {"n_features": 1}),
            **{name: getattr(self, name) for name in TRAINING} | frozen,
        )

    def _go_on(self, data: tuple, held: tuple | None) -> Fitted:
        """Train the last model further."""
        model, state = self._members[0], self._state
        examples = check_examples(*data)
        if examples.layout != model.layout:
            raise ValueError(
                f"Argument `X` must have the layout {tuple(model.layout)} of the last "
                f"`fit` with `warm_start`, but has {tuple(examples.layout)}."
            )
        config = model.config
        training = self._forecaster(data[1]).training
        training = type(training)(
            **vars(training) | {"epochs": state.epoch + self.epochs}
        )
        validation = None
        if held is not None:
            validation = training_data([check_examples(*held)], config)
        state = train(
            state,
            *training_data([examples], config),
            config,
            training,
            validation=validation,
        )
        self._state = state
        params = state.params if self.patience is None else state.best_params
        return FittedQuantum(
            model.layout, model.n_params, params, config, state.history, model.draw_seed
        )


class BaselineRegressor(_Regressor):
    """Any forecaster of `qlstm.forecasting` as a regressor.

    Args:
        name: Its name, such as ``"ar"`` or ``"ridge"``.
        n_features: Values in a step, where X has two dimensions.
        random_state: As in `QLSTMRegressor`.
        **options: Of the forecaster, such as ``p=3`` for ``"ar"``. `get_params` lists
            all that the named one has; when another name is set, it has options of its
            own, and those that it does not know no longer count.

    Example:
        >>> X = np.random.default_rng(0).uniform(-1, 1, (40, 5))
        >>> BaselineRegressor("ar", p=2).fit(X, X[:, -2]).score(X, X[:, -2]) > 0.999
        True
    """

    def __init__(
        self,
        name: str = "ar",
        *,
        n_features: int = 1,
        random_state: Any = None,
        **options: Any,
    ) -> None:
        """Keep the options; `fit` checks them."""
        self.name, self.n_features, self.random_state = name, n_features, random_state
        for option, value in options.items():
            setattr(self, option, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every option with its value, those of the named forecaster, too.

        Args:
            deep: For scikit-learn; no option has options of its own.
        """
        own = {name: getattr(self, name) for name in OWN}
        usual = make_forecaster(self.name).get_params() if self._is_known() else {}
        return own | {
            name: getattr(self, name, value)
            for name, value in usual.items()
            if name not in OWN
        }

    def set_params(self, **options: Any) -> Self:
        """Set options; with another name, those that it does not have are forgotten.

        Args:
            **options: Names and values; ``name`` goes first.

        Returns:
            Itself.

        Raises:
            ValueError: If an option is unknown.
        """
        if "name" in options:
            self.name = options.pop("name")
            for option in self._given():
                if option not in self.get_params():
                    delattr(self, option)
        return super().set_params(**options)

    def _given(self) -> list[str]:
        """Options that were given; what `fit` leaves ends with an underscore."""
        return [n for n in vars(self) if n[0] != "_" and n[-1] != "_"]

    def _is_known(self) -> bool:
        """Whether there is a forecaster of this name."""
        return isinstance(self.name, str) and self.name in FORECASTERS

    def _option_names(self) -> list[str]:
        """Names of its own, and of the forecaster's options."""
        return list(self.get_params())

    def _fit(self, inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> None:
        """Fit the named forecaster."""
        check_choice("name", self.name, tuple(FORECASTERS))
        known = self.get_params()
        for option in self._given():
            if option not in known:
                raise ValueError(
                    f"Argument `{option}` must be an option of {self.name}, which has "
                    f"{', '.join(forecaster_options(self.name)) or 'none'}."
                )
        options = {name: value for name, value in known.items() if name not in OWN}
        try:
            forecaster = make_forecaster(self.name, **options)
            self._model = forecaster.fit(inputs, targets, rng=self._rng())
        except ValueError as error:
            if len(inputs) > 1:
                raise
            raise ValueError(f"{error} There is 1 sample.") from None


def _numbers(name: str, values: Any) -> NDArray[np.float64]:
    """Finite real numbers as float64; errors in scikit-learn's words."""
    if hasattr(values, "toarray") and not isinstance(values, np.ndarray):
        raise TypeError(
            f"Sparse data were passed for {name}, but dense data are required: use "
            "`.toarray()`."
        )
    array = np.asarray(values)
    if np.iscomplexobj(array):
        raise ValueError(f"Complex data not supported, but {name} has some.")
    array = array.astype(np.float64)
    if not array.ndim:
        raise ValueError(f"Expected 2D array, got scalar array instead: {name}.")
    for axis, what in ((0, "sample"), (1, "feature")):
        if array.ndim > axis and not array.shape[axis]:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={array.shape}) while a minimum "
                f"of 1 is required: {name}."
            )
    if np.isnan(array).any():
        raise ValueError(f"Input {name} contains NaN.")
    if np.isinf(array).any():
        raise ValueError(f"Input {name} contains infinity.")
    return array


def _check_axes(X: NDArray[np.float64]) -> None:
    """Say so when X has not two or three axes."""
    if X.ndim not in (2, 3):
        raise ValueError(
            f"Expected 2D array (or 3D), got {X.ndim}D array instead. Reshape your "
            "data with X.reshape(-1, 1) if it has one value in a window, or "
            "X.reshape(1, -1) if it is one window."
        )


def _names(X: Any) -> list[str] | None:
    """Names of a DataFrame's columns; None for an array."""
    columns = getattr(X, "columns", None)
    if columns is None or not all(isinstance(name, str) for name in columns):
        return None
    return list(columns)


def _not_fitted() -> type[Exception]:
    """scikit-learn's error where that is loaded."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return ValueError if exceptions is None else exceptions.NotFittedError
