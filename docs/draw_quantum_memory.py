"""Draw the square and the diamond: ``python docs/draw_quantum_memory.py [folder]``."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon

from qlstm.plots import BLUE, GREY, ORANGE, new_figure, save_figure
from qlstm.processes import square_and_diamond, word_probabilities

INK, PALE = "#1a1a1a", "#e4e4e4"
SQUARE = np.array([[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]])


def midpoints() -> np.ndarray:
    """``(p_0, p_2)`` of the next symbol, a row for each last symbol."""
    words = word_probabilities(square_and_diamond(), 2)
    return (words / words.sum(axis=1, keepdims=True))[:, [0, 2]]


def draw() -> Figure:
    """A triangle that misses a midpoint, beside the disc that has all four."""
    figure, axes = new_figure(1, 2, figsize=(9.4, 4.5))
    figure.suptitle(
        "A triangle in the square misses a midpoint of a side, the disc has all four",
        fontsize=12,
    )
    left, right = axes[0]
    points = midpoints()
    for ax in (left, right):
        _square(ax, points)
    corners = points[[1, 0, 2]]
    left.add_patch(
        Polygon(corners, facecolor="none", edgecolor=ORANGE, lw=2.5, zorder=3)
    )
    left.plot(*corners.T, "o", color=INK, ms=8, zorder=4)
    left.plot(*points[3], "X", color=INK, ms=13, zorder=4, clip_on=False)
    left.annotate("missed", points[3], (0, 22), textcoords="offset points", ha="center")
    left.set_title("three classical states: a triangle", fontsize=11)
    right.add_patch(
        Circle((0.25, 0.25), 0.25, facecolor="none", edgecolor=BLUE, lw=2.5, zorder=3)
    )
    right.plot(*points.T, "o", color=INK, ms=8, zorder=4, clip_on=False)
    right.set_title("one real qubit: a disc", fontsize=11)
    return figure


def _square(ax: Axes, points: np.ndarray) -> None:
    """What is possible, what is needed, and which symbol came last."""
    ax.add_patch(Polygon(SQUARE, facecolor="none", edgecolor=INK, lw=1.5, zorder=2))
    diamond = points[[0, 2, 1, 3]]
    ax.add_patch(
        Polygon(diamond, facecolor=PALE, edgecolor=GREY, ls="--", lw=1.2, zorder=1)
    )
    places = (((8, 0), "left"), ((-8, 0), "right"), ((0, 8), "center"))
    for symbol, (offset, side) in enumerate((*places, ((0, -18), "center"))):
        ax.annotate(
            f"after {symbol}",
            points[symbol],
            offset,
            textcoords="offset points",
            ha=side,
            va="baseline" if side == "center" else "center",
        )
    ax.set(
        xlim=(-0.17, 0.67),
        ylim=(-0.08, 0.58),
        aspect="equal",
        xlabel="probability that the next symbol is 0",
        ylabel="probability that the next symbol is 2",
        xticks=[0, 0.25, 0.5],
        yticks=[0, 0.25, 0.5],
    )


def main(folder: Path) -> None:
    """Write ``quantum_memory.png`` into the folder."""
    save_figure(folder / "quantum_memory.png", draw())


if __name__ == "__main__":
    default = Path(__file__).parent / "figures"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
