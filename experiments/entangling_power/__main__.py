"""How much entanglement a gate makes: ``python -m experiments.entangling_power``.

Four studies, each with a figure, a JSON file and a paragraph that says what to see:
named gates; the sandwich K <= E_0 <= E_up <= LN along two lines of gates; circuits that
destroy more than they create; and K over two angles, RY beside RX. What the words
mean, and what is proved: docs/entangling_power.md.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.entangling_power.figures import (
    draw_circuits,
    draw_gates,
    draw_map,
    draw_sandwich,
)
from experiments.entangling_power.measures import (
    DRAWS,
    ENSEMBLES,
    FIXED_ANGLE,
    HAAR,
    INVERSE_TURN,
    INVERSE_UNIT,
    LINES,
    MARGIN,
    PI_4,
    QUICK_DRAWS,
    RY_TURN,
    RY_UNIT,
    heisenberg_lines,
    measure_gate,
    measure_line,
    measure_map,
    measure_pair,
    named_gates,
    summarize,
)
from qlstm.commands.cli import (
    Parser,
    ensure_one_thread,
    format_table,
    positive_int,
    run_main,
    seed_int,
)
from qlstm.files import versions, write_json
from qlstm.plots import save_figure
from qsim import entanglement

NAME = "entangling_power"


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


def map_paragraph(content: dict[str, Any]) -> str:
    """What to see in the map."""
    ry, rx = (np.array(content["K"][rotation]) for rotation in ("RY", "RX"))
    return (
        f"With RY, two angles of the second layer move K between {ry.min():.3f} and "
        f"{ry.max():.3f} ebits (the other angles are {FIXED_ANGLE} radians). With RX, "
        f"K is {rx.mean():.6f} everywhere (largest deviation "
        f"{np.abs(rx - 4).max():.0e}): two layers of RX have nothing to train here."
    )


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
    gate = measure_pair(entanglement.QUBIT_QUTRIT, (2, 3), args.starts, rng, (5, 5))
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
    """Run the four studies in turn, in one thread."""
    ensure_one_thread(f"experiments.{NAME}")
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
