"""Daily mean temperature (paper, Fig. 5): ``python -m experiments.weather``.

The source is what you ask for, or an error: Meteostat (the default), a CSV file
(--csv) or an offline sample (--sample, Seattle: not the paper's Ontario).
"""

import argparse

import numpy as np

from qlstm.commands import (
    Parser,
    add_csv_options,
    csv_source,
    forecasting_parser,
    run_forecasts,
    run_main,
)
from qlstm.forecasting import (
    WEATHER_PROTOCOLS,
    Series,
    fetch_meteostat,
    load_csv,
    load_sample,
)


def load(args: argparse.Namespace) -> Series:
    """The series from the source that the options name."""
    csv, dates = csv_source(args), {"start": args.start, "end": args.end}
    if args.sample:
        if any(dates.values()):
            raise ValueError("Options --start and --end do not go with --sample.")
        return load_sample()
    if csv:
        return load_csv(**csv, **dates)
    given = {name: day for name, day in dates.items() if day is not None}
    return fetch_meteostat(args.station, **given)


def main(args: argparse.Namespace) -> None:
    """Load the series, train, and report."""
    series, protocol = load(args), WEATHER_PROTOCOLS[args.protocol]
    run_forecasts(args, "weather", series, protocol, np.random.default_rng(args.seed))


def _parser() -> Parser:
    """The options of this experiment."""
    parser = forecasting_parser("experiments.weather", __doc__, WEATHER_PROTOCOLS)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--sample", action="store_true", help="Seattle, offline")
    source.add_argument(
        "--station", default="71508", help="Meteostat station (Toronto City)"
    )
    add_csv_options(parser, group=source)
    parser.add_argument(
        "--start", help="first date; 2024-05-10 for Meteostat, the file's for --csv"
    )
    parser.add_argument(
        "--end", help="last date; 2025-05-10 for Meteostat, the file's for --csv"
    )
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
