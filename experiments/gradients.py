"""Every gradient method beside reverse mode: ``python -m experiments.gradients``.

The error of a method is ``|g - g_reverse| / |g_reverse|`` over the circuit's angles, on
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

from qlstm import QLSTMConfig, QLSTMParams, init_params, loss_gradient
from qlstm.commands import (
    Parser,
    add_model_options,
    format_table,
    model_config,
    positive_int,
    run_main,
    seed_int,
)
from qlstm.files import versions, write_json
from qlstm.forecasting import SINE_PROTOCOLS, make_windows, noisy_sine
from qlstm.gradient import METHODS
from qlstm.params import PAPER_MEMORIES, ROTATIONS
from qlstm.plots import new_figure, save_figure

BATCH = 5
STYLES = {
    "parameter-shift": ("#1f5f99", "o-"),
    "amplitude-shift": ("#7fb3d5", "s-"),
    "finite-difference": ("#777777", "^--"),
    "naive-parameter-shift": ("#d7191c", "x-"),
}


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


def _angles(grads: QLSTMParams) -> np.ndarray:
    """The circuit's part of a gradient, flat."""
    return np.concatenate([grads.entangler.ravel(), grads.disentangler.ravel()])


def measure(config: QLSTMConfig, n_steps: int, draws: int, seed: int) -> list[Row]:
    """Errors, evaluations and times of all methods for one length."""
    rng = np.random.default_rng([seed, n_steps])
    windows = make_windows(noisy_sine(SINE_PROTOCOLS["figure"], rng), n_steps)
    errors: dict[str, list[float]] = {method: [] for method in METHODS}
    seconds: dict[str, list[float]] = {method: [] for method in METHODS}
    evaluations = {}
    for _ in range(draws):
        params = init_params(config, rng)
        rows = rng.choice(len(windows.targets), BATCH, replace=False)
        exact = None
        for method in METHODS:
            start = time.perf_counter()
            result = loss_gradient(
                params, windows.inputs[rows], windows.targets[rows], config, method
            )
            seconds[method].append(time.perf_counter() - start)
            found = _angles(result.grads)
            exact = found if exact is None else exact  # reverse mode comes first
            errors[method].append(norm(found - exact) / norm(exact))
            evaluations[method] = result.evaluations // BATCH
    return [
        Row(
            config.rotation,
            config.memory,
            n_steps,
            method,
            float(np.median(errors[method])),
            float(np.max(errors[method])),
            evaluations[method],
            float(np.median(seconds[method])),
        )
        for method in METHODS
    ]


norm = np.linalg.norm


def table(rows: list[Row], lengths: list[int]) -> str:
    """The rows of some lengths as text."""
    cells = [
        [
            f"{row.rotation} {row.memory}",
            str(row.n_steps),
            row.method,
            f"{row.error:.1e}",
            f"{row.worst:.1e}",
            str(row.evaluations),
            f"{1e3 * row.seconds:.2f}",
        ]
        for row in rows
        if row.n_steps in lengths
    ]
    header = ["model", "steps", "method", "median error", "worst", "circuits", "ms"]
    return format_table(header, cells)


def draw(rows: list[Row]) -> Figure:
    """Errors for each model, and below what a gradient costs."""
    figure, axes = new_figure(3, 2, figsize=(11, 11.5))
    figure.suptitle(
        "Three exact gradients, and a naive shift that is none beyond one step"
    )
    panels = [(rotation, memory) for rotation in ROTATIONS for memory in PAPER_MEMORIES]
    for ax, (rotation, memory) in zip(axes[:2].flat, panels, strict=False):
        for method, (colour, style) in STYLES.items():
            mine = [
                r
                for r in rows
                if (r.rotation, r.memory, r.method) == (rotation, memory, method)
            ]
            ax.plot(
                [r.n_steps for r in mine],
                [max(r.error, 1e-17) for r in mine],
                style,
                color=colour,
                label=method,
                ms=4,
                lw=1.2,
            )
        ax.axhline(1, color="black", lw=0.6, ls=":")
        ax.set_yscale("log")
        ax.set_ylim(1e-17, 1e2)
        ax.set(xlabel="steps in the sequence", ylabel="relative error of the gradient")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_title(f"{rotation} {memory}", fontsize=11)
    axes[0, 0].legend(fontsize=9, loc="center right", bbox_to_anchor=(1, 0.66))
    _draw_cost(axes[2, 0], rows, "evaluations", "circuits for one sequence")
    _draw_cost(axes[2, 1], rows, "seconds", f"seconds for {BATCH} sequences")
    return figure


def _draw_cost(ax: Axes, rows: list[Row], field: str, label: str) -> None:
    """What each method costs, a line style for each memory rule."""
    rotation = rows[0].rotation
    colours = {"reverse": "black"} | {m: colour for m, (colour, _) in STYLES.items()}
    shown = []
    for memory, style in zip(PAPER_MEMORIES, ("-", "--"), strict=False):
        for method, colour in colours.items():
            model = (rotation, memory, method)
            mine = [r for r in rows if (r.rotation, r.memory, r.method) == model]
            values = [getattr(r, field) for r in mine]
            if any(values):
                ax.plot([r.n_steps for r in mine], values, style, color=colour)
                shown.append(method)
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="steps in the sequence", ylabel=label)
    ax.set_title(f"{rotation}: {label} (dashed: {PAPER_MEMORIES[1]})", fontsize=11)
    handles = [Line2D([], [], color=colours[m], label=m) for m in dict.fromkeys(shown)]
    ax.margins(y=0.35)
    ax.legend(handles=handles, fontsize=8, ncols=2, loc="upper left")


def main(args: argparse.Namespace) -> None:
    """Measure, print, draw, write."""
    rows = []
    for rotation in ROTATIONS:
        for memory in PAPER_MEMORIES:
            config = model_config(args, rotation, memory)
            for n_steps in range(1, args.steps + 1):
                rows += measure(config, n_steps, args.draws, args.seed)
    print(table(rows, [1, 2, 5, 10, 20]))
    content = {
        "experiment": "gradients",
        "seed": args.seed,
        "draws": args.draws,
        "versions": versions(),
        "rows": [row._asdict() for row in rows],
    }
    write_json(args.out / "gradients.json", content)
    save_figure(args.out / "gradients.png", draw(rows))
    print(f"\nWrote {args.out / 'gradients.json'}, {args.out / 'gradients.png'}.")


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.gradients", __doc__)
    add = parser.add_argument
    add("--steps", type=positive_int, default=20, help="longest sequence")
    add("--draws", type=positive_int, default=5, help="draws of the parameters")
    add("--seed", type=seed_int, default=0, help="seed")
    add_model_options(parser)
    add("--out", type=Path, default=Path("results"), help="folder for what is written")
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
