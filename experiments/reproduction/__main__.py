"""Do the paper's two experiments come out, and in which reading of the paper?

``python -m experiments.reproduction`` trains each rotation and memory rule of the paper
under each protocol over many seeds, beside persistence and an autoregression. Stopped
at any moment, the same command goes on where it was.
What the readings are and what comes out: docs/reproduction.md.
"""

import argparse
from pathlib import Path

from experiments.reproduction.figures import draw
from experiments.reproduction.report import record, report
from experiments.reproduction.runs import make_configs, make_reading
from qlstm.commands import (
    Parser,
    add_csv_options,
    add_sweep_options,
    check_results,
    csv_source,
    positive_int,
    run_configs,
    run_main,
    seed_int,
    series_record,
    write_results,
)
from qlstm.files import versions
from qlstm.forecasting import load_csv
from qlstm.sweeps import PROTOCOLS, TOGETHER, RunFolder, run_forecast


def main(args: argparse.Namespace) -> int:
    """Do the runs that are left, then report them all."""
    source, n_seeds = csv_source(args), args.seeds or (2 if args.quick else 50)
    tasks = [("sine", {}, n_seeds)]
    if source:
        tasks.append(("csv", source, args.weather_seeds or n_seeds))
    groups = [
        make_configs(
            {"name": name, "protocol": protocol} | source,
            range(args.seed, args.seed + n),
            args.epochs or (2 if args.quick else None),
        )
        for name, source, n in tasks
        for protocol in PROTOCOLS[name]
    ]
    configs = [c for group in groups for runs in group.values() for c in runs]
    check_results(args.out, "reproduction.json", "reproduction.png")
    if run_configs(run_forecast, configs, args, TOGETHER).failed:
        return 1
    readings = [make_reading(group, RunFolder(args.out)) for group in groups]
    print("\n\n".join(map(report, readings)))
    content = {
        "experiment": "reproduction",
        "first_seed": args.seed,
        "epochs": args.epochs,
        "quick": args.quick,
        "versions": versions(),
        "readings": {reading.name: record(reading) for reading in readings},
    }
    if source:
        content["series"] = series_record(load_csv(**source))
    files = {"reproduction.json": content, "reproduction.png": draw(readings)}
    write_results(args.out, files)
    return 0


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.reproduction", __doc__)
    add = parser.add_argument
    add_csv_options(parser, "CSV file of a series, such as daily means")
    add("--seeds", type=positive_int, help="number of seeds; None: 50, quick 2")
    add("--weather-seeds", type=positive_int, help="for the CSV file; None: as many")
    add("--seed", type=seed_int, default=0, help="the first of them")
    add("--epochs", type=positive_int, help="None: the protocol's, quick 2")
    add("--quick", action="store_true", help="a look that takes seconds")
    add_sweep_options(parser, Path("results/reproduction"))
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
