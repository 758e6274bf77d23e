"""The figures of `experiments.entangling_power`."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from experiments.entangling_power import runs
from qlstm.plots import BLUE, GREY, ORANGE, new_figure

WORDS = (
    "K: Schmidt strength of the gate. E_0: the most it makes of product inputs. "
    "E_up: the most it adds to any input.\n"
    "LN: logarithmic negativity of the gate, a proved upper end. "
    "K ≤ E_0 ≤ E_up ≤ LN, the last three with ancillas."
)
"""What the letters mean, below a figure."""


def draw_gates(rows: list[dict[str, Any]]) -> Figure:
    """The row of each gate on one axis of ebits."""
    figure, axes = new_figure(1, 1, figsize=(9, 8.6))
    ax = axes[0, 0]
    ax.set_title(
        "Ancillas raise the power of many gates, entangled inputs of some\n"
        "(grey: the certified interval of E_up with ancillas)",
        fontsize=13,
    )
    open_, filled = {"mfc": "white"}, {}
    styles = {
        "E_0_unassisted": (-0.2, "o", ORANGE, open_, "E_0, no ancillas"),
        "E_unassisted": (-0.2, "s", ORANGE, open_, "E_up, no ancillas"),
        "K": (0.2, "x", "black", filled, "K"),
        "E_0_assisted": (0.2, "o", BLUE, filled, "E_0, ancillas"),
        "E_assisted": (0.2, "s", BLUE, open_, "E_up, ancillas"),
    }
    sizes = {"s": {"ms": 10, "zorder": 2}, "o": {"ms": 6, "zorder": 3}}
    sizes["x"] = {"ms": 5, "zorder": 4}
    for y, row in enumerate(rows):
        low, high = row["certified"]
        ax.barh(y + 0.2, high - low, 0.3, low, color="#c8c8c8", zorder=1)
        ax.plot([high] * 2, [y + 0.05, y + 0.35], color=GREY, lw=2, zorder=1)
        for key, (shift, marker, colour, face, _) in styles.items():
            colour = "white" if key == "K" and abs(row[key] - low) < 0.02 else colour
            look = {"color": colour} | sizes[marker] | face
            ax.plot(row[key], y + shift, marker, **look)
    ax.set_yticks(range(len(rows)), [row["name"] for row in rows])
    ax.invert_yaxis()
    ax.set(xlabel="entanglement (ebits)", xlim=(-0.1, 4.2))
    ax.grid(axis="x", color="#e6e6e6")
    ax.set_axisbelow(True)
    handles = [
        Line2D([], [], ls="", marker=marker, color=colour, label=label, **face)
        for _, marker, colour, face, label in styles.values()
    ]
    handles.append(Line2D([], [], color="#c8c8c8", lw=8, label="certified, up to LN"))
    ax.legend(handles=handles, loc="upper right", fontsize=11)
    ax.tick_params(labelsize=11)
    ax.xaxis.label.set_size(11)
    figure.supxlabel(WORDS, fontsize=11)
    return figure


def draw_sandwich(lines: dict[str, Any]) -> Figure:
    """Closed forms as lines, searches as points, and where E_0 exceeds K."""
    figure, axes = new_figure(1, 3, figsize=(13, 6))
    figure.suptitle(
        "Searches (points) find the closed forms (lines): K ≤ E_0 ≤ E_up ≤ LN",
        fontsize=13,
    )
    figure.supxlabel(WORDS, fontsize=11)
    styles = {
        "LN": ("LN", GREY, "-"),
        "E_up": ("E_up", ORANGE, "-"),
        "K": ("K", BLUE, "-"),
        "E_0_unassisted": ("E_0, no ancillas", "black", ":"),
    }
    points = {
        "upper": ("dual bound", GREY, "v", "white"),
        "E_up": ("E_up, search", ORANGE, "s", ORANGE),
        "E_0": ("E_0, search", BLUE, "o", "white"),
    }
    fine = np.linspace(0, runs.PI_4, 301)
    for ax, (line, data) in zip(axes[0], lines.items(), strict=False):
        title, _, closed = runs.LINES[line]
        exact = closed(fine)
        for key, (label, colour, style) in styles.items():
            if key in exact:
                label = "K = E_0" if line == "ising" and key == "K" else label
                ax.plot(fine, exact[key], style, color=colour, label=label)
        for key, (label, colour, marker, face) in points.items():
            look = {"color": colour, "mfc": face, "ms": 5, "label": label}
            ax.plot(data["a"], data["found"][key], marker, **look)
        ax.set_title(title, fontsize=11)
        ax.set(ylabel="entanglement (ebits)")
        ax.legend(fontsize=11, loc="best")
    exact, data = runs.heisenberg_lines(fine), lines["heisenberg"]
    excess = np.maximum(exact["E_0_unassisted"] - exact["K"], 0)
    found = np.subtract(data["found"]["E_0"], data["found"]["K"])
    ax = axes[0, 2]
    ax.plot(fine, excess, ":", color="black", label="input |01>, where it beats K")
    ax.plot(data["a"], found, "o", color=BLUE, mfc="white", ms=5, label="E_0, search")
    ax.set_title("by how much E_0 exceeds K (XX+YY+ZZ)", fontsize=11)
    ax.set(ylabel="E_0 - K (ebits)")
    ax.legend(fontsize=11)
    ax.margins(y=0.2)
    for ax in axes[0]:
        ax.tick_params(labelsize=11)
        ax.xaxis.label.set_size(11)
        ax.yaxis.label.set_size(11)
        ax.set(xlabel="angle a (radians)")
        ax.set_xticks(np.arange(5) * np.pi / 16, ["0", "π/16", "π/8", "3π/16", "π/4"])
        ax.grid(color="#e6e6e6")
    return figure


LOOKS = {
    runs.RY_TURN: {"color": BLUE, "marker": "o", "mfc": BLUE, "ms": 4},
    runs.INVERSE_TURN: {"color": BLUE, "marker": "o", "mfc": "white", "ms": 4},
    runs.RY_UNIT: {"color": ORANGE, "marker": "s", "mfc": ORANGE, "ms": 4},
    runs.INVERSE_UNIT: {"color": ORANGE, "marker": "s", "mfc": "white", "ms": 4},
    runs.HAAR: {"color": GREY, "marker": "^", "mfc": GREY, "ms": 4},
    runs.RX_FLAT: {"color": "black", "marker": "D", "mfc": "black", "ms": 8},
    "qubit-qutrit gate": {"color": "black", "marker": "*", "mfc": "white", "ms": 14},
}
"""Points of the ensembles that are drawn, and of one gate beside them."""


def draw_circuits(draws: dict[str, list[dict[str, Any]]], gate: dict) -> Figure:
    """E_down against E_up, and how much of the difference is certain."""
    figure, axes = new_figure(1, 2, figsize=(13, 6.4))
    figure.suptitle(
        "Some random circuits provably destroy more entanglement than they can make",
        fontsize=13,
    )
    ax = axes[0, 0]
    ax.plot([1.8, 4.1], [1.8, 4.1], color="black", lw=0.8)
    zoom = ax.inset_axes((0.56, 0.06, 0.42, 0.42), xlim=(3.4, 3.7), ylim=(3.4, 3.7))
    zoom.plot([3, 4], [3, 4], color="black", lw=0.8)
    zoom.set(xticks=[3.4, 3.5, 3.6], yticks=[3.4, 3.5, 3.6])
    ax.indicate_inset_zoom(zoom, edgecolor="black")
    for name, look in LOOKS.items():
        up, down = runs.ends(draws.get(name, [gate]))
        ax.errorbar(
            up[:, 0], down[:, 0], fmt="none", ecolor=look["color"], elinewidth=0.5,
            xerr=_bars(up), yerr=_bars(down), alpha=0.25, zorder=1,
        )  # fmt: skip
        look = look | {"ls": "", "mew": 0.8, "zorder": 3 if look["ms"] > 4 else 2}
        for where in (ax, zoom):
            where.plot(up[:, 0], down[:, 0], label=name, **look)
    ax.set(xlabel="E_up (ebits)", ylabel="E_down (ebits)")
    ax.set(xlim=(1.8, 4.1), ylim=(1.8, 4.1), aspect="equal")
    ax.set_title("above the line: destroys more (bars: up to proved ends)", fontsize=11)
    ax.legend(fontsize=11, loc="upper left")
    _draw_differences(axes[0, 1], draws)
    return figure


def _draw_differences(ax: Axes, draws: dict[str, list[dict[str, Any]]]) -> None:
    """The differences in order, with the intervals that are certain to hold them."""
    start = 0
    for name in (runs.RY_UNIT, runs.RY_TURN):
        look = LOOKS[name]
        up, down = runs.ends(draws[name])
        order = np.argsort(down[:, 0] - up[:, 0])
        up, down = up[order], down[order]
        x = start + np.arange(len(order))
        low, high = down[:, 0] - up[:, 1], down[:, 1] - up[:, 0]
        proved = low > runs.MARGIN
        ax.vlines(x, low, high, color=look["color"], lw=0.8, alpha=0.45)
        ax.vlines(x[proved], low[proved], high[proved], color="black", lw=2)
        ax.plot(x, down[:, 0] - up[:, 0], ls="", label=name, **look)
        start += len(order) + max(2, len(order) // 12)
    ax.axhline(0, color="black", lw=0.8)
    ax.plot([], [], color="black", lw=2, label="interval above 0: proved")
    ax.set(xlabel="draw, in order of the difference", xticks=[])
    ax.set_ylabel("E_down - E_up (ebits)")
    ax.set_title("the differences found, and their certified intervals", fontsize=11)
    ax.grid(axis="y", color="#e6e6e6")
    ax.margins(y=0.25)
    ax.legend(fontsize=11, loc="upper left")


def _bars(ends: NDArray) -> NDArray[np.float64]:
    """Error bars from what was found up to the proved end, ``(2, n)``."""
    width = np.maximum(ends[:, 1] - ends[:, 0], 0)
    return np.stack([np.zeros_like(width), width])


def draw_map(content: dict[str, Any]) -> Figure:
    """RY beside RX, on the same colour scale."""
    figure, axes = new_figure(1, 2, figsize=(11, 5.2))
    figure.suptitle("Schmidt strength of two layers over two angles of the second")
    grid = np.array(content["angles"])
    values = {rotation: np.array(k) for rotation, k in content["K"].items()}
    scale = {
        "cmap": "viridis",
        "vmin": min(k.min() for k in values.values()),
        "vmax": 4,
    }
    ticks = np.arange(5) * np.pi / 2, ["0", "π/2", "π", "3π/2", "2π"]
    for ax, (rotation, k) in zip(axes[0], values.items(), strict=True):
        image = ax.pcolormesh(grid, grid, k, shading="nearest", **scale)
        reach = f"from {k.min():.3f} to {k.max():.3f}"
        if np.ptp(k) < runs.MARGIN:
            reach = f"= {k.min():.3f} everywhere"
        ax.set_title(f"{rotation}: K {reach}", fontsize=11)
        ax.set(xlabel="second layer, wire 0 (radians)")
        ax.set(ylabel="second layer, wire 1 (radians)", aspect="equal")
        ax.set_xticks(*ticks)
        ax.set_yticks(*ticks)
    levels = [3.1, 3.3, 3.5, 3.7, 3.9]
    axes[0, 0].contour(grid, grid, values["RY"], levels, colors="white", linewidths=0.8)
    figure.colorbar(image, ax=axes[0].tolist(), label="Schmidt strength K (ebits)")
    return figure
