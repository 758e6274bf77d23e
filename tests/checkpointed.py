"""A training that saves its state every epoch, and goes on from it: a user's command.

`python checkpointed.py FOLDER EPOCHS` says every epoch, and with `--pause-after EPOCH`
waits there for a signal.
"""

import signal
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

    def say(epoch):
        print(epoch, flush=True)
        if epoch == args.pause_after:
            signal.pause()

    def keep(now):
        save_state(state_file, now, config)
        say(now.epoch)

    say(state.epoch)
    state = train(state, inputs, targets, config, epochs=args.epochs, callback=keep)
    save_model(args.folder / "model.npz", state.params, config)


if __name__ == "__main__":
    parser = Parser(None, __doc__, prog="checkpointed")
    parser.add_argument("folder", type=Path)
    parser.add_argument("epochs", type=positive_int)
    parser.add_argument("--pause-after", type=int)
    run_main(main, parser)
