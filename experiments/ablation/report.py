"""The table of all changes, and what it says."""

from typing import Any, NamedTuple

import numpy as np

from experiments.ablation.runs import AR, BASES, FULL, budget
from experiments.comparison.report import (
    LEVEL,
    budget_text,
    compare,
    listing,
    p_text,
    quartiles,
    too_few,
)
from experiments.comparison.runs import Entry, Outcome, Setting
from qlstm.commands.cli import format_table


class Row(NamedTuple):
    """A changed model over all seeds."""

    label: str
    kind: str
    model: dict[str, Any]
    n_params: int
    """Trained numbers."""
    skill: dict[str, float]
    """Median and quartiles."""
    difference: dict[str, float]
    """Of the skill from the full model's, seed by seed: median and quartiles."""
    p: float | None
    """Of Wilcoxon's test of the differences."""
    p_holm: float | None
    """The same after Holm's correction."""
    copies: float
    """Share of the seeds whose forecast is a copy of the last value."""
    seconds: dict[str, float]
    skills: list[float]
    """By seed."""
    differences: list[float]
    """By seed."""


def make_rows(entries: list[Entry], outcome: Outcome) -> list[Row]:
    """What the seeds say together; AR(10) takes no part in the tests."""
    skills, seconds = outcome.columns("skill"), outcome.columns("seconds")
    copies = outcome.columns("is_copy")
    tests = compare({k: v for k, v in skills.items() if k != AR}, FULL)
    rows = []
    for label, kind, model in entries:
        if label in outcome.failed:
            continue
        test = tests.get(label, {})
        differences = np.subtract(skills[label], skills[FULL]).tolist()
        row = Row(
            label,
            kind,
            model,
            outcome.results[label][0]["n_params"],
            quartiles(skills[label]),
            quartiles(differences),
            test.get("p"),
            test.get("p_holm"),
            sum(copies[label]) / len(copies[label]),
            quartiles(seconds[label]),
            skills[label],
            differences,
        )
        rows.append(row)
    return rows


def words(options: dict[str, Any]) -> str:
    """Options as text."""
    return ", ".join(f"{name} {value}" for name, value in options.items())


def about(base: str, setting: Setting) -> str:
    """The full model and its training."""
    training = budget_text(budget(base, setting))
    return f"The full model, `{base}`: {words(BASES[base])}; {training}."


def table(rows: list[Row]) -> str:
    """The rows as text."""
    header = ["model", "params", "skill", "[quartiles]", "- full", "[quartiles]"]
    header += ["p", "p Holm", "copies", "s"]
    cells = [
        [
            row.label,
            str(row.n_params),
            f"{row.skill['median']:+.3f}",
            f"[{row.skill['q1']:+.3f}, {row.skill['q3']:+.3f}]",
            f"{row.difference['median']:+.3f}",
            f"[{row.difference['q1']:+.3f}, {row.difference['q3']:+.3f}]",
            p_text(row.p),
            p_text(row.p_holm),
            f"{row.copies:.0%}",
            f"{row.seconds['median']:.2f}",
        ]
        for row in rows
    ]
    return format_table(header, cells)


def verdict(rows: list[Row], n_seeds: int) -> str:
    """What the numbers say, in words."""
    full, changed = rows[0], [row for row in rows if row.p_holm is not None]
    shown = [row for row in changed if (row.p_holm or 0.0) < LEVEL]
    groups = {
        "Skill falls with": [r for r in shown if r.difference["median"] < 0],
        "Skill rises with": [r for r in shown if r.difference["median"] >= 0],
        "No difference is shown for": [r for r in changed if r not in shown],
    }
    opening = (
        f"The full model has a median skill of {full.skill['median']:+.3f}. Changes, "
        f"with median differences on the same seeds (Wilcoxon, Holm, level {LEVEL}):"
    )
    sentences = [opening]
    for heading, members in groups.items():
        found = [f"{r.label} ({r.difference['median']:+.3f})" for r in members]
        sentences.append(f"{heading}: {listing(found)}.")
    sentences.append(
        "Not shown is not absent. The skills are those of the seeds above and of this "
        "budget; a change also changes how well the model trains."
    )
    return "\n".join(sentences + too_few(n_seeds, len(changed)))
