"""``qlstm train``: several forecasters on one series, the best one in a file."""

import argparse
from pathlib import Path
from typing import NamedTuple

from qlstm.commands.candidates import add_candidate_options
from qlstm.commands.output import add_output_options
from qlstm.commands.parser import Parser, positive_int, seed_int
from qlstm.commands.source import add_source_options
from qlstm.forecasting import (
    Series,
    TrainedForecaster,
)

EXAMPLE = """
example:
  qlstm train --csv river.csv --column level --out river.npz
  qlstm predict river.npz --csv river.csv --horizon 7
"""
HEADER = ["model", "params", "valid. RMSE", "test RMSE", "test MAE", "skill", "seconds"]


class Trained(NamedTuple):
    """What the options of `qlstm train` came to."""

    series: Series
    inputs: tuple[Series, ...]
    models: dict[str, TrainedForecaster]
    seconds: dict[str, float]
    """Of training, which no file of a model has."""
    chosen: str
    """Name of the one that is written."""


def add(subparsers: "argparse._SubParsersAction[Parser]") -> Parser:
    """Add the parser of this subcommand.

    Args:
        subparsers: Those of `qlstm`.
    """
    words = "Train forecasters on a series, compare them, and write the best one."
    parser = subparsers.add_parser(
        "train", help=words, description=words, epilog=EXAMPLE
    )
    add_source_options(parser)
    option = parser.add_argument
    option("--window", type=positive_int, default=10, help="values that are seen")
    option("--horizon", type=positive_int, default=7, help="values that are forecast")
    option(
        "--strategy",
        choices=("recursive", "direct", "joint"),
        help="one model that is fed its forecasts, one for each value ahead, or one "
        "for all; None: recursive, or direct with --inputs",
    )
    add_candidate_options(parser)
    option("--choose", metavar="MODEL", help="what to write; None: the best")
    option("--refit", action="store_true", help="train it again on all values")
    option("--seed", type=seed_int, default=0, help="seed of everything random")
    option(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file that forecasts, such as river.npz; its manifest, river.json, "
        "is written beside it",
    )
    add_output_options(parser, "the test part, forecast one step ahead")
    return parser
