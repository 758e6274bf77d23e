"""Recurrent networks as forecasters: their size, their training, their forecasts."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import (
    SCHEDULES,
    adam_init,
    adam_update,
    clip_gradient,
    scheduled_rate,
)
from qlstm.checks import check_choice, check_size
from qlstm.forecasting.baselines.examples import (
    Examples,
    Layout,
    check_examples,
    check_validation,
)
from qlstm.forecasting.baselines.recurrent import (
    Cell,
    ElmanCell,
    LSTMCell,
    RecurrentParams,
    recurrent_forecast,
    recurrent_loss_and_grad,
)

HIDDEN = 8
"""Units where neither `hidden` nor `match_params` is given."""


class FittedNetwork(NamedTuple):
    """A trained network."""

    cell: type[Cell]
    params: RecurrentParams
    layout: Layout
    history: dict[str, list[float]]
    """One number an epoch: ``loss`` and, with validation data, ``val_loss``."""

    @property
    def n_params(self) -> int:
        """Trained numbers."""
        return sum(array.size for array in self.params)

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows ``(n, n_steps, n_features)``: ``(n,)`` or ``(n, horizon)``."""
        inputs = self.layout.check(inputs)
        return self.layout.shape(recurrent_forecast(self.cell, self.params, inputs))


@dataclass(frozen=True)
class Network:
    """A recurrent network with a linear readout of its last state, trained by Adam.

    Args:
        hidden: Hidden units; 8 if neither this nor `match_params` is given.
        match_params: Take the most units with which the network has at most this many
            parameters.
        epochs: Passes over the training windows.
        batch_size: Windows in a minibatch.
        learning_rate: Adam's step size.
        schedule: Of the learning rate, see `qlstm.fit`.
        clip_norm: Longest gradient, see `qlstm.fit`.
        patience: Stop when the best validation loss (without validation data, training
            loss) is this many epochs old, and take the parameters of that epoch. If
            None, train all epochs and take the last parameters.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count or the learning rate is not positive, or if both `hidden`
            and `match_params` are given.
    """

    cell: ClassVar[type[Cell]]

    hidden: int | None = None
    match_params: int | None = None
    epochs: int = 150
    batch_size: int = 5
    learning_rate: float = 0.01
    schedule: str = "constant"
    clip_norm: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.hidden is not None and self.match_params is not None:
            raise ValueError(
                "Arguments `hidden` and `match_params` must not both be given, but are "
                f"{self.hidden} and {self.match_params}."
            )
        for name in ("hidden", "match_params"):
            if getattr(self, name) is not None:
                check_size(name, getattr(self, name))
        check_training(self.epochs, self.batch_size, self.learning_rate, self.patience)
        check_choice("schedule", self.schedule, SCHEDULES)

    def fit(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        rng: np.random.Generator,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> FittedNetwork:
        """Draw initial parameters and train them on shuffled minibatches.

        Args:
            inputs: Windows ``(n, n_steps, n_features)``.
            targets: The values after them, ``(n,)`` or ``(n, horizon)``.
            rng: Source of the initial parameters and the shuffles.
            validation: Inputs and targets whose loss is measured after each epoch.

        Returns:
            A `FittedNetwork`.

        Raises:
            ValueError: If shapes do not fit, a value is not finite, or `match_params`
                is too small for one unit.
        """
        examples = check_examples(inputs, targets)
        held_out = check_validation(validation, examples.layout)
        params = init_recurrent(
            self.cell, self.units(examples.layout), examples.layout, rng
        )
        params, history = self._train(params, examples, held_out, rng)
        return FittedNetwork(self.cell, params, examples.layout, history)

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

    def _train(
        self,
        params: RecurrentParams,
        examples: Examples,
        held_out: Examples | None,
        rng: np.random.Generator,
    ) -> tuple[RecurrentParams, dict[str, list[float]]]:
        """Adam on shuffled minibatches: the parameters, and losses by epoch."""
        adam, best = adam_init(params), params
        history: dict[str, list[float]] = {"loss": []}
        for epoch in range(self.epochs):
            order, total = rng.permutation(len(examples.inputs)), 0.0
            rate = scheduled_rate(self.learning_rate, self.schedule, epoch, self.epochs)
            for start in range(0, len(order), self.batch_size):
                rows = order[start : start + self.batch_size]
                loss, grads = recurrent_loss_and_grad(
                    self.cell, params, examples.inputs[rows], examples.targets[rows]
                )
                grads = clip_gradient(grads, self.clip_norm)
                params, adam = adam_update(params, grads, adam, rate)
                total += loss * len(rows)
            history["loss"].append(total / len(order))
            if not np.isfinite(total):
                raise ValueError(
                    f"The loss must stay finite, but is {total} after epoch "
                    f"{epoch + 1}."
                )
            if held_out is not None:
                predicted = recurrent_forecast(self.cell, params, held_out.inputs)
                mse = float(np.mean((predicted - held_out.targets) ** 2))
                history.setdefault("val_loss", []).append(mse)
            waited = epochs_since_best(history.get("val_loss", history["loss"]))
            best = params if waited == 0 else best
            if self.patience is not None and waited >= self.patience:
                break
        return params if self.patience is None else best, history


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


def count_params(cell: type[Cell], n_hidden: int, layout: Layout) -> int:
    """``n_gates H (F + H + 1) + (H + 1) n_outputs`` (docs/baselines.md, section 6)."""
    gates = cell.n_gates * n_hidden * (layout.n_features + n_hidden + 1)
    return gates + (n_hidden + 1) * layout.n_outputs


def init_recurrent(
    cell: type[Cell], n_hidden: int, layout: Layout, rng: np.random.Generator
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


def check_training(
    epochs: int, batch_size: int, learning_rate: float, patience: int | None
) -> None:
    """Say so when an option of training is not positive."""
    check_size("epochs", epochs)
    check_size("batch_size", batch_size)
    if patience is not None:
        check_size("patience", patience)
    if not 0 < learning_rate < np.inf:
        raise ValueError(
            "Argument `learning_rate` must be positive and finite, "
            f"but is {learning_rate}."
        )
