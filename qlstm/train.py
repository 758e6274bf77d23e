"""The training loop; its whole state is one value that can be saved and continued."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import (
    SCHEDULES,
    AdamState,
    adam_init,
    adam_update,
    clip_gradient,
    scheduled_rate,
)
from qlstm.gradient import METHODS, LossGradient
from qlstm.insight.trace import entanglement_means
from qlstm.model import mean_loss
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_choice,
    check_inputs,
    check_params,
    check_rng,
    check_size,
    check_targets,
    params_class,
)
from qlstm.readout import out_of_reach

MONITORS = ("entanglement",)

History = dict[str, list[float]]


@dataclass(frozen=True)
class Training:
    """How to train: what `fit`, forecasters, protocols and command lines share.

    Args:
        epochs: Passes over the data.
        batch_size: Sequences in a minibatch; more than there are makes one batch.
        learning_rate: Adam's step size.
        gradient: Gradient method, see `loss_and_grad`.
        schedule: ``"constant"``, or ``"cosine"``: the step size falls to 0 along half a
            cosine over the epochs.
        clip_norm: Gradients longer than this are scaled down to it.
        patience: Stop when the best loss (see `TrainState`) is this many epochs old,
            and return that epoch's parameters.
        frozen: Names of parameter arrays that are not trained, for ablations.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a count or a rate is not positive, or a name is unknown.

    Example:
        >>> Training(epochs=20, schedule="cosine").learning_rate
        0.01
    """

    epochs: int = 150
    batch_size: int = 5
    learning_rate: float = 0.01
    gradient: str = "reverse"
    schedule: str = "constant"
    clip_norm: float | None = None
    patience: int | None = None
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_size("epochs", self.epochs)
        check_size("batch_size", self.batch_size)
        check_choice("gradient", self.gradient, tuple(METHODS))
        check_choice("schedule", self.schedule, SCHEDULES)
        if self.patience is not None:
            check_size("patience", self.patience)
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(
                f"Argument `clip_norm` must be positive, but is {self.clip_norm}."
            )
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(
                "Argument `learning_rate` must be positive and finite, "
                f"but is {self.learning_rate}."
            )
        object.__setattr__(self, "frozen", tuple(self.frozen))


class TrainState(NamedTuple):
    """Everything that a training run has come to; see `train`."""

    params: QLSTMParams
    """Parameters after the last epoch."""
    adam: AdamState
    """The optimizer's state."""
    rng_state: dict[str, Any]
    """State of the bit generator (PCG64) that shuffles, and draws for `sampled`."""
    epoch: int
    """Epochs done."""
    best_params: QLSTMParams
    """Parameters after the epoch of the lowest loss (see `best_loss`)."""
    best_epoch: int
    """That epoch, counted from 1; 0 before the first."""
    best_loss: float
    """Lowest validation loss so far; without validation data, training loss."""
    history: History
    """One number an epoch: ``loss``, ``seconds`` and, where they apply, ``val_loss``,
    ``branch_switches`` and what the monitor records."""
    outcomes: NDArray[np.int64]
    """Collapse only: the outcome chosen at each sequence's last visit,
    ``(n_sequences, n_steps - 1)``; empty before the first epoch."""


def train_init(params: QLSTMParams, rng: np.random.Generator) -> TrainState:
    """The state before the first epoch.

    Args:
        params: Initial parameters.
        rng: Source of randomness; one draw seeds the generator of the shuffles.

    Returns:
        A `TrainState` at epoch 0.
    """
    check_rng(rng)
    shuffler = np.random.default_rng(int(rng.integers(2**63)))
    return TrainState(
        params=params,
        adam=adam_init(params),
        rng_state=shuffler.bit_generator.state,
        epoch=0,
        best_params=params,
        best_epoch=0,
        best_loss=float("inf"),
        history={},
        outcomes=np.empty((0, 0), dtype=np.int64),
    )


def fit(
    params: QLSTMParams,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    *,
    epochs: int,
    batch_size: int = 5,
    learning_rate: float = 0.01,
    rng: np.random.Generator,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    callback: Callable[[TrainState], bool | None] | None = None,
    gradient: str = "reverse",
    monitor: str | None = None,
    schedule: str = "constant",
    clip_norm: float | None = None,
    patience: int | None = None,
    frozen: Sequence[str] = (),
) -> tuple[QLSTMParams, History]:
    """Train with Adam on shuffled minibatches.

    Args:
        params: Initial parameters.
        inputs: Sequences ``(n_sequences, n_steps, n_features)``.
        targets: ``(n_sequences,)``, or ``(n_sequences, n_steps)`` for a loss over all
            steps.
        config: The model's configuration.
        epochs: Passes over the data.
        batch_size: Sequences in a minibatch; more than there are makes one batch.
        learning_rate: Adam's step size.
        rng: Source of randomness for the shuffles, and for the draws of `sampled`.
        validation: Inputs and targets whose loss is measured after each epoch.
        callback: Called with the `TrainState` after each epoch; a true result stops.
            The state's arrays are those that training goes on with: do not change them.
        gradient: Gradient method, see `loss_and_grad`.
        monitor: ``"entanglement"`` records, after each epoch, the means over all steps
            of the training sequences of the entanglement after U_en and U_dis
            (``S_en``, ``S_out``) and the Schmidt strengths of U_en and U_dis (``K_en``,
            ``K_dis``), in ebits.
        schedule: ``"constant"``, or ``"cosine"``: the step size falls to 0 along half a
            cosine over the epochs.
        clip_norm: Gradients longer than this are scaled down to it.
        patience: Stop when the best loss (see `TrainState`) is this many epochs old,
            and return that epoch's parameters.
        frozen: Names of parameter arrays that are not trained, for ablations.

    Returns:
        The parameters after the last epoch (with `patience`, after the best), and the
        history: a dict of lists, one
        number an epoch (see `TrainState`). The loss of an epoch is the mean over its
        minibatches, weighted by size, each before its update.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If shapes do not fit, a value is not finite, or a name is unknown.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> rng = np.random.default_rng(0)
        >>> config = QLSTMConfig()
        >>> inputs, targets = rng.uniform(-1, 1, (20, 5, 1)), np.zeros(20)
        >>> params, history = fit(init_params(config, rng), inputs, targets, config,
        ...                       epochs=30, rng=rng)
        >>> history["loss"][-1] < history["loss"][0] / 2
        True
    """
    state = train(
        train_init(params, rng),
        inputs,
        targets,
        config,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        validation=validation,
        callback=callback,
        gradient=gradient,
        monitor=monitor,
        schedule=schedule,
        clip_norm=clip_norm,
        patience=patience,
        frozen=frozen,
    )
    params = state.params if patience is None else state.best_params
    return params, state.history


def train(
    state: TrainState,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    *,
    epochs: int,
    batch_size: int = 5,
    learning_rate: float = 0.01,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    callback: Callable[[TrainState], bool | None] | None = None,
    gradient: str = "reverse",
    monitor: str | None = None,
    schedule: str = "constant",
    clip_norm: float | None = None,
    patience: int | None = None,
    frozen: Sequence[str] = (),
) -> TrainState:
    """Continue a run until it has done `epochs` epochs in all.

    A run that is stopped, saved, loaded and continued gives the same bits as one that
    was never stopped, if all else is the same; with a cosine schedule `epochs`, too.

    Args:
        state: Where to start, from `train_init`, `train` or `load_state`.
        inputs: As in `fit`.
        targets: As in `fit`.
        config: As in `fit`.
        epochs: Epochs in all, those the state has done included.
        batch_size: As in `fit`.
        learning_rate: As in `fit`.
        validation: As in `fit`.
        callback: As in `fit`.
        gradient: As in `fit`.
        monitor: As in `fit`.
        schedule: As in `fit`.
        clip_norm: As in `fit`.
        patience: As in `fit`; the state at the end has the best parameters beside the
            last.
        frozen: As in `fit`.

    Returns:
        The `TrainState` at the end; the argument is not modified.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: As in `fit`.
    """
    check_size("epochs", epochs)
    check_size("batch_size", batch_size)
    check_choice("gradient", gradient, tuple(METHODS))
    if isinstance(monitor, str):
        check_choice("monitor", monitor, MONITORS)
    check_choice("schedule", schedule, SCHEDULES)
    if patience is not None:
        check_size("patience", patience)
    for name in frozen:
        check_choice("frozen", name, params_class(config)._fields)
    if clip_norm is not None and not clip_norm > 0:
        raise ValueError(f"Argument `clip_norm` must be positive, but is {clip_norm}.")
    if not 0 < learning_rate < np.inf:
        raise ValueError(
            "Argument `learning_rate` must be positive and finite, "
            f"but is {learning_rate}."
        )
    state = state._replace(params=check_params(state.params, config))
    inputs = check_inputs(inputs, config)
    targets = check_targets(targets, inputs, config)
    if validation is not None:
        val_inputs = check_inputs(validation[0], config)
        validation = val_inputs, check_targets(validation[1], val_inputs, config)
    _warn_out_of_reach(inputs, targets, config)
    method = METHODS[gradient]
    while state.epoch < epochs:
        if patience is not None and state.epoch - state.best_epoch >= patience:
            break
        start = time.perf_counter()
        rng = np.random.default_rng()
        rng.bit_generator.state = state.rng_state
        # `sampled` draws for what is only measured from a stream of its own
        measuring = np.random.Generator(rng.bit_generator.jumped())
        rate = scheduled_rate(learning_rate, schedule, state.epoch, epochs)
        options = (batch_size, rate, clip_norm, tuple(frozen))
        state, row = _epoch(state, inputs, targets, config, options, method, rng)
        if validation is not None:
            row["val_loss"] = mean_loss(state.params, *validation, config, measuring)
        if monitor == "entanglement":
            row |= entanglement_means(state.params, inputs, config, measuring)
        if callable(monitor):  # stub until the core is merged
            row |= monitor([state.params])[0]
        row["seconds"] = time.perf_counter() - start
        state = _record(state._replace(rng_state=rng.bit_generator.state), row)
        if callback is not None and callback(state):
            break
    return state


def _epoch(
    state: TrainState,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    options: tuple[int, float, float | None, tuple[str, ...]],
    method: Callable[..., LossGradient],
    rng: np.random.Generator,
) -> tuple[TrainState, dict[str, float]]:
    """One pass over the shuffled data: the new state and the epoch's numbers."""
    batch_size, learning_rate, clip_norm, frozen = options
    order = rng.permutation(len(inputs))
    params, adam, total = state.params, state.adam, 0.0
    collapses = config.memory == "collapse"
    outcomes = np.zeros((len(inputs), inputs.shape[1] - 1), dtype=np.int64)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        result = method(params, inputs[batch], targets[batch], config, rng)
        grads = clip_gradient(_thawed(result.grads, frozen), clip_norm)
        kept = {name: getattr(params, name) for name in frozen}
        params, adam = adam_update(params, grads, adam, learning_rate)
        params = params._replace(**kept)  # Adam's moments may still push
        total += result.loss * len(batch)
        if collapses:
            for t, cache in enumerate(result.unrolled.caches):
                outcomes[batch, t] = cache.chosen[1]
    row = {"loss": total / len(inputs)}
    if collapses:
        seen = state.outcomes.shape == outcomes.shape
        row["branch_switches"] = int((outcomes != state.outcomes).sum()) if seen else 0
        state = state._replace(outcomes=outcomes)
    return state._replace(params=params, adam=adam, epoch=state.epoch + 1), row


def _thawed(grads: QLSTMParams, frozen: tuple[str, ...]) -> QLSTMParams:
    """The gradient with zeros for what is frozen, which does not count in its norm."""
    return grads._replace(
        **{name: np.zeros_like(getattr(grads, name)) for name in frozen}
    )


def _warn_out_of_reach(inputs: NDArray, targets: NDArray, config: QLSTMConfig) -> None:
    """Warn when some targets cannot be met."""
    count = out_of_reach(targets, inputs, config)
    if count:
        warnings.warn(
            f"{count} of {targets.size} targets cannot be met: <Z> stays in [-1, 1]. "
            'Scale them, or set readout="affine".',
            stacklevel=3,
        )


def _record(state: TrainState, row: dict[str, float]) -> TrainState:
    """Append the epoch's numbers, and keep the parameters if they are the best."""
    history = {key: [*state.history.get(key, []), value] for key, value in row.items()}
    state = state._replace(history=history)
    loss = row.get("val_loss", row["loss"])
    if not np.isfinite(loss):
        raise ValueError(
            f"The loss must stay finite, but is {loss} after epoch {state.epoch}."
        )
    if loss < state.best_loss:
        state = state._replace(
            best_params=state.params, best_epoch=state.epoch, best_loss=loss
        )
    return state
