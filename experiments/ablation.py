"""Which part of the cell does the work? ``python -m experiments.ablation``.

One thing is changed at a time, and the skill against persistence is compared with that
of the full model on the same seeds. The full model is the paper's with RY and the rule
`probabilities`, or with ``--base tuned`` the larger one of `benchmark_models`. Stopped,
the same command goes on where it was.
"""

import argparse
from typing import Any, NamedTuple

import numpy as np

from experiments.benchmark_models.report import (
    LEVEL,
    budget_text,
    column,
    compare,
    failed_text,
    headline,
    listing,
    p_text,
    quartiles,
    reach_sentence,
    too_few,
)
from experiments.benchmark_models.runs import (
    Entry,
    budget,
    comparison_parser,
    do_runs,
    settle,
)
from qlstm.commands import Parser, format_table, run_main
from qlstm.files import versions, write_json
from qlstm.forecasting.data import Protocol
from qlstm.params import MEMORIES, ROTATIONS

FULL, AR = "full", "AR(10)"
BASES = {
    "paper": {"rotation": "RY", "memory": "probabilities", "n_layers": 2},
    "tuned": {"rotation": "RY", "memory": "mixed", "n_layers": 3, "readout": "affine"},
}


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


def make_entries(base: str, protocol: Protocol, epochs: int | None) -> list[Entry]:
    """The full model, every change of it, and AR(10) for comparison."""
    training = budget(protocol, epochs, long=base == "tuned")
    full = {"name": "quantum"} | BASES[base] | training
    angles = ["entangler", "disentangler"]
    changes: list[tuple[str, dict[str, Any]]] = [
        ("no gate across the cut", {"cut": "separate"}),
        ("angles frozen at random", {"frozen": angles}),
        ("no bias", {"bias": False}),
    ]
    changes += [
        (f"{n} layer{'s' * (n > 1)}", {"n_layers": n})
        for n in (1, 2, 3, 4)
        if n != full["n_layers"]
    ]
    changes += [(r, {"rotation": r}) for r in ROTATIONS if r != full["rotation"]]
    changes += [(f"memory {m}", {"memory": m}) for m in MEMORIES if m != full["memory"]]
    return [
        Entry(FULL, "quantum", full),
        *(Entry(label, "quantum", full | change) for label, change in changes),
        Entry(AR, "context", {"name": "ar", "p": 10}),
    ]


def make_rows(entries: list[Entry], results: dict[str, list[dict]]) -> list[Row]:
    """What the seeds say together; AR(10) takes no part in the tests."""
    skills = {label: column(runs, "skill") for label, runs in results.items()}
    tested = {k: v for k, v in skills.items() if k != AR}
    tests = compare(tested, FULL)
    rows = []
    for label, kind, model in entries:
        runs, test = results[label], tests.get(label, {})
        differences = np.subtract(skills[label], skills[FULL]).tolist()
        rows.append(
            Row(
                label,
                kind,
                model,
                runs[0]["n_params"],
                quartiles(skills[label]),
                quartiles(differences),
                test.get("p"),
                test.get("p_holm"),
                sum(column(runs, "is_copy")) / len(runs),
                quartiles(column(runs, "seconds")),
                skills[label],
                differences,
            )
        )
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
    full, changed = rows[0], [row for row in rows if row.p_holm is not None]
    shown = [row for row in changed if (row.p_holm or 0.0) < LEVEL]
    groups = {
        "Skill falls with": [r for r in shown if r.difference["median"] < 0],
        "Skill rises with": [r for r in shown if r.difference["median"] >= 0],
        "No difference is shown for": [r for r in changed if r not in shown],
    }
    opening = (
        f"The full model has a median skill of {full.skill['median']:+.3f}. Changes, "
        f"with median differences on the same seeds (Wilcoxon, Holm, level {LEVEL}):"
    )
    sentences = [opening]
    for words, members in groups.items():
        found = [f"{r.label} ({r.difference['median']:+.3f})" for r in members]
        sentences.append(f"{words}: {listing(found)}.")
    sentences.append(
        "Not shown is not absent. The skills are those of the seeds above and of this "
        "budget; a change also changes how well the model trains."
    )
    return "\n".join(sentences + too_few(n_seeds, len(changed)))


def main(args: argparse.Namespace) -> None:
    """Do the runs that are left; print, draw and write what all of them say."""
    dataset, protocol = settle(args)
    entries = make_entries(args.base, protocol, args.epochs)
    results, failed = do_runs(args, dataset, entries, (FULL, AR))
    rows = make_rows([entry for entry in entries if entry.label in results], results)
    training = budget(protocol, args.epochs, long=args.base == "tuned")
    about = (
        f"The full model, `{args.base}`: {_words(BASES[args.base])}; "
        f"{budget_text(training)}."
    )
    parts = [
        f"{headline(args, dataset, protocol)}\n{about}",
        table(rows),
        verdict(rows, args.seeds),
        reach_sentence(results),
        failed_text(failed),
    ]
    text = "\n\n".join(part for part in parts if part)
    print(text)
    from experiments.benchmark_models.figures import (
        draw_ablation,  # matplotlib is slow to import
    )
    from qlstm.plots import save_figure

    content = {
        "experiment": "ablation",
        "base": args.base,
        "dataset": dataset,
        "protocol": vars(protocol),
        "seeds": list(range(args.seed, args.seed + args.seeds)),
        "series_sha256": column(results[FULL], "series_sha256"),
        "versions": versions(),
        "text": text,
        "failed": failed,
        "rows": [row._asdict() for row in rows],
    }
    path = args.out / ("ablation" if args.base == "paper" else f"ablation_{args.base}")
    write_json(path.with_suffix(".json"), content)
    shown = [row for row in rows if row.label != FULL]
    title = (
        f"Which part earns the skill? One change to the {args.base} cell, "
        "a point is a seed"
    )
    save_figure(path.with_suffix(".png"), draw_ablation(shown, title))
    print(f"\nWrote {path.with_suffix('.json')}, {path.with_suffix('.png')}.")


def _words(options: dict[str, Any]) -> str:
    """Options as text."""
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _parser() -> Parser:
    """The options of this experiment."""
    parser = comparison_parser("ablation", __doc__)
    bases = ", ".join(f"{name}: {_words(options)}" for name, options in BASES.items())
    parser.add_argument("--base", choices=list(BASES), default="paper", help=bases)
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
