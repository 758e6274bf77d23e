"""Recurrent networks as forecasters: their size, their training, their forecasts."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

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
from qlstm.forecasting.examples import Examples, Layout, stack_examples
from qlstm.rule import Rngs
from qlstm.run_state import first_state
from qlstm.sets import Sets
from qlstm.train import train_together

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

    def _fit_alike(
        self,
        examples: list[Examples],
        rngs: list[np.random.Generator],
        validation: list[Examples | None],
    ) -> list[FittedNetwork]:
        """Draw initial parameters and train them on shuffled minibatches."""
        layout, cell = examples[0].layout, self.cell
        units, states = self.units(layout), []
        for rng in rngs:
            check_rng(rng)
            states.append(first_state(init_recurrent(cell, units, layout, rng), rng))
        held_out = None if validation[0] is None else stack_examples(validation)
        sets = Sets(*stack_examples(examples), held_out)
        done = train_together(states, sets, _NetworkLearner(cell), self.training)
        fitted = []
        for rng, state in zip(rngs, done, strict=True):
            rng.bit_generator.state = state.rng_state  # it has drawn the shuffles
            history = {k: row for k, row in state.history.items() if k != "seconds"}
            stops = self.patience is not None
            params = state.best_params if stops else state.params
            n_params = sum(array.size for array in params)
            fitted.append(FittedNetwork(layout, n_params, cell, params, history))
        return fitted

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


class _NetworkLearner:
    """A network as what is trained."""

    def __init__(self, cell: Cell) -> None:
        """Its cell is all it needs."""
        self.cell = cell

    def loss_and_grad(
        self, params: RecurrentParams, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> tuple[NDArray, RecurrentParams, None]:
        """Nothing switches."""
        return *recurrent_loss_and_grad(self.cell, params, inputs, targets), None

    def loss(
        self, params: RecurrentParams, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> NDArray[np.float64]:
        """Mean squared error of each network."""
        squares = (recurrent_forecast(self.cell, params, inputs) - targets) ** 2
        return squares.reshape(len(squares), -1).mean(axis=1)


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
