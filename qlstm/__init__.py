"""A quantum LSTM in NumPy, with hand-written gradients and optimizer."""

from qlstm.adam import AdamState, adam_init, adam_update
from qlstm.data import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Dataset,
    Protocol,
    Scaler,
    Windows,
    make_windows,
    noisy_sine,
    prepare,
    step_targets,
)
from qlstm.forecast import (
    Forecast,
    forecast_baselines,
    forecast_model,
    forecast_with,
)
from qlstm.forecasters import (
    FORECASTERS,
    Fitted,
    Forecaster,
    forecaster_options,
    make_forecaster,
)
from qlstm.gradient import LossGradient, loss_and_grad, loss_gradient
from qlstm.interchange import to_pennylane
from qlstm.metrics import Errors, errors, skill
from qlstm.model import predict
from qlstm.params import QLSTMConfig, QLSTMParams, init_params
from qlstm.sources import Series, fetch_meteostat, load_csv, load_sample
from qlstm.store import load_model, load_state, save_model, save_state
from qlstm.trace import Trace, trace
from qlstm.train import TrainState, fit, train, train_init

__all__ = [
    "FORECASTERS",
    "SINE_PROTOCOLS",
    "WEATHER_PROTOCOLS",
    "AdamState",
    "Dataset",
    "Errors",
    "Fitted",
    "Forecast",
    "Forecaster",
    "LossGradient",
    "Protocol",
    "QLSTMConfig",
    "QLSTMParams",
    "Scaler",
    "Series",
    "Trace",
    "TrainState",
    "Windows",
    "adam_init",
    "adam_update",
    "errors",
    "fetch_meteostat",
    "fit",
    "forecast_baselines",
    "forecast_model",
    "forecast_with",
    "forecaster_options",
    "init_params",
    "load_csv",
    "load_model",
    "load_sample",
    "load_state",
    "loss_and_grad",
    "loss_gradient",
    "make_forecaster",
    "make_windows",
    "noisy_sine",
    "predict",
    "prepare",
    "save_model",
    "save_state",
    "skill",
    "step_targets",
    "to_pennylane",
    "trace",
    "train",
    "train_init",
]
