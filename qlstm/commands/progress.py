"""How far a command is: one line on standard error."""

import math
import sys
import time
from collections.abc import Callable

from qlstm.run_state import TrainState


class Progress:
    """A line on standard error that is written over; silent without a terminal.

    Args:
        label: What stands before a bar.
    """

    def __init__(self, label: str = "") -> None:
        """Start the clock."""
        self.label, self.active = label, sys.stderr.isatty()
        self._start, self._shown = time.monotonic(), -math.inf

    def update(self, done: int, total: int, words: str, new: int | None = None) -> None:
        """Show a bar, at most ten times a second.

        Args:
            done: What is done, of `total`.
            total: What there is to do.
            words: What stands behind the bar.
            new: What was done since the start, which gives the pace; None for `done`.
        """
        now = time.monotonic()
        if not self.active or now - self._shown < 0.1:
            return
        self._shown = now
        new, filled = done if new is None else new, 24 * done // max(1, total)
        seconds = (now - self._start) / new * (total - done) if new else None
        left = "starting" if seconds is None else f"{seconds:.0f} s left"
        bar = "#" * filled + "-" * (24 - filled)
        self.show(f"{self.label}[{bar}] {words}  {left} ")

    def show(self, text: str) -> None:
        """Show a text in the place of the last one."""
        if self.active:
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        self.show("")

    def say(self, text: str) -> None:
        """Print a line that stays, terminal or not."""
        self.clear()
        print(text, file=sys.stderr, flush=True)


def epoch_progress(label: str, epochs: int) -> Callable[[TrainState], None]:
    """A callback for `fit` that shows the epoch, the loss and the time left.

    Args:
        label: What is trained.
        epochs: How many epochs there will be; after the last one the bar goes.

    Returns:
        The callback, which never stops the training.
    """
    progress = Progress(f"{label:<18} ")

    def show(state: TrainState) -> None:
        loss, epoch = state.history["loss"][-1], state.epoch
        if epoch == epochs:
            progress.clear()
        else:
            progress.update(epoch, epochs, f"epoch {epoch}/{epochs}  loss {loss:.4f}")

    return show
