"""What comparisons of models say in numbers and words: pairs, sentences, files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.comparison.runs import Outcome, Setting
from qlstm.commands import write_results
from qlstm.files import versions
from qlstm.forecasting import summarize_seeds, two_one_sided_tests

LEVEL = 0.05
"""Of every test."""
MARGIN = 1.1
"""Two errors whose ratio lies between this and its inverse count as equal."""


def compare(table: dict[str, list[float]], reference: str) -> dict[str, dict]:
    """Paired tests of every row against one, corrected by Holm for their number.

    A row that does not vary is not compared with a reference that does not either: all
    of their pairs are one pair.

    Args:
        table: One number a seed, by label.
        reference: A label.

    Returns:
        For each row that can be compared: ``difference`` (median), ``p`` and
        ``p_holm``.
    """
    fixed = {label for label, values in table.items() if np.ptp(values) == 0}
    left_out = fixed - {reference} if reference in fixed else set()
    rows = {label: values for label, values in table.items() if label not in left_out}
    return {
        row.name: {"difference": row.difference, "p": row.p_value, "p_holm": row.p_holm}
        for row in summarize_seeds(rows, reference)
        if row.name != reference
    }


def equivalence_text(
    table: dict[str, list[float]], labels: Iterable[str], reference: str
) -> str:
    """Which rows are equivalent to one: two one-sided tests of log errors, in pairs.

    Args:
        table: Errors by label, one a seed.
        labels: Labels of the rows to be tested.
        reference: A label.

    Returns:
        A sentence; empty if there is one seed, no row, or an error of 0.
    """
    names, theirs = list(labels), np.array(table[reference])
    if not names or len(theirs) < 2 or min(np.min(table[n]) for n in names) <= 0:
        return ""
    if theirs.min() <= 0:
        return ""
    said = []
    for name in names:
        test = two_one_sided_tests(
            np.log(table[name]), np.log(theirs), np.log(MARGIN), level=LEVEL
        )
        ratio, low, high = np.exp([test.mean_difference, test.low, test.high])
        verdict = "equivalent" if test.is_equivalent else "not shown to be"
        said.append(
            f"{name} {ratio:.2f} ({low:.2f} to {high:.2f}), p = {test.p_value:.2g}, "
            f"{verdict}"
        )
    return (
        f"Equivalent to {reference} within {MARGIN - 1:.0%} (two one-sided tests of "
        f"the mean log ratio of test errors, level {LEVEL}; ratio with its "
        f"{1 - 2 * LEVEL:.0%} interval): {listing(said)}."
    )


def sort_out(found: Iterable[tuple[str, float, float]]) -> tuple[list[str], ...]:
    """What tests show: texts of the lower, of the higher and of all other rows.

    Args:
        found: Of each row a text, its difference from the reference, and p.

    Returns:
        Three lists.
    """
    groups: tuple[list[str], ...] = [], [], []
    for text, difference, p in found:
        groups[2 if p >= LEVEL else 0 if difference < 0 else 1].append(text)
    return groups


def p_text(p: float | None) -> str:
    """A p value for a table; a line where nothing was tested."""
    return "-" if p is None else f"{p:.2g}"


def listing(texts: list[str]) -> str:
    """Texts as a list in a sentence."""
    return "; ".join(texts) or "none"


def budget_text(options: dict[str, Any]) -> str:
    """What `Setting.budget` returns, in words."""
    return (
        f"{options['epochs']} epochs, learning rate {options['learning_rate']}, "
        f"{options['schedule']}"
    )


def too_few(n_seeds: int, n_tests: int) -> list[str]:
    """A sentence if so few seeds cannot show anything, whatever the numbers are."""
    if n_tests * 2.0 ** (1 - n_seeds) < LEVEL:
        return []
    sentence = (
        f"With {n_seeds} seed(s) and {n_tests} tests no difference can be shown at "
        "this level, whatever the numbers are: take more seeds."
    )
    return [sentence]


def full_text(outcome: Outcome, about: str, table: str, verdict: str) -> str:
    """The whole report: what is compared, the numbers, and what was left out.

    Args:
        outcome: What `do_runs` returned.
        about: How the models were trained.
        table: The rows.
        verdict: What they say.

    Returns:
        Paragraphs.
    """
    failed = outcome.failed.items()
    left_out = [f"Left out, a run failed: {name}: {error}" for name, error in failed]
    parts = [f"{_headline(outcome.setting)}\n{about}", table, verdict]
    parts += [_reach_sentence(outcome), "\n".join(left_out)]
    return "\n\n".join(part for part in parts if part)


def _headline(setting: Setting) -> str:
    """What was compared, and what the spread is over."""
    what = "The noisy sine, a new series each seed"
    spread = "of series and initial parameters"
    if setting.dataset["name"] == "csv":
        what = f"{Path(setting.dataset['path']).name}, one series"
        spread = (
            "of initial parameters only: it says nothing about other series, and a "
            "forecast without random numbers has none"
        )
    seeds = setting.seeds
    return (
        f"{what}; protocol `{setting.protocol.name}`; {len(seeds)} seeds from "
        f"{seeds.start}. The spread is {spread}.\n"
        "Skill is against persistence; seconds are those of busy processors."
    )


def _reach_sentence(outcome: Outcome) -> str:
    """How many training targets <Z> cannot reach; empty if it reaches all."""
    found = max(outcome.columns("out_of_reach").values(), key=max)
    if not max(found):
        return ""
    return (
        f"{min(found)} to {max(found)} training targets a seed lie outside [-1, 1], "
        "which <Z> without a trained scale cannot reach (not warned of again)."
    )


def write_comparison(
    folder: Path, name: str, outcome: Outcome, rows: list, figure: Figure, **own: Any
) -> None:
    """Write the JSON file and the figure, and say where.

    Args:
        folder: Where to.
        name: Of both files, without suffix.
        outcome: What `do_runs` returned.
        rows: NamedTuples.
        figure: The figure.
        **own: More entries of the JSON file.
    """
    setting = outcome.setting
    content = own | {
        "dataset": setting.dataset,
        "protocol": vars(setting.protocol),
        "seeds": list(setting.seeds),
        "series_sha256": next(iter(outcome.columns("series_sha256").values())),
        "versions": versions(),
        "failed": outcome.failed,
        "rows": [row._asdict() for row in rows],
    }
    write_results(folder, {f"{name}.json": content, f"{name}.png": figure})
