"""The figures of the comparisons: a row for each model, a point for each seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from qlstm.plots import BLUE, GREY, ORANGE, new_figure

STYLES = {
    "baseline": ("o", "none", GREY, "classical"),
    "reservoir": ("^", ORANGE, ORANGE, "quantum, untrained"),
    "quantum": ("D", BLUE, BLUE, "quantum, trained"),
    "context": ("o", "none", GREY, "for comparison"),
}
"""By kind: marker, its face, its edge, and what the legend says."""


def draw_strip(ax: Axes, values: Sequence[float], row: int, kind: str) -> None:
    """The points of a row, a bar between the quartiles and a line at the median."""
    marker, face, edge, _ = STYLES[kind]
    spread = np.linspace(-0.28, 0.28, len(values)) if len(values) > 1 else [0.0]
    ax.plot(
        values,
        row + np.asarray(spread),
        marker,
        mfc=face,
        mec=edge,
        ms=4,
        mew=0.8,
        alpha=0.75,
        zorder=3,
    )
    low, median, high = np.percentile(values, [25, 50, 75])
    ax.barh(row, high - low, 0.78, left=low, color="#dddddd", zorder=1)
    ax.plot([median, median], [row - 0.39, row + 0.39], color="black", lw=2, zorder=4)


def finish(ax: Axes, labels: Sequence[str], kinds: Sequence[str]) -> None:
    """Names of the rows, the best above, and a legend of the markers."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.grid(axis="x", color="#eeeeee", zorder=0)
    ax.set_axisbelow(True)
    handles = [
        Line2D([], [], marker=m, mfc=face, mec=edge, ls="", label=text)
        for kind, (m, face, edge, text) in STYLES.items()
        if kind in kinds
    ]
    median = Line2D([], [], color="black", lw=2, label="median, on the quartiles")
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    ax.figure.legend(
        handles=[*handles, median, *lines],
        loc="outside lower center",
        ncols=3,
        fontsize=9,
        frameon=False,
    )


def draw_benchmark(
    rows: Sequence[Any], line: str, dotted: str, floor: float | None
) -> Figure:
    """Test errors of every model on a logarithmic axis.

    Args:
        rows: Rows with `label`, `kind`, `test_mse` and `values`, the best first.
        line: Label of the row whose median is a dashed line.
        dotted: Label of the row whose median is a dotted line.
        floor: Variance of the noise, or None.

    Returns:
        The figure.
    """
    figure, axes = new_figure(1, 1, figsize=(9, 1.6 + 0.3 * len(rows)))
    ax = axes[0, 0]
    ax.set_xscale("log")
    for k, row in enumerate(rows):
        draw_strip(ax, row.values["test_mse"], k, row.kind)
    medians = {row.label: row.test_mse["median"] for row in rows}
    ax.axvline(medians[line], color="black", ls="--", lw=1, label=f"{line}, median")
    name = f"{dotted}, median"
    ax.axvline(medians[dotted], color="black", ls=":", lw=1.2, label=name)
    if floor is not None:
        name = f"variance of the noise, {floor:.2g}"
        ax.axvline(floor, color=ORANGE, lw=1.5, label=name, zorder=2)
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("test MSE, units of the series squared")
    figure.suptitle("Who forecasts better than an autoregression? A point is a seed")
    finish(ax, [f"{r.label} ({r.n_params})" for r in rows], [r.kind for r in rows])
    ax.set_ylabel("model (trained numbers)")
    return figure


def draw_ablation(rows: Sequence[Any], title: str) -> Figure:
    """What each change does to the skill.

    Args:
        rows: Rows with `label`, `kind` and `differences`, one a seed.
        title: Title of the figure.

    Returns:
        The figure.
    """
    figure, axes = new_figure(1, 1, figsize=(9, 1.8 + 0.36 * len(rows)))
    ax = axes[0, 0]
    for k, row in enumerate(rows):
        draw_strip(ax, row.differences, k, row.kind)
    ax.axvline(0, color="black", ls="--", lw=1, label="the full model")
    ends = np.concatenate([row.differences for row in rows])
    if np.ptp(ends) > 4:  # a few seeds that fail must not flatten all the others
        ax.set_xscale("symlog", linthresh=1, linscale=1.5)
        ticks = [sign * k for sign in (-1, 1) for k in (0.5, 1, 2, 5, 10, 20)]
        low, high = ends.min(), ends.max()
        ax.set_xticks([0, *(t for t in ticks if low <= t <= high)])
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    scale = "; logarithmic beyond 1" if ax.get_xscale() == "symlog" else ""
    ax.set_xlabel(f"skill minus that of the full model, same seed{scale}")
    ax.set_ylabel("what is changed")
    figure.suptitle(title)
    finish(ax, [row.label for row in rows], [row.kind for row in rows])
    return figure
