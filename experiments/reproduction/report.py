"""A reading as a table, and as JSON takes it."""

from typing import Any

from experiments.reproduction.runs import Reading, Run, quartiles
from qlstm.commands import format_table
from qlstm.forecasting import audit


def report(reading: Reading) -> str:
    """What the protocol is, what `audit` finds, and a table of medians."""
    data = reading.dataset
    parts = f"{len(data.train.targets)} training and {len(data.test.targets)} test"
    n_seeds = len(reading.runs["persistence"])
    headline = (
        f"{reading.name}: {parts} windows; {100 * reading.beyond:.0f} % of the targets "
        f"lie outside [-1, 1]. Medians [quartiles] over {n_seeds} seeds."
    )
    findings = [f"audit: {finding}" for finding in audit(data).findings]
    rows = [
        [
            name,
            *(_cell(runs, n) for n in ("first_loss", "last_loss", "mse", "skill")),
            f"{_n_better(runs)}/{n_seeds}",
            f"{_n_copies(runs)}/{n_seeds}",
            *(_cell(runs, n) for n in ("r_before", "r_target")),
        ]
        for name, runs in reading.runs.items()
    ]
    header = ["model", "first loss", "last loss", "test MSE", "skill", "better"]
    table = format_table([*header, "copies", "r before", "r target"], rows)
    return "\n".join([headline, *findings, table])


def _cell(runs: list[Run], name: str) -> str:
    """A median with its quartiles."""
    found = quartiles(runs, name)
    if found is None:
        return "-"
    if name.startswith("r_"):
        return f"{found['median']:.2f}"
    digits = 2 if name == "skill" else 4
    median, low, high = (f"{value:.{digits}f}" for value in found.values())
    return f"{median} [{low}, {high}]"


def record(reading: Reading) -> dict[str, Any]:
    """A reading as JSON takes it."""
    data = reading.dataset
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    return {
        "protocol": vars(data.protocol),
        "n_windows": {name: len(part.targets) for name, part in parts.items()},
        "audit": [str(finding) for finding in audit(data).findings],
        "share_beyond_reach": reading.beyond,
        "models": {
            name: {"summary": _summary(runs), "runs": runs}
            for name, runs in reading.runs.items()
        },
    }


def _summary(runs: list[Run]) -> dict[str, Any]:
    """Quartiles of every number, and the counts."""
    names = dict.fromkeys(n for run in runs for n in run if n not in ("seed", "copy"))
    return {name: quartiles(runs, name) for name in names} | {
        "n": len(runs),
        "n_better": _n_better(runs),
        "n_copies": _n_copies(runs),
    }


def _n_better(runs: list[Run]) -> int:
    """How many runs beat persistence."""
    return sum(run["skill"] > 0 for run in runs)


def _n_copies(runs: list[Run]) -> int:
    """How many forecasts are copies of the day before."""
    return sum(run["copy"] for run in runs)
