"""The circuit of one step, gate by gate."""

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch

from qlstm.params import QLSTMConfig, QLSTMParams, check_params
from qlstm.plots.gates import Gate, Layer, step_layers
from qlstm.plots.style import (
    INK,
    LARGE,
    PALE_BLUE,
    PALE_ORANGE,
    SMALL,
    axes_for,
    plain,
)

MOST_WIRES, MOST_LAYERS = 6, 3
"""What can be read."""
TURN, HOP = 1.5, 0.6
"""Room for a column of rotations and for a CNOT."""
WIDEST = 13.0
"""Stages that are wider stand one below the other."""
LEFT, RIGHT, GAP = 3.6, 3.4, 0.5
INCH = 0.52
"""Inches a unit of length."""


def draw_circuit(
    config: QLSTMConfig, params: QLSTMParams | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw one step of the cell: every gate, in the order it is applied.

    Args:
        config: The configuration, of at most 6 wires and 3 layers.
        params: Parameters, whose angles are written into the gates in radians; without
            them, the angles' names (epsilon for U_en, delta for U_dis; layer from 1,
            wire from 0; a row of `QLSTMParams` each).
        ax: Axes to draw into; without them, those of a new figure.

    Returns:
        The axes.

    Raises:
        TypeError: If `ax` are no axes.
        ValueError: If the circuit is too large to be read, or the parameters do not
            fit.

    Example:
        >>> print(draw_circuit(QLSTMConfig(n_layers=1)).get_title())
        One step: RX and CNOTs in one ring
        $U_{dis}$: rows of angles from last to first
    """
    if config.n_wires > MOST_WIRES or config.n_layers > MOST_LAYERS:
        raise ValueError(
            f"Argument `config` must have at most {MOST_WIRES} wires and {MOST_LAYERS} "
            f"layers to be drawn, but has {config.n_wires} and {config.n_layers}."
        )
    if params is not None:
        params = check_params(params, config)
    layers = step_layers(config, params)
    stages = [[x for x in layers if x.stage == k] for k in (0, 1)]
    width = max(sum(map(_width, stage)) for stage in stages)
    stacked = 2 * width > WIDEST
    height = config.n_wires + 1.9
    rows = 2 if stacked else 1
    across = LEFT + width * (1 if stacked else 2) + GAP * (3 - rows) + RIGHT
    ax = axes_for(ax, max(across * INCH, 5.4), (rows * height + 1.0) * INCH + 0.7)
    ax.set(xlim=(0, across), ylim=(-rows * height + 0.3, 1.3), aspect="equal")
    ax.axis("off")
    _stages(ax, config, stages, params is None, (width, height, stacked))
    ax.set_title(_title(config), fontsize=LARGE)
    return ax


def _title(config: QLSTMConfig) -> str:
    """What to see."""
    ring = "a ring in each register" if config.cut == "separate" else "one ring"
    dis = (
        "the adjoint of a circuit"
        if config.disentangler == "inverse"
        else ("rows of angles from last to first")
    )
    grey = "\ngrey: turned by the input" if config.encoding == "angle" else ""
    return f"One step: {config.rotation} and CNOTs in {ring}\n$U_{{dis}}$: {dis}{grey}"


def _stages(
    ax: Axes,
    config: QLSTMConfig,
    stages: list[list[Layer]],
    symbols: bool,
    size: tuple[float, float, bool],
) -> None:
    """Wires, both stages, what goes in and what comes out."""
    width, height, stacked = size
    _inputs(ax, config)
    end = LEFT + width + (0 if stacked else GAP + width)
    second = (LEFT, -height) if stacked else (LEFT + width + GAP, 0.0)
    names = ("$U_{en}$", "$U_{dis}$")
    if width > 4.5:
        names = ("entangler  $U_{en}$", "disentangler  $U_{dis}$")
    places = ((LEFT, 0.0), second)
    for k, (stage, (x, top)) in enumerate(zip(stages, places, strict=True)):
        if k == 0 or stacked:
            for wire in range(config.n_wires):
                stop = end + 0.6 if k or not stacked else end + 0.3
                ax.plot([x - 0.4, stop], [top - wire] * 2, color=INK, lw=1, zorder=1)
                ax.text(x - 0.22, top - wire + 0.06, wire, ha="center", fontsize=SMALL)
        own = sum(map(_width, stage))
        _box(
            ax, (x, top - config.n_wires + 0.4), own, config.n_wires + 0.2,
            (PALE_BLUE, PALE_ORANGE)[k], 0,
        )  # fmt: skip
        ax.text(x + own / 2, top + 0.78, names[k], ha="center", fontsize=SMALL)
        for layer in stage:
            _layer(ax, layer, x, top, symbols)
            x += _width(layer)
    if stacked:
        for wire in range(config.n_wires):
            ax.text(LEFT - 0.6, -height - wire, "…", ha="right", fontsize=SMALL)
    _outputs(ax, config, end + 0.6, second[1])


def _width(layer: Layer) -> float:
    """Room for a layer: its rings stand side by side."""
    return 0.25 + max(_length(ring) for ring in layer.rings)


def _length(ring: list[Gate]) -> float:
    """Room for a ring: a column for rotations of one kind, a place for a CNOT."""
    return sum(TURN if new else HOP * (len(g.wires) - 1) for g, new in _columns(ring))


def _columns(ring: list[Gate]) -> list[tuple[Gate, bool]]:
    """Gates, and whether each begins a new column of rotations."""
    found, column = [], None
    for gate in ring:
        kind = (gate.name, gate.angle is None) if len(gate.wires) == 1 else None
        found.append((gate, kind is not None and kind != column))
        column = kind
    return found


def _layer(ax: Axes, layer: Layer, left: float, top: float, symbols: bool) -> None:
    """Every gate at its place."""
    for ring in layer.rings:
        x = left + 0.15
        for gate, new in _columns(ring):
            if len(gate.wires) == 1:
                x += TURN if new else 0
                _rotation(ax, gate, x - TURN / 2, top, symbols)
            else:
                _cnot(ax, gate, x + HOP / 2, top)
                x += HOP


def _gid(gate: Gate) -> str:
    """The gate's name in the file: name, wires, angle."""
    angle = gate.symbol if gate.angle is None else repr(gate.angle)
    return " ".join(["gate", gate.name, *map(str, gate.wires), angle]).strip()


def _rotation(ax: Axes, gate: Gate, x: float, top: float, symbols: bool) -> None:
    """A box with the gate's name and angle."""
    y = top - gate.wires[0]
    upload = gate.angle is None
    _box(ax, (x - 0.68, y - 0.41), 1.36, 0.82, "#eeeeee" if upload else "white", 2)
    number = f"${gate.symbol}$" if symbols or upload else f"{gate.angle:.2f}"
    ax.text(
        x, y, f"{gate.name}\n{number}", ha="center", va="center", fontsize=SMALL,
        linespacing=0.95, gid=_gid(gate), zorder=4,
    )  # fmt: skip


def _cnot(ax: Axes, gate: Gate, x: float, top: float) -> None:
    """A dot on the control wire, a crossed circle on the target wire."""
    control, target = (top - wire for wire in gate.wires)
    down = 0.2 if target < control else -0.2
    ax.plot([x, x], [control, target - down], color=INK, lw=1.2, gid=_gid(gate))
    ax.plot([x], [control], "o", color=INK, ms=5, zorder=4)
    ax.add_patch(Circle((x, target), 0.2, fc="white", ec=INK, lw=1.2, zorder=3))
    ax.plot([x - 0.2, x + 0.2], [target] * 2, color=INK, lw=1.2, zorder=4)
    ax.plot([x, x], [target - 0.2, target + 0.2], color=INK, lw=1.2, zorder=4)


def _inputs(ax: Axes, config: QLSTMConfig) -> None:
    """What the two registers begin with."""
    n = config.n_system
    encoded = (
        r"$x_t$" + "\nencode" if config.encoding == "amplitude" else r"$|0\rangle$"
    )
    parts = ((0, n, encoded), (n, config.n_ancilla, "$h_{t-1}$\nload"))
    for first, count, text in parts:
        _box(ax, (1.6, -first - count + 0.6), 1.45, count - 0.2, "white", 2)
        ax.text(
            2.325, -first - (count - 1) / 2, text, ha="center", va="center",
            fontsize=SMALL, linespacing=1.0, zorder=4,
        )  # fmt: skip
    for first, count, text in ((0, n, "system"), (n, config.n_ancilla, "memory")):
        ax.text(
            1.45, -first - (count - 1) / 2, text, ha="right", va="center",
            fontsize=SMALL,
        )  # fmt: skip


def _outputs(ax: Axes, config: QLSTMConfig, x: float, top: float) -> None:
    """Readout, measured register, memory rule."""
    n, read = (
        config.n_system,
        range(config.n_system - config.n_outputs, config.n_system),
    )
    _box(ax, (x, top - n + 0.6), 2.6, n - 0.2, "white", 2)
    wires = ", ".join(map(str, read))
    ax.text(
        x + 1.3, top - (n - 1) / 2, "measure;\n" + rf"$y=\langle Z_{{{wires}}}\rangle$"
        if n > 1 else rf"$y=\langle Z_{{{wires}}}\rangle$",
        ha="center", va="center", fontsize=SMALL, zorder=4,
    )  # fmt: skip
    for wire in read:
        ax.plot([x], [top - wire], "o", color=INK, ms=7, zorder=5)
    middle = top - n - (config.n_ancilla - 1) / 2
    _box(ax, (x, top - config.n_wires + 0.6), 2.6, config.n_ancilla - 0.2, "white", 2)
    ax.text(
        x + 1.3, middle, plain(config.memory) + ("\n" if config.n_ancilla > 1 else " ")
        + r"$\to h_t$", ha="center", va="center", fontsize=SMALL, zorder=4,
    )  # fmt: skip
    for offset in (-0.05, 0.05):  # a classical wire is a double line
        ax.plot([x + 1.3 + offset] * 2, [top - n + 0.4, top - n + 0.6], color=INK, lw=1)


def _box(ax: Axes, corner: tuple, width: float, height: float, color: str, z: int):
    """A rounded box."""
    style = "round,pad=0,rounding_size=0.1"
    box = FancyBboxPatch(
        corner, width, height, boxstyle=style, fc=color, ec=INK, lw=1, zorder=z
    )
    ax.add_patch(box)
