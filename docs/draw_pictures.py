"""Draw the model of cell.md with `qlstm.plots`: ``python docs/draw_pictures.py``.

Names of figures choose a few of them, ``--out`` another folder, ``--all`` every one.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qlstm import QLSTMConfig, QLSTMParams
from qlstm.insight import Trace, gradient_memory, trace
from qlstm.plots import (
    draw_circuit,
    draw_window,
    new_figure,
    plot_amplitudes,
    plot_bloch,
    plot_branches,
    plot_dependence,
    plot_forecast,
    plot_ledger,
    plot_registers,
    save_figure,
)

CONFIG = QLSTMConfig(n_system=2, n_ancilla=2, n_layers=1, rotation="RY")
PARAMS = QLSTMParams(
    proj_weight=np.array([[1.0, 0.0, -2.0, 0.5]]),
    proj_bias=np.array([1.0, 0.8, 0.4, 0.1]),
    entangler=np.array([[0.3, 0.9, 0.5, 0.7]]),
    disentangler=np.array([[0.2, 0.4, 0.8, 0.6]]),
)
"""The model of docs/cell.md."""
WINDOW = np.array([[0.6], [-0.3], [0.9], [0.1], [-0.7]])
IN_DOCS = ("cell_circuit", "cell_registers", "cell_window", "cell_branches")
"""What the pages show."""


def ledger() -> Trace:
    """The window through the cell."""
    return trace(PARAMS, WINDOW[None], CONFIG)


def registers() -> Figure:
    """The joint state of the first step, before the gates and after."""
    steps = ledger()
    before = np.outer(steps.encoded[0, 0], steps.memory_before[0, 0])
    figure, axes = new_figure(1, 2, figsize=(11, 4.4))
    for ax, state, when in zip(
        axes[0], (before, steps.state_out[0, 0]), ("before", "after"), strict=True
    ):
        plot_registers(state, ax=ax)
        ax.set_title(f"{when} the gates: {ax.get_title()}", fontsize=11)
    return figure


def forecast() -> Figure:
    """Two weeks of a made-up temperature."""
    days = pd.date_range("2024-03-01", periods=60)
    values = 8 + 6 * np.sin(np.arange(60) / 9) + np.cos(np.arange(60) * 1.7)
    past, ahead = pd.Series(values, days)[:46], pd.Series(values, days)[46:]
    shift = 0.4 * np.sqrt(np.arange(1, 15))
    return plot_forecast(
        past, ahead, lower=ahead - shift, upper=ahead + shift, level=0.9, unit="°C",
        title="Two weeks ahead: the interval widens",
    ).figure  # fmt: skip


PICTURES = {
    "cell_circuit": lambda: draw_circuit(CONFIG, PARAMS).figure,
    "cell_registers": registers,
    "cell_window": lambda: draw_window(ledger(), CONFIG, inputs=WINDOW).figure,
    "cell_branches": lambda: plot_branches(PARAMS, WINDOW, CONFIG, least=0.03).figure,
    "cell_amplitudes": lambda: (
        plot_amplitudes(ledger().state_out[0, 0], n_system=2).figure
    ),
    "cell_bloch": lambda: plot_bloch(ledger()),
    "cell_dependence": lambda: (
        plot_dependence(
            gradient_memory(PARAMS, WINDOW[None], CONFIG), inputs=WINDOW[:, 0]
        ).figure
    ),
    "cell_ledger": lambda: plot_ledger(ledger()),
    "forecast": forecast,
}


def main() -> None:
    """Write the figures that are asked for as SVG."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PICTURES))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "figures")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--format", choices=("svg", "pdf", "png"), default="svg")
    args = parser.parse_args()
    for name in args.names or (PICTURES if args.all else IN_DOCS):
        if name not in PICTURES:
            parser.error(f"no figure {name!r}; there are {', '.join(PICTURES)}")
        save_figure(args.out / f"{name}.{args.format}", PICTURES[name]())


if __name__ == "__main__":
    main()
