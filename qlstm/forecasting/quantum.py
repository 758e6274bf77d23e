"""The quantum LSTM as a forecaster, with the interface of the baselines."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import SCHEDULES
from qlstm.checks import check_choice
from qlstm.forecasting.baselines.examples import (
    Examples,
    Layout,
    check_examples,
    check_validation,
)
from qlstm.forecasting.baselines.networks import check_training
from qlstm.forecasting.baselines.reservoir import with_features
from qlstm.gradient import METHODS
from qlstm.model import predict
from qlstm.params import QLSTMConfig, QLSTMParams, init_params
from qlstm.train import History, fit


class FittedQuantum(NamedTuple):
    """A trained quantum LSTM."""

    params: QLSTMParams
    config: QLSTMConfig
    layout: Layout
    history: History
    """As `qlstm.fit` returns it."""
    draw_seed: int
    """Seed of the draws of the rule `sampled`; no other uses it."""
    n_params: int
    """Trained numbers."""

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows ``(n, n_steps, n_features)``: ``(n,)`` or ``(n, horizon)``."""
        inputs, rng = self.layout.check(inputs), np.random.default_rng(self.draw_seed)
        outputs = predict(self.params, inputs, self.config, rng=rng)
        return self.layout.shape(outputs.reshape(len(inputs), -1))


@dataclass(frozen=True)
class Quantum:
    """The quantum LSTM, trained by `qlstm.fit`.

    Args:
        config: The model; one feature and one output, the defaults, stand for as many
            as the data have. With ``loss="all"`` each step's targets are the values
            after it.
        epochs: Passes over the training windows.
        batch_size: Windows in a minibatch.
        learning_rate: Adam's step size.
        gradient: Gradient method, see `loss_and_grad`.
        schedule: Of the learning rate, see `qlstm.fit`.
        clip_norm: Longest gradient, see `qlstm.fit`.
        patience: Stop when the best validation loss (without validation data, training
            loss) is this many epochs old, and take the parameters of that epoch. If
            None, train all epochs and take the last parameters.
        frozen: Names of parameter arrays that keep their initial values.
        bias: Whether the projection has a bias; without, it is fixed at zero.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count or the learning rate is not positive, or the gradient
            method or the schedule is unknown.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.uniform(-1, 1, (20, 5, 1))
        >>> model = Quantum(QLSTMConfig(rotation="RY"), epochs=20)
        >>> fitted = model.fit(inputs, inputs[:, -1, 0] / 2, rng=rng)
        >>> fitted.n_params, len(fitted.history["loss"])
        (24, 20)
    """

    config: QLSTMConfig = field(default_factory=QLSTMConfig)
    epochs: int = 150
    batch_size: int = 5
    learning_rate: float = 0.01
    gradient: str = "reverse"
    schedule: str = "constant"
    clip_norm: float | None = None
    patience: int | None = None
    frozen: tuple[str, ...] = ()
    bias: bool = True

    def __post_init__(self) -> None:
        check_training(self.epochs, self.batch_size, self.learning_rate, self.patience)
        check_choice("gradient", self.gradient, tuple(METHODS))
        check_choice("schedule", self.schedule, SCHEDULES)

    def fit(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        rng: np.random.Generator,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> FittedQuantum:
        """Draw initial parameters and train them.

        Args:
            inputs: Windows ``(n, n_steps, n_features)``.
            targets: The values after them, ``(n,)`` or ``(n, horizon)``; each lead takes
                a system wire.
            rng: Source of the initial parameters, the shuffles and the draws.
            validation: Inputs and targets whose loss is measured after each epoch.

        Returns:
            A `FittedQuantum`.

        Raises:
            ValueError: If shapes do not fit, a value is not finite, or there are more
                leads than system wires.
        """
        examples = check_examples(inputs, targets)
        layout = examples.layout
        held_out = check_validation(validation, layout)
        config = with_features(self.config, layout.n_features)
        if config.n_outputs == 1:
            config = replace(config, n_outputs=layout.n_outputs)
        init_rng, shuffle_rng, draw_rng = rng.spawn(3)  # as in `forecast_model`
        params, frozen = init_params(config, init_rng), tuple(self.frozen)
        if not self.bias:
            params = params._replace(proj_bias=np.zeros_like(params.proj_bias))
            frozen += ("proj_bias",)
        params, history = fit(
            params,
            *_data(examples, config),
            config,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            rng=shuffle_rng,
            validation=held_out and _data(held_out, config),
            gradient=self.gradient,
            schedule=self.schedule,
            clip_norm=self.clip_norm,
            patience=self.patience,
            frozen=frozen,
        )
        seed = int(draw_rng.integers(2**63))
        n_params = sum(
            array.size for name, array in params._asdict().items() if name not in frozen
        )
        return FittedQuantum(params, config, layout, history, seed, n_params)


def _data(examples: Examples, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """Inputs, and targets in the shape that the loss and the outputs ask for."""
    inputs, targets = examples.inputs, examples.targets
    if config.loss == "all":  # the values after each step: (n, n_steps, horizon)
        after = np.concatenate([inputs[:, 1:, 0], targets], axis=1)
        horizon = targets.shape[1]
        targets = np.lib.stride_tricks.sliding_window_view(after, horizon, axis=1)
    return inputs, targets if config.n_outputs > 1 else targets[..., 0]
