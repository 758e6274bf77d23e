"""``qlstm explore``: write the page to touch."""

import argparse
from dataclasses import replace
from pathlib import Path

from qlstm.commands.forecasts import add_csv_options, csv_source
from qlstm.commands.parser import Parser, positive_int
from qlstm.explorer import explorer_page
from qlstm.files import write_text
from qlstm.forecasting import (
    WEATHER_PROTOCOLS,
    Dataset,
    Series,
    load_csv,
    prepare,
)
from qlstm.store import load_model

MOST_VALUES = 1000
PROTOCOL = replace(WEATHER_PROTOCOLS["figure"], name="explorer", gaps="drop windows")
"""Windows in order of time, the first 80 % train; scaled to [0, 1] by these."""


def add(subparsers: "argparse._SubParsersAction[Parser]") -> Parser:
    """Add the parser of this subcommand.

    Args:
        subparsers: Those of `qlstm`.
    """
    about = "Write one HTML file that shows a cell with every number in it."
    parser = subparsers.add_parser("explore", help=about, description=about)
    option = parser.add_argument
    option(
        "--out", type=Path, required=True, help="the page to write, such as cell.html"
    )
    option(
        "--model",
        type=Path,
        help="a saved model, .npz or .json; without it the documentation's example",
    )
    add_csv_options(
        parser, "CSV file with a series to train on, in the noisy sine's place"
    )
    option(
        "--steps",
        type=positive_int,
        default=PROTOCOL.n_steps,
        help="values in a window of the CSV file",
    )
    return parser


def run(options: argparse.Namespace) -> None:
    """Write the page, and say where it is."""
    params, config = load_model(options.model) if options.model else (None, None)
    source, dataset, about = csv_source(options), None, ""
    if source:
        series = load_csv(source.pop("path"), **source)
        dataset, about = _windows(series, options)
    elif options.steps != PROTOCOL.n_steps:
        raise ValueError("Option --steps goes with --csv.")
    page = explorer_page(params, config, dataset=dataset, about=about)
    write_text(options.out, page)
    print(f"{options.out}: {len(page.encode()) / 1000:.0f} kB. Open it in a browser.")


def _windows(series: Series, options: argparse.Namespace) -> tuple[Dataset, str]:
    """The last values of a series as windows, and a sentence about them."""
    values = series.values[-MOST_VALUES:]
    dataset = prepare(values, replace(PROTOCOL, n_steps=options.steps), None)
    of = "" if len(values) == len(series.values) else f" of {len(series.values):,}"
    unit = f" in {series.unit}" if series.unit else ""
    low, high = dataset.scaler.inverse([0.0, 1.0])
    about = (
        f"{series.name}{unit} from {options.csv.name}: the last {len(values):,}{of} "
        f"values, scaled so that {low:g} is 0 and {high:g} is 1."
    )
    if of:
        print(f"The page takes the last {len(values):,}{of} values.")
    return dataset, about
