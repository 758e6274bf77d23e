"""One question each: `python -m experiments.NAME` is a command.

Python loads this before everything else of a command, whose imports take a second.
Until `run_main` takes over, a signal ends the process at once with one line.
"""

import os
import signal
import sys
from typing import Any

WORDS = {signal.SIGINT: b"interrupted", signal.SIGTERM: b"terminated"}


def _end(number: int, frame: Any) -> None:
    """Say so and end, whatever is half imported."""
    os.write(2, b"\n" + WORDS[signal.Signals(number)] + b"\n")
    os._exit(128 + number)


if sys.argv[0] == "-m":  # what Python puts there while it looks for a command
    for _number in WORDS:
        if signal.getsignal(_number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(_number, _end)
