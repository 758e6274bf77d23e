"""The state of a training run, and how an epoch changes it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.adam import AdamState, adam_init
from qlstm.checks import check_rng
from qlstm.epoch import Pass
from qlstm.options import Training
from qlstm.params import QLSTMParams

History = dict[str, list[float]]


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
    return first_state(params, np.random.default_rng(int(rng.integers(2**63))))


def first_state(params: QLSTMParams, shuffler: np.random.Generator) -> TrainState:
    """The state before the first epoch, with the generator of the shuffles itself."""
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


def goes_on(state: TrainState, training: Training) -> bool:
    """Whether there are epochs to do, and patience for another one."""
    waited, patience = state.epoch - state.best_epoch, training.patience
    return state.epoch < training.epochs and (patience is None or waited < patience)


def generator(state: TrainState) -> np.random.Generator:
    """The state's source of randomness."""
    bits = getattr(np.random, state.rng_state["bit_generator"])()
    bits.state = state.rng_state
    return np.random.Generator(bits)


def comparable(state: TrainState, validated: bool) -> TrainState:
    """The state, its best loss counted anew if it is of the other kind of loss.

    Losses of training and of validation are not compared with each other.
    """
    if state.epoch == 0 or (len(state.history.get("val_loss", [])) > 0) == validated:
        return state
    return state._replace(
        best_params=state.params, best_epoch=state.epoch, best_loss=float("inf")
    )


def advance(state: TrainState, done: Pass) -> tuple[TrainState, dict[str, float]]:
    """A model's state after an epoch, and the epoch's numbers."""
    row = {"loss": float(done.losses)}
    if done.outcomes is not None:
        seen = state.outcomes.shape == done.outcomes.shape
        switched = (done.outcomes != state.outcomes).sum() if seen else 0
        row["branch_switches"] = int(switched)
        state = state._replace(outcomes=done.outcomes)
    state = state._replace(params=done.params, adam=done.adam, epoch=state.epoch + 1)
    return state, row


def record(state: TrainState, row: dict[str, float]) -> TrainState:
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
