"""What does the memory hold, for how long, and does training move it?

``python -m experiments.memory`` asks four questions, with a figure each: what a step
entangles and keeps (the ledger), how long a memory lasts at initial parameters, whether
training moves entanglement, and whether the test error follows it. Beside the trained
models stand models without memory, models trained on shuffled targets, parameters drawn
anew, persistence and an autoregression.

``--controls`` asks what a referee asks: is the memory quantum, does power matter, and
what do classical machines of the same size do?
"""

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from experiments.memory.controls.figures import draw_dephasing
from experiments.memory.controls.report import report as controls_report
from experiments.memory.controls.runs import FULL as CONTROLS
from experiments.memory.controls.runs import QUICK as QUICK_CONTROLS
from experiments.memory.controls.runs import measure as measure_controls
from experiments.memory.counterexample import table
from experiments.memory.figures import draw_all
from experiments.memory.report import report
from experiments.memory.runs import FULL, PROTOCOL, QUICK, measure
from experiments.memory.statistics import changes, correlations
from qlstm import ROTATIONS
from qlstm.commands import (
    Parser,
    check_results,
    positive_int,
    run_main,
    seed_int,
    write_results,
)
from qlstm.files import versions
from qlstm.forecasting import noisy_sine, prepare
from qlstm.insight import Trace


def options() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.memory", __doc__)
    add = parser.add_argument
    help_ = f"trained models each; {FULL.seeds} unless --quick"
    add("--seeds", type=positive_int, help=help_)
    add("--epochs", type=positive_int, help=f"epochs; {FULL.epochs} unless --quick")
    add("--rotation", choices=[*ROTATIONS, "both"], default="both", help="gate")
    add("--seed", type=seed_int, default=0, help="first seed, and that of the series")
    add("--quick", action="store_true", help="a small run that shows all parts")
    help_ = "print a step of much power that forgets, one of none that keeps, and stop"
    add("--counterexample", action="store_true", help=help_)
    help_ = "dephase the memory, price its power, set classical machines beside it"
    add("--controls", action="store_true", help=help_)
    add("--out", type=Path, default=Path("results"), help="folder for what is written")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure, print, draw, write."""
    if args.counterexample:
        print(table(args.seed))
        return
    if args.controls:
        controls(args)
        return
    start = time.perf_counter()
    warnings.filterwarnings("ignore", ".*targets cannot be met")  # the headline says so
    check_results(args.out, "memory.json", "memory_curves.png")
    sizes = QUICK if args.quick else FULL
    sizes = sizes._replace(
        seeds=args.seeds or sizes.seeds, epochs=args.epochs or sizes.epochs
    )
    rng = np.random.default_rng(args.seed)
    dataset = prepare(noisy_sine(PROTOCOL, rng), PROTOCOL, rng)

    found = measure(rotations_of(args), args.seed, sizes, dataset)
    moved, follows = changes(found.runs), correlations(found.runs)
    print(report(found, moved, follows, sizes, dataset))
    figures = draw_all(found, follows)
    content = {
        "experiment": "memory",
        "seed": args.seed,
        "sizes": sizes._asdict(),
        "protocol": vars(PROTOCOL),
        "versions": versions(),
        **plain(found),
        "changes": plain(moved),
        "correlations": plain(follows),
        "seconds": time.perf_counter() - start,
    }
    write_results(args.out, {"memory.json": content} | figures)


def controls(args: argparse.Namespace) -> None:
    """The same for the controls of a referee."""
    start = time.perf_counter()
    if args.epochs is not None:
        raise ValueError("Argument `epochs` must be left out with --controls.")
    check_results(args.out, "memory_controls.json", "memory_controls.png")
    sizes = QUICK_CONTROLS if args.quick else CONTROLS
    sizes = sizes._replace(seeds=args.seeds or sizes.seeds)
    found = measure_controls(rotations_of(args), args.seed, sizes)
    print(controls_report(found, sizes))
    content = {
        "experiment": "memory controls",
        "seed": args.seed,
        "sizes": sizes._asdict(),
        "versions": versions(),
        **plain(found),
        "seconds": time.perf_counter() - start,
    }
    figures = {"memory_controls.png": draw_dephasing(found.dephasing)}
    write_results(args.out, {"memory_controls.json": content} | figures)


def rotations_of(args: argparse.Namespace) -> tuple[str, ...]:
    """The gates that were asked for."""
    return ROTATIONS if args.rotation == "both" else (args.rotation,)


def plain(value: Any) -> Any:
    """Records, arrays and ledgers as JSON takes them, but for parameters."""
    if isinstance(value, Trace):
        return ledger(value)
    if hasattr(value, "_asdict"):
        return {k: plain(v) for k, v in value._asdict().items() if k != "params"}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def ledger(steps: Trace) -> dict[str, Any]:
    """The numbers of the first window's steps."""
    one = steps.to_frame().query("sequence == 0").drop(columns="sequence")
    populations = np.abs(steps.memory_after[0]) ** 2
    return {
        **one.to_dict("list"),
        "outcome_probabilities": steps.outcome_probabilities[0].tolist(),
        "memory_populations": populations.tolist(),
    }


if __name__ == "__main__":
    run_main(main, options())
