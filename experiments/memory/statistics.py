"""The tests of `experiments.memory`: did a quantity move, and does the error follow it?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.memory.runs import QUANTITIES, TRAINED, Run

CONSTANT = 1e-6
"""A change that stays under this in every seed is none."""


class Change(NamedTuple):
    """Whether a quantity moved between start and end, over the seeds."""

    rotation: str
    model: str
    quantity: str
    start: float
    """Median over the seeds."""
    end: float
    change: float
    """Median of the differences."""
    p: float | None
    """Wilcoxon's signed-rank test; None where nothing changes."""
    p_holm: float | None
    """Holm's correction over the family of tests; None outside the family."""
    control_change: float | None
    """Median of the differences with shuffled targets, where that was trained."""
    p_control: float | None
    """Wilcoxon's test of the change against that one."""


def changes(runs: list[Run]) -> list[Change]:
    """Paired tests of every quantity; the paper's two rules make up the family."""
    found = []
    for rotation, model in dict.fromkeys((r.rotation, r.model) for r in runs):
        for quantity in QUANTITIES:
            start, end = _column(runs, rotation, model, quantity)
            medians = (float(np.median(a)) for a in (start, end, end - start))
            p, against = _wilcoxon(end - start), (None, None)
            if model in TRAINED:
                control = f"{model}, shuffled targets"
                before, after = _column(runs, rotation, control, quantity)
                others = after - before
                against = float(np.median(others)), _wilcoxon(end - start - others)
            found.append(Change(rotation, model, quantity, *medians, p, None, *against))
    return _with_holm(found, [c.model in TRAINED for c in found])


class Correlation(NamedTuple):
    """Whether seeds with a lower test error have more or less of a quantity."""

    rotation: str
    model: str
    quantity: str
    rho: float | None
    """Spearman's rank correlation of the test MSE and the quantity after training."""
    p: float | None
    p_holm: float | None


def correlations(runs: list[Run]) -> list[Correlation]:
    """Spearman's correlations over the seeds, for the paper's two rules."""
    found = []
    for rotation, model in dict.fromkeys((r.rotation, r.model) for r in runs):
        if model not in TRAINED:
            continue
        mse = [r.test_mse for r in runs if (r.rotation, r.model) == (rotation, model)]
        for quantity in (*QUANTITIES, "MC"):
            end = _column(runs, rotation, model, quantity)[1]
            rho, p = None, None
            if len(end) > 2 and np.ptp(end) > CONSTANT:
                rho, p = _spearman(np.array(mse), end)
            found.append(Correlation(rotation, model, quantity, rho, p, None))
    return _with_holm(found, [True] * len(found))


def _spearman(a: NDArray, b: NDArray) -> tuple[float, float]:
    """The rank correlation, and how often 9999 shuffles give as much (two-sided)."""
    ranks = [stats.zscore(stats.rankdata(values)) for values in (a, b)]
    rho = float(ranks[0] @ ranks[1] / len(a))
    rng = np.random.default_rng(0)
    shuffled = rng.permuted(np.tile(ranks[0], (9999, 1)), axis=1) @ ranks[1] / len(a)
    return rho, float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / 10000)


def _with_holm(found: list, belongs: list[bool]) -> list:
    """The tests with Holm's correction over those that belong to the family."""
    family = [k for k, c in enumerate(found) if belongs[k] and c.p is not None]
    corrected = holm([found[k].p for k in family])
    for k, p in zip(family, corrected, strict=True):
        found[k] = found[k]._replace(p_holm=p)
    return found


def holm(p_values: list[float]) -> list[float]:
    """Holm's corrected p-values: each bounds the chance of any false finding so far."""
    p = np.array(p_values)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected.tolist()


def _wilcoxon(differences: NDArray) -> float | None:
    """Two-sided p-value of paired differences; None where nothing differs."""
    if np.abs(differences).max() < CONSTANT:
        return None
    return float(stats.wilcoxon(differences).pvalue)


def _column(
    runs: list[Run], rotation: str, model: str, quantity: str
) -> tuple[NDArray, NDArray]:
    """A quantity at the start and the end of a model's runs, ``(seeds,)`` each."""
    mine = [r for r in runs if (r.rotation, r.model) == (rotation, model)]
    return tuple(
        np.array([getattr(r, e)[quantity] for r in mine]) for e in ("start", "end")
    )
