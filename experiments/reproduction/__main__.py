"""Do the paper's two experiments come out, and in which reading of the paper?

``python -m experiments.reproduction`` trains each rotation and memory rule of the paper
under each protocol over many seeds, beside persistence and an autoregression. Stopped
at any moment, the same command goes on where it was.
What the readings are and what comes out: docs/reproduction.md.
"""

import argparse
from pathlib import Path

from experiments.reproduction.report import content, report
from experiments.reproduction.runs import (
    Reading,
    make_configs,
    make_reading,
    run_quietly,
)
from experiments.sweep import Bar
from qlstm.commands.cli import (
    Parser,
    positive_int,
    run_main,
    seed_int,
    series_record,
)
from qlstm.files import versions, write_json
from qlstm.forecasting import load_csv
from qlstm.sweeps.engine import run_sweep
from qlstm.sweeps.files import RunFolder
from qlstm.sweeps.forecasts import PROTOCOLS
from qlstm.sweeps.workers import ExecutorError, ProcessWorkers


def main(args: argparse.Namespace) -> None:
    """Do the runs that are left, then report them all."""
    if args.csv is None and (args.column or args.date_column):
        raise ValueError("Options --column and --date-column go with --csv.")
    n_seeds = args.seeds or (2 if args.quick else 50)
    epochs = args.epochs or (2 if args.quick else None)
    datasets = [{"name": "sine", "protocol": p} for p in PROTOCOLS["sine"]]
    if args.csv is not None:
        columns = {"column": args.column, "date_column": args.date_column}
        source = {"name": "csv", "path": str(args.csv)} | columns
        datasets += [source | {"protocol": p} for p in PROTOCOLS["csv"]]
    numbers = {"sine": n_seeds, "csv": args.weather_seeds or n_seeds}
    groups = [
        (
            make_configs(dataset, epochs),
            range(args.seed, args.seed + numbers[dataset["name"]]),
        )
        for dataset in datasets
    ]
    _do(groups, args)
    files = RunFolder(args.out)
    readings = [make_reading(configs, seeds, files) for configs, seeds in groups]
    for reading in readings:
        print(f"\n{report(reading)}")
    _write(args, readings)


def _do(groups: list[tuple[dict, range]], args: argparse.Namespace) -> None:
    """Every run that has not finished; a failure ends the command with status 1."""
    runs = [
        config | {"seed": seed}
        for configs, seeds in groups
        for config in configs.values()
        for seed in seeds
    ]
    print(f"{len(runs)} runs in {args.out}", flush=True)
    bar = Bar()
    try:
        with ProcessWorkers(args.workers) as workers:
            tally = run_sweep(
                run_quietly, runs, args.out, workers, callback=bar, say=bar.say
            )
    except ExecutorError as error:
        bar.say(f"error: {error}")
        raise SystemExit(1) from None
    finally:
        bar.clear()
    print(f"{tally.finished} finished, {tally.failed} failed, {tally.skipped} skipped.")
    if tally.failed:
        raise SystemExit(1)


def _write(args: argparse.Namespace, readings: list[Reading]) -> None:
    """Write the JSON file and the figure, and say where."""
    from experiments.reproduction.figures import draw  # matplotlib is slow to import
    from qlstm.plots import save_figure

    whole = {
        "experiment": "reproduction",
        "first_seed": args.seed,
        "epochs": args.epochs,
        "quick": args.quick,
        "versions": versions(),
        "readings": {reading.name: content(reading) for reading in readings},
    }
    if args.csv is not None:
        columns = {"column": args.column, "date_column": args.date_column}
        whole["weather"] = series_record(load_csv(args.csv, **columns))
    names = [args.out / f"reproduction.{suffix}" for suffix in ("json", "png")]
    write_json(names[0], whole)
    save_figure(names[1], draw(readings))
    print(f"\nWrote {', '.join(map(str, names))}.")


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.reproduction", __doc__)
    add = parser.add_argument
    add("--csv", type=Path, help="CSV file of daily means, for the weather protocols")
    add("--column", help="value column of the CSV file")
    add("--date-column", help="date column of the CSV file")
    add("--seeds", type=positive_int, help="number of seeds; None: 50, quick 2")
    add("--weather-seeds", type=positive_int, help="for the CSV file; None: as many")
    add("--seed", type=seed_int, default=0, help="the first of them")
    add("--epochs", type=positive_int, help="None: the protocol's, quick 2")
    add("--quick", action="store_true", help="a look that takes seconds")
    add("--workers", type=positive_int, help="processes; None: one each processor")
    add("--out", type=Path, default=Path("results/reproduction"), help="folder")
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
