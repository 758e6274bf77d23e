"""What commands share that do many runs, each once: stopped, they go on."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qlstm.commands.parser import positive_int, seed_int
from qlstm.progress import Progress
from qlstm.sweeps import (
    ExecutorError,
    ProcessWorkers,
    Tally,
    Together,
    dask_workers,
    run_sweep,
    usable_cpus,
)


def add_sweep_options(parser: argparse.ArgumentParser, out: Path) -> None:
    """Options for the workers and the folder of a sweep, as `run_configs` reads them.

    Args:
        parser: The command's parser.
        out: The folder, if the user names none.
    """
    add = parser.add_argument
    add("--workers", type=positive_int, help=f"processes; None: {usable_cpus()} here")
    add("--scheduler", help="Dask scheduler to use, such as tcp://127.0.0.1:8786")
    add(
        "--retries",
        type=seed_int,
        default=2,
        help="how often a run is done again because its worker died",
    )
    add("--out", type=Path, default=out, help="folder of the sweep")


def run_configs(
    run: Callable[[dict[str, Any]], dict[str, Any]],
    configs: Sequence[dict[str, Any]],
    args: argparse.Namespace,
    together: Together | None = None,
) -> Tally:
    """Do the runs that are left, and say how far they are and how many there were.

    A failed run is a line on standard error. Workers that are gone end the command with
    status 1. `RunFolder` reads the runs.

    Args:
        run: As for `run_sweep`.
        configs: The configurations.
        args: The parsed options of `add_sweep_options`.
        together: As for `run_sweep`.

    Returns:
        The `Tally`.

    Raises:
        ValueError: If options do not go together.
        SystemExit: If the workers are gone.
    """
    print(f"{len(configs)} runs in {args.out}", flush=True)
    progress = Progress()

    def show(tally: Tally) -> None:
        over, now = tally.total - tally.left, tally.finished + tally.failed
        words = f"{over - tally.failed} done, {tally.failed} failed, {tally.left} to do"
        progress.update(over, tally.total, words, now)

    if None not in (args.scheduler, args.workers):
        raise ValueError("Options --workers and --scheduler do not go together.")
    local = args.scheduler is None
    workers = ProcessWorkers(args.workers) if local else dask_workers(args.scheduler)
    options = {"retries": args.retries, "callback": show, "say": progress.say}
    options["together"] = together
    try:
        with workers as executor:
            tally = run_sweep(run, configs, args.out, executor, **options)
    except ExecutorError as error:
        progress.say(f"error: {error}")
        raise SystemExit(1) from None
    finally:
        progress.clear()
    print(
        f"{tally.finished} finished, {tally.failed} failed, {tally.skipped} skipped "
        "(finished before).\n"
    )
    return tally
