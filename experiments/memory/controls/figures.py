"""The figure of the controls: capacity with and without dephasing."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.memory.controls.report import interval
from experiments.memory.controls.rules import BASES
from experiments.memory.controls.runs import Dephasing
from qlstm.plots import BLUE, GREY, ORANGE, new_figure

STYLES = {"Z": (BLUE, "s"), "X": (ORANGE, "^"), "eigenbasis": (GREY, "D")}


def draw_dephasing(found: list[Dephasing]) -> Figure:
    """Held-out R^2 of each task, a panel for each rotation."""
    rotations = list(dict.fromkeys(d.rotation for d in found))
    width = 6.5 * len(rotations)
    figure, axes = new_figure(1, len(rotations), figsize=(width, 4.8))
    figure.suptitle(
        "What a trained cell gets right, with its memory dephased after each step and "
        "not\n(mean over the seeds and 95 % interval)"
    )
    for ax, rotation in zip(axes[0], rotations, strict=True):
        _draw_tasks(ax, [d for d in found if d.rotation == rotation])
        ax.set_title(f"{rotation}, 2 + 2 wires", fontsize=11)
        ax.sharey(axes[0, 0])
    axes[0, 0].set_ylabel("held-out R²")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=3, loc="outside lower center", fontsize=9)
    return figure


def _draw_tasks(ax: Axes, found: list[Dephasing]) -> None:
    """The cell and its three dephased forms beside each other, for each task."""
    tasks = list(dict.fromkeys(d.task for d in found))
    for k, task in enumerate(tasks):
        mine = [d for d in found if d.task == task]
        label = "not dephased" if k == 0 else None
        _point(ax, k - 0.36, [d.quantum for d in mine], "black", "o", label)
        for j, basis in enumerate(BASES):
            x, (colour, marker) = k - 0.18 + 0.18 * j, STYLES[basis]
            cut = np.mean([d.cut_in[basis] for d in mine])
            again = [d.retrained[basis] for d in mine]
            label = f"{basis}, retrained" if k == 0 else None
            ax.plot([x, x], [cut, np.mean(again)], ":", color=colour, lw=1)
            _point(ax, x, again, colour, marker, label)
            label = f"{basis}, cut in" if k == 0 else None
            ax.plot(x, cut, marker, color=colour, mfc="white", ms=6, label=label)
        label = "echo state network, as many numbers" if k == 0 else None
        _point(ax, k + 0.36, [d.echo for d in mine], "#7a0177", "*", label)
        if k:
            ax.axvline(k - 0.5, color="#dddddd", lw=0.8, zorder=0)
    ax.axhline(0, color="black", lw=0.6)
    ax.set_xticks(range(len(tasks)), [task.replace(", ", ",\n") for task in tasks])
    ax.set(xlim=(-0.5, len(tasks) - 0.5), ylim=(-0.2, 1.05))


def _point(
    ax: Axes, x: float, values: list[float], colour: str, marker: str, label: str | None
) -> None:
    """A mean with its interval."""
    mean, low, high = interval(values)
    if len(values) > 1:
        ax.plot([x, x], [low, high], color=colour, lw=1.2)
    ax.plot(x, mean, marker, color=colour, ms=6, label=label)
