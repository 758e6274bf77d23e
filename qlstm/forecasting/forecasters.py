"""Every forecaster by name, the quantum model among them, behind one interface.

``make_forecaster(name, **options).fit(inputs, targets, rng=rng).predict(inputs)``; what
each one is: docs/baselines.md.
"""

from dataclasses import MISSING, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_choice
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
from qlstm.params import QLSTMConfig


class Fitted(Protocol):
    """What a forecaster becomes when it is fitted."""

    @property
    def n_params(self) -> int:
        """Trained numbers."""

    def predict(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Forecast windows ``(n, n_steps, n_features)``: ``(n,)`` or ``(n, horizon)``."""


class Forecaster(Protocol):
    """What to fit, with its options: a frozen dataclass."""

    def fit(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        rng: np.random.Generator,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Fitted:
        """Fit to windows.

        Args:
            inputs: Windows ``(n, n_steps, n_features)``; the first feature is the
                series itself.
            targets: The values after them, ``(n,)`` or ``(n, horizon)``.
            rng: Source of randomness.
            validation: Inputs and targets that are not trained on. They may choose the
                epoch to stop at.

        Returns:
            A `Fitted` forecaster, whose forecasts have the shape of the targets.
        """


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


def forecaster_options(name: str) -> tuple[str, ...]:
    """Names of the options that `make_forecaster` takes.

    Args:
        name: A key of `FORECASTERS`.

    Returns:
        Option names. A forecaster with a quantum cell takes the fields of `QLSTMConfig`.

    Raises:
        ValueError: If the name is unknown.

    Example:
        >>> forecaster_options("ridge"), forecaster_options("persistence")
        (('penalty',), ())
    """
    check_choice("name", name, tuple(FORECASTERS))
    own = tuple(entry.name for entry in fields(FORECASTERS[name]))
    if "config" not in own:
        return own
    of_config = tuple(entry.name for entry in fields(QLSTMConfig))
    return of_config + tuple(option for option in own if option != "config")


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
    own = {entry.name: entry for entry in fields(kind)}
    for option, entry in own.items():
        required = entry.default is MISSING and entry.default_factory is MISSING
        if required and option not in options:
            raise ValueError(
                f"Options of {name!r} must hold {option!r}, but are "
                f"{', '.join(options) or 'none'}."
            )
    if "config" in own:
        names = {entry.name for entry in fields(QLSTMConfig)}
        config = QLSTMConfig(**{k: v for k, v in options.items() if k in names})
        rest = {k: v for k, v in options.items() if k not in names}
        return kind(config=config, **rest)
    return kind(**options)
