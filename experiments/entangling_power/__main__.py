"""How much entanglement can a gate make, and how much can it take back?

``python -m experiments.entangling_power`` runs four studies, each with a figure, a JSON
file and a paragraph that says what to see: named gates; the sandwich
K <= E_0 <= E_up <= LN along two lines of gates; circuits that destroy more than they
create; and K over two angles, RY beside RX. What the words mean, and what is proved:
docs/entangling_power.md.
"""

import argparse
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from experiments.entangling_power import figures, report, runs
from qlstm.commands import (
    Parser,
    check_results,
    ensure_one_thread,
    positive_int,
    run_main,
    seed_int,
    write_results,
)
from qlstm.files import versions

NAME = "entangling_power"


def options() -> Parser:
    """The options of this experiment."""
    parser = Parser(f"experiments.{NAME}", __doc__)
    add = parser.add_argument
    add("--seed", type=seed_int, default=0, help="seed of draws and starting points")
    starts = (
        "starting points of a search; three times as many for product inputs and "
        "without ancillas"
    )
    add("--starts", type=positive_int, default=4, help=starts)
    draws = f"draws of each circuit, {runs.DRAWS}, or {runs.QUICK_DRAWS} with --quick"
    add("--draws", type=positive_int, help=draws)
    add("--quick", action="store_true", help="few draws and coarse grids")
    add("--out", type=Path, default=Path("results"), help="folder of the results")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the four studies in turn, in one thread; print, draw and write each."""
    ensure_one_thread(f"experiments.{NAME}")
    studies = {"gates": gates, "sandwich": sandwich}
    studies |= {"circuits": circuits, "map": map_of_angles}
    check_results(
        args.out, *(f"{NAME}_{s}.{end}" for s in studies for end in ("json", "png"))
    )
    for name, study in studies.items():
        texts, content, figure = study(args)
        header = {"experiment": NAME, "study": name, "seed": args.seed}
        header |= {"starts": args.starts, "quick": args.quick, "versions": versions()}
        print("\n\n".join(texts))
        stem = f"{NAME}_{name}"
        write_results(
            args.out, {f"{stem}.json": header | content, f"{stem}.png": figure}
        )
        print(flush=True)


Study = tuple[list[str], dict[str, Any], Figure]
"""What to print, the content of the JSON file, the figure."""


def gates(args: argparse.Namespace) -> Study:
    """How much can named gates do, with ancillas and without?"""
    rows = runs.measure_gates(args.starts, args.seed)
    texts = [report.gates_table(rows), report.gates_paragraph(rows)]
    return texts, {"gates": rows}, figures.draw_gates(rows)


def sandwich(args: argparse.Namespace) -> Study:
    """Do searches lie between the bounds, along lines of gates with closed forms?"""
    lines = runs.measure_lines(9 if args.quick else 33, args.starts, args.seed)
    texts = [report.sandwich_paragraph(lines)]
    return texts, {"lines": lines}, figures.draw_sandwich(lines)


def circuits(args: argparse.Namespace) -> Study:
    """Do circuits destroy more than they create, and is it proved?"""
    n_draws = args.draws or (runs.QUICK_DRAWS if args.quick else runs.DRAWS)
    draws, gate = runs.measure_circuits(n_draws, args.starts, args.seed)
    rows = {name: runs.summarize(group) for name, group in draws.items()}
    texts = [report.circuits_table(rows), report.circuits_paragraph(rows, gate)]
    content = {
        "margin": runs.MARGIN,
        "table": rows,
        "qubit_qutrit": gate,
        "draws": draws,
    }
    return texts, content, figures.draw_circuits(draws, gate)


def map_of_angles(args: argparse.Namespace) -> Study:
    """Can training change K? Over two angles, RY beside RX."""
    content = runs.measure_map(9 if args.quick else 97)
    return [report.map_paragraph(content)], content, figures.draw_map(content)


if __name__ == "__main__":
    run_main(main, options())
