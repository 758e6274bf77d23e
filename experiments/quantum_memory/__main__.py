"""Can a quantum memory be learnt from data, and is it worth what it promises?

``python -m experiments.quantum_memory`` trains the paper's cell with one qubit of
memory on records of processes that no classical memory of few states can write, beside
hidden Markov models and networks; compares ways of training; and repeats a published
protocol. Stopped at any moment, the same command goes on where it was.
What comes out: docs/quantum_memory.md.
"""

import argparse
from pathlib import Path

from experiments.quantum_memory.figures import draw_all
from experiments.quantum_memory.report import record, report
from experiments.quantum_memory.rows import (
    FULL,
    QUICK,
    make_rows,
)
from experiments.quantum_memory.runs import (
    read,
    run,
)
from qlstm.commands import (
    Parser,
    add_sweep_options,
    check_results,
    positive_int,
    run_configs,
    run_main,
    seed_int,
    write_results,
)
from qlstm.files import versions
from qlstm.sweeps import RunFolder


def main(args: argparse.Namespace) -> int:
    """Do the runs that are left, then report them all."""
    sizes = QUICK if args.quick else FULL
    n = args.seeds or sizes.seeds
    few, ways = min(n, sizes.few), min(n, sizes.ways)
    sizes = sizes._replace(seeds=n, few=few, ways=ways)
    rows = make_rows(sizes, args.seed)
    check_results(args.out, "quantum_memory.json", "quantum_memory_states.png")
    configs = [config for row in rows for config in row.configs]
    if run_configs(run, configs, args).failed:
        return 1
    outcomes = read(rows, RunFolder(args.out))
    print(report(outcomes, sizes))
    content = {
        "experiment": "quantum memory",
        "first_seed": args.seed,
        "sizes": sizes._asdict(),
        "versions": versions(),
        "rows": record(outcomes),
    }
    write_results(args.out, {"quantum_memory.json": content} | draw_all(outcomes))
    return 0


def _parser() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.quantum_memory", __doc__)
    add = parser.add_argument
    help_ = f"seeds of data and starts; {FULL.seeds} unless --quick"
    add("--seeds", type=positive_int, help=help_)
    help_ = "the first of them; sizes were chosen on 0 to 5 and 100 to 105"
    add("--seed", type=seed_int, default=200, help=help_)
    add("--quick", action="store_true", help="a small run that shows all parts")
    add_sweep_options(parser, Path("results/quantum_memory"))
    return parser


if __name__ == "__main__":
    run_main(main, _parser())
