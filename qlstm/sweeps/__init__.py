"""Many runs, each done once, on processes or a cluster."""

from qlstm.sweeps.attempt import Together
from qlstm.sweeps.engine import Tally, expand_grid, run_sweep
from qlstm.sweeps.files import DamagedRunError, RunFolder, run_key
from qlstm.sweeps.forecasts import (
    PROTOCOLS,
    TOGETHER,
    complete_config,
    fit_forecasts,
    forecast_kind,
    load_dataset,
    run_forecast,
    try_forecasts,
)
from qlstm.sweeps.table import run_rows, summarize, write_tables
from qlstm.sweeps.workers import (
    ExecutorError,
    ProcessWorkers,
    dask_workers,
    usable_cpus,
)

__all__ = [
    "PROTOCOLS",
    "TOGETHER",
    "DamagedRunError",
    "ExecutorError",
    "ProcessWorkers",
    "RunFolder",
    "Tally",
    "Together",
    "complete_config",
    "dask_workers",
    "expand_grid",
    "fit_forecasts",
    "forecast_kind",
    "load_dataset",
    "run_forecast",
    "run_key",
    "run_rows",
    "run_sweep",
    "summarize",
    "try_forecasts",
    "usable_cpus",
    "write_tables",
]
