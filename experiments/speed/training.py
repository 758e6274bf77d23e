"""One model on many wires, in a process of its own, so that its memory can be told.

``python -m experiments.speed.training RX 4 4 3.0`` prints a line of JSON.
"""

import json
import re
import resource
import sys
from pathlib import Path

from experiments.speed.ours import BATCH, N_STEPS, minibatch, passes
from experiments.speed.timing import interleaved
from qlstm import QLSTMConfig

FORWARD, BACK = 1, 2
"""Passes over a state that nothing leaves out: there, and with its gradient back."""


def measure(
    rotation: str, n_system: int, n_ancilla: int, seconds: float
) -> dict[str, object]:
    """Seconds of minibatches and of the copies beneath them, and bytes at the peak."""
    config = QLSTMConfig(rotation=rotation, n_system=n_system, n_ancilla=n_ancilla)
    before = peak_bytes()
    step = minibatch(config)
    step()
    peak = peak_bytes() - before
    n_passes = N_STEPS * (FORWARD + BACK)
    floor = passes((BATCH, 2**config.n_wires), n_passes, rotation)
    jobs = {"step": step, "floor": floor}
    return interleaved(jobs, 100, seconds) | {"peak": peak}


def peak_bytes() -> int:
    """The most memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss may count the process that started this one, too
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


if __name__ == "__main__":
    name, *sizes, budget = sys.argv[1:]
    print(json.dumps(measure(name, *map(int, sizes), float(budget))))
