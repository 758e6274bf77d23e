"""The training loop; its whole state is one value that can be saved and continued."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import AdamState
from qlstm.checks import check_choice
from qlstm.epoch import Learner, Pass, run_epoch
from qlstm.gradient import METHODS, check_method
from qlstm.model import mean_loss
from qlstm.options import Training
from qlstm.params import (
    CHUNK,
    QLSTMConfig,
    QLSTMParams,
    check_params,
    check_run_fits,
    models_at_once,
    param_shapes,
    stack_params,
)
from qlstm.rule import Rngs
from qlstm.run_state import (
    History,
    TrainState,
    advance,
    comparable,
    generator,
    goes_on,
    record,
    train_init,
)
from qlstm.sets import Sets, check_sets, warn_out_of_reach

Monitor = Callable[[Sequence[QLSTMParams]], Sequence[dict[str, float]]]
"""What adds numbers to the history after an epoch: a dict for each of the models that
it is given. It has its own source of randomness, and does not stop the run."""


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
    return _result(state, training)


def fit_many(
    models: Sequence[QLSTMParams],
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    training: Training | None = None,
    *,
    rngs: Sequence[np.random.Generator],
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    callback: Callable[[int, TrainState], bool | None] | None = None,
    monitor: Monitor | None = None,
    **options: Any,
) -> list[tuple[QLSTMParams, History]]:
    """Train many models of one configuration at once: `fit` for each, bit for bit.

    A small model is bound by the calls of NumPy, and a call takes as long for fifty
    models as for a few. So seeds and starts are trained as one batch, each with data,
    shuffles, draws and patience of its own; one that has stopped leaves the batch. As
    many models are trained at a time as pay (see `qlstm.params.models_at_once`).

    Args:
        models: Initial parameters of each.
        inputs: Sequences ``(n_sequences, n_steps, n_features)`` that all share, or a
            set for each model, ``(n_models, n_sequences, n_steps, n_features)``.
        targets: As in `fit`, shared or with an axis of models before.
        config: The configuration of all.
        training: As in `fit`.
        rngs: A source of randomness for each model.
        validation: As in `fit`, shared or with an axis of models before.
        callback: Called with a model's number and its `TrainState` after each of its
            epochs; a true result stops this model.
        monitor: As in `fit`; it is given the parameters of all models in training.
        **options: Fields of `Training`, in its place.

    Returns:
        What `fit` returns, for each model. The ``seconds`` of an epoch are shared
        evenly by the models that were trained together.

    Raises:
        TypeError: As in `fit`.
        ValueError: As in `fit`, for any of the models; or if there are not as many
            generators or sets as models.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> config, rngs = QLSTMConfig(), np.random.default_rng(0).spawn(3)
        >>> inputs, targets = rngs[0].uniform(-1, 1, (20, 5, 1)), np.zeros(20)
        >>> starts = [init_params(config, rng) for rng in rngs]
        >>> found = fit_many(starts, inputs, targets, config, epochs=30, rngs=rngs)
        >>> [history["loss"][-1] < history["loss"][0] / 2 for _, history in found]
        [True, True, True]
    """
    models, rngs, training = list(models), list(rngs), _training(training, options)
    _check_callables(callback=callback, monitor=monitor)
    if len(rngs) != len(models) or not models:
        raise ValueError(
            "Arguments `models` and `rngs` must hold one or more of each, as many of "
            f"one as of the other, but hold {len(models)} and {len(rngs)}."
        )
    sets = check_sets(inputs, targets, validation, config, len(models))
    warn_out_of_reach(sets, config)
    states = [
        train_init(check_params(params, config), rng)
        for params, rng in zip(models, rngs, strict=True)
    ]
    learner, done = _CellLearner(config, training, sets), []
    at_once = learner.at_once()
    for first in range(0, len(states), at_once):
        some = range(first, min(first + at_once, len(states)))

        def of_model(k: int, state: TrainState, first: int = first) -> bool | None:
            return callback(first + k, state)

        done += train_together(
            [states[k] for k in some],
            sets.of(some),
            learner,
            training,
            callback and of_model,
            monitor,
        )
    return [_result(state, training) for state in done]


def _result(state: TrainState, training: Training) -> tuple[QLSTMParams, History]:
    """What `fit` returns."""
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
    _check_callables(callback=callback, monitor=monitor)
    sets = check_sets(inputs, targets, validation, config)
    warn_out_of_reach(sets, config)
    state = state._replace(params=check_params(state.params, config))
    learner = _CellLearner(config, training, sets)
    of_model = None if callback is None else lambda _, state: callback(state)
    return train_together([state], sets, learner, training, of_model, monitor)[0]


class _CellLearner:
    """The quantum cell as what is trained."""

    def __init__(self, config: QLSTMConfig, training: Training, sets: Sets) -> None:
        """Check that it can be trained so, and fits in the memory."""
        check_method(training.gradient, config)
        for name in training.frozen:
            check_choice("frozen", name, param_shapes(config)._fields)
        self.config, self.method = config, METHODS[training.gradient]
        n_sequences, n_steps = sets.inputs.shape[1:3]
        self.run = min(training.batch_size, n_sequences), n_steps
        check_run_fits(config, *self.run)

    def at_once(self) -> int:
        """How many models pay."""
        return models_at_once(self.config, *self.run)

    def loss_and_grad(
        self, params: QLSTMParams, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> tuple[NDArray, QLSTMParams, NDArray | None]:
        """By the gradient method; outcomes of every step, of rules that jump."""
        found, rule = (
            self.method(params, inputs, targets, self.config, rngs),
            self.config.rule,
        )
        if not rule.jumps:
            return found.loss, found.grads, None
        outcomes = np.empty((*inputs.shape[:2], len(found.run.caches)), dtype=np.int64)
        for t, cache in enumerate(found.run.caches):
            outcomes[..., t] = rule.outcomes(cache)
        return found.loss, found.grads, outcomes

    def loss(
        self, params: QLSTMParams, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> NDArray[np.float64]:
        """As many models at once as pay."""
        batch = min(inputs.shape[1], CHUNK)
        at_once, losses = models_at_once(self.config, batch, inputs.shape[2]), []
        for first in range(0, len(inputs), at_once):
            some = slice(first, first + at_once)
            part = type(params)(*(array[some] for array in params))
            found = mean_loss(
                part, inputs[some], targets[some], self.config, rngs[some]
            )
            losses.append(found)
        return np.concatenate(losses)


def train_together(
    states: Sequence[TrainState],
    sets: Sets,
    learner: Learner,
    training: Training,
    callback: Callable[[int, TrainState], bool | None] | None = None,
    monitor: Monitor | None = None,
) -> list[TrainState]:
    """Train models as one batch, without checks; one that stops leaves the batch.

    Args:
        states: Where to start, all at the same epoch.
        sets: Their data.
        learner: What is trained.
        training: As in `fit`.
        callback: As in `fit_many`.
        monitor: As in `fit_many`.

    Returns:
        The states at the end.
    """
    n_sequences = sets.inputs.shape[1]
    states = [comparable(state, sets.validation is not None) for state in states]
    running = list(range(len(states)))
    while running := [k for k in running if goes_on(states[k], training)]:
        start, now = time.perf_counter(), [states[k] for k in running]
        data, rngs = sets.of(running), [generator(state) for state in now]
        # rules that draw do so for what is only measured from a stream of its own
        measuring = [np.random.Generator(rng.bit_generator.jumped()) for rng in rngs]
        done = run_epoch(
            learner,
            stack_params([state.params for state in now]),
            AdamState(now[0].adam.step, *_stack_moments(now)),
            data.inputs,
            data.targets,
            np.stack([rng.permutation(n_sequences) for rng in rngs]),
            training,
            now[0].epoch,
            rngs,
        )
        now, rows = map(list, zip(*map(advance, now, _by_model(done)), strict=True))
        if data.validation is not None:
            losses = learner.loss(done.params, *data.validation, measuring)
            for row, loss in zip(rows, losses, strict=True):
                row["val_loss"] = float(loss)
        if monitor is not None:
            found = monitor([state.params for state in now])
            rows = [_watched(*both) for both in zip(rows, found, strict=True)]
        seconds = (time.perf_counter() - start) / len(running)
        stopped = set()
        for k, state, row, rng in zip(running, now, rows, rngs, strict=True):
            state = state._replace(rng_state=rng.bit_generator.state)
            states[k] = record(state, row | {"seconds": seconds})
            if callback is not None and callback(k, states[k]):
                stopped.add(k)
        running = [k for k in running if k not in stopped]
    return states


def _stack_moments(states: Sequence[TrainState]) -> list[NDArray]:
    """Adam's moments of every model, ``(n_models, n_params)`` each."""
    return [
        np.stack(m) for m in zip(*(state.adam[1:] for state in states), strict=True)
    ]


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


def _by_model(done: Pass) -> Iterator[Pass]:
    """What an epoch left, of one model after the other, without the axis of models."""
    for k, loss in enumerate(done.losses):
        yield Pass(
            type(done.params)(*(array[k] for array in done.params)),
            AdamState(done.adam.step, *(moment[k] for moment in done.adam[1:])),
            loss,
            None if done.outcomes is None else done.outcomes[k],
        )


def _check_callables(**given: Any) -> None:
    """Say so when what is to be called cannot be."""
    for name, value in given.items():
        if value is not None and not callable(value):
            raise TypeError(f"Argument `{name}` must be callable, but is {value!r}.")
