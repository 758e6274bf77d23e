"""``qlstm explain``: one window through the cell, number by number."""

import argparse
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qlstm.commands.forecasts import add_csv_options, csv_source
from qlstm.commands.parser import Parser, positive_int, seed_int
from qlstm.files import write_text
from qlstm.insight import explain
from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.store import load_model

DETAILS = ("stage", "layer", "gate")
FIRST_WINDOW = (0.6, -0.3, 0.9)
"""The window of docs/cell.md, as its model is the one without ``--model``."""


def add(subparsers: "argparse._SubParsersAction[Parser]") -> Parser:
    """Add the parser of this subcommand.

    Args:
        subparsers: Those of `qlstm`.
    """
    words = "Follow one window through the cell, number by number."
    parser = subparsers.add_parser("explain", help=words, description=words)
    option = parser.add_argument
    option(
        "--model",
        type=Path,
        help="a saved model, .npz or .json; None: the model of docs/cell.md",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--inputs",
        type=float,
        nargs="+",
        metavar="X",
        help="values of the window, step by step; None: those of docs/cell.md",
    )
    add_csv_options(parser, "CSV file whose last values are the window", source)
    option("--last", type=positive_int, help="how many values of the CSV file")
    option(
        "--targets",
        type=float,
        nargs="+",
        metavar="Y",
        help="what the outputs are compared with; adds the loss and the way back",
    )
    option("--detail", choices=DETAILS, default="stage", help="how closely to look")
    option("--steps", type=positive_int, nargs="+", metavar="K", help="steps to print")
    option("--seed", type=seed_int, default=0, help="seed of memory rules that draw")
    option("--html", type=Path, help="HTML file to write instead of printing")
    return parser


def run(options: argparse.Namespace) -> None:
    """Explain the window, as text or as a page.

    Args:
        options: The parsed options of `add`.
    """
    params, config = (
        cell_model() if options.model is None else load_model(options.model)
    )
    window, note = _window(options, config)
    targets = _targets(options, len(window), config)
    rng = np.random.default_rng(options.seed)
    try:
        found = explain(
            params, window, config, targets=targets, detail=options.detail, rng=rng
        )
    except ValueError as error:
        text = str(error).replace("Argument `config`", "Option --model")
        raise ValueError(text.replace("Argument `window`", "Option --inputs")) from None
    if options.html is None:
        print(f"{note}{found.text(options.steps)}")
        return
    write_text(options.html, found.page(options.steps))
    print(f"{note}Wrote {options.html}.")


def cell_model() -> tuple[QLSTMParams, QLSTMConfig]:
    """The model of docs/cell.md, whose numbers were chosen by hand."""
    config = QLSTMConfig(n_system=2, n_ancilla=2, n_layers=1, rotation="RY")
    params = QLSTMParams(
        proj_weight=np.array([[1.0, 0.0, -2.0, 0.5]]),
        proj_bias=np.array([1.0, 0.8, 0.4, 0.1]),
        entangler=np.array([[0.3, 0.9, 0.5, 0.7]]),
        disentangler=np.array([[0.2, 0.4, 0.8, 0.6]]),
    )
    return params, config


def _window(
    options: argparse.Namespace, config: QLSTMConfig
) -> tuple[NDArray[np.float64], str]:
    """The window, and what has to be said of it."""
    source = csv_source(options)
    if source:
        return _csv_window(source, options, config)
    if options.last is not None:
        raise ValueError("Option --last goes with --csv.")
    values = options.inputs
    if values is None and options.model is None:
        values = FIRST_WINDOW
    if values is None:
        raise ValueError("Option --inputs or --csv must be given with --model.")
    if len(values) % config.n_features:
        raise ValueError(
            f"Option --inputs must hold {config.n_features} values a step, but holds "
            f"{len(values)}."
        )
    return np.reshape(values, (-1, config.n_features)), ""


def _csv_window(
    source: dict, options: argparse.Namespace, config: QLSTMConfig
) -> tuple[NDArray[np.float64], str]:
    """The last values of a series."""
    from qlstm.forecasting import load_csv

    if config.n_features != 1:
        raise ValueError(
            "Option --csv must go with a model of one feature, but this one has "
            f"{config.n_features}."
        )
    if options.last is None:
        raise ValueError("Option --last must say how many values of --csv are wanted.")
    series = load_csv(**source)
    if options.last > len(series.values):
        raise ValueError(
            f"Option --last must be at most {len(series.values)}, the values of the "
            f"file, but is {options.last}."
        )
    window = series.values[-options.last :]
    if np.isnan(window).any():
        raise ValueError(
            f"Option --last must name values without a gap, but the last {len(window)} "
            f"values hold {int(np.isnan(window).sum())}."
        )
    note = (
        f"The last {len(window)} values of {series.name}, as they stand in the file: a "
        "model file keeps no scale, so they must be in the units of the training."
    )
    return window[:, None], f"{textwrap.fill(note, 80)}\n\n"


def _targets(
    options: argparse.Namespace, n_steps: int, config: QLSTMConfig
) -> NDArray[np.float64] | None:
    """The targets in the shape of the loss."""
    if options.targets is None:
        return None
    n_outputs = config.n_outputs
    wanted = n_outputs * (n_steps if config.loss == "all" else 1)
    over = "all steps" if config.loss == "all" else "the last step"
    if len(options.targets) != wanted:
        raise ValueError(
            f"Option --targets must hold {wanted} number(s), as the model's loss is "
            f"over {over}, but holds {len(options.targets)}."
        )
    targets = np.array(options.targets)
    if config.loss == "last":
        return targets if n_outputs > 1 else targets[0]
    return targets.reshape(n_steps, n_outputs) if n_outputs > 1 else targets
