"""Runs that leave traces, for tests of sweeps; a sweep of them as a process."""

import os
import signal
import sys
import time
import uuid
import warnings
from collections import Counter
from pathlib import Path

from qlstm.memory import RULES
from qlstm.sweeps import ProcessWorkers, run_sweep


def logged(config):
    """A run that logs its beginning and its end, and may die or fail in between."""
    log, name = Path(config["log"]), config["name"]
    before = len(list(log.glob(f"{name}.begun.*")))
    (log / f"{name}.begun.{uuid.uuid4().hex}").touch()
    if before < config.get("deaths", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(config.get("seconds", 0))
    if "error" in config:
        raise ValueError(config["error"])
    (log / f"{name}.ended.{uuid.uuid4().hex}").touch()
    return {"name": name, "square": config["name"] ** 2}


def logged_configs(log, n, **more):
    """Configurations of `logged`."""
    log.mkdir(exist_ok=True)
    return [{"log": str(log), "name": k} | more for k in range(n)]


def counts(log, event):
    """How often each run has `begun` or `ended`."""
    names = (path.name.split(".") for path in log.glob(f"*.{event}.*"))
    return Counter(int(name) for name, *_ in names)


def environment(config):
    """What a worker's environment says about threads."""
    return {"pid": os.getpid(), "threads": os.environ.get("OPENBLAS_NUM_THREADS")}


def knows_rule(config):
    """Whether the worker knows a memory rule."""
    return {"known": config["memory"] in RULES, "pid": os.getpid()}


def leave(config):
    """A run that ends its process politely."""
    raise SystemExit("enough")


def warn(config):
    """A run that warns twice of one thing."""
    for _ in range(2):
        warnings.warn("careful", stacklevel=1)
    return {}


def not_a_dict(config):
    """A run without a name for its result."""
    return 3


def not_finite(config):
    """A run with a result that JSON does not have."""
    return {"mse": float("nan")}


if __name__ == "__main__":
    folder, n_runs, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    configs = logged_configs(folder / "log", n_runs, seconds=seconds)
    with ProcessWorkers(2) as workers:
        print(*run_sweep(logged, configs, folder, workers), flush=True)
