"""What commands share that train models on one series: options, table, results."""

import itertools
import warnings
from argparse import ArgumentParser, Namespace, _ArgumentGroup
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qlstm.commands.parser import Parser, positive_int, seed_int
from qlstm.commands.results import check_results, series_record, write_results
from qlstm.files import versions
from qlstm.forecasting import (
    Dataset,
    Forecast,
    Protocol,
    Quantum,
    Series,
    forecast_baselines,
    forecast_with,
    prepare,
)
from qlstm.forecasting.sources.csv_file import CSV_OPTIONS
from qlstm.forecasting.sources.csv_table import SEPARATORS
from qlstm.params import DISENTANGLERS, MEMORIES, PAPER_MEMORIES, ROTATIONS, QLSTMConfig
from qlstm.progress import epoch_progress
from qlstm.readout import out_of_reach
from qlstm.tables import format_table, number_text, skill_text
from qsim.numbers import check_fits

UNITS = {"degC": "°C"}
"""Units as figures write them."""
LARGE = 14
"""Wires from which on a model is so slow that its size is told."""
AMPLITUDES_A_SECOND = 8e8
"""About what one processor's kernels do."""


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
    add("--out", type=Path, default=Path("results"), help="folder of the results")
    return parser


def add_csv_options(
    parser: ArgumentParser,
    help: str = "CSV file with dates and values",
    group: _ArgumentGroup | None = None,
) -> None:
    """Options for a CSV file, its columns and how it is written.

    Args:
        parser: The command's parser.
        help: What the file is for.
        group: Where ``--csv`` goes, if it excludes other options.
    """
    (group or parser).add_argument("--csv", type=Path, help=help)
    add = parser.add_argument
    add("--column", help="value column of the CSV file")
    add("--date-column", help="date column of the CSV file")
    add(
        "--missing",
        action="append",
        metavar="VALUE",
        help="value that marks a gap in the CSV file, such as -9999; may be repeated",
    )
    add(
        "--separator",
        choices=[name for name in SEPARATORS if name != "\t"],
        metavar="MARK",
        help="what stands between cells: , ; | or tab; None: as in the header",
    )
    add(
        "--decimal",
        choices=[".", ","],
        metavar="MARK",
        help="what begins decimals: . or , ; None: as in the column",
    )


def csv_source(args: Namespace) -> dict[str, str | list[str] | None]:
    """The file that the options of `add_csv_options` name, as `load_csv` takes it.

    Args:
        args: The parsed options.

    Returns:
        ``path``, ``column`` and ``date_column``, and which of ``missing``,
        ``separator`` and ``decimal`` are given; empty if there is no file.

    Raises:
        ValueError: If there are such options without a file.
    """
    columns = {"column": args.column, "date_column": args.date_column}
    given = {name: getattr(args, name) for name in CSV_OPTIONS if getattr(args, name)}
    if args.csv is not None:
        return {"path": str(args.csv)} | columns | given
    if args.column or args.date_column:
        raise ValueError("Options --column and --date-column go with --csv.")
    if given:
        raise ValueError(f"Option --{next(iter(given))} goes with --csv.")
    return {}


def add_model_options(parser: ArgumentParser) -> None:
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


def model_config(args: Namespace, rotation: str, memory: str) -> QLSTMConfig:
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


def forecast_table(forecasts: list[Forecast], scaled: bool) -> str:
    """The table of a forecasting experiment, errors in original units.

    Args:
        forecasts: One a row.
        scaled: Whether to show the test MSE in scaled units too.

    Returns:
        The table in plain text.
    """
    parts, measures = ("train", "test"), ("MSE", "RMSE", "MAE")
    header = ["model", *(f"{part} {name}" for part in parts for name in measures)]
    header += ["scaled test MSE"] * scaled + ["skill", "seconds"]
    rows = []
    for f in forecasts:
        cells = [number_text(value) for part in (f.train, f.test) for value in part]
        cells += [number_text(f.test_mse_scaled)] * scaled
        rows.append([f.name, *cells, skill_text(f.skill), f"{f.seconds:.2f}"])
    return format_table(header, rows)


def run_forecasts(
    args: Namespace,
    name: str,
    series: Series,
    protocol: Protocol,
    rng: np.random.Generator,
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
    rotations = ROTATIONS if args.rotation == "both" else (args.rotation,)
    check_results(args.out, f"{name}.json", *(f"{name}_{r}.png" for r in rotations))
    epochs = args.epochs or protocol.epochs
    print(_headline(series, dataset, epochs))
    print(size_note(args, dataset), end="", flush=True)
    memories = PAPER_MEMORIES if args.memory == "both" else (args.memory,)
    models = {
        rotation: [
            _train(dataset, model_config(args, rotation, memory), args.seed, epochs)
            for memory in memories
        ]
        for rotation in rotations
    }
    forecasts = {
        "baselines": forecast_baselines(dataset),
        "models": list(itertools.chain.from_iterable(models.values())),
    }
    rows = forecasts["models"] + forecasts["baselines"]
    print(forecast_table(rows, protocol.scaling != "none"))
    from qlstm.plots import plot_forecasts  # matplotlib is slow to import

    record = _record(name, args, series, dataset)
    record |= {kind: [f.to_dict() for f in found] for kind, found in forecasts.items()}
    files = {f"{name}.json": record}
    for rotation, columns in models.items():
        title = (
            f"{series.name}, protocol `{protocol.name}`, {rotation} circuit: read it "
            "against persistence"
        )
        figure = plot_forecasts(
            dataset, columns, title, UNITS.get(series.unit, series.unit),
            references=forecasts["baselines"][1:], dates=_dates(series, dataset),
        )  # fmt: skip
        files[f"{name}_{rotation}.png"] = figure
    write_results(args.out, files)


def _train(dataset: Dataset, config: QLSTMConfig, seed: int, epochs: int) -> Forecast:
    """One trained model; the headline has warned of targets out of reach."""
    label = f"{config.rotation} {config.memory}"
    model = Quantum(config, **vars(dataset.protocol.training) | {"epochs": epochs})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*targets cannot be met")
        progress = epoch_progress(label, epochs)
        return forecast_with(label, model, dataset, seed=seed, callback=progress)


def _dates(series: Series, dataset: Dataset) -> NDArray | None:
    """The date of each value that the protocol left, if the series has dates."""
    if series.dates is None or len(series.dates) == len(dataset.values):
        return series.dates
    return series.dates[~np.isnan(series.values)]


def _headline(series: Series, dataset: Dataset, epochs: int) -> str:
    """What is forecast, and how, in two lines."""
    train, protocol = dataset.train, dataset.protocol
    parts = f"{len(train.targets)} training"
    if len(dataset.validation.targets):
        parts += f", {len(dataset.validation.targets)} validation"
    unit = f" in {series.unit}" if series.unit else ""
    gaps = f" with {series.gaps} gap(s)" if series.gaps else ""
    beyond = out_of_reach(train.targets, train.inputs, QLSTMConfig())
    reach = (
        f"{beyond} of the {len(train.targets)} training targets lie outside [-1, 1], "
        "which <Z> cannot reach.\n"
    )
    return (
        f"{series.name}{unit}, {len(series.values)} values{gaps}, protocol "
        f"`{protocol.name}`: {parts} and {len(dataset.test.targets)} test windows of "
        f"{protocol.n_steps} steps, {epochs} epochs.\n"
        f"{reach if beyond else ''}Skill is 1 - MSE / MSE of persistence, the forecast "
        "that repeats the last value.\n"
    )


def size_note(args: Namespace, dataset: Dataset) -> str:
    """How large the states of many wires are, and about how long an epoch takes."""
    wires = args.system_qubits + args.ancilla_qubits
    if wires < LARGE:
        return ""
    batch = dataset.protocol.training.batch_size
    n_bytes = 16 * 2**wires * batch
    check_fits(n_bytes, f"A minibatch of {batch} states of {wires} wires")
    steps = len(dataset.train.targets) * dataset.protocol.n_steps
    seconds = 6 * steps * args.layers * wires * 2**wires / AMPLITUDES_A_SECOND
    return (
        f"{wires} wires: a minibatch of {batch} states takes {n_bytes / 2**20:,.0f} MiB"
        f" several times over, an epoch roughly {seconds / 60:,.0f} minutes.\n\n"
    )


def _record(name: str, args: Namespace, series: Series, dataset: Dataset) -> dict:
    """What is forecast, and from what, as JSON takes it."""
    parts = ("train", "validation", "test")
    return {
        "experiment": name,
        "seed": args.seed,
        "epochs": args.epochs or dataset.protocol.epochs,
        "protocol": vars(dataset.protocol),
        "series": series_record(series),
        "versions": versions(),
        "n_windows": {part: len(getattr(dataset, part).targets) for part in parts},
        "scaler": dataset.scaler._asdict(),
        "test_index": dataset.test.index.tolist(),
        "test_targets": dataset.scaler.inverse(dataset.test.targets).tolist(),
    }
