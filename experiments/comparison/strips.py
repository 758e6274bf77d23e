"""The figure of a comparison: a row for each model, a point for each seed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from qlstm.plots import BLUE, GREY, ORANGE, new_figure

STYLES = {
    "baseline": ("o", "none", GREY, "classical"),
    "reservoir": ("^", ORANGE, ORANGE, "quantum, untrained"),
    "quantum": ("D", BLUE, BLUE, "quantum, trained"),
    "context": ("o", "none", GREY, "for comparison"),
}
"""By kind: marker, its face, its edge, and what the legend says."""


class Strip(NamedTuple):
    """A row of the figure."""

    label: str
    kind: str
    values: Sequence[float]
    """By seed."""


def draw_strips(
    strips: Sequence[Strip],
    lines: dict[str, tuple[float, dict[str, Any]]],
    title: str,
    height: float,
    scale: str = "linear",
) -> tuple[Figure, Axes]:
    """Every row with its name, the first above, and a legend below.

    Args:
        strips: The rows.
        lines: By what the legend says: where a vertical line stands, and its style.
        title: Title of the figure.
        height: Of the figure, in inches.
        scale: Of x.

    Returns:
        The figure, and its axes without a label of x.
    """
    figure, axes = new_figure(1, 1, figsize=(9, height))
    ax = axes[0, 0]
    ax.set_xscale(scale)
    for k, strip in enumerate(strips):
        _draw_strip(ax, k, strip)
    for label, (x, style) in lines.items():
        ax.axvline(x, label=label, **style)
    ax.set_yticks(range(len(strips)), [strip.label for strip in strips])
    ax.set_ylim(len(strips) - 0.4, -0.6)
    ax.grid(axis="x", color="#eeeeee", zorder=0)
    ax.set_axisbelow(True)
    figure.suptitle(title)
    kinds = {strip.kind for strip in strips}
    handles = [
        Line2D([], [], marker=m, mfc=face, mec=edge, ls="", label=text)
        for kind, (m, face, edge, text) in STYLES.items()
        if kind in kinds
    ]
    median = Line2D([], [], color="black", lw=2, label="median, on the quartiles")
    handles += [median, *ax.get_legend_handles_labels()[0]]
    below = "outside lower center"
    figure.legend(handles=handles, loc=below, ncols=3, fontsize=11, frameon=False)
    return figure, ax


def _draw_strip(ax: Axes, row: int, strip: Strip) -> None:
    """The points of a row, a bar between the quartiles and a line at the median."""
    values = strip.values
    marker, face, edge, _ = STYLES[strip.kind]
    spread = np.linspace(-0.28, 0.28, len(values)) if len(values) > 1 else [0.0]
    points = {"mfc": face, "mec": edge, "ms": 4, "mew": 0.8, "alpha": 0.75}
    ax.plot(values, row + np.asarray(spread), marker, zorder=3, **points)
    low, median, high = np.percentile(values, [25, 50, 75])
    ax.barh(row, high - low, 0.78, left=low, color="#dddddd", zorder=1)
    ax.plot([median, median], [row - 0.39, row + 0.39], color="black", lw=2, zorder=4)


def plain_numbers(ax: Axes) -> None:
    """Numbers without powers at the major ticks of x, none at the minor ones."""
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
