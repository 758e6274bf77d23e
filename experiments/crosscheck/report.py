"""What `experiments.crosscheck` says about its comparisons: tables, notes, JSON."""

import math
import textwrap
from dataclasses import asdict
from statistics import median
from typing import Any

from experiments.crosscheck import runs
from experiments.crosscheck.runs import Comparison
from qlstm import QLSTMConfig
from qlstm.commands import format_table
from qlstm.files import versions

TOLERANCE = 1e-10
WIDTH = 96
"""Columns that notes are wrapped to, about as wide as the table."""


def headline(config: QLSTMConfig, epochs: int, seed: int) -> str:
    """What is compared with what."""
    found = _versions()
    sides = (
        f"qlstm {found['qlstm']} (NumPy {found['numpy']}) against PennyLane "
        f"{found['pennylane']} (default.qubit, autograd {found['autograd']}), "
        f"Python {found['python']}."
    )
    what = (
        f"{config.n_system}+{config.n_ancilla} wires, {config.n_layers} layer(s) a "
        f"stage, {runs.WINDOWS} windows of the noisy sine, {runs.STEPS} steps, "
        f"seed {seed}. Each number is the largest absolute difference over all "
        "windows and steps, at the first and at the trained parameters; training is "
        f"{epochs} epoch(s) of Adam in minibatches of {runs.BATCH}."
    )
    return f"{sides}\n{textwrap.fill(what, WIDTH)}\n"


def difference_table(comparisons: list[Comparison]) -> str:
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


def passes(comparison: Comparison) -> bool:
    """Whether every quantity agrees."""
    return all(map(_agrees, comparison.differences.values()))


def verdict(comparisons: list[Comparison], seconds: float) -> str:
    """The last line."""
    result = "PASS" if all(map(passes, comparisons)) else "FAIL"
    return (
        f"\n{result}: differences must not exceed {TOLERANCE}. "
        f"The check took {seconds:.0f} seconds."
    )


def notes(comparisons: list[Comparison]) -> str:
    """What a reader must know to trust the table, a paragraph a note."""
    found = []
    for c in comparisons:
        if c.dead:
            found.append(
                f"{_label(c)}: {c.dead} parameter(s) have no influence on the loss. "
                "Adam divides their gradient, which is rounding noise, by its own "
                "size, so they drift apart and are left out of `training: parameters`."
            )
        if c.margin is not None:
            found.append(_outcome_note(c))
    filled = [textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in found]
    return "\n".join(["", *filled, ""])


def _outcome_note(comparison: Comparison) -> str:
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


def time_table(comparisons: list[Comparison]) -> str:
    """Medians of both sides, and what was timed."""
    rows = []
    for c in comparisons:
        cells = [_milliseconds(c.seconds[side]) for side in ("ours", "pennylane")]
        rows.append([_label(c), *cells, f"{c.ratio:.0f}"])
    header = ["milliseconds an epoch", "ours", "PennyLane", "times faster"]
    note = (
        f"Median (smallest to largest) of {len(comparisons[0].seconds['ours'])} "
        f"epoch(s) of {runs.WINDOWS // runs.BATCH} minibatches, the same work on both "
        "sides: loss, gradient and Adam. PennyLane broadcasts a minibatch: one circuit "
        "a step, not one a window. On circuits this small it spends most of its time "
        "on overhead, the price of being general: the ratio falls with more wires."
    )
    return f"{format_table(header, rows)}\n{textwrap.fill(note, WIDTH)}"


def _milliseconds(seconds: list[float]) -> str:
    """Median and range."""
    low, middle, high = (1e3 * f(seconds) for f in (min, median, max))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def _label(comparison: Comparison) -> str:
    """A configuration's name in a table."""
    return f"{comparison.config.rotation} {comparison.config.memory}"


def record(comparisons: list[Comparison]) -> dict[str, Any]:
    """Everything that was found, as JSON takes it; null stands for nan."""
    return {
        "windows": runs.WINDOWS,
        "steps": runs.STEPS,
        "batch_size": runs.BATCH,
        "learning_rate": runs.LEARNING_RATE,
        "tolerance": TOLERANCE,
        "passed": all(map(passes, comparisons)),
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
