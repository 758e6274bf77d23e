"""The table of all models, and what it says about the quantum ones."""

from typing import Any, NamedTuple

from experiments.benchmark_models.runs import AR, MATCHED, MATCHED_LONG, TWO_LONG
from experiments.comparison.report import (
    LEVEL,
    budget_text,
    compare,
    equivalence_text,
    listing,
    p_text,
    sort_out,
    too_few,
)
from experiments.comparison.runs import Outcome, Setting
from qlstm.commands import format_table, number_text, skill_text

NOISE_FLOOR = {"gaussian": 0.1**2, "uniform": 0.1**2 / 3, "gaussian twice": 2 * 0.1**2}
"""Variance of the sine's noise: no forecast has a lower expected MSE."""
REFERENCES = {
    AR: "p AR(10)",
    MATCHED: "p matched",
    MATCHED_LONG: "p matched, long",
    TWO_LONG: "p 2 units, long",
}
"""What the rows are tested against, and the title of the column with p."""


class Row(NamedTuple):
    """A model over all seeds; errors in the units of the series."""

    label: str
    kind: str
    model: dict[str, Any]
    n_params: int
    train_mse: dict[str, float]
    """Median and quartiles, as those below."""
    test_mse: dict[str, float]
    skill: dict[str, float | None]
    copies: float
    """Share of the seeds whose forecast the copy detector calls a copy."""
    seconds: dict[str, float]
    against: dict[str, dict[str, float]]
    """By reference: median difference of the test MSE, p, and p after Holm."""
    values: dict[str, list]
    """``train_mse``, ``test_mse``, ``skill``, ``is_copy``, ``seconds`` by seed."""


def make_rows(outcome: Outcome) -> list[Row]:
    """What the seeds say together."""
    names = ("train_mse", "test_mse", "skill", "is_copy", "seconds")
    columns = {name: outcome.columns(name) for name in names}
    tests = {name: compare(columns["test_mse"], name) for name in REFERENCES}
    return [
        Row(
            **outcome.common(label),
            train_mse=outcome.spread(label, "train_mse"),
            test_mse=outcome.spread(label, "test_mse"),
            against={name: t[label] for name, t in tests.items() if label in t},
            values={name: column[label] for name, column in columns.items()},
        )
        for label in outcome.entries
    ]


def by_error(rows: list[Row]) -> list[Row]:
    """The best median first."""
    return sorted(rows, key=lambda row: row.test_mse["median"])


def about(setting: Setting) -> str:
    """How the models were trained."""
    normal, long = (budget_text(setting.budget(long=b)) for b in (False, True))
    return (
        f"Training: {normal}; `long`: {long}.\n"
        "`full batch`: all windows at once, 800 epochs, 0.05 falling along a cosine. "
        "The budgets and the larger sizes were chosen for quantum models, by test "
        "errors of the seeds 0 to 19; no network was tuned. `matched`: at most 24 "
        "parameters, which for an LSTM is one unit and a weak reference; 2 units have "
        "35."
    )


def table(rows: list[Row]) -> str:
    """The rows as text, the best median first."""
    header = ["model", "params", "train MSE", "test MSE", "[quartiles]", "skill"]
    header += ["copies", *REFERENCES.values(), "s"]
    cells = [
        [
            row.label,
            str(row.n_params),
            number_text(row.train_mse["median"]),
            number_text(row.test_mse["median"]),
            f"[{number_text(row.test_mse['q1'])}, {number_text(row.test_mse['q3'])}]",
            skill_text(row.skill["median"], 2),
            f"{row.copies:.0%}",
            *(p_text(row.against.get(n, {}).get("p_holm")) for n in REFERENCES),
            f"{row.seconds['median']:.2f}",
        ]
        for row in by_error(rows)
    ]
    return format_table(header, cells)


def verdict(rows: list[Row], n_seeds: int) -> str:
    """What the numbers say about the quantum models, in words."""
    quantum = [row for row in by_error(rows) if row.kind == "quantum"]
    n_below = len(_groups(quantum, AR)["Below"])
    opening = (
        f"{n_below or 'None'} of the {len(quantum)} trained quantum models "
        f"{'are' if n_below > 1 else 'is'} shown to forecast better than {AR}.\n"
        f"Their test MSE, in pairs (Wilcoxon, Holm, level {LEVEL}; in brackets the "
        "median difference):"
    )
    found = [
        f"{words} {reference}: {listing(labels)}."
        for reference in REFERENCES
        for words, labels in _groups(quantum, reference).items()
        if labels
    ]
    errors = {row.label: row.values["test_mse"] for row in rows}
    same = equivalence_text(errors, (row.label for row in quantum), AR)
    end = too_few(n_seeds, len(rows) - 1)
    parts = [opening, *found, same, _best(rows), *end]
    return "\n".join(part for part in parts if part)


def _groups(rows: list[Row], reference: str) -> dict[str, list[str]]:
    """Labels by what the test against the reference shows, where there is one."""
    pairs = [(r.label, r.against[reference]) for r in rows if reference in r.against]
    found = [(label, pair["difference"], pair["p_holm"]) for label, pair in pairs]
    below, above, rest = sort_out(
        (f"{label} ({'+' * (d >= 0)}{number_text(d)}), p = {p:.2g}", d, p)
        for label, d, p in found
    )
    return {"Below": below, "Not shown to differ from": rest, "Above": above}


def _best(rows: list[Row]) -> str:
    """The lowest medians, named as what they are: picked after the fact."""
    ranked = by_error(rows)
    kinds = {"baseline": "the classical", "quantum": "the quantum"}
    first = {kind: next(row for row in ranked if row.kind == kind) for kind in kinds}
    parts = [
        f"{row.label} ({row.n_params} parameters, "
        f"{number_text(row.test_mse['median'])}) among "
        f"{kinds[kind]} models"
        for kind, row in first.items()
    ]
    copies = [f"{row.label} {row.copies:.0%}" for row in ranked if row.copies > 0.5]
    return (
        f"The lowest medians, picked after the fact: {' and '.join(parts)}. "
        f"Copies of the last value in most seeds: {listing(copies)}."
    )
