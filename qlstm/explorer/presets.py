"""What the page begins with: examples, a series to train on, and a process to match."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qlstm.forecasting import Dataset
from qlstm.params import QLSTMConfig, QLSTMParams, init_params
from qlstm.processes import Machine, square_and_diamond_cell

MOST_STEPS = 16
MOST_WINDOWS = 1000
"""A browser trains on so many in about half a second an epoch."""

Content = dict[str, Any]


def preset(
    title: str,
    about: str,
    params: QLSTMParams,
    config: QLSTMConfig,
    window: ArrayLike,
    target: float = 0.0,
) -> Content:
    """An example: a model and a window, as the page takes them.

    Args:
        title: Its name in the list.
        about: What to see in it.
        params: The parameters.
        config: The configuration.
        window: Inputs ``(n_steps, n_features)``.
        target: What the last output should be.

    Returns:
        Dicts, lists and numbers.
    """
    arrays = {name: array.tolist() for name, array in params._asdict().items()}
    return {
        "title": title,
        "about": about,
        "config": asdict(config),
        "params": arrays,
        "window": np.asarray(window, dtype=float).tolist(),
        "target": float(target),
    }


def examples() -> dict[str, Content]:
    """The examples of every page: the one of docs/cell.md, a tie, an exact process."""
    return {
        "cell": _cell(),
        "complex": _complex(),
        "tie": _tie(),
        "diamond": _diamond(),
    }


def _cell() -> Content:
    """The example of docs/cell.md."""
    config = QLSTMConfig(n_system=2, n_ancilla=2, n_layers=1, rotation="RY")
    params = QLSTMParams(
        proj_weight=np.array([[1.0, 0.0, -2.0, 0.5]]),
        proj_bias=np.array([1.0, 0.8, 0.4, 0.1]),
        entangler=np.array([[0.3, 0.9, 0.5, 0.7]]),
        disentangler=np.array([[0.2, 0.4, 0.8, 0.6]]),
    )
    about = (
        "Two system and two memory wires, one layer in each stage, RY: all amplitudes "
        "are real. The numbers are those of the documentation's page on the cell."
    )
    window = [[0.6], [-0.3], [0.9]]
    return preset("The cell, number by number", about, params, config, window, 0.5)


def _complex() -> Content:
    """A start as the paper's code draws it: RX, two layers, complex amplitudes."""
    config = QLSTMConfig()
    params = init_params(config, np.random.default_rng(0))
    about = (
        "Two layers of RX in each stage, as the paper has it: amplitudes have phases."
    )
    window = [[0.1], [0.7], [0.9], [0.4], [-0.3]]
    return preset("With phases: RX", about, params, config, window, -0.8)


def _tie() -> Content:
    """The model of docs/draw_tie_jump.py: a turn of one angle, and the output jumps."""
    config = QLSTMConfig(rotation="RY", memory="collapse")
    rng = np.random.default_rng(0)
    params = init_params(config, rng)
    window = rng.uniform(-1, 1, (4, 1))
    about = (
        "Under collapse the likeliest outcome is kept. Turn the first angle of the "
        "entangler slowly through a whole turn: where two outcomes tie, y jumps, and "
        "no gradient sees it."
    )
    return preset("A tie, and a jump", about, params, config, window)


def _diamond() -> Content:
    """The exact cell of the square and the diamond."""
    params, config, x = square_and_diamond_cell()
    about = (
        "A cell that writes symbols. Its outcomes are the symbols, and one qubit of "
        "memory does what no classical machine of three states can: see the last "
        "section but one."
    )
    window = np.tile(x, (8, 1))
    return preset("The square and the diamond", about, params, config, window)


def two_states() -> Machine:
    """The best machine of two states that was found (docs/quantum_memory.md)."""
    edges = np.zeros((4, 2, 2))
    edges[[0, 1], [0, 1], [0, 1]] = 1 / 2
    edges[2:] = 1 / 8
    return Machine(np.full(2, 0.5), edges)


def three_states() -> Machine:
    """The best machine of three states that was found (docs/quantum_memory.md)."""
    edges = np.zeros((4, 3, 3))
    edges[0, 2, 2] = 0.6114
    edges[1, :2, :2] = 0.2115
    edges[2, [0, 2]] = [[0.3937, 0, 0.1834], [0.1326, 0, 0.0617]]
    edges[3, [1, 2]] = [[0, 0.3937, 0.1834], [0, 0.1326, 0.0617]]
    return Machine(np.full(3, 1 / 3), edges / edges.sum(axis=(0, 2))[:, None])


def process() -> Content:
    """The process of the last section but one, and classical machines beside it."""
    step = np.array([[2, 0, 1, 1], [0, 2, 1, 1], [1, 1, 2, 0], [1, 1, 0, 2]]) / 4
    machines = {
        "1 classical state": Machine(np.ones(1), np.full((4, 1, 1), 0.25)),
        "2 states, the best found": two_states(),
        "3 states, the best found": three_states(),
    }
    return {
        "chain": {"start": [0.25] * 4, "step": step.tolist()},
        "machines": [
            {"name": name, "start": m.start.tolist(), "edges": m.edges.tolist()}
            for name, m in machines.items()
        ],
    }


def series(data: Dataset, about: str) -> Content:
    """What the page trains on: the windows that train first, then the test.

    Args:
        data: From `prepare`.
        about: Where the values are from, in a sentence.

    Returns:
        The scaled values, the positions of the targets, how many of them train, and how
        many values a window has.

    Raises:
        ValueError: If the windows are too long or too many for the page.
    """
    index = np.concatenate([data.train.index, data.test.index])
    n_steps = data.train.inputs.shape[1]
    for name, found, most in (
        ("windows of at most {} steps", n_steps, MOST_STEPS),
        ("at most {:,} windows", len(index), MOST_WINDOWS),
    ):
        if found > most:
            raise ValueError(
                f"Argument `dataset` must have {name.format(most)} for the page, but "
                f"has {found:,}."
            )
    scaled = data.scaler.transform(data.values)
    return {
        "values": [None if np.isnan(v) else float(v) for v in scaled],
        "index": index.tolist(),
        "n_steps": n_steps,
        "cut": len(data.train.targets),
        "about": about,
    }
