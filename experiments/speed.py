"""How fast are the simulator and training, beside others and on this machine?

``python -m experiments.speed``: one thread, medians, and what is compared is timed in
turn in the same run. The unit of a minibatch is one ``(5, 16) @ (16, 16)`` complex
product: it drifts as the machine does.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from qlstm import (
    PAPER_MEMORIES,
    ROTATIONS,
    QLSTMConfig,
    adam_init,
    adam_update,
    init_params,
    loss_and_grad,
)
from qlstm.commands import (
    Parser,
    ensure_one_thread,
    format_table,
    positive_int,
    run_main,
)
from qlstm.files import versions
from qsim import (
    entangling_layer,
    entangling_layers,
    entangling_layers_backward,
    expval_z,
    zero_state,
)

PAPER_SECONDS = 2250
"""The paper's code, 150 epochs (PennyLane 0.45, torch 2.13), measured elsewhere."""


def options() -> Parser:
    """The options of this benchmark."""
    parser = Parser("experiments.speed", __doc__)
    add = parser.add_argument
    add("--rounds", type=positive_int, default=300, help="minibatches to time")
    add("--runs", type=int, default=5, help="whole processes to time")
    add("--lightning", action="store_true", help="also the simulator (extra bench)")
    add("--wires", type=positive_int, nargs="+", default=[2, 4, 8, 12, 16, 18, 20])
    add("--simulator-rounds", type=positive_int, default=5)
    return parser


def main(args: argparse.Namespace) -> None:
    """Time what was asked for, in one thread."""
    ensure_one_thread("experiments.speed")
    print(", ".join(f"{name} {number}" for name, number in versions().items()))
    print("\n" + minibatches(args.rounds))
    if args.runs:
        print("\n" + whole_process(args.runs))
    if args.lightning:
        print("\n" + simulator(args.wires, args.simulator_rounds))


def interleaved(
    jobs: dict[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Seconds of each job, one of each in every round, after a round to warm up."""
    seconds = {name: [] for name in jobs}
    for round_ in range(rounds + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if round_ > 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def minibatches(rounds: int) -> str:
    """Loss, gradient and Adam on 5 sequences of 10 steps, in units and microseconds."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.uniform(-1, 1, (5, 10, 1)), rng.uniform(-1, 1, 5)
    left = rng.normal(size=(5, 16)) + 1j * rng.normal(size=(5, 16))
    right = rng.normal(size=(16, 16)) + 1j * rng.normal(size=(16, 16))
    repeats = 20
    jobs = {"unit": lambda: [left @ right for _ in range(repeats)]}
    for rotation in ROTATIONS:
        for memory in PAPER_MEMORIES:
            config = QLSTMConfig(rotation=rotation, memory=memory)
            params = init_params(config, rng)
            state = adam_init(params)

            def step(params=params, state=state, config=config):
                _, grads = loss_and_grad(params, inputs, targets, config)
                adam_update(params, grads, state)

            jobs[f"{rotation} {memory}"] = step
    seconds = interleaved(jobs, rounds)
    unit = np.median(seconds.pop("unit")) / repeats
    rows = []
    for name, times in seconds.items():
        quartiles = np.quantile(times, [0.25, 0.5, 0.75])
        cells = [f"{1e6 * t:.0f}" for t in quartiles]
        rows.append([name, *cells, f"{quartiles[1] / unit:.0f}"])
    header = ["minibatch", "quarter us", "median us", "three quarters us", "units"]
    table = format_table(header, rows)
    return f"{table}\none unit: {1e6 * unit:.2f} us, {rounds} minibatches each"


def whole_process(runs: int) -> str:
    """The sine run of one rotation and one rule, from import to files."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "experiments.sine", "--rotation", "RX"]
        command += ["--memory", "collapse", "--out", folder]

        def run() -> None:
            subprocess.run(command, check=True, capture_output=True)

        seconds = interleaved({"run": run}, runs)["run"]
    median = np.median(seconds)
    return (
        f"sine run as a process, 150 epochs, RX collapse: median {median:.2f} s of "
        f"{runs} (from {min(seconds):.2f} to {max(seconds):.2f}); "
        f"{PAPER_SECONDS / median:.0f} times the speed of the paper's code, whose "
        f"{PAPER_SECONDS} s were measured elsewhere"
    )


def simulator(wires: list[int], rounds: int, n_layers: int = 4) -> str:
    """Layers and one <Z>: ours, ours gate by gate, lightning.qubit; and gradients."""
    try:
        import pennylane as qml

        lightning = version("pennylane-lightning")
    except (ImportError, PackageNotFoundError):
        raise ImportError(
            'Option --lightning needs PennyLane: pip install "qlstm[bench]".'
        ) from None
    rows = []
    for n in wires:
        angles = np.random.default_rng(n).uniform(0, 2 * np.pi, (n_layers, n))
        theirs = _lightning_node(qml, n)
        trainable = qml.numpy.array(angles, requires_grad=True)
        gradient = qml.grad(theirs)
        _check(f"gradients on {n} wires", _gradient(angles), gradient(trainable))
        _check(f"values on {n} wires", _value(angles), _value_by_gates(angles))
        jobs = {
            "ours": lambda angles=angles: _value(angles),
            "gate by gate": lambda angles=angles: _value_by_gates(angles),
            "theirs": lambda f=theirs, x=trainable: f(x),
            "our gradient": lambda angles=angles: _gradient(angles),
            "their gradient": lambda f=gradient, x=trainable: f(x),
        }
        seconds = interleaved(jobs, rounds)
        ms = {name: 1e3 * np.median(times) for name, times in seconds.items()}
        rows.append([str(n), *(f"{value:.2f}" for value in ms.values())])
        rows[-1].append(f"{ms['theirs'] / ms['ours']:.1f}")
        rows[-1].append(f"{ms['their gradient'] / ms['our gradient']:.1f}")
    header = ["wires", "forward ms", "gate by gate ms", "lightning ms", "gradient ms"]
    header += ["lightning ms", "forward ratio", "gradient ratio"]
    table = format_table(header, rows)
    return f"{table}\nlightning.qubit {lightning}, {rounds} rounds, RX, 4 layers"


def _check(what: str, ours: np.ndarray, others: np.ndarray) -> None:
    """Time nothing that is not the same."""
    difference = np.abs(ours - others).max()
    if difference > 1e-10:
        raise ValueError(f"The {what} differ by {difference:.1e}.")


def _lightning_node(qml, n_wires: int) -> Callable:
    """The circuit as a QNode on lightning.qubit with its adjoint gradient."""

    @qml.qnode(qml.device("lightning.qubit", wires=n_wires), diff_method="adjoint")
    def node(angles):
        qml.BasicEntanglerLayers(angles, wires=range(n_wires), rotation=qml.RX)
        return qml.expval(qml.PauliZ(0))

    return node


def _value(angles: np.ndarray) -> np.ndarray:
    """``<Z>`` of wire 0 after the layers."""
    return expval_z(entangling_layers(zero_state(angles.shape[1]), angles), 0)


def _value_by_gates(angles: np.ndarray) -> np.ndarray:
    """The same by the definition of a layer, one gate after the other."""
    state = zero_state(angles.shape[1])
    for row in angles:
        state = entangling_layer(state, row)
    return expval_z(state, 0)


def _gradient(angles: np.ndarray) -> np.ndarray:
    """``<Z>`` of wire 0, then its gradient: ``grad psi = 2 Z psi``, undone."""
    state = entangling_layers(zero_state(angles.shape[1]), angles)
    expval_z(state, 0)
    grad_state = 2 * state
    grad_state[:, 1] *= -1
    return entangling_layers_backward(state, grad_state, angles)[2]


if __name__ == "__main__":
    run_main(main, options())
