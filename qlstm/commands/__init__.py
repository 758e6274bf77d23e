"""What makes a command: parser, errors by option, progress, tables, status.

A command is a `Parser` and a function of its parsed options, which `run_main` runs::

    def main(args):
        progress, rows = Progress("squares "), []
        for k in range(args.n):
            progress.update(k, args.n, f"number {k}")
            rows.append([str(k), str(k**2)])
        progress.clear()
        print(format_table(["k", "square"], rows))

    if __name__ == "__main__":
        parser = Parser("experiments.squares", "Squares of numbers.")
        parser.add_argument("--n", type=positive_int, default=3, help="how many")
        run_main(main, parser)

Results go to standard output, progress and errors to standard error. The exit status is
0, or what `main` returns, such as 1 after failed runs; 2 with one line about what the
user gave, which names the option; 130 after Ctrl-C and 143 after SIGTERM, with one line
and nothing that runs on. A bug keeps its traceback.
"""

from qlstm.commands.forecasts import (
    add_csv_options,
    add_model_options,
    csv_source,
    forecasting_parser,
    model_config,
    run_forecasts,
)
from qlstm.commands.parser import (
    Parser,
    ensure_one_thread,
    positive_int,
    run_main,
    seed_int,
)
from qlstm.commands.results import check_results, series_record, write_results
from qlstm.commands.sweeps import add_sweep_options, run_configs
from qlstm.progress import Progress, epoch_progress
from qlstm.tables import format_table, number_text, skill_text

__all__ = [
    "Parser",
    "Progress",
    "add_csv_options",
    "add_model_options",
    "add_sweep_options",
    "check_results",
    "csv_source",
    "ensure_one_thread",
    "epoch_progress",
    "forecasting_parser",
    "format_table",
    "model_config",
    "number_text",
    "positive_int",
    "run_configs",
    "run_forecasts",
    "run_main",
    "seed_int",
    "series_record",
    "skill_text",
    "write_results",
]
