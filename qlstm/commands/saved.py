"""A saved forecaster or model, and a series for it, from a command's options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from qlstm.commands.parser import positive_int
from qlstm.commands.source import add_source_options, load_series
from qlstm.forecasting import (
    Scaler,
    Series,
    TrainedForecaster,
    load_forecaster,
)
from qlstm.forecasting.quantum import FittedQuantum
from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.store import FORECASTER, kind_of, load_model


def add_file_options(parser: ArgumentParser, optional: bool = False) -> None:
    """The file of a forecaster, and the source of a series.

    Args:
        parser: The command's parser.
        optional: Whether the command has a use without them.
    """
    add = parser.add_argument
    words = "what qlstm train wrote, or a model"
    add("file", type=Path, metavar="FILE", nargs="?" if optional else None, help=words)
    add_source_options(parser, not optional)
    add("--window", type=positive_int, help="values that a bare model sees")
    add(
        "--scale",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="values that a bare model takes for 0 and 1",
    )


def load_saved(options: Namespace) -> TrainedForecaster:
    """The forecaster that the options of `add_file_options` name.

    Args:
        options: The parsed options.

    Returns:
        The forecaster.

    Raises:
        ValueError: As `load_forecaster`, or if the scale is none.
    """
    scaler = None
    if options.scale is not None:
        low, high = options.scale
        if not low < high:
            raise ValueError(
                f"Option --scale must rise, but goes from {low} to {high}."
            )
        scaler = Scaler(low, high - low)
    try:
        return load_forecaster(options.file, n_steps=options.window, scaler=scaler)
    except ValueError as error:
        text = str(error)
        for name, option in {"n_steps": "--window", "scaler": "--scale"}.items():
            text = text.replace(f"Argument `{name}`", f"Option {option}")
            text = text.replace(f"`{name}`", option)
        raise ValueError(text) from None


def load_series_of(
    trained: TrainedForecaster, options: Namespace
) -> tuple[Series, tuple[Series, ...]]:
    """The series that the options name; columns are those of the training.

    Args:
        trained: The forecaster.
        options: The parsed options of `add_file_options`.

    Returns:
        The series, and the further ones.

    Raises:
        ValueError: As `load_series`.
    """
    origin, *others = [
        own["provenance"].get("column") for own in trained.record.get("source", ())
    ] or [None]
    return load_series(options, origin, tuple(others))


def load_cell(path: Path, number: int | None) -> tuple[QLSTMParams, QLSTMConfig]:
    """The quantum cell of a model's file, or of a forecaster's.

    Args:
        path: The file.
        number: Which one, from 1, of a forecaster's several; None for its only one.

    Returns:
        Its parameters and configuration.

    Raises:
        ValueError: If the file holds none, or several and no number is given.
    """
    if kind_of(path) != FORECASTER:
        if number is not None:
            raise ValueError("Option --number goes with a forecaster's file.")
        return load_model(path)
    cells = [
        member
        for model in load_forecaster(path).models
        for member in getattr(model, "members", (model,))
        if isinstance(member, FittedQuantum)
    ]
    if not cells:
        raise ValueError(f"FILE must hold a quantum model, but {path} holds none.")
    if number is None and len(cells) > 1 or number is not None and number > len(cells):
        raise ValueError(
            f"Option --number must name one of the {len(cells)} models of {path}, but "
            f"is {number}."
        )
    chosen = cells[(number or 1) - 1]
    return chosen.params, chosen.config
