"""Which gradients are exact, and where does the textbook shift rule break?

``python -m experiments.gradients`` puts every gradient method beside reverse mode. The
error of a method is ``|g - g_reverse| / |g_reverse|`` over the circuit's angles, on
five windows of the noisy sine; median over several draws of the parameters. Watch
`naive-parameter-shift`: exact with one step, and no gradient beyond.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.linalg import norm

from qlstm import PAPER_MEMORIES, ROTATIONS, QLSTMConfig, init_params, loss_gradient
from qlstm.commands import (
    Parser,
    add_model_options,
    check_results,
    format_table,
    model_config,
    positive_int,
    run_main,
    seed_int,
    write_results,
)
from qlstm.files import versions
from qlstm.forecasting import SINE_PROTOCOLS, make_windows, noisy_sine
from qlstm.plots import new_figure

BATCH = 5
METHODS = {
    "reverse": ("black", "-"),
    "parameter-shift": ("#1f5f99", "o-"),
    "amplitude-shift": ("#7fb3d5", "s-"),
    "finite-difference": ("#777777", "^--"),
    "naive-parameter-shift": ("#d7191c", "x-"),
}
"""Colour and line of each method; the first is what the others are compared with."""


def options() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.gradients", __doc__)
    add = parser.add_argument
    add("--steps", type=positive_int, default=20, help="longest sequence")
    add("--draws", type=positive_int, default=5, help="draws of the parameters")
    add("--seed", type=seed_int, default=0, help="seed")
    add_model_options(parser)
    add("--out", type=Path, default=Path("results"), help="folder of the results")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, print, draw, write."""
    check_results(args.out, "gradients.json", "gradients.png")
    rows = []
    for rotation in ROTATIONS:
        for memory in PAPER_MEMORIES:
            config = model_config(args, rotation, memory)
            for n_steps in range(1, args.steps + 1):
                rows += measure(config, n_steps, args.draws, args.seed)
    print(table([row for row in rows if row.n_steps in (1, 2, 5, 10, 20)]))
    content = {
        "experiment": "gradients",
        "seed": args.seed,
        "draws": args.draws,
        "versions": versions(),
        "rows": [row._asdict() for row in rows],
    }
    write_results(args.out, {"gradients.json": content, "gradients.png": draw(rows)})


class Row(NamedTuple):
    """One method on one model and one length."""

    rotation: str
    memory: str
    n_steps: int
    method: str
    error: float
    worst: float
    evaluations: int
    seconds: float


def measure(config: QLSTMConfig, n_steps: int, draws: int, seed: int) -> list[Row]:
    """Errors, evaluations and times of all methods for one length."""
    rng = np.random.default_rng([seed, n_steps])
    windows = make_windows(noisy_sine(SINE_PROTOCOLS["figure"], rng), n_steps)
    found: dict[str, list[tuple]] = {method: [] for method in METHODS}
    for _ in range(draws):
        params = init_params(config, rng)
        chosen = rng.choice(len(windows.targets), BATCH, replace=False)
        inputs, targets = windows.inputs[chosen], windows.targets[chosen]
        for method, values in found.items():
            start = time.perf_counter()
            result = loss_gradient(params, inputs, targets, config, method)
            seconds = time.perf_counter() - start
            angles = np.append(result.grads.entangler, result.grads.disentangler)
            values.append((angles, seconds, result.evaluations // BATCH))
    exact, rows = [angles for angles, *_ in found["reverse"]], []
    for method, values in found.items():
        angles, seconds, evaluations = zip(*values, strict=True)
        errors = [norm(a - b) / norm(b) for a, b in zip(angles, exact, strict=True)]
        numbers = float(np.median(errors)), float(max(errors)), evaluations[0]
        name = config.rotation, config.memory, n_steps, method
        rows.append(Row(*name, *numbers, float(np.median(seconds))))
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text."""
    header = ["model", "steps", "method", "median error", "worst", "circuits", "ms"]
    cells = []
    for r in rows:
        numbers = [f"{r.error:.1e}", f"{r.worst:.1e}", str(r.evaluations)]
        numbers.append(f"{1e3 * r.seconds:.2f}")
        cells.append([f"{r.rotation} {r.memory}", str(r.n_steps), r.method, *numbers])
    return format_table(header, cells)


def draw(rows: list[Row]) -> Figure:
    """Errors for each model, and below what a gradient costs."""
    figure, axes = new_figure(3, 2, figsize=(11, 11.5))
    figure.suptitle("How far each gradient lies from reverse mode, and what it costs")
    models = [(rotation, memory) for rotation in ROTATIONS for memory in PAPER_MEMORIES]
    for ax, model in zip(axes[:2].flat, models, strict=True):
        for method, (colour, style) in list(METHODS.items())[1:]:
            steps, errors = _line(rows, *model, method, "error")
            look = {"color": colour, "label": method, "ms": 4, "lw": 1.2}
            ax.plot(steps, np.maximum(errors, 1e-17), style, **look)
        ax.axhline(1, color="black", lw=0.6, ls=":")
        ax.set(ylim=(1e-17, 1e2), ylabel="relative error of the gradient")
        ax.set_title(" ".join(model), fontsize=11)
    axes[0, 0].legend(fontsize=9, loc="center right", bbox_to_anchor=(1, 0.66))
    _draw_cost(axes[2, 0], rows, "evaluations", "circuits for one sequence")
    _draw_cost(axes[2, 1], rows, "seconds", f"seconds for {BATCH} sequences")
    for ax in axes.flat:
        ax.set(yscale="log", xlabel="steps in the sequence")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _draw_cost(ax: Axes, rows: list[Row], field: str, label: str) -> None:
    """What each method costs, a line style for each memory rule."""
    rotation, shown = rows[0].rotation, {}
    for memory, style in zip(PAPER_MEMORIES, ("-", "--"), strict=True):
        for method, (colour, _) in METHODS.items():
            steps, values = _line(rows, rotation, memory, method, field)
            if any(values):
                ax.plot(steps, values, style, color=colour)
                shown[method] = Line2D([], [], color=colour, label=method)
    ax.set_ylabel(label)
    ax.set_title(f"{rotation}: {label} (dashed: {PAPER_MEMORIES[1]})", fontsize=11)
    ax.margins(y=0.35)
    ax.legend(handles=list(shown.values()), fontsize=8, ncols=2, loc="upper left")


def _line(
    rows: list[Row], rotation: str, memory: str, method: str, field: str
) -> tuple[list[int], list[float]]:
    """Lengths, and a number of one method on one model at each."""
    name = rotation, memory, method
    mine = [r for r in rows if (r.rotation, r.memory, r.method) == name]
    return [r.n_steps for r in mine], [getattr(r, field) for r in mine]


if __name__ == "__main__":
    run_main(main, options())
