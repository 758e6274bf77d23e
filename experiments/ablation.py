"""Which part of the cell does the work? ``python -m experiments.ablation``.

One thing is changed at a time, and the skill against persistence is compared with that
of the full model on the same seeds. The full model is the paper's with RY and the rule
`probabilities`, or with ``--base tuned`` the larger one of `benchmark_models`. Stopped,
the same command goes on where it was.
"""

import argparse
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.comparison.report import (
    LEVEL,
    budget_text,
    compare,
    full_text,
    listing,
    p_text,
    sort_out,
    too_few,
    write_comparison,
)
from experiments.comparison.runs import Entry, Outcome, Setting, do_runs, make_parser
from experiments.comparison.strips import Strip, draw_strips, plain_numbers
from qlstm import MEMORIES, ROTATIONS
from qlstm.commands import Parser, check_results, format_table, run_main
from qlstm.forecasting import quartiles

FULL, AR = "full", "AR(10)"
BASES = {
    "paper": {"rotation": "RY", "memory": "probabilities", "n_layers": 2},
    "tuned": {"rotation": "RY", "memory": "mixed", "n_layers": 3, "readout": "affine"},
}


def main(args: argparse.Namespace) -> None:
    """Do the runs that are left; print, draw and write what all of them say."""
    setting = Setting.asked_for(args)
    name = "ablation" if args.base == "paper" else f"ablation_{args.base}"
    check_results(args.out, f"{name}.json", f"{name}.png")
    outcome = do_runs(args, setting, make_entries(args.base, setting), (FULL, AR))
    rows = make_rows(outcome)
    about = (
        f"The full model, `{args.base}`: {_words(BASES[args.base])}; "
        f"{budget_text(_training(args.base, setting))}."
    )
    text = full_text(outcome, about, table(rows), verdict(rows, len(setting.seeds)))
    print(text)
    own = {"experiment": "ablation", "base": args.base, "text": text}
    figure = draw([row for row in rows if row.label != FULL], args.base)
    write_comparison(args.out, name, outcome, rows, figure, **own)


def make_entries(base: str, setting: Setting) -> list[Entry]:
    """The full model, every change of it, and AR(10) for comparison."""
    full = {"name": "quantum"} | BASES[base] | _training(base, setting)
    changes: dict[str, dict[str, Any]] = {
        "no gate across the cut": {"cut": "separate"},
        "angles frozen at random": {"frozen": ["entangler", "disentangler"]},
        "no bias": {"bias": False},
        **{f"{n} layer{'s' * (n > 1)}": {"n_layers": n} for n in (1, 2, 3, 4)},
        **{rotation: {"rotation": rotation} for rotation in ROTATIONS},
        **{f"memory {memory}": {"memory": memory} for memory in MEMORIES},
    }
    changed = [Entry(k, "quantum", full | change) for k, change in changes.items()]
    return [
        Entry(FULL, "quantum", full),
        *(entry for entry in changed if entry.model != full),
        Entry(AR, "context", {"name": "ar", "p": 10}),
    ]


def _training(base: str, setting: Setting) -> dict[str, Any]:
    """Options of training, the long ones for the larger model."""
    return setting.budget(long=base == "tuned")


class Row(NamedTuple):
    """A changed model over all seeds."""

    label: str
    kind: str
    model: dict[str, Any]
    n_params: int
    """Trained numbers."""
    skill: dict[str, float]
    """Median and quartiles."""
    difference: dict[str, float]
    """Of the skill from the full model's, seed by seed: median and quartiles."""
    p: float | None
    """Of Wilcoxon's test of the differences."""
    p_holm: float | None
    """The same after Holm's correction."""
    copies: float
    """Share of the seeds whose forecast is a copy of the last value."""
    seconds: dict[str, float]
    skills: list[float]
    """By seed."""
    differences: list[float]
    """By seed."""


def make_rows(outcome: Outcome) -> list[Row]:
    """What the seeds say together; AR(10) takes no part in the tests."""
    skills = outcome.columns("skill")
    if None in skills[FULL]:
        raise ValueError(
            "The test part must change for an ablation, which compares skills, but "
            "persistence has no error on it."
        )
    tests = compare({k: v for k, v in skills.items() if k != AR}, FULL)
    rows = []
    for label in outcome.entries:
        test = tests.get(label, {})
        differences = np.subtract(skills[label], skills[FULL]).tolist()
        row = Row(
            **outcome.common(label),
            difference=quartiles(differences)._asdict(),
            p=test.get("p"),
            p_holm=test.get("p_holm"),
            skills=skills[label],
            differences=differences,
        )
        rows.append(row)
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text."""
    header = ["model", "params", "skill", "[quartiles]", "- full", "[quartiles]"]
    header += ["p", "p Holm", "copies", "s"]
    cells = [
        [
            row.label,
            str(row.n_params),
            f"{row.skill['median']:+.3f}",
            f"[{row.skill['q1']:+.3f}, {row.skill['q3']:+.3f}]",
            f"{row.difference['median']:+.3f}",
            f"[{row.difference['q1']:+.3f}, {row.difference['q3']:+.3f}]",
            p_text(row.p),
            p_text(row.p_holm),
            f"{row.copies:.0%}",
            f"{row.seconds['median']:.2f}",
        ]
        for row in rows
    ]
    return format_table(header, cells)


def verdict(rows: list[Row], n_seeds: int) -> str:
    """What the numbers say, in words."""
    tested = [row for row in rows if row.p_holm is not None]
    found = [(row.label, row.difference["median"], row.p_holm) for row in tested]
    groups = sort_out((f"{label} ({d:+.3f})", d, p) for label, d, p in found)
    headings = "Skill falls with", "Skill rises with", "No difference is shown for"
    opening = (
        f"The full model has a median skill of {rows[0].skill['median']:+.3f}. Changes,"
        f" with median differences on the same seeds (Wilcoxon, Holm, level {LEVEL}):"
    )
    listed = zip(headings, map(listing, groups), strict=True)
    sentences = [f"{heading}: {labels}." for heading, labels in listed]
    closing = (
        "Not shown is not absent. The skills are those of the seeds above and of this "
        "budget; a change also changes how well the model trains."
    )
    return "\n".join([opening, *sentences, closing, *too_few(n_seeds, len(tested))])


def draw(rows: list[Row], base: str) -> Figure:
    """What each change does to the skill: a point is a seed.

    Args:
        rows: All but the full model's.
        base: Name of the full model.

    Returns:
        The figure.
    """
    figure, ax = draw_strips(
        [Strip(row.label, row.kind, row.differences) for row in rows],
        {"the full model": (0.0, {"color": "black", "ls": "--", "lw": 1})},
        f"Which part earns the skill? One change to the {base} cell, a point is a seed",
        height=1.8 + 0.36 * len(rows),
    )
    scale = ""
    ends = np.concatenate([row.differences for row in rows])
    if np.ptp(ends) > 4:  # a few seeds that fail must not flatten all the others
        scale = "; logarithmic beyond 1"
        ax.set_xscale("symlog", linthresh=1, linscale=1.5)
        ticks = [sign * k for sign in (-1, 1) for k in (0.5, 1, 2, 5, 10, 20)]
        ax.set_xticks([0, *(t for t in ticks if ends.min() <= t <= ends.max())])
        plain_numbers(ax)
    ax.set_xlabel(f"skill minus that of the full model, same seed{scale}")
    ax.set_ylabel("what is changed")
    return figure


def _words(options: dict[str, Any]) -> str:
    """Options as text."""
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _parser() -> Parser:
    """The options of this experiment."""
    parser = make_parser("ablation", __doc__)
    bases = ", ".join(f"{name}: {_words(options)}" for name, options in BASES.items())
    parser.add_argument("--base", choices=list(BASES), default="paper", help=bases)
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
