"""A reading as a table, and as JSON takes it."""

from typing import Any

from experiments.comparison.report import equivalence_text
from experiments.reproduction.runs import Reading, summarize
from qlstm.commands import format_table, number_text, skill_text
from qlstm.forecasting import audit


def report(reading: Reading) -> str:
    """What the protocol is, what `audit` finds, and a table of medians."""
    data = reading.dataset
    parts = f"{len(data.train.targets)} training and {len(data.test.targets)} test"
    summaries = {name: summarize(runs) for name, runs in reading.runs.items()}
    n_seeds = summaries["AR(10)"]["n"]
    headline = (
        f"{reading.name}: {parts} windows; {100 * reading.beyond:.0f} % of the targets "
        f"lie outside [-1, 1]. Medians [quartiles] over {n_seeds} seeds."
    )
    findings = [f"audit: {finding}" for finding in audit(data).findings]
    rows = [
        [
            name,
            *(_cell(found, n) for n in ("first_loss", "last_loss", "mse", "skill")),
            f"{found['n_better']}/{found['n']}",
            f"{found['n_copies']}/{found['n']}",
            *(_cell(found, n) for n in ("r_before", "r_target")),
        ]
        for name, found in summaries.items()
    ]
    header = ["model", "first loss", "last loss", "test MSE", "skill", "better"]
    table = format_table([*header, "copies", "r before", "r target"], rows)
    errors = {name: [r["mse"] for r in runs] for name, runs in reading.runs.items()}
    models = (name for name in summaries if name not in ("persistence", "AR(10)"))
    same = equivalence_text(errors, models, "AR(10)")
    parts = [headline, *findings, table, _power(summaries), same]
    return "\n".join(part for part in parts if part)


def _power(summaries: dict[str, Any]) -> str:
    """What the copy detector misses; empty where persistence has no error."""
    found = summaries["persistence"].get("half_missed")
    if found is None:
        return ""
    return (
        f"Copies: of honest forecasts whose true skill is {found['median']:.2f}, the "
        "detector would call half copies here (median over the seeds)."
    )


def _cell(summary: dict[str, Any], name: str) -> str:
    """A median with its quartiles."""
    if name not in summary:
        return "-"
    if name.startswith("r_"):
        return f"{summary[name]['median']:.2f}"
    text = (lambda v: skill_text(v, 2).lstrip("+")) if name == "skill" else number_text
    median, low, high = map(text, summary[name].values())
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
            name: {"summary": summarize(runs), "runs": runs}
            for name, runs in reading.runs.items()
        },
    }
