"""The quantum LSTM as a forecaster, with the interface of the baselines."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.baselines.examples import (
    Examples,
    Layout,
    check_examples,
    check_validation,
)
from qlstm.baselines.networks import (
    check_patience,
    check_training,
    epochs_since_best,
)
from qlstm.baselines.reservoir import with_features
from qlstm.data import Windows, step_targets
from qlstm.gradient import METHODS
from qlstm.model import predict
from qlstm.params import QLSTMConfig, QLSTMParams, check_choice, init_params
from qlstm.train import History, TrainState, train, train_init


class FittedQuantum(NamedTuple):
    """A trained quantum LSTM."""

    params: QLSTMParams
    config: QLSTMConfig
    layout: Layout
    history: History
    """As `qlstm.fit` returns it."""
    draw_seed: int
    """Seed of the draws of the rule `sampled`; no other uses it."""

    @property
    def n_params(self) -> int:
        """Trained numbers."""
        return self.config.n_params

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows ``(n, n_steps, n_features)``: ``(n,)``."""
        rng = np.random.default_rng(self.draw_seed)
        return predict(self.params, self.layout.check(inputs), self.config, rng=rng)


@dataclass(frozen=True)
class Quantum:
    """The quantum LSTM, trained by `qlstm.train`.

    Args:
        config: The model; one feature, the default, stands for as many as there are.
            With ``loss="all"`` each step's target is the next value of the window.
        epochs: Passes over the training windows.
        batch_size: Windows in a minibatch.
        learning_rate: Adam's step size.
        gradient: Gradient method, see `loss_and_grad`.
        patience: Stop when the validation loss has had no new minimum for this many
            epochs, and take the parameters of its minimum. If None, train all epochs
            and take the last parameters.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count or the learning rate is not positive, or the gradient
            method is unknown.

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
    patience: int | None = None

    def __post_init__(self) -> None:
        check_training(self.epochs, self.batch_size, self.learning_rate, self.patience)
        check_choice("gradient", self.gradient, tuple(METHODS))

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
            targets: The values after them, ``(n,)``.
            rng: Source of the initial parameters, the shuffles and the draws.
            validation: Inputs and targets whose loss is measured after each epoch.

        Returns:
            A `FittedQuantum`.

        Raises:
            ValueError: If shapes do not fit, a value is not finite, or `patience` has
                no validation data.
        """
        examples = check_examples(inputs, targets)
        layout = examples.layout
        if layout.horizon is not None:
            raise ValueError(
                "Argument `targets` must have shape (n,) for the quantum model, which "
                f"forecasts one value, but has {np.shape(targets)}."
            )
        held_out = check_validation(validation, layout)
        check_patience(self.patience, held_out)
        config = with_features(self.config, layout.n_features)
        init_rng, shuffle_rng, draw_rng = rng.spawn(3)  # as in `forecast_model`

        def stop(state: TrainState) -> bool:
            return epochs_since_best(state.history["val_loss"]) >= self.patience

        state = train(
            train_init(init_params(config, init_rng), shuffle_rng),
            *_data(examples, config),
            config,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            validation=held_out and _data(held_out, config),
            callback=None if self.patience is None else stop,
            gradient=self.gradient,
        )
        params = state.params if self.patience is None else state.best_params
        seed = int(draw_rng.integers(2**63))
        return FittedQuantum(params, config, layout, state.history, seed)


def _data(examples: Examples, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """Inputs and targets of the loss's shape."""
    inputs, targets = examples.inputs, examples.targets[:, 0]
    if config.loss == "all":
        targets = step_targets(Windows(inputs, targets, np.arange(len(inputs))))
    return inputs, targets
