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
from experiments.comparison.runs import (
    Entry,
    Outcome,
    Setting,
    do_runs,
    make_parser,
    spread_of,
)
from experiments.comparison.strips import Strip, draw_strips, plain_numbers
from qlstm import MEMORIES, ROTATIONS
from qlstm.commands import (
    Parser,
    check_results,
    format_table,
    number_text,
    run_main,
    skill_text,
)
from qlstm.plots import new_figure

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
    skill: dict[str, float | None]
    """Median and quartiles; None if persistence is perfect, as in what follows."""
    test_mse: dict[str, float]
    difference: dict[str, float | None]
    """Of the skill from the full model's, seed by seed: median and quartiles."""
    p: float | None
    """Of Wilcoxon's test of the differences."""
    p_holm: float | None
    """The same after Holm's correction."""
    copies: float
    """Share of the seeds whose forecast is a copy of the last value."""
    seconds: dict[str, float]
    skills: list[float | None]
    """By seed."""
    differences: list[float | None]
    """By seed."""


def make_rows(outcome: Outcome) -> list[Row]:
    """What the seeds say together; AR(10) takes no part in the tests."""
    skills = outcome.columns("skill")
    defined = None not in skills[FULL]  # persistence is the same for all rows
    tests = {}
    if defined:
        tests = compare({k: v for k, v in skills.items() if k != AR}, FULL)
    rows = []
    for label in outcome.entries:
        test = tests.get(label, {})
        differences = [None] * len(skills[label])
        if defined:
            differences = np.subtract(skills[label], skills[FULL]).tolist()
        row = Row(
            **outcome.common(label),
            difference=spread_of(differences),
            test_mse=outcome.spread(label, "test_mse"),
            p=test.get("p"),
            p_holm=test.get("p_holm"),
            skills=skills[label],
            differences=differences,
        )
        rows.append(row)
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text."""
    flat = rows[0].skill["median"] is None  # then errors are all there is to see
    header = ["model", "params", *["test MSE"] * flat]
    header += ["skill", "[quartiles]", "- full", "[quartiles]"]
    header += ["p", "p Holm", "copies", "s"]
    cells = [
        [
            row.label,
            str(row.n_params),
            *[number_text(row.test_mse["median"])] * flat,
            *_spread(row.skill),
            *_spread(row.difference),
            p_text(row.p),
            p_text(row.p_holm),
            f"{row.copies:.0%}",
            f"{row.seconds['median']:.2f}",
        ]
        for row in rows
    ]
    return format_table(header, cells)


def _spread(found: dict[str, float | None]) -> list[str]:
    """A median and its quartiles; one "-" each where they are undefined."""
    if found["median"] is None:
        return ["-", "-"]
    median, low, high = (skill_text(found[name]) for name in ("median", "q1", "q3"))
    return [median, f"[{low}, {high}]"]


def verdict(rows: list[Row], n_seeds: int) -> str:
    """What the numbers say, in words."""
    if rows[0].skill["median"] is None:
        return (
            "Persistence has no error on a test part of some seed, so skill is "
            "undefined and nothing is compared: the test errors stand above."
        )
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
    if None in rows[0].differences:
        return _draw_nothing()
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


def _draw_nothing() -> Figure:
    """A figure that says why it is empty."""
    figure, axes = new_figure(1, 1, figsize=(7, 2))
    axes[0, 0].set_axis_off()
    text = "Skill is undefined: persistence has no error on the test part."
    axes[0, 0].text(0.5, 0.5, text, ha="center", va="center")
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
