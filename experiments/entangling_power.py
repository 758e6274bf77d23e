"""How much entanglement a gate makes: ``python -m experiments.entangling_power``.

Four studies, each with a figure, a JSON file and a paragraph that says what to see:
named gates; the sandwich K <= E_0 <= E_up <= LN along two lines of gates; circuits that
destroy more than they create; and K over two angles, RY beside RX. What the words
mean, and what is proved: docs/entangling_power.md.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

import qsim
from qlstm.cli import Parser, format_table, positive_int, run_main, seed_int, versions
from qlstm.plots import BLUE, GREY, ORANGE, new_figure, save_figure
from qlstm.store import write_json

NAME = "entangling_power"
MARGIN = 1e-6
"""Smaller differences count as none, of values found and of proved ends alike."""
DRAWS, QUICK_DRAWS = 100, 3
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
FIXED_ANGLE = 0.5
"""The angles that the map of K does not vary: the mean of the initial ones, U(0, 1)."""
PI_4 = np.pi / 4


class Gate(NamedTuple):
    """A row of the table of gates."""

    name: str
    unitary: NDArray
    dims: tuple[int, int] = (2, 2)
    ancillas: tuple[int, int] | None = None


def named_gates() -> list[Gate]:
    """The landmarks, two families, two cuts of the CNOT ring, one gate both ways."""
    ring = qsim.cnot_ring(4)
    return [
        Gate("CNOT", qsim.CNOT),
        Gate("CZ", qsim.CZ),
        Gate("iSWAP", qsim.ISWAP),
        Gate("DCNOT", qsim.DCNOT),
        Gate("SWAP", qsim.SWAP),
        Gate("sqrt SWAP", qsim.unitary_power(qsim.SWAP, 0.5)),
        Gate("sqrt iSWAP", qsim.unitary_power(qsim.ISWAP, 0.5)),
        Gate("local", np.kron(qsim.HADAMARD, qsim.RX(0.3))),
        Gate("exp(-.3i ZZ)", qsim.canonical_gate(0, 0, 0.3)),
        Gate("exp(-.2i (XX+YY+ZZ))", qsim.canonical_gate(0.2, 0.2, 0.2)),
        Gate("CNOT ring, 0,1:2,3", qsim.across_cut(ring, [0, 1]), (4, 4)),
        Gate("CNOT ring, 0,2:1,3", qsim.across_cut(ring, [0, 2]), (4, 4)),
        Gate("qubit-qutrit, up", qsim.QUBIT_QUTRIT, (2, 3)),
        Gate("qubit-qutrit, down", qsim.QUBIT_QUTRIT.T, (2, 3), (5, 5)),
    ]


def measure_gate(gate: Gate, starts: int, rng: np.random.Generator) -> dict[str, Any]:
    """Every number of one row; searches with few dimensions get three times the starts.

    "Down" is the power of the adjoint.
    """
    _, u, dims, ancillas = gate

    def search(inputs: str, sizes: tuple[int, int] | None) -> float:
        return qsim.entangling_power(
            u, dims, ancillas=sizes, inputs=inputs, n_starts=3 * starts, rng=rng
        ).value

    interval = qsim.entangling_power_bounds(
        u, dims, ancillas=ancillas, n_starts=starts, rng=rng
    )
    capacity = qsim.log_negativity_capacity(u, dims)
    test = qsim.maximality(u, dims)
    two_qubits = dims == (2, 2)
    weyl = qsim.weyl_coordinates(u) / PI_4 if two_qubits else None
    return {
        "name": gate.name,
        "dims": dims,
        "ancillas": ancillas or dims,
        "K": qsim.schmidt_strength(u, dims),
        "LN": capacity.value,
        "e_p": qsim.mean_entangling_power(u, dims),
        "E_0_unassisted": search("product", (1, 1)),
        "E_0_assisted": search("product", ancillas),
        "E_unassisted": search("arbitrary", (1, 1)),
        "E_assisted": interval.lower,
        "certified": [interval.lower, interval.upper],
        "n_reached": interval.n_reached,
        "weyl_over_pi_4": None if weyl is None else weyl.tolist(),
        "maximality_residual": test.residual,
        "is_maximal": test.is_maximal,
    }


def gates_table(rows: list[dict[str, Any]]) -> str:
    """The named gates as text."""
    columns = ["K", "LN", "e_p"]
    columns += ["E_0_unassisted", "E_0_assisted", "E_unassisted", "E_assisted"]
    header = ["gate", "K", "LN", "e_p", "E_0 alone", "E_0 anc", "E alone", "E anc"]
    header += ["certified E_up", "Weyl/(pi/4)", "residual"]
    cells = []
    for row in rows:
        weyl = row["weyl_over_pi_4"]
        cells.append([row["name"], *(_fixed(row[column]) for column in columns)])
        cells[-1].append("[{}, {}]".format(*map(_fixed, row["certified"])))
        cells[-1].append(
            "-" if weyl is None else ",".join(f"{round(w, 3):g}" for w in weyl)
        )
        cells[-1].append(_fixed(row["maximality_residual"]))
    return format_table(header, cells)


def gates_paragraph(rows: list[dict[str, Any]]) -> str:
    """What to see in the table of gates."""
    row = {row["name"]: row for row in rows}
    up, down = row["qubit-qutrit, up"], row["qubit-qutrit, down"]
    return (
        f"Without ancillas SWAP makes {_fixed(row['SWAP']['E_unassisted'], 3)} ebits, "
        f"with them {_fixed(row['SWAP']['E_assisted'], 3)}, yet its e_p is "
        f"{_fixed(row['SWAP']['e_p'], 3)}. The CNOT ring makes "
        f"{_fixed(row['CNOT ring, 0,1:2,3']['E_assisted'], 3)} ebits across 0,1:2,3, "
        f"where two CNOTs cross, and {_fixed(row['CNOT ring, 0,2:1,3']['E_assisted'], 3)}"
        " across 0,2:1,3, where all four do. The qubit-qutrit gate can create "
        f"{_fixed(up['certified'][0])} ebits and destroy at least "
        f"{_fixed(down['certified'][0])} and at most {_fixed(down['certified'][1])}: "
        "the intervals are apart, so it is proved, and K and e_p are the same both "
        "ways. A residual of 0 says that the largest power, 2 log2 min(dA, dB), is "
        "reached if sigma is positive, too."
    )


def draw_gates(rows: list[dict[str, Any]]) -> Figure:
    """The row of each gate on one axis of ebits."""
    figure, axes = new_figure(1, 1, figsize=(9, 7.4))
    ax = axes[0, 0]
    ax.set_title(
        "Ancillas help most where gates exchange qubits;\n"
        "what a search finds lies in a certified interval (grey)",
        fontsize=12,
    )
    open_, filled = {"mfc": "white"}, {}
    styles = {
        "E_0_unassisted": (-0.2, "o", ORANGE, open_, "E_0, no ancillas"),
        "E_unassisted": (-0.2, "s", ORANGE, open_, "E_up, no ancillas"),
        "K": (0.2, "x", "black", filled, "K"),
        "E_0_assisted": (0.2, "o", BLUE, filled, "E_0, ancillas"),
        "E_assisted": (0.2, "s", BLUE, open_, "E_up, ancillas"),
    }
    for y, row in enumerate(rows):
        low, high = row["certified"]
        ax.barh(y + 0.2, high - low, 0.3, low, color="#c8c8c8", zorder=1)
        ax.plot([high] * 2, [y + 0.05, y + 0.35], color=GREY, lw=2, zorder=1)
        for key, (shift, marker, colour, extra, _) in styles.items():
            size = {"s": 10, "x": 5}.get(marker, 6)
            front = {"s": 2, "o": 3, "x": 4}[marker]
            colour = "white" if key == "K" and abs(row[key] - low) < 0.02 else colour
            ax.plot(
                row[key],
                y + shift,
                marker,
                ms=size,
                color=colour,
                zorder=front,
                **extra,
            )
    ax.set_yticks(range(len(rows)), [row["name"] for row in rows])
    ax.invert_yaxis()
    ax.set(xlabel="entanglement (ebits)", xlim=(-0.1, 4.2))
    ax.grid(axis="x", color="#e6e6e6")
    ax.set_axisbelow(True)
    handles = [
        Line2D([], [], ls="", marker=marker, color=colour, label=label, **extra)
        for _, marker, colour, extra, label in styles.values()
    ]
    handles.append(Line2D([], [], color="#c8c8c8", lw=8, label="certified, up to LN"))
    ax.legend(handles=handles, loc="upper right", fontsize=10)
    return figure


def binary_entropy(p: NDArray) -> NDArray[np.float64]:
    """``h(p) = -p log2 p - (1 - p) log2 (1 - p)``, of any array of probabilities."""
    return _entropy(np.stack([p, 1 - p]))


def _entropy(p: NDArray) -> NDArray[np.float64]:
    """Shannon entropy, in bits, of the first axis."""
    logs = np.log2(p, out=np.zeros_like(p), where=p > 0)
    return -(p * logs).sum(axis=0)


def ising_lines(a: NDArray) -> dict[str, NDArray[np.float64]]:
    """Closed forms for ``exp(-i a ZZ)``, a from 0 to pi/4.

    ``E_up`` is the best of one family of inputs: proved from below only.
    """
    phi = np.linspace(0, np.pi / 2, 20001)[:, None]
    gain = binary_entropy(np.cos(phi + a) ** 2) - binary_entropy(np.cos(phi) ** 2)
    strength = binary_entropy(np.cos(a) ** 2)
    power = gain.max(axis=0)
    return {
        "K": strength,
        "E_0": strength,
        "E_up": power,
        "LN": np.log2(1 + np.sin(2 * a)),
    }


def heisenberg_lines(a: NDArray) -> dict[str, NDArray[np.float64]]:
    """Closed forms for ``exp(-i a (XX+YY+ZZ)) = e^(ia) (cos 2a - i sin 2a SWAP)``."""
    each = np.sin(2 * a) ** 2 / 4  # weight of XX, of YY and of ZZ
    p = np.stack([1 - 3 * each, each, each, each])
    return {
        "K": _entropy(p),
        "E_0_unassisted": binary_entropy(np.cos(2 * a) ** 2),
        "LN": 2 * np.log2(np.sqrt(p).sum(axis=0)),
    }


LINES = {
    "ising": (
        "exp(-i a ZZ): every line has a closed form",
        lambda a: qsim.canonical_gate(0, 0, a),
        ising_lines,
    ),
    "heisenberg": (
        "exp(-i a (XX+YY+ZZ)), from the identity to SWAP",
        lambda a: qsim.canonical_gate(a, a, a),
        heisenberg_lines,
    ),
}


def measure_line(
    line: str, n_points: int, starts: int, rng: np.random.Generator
) -> dict[str, Any]:
    """K, E_0, E_up and LN by search, beside the closed forms."""
    _, gate_at, closed = LINES[line]
    angles = np.linspace(0, PI_4, n_points)
    found = {key: [] for key in ("K", "E_0", "E_up", "upper")}
    for a in angles:
        gate = gate_at(a)
        product = qsim.entangling_power(
            gate, (2, 2), inputs="product", n_starts=3 * starts, rng=rng
        )
        interval = qsim.entangling_power_bounds(gate, (2, 2), n_starts=starts, rng=rng)
        found["K"].append(qsim.schmidt_strength(gate, (2, 2)))
        found["E_0"].append(product.value)
        found["E_up"].append(interval.lower)
        found["upper"].append(interval.upper)
    exact = {key: values.tolist() for key, values in closed(angles).items()}
    return {"a": angles.tolist(), "found": found, "closed": exact}


def sandwich_paragraph(lines: dict[str, Any]) -> str:
    """What to see along the two lines."""
    worst = max(
        np.abs(np.subtract(line["closed"][key], line["found"][other])).max()
        for line in lines.values()
        for key, other in (
            ("K", "K"),
            ("E_0", "E_0"),
            ("E_up", "E_up"),
            ("LN", "upper"),
        )
        if key in line["closed"]
    )
    fine = np.linspace(0, PI_4, 2001)
    exact = heisenberg_lines(fine)
    excess = exact["E_0_unassisted"] - exact["K"]
    where = int(excess.argmax())
    ising = {key: np.array(values) for key, values in lines["ising"]["found"].items()}
    gap = (ising["upper"] - ising["E_up"]).max()
    ratio = ising["E_up"][1] / ising["E_0"][1]
    return (
        f"K <= E_0 <= E_up <= LN at every point, and the searches are within "
        f"{worst:.0e} ebits of the closed forms. Along the Ising line entangled inputs "
        f"gain {ratio:.1f} times as much as product ones at a = "
        f"{lines['ising']['a'][1]:.3f}, and E_up is at most {gap:.3f} ebits under LN. "
        f"On the Heisenberg line K is not E_0: the input |01> beats K by up to "
        f"{excess[where]:.4f} ebits (at a = {fine[where]:.3f}). Without ancillas the "
        "power falls back to 0 towards SWAP; with them it ends at 2 ebits."
    )


def draw_sandwich(lines: dict[str, Any]) -> Figure:
    """Closed forms as lines, searches as points, and where E_0 exceeds K."""
    figure, axes = new_figure(1, 3, figsize=(15, 5))
    figure.suptitle("K ≤ E_0 ≤ E_up ≤ LN: closed forms (lines) and searches (points)")
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
    fine = np.linspace(0, PI_4, 301)
    for ax, (line, data) in zip(axes[0], lines.items(), strict=False):
        title, _, closed = LINES[line]
        exact = closed(fine)
        for key, (label, colour, style) in styles.items():
            if key in exact:
                label = "K = E_0" if line == "ising" and key == "K" else label
                ax.plot(fine, exact[key], style, color=colour, label=label)
        for key, (label, colour, marker, face) in points.items():
            ax.plot(
                data["a"], data["found"][key], marker, color=colour, mfc=face, ms=5,
                label=label,
            )  # fmt: skip
        ax.set_title(title, fontsize=11)
        ax.set(ylabel="entanglement (ebits)")
        ax.legend(fontsize=9, loc="lower right" if line == "ising" else "lower center")
    exact, data = heisenberg_lines(fine), lines["heisenberg"]
    excess = np.maximum(exact["E_0_unassisted"] - exact["K"], 0)
    found = np.subtract(data["found"]["E_0"], data["found"]["K"])
    ax = axes[0, 2]
    ax.plot(fine, excess, ":", color="black", label="input |01>, where it beats K")
    ax.plot(data["a"], found, "o", color=BLUE, mfc="white", ms=5, label="E_0, search")
    ax.set_title("(XX+YY+ZZ) again: K is not always E_0", fontsize=11)
    ax.set(ylabel="E_0 - K (ebits)")
    ax.legend(fontsize=9)
    for ax in axes[0]:
        ax.set(xlabel="angle a (radians)")
        ax.set_xticks(np.arange(5) * np.pi / 16, ["0", "π/16", "π/8", "3π/16", "π/4"])
        ax.grid(color="#e6e6e6")
    return figure


class Ensemble(NamedTuple):
    """Random circuits on 2+2 wires."""

    name: str
    rotation: str
    n_layers: int
    largest: float = 2 * np.pi
    inverse: bool = False

    def draw(self, rng: np.random.Generator) -> NDArray:
        """One matrix ``(16, 16)``; no rotation means Haar."""
        if not self.rotation:
            return qsim.haar_unitary(16, rng)
        angles = rng.uniform(0, self.largest, (self.n_layers, 4))
        matrix = qsim.circuit_matrix(angles, self.rotation)
        return matrix.conj().T if self.inverse else matrix


RY_TURN, RY_UNIT = "RY, 2 layers, [0, 2 pi]", "RY, 2 layers, [0, 1]"
INVERSE_TURN, INVERSE_UNIT = f"inverse {RY_TURN}", f"inverse {RY_UNIT}"
RX_FLAT, HAAR = "RX, 2 layers, [0, 2 pi]", "Haar 16 x 16"
ENSEMBLES = [
    Ensemble(RY_TURN, "RY", 2),
    Ensemble(RY_UNIT, "RY", 2, 1.0),
    Ensemble(INVERSE_TURN, "RY", 2, inverse=True),
    Ensemble(INVERSE_UNIT, "RY", 2, 1.0, inverse=True),
    Ensemble("RY, 4 layers, [0, 2 pi]", "RY", 4),
    Ensemble(RX_FLAT, "RX", 2),
    Ensemble("RX, 4 layers, [0, 2 pi]", "RX", 4),
    Ensemble("RX, 1 layer, [0, 2 pi]", "RX", 1),
    Ensemble("RY, 1 layer, [0, 2 pi]", "RY", 1),
    Ensemble(HAAR, "", 0),
]


def measure_pair(
    unitary: NDArray,
    dims: tuple[int, int],
    starts: int,
    rng: np.random.Generator,
    down_ancillas: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Both powers of one unitary with their certified intervals, K and e_p."""
    up = qsim.entangling_power_bounds(unitary, dims, n_starts=starts, rng=rng)
    down = qsim.entangling_power_bounds(
        unitary.conj().T, dims, ancillas=down_ancillas, n_starts=starts, rng=rng
    )
    return {
        "K": qsim.schmidt_strength(unitary, dims),
        "e_p": qsim.mean_entangling_power(unitary, dims),
        "up": [up.lower, up.upper],
        "down": [down.lower, down.upper],
        "n_reached": [up.n_reached, down.n_reached],
    }


def summarize(draws: list[dict[str, Any]]) -> dict[str, Any]:
    """Means, ranges and counts of the draws of one ensemble."""
    up, down = (np.array([draw[key] for draw in draws]) for key in ("up", "down"))
    difference = down[:, 0] - up[:, 0]
    return {
        "K": float(np.mean([draw["K"] for draw in draws])),
        "e_p": float(np.mean([draw["e_p"] for draw in draws])),
        "E_up": _spread(up[:, 0]),
        "E_down": _spread(down[:, 0]),
        "difference": _spread(difference),
        "width": float(np.mean([up[:, 1] - up[:, 0], down[:, 1] - down[:, 0]])),
        "down_over_up": int((difference > MARGIN).sum()),
        "up_over_down": int((difference < -MARGIN).sum()),
        "down_over_up_proved": int((down[:, 0] > up[:, 1] + MARGIN).sum()),
        "up_over_down_proved": int((up[:, 0] > down[:, 1] + MARGIN).sum()),
        "n_draws": len(draws),
    }


def _spread(values: NDArray) -> dict[str, float]:
    """Mean, smallest and largest."""
    pairs = (("mean", values.mean()), ("min", values.min()), ("max", values.max()))
    return {name: float(value) for name, value in pairs}


def circuits_table(rows: dict[str, dict[str, Any]]) -> str:
    """The ensembles as text; a count of 3/1 means 3 found, 1 of them proved."""
    header = ["circuit", "K", "e_p", "E_up", "[min, max]", "E_down", "[min, max]"]
    header += ["down > up", "up > down", "width"]
    cells = []
    for name, row in rows.items():
        cells.append([name, _fixed(row["K"], 3), _fixed(row["e_p"], 4)])
        for key in ("E_up", "E_down"):
            mean, low, high = (_fixed(value, 3) for value in row[key].values())
            cells[-1] += [mean, f"[{low}, {high}]"]
        for key in ("down_over_up", "up_over_down"):
            cells[-1].append(f"{row[key]}/{row[f'{key}_proved']}")
        cells[-1].append(_fixed(row["width"], 3))
    return format_table(header, cells)


def circuits_paragraph(rows: dict[str, dict[str, Any]], gate: dict[str, Any]) -> str:
    """What to see, and which of it is proved."""
    parts = []
    for key, names, sign in (
        ("down_over_up", (RY_TURN, RY_UNIT), "E_down > E_up"),
        ("up_over_down", (INVERSE_TURN, INVERSE_UNIT), "E_up > E_down"),
    ):
        for name in names:
            row = rows[name]
            parts.append(
                f"{name}: the search finds {sign} in {row[key]} of {row['n_draws']} "
                f"draws, the certified intervals do not overlap in "
                f"{row[f'{key}_proved']}"
            )
    turn, haar = rows[RY_TURN], rows[HAAR]
    return (
        f"Numbers such as 3/1: in 3 draws by more than {MARGIN:g}, in 1 of them with "
        f"certified intervals apart. {'; '.join(parts)}. Only where the intervals are "
        "apart is the order proved (up to rounding); elsewhere it is numerical, as the "
        "search may have missed a better input. The mean of E_down - E_up is "
        f"{turn['difference']['mean']:+.4f} for {RY_TURN} and "
        f"{haar['difference']['mean']:+.4f} for Haar, where either order occurs. "
        f"The RX circuit sits at (4, 4) for every angle. The qubit-qutrit gate has "
        f"E_up in [{_fixed(gate['up'][0])}, {_fixed(gate['up'][1])}] and E_down in "
        f"[{_fixed(gate['down'][0])}, {_fixed(gate['down'][1])}]: proved. K and e_p "
        "of a circuit and of its inverse are equal: neither can see any of this."
    )


SCATTER = {
    RY_TURN: (BLUE, "o", BLUE, 4),
    INVERSE_TURN: (BLUE, "o", "white", 4),
    RY_UNIT: (ORANGE, "s", ORANGE, 4),
    INVERSE_UNIT: (ORANGE, "s", "white", 4),
    HAAR: (GREY, "^", GREY, 4),
    RX_FLAT: ("black", "D", "black", 8),
}


def draw_circuits(draws: dict[str, list[dict[str, Any]]], gate: dict) -> Figure:
    """E_down against E_up, and how much of the difference is certain."""
    figure, axes = new_figure(1, 2, figsize=(13, 6.4))
    figure.suptitle(
        "RY circuits lie above the diagonal, their inverses below; "
        "few certified intervals prove it"
    )
    ax = axes[0, 0]
    ax.plot([1.8, 4.1], [1.8, 4.1], color="black", lw=0.8)
    zoom = ax.inset_axes((0.56, 0.06, 0.42, 0.42), xlim=(3.4, 3.7), ylim=(3.4, 3.7))
    zoom.plot([3, 4], [3, 4], color="black", lw=0.8)
    zoom.set(xticks=[3.4, 3.5, 3.6], yticks=[3.4, 3.5, 3.6])
    ax.indicate_inset_zoom(zoom, edgecolor="black")
    groups = {name: draws[name] for name in SCATTER} | {"qubit-qutrit gate": [gate]}
    styles = SCATTER | {"qubit-qutrit gate": ("black", "*", "white", 14)}
    for name, (colour, marker, face, size) in styles.items():
        up, down = (np.array([d[key] for d in groups[name]]) for key in ("up", "down"))
        ax.errorbar(
            up[:, 0], down[:, 0], fmt="none", ecolor=colour, elinewidth=0.5, alpha=0.25,
            xerr=_bars(up), yerr=_bars(down), zorder=1,
        )  # fmt: skip
        for where in (ax, zoom):
            where.plot(
                up[:, 0], down[:, 0], marker, color=colour, mfc=face, ms=size, mew=0.8,
                label=name, zorder=3 if size > 4 else 2,
            )  # fmt: skip
    ax.set(xlabel="E_up (ebits)", ylabel="E_down (ebits)")
    ax.set(xlim=(1.8, 4.1), ylim=(1.8, 4.1), aspect="equal")
    ax.set_title("found, with bars up to the proved upper ends", fontsize=11)
    ax.legend(fontsize=9, loc="upper left")
    _draw_differences(axes[0, 1], draws)
    return figure


def _draw_differences(ax: Axes, draws: dict[str, list[dict[str, Any]]]) -> None:
    """The differences in order, with the intervals that are certain to hold them."""
    start = 0
    for name in (RY_UNIT, RY_TURN):
        colour, marker, face, size = SCATTER[name]
        up, down = (np.array([d[key] for d in draws[name]]) for key in ("up", "down"))
        order = np.argsort(down[:, 0] - up[:, 0])
        up, down = up[order], down[order]
        x = start + np.arange(len(order))
        low, high = down[:, 0] - up[:, 1], down[:, 1] - up[:, 0]
        proved = low > MARGIN
        ax.vlines(x, low, high, color=colour, lw=0.8, alpha=0.45)
        ax.vlines(x[proved], low[proved], high[proved], color="black", lw=2)
        ax.plot(
            x,
            down[:, 0] - up[:, 0],
            marker,
            color=colour,
            mfc=face,
            ms=size,
            label=name,
        )
        start += len(order) + max(2, len(order) // 12)
    ax.axhline(0, color="black", lw=0.8)
    ax.plot([], [], color="black", lw=2, label="interval above 0: proved")
    ax.set(xlabel="draw, in order of the difference", xticks=[])
    ax.set_ylabel("E_down - E_up (ebits)")
    ax.set_title("the differences found, and their certified intervals", fontsize=11)
    ax.grid(axis="y", color="#e6e6e6")
    ax.margins(y=0.25)
    ax.legend(fontsize=9, loc="upper left")


def _bars(ends: NDArray) -> NDArray[np.float64]:
    """Error bars from what was found up to the proved end, ``(2, n)``."""
    width = np.maximum(ends[:, 1] - ends[:, 0], 0)
    return np.stack([np.zeros_like(width), width])


def measure_map(n_points: int) -> dict[str, Any]:
    """K over the second layer's angles on wires 0 and 1, for RY and RX."""
    grid = np.linspace(0, 2 * np.pi, n_points)
    content: dict[str, Any] = {
        "angles": grid.tolist(),
        "axes": "K[rotation][i][j]: wire 1 has angles[i], wire 0 has angles[j]",
        "first_layer": [FIXED_ANGLE] * 4,
        "second_layer_wires_2_and_3": [FIXED_ANGLE] * 2,
        "K": {},
    }
    for rotation in ("RY", "RX"):
        angles = np.full((2, 4), FIXED_ANGLE)
        values = np.empty((n_points, n_points))
        for i, j in np.ndindex(values.shape):
            angles[1, :2] = grid[j], grid[i]
            circuit = qsim.circuit_matrix(angles, rotation)
            values[i, j] = qsim.schmidt_strength(circuit, (4, 4))
        content["K"][rotation] = values.tolist()
    return content


def map_paragraph(content: dict[str, Any]) -> str:
    """What to see in the map."""
    ry, rx = (np.array(content["K"][rotation]) for rotation in ("RY", "RX"))
    return (
        f"With RY, two angles of the second layer move K between {ry.min():.3f} and "
        f"{ry.max():.3f} ebits (the other angles are {FIXED_ANGLE} radians). With RX, "
        f"K is {rx.mean():.6f} everywhere (largest deviation "
        f"{np.abs(rx - 4).max():.0e}): two layers of RX have nothing to train here."
    )


def draw_map(content: dict[str, Any]) -> Figure:
    """RY beside RX, on the same colour scale."""
    figure, axes = new_figure(1, 2, figsize=(11, 5.2))
    figure.suptitle(
        "Two layers of RY have entangling power to train, two of RX have none"
    )
    grid = np.array(content["angles"])
    values = {rotation: np.array(k) for rotation, k in content["K"].items()}
    low = min(k.min() for k in values.values())
    ticks = np.arange(5) * np.pi / 2, ["0", "π/2", "π", "3π/2", "2π"]
    for ax, (rotation, k) in zip(axes[0], values.items(), strict=True):
        image = ax.pcolormesh(
            grid, grid, k, cmap="viridis", vmin=low, vmax=4, shading="nearest"
        )
        flat = np.ptp(k) < MARGIN
        reach = (
            f"= {k.min():.3f} everywhere"
            if flat
            else f"from {k.min():.3f} to {k.max():.3f}"
        )
        ax.set_title(f"{rotation}: K {reach}", fontsize=11)
        ax.set(xlabel="second layer, wire 0 (radians)")
        ax.set(ylabel="second layer, wire 1 (radians)", aspect="equal")
        ax.set_xticks(*ticks)
        ax.set_yticks(*ticks)
    levels = [3.1, 3.3, 3.5, 3.7, 3.9]
    axes[0, 0].contour(grid, grid, values["RY"], levels, colors="white", linewidths=0.8)
    figure.colorbar(image, ax=axes[0].tolist(), label="Schmidt strength K (ebits)")
    return figure


def _fixed(value: float, digits: int = 6) -> str:
    """A number with a fixed number of digits and no negative zero."""
    return f"{round(float(value), digits) + 0.0:.{digits}f}"


def _progress(text: str) -> None:
    """What is being done, on standard error if that is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def _report(
    args: argparse.Namespace,
    study: str,
    texts: list[str],
    content: dict,
    figure: Figure,
) -> None:
    """Print, write the JSON file and the figure, and say where."""
    _progress("")
    header = {"experiment": NAME, "study": study, "seed": args.seed}
    header |= {"starts": args.starts, "quick": args.quick, "versions": versions()}
    path = args.out / f"{NAME}_{study}"
    write_json(f"{path}.json", header | content)
    save_figure(f"{path}.png", figure)
    print("\n\n".join([*texts, f"Wrote {path}.json, {path}.png."]) + "\n", flush=True)


def run_gates(args: argparse.Namespace) -> None:
    """The table of named gates."""
    rows = []
    for k, gate in enumerate(named_gates()):
        _progress(f"gates: {gate.name}")
        rng = np.random.default_rng([args.seed, 0, k])
        rows.append(measure_gate(gate, args.starts, rng))
    texts = [gates_table(rows), gates_paragraph(rows)]
    _report(args, "gates", texts, {"gates": rows}, draw_gates(rows))


def run_sandwich(args: argparse.Namespace) -> None:
    """The sandwich along the Ising and the Heisenberg line."""
    lines = {}
    for k, line in enumerate(LINES):
        _progress(f"sandwich: {line}")
        rng = np.random.default_rng([args.seed, 1, k])
        n_points = 9 if args.quick else 33
        lines[line] = measure_line(line, n_points, args.starts, rng)
    texts = [sandwich_paragraph(lines)]
    _report(args, "sandwich", texts, {"lines": lines}, draw_sandwich(lines))


def run_circuits(args: argparse.Namespace) -> None:
    """Both powers of random circuits, and of the qubit-qutrit gate."""
    n_draws = args.draws or (QUICK_DRAWS if args.quick else DRAWS)
    draws: dict[str, list[dict[str, Any]]] = {}
    for k, ensemble in enumerate(ENSEMBLES):
        rng = np.random.default_rng([args.seed, 2, k])
        draws[ensemble.name] = []
        for draw in range(n_draws):
            _progress(f"circuits: {ensemble.name}, draw {draw + 1} of {n_draws}")
            pair = measure_pair(ensemble.draw(rng), (4, 4), args.starts, rng)
            draws[ensemble.name].append(pair)
    rng = np.random.default_rng([args.seed, 3])
    gate = measure_pair(qsim.QUBIT_QUTRIT, (2, 3), args.starts, rng, (5, 5))
    rows = {name: summarize(group) for name, group in draws.items()}
    texts = [circuits_table(rows), circuits_paragraph(rows, gate)]
    content = {"margin": MARGIN, "table": rows, "qubit_qutrit": gate, "draws": draws}
    _report(args, "circuits", texts, content, draw_circuits(draws, gate))


def run_map(args: argparse.Namespace) -> None:
    """K over two angles, RY beside RX."""
    _progress("map of K")
    content = measure_map(9 if args.quick else 97)
    _report(args, "map", [map_paragraph(content)], content, draw_map(content))


STUDIES: list[Callable[[argparse.Namespace], None]] = [
    run_gates,
    run_sandwich,
    run_circuits,
    run_map,
]


def main(args: argparse.Namespace) -> None:
    """Run the four studies in turn, in one thread.

    The matrices are too small to share: on a busy machine threads that wait for each
    other make the searches many times slower.
    """
    if any(os.environ.get(name) != "1" for name in THREADS):
        environment = os.environ | dict.fromkeys(THREADS, "1")
        command = [sys.executable, "-m", f"experiments.{NAME}", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    args.out.mkdir(parents=True, exist_ok=True)  # a wrong folder ends the run here
    for study in STUDIES:
        study(args)


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser(f"experiments.{NAME}", __doc__)
    add = parser.add_argument
    add("--seed", type=seed_int, default=0, help="seed of draws and starting points")
    add(
        "--starts",
        type=positive_int,
        default=4,
        help="starting points of a search; three times as many for product inputs "
        "and without ancillas",
    )
    add(
        "--draws",
        type=positive_int,
        help=f"draws of each circuit, {DRAWS}, or {QUICK_DRAWS} with --quick",
    )
    add("--quick", action="store_true", help="few draws and coarse grids")
    add("--out", type=Path, default=Path("results"), help="folder for what is written")
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
