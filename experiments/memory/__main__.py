"""What the memory holds, and whether training moves it: ``python -m experiments.memory``.

Four questions, with a figure each: what a step entangles and keeps (the ledger), how long
a memory lasts at initial parameters, whether training moves entanglement, and whether the
test error follows it. Beside the trained models stand models without memory, models
trained on shuffled targets, parameters drawn anew, persistence and an autoregression.
"""

import argparse
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.memory import figures, report
from experiments.memory import runs as runs_of
from experiments.memory.runs import Circuit, Curves, Run, Sizes
from experiments.memory.statistics import Change, Correlation, changes, correlations
from qlstm import QLSTMConfig
from qlstm.commands.cli import (
    Parser,
    Progress,
    positive_int,
    run_main,
    seed_int,
)
from qlstm.files import versions, write_json
from qlstm.forecasting import (
    SINE_PROTOCOLS,
    Dataset,
    forecast_baselines,
    noisy_sine,
    prepare,
)
from qlstm.insight import Trace
from qlstm.params import ROTATIONS
from qlstm.plots import save_figure
from qlstm.readout import out_of_reach

PROTOCOL = SINE_PROTOCOLS["figure"]
FULL = Sizes(seeds=10, epochs=150, draws=20, sequences=2000, n_steps=16)
QUICK = Sizes(seeds=3, epochs=2, draws=2, sequences=200, n_steps=6)


class Found(NamedTuple):
    """Everything that was measured."""

    circuits: list[Circuit]
    curves: list[Curves]
    runs: list[Run]
    changes: list[Change]
    correlations: list[Correlation]
    baselines: dict[str, float]
    ledgers: dict[str, dict[str, Trace]]
    """By rotation, before and after training."""


def main(args: argparse.Namespace) -> None:
    """Measure, print, draw, write."""
    start = time.perf_counter()
    warnings.filterwarnings("ignore", ".*targets cannot be met")  # the headline says so
    args.out.mkdir(parents=True, exist_ok=True)  # an error now, not after training
    sizes = QUICK if args.quick else FULL
    sizes = sizes._replace(
        seeds=args.seeds or sizes.seeds, epochs=args.epochs or sizes.epochs
    )
    rng = np.random.default_rng(args.seed)
    dataset = prepare(noisy_sine(PROTOCOL, rng), PROTOCOL, rng)
    found = _measure(args, sizes, dataset)
    _print(found, sizes, dataset)
    names = ["memory.json", *_draw(found, args.out)]
    content = {
        "experiment": "memory",
        "seed": args.seed,
        "sizes": sizes._asdict(),
        "protocol": vars(PROTOCOL),
        "versions": versions(),
        "baselines": found.baselines,
        "circuits": [_plain(c) for c in found.circuits],
        "curves": [_plain(c) for c in found.curves],
        "runs": [_plain(r) for r in found.runs],
        "changes": [_plain(c) for c in found.changes],
        "correlations": [_plain(c) for c in found.correlations],
        "ledgers": {
            rotation: {name: _ledger(t) for name, t in both.items()}
            for rotation, both in found.ledgers.items()
        },
        "seconds": time.perf_counter() - start,
    }
    write_json(args.out / "memory.json", content)
    print(f"\nWrote {', '.join(str(args.out / name) for name in names)}.")


def _measure(args: argparse.Namespace, sizes: Sizes, dataset: Dataset) -> Found:
    """Curves at initial parameters, and all training runs."""
    seeds = [args.seed + k for k in range(sizes.seeds)]
    circuits, curves, runs, ledgers = [], [], [], {}
    for rotation in ROTATIONS if args.rotation == "both" else (args.rotation,):
        circuit, of_rules = runs_of.measure_curves(rotation, sizes, args.seed)
        circuits.append(circuit)
        curves += of_rules
        for seed in seeds:
            bar = partial(_progress, seed=seed, epochs=sizes.epochs)
            runs += runs_of.train_models(rotation, seed, dataset, sizes.epochs, bar)
        runs += runs_of.redrawn_runs(rotation, seeds, dataset)
        first = next(r for r in runs if (r.rotation, r.model) == (rotation, "collapse"))
        config = QLSTMConfig(rotation=rotation)
        ledgers[rotation] = runs_of.ledgers(first, dataset, config)
    return Found(
        circuits,
        curves,
        runs,
        changes(runs),
        correlations(runs),
        {f.name: f.test_mse_scaled for f in forecast_baselines(dataset)},
        ledgers,
    )


def _print(found: Found, sizes: Sizes, dataset: Dataset) -> None:
    """Tables, then a paragraph for each figure."""
    train, test = dataset.train, dataset.test
    beyond = out_of_reach(train.targets, train.inputs, QLSTMConfig())
    parts = [
        (
            f"Noisy sine, protocol `{PROTOCOL.name}`: {len(train.targets)} training and "
            f"{len(test.targets)} test windows; {beyond} of the training targets lie outside "
            "[-1, 1], where <Z> cannot go."
        ),
        f"Memory at initial parameters, {sizes.draws} draws, mean ± standard deviation",
        report.curves_table(found.circuits, found.curves),
        f"Test errors, {sizes.seeds} seeds, {sizes.epochs} epochs",
        report.errors_table(found.runs, found.baselines),
        "Does training move entanglement? Medians in ebits and paired Wilcoxon tests",
        report.changes_table(found.changes),
        "Does the test error follow it? Spearman's correlation over the seeds",
        report.correlations_table(found.correlations),
        *(report.ledger_text(r, both) for r, both in found.ledgers.items()),
        report.curves_text(found.circuits, found.curves),
        report.training_text(found.changes),
        report.errors_text(found.runs, found.correlations, found.baselines),
    ]
    print("\n\n".join(parts))


def _draw(found: Found, folder: Path) -> list[str]:
    """Save all figures; their names."""
    drawn = {
        f"memory_ledger_{rotation}.png": figures.draw_ledger(both, rotation)
        for rotation, both in found.ledgers.items()
    } | {
        "memory_curves.png": figures.draw_curves(found.circuits, found.curves),
        "memory_training.png": figures.draw_training(found.runs),
        "memory_errors.png": figures.draw_errors(
            found.runs, found.correlations, found.baselines
        ),
    }
    for name, figure in drawn.items():
        save_figure(folder / name, figure)
    return list(drawn)


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
