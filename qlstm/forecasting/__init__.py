"""A series in, honest numbers out.

In the order of the work: `sources` load a series, `data` cuts it into windows as a
protocol says; a forecaster (`base`, `baselines`, `quantum`; by name: `forecasters`) is
fitted to them; `forecast` measures it beside persistence (`metrics`), `evaluation`
walks it forward, several steps ahead too (`multistep`). What the numbers are worth:
`audit` finds leaks, `copying` copies, `significance` luck, `conformal` gives intervals.
What two of them ask of numbers or windows is in `checks` and `examples`.
"""

from qlstm.forecasting.audit import Audit, Finding, audit
from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.baselines import persistence
from qlstm.forecasting.conformal import (
    Coverage,
    Intervals,
    conformal_intervals,
    coverage,
)
from qlstm.forecasting.copying import CopyCheck, check_copy
from qlstm.forecasting.data import (
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
from qlstm.forecasting.ensemble import Ensemble
from qlstm.forecasting.evaluation import (
    HorizonErrors,
    WalkForward,
    horizon_errors,
    walk_forward,
)
from qlstm.forecasting.forecast import (
    Forecast,
    forecast_baselines,
    forecast_many,
    forecast_with,
)
from qlstm.forecasting.forecasters import (
    FORECASTERS,
    forecaster_options,
    make_forecaster,
    register_forecaster,
)
from qlstm.forecasting.leads import Lead, Origins, lead_table, measure_leads
from qlstm.forecasting.metrics import (
    Errors,
    Scores,
    errors,
    mase,
    mase_scale,
    persistence_errors,
    r2,
    scores,
    skill,
    skill_between,
)
from qlstm.forecasting.multistep import recursive_forecast
from qlstm.forecasting.quantum import Quantum
from qlstm.forecasting.significance import (
    EquivalenceTest,
    LossTest,
    Quartiles,
    SeedSummary,
    SeedTest,
    diebold_mariano,
    holm,
    paired_wilcoxon,
    quartiles,
    summarize_seeds,
    two_one_sided_tests,
)
from qlstm.forecasting.sources import (
    Series,
    fetch_meteostat,
    load_csv,
    load_csv_columns,
    load_sample,
    sha256_of_values,
)
from qlstm.forecasting.trained import SeriesForecast, TrainedForecaster
from qlstm.forecasting.trained_file import load_forecaster, save_forecaster
from qlstm.forecasting.training import train_forecaster

__all__ = [
    "FORECASTERS",
    "SINE_PROTOCOLS",
    "WEATHER_PROTOCOLS",
    "Audit",
    "CopyCheck",
    "Coverage",
    "Dataset",
    "Ensemble",
    "EquivalenceTest",
    "Errors",
    "Finding",
    "Fitted",
    "Forecast",
    "Forecaster",
    "HorizonErrors",
    "Intervals",
    "Lead",
    "LossTest",
    "Origins",
    "Protocol",
    "Quantum",
    "Quartiles",
    "Scaler",
    "Scores",
    "SeedSummary",
    "SeedTest",
    "Series",
    "SeriesForecast",
    "TrainedForecaster",
    "WalkForward",
    "Windows",
    "audit",
    "check_copy",
    "conformal_intervals",
    "coverage",
    "diebold_mariano",
    "errors",
    "fetch_meteostat",
    "forecast_baselines",
    "forecast_many",
    "forecast_with",
    "forecaster_options",
    "holm",
    "horizon_errors",
    "lead_table",
    "load_csv",
    "load_csv_columns",
    "load_forecaster",
    "load_sample",
    "make_forecaster",
    "make_windows",
    "mase",
    "mase_scale",
    "measure_leads",
    "noisy_sine",
    "paired_wilcoxon",
    "persistence",
    "persistence_errors",
    "prepare",
    "quartiles",
    "r2",
    "recursive_forecast",
    "register_forecaster",
    "save_forecaster",
    "scores",
    "sha256_of_values",
    "skill",
    "skill_between",
    "step_targets",
    "summarize_seeds",
    "train_forecaster",
    "two_one_sided_tests",
    "walk_forward",
]
