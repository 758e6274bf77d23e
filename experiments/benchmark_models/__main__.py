"""Does a quantum LSTM forecast better than simple models and LSTMs of its size?

``python -m experiments.benchmark_models`` puts forecasters side by side. All models of
a seed see the same series, so their errors are compared in pairs: with AR(10), and with
LSTMs of about as many parameters. Networks are trained twice, with the protocol's
budget and with the long one that the larger quantum models get. Stopped, the same
command goes on where it was.
"""

import argparse

from experiments.benchmark_models.figures import draw
from experiments.benchmark_models.report import (
    NOISE_FLOOR,
    REFERENCES,
    about,
    make_rows,
    table,
    verdict,
)
from experiments.benchmark_models.runs import make_entries
from experiments.comparison.report import full_text, write_comparison
from experiments.comparison.runs import Setting, do_runs, make_parser
from qlstm.commands import check_results, run_main

NAME = "benchmark_models"


def main(args: argparse.Namespace) -> None:
    """Do the runs that are left; print, draw and write what all of them say."""
    setting = Setting.asked_for(args)
    check_results(args.out, f"{NAME}.json", f"{NAME}.png")
    outcome = do_runs(args, setting, make_entries(setting), REFERENCES)
    rows = make_rows(outcome)
    words = verdict(rows, len(setting.seeds))
    text = full_text(outcome, about(setting), table(rows), words)
    print(text)
    floor = NOISE_FLOOR.get(setting.protocol.noise)
    own = {"experiment": NAME, "noise_floor": floor, "text": text}
    write_comparison(args.out, NAME, outcome, rows, draw(rows, floor), **own)


if __name__ == "__main__":
    run_main(main, make_parser(NAME, __doc__))
