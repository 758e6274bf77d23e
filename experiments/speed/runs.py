"""The sections of `experiments.speed`: what is compared, and what came out, as rows.

A row is a dict of words and numbers that JSON takes. What stands in one row was timed
in turn. A floor is the least that the same work takes on this machine: the products or
the copies that no way around leaves out, timed in the same rounds.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from experiments.speed import ceilings as machine
from experiments.speed import ours, peers
from experiments.speed.timing import exponent, interleaved, quartiles
from experiments.speed.training import BACK, FORWARD
from qlstm import PAPER_MEMORIES, ROTATIONS, QLSTMConfig

Row = dict[str, Any]
PAPER_SECONDS = 2250
"""The paper's code, 150 epochs (PennyLane 0.45, torch 2.13), measured elsewhere."""
US, MS = 1e-6, 1e-3
FEW = 8
"""Models that are trained one by one, which take alike, in the place of many."""
N_BATCHES = 16
"""Minibatches of an epoch, and of a scan."""
LAYERS = 4
"""Of the simulator's circuit."""


class Sizes(NamedTuple):
    """How much is measured."""

    rounds: int
    """The most rounds of a comparison."""
    seconds: float
    """How long a comparison goes on."""
    models: tuple[int, ...]
    batches: tuple[int, ...]
    wires: tuple[int, ...]
    """Of the simulator."""
    registers: tuple[tuple[int, int], ...]
    """System and ancilla wires of the models on many wires."""
    runs: int
    """Processes of the sine run."""
    epochs: int
    """Epochs of it."""
    axes: dict[str, tuple[int, ...]]
    """What grows, and the sizes."""


FULL = Sizes(
    rounds=300,
    seconds=2.0,
    models=(1, 8, 50, 200),
    batches=(5, 16, 64, 256, 1000),
    wires=(2, 4, 8, 12, 16, 18, 20),
    registers=((4, 4), (6, 6), (10, 6)),
    runs=5,
    epochs=150,
    axes={
        "batch": (5, 20, 80, 320, 1280),
        "steps": (5, 10, 20, 40, 80),
        "layers": (1, 2, 4, 8, 16),
        "model wires": (2, 4, 6, 8, 10, 12),
        "models": (1, 4, 16, 64, 256),
        "simulator wires": (4, 8, 12, 16, 18, 20),
    },
)
QUICK = Sizes(
    rounds=3,
    seconds=0.1,
    models=(1, 8),
    batches=(5, 64),
    wires=(2, 4, 8),
    registers=((3, 3),),
    runs=1,
    epochs=2,
    axes={
        "batch": (5, 20),
        "steps": (5, 10),
        "layers": (1, 2),
        "model wires": (2, 4),
        "models": (1, 4),
        "simulator wires": (4, 8),
    },
)


def ceilings(sizes: Sizes, names: Sequence[str]) -> list[Row]:
    """What this machine's products, copies and gathers reach, and its calls."""
    found = machine.ceilings()
    jobs = {name: ceiling.job for name, ceiling in found.items()}
    seconds = interleaved(jobs, sizes.rounds, sizes.seconds)
    rates = {
        name: quartiles(ceiling.work / np.array(seconds[name]))
        for name, ceiling in found.items()
    }
    return [
        {"ceiling": name, "rate": rates[name], "in": ceiling.unit}
        for name, ceiling in found.items()
    ]


def many(sizes: Sizes, names: Sequence[str]) -> list[Row]:
    """`fit_many` beside `fit` one by one: microseconds a model and minibatch."""
    rows = []
    for name, config in paper_models():
        for n in sizes.models:
            few = min(n, FEW)
            jobs = {
                "one by one us": ours.one_by_one(config, few, N_BATCHES),
                "fit_many us": ours.together(config, n, N_BATCHES),
                "floor us": ours.products(config, ours.BATCH * ours.N_STEPS, n),
            }
            per = {"one by one us": few * N_BATCHES, "floor us": n}
            if "jax" in names:
                for whose, job in peers.jax_many(config, n, N_BATCHES).items():
                    jobs[f"{whose} us"] = job
            seconds = interleaved(jobs, sizes.rounds, sizes.seconds)
            row = {"model": name, "models": n}
            row |= {
                key: quartiles(times, per.get(key, n * N_BATCHES) * US)
                for key, times in seconds.items()
            }
            us = medians(row)
            row["times faster"] = us["one by one us"] / us["fit_many us"]
            rows.append(row | compared(us, "fit_many us"))
    return rows


def steps(sizes: Sizes, names: Sequence[str]) -> list[Row]:
    """Loss, gradient and Adam of one model, by the size of the minibatch."""
    rows, repeats = [], 20
    for name, config in paper_models():
        for batch in sizes.batches:
            n_batches = min(20, max(1, 400 // batch))
            jobs = {
                "step us": ours.minibatch(config, batch),
                "floor us": ours.products(config, batch * ours.N_STEPS),
                "unit us": ours.unit(repeats),
            }
            per = {"unit us": repeats}
            if "jax" in names:
                for whose, job in peers.jax_steps(config, batch, n_batches).items():
                    jobs[f"{whose} us"] = job
                    per[f"{whose} us"] = n_batches
            seconds = interleaved(jobs, sizes.rounds, sizes.seconds)
            row = {"model": name, "batch": batch}
            row |= {k: quartiles(t, per.get(k, 1) * US) for k, t in seconds.items()}
            us = medians(row)
            row["units"] = us["step us"] / us["unit us"]
            rows.append(row | compared(us, "step us"))
    return rows


def simulator(sizes: Sizes, names: Sequence[str]) -> list[Row]:
    """Four layers of RX and one <Z>: the floor passes once over each state.

    That is one state forward, and with a gradient two more on the way back.
    """
    rows = []
    for n in sizes.wires:
        angles = np.random.default_rng(n).uniform(0, 2 * np.pi, (LAYERS, n))
        others = peers.simulators(names, angles)
        mine = {"forward": ours.value, "gradient": ours.gradient}
        for what, n_passes in (("forward", FORWARD), ("gradient", FORWARD + BACK)):
            jobs = {
                "ours ms": partial(mine[what], angles),
                "floor ms": ours.passes((2**n,), n_passes),
            }
            if what == "forward":
                jobs["gate by gate ms"] = partial(ours.value_by_gates, angles)
            jobs |= {f"{name} ms": jobs_[what] for name, jobs_ in others.items()}
            seconds = interleaved(jobs, sizes.rounds, sizes.seconds)
            row = {"wires": n, "what": what}
            row |= {key: quartiles(times, MS) for key, times in seconds.items()}
            rows.append(row | compared(medians(row), "ours ms"))
    return rows


def training(sizes: Sizes, names: Sequence[str]) -> list[Row]:
    """A minibatch on many wires, each in a process of its own: seconds and memory."""
    rows = []
    for n_system, n_ancilla in sizes.registers:
        for rotation in ROTATIONS:
            command = [sys.executable, "-m", "experiments.speed.training", rotation]
            command += [str(n_system), str(n_ancilla), str(sizes.seconds)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout)
            row = {"wires": f"{n_system} + {n_ancilla}", "rotation": rotation}
            row["step ms"] = quartiles(found["step"], MS)
            row["floor ms"] = quartiles(found["floor"], MS)
            row["peak MB"] = found["peak"] / 1e6
            rows.append(row | compared(medians(row), "step ms"))
    return rows


def sine(sizes: Sizes, names: Sequence[str]) -> list[Row]:
    """The sine run of one rotation and one rule as a process, from import to files."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "experiments.sine", "--rotation", "RX"]
        command += ["--memory", "collapse", "--out", folder]
        command += ["--epochs", str(sizes.epochs)]

        def run() -> None:
            subprocess.run(command, check=True, capture_output=True)

        seconds = quartiles(interleaved({"run": run}, sizes.runs)["run"])
    row = {"run": "RX collapse", "epochs": sizes.epochs, "seconds": seconds}
    if sizes.epochs == FULL.epochs:
        row |= {"the paper's code s": PAPER_SECONDS}
        row |= {"times faster": PAPER_SECONDS / seconds[1]}
    return [row]


def growth(sizes: Sizes, names: Sequence[str]) -> list[Row]:
    """How the time grows along each axis, all sizes of an axis in turn.

    A model is RX `collapse`, 5 x 10, 2 + 2 wires and 2 layers but for the axis.
    """
    rows = []
    for axis, along in sizes.axes.items():
        jobs = {str(n): grown(axis, n) for n in along}
        seconds = interleaved(jobs, sizes.rounds, 2 * sizes.seconds)
        times = {n: quartiles(seconds[str(n)], MS) for n in along}
        middle = [times[n][1] for n in along]
        slopes = exponent(along, middle), exponent(along[-2:], middle[-2:])
        if axis.endswith("wires"):  # a state has 2^wires numbers
            states = [2.0**n for n in along]
            slopes = exponent(states, middle), exponent(states[-2:], middle[-2:])
        for n in along:
            rows.append({"axis": axis, "size": n, "ms": times[n]})
        rows[-1] |= {"exponent": slopes[0], "at the end": slopes[1]}
    return rows


def grown(axis: str, n: int) -> Callable[[], object]:
    """The job of one size along an axis."""
    if axis == "simulator wires":
        angles = np.random.default_rng(n).uniform(0, 2 * np.pi, (LAYERS, n))
        return partial(ours.gradient, angles)
    if axis == "models":
        return ours.together(QLSTMConfig(), n, 4)
    if axis == "batch":
        return ours.minibatch(QLSTMConfig(), n)
    if axis == "steps":
        return ours.minibatch(QLSTMConfig(), n_steps=n)
    if axis == "layers":
        return ours.minibatch(QLSTMConfig(n_layers=n))
    return ours.minibatch(QLSTMConfig(n_system=n // 2, n_ancilla=n // 2))


SECTIONS = {
    f.__name__: f for f in (ceilings, many, steps, simulator, training, sine, growth)
}
"""What is measured, and what `--only` selects from."""


def paper_models() -> Iterator[tuple[str, QLSTMConfig]]:
    """Both rotations with both rules of the paper, 2 + 2 wires, 2 layers."""
    for rotation in ROTATIONS:
        for memory in PAPER_MEMORIES:
            config = QLSTMConfig(rotation=rotation, memory=memory)
            yield f"{rotation} {memory}", config


def medians(row: Row) -> dict[str, float]:
    """The medians of what was timed."""
    return {key: value[1] for key, value in row.items() if isinstance(value, list)}


def compared(times: dict[str, float], mine: str) -> Row:
    """Our time in floors, and that of each peer in ours: above 1, we are faster."""
    unit = mine.split()[-1]
    found = {"floors": times[mine] / times[f"floor {unit}"]}
    own = (mine, f"floor {unit}", "one by one us", "unit us")
    for key, value in times.items():
        if key not in own:
            found[f"{key.removesuffix(' ' + unit)} / ours"] = value / times[mine]
    return found
