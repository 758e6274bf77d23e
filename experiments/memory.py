"""What the memory holds, and whether training moves it: ``python -m experiments.memory``.

Four questions, with a figure each: what a step entangles and keeps (the ledger), how long
a memory lasts at initial parameters, whether training moves entanglement, and whether the
test error follows it. Beside the trained models stand models without memory, models
trained on shuffled targets, parameters drawn anew, persistence and an autoregression.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments import memory_figures as figures
from experiments import memory_report as report
from experiments import memory_runs as runs_of
from experiments.memory_runs import Circuit, Curves, Run, Sizes
from qlstm import (
    SINE_PROTOCOLS,
    QLSTMConfig,
    Trace,
    forecast_baselines,
    noisy_sine,
    prepare,
)
from qlstm.cli import (
    Parser,
    Progress,
    positive_int,
    run_main,
    seed_int,
    versions,
)
from qlstm.params import ROTATIONS
from qlstm.plots import save_figure
from qlstm.store import write_json

FULL = Sizes(seeds=10, epochs=150, draws=20, sequences=2000, n_steps=16)
QUICK = Sizes(seeds=3, epochs=2, draws=2, sequences=200, n_steps=6)


def main(args: argparse.Namespace) -> None:
    """Measure, print, draw, write."""
    start = time.perf_counter()
    sizes = QUICK if args.quick else FULL
    sizes = sizes._replace(
        seeds=args.seeds or sizes.seeds, epochs=args.epochs or sizes.epochs
    )
    rotations = ROTATIONS if args.rotation == "both" else (args.rotation,)
    rng = np.random.default_rng(args.seed)
    protocol = SINE_PROTOCOLS["figure"]
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    baselines = {f.name: f.test_mse_scaled for f in forecast_baselines(dataset)}
    seeds = [args.seed + k for k in range(sizes.seeds)]
    circuits: list[Circuit] = []
    curves: list[Curves] = []
    runs: list[Run] = []
    ledgers: dict[str, dict[str, Trace]] = {}
    for rotation in rotations:
        circuit, found = runs_of.measure_curves(rotation, sizes, args.seed)
        circuits.append(circuit)
        curves += found
        for seed in seeds:
            progress = partial(_progress, seed=seed, epochs=sizes.epochs)
            runs += runs_of.train_models(
                rotation, seed, dataset, sizes.epochs, progress
            )
        runs += runs_of.redrawn_runs(rotation, seeds, dataset)
        first = next(r for r in runs if (r.rotation, r.model) == (rotation, "collapse"))
        config = QLSTMConfig(rotation=rotation)
        ledgers[rotation] = runs_of.ledgers(first, dataset, config)
    changes, correlations = runs_of.changes(runs), runs_of.correlations(runs)
    print(
        f"Memory at initial parameters, {sizes.draws} draws, mean ± standard deviation\n"
    )
    print(report.curves_table(circuits, curves))
    print(f"\nTest errors, {sizes.seeds} seeds, {sizes.epochs} epochs\n")
    print(report.errors_table(runs, baselines))
    print("\nDoes training move entanglement? Medians and paired Wilcoxon tests\n")
    print(report.changes_table(changes))
    print("\nDoes the test error follow it? Spearman's correlation over the seeds\n")
    print(report.correlations_table(correlations))
    for rotation in rotations:
        print(f"\n{report.ledger_text(rotation, ledgers[rotation])}")
    print(f"\n{report.curves_text(circuits, curves)}")
    print(f"\n{report.training_text(changes)}")
    print(f"\n{report.errors_text(runs, correlations, baselines)}")
    drawn = {
        f"memory_ledger_{r}.png": figures.draw_ledger(ledgers[r], r) for r in rotations
    } | {
        "memory_curves.png": figures.draw_curves(circuits, curves),
        "memory_training.png": figures.draw_training(runs),
        "memory_errors.png": figures.draw_errors(runs, correlations, baselines),
    }
    for name, figure in drawn.items():
        save_figure(args.out / name, figure)
    content = {
        "experiment": "memory",
        "seed": args.seed,
        "sizes": sizes._asdict(),
        "protocol": vars(protocol),
        "versions": versions(),
        "baselines": baselines,
        "circuits": [_plain(c) for c in circuits],
        "curves": [_plain(c) for c in curves],
        "runs": [_plain(r._replace(params=None)) for r in runs],
        "changes": [_plain(c) for c in changes],
        "correlations": [_plain(c) for c in correlations],
        "ledgers": {
            r: {name: _ledger(t) for name, t in ledgers[r].items()} for r in rotations
        },
        "seconds": time.perf_counter() - start,
    }
    write_json(args.out / "memory.json", content)
    names = ", ".join(str(args.out / name) for name in ["memory.json", *drawn])
    print(f"\nWrote {names}.")


def _progress(name: str, seed: int, epochs: int) -> Progress:
    """The progress bar of one run."""
    return Progress(f"{name[:24]} {seed}", epochs)


def _plain(record: Any) -> dict[str, Any]:
    """A NamedTuple as JSON takes it."""
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in record._asdict().items()
        if name != "params"
    }


def _ledger(ledger: Trace) -> dict[str, Any]:
    """The numbers of the first window's steps."""
    one = ledger.to_frame().query("sequence == 0").drop(columns="sequence")
    populations = np.abs(ledger.memory_after[0]) ** 2
    return {
        **one.to_dict("list"),
        "outcome_probabilities": ledger.outcome_probabilities[0].tolist(),
        "memory_populations": populations.tolist(),
    }


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.memory", __doc__)
    add = parser.add_argument
    add(
        "--seeds",
        type=positive_int,
        help=f"trained models each; {FULL.seeds} unless --quick",
    )
    add("--epochs", type=positive_int, help=f"epochs; {FULL.epochs} unless --quick")
    add("--rotation", choices=[*ROTATIONS, "both"], default="both", help="gate")
    add("--seed", type=seed_int, default=0, help="first seed, and that of the series")
    add("--quick", action="store_true", help="a small run that shows all parts")
    add("--out", type=Path, default=Path("results"), help="folder for what is written")
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
