"""The figures: excess by number of states, learning curves, ways of training."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from experiments.quantum_memory.rows import (
    CELL,
    PROCESSES,
    PUBLISHED,
    SHORT,
)
from experiments.quantum_memory.runs import (
    Outcome,
)
from experiments.quantum_memory.statistics import (
    SUCCESS,
    Summary,
    certificate,
    part,
    published_excess,
    share,
    summarize,
)
from qlstm.plots import BLUE, GREY, ORANGE, new_figure

LINEAR = 1e-3
"""Bits up to which the axis of excesses is linear, so that 0 and less can be seen."""
TICKS = (0, 0.001, 0.01, 0.1, 1)
CURVES = (
    {"color": ORANGE, "marker": "s", "ls": ":"},
    {"color": ORANGE, "marker": "^", "ls": "--"},
    {"color": ORANGE, "marker": "D", "ls": "-"},
)
"""Of machines of 2, 3 and 4 states."""
MARKS = ("o", "s", "D")
"""Of processes."""


def draw_all(outcomes: list[Outcome]) -> dict[str, Figure]:
    """Every figure by the name of its file."""
    return {
        "quantum_memory_states.png": draw_states(outcomes),
        "quantum_memory_curves.png": draw_curves(outcomes),
        "quantum_memory_ways.png": draw_ways(outcomes),
    }


def draw_states(outcomes: list[Outcome]) -> Figure:
    """Excess by number of classical states, beside the qubit: a panel a process."""
    figure, axes = new_figure(2, 3, figsize=(11, 6.6))
    figure.suptitle("What a memory of k states loses, beside one qubit")
    *panels, key = axes.ravel()
    for ax, process in zip(panels, PROCESSES, strict=True):
        _draw_states(ax, process, outcomes)
    _outer_labels(axes[:, 0], axes[:, 1:])
    for ax in panels[2:]:
        ax.set_xlabel("classical states")
    known: dict[str, object] = {}
    for ax in panels:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    key.axis("off")
    key.legend(known.values(), known.keys(), loc="center", frameon=False)
    return figure


def _draw_states(ax: Axes, process: str, outcomes: list[Outcome]) -> None:
    """One process."""
    name = "published" if process == PUBLISHED else "held out"
    learnt = [summarize(o) for o in part(outcomes, name) if o.row.process == process]
    exact = [o for o in part(outcomes, "words") if o.row.process == process]
    (ours,) = (one for one in learnt if one.learner == CELL)
    ax.axhline(ours.median, color=BLUE, lw=1.2, zorder=1)
    _errorbar(ax, [0], [ours], color=BLUE, fmt="o", ms=8, label="one qubit, learnt")
    k = [o.row.at for o in exact]
    lost = np.array([o.results[0]["excess"] for o in exact], float)  # None is nan
    label = "k states, fitted to exact words"
    ax.plot(k, lost, "-", color=ORANGE, marker=".", label=label)
    machines = [one for one in learnt if "state" in one.learner]
    at = [int(one.learner.split()[0]) for one in machines]
    label = "k states, learnt from records"
    style = {"color": ORANGE, "fmt": "s", "mfc": "white", "ms": 7, "label": label}
    _errorbar(ax, at, machines, **style)
    proved = np.array([[n, certificate(process, n)] for n in k])
    proved = proved[proved[:, 1] > 0]
    ax.plot(
        *proved.T,
        "^",
        color=GREY,
        ms=8,
        ls="none",
        label="proved: no k states lose less",
    )
    stated = published_excess(process)
    at = [0 if n == CELL else int(n.split()[0]) for n in stated if n != "truth"]
    lost = [value for n, value in stated.items() if n != "truth"]
    ax.plot(at, lost, "*", color="black", ms=11, ls="none", label="published", zorder=5)
    ax.set_title(process, fontsize=11)
    ax.set_xticks(range(9), ["qubit", *map(str, range(1, 9))], fontsize=9)
    ax.set_xlim(-0.5, 8.5)
    _excess_axis(ax)


def _errorbar(ax: Axes, at: list[int], found: list[Summary], **style) -> None:
    """Medians and quartiles."""
    low, median, high = np.array([[s.low, s.median, s.high] for s in found]).T
    ax.errorbar(
        at, median, [median - low, high - median], capsize=3, ls="none", **style
    )


def _excess_axis(ax: Axes) -> None:
    """Logarithmic, but for what is near 0."""
    ax.set_yscale("symlog", linthresh=LINEAR, linscale=0.6)
    ax.set_ylim(-LINEAR / 2, 1)
    ax.yaxis.set_major_locator(FixedLocator(TICKS))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.grid(axis="y", color="#e6e6e6")
    ax.set_axisbelow(True)


def _outer_labels(first: NDArray, others: NDArray) -> None:
    """All panels have one scale of excesses; the first column says what it is."""
    for ax in first:
        ax.set_ylabel("bits a symbol above the truth")
    for ax in others.ravel():
        ax.tick_params(axis="y", labelleft=False)


def draw_curves(outcomes: list[Outcome]) -> Figure:
    """Excess by number of training records: a panel a process."""
    found = [summarize(outcome) for outcome in part(outcomes, "curves")]
    figure, axes = new_figure(1, len(SHORT), figsize=(11, 4.2))
    n_seeds = len(found[0].gaps)
    figure.suptitle(f"Learning curves: medians and quartiles over {n_seeds} seeds")
    for ax, process in zip(axes[0], SHORT, strict=True):
        of_process = [one for one in found if one.process == process]
        learners = dict.fromkeys(one.learner for one in of_process)
        machines = iter(CURVES)
        for learner in learners:
            own = {"color": GREY, "marker": "x", "ls": "-"}
            if learner == CELL:
                own = {"color": BLUE, "marker": "o", "ls": "-", "lw": 2}
            elif "state" in learner:
                own = next(machines)
            _draw_curve(ax, [o for o in of_process if o.learner == learner], own)
        at = sorted({one.at for one in of_process})
        ax.set_xscale("log")
        ax.set_xticks(at, map(str, at))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_title(process, fontsize=11)
        ax.set_xlabel("training records")
        _excess_axis(ax)
    _outer_labels(axes[:, 0], axes[:, 1:])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=9)
    return figure


def _draw_curve(ax: Axes, found: list[Summary], style: dict) -> None:
    """One learner, with a band between its quartiles; inf has no place."""
    values = [[s.at, s.low, s.median, s.high] for s in found]
    at, low, median, high = np.array(values).T
    ax.plot(at, median, ms=5, label=found[0].learner, **style)
    known = np.isfinite(high)
    ax.fill_between(
        at[known], low[known], high[known], color=style["color"], alpha=0.15, lw=0
    )


def draw_ways(outcomes: list[Outcome]) -> Figure:
    """Share of starts that succeed by each way of training."""
    found = [summarize(outcome) for outcome in part(outcomes, "ways")]
    ways = list(dict.fromkeys(one.learner for one in found))
    figure, axes = new_figure(1, 1, figsize=(8.4, 1.6 + 0.62 * len(ways)))
    ax, offsets = axes[0, 0], np.linspace(0.22, -0.22, len(SHORT))
    colors = (BLUE, ORANGE, "black")
    for process, mark, color, off in zip(SHORT, MARKS, colors, offsets, strict=True):
        own = {one.learner: one for one in found if one.process == process}
        shares = [share(o.n_success, o.n_starts * len(o.gaps)) for o in own.values()]
        middle, low, high = 100 * np.array(shares).T
        y = [len(ways) - ways.index(name) + off for name in own]
        size = [middle - low, high - middle]
        style = {"fmt": mark, "color": color, "capsize": 3, "label": process}
        ax.errorbar(middle, y, xerr=size, **style)
    ax.set_yticks(range(len(ways), 0, -1), ways)
    ax.set_ylim(0.5, len(ways) + 0.5)
    ax.set_xlim(-2, 102)
    ax.set_xlabel(f"% of starts within {SUCCESS:g} bits of the truth, held out")
    ax.set_title("Share of random starts that succeed, by way of training")
    ax.grid(axis="x", color="#e6e6e6")
    ax.set_axisbelow(True)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
