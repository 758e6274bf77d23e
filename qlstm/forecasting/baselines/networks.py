"""Recurrent networks as forecasters: their size, their training, their forecasts."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qlstm.adam import adam_init, adam_update, clip_gradient, scheduled_rate
from qlstm.checks import check_rng, check_size
from qlstm.forecasting.base import Fitted, Trained
from qlstm.forecasting.baselines.recurrent import (
    Cell,
    ElmanCell,
    LSTMCell,
    RecurrentParams,
    recurrent_forecast,
    recurrent_loss_and_grad,
)
from qlstm.forecasting.examples import Examples, Layout
from qlstm.options import Training

HIDDEN = 8
"""Units where neither `hidden` nor `match_params` is given."""


@dataclass(frozen=True, eq=False)
class FittedNetwork(Fitted):
    """A trained network."""

    cell: Cell
    params: RecurrentParams
    history: dict[str, list[float]]
    """One number an epoch of ``loss`` and, with validation data, ``val_loss``."""

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast checked windows: ``(n, n_outputs)``."""
        return recurrent_forecast(self.cell, self.params, inputs)


@dataclass(frozen=True)
class Network(Trained):
    """A recurrent network with a linear readout of its last state, trained by Adam.

    Args:
        hidden: Hidden units; 8 if neither this nor `match_params` is given.
        match_params: Take the most units with which the network has at most this many
            parameters.
        **options: Those of training, see `Trained`.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count or a rate is not positive, or if both `hidden` and
            `match_params` are given.
    """

    cell: ClassVar[Cell]

    hidden: int | None = None
    match_params: int | None = None

    def __post_init__(self) -> None:
        if self.hidden is not None and self.match_params is not None:
            raise ValueError(
                "Arguments `hidden` and `match_params` must not both be given, but are "
                f"{self.hidden} and {self.match_params}."
            )
        for name in ("hidden", "match_params"):
            if getattr(self, name) is not None:
                check_size(name, getattr(self, name))
        super().__post_init__()

    def _fit(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None
    ) -> FittedNetwork:
        """Draw initial parameters and train them on shuffled minibatches."""
        check_rng(rng)
        layout = examples.layout
        params = init_recurrent(self.cell, self.units(layout), layout, rng)
        params, history = train_network(
            self.cell, params, examples, validation, self.training, rng
        )
        n_params = sum(array.size for array in params)
        return FittedNetwork(layout, n_params, self.cell, params, history)

    def units(self, layout: Layout) -> int:
        """Hidden units for windows of this layout."""
        if self.match_params is None:
            return self.hidden or HIDDEN
        units = 0
        while count_params(self.cell, units + 1, layout) <= self.match_params:
            units += 1
        if units == 0:
            raise ValueError(
                "Argument `match_params` must be at least "
                f"{count_params(self.cell, 1, layout)}, the parameters of one hidden "
                f"unit, but is {self.match_params}."
            )
        return units


class RNN(Network):
    """Elman's network, ``h_t = tanh(x_t W + h_{t-1} R + b)``; options as in `Network`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.uniform(-1, 1, (20, 5, 1))
        >>> fitted = RNN(match_params=24).fit(inputs, inputs[:, -2, 0], rng=rng)
        >>> fitted.n_params, fitted.history["loss"][-1] < 0.01
        (19, True)
    """

    cell = ElmanCell


class LSTM(Network):
    """The LSTM of ``torch.nn.LSTM``; options as in `Network`.

    The two biases of PyTorch, which act as one, are one here.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.uniform(-1, 1, (20, 5, 1))
        >>> fitted = LSTM(hidden=2).fit(inputs, inputs[:, -2, 0], rng=rng)
        >>> fitted.n_params, fitted.history["loss"][-1] < 0.02
        (35, True)
    """

    cell = LSTMCell


def train_network(
    cell: Cell,
    params: RecurrentParams,
    examples: Examples,
    held_out: Examples | None,
    training: Training,
    rng: np.random.Generator,
) -> tuple[RecurrentParams, dict[str, list[float]]]:
    """Adam on shuffled minibatches: the parameters, and losses by epoch."""
    adam, best = adam_init(params), params
    history: dict[str, list[float]] = {"loss": []}
    epochs, patience = training.epochs, training.patience
    for epoch in range(epochs):
        order, total = rng.permutation(len(examples.inputs)), 0.0
        rate = scheduled_rate(training.learning_rate, training.schedule, epoch, epochs)
        for start in range(0, len(order), training.batch_size):
            rows = order[start : start + training.batch_size]
            loss, grads = recurrent_loss_and_grad(
                cell, params, examples.inputs[rows], examples.targets[rows]
            )
            grads = clip_gradient(grads, training.clip_norm)
            params, adam = adam_update(params, grads, adam, rate)
            total += loss * len(rows)
        history["loss"].append(total / len(order))
        if not np.isfinite(total):
            raise ValueError(
                f"The loss must stay finite, but is {total} after epoch {epoch + 1}."
            )
        if held_out is not None:
            predicted = recurrent_forecast(cell, params, held_out.inputs)
            mse = float(np.mean((predicted - held_out.targets) ** 2))
            history.setdefault("val_loss", []).append(mse)
        waited = epochs_since_best(history.get("val_loss", history["loss"]))
        best = params if waited == 0 else best
        if patience is not None and waited >= patience:
            break
    return params if patience is None else best, history


def count_params(cell: Cell, n_hidden: int, layout: Layout) -> int:
    """``n_gates H (F + H + 1) + (H + 1) n_outputs`` (docs/baselines.md, section 6)."""
    gates = cell.n_gates * n_hidden * (layout.n_features + n_hidden + 1)
    return gates + (n_hidden + 1) * layout.n_outputs


def init_recurrent(
    cell: Cell, n_hidden: int, layout: Layout, rng: np.random.Generator
) -> RecurrentParams:
    """Draw everything uniformly in ``[-1, 1) / sqrt(n_hidden)``, as PyTorch does."""
    columns, bound = cell.n_gates * n_hidden, 1 / np.sqrt(n_hidden)
    shapes = (
        (layout.n_features, columns),
        (n_hidden, columns),
        (columns,),
        (n_hidden, layout.n_outputs),
        (layout.n_outputs,),
    )
    return RecurrentParams(*(rng.uniform(-bound, bound, shape) for shape in shapes))


def epochs_since_best(losses: list[float]) -> int:
    """Epochs since the lowest loss, 0 if it is the last."""
    return len(losses) - 1 - int(np.argmin(losses))
