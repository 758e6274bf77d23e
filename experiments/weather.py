"""Daily mean temperature (paper, Fig. 5): ``python -m experiments.weather``.

The source is what you ask for, or an error: Meteostat (the default), a CSV file
(--csv) or an offline sample (--sample, Seattle: not the paper's Ontario).
"""

import argparse
from pathlib import Path

import numpy as np

from qlstm.commands.cli import Parser, forecasting_parser, run_forecasts, run_main
from qlstm.forecasting import (
    WEATHER_PROTOCOLS,
    Series,
    fetch_meteostat,
    load_csv,
    load_sample,
)


def load(args: argparse.Namespace) -> Series:
    """The series from the source that the options name."""
    if args.sample:
        return load_sample()
    if args.csv is not None:
        return load_csv(
            args.csv,
            column=args.column,
            date_column=args.date_column,
            start=args.start,
            end=args.end,
        )
    dates = {"start": args.start, "end": args.end}
    return fetch_meteostat(
        args.station, **{k: v for k, v in dates.items() if v is not None}
    )


def main(args: argparse.Namespace) -> None:
    """Load the series, train, and report."""
    if args.csv is None and (args.column or args.date_column):
        raise ValueError("Options --column and --date-column go with --csv.")
    if args.sample and (args.start or args.end):
        raise ValueError("Options --start and --end do not go with --sample.")
    series = load(args)
    rng = np.random.default_rng(args.seed)
    run_forecasts(args, "weather", series, WEATHER_PROTOCOLS[args.protocol], rng)


def _parser() -> Parser:
    """The options of this experiment."""
    parser = forecasting_parser("experiments.weather", __doc__, WEATHER_PROTOCOLS)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--csv", type=Path, help="CSV file with dates and values")
    source.add_argument("--sample", action="store_true", help="Seattle, offline")
    source.add_argument(
        "--station", default="71508", help="Meteostat station (Toronto City)"
    )
    parser.add_argument("--column", help="value column of the CSV file")
    parser.add_argument("--date-column", help="date column of the CSV file")
    parser.add_argument(
        "--start", help="first date; 2024-05-10 for Meteostat, the file's for --csv"
    )
    parser.add_argument(
        "--end", help="last date; 2025-05-10 for Meteostat, the file's for --csv"
    )
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
