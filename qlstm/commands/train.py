"""``qlstm train``: several forecasters on one series, the best one in a file."""

import argparse
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qlstm.commands.candidates import add_candidate_options, candidates
from qlstm.commands.output import (
    add_output_options,
    check_outputs,
    walk_figure,
    write_outputs,
)
from qlstm.commands.parser import Parser, positive_int, seed_int
from qlstm.commands.source import add_source_options, describe, load_series
from qlstm.files import sha256_of_file, versions, write_json
from qlstm.forecasting import (
    Series,
    TrainedForecaster,
    save_forecaster,
    train_forecaster,
)
from qlstm.progress import Progress
from qlstm.tables import format_table, number_text, skill_text

EXAMPLE = """
example:
  qlstm train --csv river.csv --column level --out river.npz
  qlstm predict river.npz --csv river.csv --horizon 7
"""
OURS = ("run", "parser")
"""What is no option of the user's."""
HEADER = ["model", "params", "valid. RMSE", "test RMSE", "test MAE", "skill", "seconds"]


class Candidate(NamedTuple):
    """One forecaster of the table."""

    name: str
    trained: TrainedForecaster
    seconds: float
    """Of training, which no file of a model has."""

    @property
    def valid_rmse(self) -> float:
        """Of the values one step ahead between training and test."""
        held = self.trained.residuals[: self.trained.n_calibration, 0]
        return float(np.sqrt(np.mean(held**2)))

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        first, n_params = self.trained.leads[0], _n_params(self.trained)
        measures = (self.valid_rmse, first.errors.rmse, first.errors.mae)
        cells = [number_text(value, 4) for value in measures]
        skill = skill_text(first.skill)
        return [self.name, str(n_params), *cells, skill, f"{self.seconds:.1f}"]


class Outcome(NamedTuple):
    """What `train_all` comes to."""

    series: Series
    inputs: tuple[Series, ...]
    found: list[Candidate]
    chosen: Candidate
    """What is written."""
    record: dict[str, Any]
    """Options, data, results and versions, as JSON takes them."""


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


def option_names() -> set[str]:
    """Names of all options, as a manifest has them."""
    parser = add(Parser(prog="qlstm").add_subparsers())
    return {action.dest for action in parser._actions} - {"help"}


def run(options: argparse.Namespace) -> None:
    """Train, compare, write.

    Args:
        options: The parsed options of `add`.
    """
    manifest = options.out.with_suffix(".json")
    check_outputs(options, options.out, manifest)
    outcome = train_all(options)
    found, chosen, record = outcome.found, outcome.chosen, outcome.record
    if not options.json:
        _report(found, chosen)
    save_forecaster(options.out, chosen.trained)
    file = {"name": options.out.name, "sha256": sha256_of_file(options.out)}
    record |= {"command": ["qlstm", *sys.argv[1:]], "model_file": file}
    write_json(manifest, record)
    write_outputs(
        options,
        HEADER,
        [one.row for one in found],
        _caption(chosen.trained),
        lambda: _figure(outcome),
        record,
        options.out,
        manifest,
    )


def train_all(options: argparse.Namespace) -> Outcome:
    """Train every forecaster that the options ask for.

    Args:
        options: The parsed options of `add`, or those of a manifest.

    Returns:
        The forecasters, the one that is chosen, and the record.

    Raises:
        ValueError: If the options, the series or the forecasters do not fit.
    """
    forecasters = candidates(options)
    if options.choose is not None and options.choose not in forecasters:
        raise ValueError(
            f"Option --choose must be among {', '.join(forecasters)}, but is "
            f"{options.choose!r}."
        )
    series, inputs = load_series(options)
    if not options.json:
        print(describe(series, inputs), flush=True)
    progress = Progress()
    found = []
    for name, forecaster in forecasters.items():
        progress.show(f"training {name} ...")
        found.append(_train(options, name, forecaster, series, inputs))
    progress.clear()
    chosen = _choose(found, options.choose)
    record = _record(options, found, chosen, series, inputs)
    return Outcome(series, inputs, found, chosen, record)


def _train(
    options: argparse.Namespace,
    name: str,
    forecaster: Any,
    series: Series,
    inputs: tuple[Series, ...],
) -> Candidate:
    """One forecaster, trained from a source of randomness of its own."""
    start = time.perf_counter()
    trained = train_forecaster(
        series,
        forecaster,
        inputs=inputs,
        n_steps=options.window,
        horizon=options.horizon,
        strategy=options.strategy,
        rng=np.random.default_rng(options.seed),
        refit=options.refit,
    )
    return Candidate(name, trained, time.perf_counter() - start)


def _choose(found: list[Candidate], wanted: str | None) -> Candidate:
    """The named one, or the best on values that neither train nor test."""
    if wanted is not None:
        return next(one for one in found if one.name == wanted)
    return min(found, key=lambda one: one.valid_rmse)


def _report(found: list[Candidate], chosen: Candidate) -> None:
    """The table, what was chosen, and how it does value by value ahead."""
    trained = chosen.trained
    print(format_table(HEADER, [one.row for one in found]))
    print(f"\n{textwrap.fill(_caption(trained), 80)}")
    parts = trained.record["windows"]
    print(
        f"Windows: {parts['training']} training, {parts['calibration']} validation, "
        f"{parts['test']} test. valid.: what chooses.\n"
    )
    print(f"{chosen.name} is written: {trained}")


def _caption(trained: TrainedForecaster) -> str:
    """What the table shows."""
    unit = f" ({trained.unit})" if trained.unit else ""
    return (
        f"Errors of {trained.name}{unit} one step ahead; skill against persistence, "
        "the last value seen."
    )


def _figure(outcome: Outcome) -> Any:
    """The test part, and the chosen one's forecasts one step ahead."""
    trained, series = outcome.chosen.trained, outcome.series
    first = trained.record["cuts"][1]
    walk = trained.walk(series, inputs=outcome.inputs, first_origin=first)
    return walk_figure(series, trained, walk)


def _n_params(trained: TrainedForecaster) -> int:
    """Numbers that were fitted."""
    return sum(model.n_params for model in trained.models)


def _record(
    options: argparse.Namespace,
    found: list[Candidate],
    chosen: Candidate,
    series: Series,
    inputs: tuple[Series, ...],
) -> dict[str, Any]:
    """What was done, from what, with what result, as JSON takes it."""
    given = {name: value for name, value in vars(options).items() if name not in OURS}
    return {
        "options": {k: str(v) if isinstance(v, Path) else v for k, v in given.items()},
        "seed": options.seed,
        "series": [
            {"name": own.name, "sha256": own.sha256, "provenance": own.provenance}
            for own in (series, *inputs)
        ],
        "models": {
            one.name: {"valid_rmse": one.valid_rmse, **one.trained.to_dict()}
            for one in found
        },
        "chosen": chosen.name,
        "versions": versions(),
    }
