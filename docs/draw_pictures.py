"""Draw the model of docs/cell.md: ``python docs/draw_pictures.py [folder]``.

One picture of every kind that `qlstm.plots` has.
"""

import sys
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


def main(folder: Path) -> None:
    """Write every picture as SVG into the folder."""
    for name, draw in PICTURES.items():
        save_figure(folder / f"{name}.svg", draw())


if __name__ == "__main__":
    default = Path(__file__).parent / "figures"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
