"""One pass of training over the data, for any number of models at once.

Every array has a leading axis of models, and each model has its data, its order and its
source of randomness for itself: what comes out of a batch of models is what each of
them gives alone, bit for bit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.adam import (
    AdamState,
    adam_step,
    clip_gradient,
    flatten,
    scheduled_rate,
    unflatten,
)
from qlstm.gradient import METHODS
from qlstm.options import Training
from qlstm.params import QLSTMConfig, QLSTMParams, stack_params
from qlstm.rule import Rngs


class Pass(NamedTuple):
    """What an epoch leaves, for each of the models that are trained together."""

    params: QLSTMParams
    """``(n_models, ...)`` each."""
    adam: AdamState
    """Moments ``(n_models, n_params)``."""
    losses: NDArray[np.float64]
    """``(n_models,)``."""
    outcomes: NDArray[np.int64] | None
    """``(n_models, n_sequences, n_steps - 1)``; None for rules that do not jump."""


def run_epoch(
    params: QLSTMParams,
    adam: AdamState,
    inputs: NDArray,
    targets: NDArray,
    orders: NDArray,
    config: QLSTMConfig,
    training: Training,
    epoch: int,
    rngs: Rngs,
) -> Pass:
    """One pass over the data, each model in an order of its own.

    Args:
        params: The parameters, ``(n_models, ...)`` each.
        adam: Moments ``(n_models, n_params)``.
        inputs: ``(n_models, n_sequences, n_steps, n_features)``; data that all models
            share have a first axis of 1.
        targets: ``(n_models, n_sequences, ...)``, or shared alike.
        orders: A permutation of the sequences for each model.
        config: The configuration.
        training: How to train.
        epoch: Epochs done before.
        rngs: A source of randomness for each model.

    Returns:
        A `Pass`.

    Raises:
        ValueError: If the parameters do not stay finite.
    """
    rate = scheduled_rate(
        training.learning_rate, training.schedule, epoch, training.epochs
    )
    n_models, n_sequences = orders.shape
    models, method = np.arange(n_models)[:, None], METHODS[training.gradient]
    own = models if len(inputs) > 1 else 0  # which data are a model's
    x, trained = flatten(params), _trained(params, training.frozen)
    total, outcomes = np.zeros(n_models), None
    if config.rule.jumps:
        shape = (n_models, n_sequences, inputs.shape[2] - 1)
        outcomes = np.zeros(shape, dtype=np.int64)
    for start in range(0, n_sequences, training.batch_size):
        rows = orders[:, start : start + training.batch_size]
        found = method(params, inputs[own, rows], targets[own, rows], config, rngs)
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
        total += found.loss * rows.shape[1]
        if outcomes is not None:
            for t, cache in enumerate(found.run.caches):
                outcomes[models, rows, t] = config.rule.outcomes(cache)
    return Pass(params, adam, total / n_sequences, outcomes)


def _trained(params: QLSTMParams, frozen: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which flat parameters are trained; Adam's moments may still push others."""
    named = params._asdict().items()
    return flatten([np.full(a.shape, name not in frozen) for name, a in named])[0]


def _clipped(g: NDArray, params: QLSTMParams, clip_norm: float) -> NDArray:
    """Each model's gradient, no longer than the norm."""
    first = type(params)(*(array[0] for array in params))
    rows = [clip_gradient(unflatten(row, first), clip_norm) for row in g]
    return flatten(stack_params(rows))
