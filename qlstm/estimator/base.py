"""What scikit-learn asks of a regressor, without scikit-learn."""

import inspect
import sys
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_size
from qlstm.forecasting.base import Fitted


class Regressor:
    """The manners of a regressor; `_fit` sets the fitted model, `_model`."""

    n_features: int
    random_state: Any
    _model: Fitted

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
        self._fit(inputs, _targets(y, len(inputs)))
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
        targets = _targets(y, len(found)).reshape(len(found), -1)
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


def _targets(y: ArrayLike, n: int) -> NDArray[np.float64]:
    """Targets of so many windows."""
    targets = _numbers("y", y)
    if targets.ndim not in (1, 2) or len(targets) != n:
        raise ValueError(
            "Arguments `X` and `y` have inconsistent numbers of samples or shapes: "
            f"{n} windows, and y has shape {targets.shape}."
        )
    return targets


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
