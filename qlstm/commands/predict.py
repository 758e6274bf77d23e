"""``qlstm predict``: the values after the end of a series."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from qlstm.commands.output import (
    add_output_options,
    check_outputs,
    forecast_figure,
    write_outputs,
)
from qlstm.commands.parser import Parser, positive_int, seed_int
from qlstm.commands.saved import add_file_options, load_saved, load_series_of
from qlstm.commands.source import describe
from qlstm.files import write_text
from qlstm.forecasting import Series, SeriesForecast
from qlstm.tables import format_table, number_text

EXAMPLE = """
example:
  qlstm predict river.npz --csv river.csv --horizon 7 --figure week.pdf
"""
NONE = "Option --no-interval must be given"
SHOWN = 8
"""Windows of history that a figure shows."""


def add(subparsers: "argparse._SubParsersAction[Parser]") -> Parser:
    """Add the parser of this subcommand.

    Args:
        subparsers: Those of `qlstm`.
    """
    words = "Forecast the values after the end of a series, with intervals."
    parser = subparsers.add_parser(
        "predict", help=words, description=words, epilog=EXAMPLE
    )
    add_file_options(parser)
    option = parser.add_argument
    option("--horizon", type=positive_int, help="values ahead; None: as in training")
    option(
        "--interval",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="share of the values that the intervals hold",
    )
    option("--no-interval", action="store_true", help="point forecasts alone")
    option("--seed", type=seed_int, default=0, help="seed of --sine")
    option("--out", type=Path, metavar="FILE", help="write the table as CSV, too")
    add_output_options(parser, "the end of the series and the forecast")
    return parser


def run(options: argparse.Namespace) -> None:
    """Forecast; print and write.

    Args:
        options: The parsed options of `add`.
    """
    check_outputs(options, options.out)
    trained = load_saved(options)
    series, inputs = load_series_of(trained, options)
    interval = None if options.no_interval else options.interval
    try:
        found = trained.forecast(
            series, inputs=inputs, horizon=options.horizon, interval=interval
        )
    except ValueError as error:
        text = str(error).replace("Argument `interval` must be None", NONE)
        raise ValueError(text) from None
    header, rows = _table(found, 4)
    if not options.json:
        print(describe(series, inputs))
        print(format_table(header, rows))
    if options.out is not None:
        header, rows = _table(found, None)
        lines = [",".join(row) for row in (header, *rows)]
        write_text(options.out, "\n".join(lines) + "\n")
    write_outputs(
        options,
        *_table(found, 4),
        _caption(found),
        lambda: _figure(series, found, trained.n_steps),
        found.to_dict(),
        *([options.out] if options.out is not None else []),
    )


def _table(found: SeriesForecast, digits: int | None) -> tuple[list[str], list]:
    """The forecast, a row a value: with so many decimals, or all digits."""

    def text(value: float) -> str:
        return repr(float(value)) if digits is None else number_text(value, digits)

    header, columns = ["ahead"], [[str(h + 1) for h in range(len(found.values))]]
    if found.dates is not None:
        header, columns = [*header, "date"], [*columns, list(map(str, found.dates))]
    parts = {"forecast": found.values, "lower": found.lower, "upper": found.upper}
    for name, part in parts.items():
        if part is not None:
            header.append(name)
            columns.append([text(value) for value in part])
    return header, [list(row) for row in zip(*columns, strict=True)]


def _caption(found: SeriesForecast) -> str:
    """What the table shows."""
    unit = f" ({found.unit})" if found.unit else ""
    band = f", with {found.level:.0%} intervals" if found.lower is not None else ""
    return f"Forecast of {found.name}{unit}{band}."


def _figure(series: Series, found: SeriesForecast, n_steps: int) -> Any:
    """The end of the series, and the forecast."""
    n = len(series.values)
    first = max(0, n - SHOWN * n_steps)
    dated = found.dates is not None
    times = series.dates if dated else np.arange(1, n + 1)
    ahead = found.dates if dated else np.arange(n + 1, n + 1 + len(found.values))
    return forecast_figure(
        (series.values[first:], times[first:]),
        (found.values, ahead),
        lower=found.lower,
        upper=found.upper,
        level=found.level,
        unit=found.unit,
        title=f"{found.name}: {len(found.values)} value(s) ahead",
    )
