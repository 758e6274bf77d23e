"""A quantum LSTM in NumPy, with hand-written gradients and optimizer."""

from qlstm.adam import AdamState, adam_init, adam_update
from qlstm.audit import Audit, Finding, audit
from qlstm.channel import MemoryChannel, memory_channel, quantum_retention
from qlstm.conformal import Coverage, Intervals, conformal_intervals, coverage
from qlstm.copying import CopyCheck, check_copy
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
from qlstm.diagnostics import (
    ForgettingCurve,
    GradientMemory,
    forgetting_curve,
    gradient_memory,
)
from qlstm.evaluation import (
    HorizonErrors,
    WalkForward,
    horizon_errors,
    walk_forward,
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
from qlstm.knowledge import (
    HolevoCurve,
    MemoryCapacity,
    holevo_information,
    memory_capacity,
)
from qlstm.metrics import Errors, Scores, errors, mase, mase_scale, r2, scores, skill
from qlstm.model import predict
from qlstm.multistep import recursive_forecast
from qlstm.params import QLSTMConfig, QLSTMParams, init_params
from qlstm.significance import (
    LossTest,
    SeedSummary,
    SeedTest,
    diebold_mariano,
    paired_wilcoxon,
    summarize_seeds,
)
from qlstm.sources import Series, fetch_meteostat, load_csv, load_sample
from qlstm.store import load_model, load_state, save_model, save_state
from qlstm.trace import Trace, trace
from qlstm.train import TrainState, fit, train, train_init

__all__ = [
    "FORECASTERS",
    "SINE_PROTOCOLS",
    "WEATHER_PROTOCOLS",
    "AdamState",
    "Audit",
    "CopyCheck",
    "Coverage",
    "Dataset",
    "Errors",
    "Finding",
    "Fitted",
    "Forecast",
    "Forecaster",
    "ForgettingCurve",
    "GradientMemory",
    "HolevoCurve",
    "HorizonErrors",
    "Intervals",
    "LossGradient",
    "LossTest",
    "MemoryCapacity",
    "MemoryChannel",
    "Protocol",
    "QLSTMConfig",
    "QLSTMParams",
    "Scaler",
    "Scores",
    "SeedSummary",
    "SeedTest",
    "Series",
    "Trace",
    "TrainState",
    "WalkForward",
    "Windows",
    "adam_init",
    "adam_update",
    "audit",
    "check_copy",
    "conformal_intervals",
    "coverage",
    "diebold_mariano",
    "errors",
    "fetch_meteostat",
    "fit",
    "forecast_baselines",
    "forecast_model",
    "forecast_with",
    "forecaster_options",
    "forgetting_curve",
    "gradient_memory",
    "holevo_information",
    "horizon_errors",
    "init_params",
    "load_csv",
    "load_model",
    "load_sample",
    "load_state",
    "loss_and_grad",
    "loss_gradient",
    "make_forecaster",
    "make_windows",
    "mase",
    "mase_scale",
    "memory_capacity",
    "memory_channel",
    "noisy_sine",
    "paired_wilcoxon",
    "predict",
    "prepare",
    "quantum_retention",
    "r2",
    "recursive_forecast",
    "save_model",
    "save_state",
    "scores",
    "skill",
    "step_targets",
    "summarize_seeds",
    "to_pennylane",
    "trace",
    "train",
    "train_init",
    "walk_forward",
]
