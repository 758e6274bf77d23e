"""One pass of training over the data, for any number of models at once.

Every array has a leading axis of models, and each model has its data, its order and its
source of randomness for itself: what comes out of a batch of models is what each of
them gives alone, bit for bit.
"""

from typing import NamedTuple, Protocol, TypeVar

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
from qlstm.options import Training
from qlstm.rule import Rngs

Params = TypeVar("Params", bound=tuple)


class Learner(Protocol):
    """What is trained: a loss and its gradient, for many models at once.

    Parameters are a NamedTuple of arrays ``(n_models, ...)``, inputs ``(n_models,
    batch, n_steps, n_features)``.
    """

    def loss_and_grad(
        self, params: Params, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> tuple[NDArray[np.float64], Params, NDArray[np.int64] | None]:
        """Mean loss of each model and its gradient; outcomes that may switch, or None.

        Outcomes are ``(n_models, batch, n)``, for each sequence.
        """

    def loss(
        self, params: Params, inputs: NDArray, targets: NDArray, rngs: Rngs
    ) -> NDArray[np.float64]:
        """Mean loss of each model alone, on any number of sequences."""


class Pass(NamedTuple):
    """What an epoch leaves, for each of the models that are trained together."""

    params: tuple[NDArray, ...]
    """``(n_models, ...)`` each."""
    adam: AdamState
    """Moments ``(n_models, n_params)``."""
    losses: NDArray[np.float64]
    """``(n_models,)``."""
    outcomes: NDArray[np.int64] | None
    """``(n_models, n_sequences, n)`` at each sequence's visit; None where none are."""


def run_epoch(
    learner: Learner,
    params: Params,
    adam: AdamState,
    inputs: NDArray,
    targets: NDArray,
    orders: NDArray,
    training: Training,
    epoch: int,
    rngs: Rngs,
) -> Pass:
    """One pass over the data, each model in an order of its own.

    Args:
        learner: What is trained.
        params: Its parameters, ``(n_models, ...)`` each.
        adam: Moments ``(n_models, n_params)``.
        inputs: ``(n_models, n_sequences, n_steps, n_features)``.
        targets: ``(n_models, n_sequences, ...)``.
        orders: A permutation of the sequences for each model.
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
    models = np.arange(n_models)[:, None]
    x, trained = flatten(params), _trained(params, training.frozen)
    total, outcomes = np.zeros(n_models), None
    for start in range(0, n_sequences, training.batch_size):
        batch = models, orders[:, start : start + training.batch_size]
        loss, grads, found = learner.loss_and_grad(
            params, inputs[batch], targets[batch], rngs
        )
        g = flatten(grads)
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
        total += loss * batch[1].shape[1]
        if found is not None:
            if outcomes is None:
                outcomes = np.zeros((*orders.shape, found.shape[2]), dtype=np.int64)
            outcomes[batch] = found
    return Pass(params, adam, total / n_sequences, outcomes)


def _trained(params: Params, frozen: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which flat parameters are trained; Adam's moments may still push others."""
    named = params._asdict().items()
    return flatten([np.full(a.shape, name not in frozen) for name, a in named])[0]


def _clipped(g: NDArray, params: Params, clip_norm: float) -> NDArray:
    """Each model's gradient, no longer than the norm."""
    first = type(params)(*(array[0] for array in params))
    rows = [clip_gradient(unflatten(row, first), clip_norm) for row in g]
    return np.stack([np.concatenate([a.ravel() for a in row]) for row in rows])
