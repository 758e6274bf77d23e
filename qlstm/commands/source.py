"""Where a command's series comes from: options, and the series they name."""

from argparse import ArgumentParser, Namespace

import numpy as np

from qlstm.commands.forecasts import add_csv_options, csv_source
from qlstm.forecasting import (
    SINE_PROTOCOLS,
    Series,
    fetch_meteostat,
    load_csv_columns,
    load_sample,
    noisy_sine,
)

SINE = SINE_PROTOCOLS["strict"]
"""Gaussian noise of 0.1."""


def add_source_options(parser: ArgumentParser, required: bool = True) -> None:
    """Options for the source of a series; one of them has to be given.

    Args:
        parser: The command's parser.
        required: Whether a command without a source is an error.
    """
    source = parser.add_mutually_exclusive_group(required=required)
    add_csv_options(parser, "CSV file with dates and values", source)
    source.add_argument("--station", metavar="ID", help="a station of Meteostat")
    source.add_argument(
        "--sample", action="store_true", help="temperatures of Seattle, offline"
    )
    source.add_argument(
        "--sine",
        action="store_true",
        help="the paper's noisy sine, 100 values; the seed draws its noise",
    )
    add = parser.add_argument
    add("--start", metavar="DAY", help="first day, YYYY-MM-DD; None: the source's")
    add("--end", metavar="DAY", help="last day, YYYY-MM-DD; None: the source's")
    add(
        "--inputs",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="further columns of the CSV file that forecast beside the series",
    )


def load_series(
    args: Namespace, column: str | None = None, inputs: tuple[str, ...] | None = None
) -> tuple[Series, tuple[Series, ...]]:
    """The series that the options of `add_source_options` name.

    Args:
        args: The parsed options.
        column: The value column of a CSV file, if no option names it.
        inputs: The further columns, if no option names them.

    Returns:
        The series, and the further ones.

    Raises:
        ValueError: If the options do not go together, or as `load_csv` says.
    """
    csv = csv_source(args)
    span = {"start": args.start, "end": args.end}
    given = {name: day for name, day in span.items() if day is not None}
    if args.inputs and not csv:
        raise ValueError("Option --inputs goes with --csv.")
    if csv:
        columns = [csv.pop("column") or column, *(args.inputs or inputs or ())]
        series, *others = load_csv_columns(csv.pop("path"), columns, **csv, **given)
        return series, tuple(others)
    if given and args.station is None:
        name = next(iter(given))
        raise ValueError(f"Option --{name} goes with --csv or --station.")
    if args.station is not None:
        return fetch_meteostat(args.station, **given), ()
    if args.sample:
        return load_sample(), ()
    if not args.sine:
        raise ValueError(
            "One of --csv, --station, --sample and --sine must name a series."
        )
    values = noisy_sine(SINE, np.random.default_rng(args.seed))
    provenance = {"source": "synthetic", "noise": SINE.noise, "seed": args.seed}
    return Series(values, None, "noisy sine", "", provenance), ()


def describe(series: Series, inputs: tuple[Series, ...] = ()) -> str:
    """What was read, in one or two lines.

    Args:
        series: The series.
        inputs: Further ones.

    Returns:
        Its name, unit, length, gaps, dates and step, and what was guessed of a file.
    """
    about = series.provenance
    unit = f" in {series.unit}" if series.unit else ""
    gaps = f", {series.gaps} of them missing" if series.gaps else ""
    text = f"{series.name}{unit}, {len(series.values):,} values{gaps}"
    if series.dates is not None:
        text += f", {about['first_date']} to {about['last_date']}"
        text += f", step {about['frequency']}"
    if inputs:
        text += f"; beside it {', '.join(own.name for own in inputs)}"
    read = about.get("read_as", "")
    return f"{text}.\n" + (f"Read as: {read}.\n" if read else "")
