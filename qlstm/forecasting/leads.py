"""What the forecasts of a test part are worth, value by value ahead."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.forecasting.conformal import Coverage, conformal_intervals, coverage
from qlstm.forecasting.metrics import Errors, errors, known, skill_between
from qlstm.tables import format_table, number_text, skill_text

LEVEL = 0.9
"""Level of the intervals whose coverage is measured."""


class Origins(NamedTuple):
    """Forecasts from one origin after the other, in the series' unit."""

    index: NDArray[np.intp]
    """Position of each target, ``(n_origins, horizon)``."""
    predictions: NDArray[np.float64]
    """``(n_origins, horizon)``."""
    targets: NDArray[np.float64]
    """``(n_origins, horizon)``."""
    last: NDArray[np.float64]
    """The last value seen, which is what persistence forecasts, ``(n_origins,)``."""


class Lead(NamedTuple):
    """What the test part says of the forecasts some steps ahead."""

    ahead: int
    """Steps ahead, from 1."""
    n: int
    """Targets."""
    errors: Errors
    """In the series' unit."""
    skill: float
    """Against persistence; nan if that has no error."""
    coverage: Coverage | None
    """Of intervals at 90 %; None if there were too few residuals."""

    def to_dict(self) -> dict[str, Any]:
        """Every number, as JSON takes it."""
        return {
            "ahead": self.ahead,
            "n": self.n,
            **self.errors._asdict(),
            "skill": known(self.skill),
            "coverage": self.coverage and self.coverage._asdict(),
        }


def measure_leads(test: Origins, residuals: NDArray[np.float64]) -> tuple[Lead, ...]:
    """What the test part says, value by value ahead.

    Args:
        test: Forecasts from origins that the model was not trained on.
        residuals: Of other origins, ``(n, horizon)``, which give the intervals.

    Returns:
        A `Lead` for each value ahead.
    """
    found = []
    for h in range(test.targets.shape[1]):
        targets, predictions = test.targets[:, h], test.predictions[:, h]
        own = errors(predictions, targets)
        skill = skill_between(own, errors(test.last, targets))
        covered = None
        if len(residuals) >= 1 / (1 - LEVEL) - 1 - 1e-9:
            intervals = conformal_intervals(
                predictions, residuals[:, h], alpha=1 - LEVEL
            )
            covered = coverage(intervals, targets)
        found.append(Lead(h + 1, len(targets), own, skill, covered))
    return tuple(found)


def lead_table(leads: Sequence[Lead]) -> str:
    """Errors and coverage of the test part, value by value ahead, in plain text.

    Args:
        leads: From a `TrainedForecaster`.

    Returns:
        The table.
    """
    header = ["ahead", "n", "RMSE", "MAE", "skill"]
    header += [f"in {LEVEL:.0%} interval", "by chance", "width"]
    rows = []
    for lead in leads:
        found = lead.coverage
        cells = ["-"] * 3
        if found is not None:
            chance = f"{found.low:.0%} to {found.high:.0%}"
            cells = [f"{found.share:.1%}", chance, number_text(found.mean_width, 3)]
        measures = [number_text(value, 3) for value in lead.errors[1:]]
        skill = skill_text(lead.skill, 2)
        rows.append([str(lead.ahead), str(lead.n), *measures, skill, *cells])
    return format_table(header, rows)
