"""What the command lines share: options, progress, tables, errors, the run itself."""

import argparse
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from qlstm.files import versions, write_json
from qlstm.forecasting.data import Dataset, Protocol, prepare
from qlstm.forecasting.forecast import Forecast, forecast_baselines, forecast_model
from qlstm.forecasting.sources import Series
from qlstm.params import (
    DISENTANGLERS,
    MEMORIES,
    PAPER_MEMORIES,
    ROTATIONS,
    QLSTMConfig,
)
from qlstm.readout import out_of_reach
from qlstm.train import TrainState


def run_main(
    main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser
) -> None:
    """Parse and run; an error in what the user gave is one line and exit status 2.

    Args:
        main: What to run with the parsed options.
        parser: The command's parser.
    """
    args = parser.parse_args()
    try:
        main(args)
    except KeyboardInterrupt:
        parser.exit(130, "\ninterrupted\n")
    except MemoryError as error:
        text = " ".join(str(error).split())
        parser.exit(2, f"error: too large for the memory: {text}\n")
    except (ValueError, TypeError, OSError, ImportError) as error:
        parser.exit(2, f"error: {' '.join(str(error).split())}\n")


THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


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


class Parser(argparse.ArgumentParser):
    """A parser whose help shows defaults and whose errors are one line."""

    def __init__(self, module: str, description: str | None) -> None:
        """Name the command as it is run, ``python -m module``."""
        super().__init__(
            prog=f"python -m {module}",
            description=description,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the options and end with status 2."""
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def positive_int(text: str) -> int:
    """An option's value as a positive integer."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, but is {text!r}")
    return value


def seed_int(text: str) -> int:
    """An option's value as a seed."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(
            f"must be a non-negative integer, but is {text!r}"
        )
    return value


def forecasting_parser(
    module: str, description: str | None, protocols: dict[str, Protocol]
) -> Parser:
    """Options that every forecasting experiment has.

    Args:
        module: The command's module, such as ``experiments.sine``.
        description: What the command does.
        protocols: The protocols it knows, by name; the first is the default.

    Returns:
        The parser, for the experiment to add its own options to.
    """
    parser = Parser(module, description)
    add = parser.add_argument
    add(
        "--memory",
        choices=[*MEMORIES, "both"],
        default="both",
        help="memory rule; both: the paper's two",
    )
    add("--rotation", choices=[*ROTATIONS, "both"], default="both", help="gate")
    add(
        "--protocol",
        choices=list(protocols),
        default=next(iter(protocols)),
        help="reading of the paper, see docs/reproduction.md",
    )
    add("--seed", type=seed_int, default=0, help="seed of everything that is random")
    add("--epochs", type=positive_int, help="epochs, if not the protocol's")
    add_model_options(parser)
    add("--out", type=Path, default=Path("results"), help="folder for what is written")
    return parser


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Options for the sizes of the model."""
    add = parser.add_argument
    add("--layers", type=positive_int, default=2, help="layers of each stage")
    add("--system-qubits", type=positive_int, default=2, help="wires for the input")
    add("--ancilla-qubits", type=positive_int, default=2, help="wires for the memory")
    add(
        "--disentangler",
        choices=DISENTANGLERS,
        default=DISENTANGLERS[0],
        help="flip: the paper's; inverse: the adjoint circuit, with angles of its own",
    )


def model_config(args: argparse.Namespace, rotation: str, memory: str) -> QLSTMConfig:
    """The configuration that the options of `add_model_options` describe.

    Args:
        args: The parsed options.
        rotation: ``"RX"`` or ``"RY"``.
        memory: The memory rule.

    Returns:
        A `QLSTMConfig` with one feature.
    """
    return QLSTMConfig(
        n_system=args.system_qubits,
        n_ancilla=args.ancilla_qubits,
        n_layers=args.layers,
        rotation=rotation,
        memory=memory,
        disentangler=args.disentangler,
    )


class Progress:
    """A progress bar on standard error; silent when that is not a terminal."""

    def __init__(self, label: str, epochs: int) -> None:
        """Start the clock."""
        self.label, self.epochs = label, epochs
        self.start = self.shown = time.monotonic()
        self.active = sys.stderr.isatty()

    def __call__(self, state: TrainState) -> None:
        """Show the epoch, the loss and the time left; a callback for `fit`."""
        now = time.monotonic()
        done = state.epoch == self.epochs
        if not self.active or (now - self.shown < 0.1 and not done):
            return
        self.shown = now
        filled = 24 * state.epoch // self.epochs
        left = (now - self.start) / state.epoch * (self.epochs - state.epoch)
        bar = "#" * filled + "-" * (24 - filled)
        line = (
            f"\r{self.label:<18} [{bar}] epoch {state.epoch}/{self.epochs}"
            f"  loss {state.history['loss'][-1]:.4f}  {left:.0f} s left "
        )
        sys.stderr.write("\r\033[K" if done else line)
        sys.stderr.flush()


def format_table(header: list[str], rows: list[list[str]]) -> str:
    """A table in plain text: the first column to the left, numbers to the right.

    Args:
        header: Titles of the columns.
        rows: Cells, as many in each row as there are titles.

    Returns:
        Lines, without a newline at the end.

    Example:
        >>> print(format_table(["model", "MSE"], [["persistence", "0.05"]]))
        model         MSE
        -----------------
        persistence  0.05
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [
                cell.rjust(width)
                for cell, width in zip(row[1:], widths[1:], strict=True)
            ]
        ).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def forecast_table(forecasts: list[Forecast], scaled: bool) -> str:
    """The table of a forecasting experiment, errors in original units.

    Args:
        forecasts: One a row.
        scaled: Whether to show the test MSE in scaled units too.

    Returns:
        The table in plain text.
    """
    header = ["model"]
    header += [f"{part} {name}" for part in ("train", "test") for name in _ERRORS]
    header += ["scaled test MSE"] * scaled + ["skill", "seconds"]
    rows = []
    for f in forecasts:
        cells = [f"{value:.4f}" for part in (f.train, f.test) for value in part]
        cells += [f"{f.test_mse_scaled:.4f}"] * scaled
        rows.append([f.name, *cells, f"{f.skill:+.3f}", f"{f.seconds:.2f}"])
    return format_table(header, rows)


_ERRORS = ("MSE", "RMSE", "MAE")


def run_forecasts(
    args: argparse.Namespace, name: str, series: Series, protocol: Protocol, rng
) -> None:
    """Train every model that the options ask for; print, draw and write the results.

    Args:
        args: Options of `forecasting_parser`.
        name: Name of the experiment, which begins the names of its files.
        series: The series to forecast.
        protocol: The protocol.
        rng: Source of randomness for a random split.
    """
    dataset = prepare(series.values, protocol, rng)
    args.out.mkdir(parents=True, exist_ok=True)  # an error now, not after training
    epochs = args.epochs or protocol.epochs
    print(_headline(series, dataset, epochs))
    warnings.filterwarnings("ignore", ".*targets cannot be met")  # the headline says so
    models: list[Forecast] = []
    figures = {}
    rotations = ROTATIONS if args.rotation == "both" else (args.rotation,)
    memories = PAPER_MEMORIES if args.memory == "both" else (args.memory,)
    for rotation in rotations:
        for memory in memories:
            config = model_config(args, rotation, memory)
            progress = Progress(f"{rotation} {memory}", epochs)
            models.append(
                forecast_model(
                    dataset, config, seed=args.seed, epochs=epochs, callback=progress
                )
            )
        figures[f"{name}_{rotation}.png"] = models[-len(memories) :]
    baselines = forecast_baselines(dataset)
    print(forecast_table([*models, *baselines], protocol.scaling != "none"))
    _write_results(args, name, series, dataset, models, baselines, epochs, figures)


def _headline(series: Series, dataset: Dataset, epochs: int) -> str:
    """What is forecast, and how, in two lines."""
    parts = f"{len(dataset.train.targets)} training"
    if len(dataset.validation.targets):
        parts += f", {len(dataset.validation.targets)} validation"
    unit = f" in {series.unit}" if series.unit else ""
    gaps = f" with {series.gaps} gap(s)" if series.gaps else ""
    protocol = dataset.protocol
    train = dataset.train
    beyond = out_of_reach(train.targets, train.inputs, QLSTMConfig())
    reach = (
        f"{beyond} of the {len(train.targets)} training targets lie outside [-1, 1], "
        "which <Z> cannot reach.\n"
        if beyond
        else ""
    )
    return (
        f"{series.name}{unit}, {len(series.values)} values{gaps}, protocol "
        f"`{protocol.name}`: {parts} and {len(dataset.test.targets)} test windows of "
        f"{protocol.n_steps} steps, {epochs} epochs.\n"
        f"{reach}Skill is 1 - MSE / MSE of persistence, the forecast that repeats the "
        "last value.\n"
    )


def _write_results(
    args: argparse.Namespace,
    name: str,
    series: Series,
    dataset: Dataset,
    models: list[Forecast],
    baselines: list[Forecast],
    epochs: int,
    figures: dict[str, list[Forecast]],
) -> None:
    """Write the JSON file and one figure a rotation, and say where."""
    # matplotlib is slow to import; training starts without it
    from qlstm.plots import plot_forecasts, save_figure

    content = {
        "experiment": name,
        "seed": args.seed,
        "epochs": epochs,
        "protocol": vars(dataset.protocol),
        "series": series_record(series),
        "versions": versions(),
        "n_windows": {
            part: len(getattr(dataset, part).targets)
            for part in ("train", "validation", "test")
        },
        "scaler": dataset.scaler._asdict(),
        "test_index": dataset.test.index.tolist(),
        "test_targets": dataset.scaler.inverse(dataset.test.targets).tolist(),
        "baselines": [forecast.to_dict() for forecast in baselines],
        "models": [forecast.to_dict() for forecast in models],
    }
    path = args.out / f"{name}.json"
    write_json(path, content)
    for filename, columns in figures.items():
        title = (
            f"{series.name}, protocol `{dataset.protocol.name}`, "
            f"{columns[0].config.rotation} circuit: read it against persistence"
        )
        save_figure(
            args.out / filename, plot_forecasts(dataset, columns, title, series.unit)
        )
    print(f"\nWrote {', '.join([str(path), *(str(args.out / f) for f in figures)])}.")


def series_record(series: Series) -> dict[str, Any]:
    """A series and where it came from, as JSON takes it."""
    return {
        "name": series.name,
        "unit": series.unit,
        "sha256": series.sha256,
        "provenance": series.provenance,
        "values": [None if np.isnan(v) else float(v) for v in series.values],
    }
