"""What every command has: options that are checked, errors of one line, a status."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from qlstm.commands.progress import Progress
from qlstm.files import check_target, check_target_folder
from qlstm.sweeps.workers import THREADS

TABLES = ("table", "summary")
"""Names of the files that `qlstm.sweeps.write_tables` writes."""


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
    for stream in (sys.stdout, sys.stderr):  # a console may lack a user's letters
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = parser.parse_args()
    try:
        _check_results(args, parser)
        status = main(args)
    except KeyboardInterrupt:
        parser.exit(130, "\ninterrupted\n")
    except (MemoryError, ValueError, TypeError, OSError, ImportError) as error:
        Progress().clear()
        kind = "too large for the memory: " if isinstance(error, MemoryError) else ""
        text = name_options(" ".join(str(error).split()), parser)
        parser.exit(2, f"error: {kind}{text}\n")
    if status:
        parser.exit(status)


def _check_results(args: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """An error now if a result's name is taken by what cannot be replaced."""
    out, own = getattr(args, "out", None), parser.prog.rpartition(".")[2]
    if out is not None and out.is_dir():
        for path in out.iterdir():
            stem, kinds = path.stem, (".json", ".png", ".csv", ".parquet", ".txt")
            ours = stem == own or stem.startswith(f"{own}_") or stem in TABLES
            if ours and path.suffix in kinds:
                check_target(path)


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


def out_folder(text: str) -> Path:
    """The folder of ``--out``; an error now, not after the work."""
    return _target(text, check_target_folder)


def out_file(text: str) -> Path:
    """The file of ``--out``; an error now, not after the work."""
    return _target(text, check_target)


def _target(text: str, check: Callable[[Path], None]) -> Path:
    """A path that can be written to."""
    try:
        check(Path(text))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"cannot be written to: {error}") from None
    return Path(text)


def check_backend() -> None:
    """End with one line if matplotlib does not know the backend of MPLBACKEND.

    matplotlib itself says so when it is first imported, which may be after the work.
    """
    if "MPLBACKEND" not in os.environ:
        return
    try:
        import matplotlib  # noqa: F401
    except (ImportError, ValueError) as error:
        text = " ".join(str(error).split())
        print(f"error: environment variable MPLBACKEND: {text}", file=sys.stderr)
        raise SystemExit(2) from None


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
