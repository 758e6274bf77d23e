"""The tests of `experiments.memory`: did a quantity move, does the error follow it?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.memory.runs import QUANTITIES, TRAINED, Run, by_model
from qlstm.forecasting import holm, paired_wilcoxon

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


class Correlation(NamedTuple):
    """Whether seeds with a lower test error have more or less of a quantity."""

    rotation: str
    model: str
    quantity: str
    rho: float | None
    """Spearman's rank correlation of the test MSE and the quantity after training."""
    p: float | None
    p_holm: float | None


def changes(runs: list[Run]) -> list[Change]:
    """Paired tests of every quantity; the paper's two rules make up the family."""
    found, groups = [], by_model(runs)
    for (rotation, model), mine in groups.items():
        for quantity in QUANTITIES:
            start, end = _start_and_end(mine, quantity)
            medians = (float(np.median(a)) for a in (start, end, end - start))
            p, against = wilcoxon(end, start), (None, None)
            if model in TRAINED:
                control = groups[rotation, f"{model}, shuffled targets"]
                before, after = _start_and_end(control, quantity)
                others = after - before
                against = float(np.median(others)), wilcoxon(end - start, others)
            found.append(Change(rotation, model, quantity, *medians, p, None, *against))
    return _with_holm(found)


def correlations(runs: list[Run]) -> list[Correlation]:
    """Spearman's correlations over the seeds, for the paper's two rules."""
    found = []
    for (rotation, model), mine in by_model(runs).items():
        for quantity in (*QUANTITIES, "MC") if model in TRAINED else ():
            _, end = _start_and_end(mine, quantity)
            rho, p = None, None
            if len(end) > 2 and np.ptp(end) > CONSTANT:
                rho, p = spearman(np.array([r.test_mse for r in mine]), end)
            found.append(Correlation(rotation, model, quantity, rho, p, None))
    return _with_holm(found)


def wilcoxon(values: NDArray, reference: NDArray) -> float | None:
    """Two-sided p-value of paired differences; None where nothing differs."""
    if np.abs(values - reference).max() < CONSTANT:
        return None
    return paired_wilcoxon(values, reference).p_value


def spearman(a: NDArray, b: NDArray) -> tuple[float, float]:
    """The rank correlation, and how often 9999 shuffles give as much (two-sided)."""
    ranks = [stats.zscore(stats.rankdata(values)) for values in (a, b)]
    rho = float(ranks[0] @ ranks[1] / len(a))
    rng = np.random.default_rng(0)
    shuffled = rng.permuted(np.tile(ranks[0], (9999, 1)), axis=1) @ ranks[1] / len(a)
    return rho, float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / 10000)


def _start_and_end(runs: list[Run], quantity: str) -> tuple[NDArray, NDArray]:
    """A quantity at the start and the end of runs, ``(seeds,)`` each."""
    return tuple(
        np.array([getattr(r, end)[quantity] for r in runs]) for end in ("start", "end")
    )


def _with_holm(found: list) -> list:
    """The tests with Holm's correction over those of the paper's two rules."""
    family = [k for k, c in enumerate(found) if c.model in TRAINED and c.p is not None]
    corrected = holm([found[k].p for k in family]).tolist()
    for k, p in zip(family, corrected, strict=True):
        found[k] = found[k]._replace(p_holm=p)
    return found
