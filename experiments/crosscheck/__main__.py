"""Does PennyLane get the same numbers?

``python -m experiments.crosscheck`` runs the same model in NumPy (this package) and in
PennyLane (default.qubit, autograd), and compares every quantity: states, measurements,
gradients, a training run. Exit status 0 if all agree to 1e-10, 1 if any does not, 2 if
the options are wrong or PennyLane is missing (pip install "qlstm[crosscheck]").
"""

import argparse
import time
from pathlib import Path

import numpy as np

from qlstm import (
    MEMORIES,
    PAPER_MEMORIES,
    ROTATIONS,
    QLSTMConfig,
    QLSTMParams,
    init_params,
    load_model,
)
from qlstm.commands import (
    Parser,
    add_model_options,
    model_config,
    out_file,
    positive_int,
    run_main,
    seed_int,
)
from qlstm.files import write_json
from qlstm.interchange import import_pennylane


def options() -> Parser:
    """The options of this experiment."""
    parser = Parser("experiments.crosscheck", __doc__)
    add = parser.add_argument
    add("--memory", choices=[*MEMORIES, "both"], default="both", help="memory rule")
    add("--rotation", choices=[*ROTATIONS, "both"], default="both", help="gate")
    add_model_options(parser)
    add("--epochs", type=positive_int, default=20, help="epochs of the training run")
    add("--seed", type=seed_int, default=0, help="seed of everything that is random")
    add("--model", type=Path, help="a saved model (.npz) to check, as it is configured")
    add("--out", type=out_file, help="JSON file to write the differences to")
    return parser


def main(args: argparse.Namespace) -> int:
    """Compare every configuration and report; the status is 1 on a difference."""
    start = time.perf_counter()
    import_pennylane("The cross-check")
    from experiments.crosscheck import report, runs  # they need PennyLane

    models = chosen_models(args)
    print(report.headline(models[0][1], args.epochs, args.seed), flush=True)
    comparisons = [runs.compare(*model, args.epochs, args.seed) for model in models]
    print(report.difference_table(comparisons), report.notes(comparisons), sep="\n")
    print(report.time_table(comparisons))
    if args.out is not None:
        content = {
            "experiment": "crosscheck",
            "seed": args.seed,
            "epochs": args.epochs,
            "model": None if args.model is None else str(args.model),
            **report.record(comparisons),
        }
        write_json(args.out, content)
        print(f"\nWrote {args.out}.")
    print(report.verdict(comparisons, time.perf_counter() - start))
    return int(not all(map(report.passes, comparisons)))


def chosen_models(args: argparse.Namespace) -> list[tuple[QLSTMParams, QLSTMConfig]]:
    """The saved model, or a new one for each rotation and memory rule asked for."""
    if args.model is not None:
        described = ["system_qubits", "ancilla_qubits", "layers", "disentangler"]
        for name in (*described, "rotation", "memory"):
            if getattr(args, name) != options().get_default(name):
                raise ValueError(
                    f"Option --{name.replace('_', '-')} must be left out with "
                    "--model, which brings its own configuration."
                )
        return [load_model(args.model)]
    configs = [
        model_config(args, rotation, memory)
        for rotation in (ROTATIONS if args.rotation == "both" else (args.rotation,))
        for memory in (PAPER_MEMORIES if args.memory == "both" else (args.memory,))
    ]
    return [(init_params(c, np.random.default_rng(args.seed)), c) for c in configs]


if __name__ == "__main__":
    run_main(main, options())
