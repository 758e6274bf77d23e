"""How far a command is: one line on standard error."""

import math
import os
import shutil
import sys
import time
from collections.abc import Callable

from qlstm.run_state import TrainState
from qlstm.tables import number_text


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
        new = done if new is None else new
        seconds = (now - self._start) / new * (total - done) if new else None
        left = "starting" if seconds is None else f"{seconds:.0f} s left"
        around = len(f"{self.label}[] {words}  {left} ")
        width = min(24, max(0, _columns() - 1 - around))
        filled = width * done // max(1, total)
        bar = "#" * filled + "-" * (width - filled)
        self.show(f"{self.label}[{bar}] {words}  {left} ")

    def show(self, text: str) -> None:
        """Show a text in the place of the last one, cut where the line would wrap."""
        if self.active:
            sys.stderr.write(f"\r\033[K{text[: _columns() - 1]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        self.show("")

    def say(self, text: str) -> None:
        """Print a line that stays, terminal or not."""
        self.clear()
        print(text, file=sys.stderr, flush=True)


def _columns() -> int:
    """Width of the terminal behind standard error."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):  # no terminal of the system's, as in a notebook
        columns = 0
    return max(2, columns or shutil.get_terminal_size().columns)


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
            progress.update(
                epoch, epochs, f"epoch {epoch}/{epochs}  loss {number_text(loss)}"
            )

    return show
