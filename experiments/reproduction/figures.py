"""The figure: test errors of every model under every protocol."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from experiments.reproduction.runs import Reading, summarize
from qlstm.plots import BLUE, GREY, ORANGE, new_figure

STYLES = {
    "RX collapse": {"fmt": "o", "color": BLUE},
    "RX probabilities": {"fmt": "s", "color": BLUE, "mfc": "white"},
    "RY collapse": {"fmt": "o", "color": ORANGE},
    "RY probabilities": {"fmt": "s", "color": ORANGE, "mfc": "white"},
    "persistence": {"fmt": "D", "color": GREY},
    "AR(10)": {"fmt": "^", "color": "black"},
}


def draw(readings: list[Reading]) -> Figure:
    """Test errors as medians with quartiles: a panel a series, a group a protocol."""
    panels: dict[str, list[Reading]] = {}
    for reading in readings:
        panels.setdefault(reading.name.split()[0], []).append(reading)
    figure, axes = new_figure(len(panels), 1, figsize=(9, 0.8 + 3.9 * len(panels)))
    figure.suptitle("Read every model beside persistence and AR(10)")
    for ax, (task, group) in zip(axes[:, 0], panels.items(), strict=True):
        _draw_panel(ax, task, group)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=9)
    return figure


def _draw_panel(ax: Axes, task: str, group: list[Reading]) -> None:
    """One series; each protocol has its models side by side."""
    for k, (name, style) in enumerate(STYLES.items()):
        found = [summarize(reading.runs[name])["mse"] for reading in group]
        median, low, high = np.array([list(cuts.values()) for cuts in found]).T
        x = np.arange(len(group)) + 0.13 * (k - (len(STYLES) - 1) / 2)
        ax.errorbar(
            x, median, [median - low, high - median], label=name, capsize=3, **style
        )
    for k in range(1, len(group)):
        ax.axvline(k - 0.5, color="#cccccc", lw=0.8)
    ax.set_xticks(range(len(group)), [reading.name.split()[1] for reading in group])
    ax.set_xlim(-0.5, len(group) - 0.5)
    ax.tick_params(axis="x", length=0)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    wide = LogLocator(subs=(1, 1.5, 2, 3, 5, 7))
    ax.yaxis.set_major_locator(wide if high > 3 * low else MaxNLocator(6))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.grid(axis="y", color="#eeeeee")
    ax.set_axisbelow(True)
    unit = "" if task == "sine" else ", scaled units"
    title = f"{task}: median and quartiles over {len(group[0].runs[name])} seeds"
    ax.set(title=title, xlabel="protocol", ylabel=f"test MSE{unit}")
