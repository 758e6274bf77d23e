"""Which part of the cell does the work? ``python -m experiments.ablation``.

One thing is changed at a time, and the skill against persistence is compared with that
of the full model on the same seeds. The full model is the paper's with RY and the rule
`probabilities`, or with ``--base tuned`` the larger one of `benchmark_models`. Stopped,
the same command goes on where it was.
"""

import argparse

from experiments.ablation.report import about, make_rows, table, verdict, words
from experiments.ablation.runs import AR, BASES, FULL, make_entries
from experiments.comparison.report import full_text, write_comparison
from experiments.comparison.runs import comparison_parser, do_runs, settle
from qlstm.commands.cli import Parser, run_main


def main(args: argparse.Namespace) -> None:
    """Do the runs that are left; print, draw and write what all of them say."""
    setting, base = settle(args), args.base
    entries = make_entries(base, setting)
    outcome = do_runs(args, setting, entries, (FULL, AR))
    rows = make_rows(entries, outcome)
    verdict_text = verdict(rows, len(setting.seeds))
    text = full_text(outcome, about(base, setting), table(rows), verdict_text)
    print(text)
    from experiments.ablation.figures import draw  # matplotlib is slow to import

    figure = draw([row for row in rows if row.label != FULL], base)
    path = args.out / ("ablation" if base == "paper" else f"ablation_{base}")
    own = {"experiment": "ablation", "base": base}
    write_comparison(path, outcome, rows, text, figure, **own)


def _parser() -> Parser:
    """The options of this experiment."""
    parser = comparison_parser("ablation", __doc__)
    bases = ", ".join(f"{name}: {words(options)}" for name, options in BASES.items())
    parser.add_argument("--base", choices=list(BASES), default="paper", help=bases)
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
