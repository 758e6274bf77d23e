"""The forecasters that a command trains, from its options."""

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from qlstm.commands.forecasts import add_model_options
from qlstm.commands.parser import positive_int
from qlstm.forecasting import (
    FORECASTERS,
    Ensemble,
    Forecaster,
    forecaster_options,
    make_forecaster,
)
from qlstm.params import MEMORIES, ROTATIONS
from qlstm.readout import READOUTS

DEFAULT = ("quantum", "ar", "ridge", "persistence")
TRAINING = ("epochs", "batch_size", "learning_rate", "patience")
CELL = {
    "memory": "memory",
    "rotation": "rotation",
    "readout": "readout",
    "layers": "n_layers",
    "system_qubits": "n_system",
    "ancilla_qubits": "n_ancilla",
    "disentangler": "disentangler",
}
"""Options of the cell, and what `QLSTMConfig` calls them."""


def add_candidate_options(parser: ArgumentParser) -> None:
    """Options for the forecasters and how they are trained.

    Args:
        parser: The command's parser.
    """
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        default=list(DEFAULT),
        metavar="MODEL",
        help=f"forecasters ({', '.join(FORECASTERS)}), each with options of its own if "
        "need be, such as ar:p=3 or quantum:memory=mixed,rotation=RY",
    )
    add("--memory", choices=MEMORIES, default="collapse", help="memory rule")
    add("--rotation", choices=ROTATIONS, default="RX", help="gate")
    add("--readout", choices=list(READOUTS), default="affine", help="from <Z> to y")
    add_model_options(parser)
    add("--epochs", type=positive_int, default=100, help="epochs of those that train")
    add("--batch-size", type=positive_int, default=5, help="windows in a minibatch")
    add("--learning-rate", type=float, default=0.01, help="Adam's step size")
    add("--patience", type=positive_int, help="stop so many epochs after the best")
    add("--members", type=positive_int, default=1, help="seeds whose mean forecasts")


def candidates(args: Namespace) -> dict[str, Forecaster]:
    """The forecasters by the names that tables give them.

    Args:
        args: Options of `add_candidate_options`.

    Returns:
        Forecasters in the order of the options, persistence among them, last if it
        was not asked for.

    Raises:
        ValueError: If a forecaster or an option is unknown, cannot be used, or comes
            twice.
    """
    found: dict[str, Forecaster] = {}
    asked = list(args.models)
    if not any(spec.split(":")[0] == "persistence" for spec in asked):
        asked.append("persistence")
    for spec in asked:
        if spec in found:
            raise ValueError(f"Option --models must name each once, but {spec} twice.")
        name, _, own = spec.partition(":")
        if name not in FORECASTERS:
            raise ValueError(
                f"Option --models must be among {', '.join(FORECASTERS)}, but is "
                f"{name!r}."
            )
        options = _shared(args, name) | _own(spec, own)
        try:
            forecaster = make_forecaster(name, **options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"Option --models, {spec}: {error}") from None
        if args.members > 1 and hasattr(forecaster, "epochs"):
            forecaster = Ensemble(forecaster, args.members)
        found[spec] = forecaster
    return found


def _shared(args: Namespace, name: str) -> dict[str, Any]:
    """Options of the command that this forecaster has."""
    known = forecaster_options(name)
    cell = {own: getattr(args, option) for option, own in CELL.items()}
    given = cell | {option: getattr(args, option) for option in TRAINING}
    if name != "quantum":  # a reservoir's cell is another one
        given = {option: given[option] for option in TRAINING}
    return {option: value for option, value in given.items() if option in known}


def _own(spec: str, text: str) -> dict[str, Any]:
    """What stands behind a forecaster's name: ``p=3,penalty=0.1``."""
    options: dict[str, Any] = {}
    for part in text.split(",") if text else ():
        option, equals, value = part.partition("=")
        if not (option and equals and value):
            raise ValueError(
                "Option --models must have options such as ar:p=3, but one is "
                f"{spec!r}."
            )
        try:
            options[option] = json.loads(value)
        except ValueError:
            options[option] = value
    return options
