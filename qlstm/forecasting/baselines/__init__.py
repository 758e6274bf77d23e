"""Classical forecasts that every result stands beside; what each is: docs/baselines.md.

Naive rules, linear forecasts, recurrent networks, and a quantum cell that is not
trained. `qlstm.forecasting.make_forecaster` makes them all by name, the quantum model
among them.
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
from qlstm.forecasting.baselines.recurrent import ElmanCell, LSTMCell, RecurrentParams
from qlstm.forecasting.baselines.reservoir import Reservoir
from qlstm.forecasting.baselines.symbols import SymbolNetwork, fit_network

__all__ = [
    "LSTM",
    "RNN",
    "Autoregression",
    "Drift",
    "ElmanCell",
    "LSTMCell",
    "Mean",
    "Persistence",
    "RecurrentParams",
    "Reservoir",
    "Ridge",
    "SeasonalNaive",
    "SymbolNetwork",
    "fit_network",
    "persistence",
]
