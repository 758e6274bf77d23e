"""Our numbers beside PennyLane's: ``python -m experiments.crosscheck``.

The same model runs in NumPy (this package) and in PennyLane (default.qubit, autograd),
and every quantity is compared: states, measurements, gradients, a training run. Exit
status 0 if all agree to 1e-10, 1 if any does not, 2 if the options are wrong or
PennyLane is missing (pip install "qlstm[crosscheck]").
"""

import argparse
import math
import textwrap
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from qlstm import QLSTMConfig, QLSTMParams, init_params, load_model
from qlstm.commands import (
    Parser,
    add_model_options,
    format_table,
    model_config,
    positive_int,
    run_main,
    seed_int,
)
from qlstm.files import versions, write_json
from qlstm.interchange.pennylane import import_pennylane
from qlstm.params import MEMORIES, PAPER_MEMORIES, ROTATIONS

if TYPE_CHECKING:
    from experiments.crosscheck.comparison import Comparison

TOLERANCE = 1e-10
MODEL_OPTIONS = (
    "system_qubits",
    "ancilla_qubits",
    "layers",
    "disentangler",
    "rotation",
    "memory",
)
"""Options that describe a model, and so do not go with a saved one."""
WIDTH = 96
"""Columns that notes are wrapped to, about as wide as the table."""


def main(args: argparse.Namespace) -> None:
    """Compare every configuration, report, and exit with status 1 on a difference."""
    start = time.perf_counter()
    both = _comparison_module()
    models = _models(args)
    print(_headline(args, models[0][1], both), flush=True)
    comparisons = [
        both.compare(params, config, args.epochs, args.seed)
        for params, config in models
    ]
    print(_difference_table(comparisons), _notes(comparisons), sep="\n")
    print(_time_table(comparisons, both))
    if args.out is not None:
        write_json(args.out, _record(args, comparisons, both))
        print(f"\nWrote {args.out}.")
    passed = all(map(_passes, comparisons))
    print(
        f"\n{'PASS' if passed else 'FAIL'}: differences must not exceed {TOLERANCE}. "
        f"The check took {time.perf_counter() - start:.0f} seconds."
    )
    if not passed:
        raise SystemExit(1)


def _comparison_module() -> ModuleType:
    """The module that runs both sides, or an error that says how to get PennyLane."""
    import_pennylane("The cross-check")
    from experiments.crosscheck import comparison

    return comparison


def _models(args: argparse.Namespace) -> list[tuple[QLSTMParams, QLSTMConfig]]:
    """The saved model, or a new one for each rotation and memory rule asked for."""
    if args.model is not None:
        parser = _parser()
        for name in MODEL_OPTIONS:
            if getattr(args, name) != parser.get_default(name):
                raise ValueError(
                    f"Option --{name.replace('_', '-')} must be left out with "
                    "--model, which brings its own configuration."
                )
        return [load_model(args.model)]
    configs = [
        model_config(args, rotation, memory)
        for rotation in (ROTATIONS if args.rotation == "both" else (args.rotation,))
        for memory in (PAPER_MEMORIES if args.memory == "both" else (args.memory,))
    ]
    return [(init_params(c, np.random.default_rng(args.seed)), c) for c in configs]


def _headline(args: argparse.Namespace, config: QLSTMConfig, both: ModuleType) -> str:
    """What is compared with what."""
    found = _versions()
    sides = (
        f"qlstm {found['qlstm']} (NumPy {found['numpy']}) against PennyLane "
        f"{found['pennylane']} (default.qubit, autograd {found['autograd']}), "
        f"Python {found['python']}."
    )
    what = (
        f"{config.n_system}+{config.n_ancilla} wires, {config.n_layers} layer(s) a "
        f"stage, {both.WINDOWS} windows of the noisy sine, {both.STEPS} steps, "
        f"seed {args.seed}. Each number is the largest absolute difference over all "
        "windows and steps, at the first and at the trained parameters; training is "
        f"{args.epochs} epoch(s) of Adam in minibatches of {both.BATCH}."
    )
    return f"{sides}\n{textwrap.fill(what, WIDTH)}\n"


def _difference_table(comparisons: list["Comparison"]) -> str:
    """One quantity a row, one configuration a column."""
    rows = []
    for name in comparisons[0].differences:
        values = [c.differences[name] for c in comparisons]
        result = "PASS" if all(map(_agrees, values)) else "FAIL"
        cells = [f"{value:.1e}" for value in values]
        rows.append([name, *cells, f"{TOLERANCE:.0e}", result])
    labels = [_label(c) for c in comparisons]
    return format_table(["quantity", *labels, "tolerance", "result"], rows)


def _agrees(value: float) -> bool:
    """Whether a difference is within the tolerance; nan is not."""
    return value <= TOLERANCE


def _passes(comparison: "Comparison") -> bool:
    """Whether every quantity agrees."""
    return all(map(_agrees, comparison.differences.values()))


def _notes(comparisons: list["Comparison"]) -> str:
    """What a reader must know to trust the table, a paragraph a note."""
    notes = []
    for c in comparisons:
        if c.dead:
            notes.append(
                f"{_label(c)}: {c.dead} parameter(s) have no influence on the loss. "
                "Adam divides their gradient, which is rounding noise, by its own "
                "size, so they drift apart and are left out of `training: parameters`."
            )
        if c.margin is not None:
            notes.append(_outcome_note(c))
    filled = [textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in notes]
    return "\n".join(["", *filled, ""])


def _outcome_note(comparison: "Comparison") -> str:
    """Whether both sides collapsed to the same outcomes, and how close it was."""
    label, switches = _label(comparison), comparison.switches
    lead = (
        "the likeliest outcome led the next one in probability by at least "
        f"{comparison.margin:.1e}."
    )
    if not len(switches):
        return f"{label}: both sides collapsed to the same outcomes in training; {lead}"
    epoch, batch, sample, step = (int(k) + 1 for k in switches[0])
    return (
        f"{label}: the two sides collapsed to DIFFERENT outcomes at {len(switches)} "
        f"place(s) in training, first in epoch {epoch}, minibatch {batch}, sample "
        f"{sample}, step {step}; {lead} The rule is discontinuous where two outcomes "
        "tie, so after a tie the runs need not agree; another --seed avoids it. With a "
        "wide margin, one of the sides is wrong."
    )


def _time_table(comparisons: list["Comparison"], both: ModuleType) -> str:
    """Medians of both sides, and what was timed."""
    rows = []
    for c in comparisons:
        cells = [_milliseconds(c.seconds[side]) for side in ("ours", "pennylane")]
        rows.append([_label(c), *cells, f"{c.ratio:.0f}"])
    header = ["milliseconds an epoch", "ours", "PennyLane", "times faster"]
    note = (
        f"Median (smallest to largest) of {len(comparisons[0].seconds['ours'])} "
        f"epoch(s) of {both.WINDOWS // both.BATCH} minibatches, the same work on both "
        "sides: loss, gradient and Adam. PennyLane broadcasts a minibatch: one circuit "
        "a step, not one a window. On circuits this small it spends most of its time "
        "on overhead, the price of being general: the ratio falls with more wires."
    )
    return f"{format_table(header, rows)}\n{textwrap.fill(note, WIDTH)}"


def _milliseconds(seconds: list[float]) -> str:
    """Median and range."""
    low, middle, high = (1e3 * f(seconds) for f in (min, median, max))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def _label(comparison: "Comparison") -> str:
    """A configuration's name in a table."""
    return f"{comparison.config.rotation} {comparison.config.memory}"


def _record(
    args: argparse.Namespace, comparisons: list["Comparison"], both: ModuleType
) -> dict[str, Any]:
    """Everything that was found, as JSON takes it; null stands for nan."""
    return {
        "experiment": "crosscheck",
        "seed": args.seed,
        "epochs": args.epochs,
        "model": None if args.model is None else str(args.model),
        "windows": both.WINDOWS,
        "steps": both.STEPS,
        "batch_size": both.BATCH,
        "learning_rate": both.LEARNING_RATE,
        "tolerance": TOLERANCE,
        "passed": all(map(_passes, comparisons)),
        "versions": _versions(),
        "configurations": [
            {
                "config": asdict(c.config),
                "differences": {
                    name: value if math.isfinite(value) else None
                    for name, value in c.differences.items()
                },
                "parameters_without_influence": c.dead,
                "smallest_margin": c.margin,
                "different_outcomes": None if c.switches is None else len(c.switches),
                "epoch_seconds": c.seconds,
                "times_faster": c.ratio,
            }
            for c in comparisons
        ],
    }


def _versions() -> dict[str, str]:
    """Versions of both sides."""
    return versions() | versions("pennylane", "autograd")


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.crosscheck", __doc__)
    add = parser.add_argument
    add("--memory", choices=[*MEMORIES, "both"], default="both", help="memory rule")
    add("--rotation", choices=[*ROTATIONS, "both"], default="both", help="gate")
    add_model_options(parser)
    add("--epochs", type=positive_int, default=20, help="epochs of the training run")
    add("--seed", type=seed_int, default=0, help="seed of everything that is random")
    add("--model", type=Path, help="a saved model (.npz) to check, as it is configured")
    add("--out", type=Path, help="JSON file to write the differences to")
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
