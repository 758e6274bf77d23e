"""The training loop; its whole state is one value that can be saved and continued."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import (
    AdamState,
    adam_init,
    adam_step,
    clip_gradient,
    flatten,
    scheduled_rate,
    unflatten,
)
from qlstm.checks import check_choice, check_rng, warn_user
from qlstm.gradient import METHODS, check_method
from qlstm.model import mean_loss
from qlstm.options import Training
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_inputs,
    check_params,
    check_run_fits,
    check_targets,
    param_shapes,
    stack_params,
)
from qlstm.readout import out_of_reach
from qlstm.rule import Rngs

History = dict[str, list[float]]
Monitor = Callable[[Sequence[QLSTMParams]], Sequence[dict[str, float]]]
"""What adds numbers to the history after an epoch: a dict for each of the models that
it is given. It has its own source of randomness, and does not stop the run."""


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
    """One number an epoch of ``loss``, ``seconds`` and, where they apply, ``val_loss``,
    ``branch_switches`` and what the monitor records."""
    outcomes: NDArray[np.int64]
    """Under collapse the outcome chosen at each sequence's last visit,
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
    training: Training | None = None,
    *,
    rng: np.random.Generator,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    callback: Callable[[TrainState], bool | None] | None = None,
    monitor: Monitor | None = None,
    **options: Any,
) -> tuple[QLSTMParams, History]:
    """Train with Adam on shuffled minibatches.

    Args:
        params: Initial parameters.
        inputs: Sequences ``(n_sequences, n_steps, n_features)``.
        targets: ``(n_sequences,)``, or ``(n_sequences, n_steps)`` for a loss over all
            steps.
        config: The model's configuration.
        training: How to train; or its fields as keywords, such as ``epochs=20``.
        rng: Source of randomness for the shuffles, and for rules that draw.
        validation: Inputs and targets whose loss is measured after each epoch.
        callback: Called with the `TrainState` after each epoch; a true result stops.
            The state's arrays are those that training goes on with: do not change them.
        monitor: Called with a list of the parameters after each epoch; returns a list
            of one dict of numbers, which go into the history, such as
            `qlstm.insight.EntanglementMonitor`.
        **options: Fields of `Training`, in its place.

    Returns:
        The parameters after the last epoch (with `patience`, after the best), and the
        history: a dict of lists, one number an epoch (see `TrainState`). The loss of an
        epoch is the mean over its minibatches, weighted by size, each before its
        update.

    Raises:
        TypeError: If a count is not an integer, or an option is unknown.
        ValueError: If shapes do not fit, a value is not finite, a name is unknown, or
            the memory rule does not support the gradient method.

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
    state, training = train_init(params, rng), _training(training, options)
    found = {"validation": validation, "callback": callback, "monitor": monitor}
    state = train(state, inputs, targets, config, training, **found)
    params = state.params if training.patience is None else state.best_params
    return params, state.history


def train(
    state: TrainState,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    training: Training | None = None,
    *,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    callback: Callable[[TrainState], bool | None] | None = None,
    monitor: Monitor | None = None,
    **options: Any,
) -> TrainState:
    """Continue a run until it has done all epochs, those it had done included.

    A run that is stopped, saved, loaded and continued gives the same bits as one that
    was never stopped, if all else is the same; with a cosine schedule `epochs`, too.

    Args:
        state: Where to start, from `train_init`, `train` or `load_state`.
        inputs: As in `fit`.
        targets: As in `fit`.
        config: As in `fit`.
        training: As in `fit`. With `patience`, the state at the end has the best
            parameters beside the last.
        validation: As in `fit`.
        callback: As in `fit`.
        monitor: As in `fit`.
        **options: As in `fit`.

    Returns:
        The `TrainState` at the end; the argument is not modified.

    Raises:
        TypeError: As in `fit`.
        ValueError: As in `fit`.
    """
    training = _training(training, options)
    for name, given in (("callback", callback), ("monitor", monitor)):
        if given is not None and not callable(given):
            raise TypeError(f"Argument `{name}` must be callable, but is {given!r}.")
    check_method(training.gradient, config)
    for name in training.frozen:
        check_choice("frozen", name, param_shapes(config)._fields)
    state = state._replace(params=check_params(state.params, config))
    inputs = check_inputs(inputs, config)
    targets = check_targets(targets, inputs, config)
    check_run_fits(config, min(training.batch_size, len(inputs)), inputs.shape[1])
    if validation is not None:
        val_inputs = check_inputs(validation[0], config)
        val_targets = check_targets(validation[1], val_inputs, config)
        validation = val_inputs[None], val_targets[None]
    _warn_out_of_reach(inputs, targets, config)
    state = _comparable(state, validation is not None)
    patience = training.patience
    while state.epoch < training.epochs:
        if patience is not None and state.epoch - state.best_epoch >= patience:
            break
        start = time.perf_counter()
        rng = np.random.default_rng()
        rng.bit_generator.state = state.rng_state
        # rules that draw do so for what is only measured from a stream of its own
        measuring = np.random.Generator(rng.bit_generator.jumped())
        step, *moments = state.adam
        done = _epoch(
            stack_params([state.params]),
            AdamState(step, *(moment[None] for moment in moments)),
            inputs[None],
            targets[None],
            rng.permutation(len(inputs))[None],
            config,
            training,
            state.epoch,
            [rng],
        )
        state, row = _advance(state, done, 0)
        if validation is not None:
            stacked = stack_params([state.params])
            loss = mean_loss(stacked, *validation, config, [measuring])
            row["val_loss"] = float(loss[0])
        if monitor is not None:
            row = _watched(row, monitor([state.params])[0])
        row["seconds"] = time.perf_counter() - start
        state = _record(state._replace(rng_state=rng.bit_generator.state), row)
        if callback is not None and callback(state):
            break
    return state


def _watched(row: dict[str, float], found: dict[str, float]) -> dict[str, float]:
    """An epoch's numbers, and those of a monitor beside them."""
    for name in found:
        if name in (*row, "val_loss", "seconds"):
            raise ValueError(
                f"Argument `monitor` must give numbers of its own, but gives {name!r}."
            )
    return row | found


def _training(training: Training | None, options: dict[str, Any]) -> Training:
    """The options of training, given whole or one by one."""
    if training is None:
        return Training(**options)
    if options:
        raise TypeError(
            "Argument `training` must hold all options of training, but "
            f"{', '.join(options)} came beside it."
        )
    return training


def _comparable(state: TrainState, validated: bool) -> TrainState:
    """The state, its best loss counted anew if it is of the other kind of loss.

    Losses of training and of validation are not compared with each other.
    """
    if state.epoch == 0 or (len(state.history.get("val_loss", [])) > 0) == validated:
        return state
    return state._replace(
        best_params=state.params, best_epoch=state.epoch, best_loss=float("inf")
    )


class _Pass(NamedTuple):
    """What an epoch leaves, for each of the models that are trained together."""

    params: QLSTMParams
    """``(n_models, ...)`` each."""
    adam: AdamState
    """Moments ``(n_models, n_params)``."""
    losses: NDArray[np.float64]
    """``(n_models,)``."""
    outcomes: NDArray[np.int64] | None
    """``(n_models, n_sequences, n_steps - 1)``; None for rules that do not jump."""


def _epoch(
    params: QLSTMParams,
    adam: AdamState,
    inputs: NDArray,
    targets: NDArray,
    orders: NDArray,
    config: QLSTMConfig,
    training: Training,
    epoch: int,
    rngs: Rngs,
) -> _Pass:
    """One pass over the data, each model in an order of its own.

    Args:
        params: The parameters, ``(n_models, ...)`` each.
        adam: Moments ``(n_models, n_params)``.
        inputs: ``(n_models, n_sequences, n_steps, n_features)``.
        targets: ``(n_models, n_sequences, ...)``.
        orders: A permutation of the sequences for each model.
        config: The configuration.
        training: How to train.
        epoch: Epochs done before.
        rngs: A source of randomness for each model.
    """
    rate = scheduled_rate(
        training.learning_rate, training.schedule, epoch, training.epochs
    )
    n_models, n_sequences = orders.shape
    models, method = np.arange(n_models)[:, None], METHODS[training.gradient]
    x, trained = flatten(params), _trained(params, training.frozen)
    total, outcomes = np.zeros(n_models), None
    if config.rule.jumps:
        shape = (n_models, n_sequences, inputs.shape[2] - 1)
        outcomes = np.zeros(shape, dtype=np.int64)
    for start in range(0, n_sequences, training.batch_size):
        batch = models, orders[:, start : start + training.batch_size]
        found = method(params, inputs[batch], targets[batch], config, rngs)
        g = flatten(found.grads)
        if training.frozen:
            g = g * trained  # what is frozen does not count in the norm
        if training.clip_norm is not None:
            g = _clipped(g, params, training.clip_norm)
        moved, adam = adam_step(x, g, adam, rate)
        if not np.isfinite(moved).all():
            raise ValueError(
                "The parameters must stay finite, but do not after minibatch "
                f"{start // training.batch_size + 1} of epoch {epoch + 1}: lower "
                f"`learning_rate`, which is {training.learning_rate:g}."
            )
        x = np.where(trained, moved, x) if training.frozen else moved
        params = unflatten(x, params)
        total += found.loss * batch[1].shape[1]
        if outcomes is not None:
            for t, cache in enumerate(found.run.caches):
                outcomes[*batch, t] = config.rule.outcomes(cache)
    return _Pass(params, adam, total / n_sequences, outcomes)


def _trained(params: QLSTMParams, frozen: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which flat parameters are trained; Adam's moments may still push others."""
    named = params._asdict().items()
    return flatten([np.full(a.shape, name not in frozen) for name, a in named])[0]


def _clipped(g: NDArray, params: QLSTMParams, clip_norm: float) -> NDArray:
    """Each model's gradient, no longer than the norm."""
    first = type(params)(*(array[0] for array in params))
    rows = [clip_gradient(unflatten(row, first), clip_norm) for row in g]
    return flatten(stack_params(rows))


def _advance(
    state: TrainState, done: _Pass, model: int
) -> tuple[TrainState, dict[str, float]]:
    """The state after an epoch, and the epoch's numbers, of one of the models."""
    row = {"loss": float(done.losses[model])}
    if done.outcomes is not None:
        outcomes = done.outcomes[model]
        seen = state.outcomes.shape == outcomes.shape
        row["branch_switches"] = int((outcomes != state.outcomes).sum()) if seen else 0
        state = state._replace(outcomes=outcomes)
    step, *moments = done.adam
    return state._replace(
        params=type(done.params)(*(array[model] for array in done.params)),
        adam=AdamState(step, *(moment[model] for moment in moments)),
        epoch=state.epoch + 1,
    ), row


def _warn_out_of_reach(inputs: NDArray, targets: NDArray, config: QLSTMConfig) -> None:
    """Warn when some targets cannot be met."""
    count = out_of_reach(targets, inputs, config)
    if count:
        warn_user(
            f"{count} of {targets.size} targets cannot be met: <Z> stays in [-1, 1]. "
            'Scale them, or set readout="affine".'
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
