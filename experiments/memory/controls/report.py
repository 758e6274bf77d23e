"""Tables of the controls, with what they say and do not say."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from experiments.memory.controls.rules import BASES
from experiments.memory.controls.runs import (
    Dephasing,
    Found,
    Priced,
    Row,
    Sizes,
    Untrained,
)
from qlstm.commands import format_table
from qlstm.forecasting import quartiles


class Interval(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def interval(values: ArrayLike) -> Interval:
    """Student's interval for the mean of independent values, such as differences.

    ``mean +- t_(.975, n - 1) s / sqrt(n)``
    """
    values = np.asarray(values, dtype=float)
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Interval(mean, -np.inf, np.inf)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def rank_correlations(runs: list[Priced], quantity: str) -> list[float]:
    """Spearman's rho of K and a quantity over the prices, one for each seed."""
    found = []
    for seed in sorted({run.seed for run in runs}):
        mine = [run for run in runs if run.seed == seed]
        strengths = [run.strengths[-1] for run in mine]
        values = [getattr(run, quantity) for run in mine]
        found.append(float(stats.spearmanr(strengths, values).statistic))
    return found


def report(found: Found, sizes: Sizes) -> str:
    """Every table under its question."""
    return "\n\n".join(
        [
            f"Untrained cells, {sizes.draws} draws: memory capacity, dephased or not",
            untrained_table(found.untrained),
            f"Trained cells, {sizes.seeds} seeds: held-out R², dephased or not",
            dephasing_table(found.dephasing),
            dephasing_text(found.dephasing),
            f"A price on the step's Schmidt strength K, {sizes.seeds} seeds: medians",
            priced_table(found.priced),
            "Spearman's rho of K and what came of it, over the prices, mean over seeds",
            correlations_table(found.priced),
            f"Only the readout is fitted, {sizes.draws} seeds: medians (quartiles)",
            rows_table(found.rows),
        ]
    )


def untrained_table(found: list[Untrained]) -> str:
    """Mean capacities, and paired differences from the memory that is not dephased."""
    groups: dict[tuple[str, str], np.ndarray] = {}
    for rotation, basis in _unique((u.rotation, u.basis) for u in found):
        mine = [u for u in found if (u.rotation, u.basis) == (rotation, basis)]
        totals = [(u.before.sum(), u.after.sum()) for u in mine]
        groups[rotation, basis] = np.array(totals)
    rows = []
    for (rotation, basis), totals in groups.items():
        cells = []
        for mine, plain in zip(totals.T, groups[rotation, "none"].T, strict=True):
            difference = "-" if basis == "none" else text(interval(mine - plain))
            cells += [f"{mine.mean():.2f}", difference]
        rows.append([rotation, basis, *cells])
    header = ["cell", "dephased in", "MC, read before", "difference"]
    return format_table([*header, "MC, read after", "difference"], rows)


def dephasing_table(found: list[Dephasing]) -> str:
    """Means over the seeds, and paired differences with their intervals."""
    rows = []
    for (rotation, task), mine in _by_task(found).items():
        half = np.array([d.half for d in mine])
        whole = np.array([d.quantum for d in mine])
        for basis in BASES:
            cut = np.array([d.cut_in[basis] for d in mine])
            again = np.array([d.retrained[basis] for d in mine])
            cells = [f"{half.mean():.2f}", f"{cut.mean():.2f}"]
            cells += [text(interval(cut - half)), f"{whole.mean():.2f}"]
            cells += [f"{again.mean():.2f}", text(interval(again - whole))]
            cells.append(f"{np.mean([d.echo for d in mine]):.2f}")
            rows.append([f"{rotation} {task}", basis, *cells])
    header = ["cell and task", "basis", "not dephased", "cut in", "difference"]
    return format_table(
        [*header, "trained on", "retrained", "difference", "echo"], rows
    )


def dephasing_text(found: list[Dephasing]) -> str:
    """How often an interval excludes 0; the best basis, and the network."""
    lines = []
    for rotation in _unique(d.rotation for d in found):
        groups = [v for k, v in _by_task(found).items() if k[0] == rotation]
        differences = [
            interval([d.retrained[basis] - d.quantum for d in mine])
            for mine, basis in product(groups, BASES)
        ]
        below = sum(d.high < 0 for d in differences)
        above = sum(d.low > 0 for d in differences)
        lines.append(
            f"{rotation}: of {len(differences)} differences after retraining, {below} "
            f"lie below 0 with their interval, {above} above. (95 % each, not "
            "corrected for their number.)"
        )
        for mine in groups:
            best = max(BASES, key=lambda b: np.mean([d.retrained[b] for d in mine]))
            left = interval([d.retrained[best] - d.quantum for d in mine])
            echo = interval([d.echo - d.quantum for d in mine])
            lines.append(
                f"{rotation} {mine[0].task}: best basis {best} {text(left)} of R², "
                f"echo state network {text(echo)}."
            )
    return "\n".join(lines)


def priced_table(found: list[Priced]) -> str:
    """Medians over the seeds at each price."""
    rows = []
    for (rotation, task), mine in _by_task(found).items():
        for price in _unique(p.price for p in mine):
            runs = [p for p in mine if p.price == price]
            start, end, capacity, nrmse = (
                np.median([value(p) for p in runs])
                for value in (
                    lambda p: p.strengths[0],
                    lambda p: p.strengths[-1],
                    lambda p: p.capacity,
                    lambda p: p.nrmse,
                )
            )
            cells = [f"{start:.2f}", f"{end:.2f}", f"{capacity:.2f}", f"{nrmse:.3f}"]
            rows.append([f"{rotation} {task}", f"{price:+g}" if price else "0", *cells])
    header = ["cell and task", "price", "K at first", "K at the end", "MC", "NRMSE"]
    return format_table(header, rows)


def correlations_table(found: list[Priced]) -> str:
    """Does capacity follow K, does the error?"""
    rows = []
    for (rotation, task), mine in _by_task(found).items():
        cells = []
        for name in ("capacity", "nrmse"):
            mean, low, high = interval(rank_correlations(mine, name))
            cells.append(text(Interval(mean, max(low, -1.0), min(high, 1.0))))
        rows.append([f"{rotation} {task}", *cells])
    return format_table(["cell and task", "K and MC", "K and NRMSE"], rows)


def rows_table(found: list[Row]) -> str:
    """Errors and capacities of machines that are only read out."""
    rows = []
    for row in found:
        error, capacity = (
            "{:.3f} ({:.3f} to {:.3f})".format(*quartiles(values)) if values else "-"
            for values in (row.nrmse, row.capacity)
        )
        rows.append(
            [
                f"{row.series}: {row.machine}",
                str(row.n_features or "-"),
                error,
                capacity,
            ]
        )
    header = ["series and machine", "features", "NRMSE", "memory capacity"]
    return format_table(header, rows)


def text(found: Interval) -> str:
    """A mean and its interval, with signs."""
    mean, low, high = (round(value, 2) + 0.0 for value in found)  # no -0.00
    if not np.isfinite(low):
        return f"{mean:+.2f}"
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def _by_task(found: Sequence) -> dict[tuple[str, str], list]:
    """What belongs to each rotation and task, in their order."""
    keys = _unique((f.rotation, f.task) for f in found)
    return {k: [f for f in found if (f.rotation, f.task) == k] for k in keys}


def _unique(values) -> list:
    """Without repetition, in the order of their first."""
    return list(dict.fromkeys(values))
