"""What comparisons of models say in numbers and words: pairs, quartiles, sentences."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from qlstm.forecasting import summarize_seeds
from qlstm.forecasting.data import Protocol

LEVEL = 0.05
"""Of every test."""


def failed_text(failed: dict[str, str]) -> str:
    """The rows that are left out and why; empty if none is."""
    lines = [f"Left out, a run failed: {name}: {e}" for name, e in failed.items()]
    return "\n".join(lines)


def too_few(n_seeds: int, n_tests: int) -> list[str]:
    """A sentence if so few seeds cannot show anything, whatever the numbers are."""
    if n_tests * 2.0 ** (1 - n_seeds) < LEVEL:
        return []
    sentence = (
        f"With {n_seeds} seed(s) and {n_tests} tests no difference can be shown at "
        "this level, whatever the numbers are: take more seeds."
    )
    return [sentence]


def column(results: list[dict[str, Any]], name: str) -> list[Any]:
    """One value a seed."""
    return [result[name] for result in results]


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
    if reference in fixed:
        table = {k: v for k, v in table.items() if k == reference or k not in fixed}
    return {
        row.name: {
            "difference": row.difference,
            "p": row.p_value,
            "p_holm": row.p_holm,
        }
        for row in summarize_seeds(table, reference)
        if row.name != reference
    }


def quartiles(values: Iterable[float]) -> dict[str, float]:
    """Median and quartiles."""
    q1, median, q3 = np.percentile(list(values), [25, 50, 75]).tolist()
    return {"median": median, "q1": q1, "q3": q3}


def p_text(p: float | None) -> str:
    """A p value for a table; a line where nothing was tested."""
    return "-" if p is None else f"{p:.2g}"


def listing(texts: list[str]) -> str:
    """Texts as a list in a sentence."""
    return "; ".join(texts) or "none"


def headline(
    args: argparse.Namespace, dataset: dict[str, Any], protocol: Protocol
) -> str:
    """What was compared, and what the spread is over."""
    what = "The noisy sine, a new series each seed"
    spread = "of series and initial parameters"
    if dataset["name"] == "csv":
        what = f"{Path(dataset['path']).name}, one series"
        spread = (
            "of initial parameters only: it says nothing about other series, and a "
            "forecast without random numbers has none"
        )
    return (
        f"{what}; protocol `{protocol.name}`; {args.seeds} seeds from {args.seed}. "
        f"The spread is {spread}.\n"
        "Skill is against persistence; seconds are those of busy processors."
    )


def budget_text(options: dict[str, Any]) -> str:
    """What `budget` returns, in words."""
    return (
        f"{options['epochs']} epochs, learning rate {options['learning_rate']}, "
        f"{options['schedule']}"
    )


def reach_sentence(results: dict[str, list[dict[str, Any]]]) -> str:
    """How many training targets <Z> cannot reach; empty if it reaches all."""
    counts = {k: column(runs, "out_of_reach") for k, runs in results.items()}
    found = max(counts.values(), key=max)
    if not max(found):
        return ""
    return (
        f"{min(found)} to {max(found)} training targets a seed lie outside [-1, 1], "
        "which <Z> without a trained scale cannot reach (not warned of again)."
    )
