"""The figure of `experiments.speed`: how the time grows."""

import numpy as np
from matplotlib.figure import Figure

from experiments.speed.runs import Row
from qlstm.plots import BLUE, GREY, new_figure


def draw_growth(rows: list[Row]) -> Figure:
    """Every axis in a panel, with the slope of its last two points."""
    axes = list(dict.fromkeys(row["axis"] for row in rows))
    n_columns = 3
    figure, panels = new_figure(-(-len(axes) // n_columns), n_columns, figsize=(12, 7))
    figure.suptitle(
        "Small sizes cost calls, not arithmetic: the lines begin flat "
        "(dashed: the power at the end)"
    )
    for axis, ax in zip(axes, panels.flat, strict=False):
        mine = [row for row in rows if row["axis"] == axis]
        sizes = np.array([row["size"] for row in mine])
        low, median, high = np.transpose([row["ms"] for row in mine])
        bars = [median - low, high - median]
        ax.errorbar(sizes, median, bars, color=BLUE, marker="o", ms=5, lw=1.2)
        wires, slope = axis.endswith("wires"), mine[-1]["at the end"]
        growth = 2.0 ** (sizes - sizes[-1]) if wires else sizes / sizes[-1]
        ax.plot(sizes, median[-1] * growth**slope, "--", color=GREY, lw=1)
        ax.set_yscale("log")
        ax.set_ylim(median.min() / 2, median.max() * 2)
        if not wires:
            ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.minorticks_off()
        what = "amplitudes" if wires else axis
        ax.set_title(f"at the end, time ~ {what}^{slope:.2f}", fontsize=11)
        ax.set(xlabel=axis, ylabel="time (ms)")
    return figure
