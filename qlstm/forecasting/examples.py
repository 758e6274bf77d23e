"""Windows and targets, checked once where a forecaster takes them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real
from qlstm.forecasting.checks import check_finite


class Layout(NamedTuple):
    """Sizes of the windows and targets a forecaster is fitted on."""

    n_steps: int
    """Steps in a window."""
    n_features: int
    """Values in a step; the first is the series itself."""
    horizon: int | None
    """Values to forecast; None where targets have no axis for them."""

    @property
    def n_outputs(self) -> int:
        """Values to forecast, one at least."""
        return 1 if self.horizon is None else self.horizon

    def check(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Return `inputs` as float64 windows of this layout, or say what is off."""
        inputs = check_windows(inputs)
        if inputs.shape[1:] != (self.n_steps, self.n_features):
            raise ValueError(
                f"Argument `inputs` must have {self.n_steps} steps of "
                f"{self.n_features} features, as in training, "
                f"but has shape {inputs.shape}."
            )
        return inputs

    def shape(self, forecasts: NDArray) -> NDArray[np.float64]:
        """Forecasts ``(n, n_outputs)`` in the shape of the targets."""
        return forecasts[:, 0] if self.horizon is None else forecasts


class Examples(NamedTuple):
    """Windows and the values after them."""

    inputs: NDArray[np.float64]
    """``(n, n_steps, n_features)``."""
    targets: NDArray[np.float64]
    """``(n, n_outputs)``."""
    layout: Layout


def check_windows(inputs: ArrayLike) -> NDArray[np.float64]:
    """Return `inputs` as float64 ``(n, n_steps, n_features)``, or say what is off."""
    shape = as_real("inputs", inputs).shape
    if len(shape) != 3 or 0 in shape:
        raise ValueError(
            "Argument `inputs` must have shape (n, n_steps, n_features), none of them "
            f"0, but has {shape}."
        )
    return check_finite("inputs", inputs)


def check_examples(inputs: ArrayLike, targets: ArrayLike) -> Examples:
    """Return windows and targets as `Examples`, or say what is off."""
    inputs = check_windows(inputs)
    shape, n = as_real("targets", targets).shape, len(inputs)
    if len(shape) not in (1, 2) or shape[0] != n or 0 in shape:
        raise ValueError(
            f"Argument `targets` must have shape ({n},) or ({n}, horizon), "
            f"but has {shape}."
        )
    targets = check_finite("targets", targets)
    horizon = targets.shape[1] if targets.ndim == 2 else None
    layout = Layout(inputs.shape[1], inputs.shape[2], horizon)
    return Examples(inputs, targets.reshape(n, -1), layout)


def check_validation(
    validation: tuple[ArrayLike, ArrayLike] | None, layout: Layout
) -> Examples | None:
    """The same for validation data, which must have the layout of the training data."""
    if validation is None:
        return None
    examples = check_examples(*validation)
    if examples.layout != layout:
        raise ValueError(
            f"Argument `validation` must have the layout {tuple(layout)} of the "
            f"training data (steps, features, horizon), but has "
            f"{tuple(examples.layout)}."
        )
    return examples


def stack_examples(
    sets: Sequence[Examples],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs and targets of several sets of the same shapes, with a first axis of sets.

    Its length is 1 if they are all the same set.
    """
    kept = sets[:1] if all(own is sets[0] for own in sets) else sets
    return np.stack([own.inputs for own in kept]), np.stack(
        [own.targets for own in kept]
    )
