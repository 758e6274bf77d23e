"""Prove from positions that a forecast used nothing from the future.

Every rule compares sets of positions in the series: those of the targets that a
forecast is judged by, and those that training, scaling and windows have touched.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.forecasting.data import (
    Dataset,
    Scaler,
    Windows,
    fit_minmax_or_shift,
)
from qlstm.forecasting.evaluation import Fit, WalkForward

RULES = (
    "no evaluated target is a training target",
    "no training window holds an evaluated target",
    "training ends before the evaluation begins",
    "scaler statistics end before the evaluation begins",
    "training and scaler share one cut",
    "the scaler is what its positions give",
    "inputs are the values right before their target",
)
"""What `audit` checks, in this order."""


class Finding(NamedTuple):
    """One rule, broken by one part of the work."""

    rule: str
    """One of `RULES`."""
    where: str
    """The parts concerned, such as ``"training / test"``."""
    positions: NDArray[np.intp]
    """Positions in the series that break it, in order."""

    def __str__(self) -> str:
        """The finding in one line."""
        return f"{self.rule}: {self.where}, positions {_ranges(self.positions)}"


class Audit(NamedTuple):
    """Result of `audit`; printed, it is a table."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether no rule is broken."""
        return not self.findings

    def __str__(self) -> str:
        """A line for each rule, and one for each part that breaks it."""
        width = max(map(len, RULES))
        lines = []
        for rule in RULES:
            broken = [finding for finding in self.findings if finding.rule == rule]
            lines.append(f"{rule:<{width}}  {'BROKEN' if broken else 'kept'}")
            lines += [
                f"    {f.where}: positions {_ranges(f.positions)}" for f in broken
            ]
        return "\n".join(lines)


def audit(work: Dataset | WalkForward) -> Audit:
    """Check that no target and no scaler statistic came from the future.

    Validation targets count as evaluated with respect to training, and as training with
    respect to the test part, since they choose the model. Inputs of an evaluated target
    may reach back into the training part: they are known by then.

    The last two rules do not trust the positions that the work claims; they compare
    with the series itself. What no position shows stays unseen: a model that was chosen
    by its test error, or a series that was smoothed before it was cut.

    Args:
        work: A dataset, or the result of `walk_forward`.

    Returns:
        An `Audit`; its findings name each broken rule and the positions that break it.

    Raises:
        TypeError: If `work` is something else.

    Example:
        >>> from qlstm.forecasting import SINE_PROTOCOLS, noisy_sine, prepare
        >>> rng = np.random.default_rng(0)
        >>> for name in ("strict", "text"):
        ...     protocol = SINE_PROTOCOLS[name]
        ...     data = prepare(noisy_sine(protocol, rng), protocol, rng)
        ...     print(name, audit(data).passed)
        strict True
        text False
    """
    if isinstance(work, Dataset):
        findings = _audit_dataset(work)
    elif isinstance(work, WalkForward):
        findings = _audit_walk(work)
    else:
        raise TypeError(
            "Argument `work` must be a Dataset or a WalkForward, "
            f"but is a {type(work).__name__}."
        )
    found = [finding for finding in findings if len(finding.positions)]
    return Audit(tuple(sorted(found, key=lambda finding: RULES.index(finding.rule))))


def _audit_dataset(dataset: Dataset) -> list[Finding]:
    """Findings of every rule, also empty ones."""
    parts = {
        "training": dataset.train,
        "validation": dataset.validation,
        "test": dataset.test,
    }
    parts = {name: part for name, part in parts.items() if len(part.targets)}
    pairs = [("training", "validation"), ("training", "test"), ("validation", "test")]
    found = []
    for learn, judge in pairs:
        if learn in parts and judge in parts:
            seen, held = parts[learn], parts[judge].index
            touched = seen.input_index.ravel()
            found += _order_findings(f"{learn} / {judge}", seen.index, touched, held)
    scaled = dataset.scaler_index
    for judge in list(parts)[1:]:
        late = scaled[scaled >= parts[judge].index.min()]
        found.append(Finding(RULES[3], f"scaler / {judge}", np.unique(late)))
    found += _scaler_findings(
        "training", dataset.scaler, scaled, dataset.train.index, dataset.values
    )
    for name, part in parts.items():
        wrong = _wrong_windows(part, dataset.scaler, dataset.values)
        found.append(Finding(RULES[6], name, wrong))
    return found


def _audit_walk(walk: WalkForward) -> list[Finding]:
    """Findings of every rule, also empty ones."""
    found = []
    for k, fit in enumerate(walk.fits):
        rows = walk.fit_index == k
        if rows.any():
            found += _fit_findings(f"fit {k}", fit, np.unique(walk.index[rows]), walk)
    # inputs end at the origin, so a target before it would have been seen
    early = walk.index < walk.origins[:, None]
    short = walk.origins < walk.n_steps
    found.append(Finding(RULES[6], "origins", np.unique(walk.index[early])))
    found.append(Finding(RULES[6], "start of series", np.unique(walk.origins[short])))
    differ = ~np.isclose(walk.targets, walk.values[walk.index], equal_nan=True)
    found.append(Finding(RULES[6], "targets", np.unique(walk.index[differ])))
    return found


def _fit_findings(
    name: str, fit: Fit, held: NDArray[np.intp], walk: WalkForward
) -> list[Finding]:
    """Findings of one training in a walk, against the targets it was used for."""
    validation, nothing = fit.validation_index, fit.validation_index[:0]
    learned = fit.train_index, fit.input_index
    found = _order_findings(f"{name}, training", *learned, held)
    if len(validation):
        found += _order_findings(f"{name}, validation", validation, nothing, held)
        found += _order_findings(f"{name}, training / validation", *learned, validation)
    first = min([*held, *fit.validation_index])
    late = fit.scaler_index[fit.scaler_index >= first]
    found.append(Finding(RULES[3], name, np.unique(late)))
    return found + _scaler_findings(
        name, fit.scaler, fit.scaler_index, fit.train_index, walk.values
    )


def _order_findings(
    where: str,
    targets: NDArray[np.intp],
    touched: NDArray[np.intp],
    held: NDArray[np.intp],
) -> list[Finding]:
    """Rules on training targets and window positions against evaluated targets."""
    both = np.union1d(targets, touched)
    return [
        Finding(RULES[0], where, np.intersect1d(targets, held)),
        Finding(RULES[1], where, np.intersect1d(touched, held)),
        Finding(RULES[2], where, both[both >= held.min()]),
    ]


def _scaler_findings(
    where: str,
    scaler: Scaler,
    positions: NDArray[np.intp],
    trained: NDArray[np.intp],
    values: NDArray[np.float64],
) -> list[Finding]:
    """Rules on the scaler against the training part and against its own positions."""
    if not len(positions):
        honest = scaler == Scaler()
        return [Finding(RULES[5], where, np.arange(0 if honest else len(values)))]
    again = fit_minmax_or_shift(values[positions])
    honest = np.allclose(scaler, again, rtol=1e-9, atol=0)
    return [
        Finding(RULES[4], where, np.unique(trained[trained > positions.max()])),
        Finding(RULES[5], where, np.unique(positions[: 0 if honest else None])),
    ]


def _wrong_windows(
    part: Windows, scaler: Scaler, values: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Targets that are not at their position, or not right behind their inputs."""
    scaled = scaler.transform(values)

    def holds(found: NDArray[np.float64], positions: NDArray[np.intp]) -> NDArray:
        inside = (positions >= 0) & (positions < len(scaled))
        wanted = scaled[np.where(inside, positions, 0)]
        return inside & np.isclose(found, wanted, rtol=1e-9, atol=1e-9)

    right = holds(part.inputs[:, :, 0], part.input_index).all(axis=1)
    right &= holds(part.targets, part.index)
    return np.unique(part.index[~right])


def _ranges(positions: NDArray[np.intp], most: int = 6) -> str:
    """Sorted positions as ``3-5, 9``; the rest beyond `most` runs is counted."""
    runs = np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)
    shown = [f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs[:most]]
    dots = ", ..." if len(runs) > most else ""
    return f"{', '.join(shown)}{dots} ({len(positions)} in all)"
