"""Linear forecasts: least squares on the last values, and ridge regression."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_size
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.examples import Examples

PENALTIES = 10.0 ** (np.arange(-12, 9) / 2)
"""Penalties to choose from, 1e-6 to 1e4."""


class Linear(NamedTuple):
    """An affine map ``y = x @ weight + bias``."""

    weight: NDArray[np.float64]
    """``(n_inputs, n_outputs)``."""
    bias: NDArray[np.float64]
    """``(n_outputs,)``."""

    @property
    def n_params(self) -> int:
        """Weights and biases."""
        return self.weight.size + self.bias.size

    def __call__(self, x: NDArray) -> NDArray[np.float64]:
        """Map the rows of ``(n, n_inputs)``: ``(n, n_outputs)``."""
        return x @ self.weight + self.bias


@dataclass(frozen=True, eq=False)
class FittedLinear(Fitted):
    """A linear forecast from the last values of a window."""

    linear: Linear
    """From the last steps, oldest first, features together; one column a lead."""
    penalty: float = 0.0
    """Ridge penalty that was used."""

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast checked windows: ``(n, n_outputs)``."""
        lags = len(self.linear.weight) // self.layout.n_features
        return self.linear(_last_steps(inputs, lags))


@dataclass(frozen=True)
class Autoregression(Forecaster):
    """AR(p): the last p steps and a constant, by ordinary least squares.

    Each lead has its own coefficients (a direct forecast), ``p n_features + 1`` of
    them. Where the windows do not determine them, those of least norm are taken.

    Args:
        p: Steps to look back; all of a window if None.

    Raises:
        TypeError: If `p` is not an integer.
        ValueError: If it is not positive.

    Example:
        >>> inputs = np.array([[[1.0], [2.0]], [[2.0], [4.0]], [[4.0], [7.0]]])
        >>> model = Autoregression()
        >>> fitted = model.fit(inputs, [3.0, 6.0, 10.0], rng=np.random.default_rng(0))
        >>> fitted.n_params, fitted.predict([[[7.0], [11.0]]]).round(6)
        (3, array([15.]))
    """

    p: int | None = None

    def __post_init__(self) -> None:
        if self.p is not None:
            check_size("p", self.p)

    def _fit(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None
    ) -> FittedLinear:
        """Solve for the coefficients; a window must have `p` steps."""
        n_steps = examples.layout.n_steps
        if self.p is not None and self.p > n_steps:
            raise ValueError(
                f"Argument `p` must be at most the {n_steps} steps of a window, "
                f"but is {self.p}."
            )
        rows = _last_steps(examples.inputs, self.p or n_steps)
        design = np.column_stack([rows, np.ones(len(rows))])
        solution = np.linalg.lstsq(design, examples.targets)[0]
        linear = Linear(solution[:-1], solution[-1])
        return FittedLinear(examples.layout, linear.n_params, linear)


@dataclass(frozen=True)
class Ridge(Forecaster):
    """Ridge regression on all values of a window.

    Minimizes ``|y - Z w - b|^2 + penalty |w|^2``, Z the inputs with each column shifted
    to mean 0 and scaled to standard deviation 1 on the training windows. The constant b
    is not penalized.

    Args:
        penalty: At least 0. If None, the one of `PENALTIES` with the least squared
            error when each training window in turn is left out.

    Raises:
        ValueError: If the penalty is negative or not finite.

    Example:
        >>> inputs = np.array([[[1.0], [2.0]], [[2.0], [4.0]], [[4.0], [7.0]]])
        >>> model = Ridge(penalty=1e-6)
        >>> fitted = model.fit(inputs, [3.0, 6.0, 10.0], rng=np.random.default_rng(0))
        >>> fitted.n_params, fitted.predict([[[7.0], [11.0]]]).round(2)
        (3, array([15.]))
    """

    penalty: float | None = None

    def __post_init__(self) -> None:
        check_penalty(self.penalty)

    def _fit(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None
    ) -> FittedLinear:
        """Choose the penalty, if it is open, and solve for the coefficients."""
        rows = _last_steps(examples.inputs, examples.layout.n_steps)
        linear, penalty = fit_ridge(rows, examples.targets, self.penalty)
        return FittedLinear(examples.layout, linear.n_params, linear, penalty)


def fit_ridge(x: NDArray, y: NDArray, penalty: float | None) -> tuple[Linear, float]:
    """Ridge regression of any features, without checks (see `Ridge`).

    ``w = V (S / (S^2 + penalty)) U^T y`` with ``Z = U S V^T`` (docs/baselines.md, eq.
    3)

    Args:
        x: Features ``(n, n_inputs)``.
        y: Targets ``(n, n_outputs)``.
        penalty: As in `Ridge`.

    Returns:
        The `Linear` map and the penalty.

    Raises:
        ValueError: If there is one row alone to choose the penalty by.
    """
    mean, level = x.mean(axis=0), y.mean(axis=0)
    scale = x.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(x).max(axis=0), scale, 1.0)  # constants
    u, s, vt = np.linalg.svd((x - mean) / scale, full_matrices=False)
    s = np.where(s > 1e-14 * max(x.shape) * s.max(), s, 0.0)
    projected = u.T @ (y - level)

    def solve(penalty: float) -> Linear:
        shrunk = np.divide(s, s**2 + penalty, out=np.zeros_like(s), where=s > 0)
        weight = (vt.T * shrunk) @ projected / scale[:, None]
        return Linear(weight, level - mean @ weight)

    def left_out_error(penalty: float) -> float:  # docs/baselines.md, eq. 4
        leverage = 1 / len(x) + u**2 @ (s**2 / (s**2 + penalty))
        residuals = (solve(penalty)(x) - y) / (1 - leverage)[:, None]
        return float(np.vdot(residuals, residuals))

    if penalty is None:
        if len(x) < 2:
            raise ValueError(
                "Argument `penalty` must be given where there is one window, as none "
                "can be left out, but is None."
            )
        penalty = float(min(PENALTIES, key=left_out_error))
    return solve(penalty), penalty


def check_penalty(penalty: float | None) -> None:
    """Say so when a penalty is not a number that can be used."""
    if penalty is not None and not 0 <= penalty < np.inf:
        raise ValueError(
            f"Argument `penalty` must be None, or finite and at least 0, "
            f"but is {penalty}."
        )


def _last_steps(inputs: NDArray, n_steps: int) -> NDArray[np.float64]:
    """The last steps of each window as a row: ``(n, n_steps * n_features)``."""
    return inputs[:, -n_steps:].reshape(len(inputs), -1)
