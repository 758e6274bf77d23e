"""Draw the model of docs/cell.md: ``python docs/draw_pictures.py [folder]``.

One picture of every kind that `qlstm.plots` has.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qlstm import QLSTMConfig, QLSTMParams
from qlstm.forecasting import (
    SINE_PROTOCOLS,
    conformal_intervals,
    coverage,
    noisy_sine,
    prepare,
)
from qlstm.forecasting.baselines import Autoregression
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
    """One step ahead on the noisy sine: AR(10), with intervals from its validation."""
    protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng, 300), protocol, rng)
    model = Autoregression().fit(data.train.inputs, data.train.targets, rng=rng)
    checked, test = data.validation, data.test
    residuals = checked.targets - model.predict(checked.inputs).ravel()
    ahead = model.predict(test.inputs).ravel()
    intervals = conformal_intervals(ahead, residuals, alpha=0.1)
    hit = coverage(intervals, test.targets).share
    start = int(test.index[0])
    history = pd.Series(data.values[start - 40 :], np.arange(start - 40, 300))
    ax = plot_forecast(
        history,
        pd.Series(ahead, test.index),
        lower=intervals.lower,
        upper=intervals.upper,
        level=0.9,
        title=f"AR(10) on the noisy sine: {hit:.0%} of the test lies inside",
    )
    ax.set_xlabel("step")
    return ax.figure


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
