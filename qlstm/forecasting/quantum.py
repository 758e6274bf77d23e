"""The quantum LSTM as a forecaster, with the interface of the baselines."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_rng
from qlstm.forecasting.base import Fitted, OfCell, Trained
from qlstm.forecasting.examples import Examples, stack_examples
from qlstm.model import predict
from qlstm.options import Training
from qlstm.params import QLSTMConfig, QLSTMParams, init_params
from qlstm.run_state import History, TrainState
from qlstm.train import fit_many


@dataclass(frozen=True, eq=False)
class FittedQuantum(Fitted):
    """A trained quantum LSTM."""

    params: QLSTMParams
    config: QLSTMConfig
    history: History
    """As `qlstm.fit` returns it."""
    draw_seed: int
    """Seed of the draws of the rule `sampled`; no other uses it."""

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast checked windows: ``(n, n_outputs)``."""
        rng = np.random.default_rng(self.draw_seed)
        return predict(self.params, inputs, self.config, rng=rng).reshape(
            len(inputs), -1
        )


@dataclass(frozen=True, kw_only=True)
class Quantum(Trained, OfCell):
    """The quantum LSTM, trained by `qlstm.fit`.

    Args:
        config: The model; one feature and one output, the defaults, stand for as many
            as the data have. With ``loss="all"`` each step's targets are the values
            after it.
        **options: Those of training, see `Trained`.
        gradient: Gradient method, see `loss_and_grad`.
        frozen: Names of parameter arrays that keep their initial values.
        bias: Whether the projection has a bias; without, it is fixed at zero.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count or a rate is not positive, or the gradient method or the
            schedule is unknown.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.uniform(-1, 1, (20, 5, 1))
        >>> model = Quantum(QLSTMConfig(rotation="RY"), epochs=20)
        >>> fitted = model.fit(inputs, inputs[:, -1, 0] / 2, rng=rng)
        >>> fitted.n_params, len(fitted.history["loss"])
        (24, 20)
    """

    gradient: str = "reverse"
    frozen: tuple[str, ...] = ()
    bias: bool = True

    @property
    def training(self) -> Training:
        """The options of training as one value; a missing bias is a frozen one."""
        training = super().training
        if self.bias:
            return training
        return replace(training, frozen=(*training.frozen, "proj_bias"))

    def _fit_alike(
        self,
        examples: list[Examples],
        rngs: list[np.random.Generator],
        validation: list[Examples | None],
        callback: Callable[[TrainState], bool | None] | None = None,
    ) -> list[FittedQuantum]:
        """Draw initial parameters and train them; each lead takes a system wire."""
        layout, training = examples[0].layout, self.training
        config = self._config(layout)
        if config.n_outputs == 1:
            config = replace(config, n_outputs=layout.n_outputs)
        starts, shuffles, seeds = [], [], []
        for rng in rngs:
            check_rng(rng)
            init_rng, shuffle_rng, draw_rng = rng.spawn(3)
            params = init_params(config, init_rng)
            if not self.bias:
                params = params._replace(proj_bias=np.zeros_like(params.proj_bias))
            starts.append(params)
            shuffles.append(shuffle_rng)
            seeds.append(int(draw_rng.integers(2**63)))
        done = fit_many(
            starts,
            *training_data(examples, config),
            config,
            training,
            rngs=shuffles,
            validation=None
            if validation[0] is None
            else training_data(validation, config),
            callback=callback and (lambda _, state: callback(state)),
        )
        n_params = sum(
            array.size
            for name, array in starts[0]._asdict().items()
            if name not in training.frozen
        )
        return [
            FittedQuantum(layout, n_params, params, config, history, seed)
            for (params, history), seed in zip(done, seeds, strict=True)
        ]


def training_data(sets: list[Examples], config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """Inputs, and targets in the shape that the loss and the outputs ask for.

    With a first axis of models, but for a set that all share.
    """
    inputs, targets = stack_examples(sets)
    if config.loss == "all":  # the values after each step: (..., n_steps, horizon)
        after = np.concatenate([inputs[..., 1:, 0], targets], axis=-1)
        horizon = targets.shape[-1]
        targets = np.lib.stride_tricks.sliding_window_view(after, horizon, axis=-1)
    targets = targets if config.n_outputs > 1 else targets[..., 0]
    return (inputs, targets) if len(inputs) > 1 else (inputs[0], targets[0])
