"""A run of a sweep that knows a memory rule by its name alone."""

import os
import time
from pathlib import Path

import numpy as np

from qlstm import QLSTMConfig, fit, init_params


def fitted(config):
    """Train a small model, once as many processes as wanted have begun one."""
    meeting, deadline = Path(config["meeting"]), time.monotonic() + 600
    (meeting / str(os.getpid())).touch()
    while len(list(meeting.iterdir())) < config["processes"]:
        assert time.monotonic() < deadline, "the others never came"
        time.sleep(0.01)
    rng = np.random.default_rng(config["seed"])
    model = QLSTMConfig(memory=config["memory"], n_system=1, n_ancilla=1)
    inputs, targets = rng.uniform(-1, 1, (6, 3, 1)), rng.uniform(-0.5, 0.5, 6)
    params = init_params(model, rng)
    _, history = fit(params, inputs, targets, model, epochs=2, rng=rng)
    return {"loss": history["loss"]}
