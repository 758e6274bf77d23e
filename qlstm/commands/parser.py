"""What every command has: options that are checked, errors of one line, a status."""

import argparse
import atexit
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from qlstm.progress import Progress
from qlstm.sweeps.workers import THREADS

STOPS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
"""Signals that end a command, and what it says then."""


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Help with defaults; an example keeps its lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """A description wrapped, an example as it is."""
        if text.lstrip().startswith("example:"):
            return text.strip()
        return super()._fill_text(text, width, indent)


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
        super().__init__(description=description, formatter_class=_Formatter, **options)

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
    main: Callable[[argparse.Namespace], int | None],
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None = None,
) -> None:
    """Parse and run; an error in what the user gave is one line and exit status 2.

    Ctrl-C and SIGTERM unwind the stack, print one line, and end with status 130 or 143.
    A second one does not wait for that.

    Args:
        main: What to run with the parsed options; it may return another exit status
            than 0.
        parser: The command's parser. A parser of a subcommand that is to name its own
            options in errors sets itself as the default of ``parser``.
        arguments: What stands behind the command's name; None takes the process's own.
    """
    for stream in (sys.stdout, sys.stderr):  # a console may lack a user's letters
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = parser.parse_args(arguments)
    parser = getattr(args, "parser", parser)
    atexit.register(_ignore_signals)
    try:
        with _unwound_by_signals():
            status = main(args)
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        number = getattr(stop, "number", signal.SIGINT)
        parser.exit(128 + number, f"\n{STOPS[number]}\n")
    except (MemoryError, ValueError, TypeError, OSError, ImportError) as error:
        Progress().clear()
        kind = "too large for the memory: " if isinstance(error, MemoryError) else ""
        text = name_options(" ".join(str(error).split()), parser)
        parser.exit(2, f"error: {kind}{text}\n")
    if status:
        parser.exit(status)


class _Stopped(KeyboardInterrupt):
    """A signal that unwinds the stack.

    Not KeyboardInterrupt itself: if that passes through the built-in `exec`, as within
    an import, CPython ends with another status, even if it is caught.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _unwound_by_signals() -> Iterator[None]:
    """Meanwhile, a signal raises KeyboardInterrupt; what is ignored stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    now = {number: signal.getsignal(number) for number in STOPS}
    before = {n: old for n, old in now.items() if old not in (signal.SIG_IGN, None)}

    def stop(number: int, frame: Any) -> NoReturn:
        restore()  # the next one does not wait
        raise _Stopped(number)

    def restore() -> None:
        for number, old in before.items():
            signal.signal(number, old)

    for number in before:
        signal.signal(number, stop)
    try:
        if hasattr(signal, "pthread_sigmask"):  # see `ensure_one_thread`
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        yield
    finally:
        restore()


def _ignore_signals() -> None:
    """At the end of Python, which has no handlers then, all is done."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


def name_options(text: str, parser: argparse.ArgumentParser) -> str:
    """A message about arguments as one about the options that set them.

    Args:
        text: A message of a Python function, such as "Argument `date_column` must".
        parser: The command's parser.

    Returns:
        The same with "Option --date-column" in its place; an argument without an
        option keeps its name.

    Example:
        >>> parser = Parser("experiments.example")
        >>> _ = parser.add_argument("--date-column")
        >>> name_options("Argument `date_column` must be a column.", parser)
        'Option --date-column must be a column.'
    """
    known = {name for name in parser._option_string_actions if name.startswith("--")}
    options = {name[2:].replace("-", "_"): name for name in known}
    if "csv" in options:
        options["path"] = "--csv"  # `load_csv` takes it under this name
    for name, option in options.items():
        text = text.replace(f"Argument `{name}`", f"Option {option}")
        text = text.replace(f"Arguments `{name}`", f"Options {option}")
        text = re.sub(rf"`{name}=?`", option, text)
    return text


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
        if os.name != "posix":  # where nothing takes the place of a process
            sys.exit(subprocess.run(command, env=environment, check=False).returncode)
        sys.stdout.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # until `run_main` is there
        os.execve(sys.executable, command, environment)
