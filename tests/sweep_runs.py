"""Runs that leave traces, for tests of sweeps; a sweep of them as a process."""

import os
import signal
import time
import uuid
import warnings
from collections import Counter
from pathlib import Path

from qlstm.commands import Parser, add_sweep_options, run_configs, run_main
from qlstm.memory import RULES


def logged(config):
    """A run that logs its beginning and its end, and may die or fail in between."""
    log, name = Path(config["log"]), config["name"]
    before = len(list(log.glob(f"{name}.begun.*")))
    (log / f"{name}.begun.{uuid.uuid4().hex}").touch()
    if before < config.get("deaths", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(config.get("seconds", 0))
    while config.get("waits") and not (log / "gate").exists():
        time.sleep(0.01)
    if "error" in config:
        raise ValueError(config["error"])
    (log / f"{name}.ended.{uuid.uuid4().hex}").touch()
    return {"name": name, "square": config["name"] ** 2}


def logged_configs(log, n, **more):
    """Configurations of `logged`."""
    log.mkdir(exist_ok=True)
    return [{"log": str(log), "name": k} | more for k in range(n)]


def waiting_configs(log, n, n_waiting):
    """Those, of which the last ones wait for a file."""
    configs = logged_configs(log, n)
    return configs[: n - n_waiting] + [
        config | {"waits": True} for config in configs[n - n_waiting :]
    ]


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


def main(args):
    """Do the runs."""
    configs = waiting_configs(args.out / "log", args.runs, args.waiting)
    run_configs(logged, configs, args)


if __name__ == "__main__":
    parser = Parser(None, __doc__, prog="sweep_runs")
    for name in ("runs", "waiting"):
        parser.add_argument(name, type=int)
    add_sweep_options(parser, Path("out"))
    run_main(main, parser)
