"""Many runs, each done once, on processes or a cluster."""

from qlstm.sweeps.engine import Tally, expand_grid, run_sweep
from qlstm.sweeps.files import DamagedRunError, RunFolder, run_key
from qlstm.sweeps.workers import (
    ExecutorError,
    ProcessWorkers,
    dask_workers,
    usable_cpus,
)

__all__ = [
    "DamagedRunError",
    "ExecutorError",
    "ProcessWorkers",
    "RunFolder",
    "Tally",
    "dask_workers",
    "expand_grid",
    "run_key",
    "run_sweep",
    "usable_cpus",
]
