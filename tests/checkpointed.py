"""A training that saves its state every epoch, and goes on from it: a user's command.

`python checkpointed.py FOLDER EPOCHS` prints a line when it begins and one an epoch.
"""

import argparse
from pathlib import Path

import numpy as np

from qlstm import (
    QLSTMConfig,
    init_params,
    load_state,
    save_model,
    save_state,
    train,
    train_init,
)
from qlstm.commands import Parser, check_results, positive_int, run_main


def main(args):
    """Train from the beginning, or from where the state is."""
    check_results(args.folder, "model.npz")
    config = QLSTMConfig(rotation="RY", memory="sampled")
    rng, state_file = np.random.default_rng(5), args.folder / "state.npz"
    inputs, targets = rng.uniform(-1, 1, (30, 5, 1)), rng.uniform(-0.5, 0.5, 30)
    state = train_init(init_params(config, rng), rng)
    if state_file.exists():
        state, _ = load_state(state_file)
    print("begun", flush=True)

    def keep(now):
        save_state(state_file, now, config)
        print(now.epoch, flush=True)

    state = train(state, inputs, targets, config, epochs=args.epochs, callback=keep)
    save_model(args.folder / "model.npz", state.params, config)


if __name__ == "__main__":
    parser = Parser(None, __doc__, prog="checkpointed")
    parser.add_argument("folder", type=Path)
    parser.add_argument("epochs", type=positive_int)
    run_main(main, parser)
