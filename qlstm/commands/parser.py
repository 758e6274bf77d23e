"""What every command has: options that are checked, errors of one line, a status."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from qlstm.commands.progress import Progress
from qlstm.sweeps.workers import THREADS


class Parser(argparse.ArgumentParser):
    """A parser whose help shows defaults and whose errors are one line.

    Args:
        module: The command's module: it is run as ``python -m module``; None for a
            subcommand, which `argparse` names.
        description: What the command does.
        options: As for `argparse.ArgumentParser`.
    """

    def __init__(
        self, module: str | None = None, description: str | None = None, **options: Any
    ) -> None:
        if module is not None:
            options["prog"] = f"python -m {module}"
        style = argparse.ArgumentDefaultsHelpFormatter
        super().__init__(description=description, formatter_class=style, **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the options and end with status 2."""
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def positive_int(text: str) -> int:
    """An option's value as a positive integer."""
    return _integer(text, 1, "a positive integer")


def seed_int(text: str) -> int:
    """An option's value as a seed."""
    return _integer(text, 0, "a non-negative integer")


def _integer(text: str, least: int, wanted: str) -> int:
    """An integer that is not too small."""
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"must be {wanted}, but is {text!r}")
    return value


def run_main(
    main: Callable[[argparse.Namespace], int | None], parser: argparse.ArgumentParser
) -> None:
    """Parse and run; an error in what the user gave is one line and exit status 2.

    Args:
        main: What to run with the parsed options; it may return another exit status
            than 0.
        parser: The command's parser.
    """
    args = parser.parse_args()
    try:
        status = main(args)
    except KeyboardInterrupt:
        parser.exit(130, "\ninterrupted\n")
    except (MemoryError, ValueError, TypeError, OSError, ImportError) as error:
        Progress().clear()
        kind = "too large for the memory: " if isinstance(error, MemoryError) else ""
        parser.exit(2, f"error: {kind}{' '.join(str(error).split())}\n")
    if status:
        parser.exit(status)


def ensure_one_thread(module: str) -> None:
    """Run the command again with BLAS on one thread, unless it already is.

    The matrices are too small to share: threads that wait for each other make searches
    many times slower on a busy machine, and timings worthless.

    Args:
        module: The command's module, such as ``experiments.speed``.
    """
    if any(os.environ.get(name) != "1" for name in THREADS):
        environment = os.environ | dict.fromkeys(THREADS, "1")
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
