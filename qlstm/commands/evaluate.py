"""``qlstm evaluate``: a saved forecaster on what it was not trained on."""

import argparse
import textwrap
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.commands.manifest import check_manifest
from qlstm.commands.output import (
    add_output_options,
    check_outputs,
    walk_figure,
    write_outputs,
)
from qlstm.commands.parser import Parser, positive_int, seed_int
from qlstm.commands.saved import add_file_options, load_saved, load_series_of
from qlstm.commands.source import describe
from qlstm.forecasting import (
    FORECASTERS,
    CopyCheck,
    Lead,
    Origins,
    Series,
    TrainedForecaster,
    check_copy,
    diebold_mariano,
    holm,
    lead_table,
    make_forecaster,
    measure_leads,
    walk_forward,
)
from qlstm.forecasting.metrics import known
from qlstm.tables import format_table, number_text, skill_text

EXAMPLE = """
example:
  qlstm evaluate river.npz --csv river.csv --against ar ridge
  qlstm evaluate --manifest river.json
"""
HEADER = ["ahead", "against", "n", "RMSE", "its RMSE", "skill", "p", "p (Holm)"]


class Comparison(NamedTuple):
    """The forecaster beside another one, some steps ahead."""

    ahead: int
    name: str
    n: int
    rmse: float
    other: float
    p_value: float | None
    """Two-sided, of the Diebold-Mariano test on squared errors; None for too few."""
    p_holm: float | None
    """Corrected for the number of tests."""

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        skill = 1 - (self.rmse / self.other) ** 2 if self.other else None
        numbers = [number_text(value, 4) for value in (self.rmse, self.other)]
        tests = (self.p_value, self.p_holm)
        ps = ["-" if p is None else f"{p:.2g}" for p in tests]
        return [
            str(self.ahead),
            self.name,
            str(self.n),
            *numbers,
            skill_text(skill),
        ] + ps


def add(subparsers: "argparse._SubParsersAction[Parser]") -> Parser:
    """Add the parser of this subcommand.

    Args:
        subparsers: Those of `qlstm`.
    """
    words = "Test a saved forecaster on values that it was not trained on."
    parser = subparsers.add_parser(
        "evaluate", help=words, description=words, epilog=EXAMPLE
    )
    add_file_options(parser, optional=True)
    option = parser.add_argument
    option(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="what qlstm train wrote beside its file: train again and compare",
    )
    option(
        "--against",
        nargs="+",
        choices=list(FORECASTERS),
        default=["ar", "ridge", "persistence"],
        metavar="MODEL",
        help="forecasters beside it, on the series alone",
    )
    option(
        "--refit-every",
        type=positive_int,
        metavar="K",
        help="train those anew every K values; None: once, on all values before",
    )
    option(
        "--seed",
        type=seed_int,
        default=0,
        help="seed of those beside it, and of --sine",
    )
    add_output_options(parser, "the tested values, forecast one step ahead")
    return parser


def run(options: argparse.Namespace) -> int:
    """Walk through the values that it was not trained on; print and write.

    Args:
        options: The parsed options of `add`.

    Returns:
        1 if a manifest's results come out otherwise, else 0.
    """
    if options.manifest is not None:
        return check_manifest(options)
    if options.file is None:
        raise ValueError("FILE must name a saved forecaster, or --manifest a manifest.")
    check_outputs(options)
    trained = load_saved(options)
    series, inputs = load_series_of(trained, options)
    first = _first_origin(trained, series)
    walk = trained.walk(series, inputs=inputs, first_origin=first)
    leads = measure_leads(walk, trained.residuals[: trained.n_calibration])
    compared = _compare(options, trained, series, walk)
    copies = check_copy(walk.predictions[:, 0], series.values, walk.index[:, 0])
    if not options.json:
        _report(trained, series, inputs, walk, leads, compared, copies)
    content = {
        "series": {"name": series.name, "sha256": series.sha256},
        "first_origin": int(first),
        "leads": [lead.to_dict() for lead in leads],
        "comparisons": [one._asdict() for one in compared],
        "copy": {"is_copy": copies.is_copy, "sentence": copies.sentence},
    }
    rows = [one.row for one in compared]
    caption = f"Forecasts of {series.name} beside others."
    write_outputs(
        options,
        HEADER,
        rows,
        caption,
        lambda: walk_figure(series, trained, walk),
        content,
    )
    return 0


def _first_origin(trained: TrainedForecaster, series: Series) -> int:
    """Position of the first value that neither trained nor set the intervals."""
    record = trained.record
    if "cuts" not in record:
        return len(series.values) // 2  # nobody knows what a bare model has seen
    source = record["source"][0]
    if record["refit"]:
        last = source["provenance"].get("last_date")
        if last is None or series.dates is None:
            return record["n_values"]
        return int((series.dates <= np.datetime64(last)).sum())
    first = record["first_test_date"]
    if first is None or series.dates is None:
        return record["cuts"][1]
    return int((series.dates < np.datetime64(first)).sum())


def _compare(
    options: argparse.Namespace,
    trained: TrainedForecaster,
    series: Series,
    walk: Origins,
) -> list[Comparison]:
    """Squared errors beside those of others from the same origins."""
    found = []
    for name in options.against:
        other = walk_forward(
            series.values,
            make_forecaster(name),
            n_steps=trained.n_steps,
            first_origin=int(walk.index[0, 0]),
            horizon=trained.horizon,
            refit_every=options.refit_every,
            rng=np.random.default_rng(options.seed),
        )
        rows = np.isin(other.origins, walk.index[:, 0])
        for h in sorted({0, trained.horizon - 1}):
            squares = [
                (part[:, h] - walk.targets[:, h]) ** 2
                for part in (walk.predictions, other.predictions[rows])
            ]
            found.append((h + 1, name, *squares))
    return _tested(found)


def _tested(found: list[tuple[int, str, NDArray, NDArray]]) -> list[Comparison]:
    """Each pair of squared errors as a comparison; no test where n is too small."""
    p_values = [
        diebold_mariano(own, other, horizon=ahead).p_value
        if len(own) >= 2 * ahead
        else np.nan
        for ahead, _, own, other in found
    ]
    rmse = [[float(np.sqrt(part.mean())) for part in pair[2:]] for pair in found]
    return [
        Comparison(
            ahead, name, len(own), *both, known(float(p)), known(float(corrected))
        )
        for (ahead, name, own, _), both, p, corrected in zip(
            found, rmse, p_values, holm(p_values), strict=True
        )
    ]


def _report(
    trained: TrainedForecaster,
    series: Series,
    inputs: tuple[Series, ...],
    walk: Origins,
    leads: tuple[Lead, ...],
    compared: list[Comparison],
    copies: CopyCheck,
) -> None:
    """What people read."""
    print(describe(series, inputs))
    print(f"{str(trained).splitlines()[0]}\n")
    first = walk.index[0, 0]
    when = first + 1 if series.dates is None else series.dates[first]
    if "cuts" not in trained.record:
        print(
            "A bare model's file does not say what it was trained on: it is tested on "
            "the\nsecond half, and the others are trained on the first.\n"
        )
    print(f"Tested on {len(walk.index)} windows, the first value {when}.\n")
    print(lead_table(leads))
    print(f"\n{format_table(HEADER, [one.row for one in compared])}")
    note = (
        "p: Diebold-Mariano test, two-sided, of equal squared errors; Holm: corrected "
        f"for {len(compared)} tests. The others see the series alone, and train on all "
        "of it before the first value."
    )
    print(f"\n{textwrap.fill(note, 80)}\n")
    print(textwrap.fill(str(copies), 80))
