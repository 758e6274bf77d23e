"""Every forecaster by name, the quantum model among them, behind one interface.

``make_forecaster(name, **options).fit(inputs, targets, rng=rng).predict(inputs)``; what
each one is: docs/baselines.md.
"""

from dataclasses import MISSING, fields
from typing import Any

from qlstm.checks import check_choice
from qlstm.forecasting.base import Forecaster
from qlstm.forecasting.baselines import (
    LSTM,
    RNN,
    Autoregression,
    Drift,
    Mean,
    Persistence,
    Reservoir,
    Ridge,
    SeasonalNaive,
)
from qlstm.forecasting.quantum import Quantum

FORECASTERS: dict[str, type[Forecaster]] = {
    "persistence": Persistence,
    "drift": Drift,
    "mean": Mean,
    "seasonal-naive": SeasonalNaive,
    "ar": Autoregression,
    "ridge": Ridge,
    "rnn": RNN,
    "lstm": LSTM,
    "reservoir": Reservoir,
    "quantum": Quantum,
}
"""Forecasters by name, simple ones first."""


def register_forecaster(name: str, kind: type[Forecaster]) -> None:
    """Let `make_forecaster` know another forecaster.

    Args:
        name: A new name.
        kind: A frozen dataclass derived from `Forecaster`.

    Raises:
        TypeError: If `kind` is not derived from `Forecaster`.
        ValueError: If the name is taken.
    """
    if not (isinstance(kind, type) and issubclass(kind, Forecaster)):
        raise TypeError(
            f"Argument `kind` must be a class derived from Forecaster, but is {kind!r}."
        )
    if FORECASTERS.setdefault(name, kind) is not kind:
        raise ValueError(f"Argument `name` must be a new name, but is {name!r}.")


def forecaster_options(name: str) -> tuple[str, ...]:
    """Names of the options that `make_forecaster` takes.

    Args:
        name: A key of `FORECASTERS`.

    Returns:
        Option names. A forecaster with a quantum cell takes the fields of
        `QLSTMConfig`.

    Raises:
        ValueError: If the name is unknown.

    Example:
        >>> forecaster_options("ridge"), forecaster_options("persistence")
        (('penalty',), ())
    """
    check_choice("name", name, tuple(FORECASTERS))
    return FORECASTERS[name].options()


def make_forecaster(name: str, **options: Any) -> Forecaster:
    """A forecaster by name.

    Args:
        name: A key of `FORECASTERS`.
        **options: Its options, all of them values that JSON has.

    Returns:
        A `Forecaster`.

    Raises:
        TypeError: If a count is not an integer.
        ValueError: If a name or option is unknown, an option without a default is
            missing, or a value cannot be used.

    Example:
        >>> make_forecaster("ar", p=3)
        Autoregression(p=3)
        >>> make_forecaster("quantum", rotation="RY", epochs=20).config.rotation
        'RY'
    """
    known = forecaster_options(name)
    for option in options:
        if option not in known:
            raise ValueError(
                f"Options of {name!r} must be among {', '.join(known) or 'none'}, "
                f"but one is {option!r}."
            )
    kind = FORECASTERS[name]
    for entry in fields(kind):
        required = entry.default is MISSING and entry.default_factory is MISSING
        if required and entry.name not in options:
            raise ValueError(
                f"Options of {name!r} must hold {entry.name!r}, but are "
                f"{', '.join(options) or 'none'}."
            )
    return kind.from_options(**options)
