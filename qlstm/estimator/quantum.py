"""The quantum LSTM as a regressor."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_size
from qlstm.estimator.base import Regressor
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.checks import check_share
from qlstm.forecasting.ensemble import Ensemble
from qlstm.forecasting.examples import check_examples
from qlstm.forecasting.quantum import FittedQuantum, Quantum, training_data
from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.progress import epoch_progress
from qlstm.run_state import History, TrainState
from qlstm.train import train

CELL = ("n_ancilla", "n_layers", "rotation", "memory", "disentangler", "loss")
CELL += ("encoding", "readout", "cut")
TRAINING = ("epochs", "batch_size", "learning_rate", "schedule", "clip_norm")
TRAINING += ("patience", "gradient", "frozen", "bias")

Data = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Windows and targets."""


class QLSTMRegressor(Regressor):
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
        going_on = self.warm_start and hasattr(self, "_state")
        done = self._state.epoch if going_on else 0
        bar = epoch_progress("quantum LSTM", done + self.epochs)

        def watch(state: TrainState) -> None:
            self._state = state
            if self.verbose:
                bar(state)

        if going_on:
            self._model = self._go_on(data, held, watch)
            return
        forecaster: Forecaster = self._forecaster(targets)
        if self.n_members > 1:
            forecaster = Ensemble(forecaster, self.n_members)
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
            QLSTMConfig(**cell),
            **{name: getattr(self, name) for name in TRAINING} | frozen,
        )

    def _go_on(
        self, data: Data, held: Data | None, watch: Callable[[TrainState], None]
    ) -> Fitted:
        """Train the last model further."""
        model, state = self._members[0], self._state
        examples, config = check_examples(*data), model.config
        forecaster = self._forecaster(data[1])
        sizes = {name: getattr(config, name) for name in ("n_features", "n_outputs")}
        wanted = replace(forecaster.config, **sizes)
        if (examples.layout, wanted) != (model.layout, config):
            raise ValueError(
                "Arguments `X`, `y` and the options of the cell must be those of the "
                "last `fit` with `warm_start`, which had the layout "
                f"{tuple(model.layout)} and {config}."
            )
        training = forecaster.training
        training = replace(training, epochs=state.epoch + self.epochs)
        validation = None
        if held is not None:
            validation = training_data([check_examples(*held)], config)
        state = train(
            state,
            *training_data([examples], config),
            config,
            training,
            validation=validation,
            callback=watch,
        )
        params = state.params if self.patience is None else state.best_params
        return replace(model, params=params, history=state.history)
