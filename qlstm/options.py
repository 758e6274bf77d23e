"""How to train, as one frozen value that is checked once."""

from dataclasses import dataclass

import numpy as np

from qlstm.adam import SCHEDULES
from qlstm.checks import check_choice, check_size
from qlstm.gradient import METHODS
from qsim.numbers import as_number


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
        rate = as_number("learning_rate", self.learning_rate, finite=False)
        if not 0 < rate < np.inf:
            raise ValueError(
                "Argument `learning_rate` must be positive and finite, "
                f"but is {self.learning_rate}."
            )
        object.__setattr__(self, "frozen", tuple(self.frozen))
