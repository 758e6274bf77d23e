"""What a subcommand prints and writes: tables, JSON, LaTeX, a figure."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlstm.commands.results import FIGURES, check_results
from qlstm.files import write_text
from qlstm.forecasting import Origins, Series, TrainedForecaster
from qlstm.tables import latex_table


def add_output_options(parser: ArgumentParser, figure: str) -> None:
    """Options for what is printed and written beside the text.

    Args:
        parser: The command's parser.
        figure: What the figure shows.
    """
    add = parser.add_argument
    add("--json", action="store_true", help="print JSON in the place of text")
    add("--latex", type=Path, metavar="FILE", help="write the table for LaTeX, too")
    add("--figure", type=Path, metavar="FILE", help=f"{figure}; .pdf, .svg or .png")


def check_outputs(args: Namespace, *others: Path | None) -> None:
    """Raise before the work what writing would raise after it.

    Args:
        args: Options of `add_output_options`.
        *others: Further files that the command writes, None for those not asked for.

    Raises:
        OSError: If a file cannot be written.
        ValueError: If the figure's name has another ending, or a name comes twice.
    """
    if args.figure is not None and args.figure.suffix.lower() not in FIGURES:
        raise ValueError(
            f"Option --figure must end with {', '.join(FIGURES)}, but is {args.figure}."
        )
    files = [path for path in (args.latex, args.figure, *others) if path is not None]
    for path in files:
        if files.count(path) > 1:
            raise ValueError(
                f"Options must name a file each, but two of them name {path}."
            )
        check_results(path.parent, path.name)


def write_outputs(
    args: Namespace,
    header: list[str],
    rows: list[list[str]],
    caption: str,
    figure: Any,
    content: dict[str, Any],
    *others: Path,
) -> None:
    """Write what the options ask for, and print the JSON or the files' names.

    Args:
        args: Options of `add_output_options`.
        header: Of the table.
        rows: Of the table.
        caption: Of the table.
        figure: A function that draws the figure, called if one is wanted.
        content: What ``--json`` prints.
        *others: Files that are written already.
    """
    written = list(others)
    if args.latex is not None:
        write_text(args.latex, latex_table(header, rows, caption))
        written.append(args.latex)
    if args.figure is not None:
        from qlstm.plots import save_figure  # matplotlib is slow to import

        save_figure(args.figure, figure())
        written.append(args.figure)
    if args.json:
        print(json.dumps(content, indent=1, allow_nan=False))
    elif written:
        print(f"\nWrote {', '.join(map(str, written))}.")


def walk_figure(series: Series, trained: TrainedForecaster, walk: Origins) -> Any:
    """Tested values, and the forecasts one step ahead of them.

    Args:
        series: The series.
        trained: The forecaster.
        walk: From its `walk` on the series.

    Returns:
        A matplotlib figure.
    """
    n = len(series.values)
    times = np.arange(1, n + 1) if series.dates is None else series.dates
    at = walk.index[:, 0]
    first = max(0, at[0] - trained.n_steps)
    return forecast_figure(
        (series.values[first:], times[first:]),
        (walk.predictions[:, 0], times[at]),
        unit=series.unit,
        title=f"{series.name}: {trained.kind} one step ahead, on what it has not seen",
    )


def forecast_figure(
    history: tuple[NDArray, NDArray], forecast: tuple[NDArray, NDArray], **options: Any
) -> Any:
    """A history and a forecast, each with its times.

    Args:
        history: Values and times, ``(n,)`` each.
        forecast: Values and times, ``(m,)`` each.
        **options: As for `qlstm.plots.plot_forecast`.

    Returns:
        A matplotlib figure.
    """
    import pandas as pd

    from qlstm.plots import plot_forecast  # matplotlib is slow to import

    lines = (pd.Series(*line) for line in (history, forecast))
    return plot_forecast(*lines, **options).figure
