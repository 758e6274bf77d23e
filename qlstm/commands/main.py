"""The console command `qlstm`, with its subcommands.

A subcommand is a module with `add(subparsers)`, which adds its parser and returns it,
and `run(options)`, whose result is the exit status.
"""

from collections.abc import Sequence

from qlstm.commands import evaluate, explain, explore, info, power, predict, train
from qlstm.commands.parser import Parser, run_main

SUBCOMMANDS = (train, predict, evaluate, info, power, explain, explore)
"""In the order of the help."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a subcommand; errors are one line, as in `run_main`.

    Args:
        arguments: What stands behind the command's name; None takes the process's own.
    """
    parser = Parser(prog="qlstm", description="A quantum LSTM, from the command line.")
    subparsers = parser.add_subparsers(required=True, metavar="SUBCOMMAND")
    for subcommand in SUBCOMMANDS:
        own = subcommand.add(subparsers)
        own.set_defaults(run=subcommand.run, parser=own)
    run_main(lambda options: options.run(options), parser, arguments)
