"""Classical forecasts that every result stands beside; what each is: docs/baselines.md.

A forecaster is a frozen dataclass: what to fit, with its options. Its `fit` takes windows
and the values after them, and returns a fitted forecast whose `predict` takes windows.
`qlstm.forecasters` lists them all by name, the quantum model among them.
"""

from qlstm.forecasting.baselines.linear import Autoregression, Ridge
from qlstm.forecasting.baselines.naive import (
    Drift,
    Mean,
    Persistence,
    SeasonalNaive,
    persistence,
)
from qlstm.forecasting.baselines.networks import LSTM, RNN
from qlstm.forecasting.baselines.reservoir import Reservoir

__all__ = [
    "LSTM",
    "RNN",
    "Autoregression",
    "Drift",
    "Mean",
    "Persistence",
    "Reservoir",
    "Ridge",
    "SeasonalNaive",
    "persistence",
]
