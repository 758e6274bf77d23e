"""Draw one step of the cell: ``python docs/draw_cell.py [folder]``."""

import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from qlstm.plots import new_figure, save_figure

SYSTEM, ANCILLA = (5.5, 4.5), (2.9, 1.9)
"""Heights of the wires; wire 0 is on top."""
WIRES = SYSTEM + ANCILLA
INK, PALE_BLUE, PALE_ORANGE, WHITE = "#1a1a1a", "#dbe7f3", "#fbe3c4", "#ffffff"


def draw() -> Figure:
    """The picture: registers, the two stages, the readout, and the memory."""
    figure, axes = new_figure(1, 1, figsize=(9.6, 4.2))
    ax = axes[0, 0]
    ax.set(xlim=(-0.2, 18.9), ylim=(0.4, 8.5), aspect="equal")
    ax.axis("off")
    ax.text(9.35, 7.9, "One step of the quantum LSTM cell", ha="center", fontsize=13)
    for height in WIRES:
        ax.plot([3.4, 15.4], [height, height], color=INK, lw=1.2, zorder=1)
    _inputs(ax)
    _stage(ax, 3.8, r"entangler  $U_{en}$", PALE_BLUE)
    _stage(ax, 8.9, r"disentangler  $U_{dis}$", PALE_ORANGE)
    _outputs(ax)
    return figure


def _inputs(ax: Axes) -> None:
    """The new value through the encoder, and the old memory."""
    _box(ax, 1.3, 3.98, 2.15, 2.04, WHITE)
    lines = ("encode", r"$a = x_t V + b$", r"$u = a\,/\,|a|$")
    for line, height in zip(lines, (5.55, 5.0, 4.45), strict=True):
        ax.text(2.375, height, line, ha="center", va="center", fontsize=10)
    _arrow(ax, (0.65, 5.0), (1.3, 5.0))
    ax.text(0.3, 5.0, "$x_t$", ha="center", va="center", fontsize=13)
    ax.text(2.375, 6.3, "system register", ha="center", fontsize=10)
    _box(ax, 1.3, 1.38, 2.15, 2.04, WHITE)
    ax.text(2.375, 2.4, "load", ha="center", va="center", fontsize=10)
    _arrow(ax, (0.8, 2.4), (1.3, 2.4))
    ax.text(0.3, 2.4, "$h_{t-1}$", ha="center", va="center", fontsize=13)
    ax.text(2.375, 0.75, "ancilla register", ha="center", fontsize=10)


def _stage(ax: Axes, left: float, name: str, color: str) -> None:
    """A stage: one rotation a wire, the ring of CNOTs, so many times over."""
    _box(ax, left, 1.2, 4.6, 5.0, color, zorder=0)
    ax.text(left + 2.3, 6.42, name, ha="center", fontsize=11)
    ax.text(left + 2.3, 0.65, r"$n_{layers}$ times", ha="center", fontsize=10)
    for height in WIRES:
        _box(ax, left + 0.3, height - 0.36, 0.95, 0.72, WHITE)
        ax.text(
            left + 0.775, height, r"$R(\theta)$", ha="center", va="center", fontsize=9
        )
    for k, height in enumerate(WIRES):
        _cnot(ax, left + 1.75 + 0.8 * k, height, WIRES[(k + 1) % len(WIRES)])


def _cnot(ax: Axes, x: float, control: float, target: float) -> None:
    """A dot on the control wire, a crossed circle on the target wire."""
    end = target - 0.22 if target < control else target + 0.22
    ax.plot([x, x], [control, end], color=INK, lw=1.2, zorder=2)
    ax.plot([x], [control], "o", color=INK, ms=5, zorder=3)
    ax.add_patch(Circle((x, target), 0.22, fc=WHITE, ec=INK, lw=1.2, zorder=3))
    ax.plot([x - 0.22, x + 0.22], [target, target], color=INK, lw=1.2, zorder=4)
    ax.plot([x, x], [target - 0.22, target + 0.22], color=INK, lw=1.2, zorder=4)


def _outputs(ax: Axes) -> None:
    """The output above, the measurement of the system, and the new memory."""
    last = SYSTEM[-1]
    ax.plot([14.1], [last], "o", color=INK, ms=6, zorder=3)
    _arrow(ax, (14.1, last), (14.1, 6.6))
    ax.text(14.1, 6.85, r"$y_t = \langle Z \rangle$", ha="center", fontsize=12)
    ax.text(15.2, 6.87, "on the last system wire", ha="left", fontsize=9)
    _box(ax, 15.4, 4.1, 1.6, 1.8, WHITE)
    ax.text(16.2, 5.0, "measure\nsystem", ha="center", va="center", fontsize=10)
    for offset in (-0.06, 0.06):  # a classical wire is a double line
        ax.plot([16.2 + offset] * 2, [3.2, 4.1], color=INK, lw=1.0, zorder=1)
    ax.text(16.45, 3.65, "outcome $i$", ha="left", va="center", fontsize=9)
    _box(ax, 15.4, 1.6, 1.6, 1.6, WHITE)
    ax.text(16.2, 2.4, "memory\nrule", ha="center", va="center", fontsize=10)
    _arrow(ax, (17.0, 2.4), (17.9, 2.4))
    ax.text(18.25, 2.4, "$h_t$", ha="center", va="center", fontsize=13)
    ax.text(18.2, 1.55, "to the\nnext step", ha="center", va="center", fontsize=9)


def _box(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    color: str,
    zorder: float = 2,
) -> None:
    """A rounded box."""
    style = "round,pad=0,rounding_size=0.12"
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle=style,
            fc=color,
            ec=INK,
            lw=1.1,
            zorder=zorder,
        )
    )


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A straight arrow."""
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=start, arrowprops=style, zorder=3)


def main(folder: Path) -> None:
    """Write ``cell.png`` into the folder."""
    save_figure(folder / "cell.png", draw())


if __name__ == "__main__":
    default = Path(__file__).parent / "figures"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
