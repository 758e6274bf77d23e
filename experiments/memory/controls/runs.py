"""What the controls measure: dephased memories, power at a price, reservoirs."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.memory.controls.readout import fitted, halves, past, state_variables
from experiments.memory.controls.reservoirs import cell_states, echo_state
from experiments.memory.controls.rules import BASES, basis_of, dephased, eigenbasis
from experiments.memory.controls.tasks import delayed, mackey_glass, narma, santa_fe
from experiments.memory.controls.training import (
    WASHOUT,
    Data,
    accuracy,
    train,
)
from qlstm import QLSTMConfig, QLSTMParams, init_params
from qlstm.commands import Progress
from qlstm.insight import memory_capacity, trace

TASKS: dict[str, Callable[[NDArray], NDArray]] = {
    "recall, lag 1": lambda x: delayed(x, 1),
    "recall, lag 2": lambda x: delayed(x, 2),
    "recall, lag 3": lambda x: delayed(x, 3),
    "recall, lag 4": lambda x: delayed(x, 4),
    "NARMA-5": lambda x: narma(x, 5),
    "NARMA-10": lambda x: narma(x, 10),
}
PRICED = ("recall, lag 3", "NARMA-5")
"""Tasks on which power has a price; easier ones are solved at any power."""
SERIES = ("NARMA-10", "Mackey-Glass", "Santa Fe laser")
HORIZONS = {"Mackey-Glass": 84, "Santa Fe laser": 1}
"""Steps ahead, as usual in the literature."""
CELLS = {
    "cell, RX, 2 + 2 wires": {"rotation": "RX"},
    "cell, RY, 2 + 2 wires": {"rotation": "RY"},
    "cell, RY, 2 + 3 wires": {"rotation": "RY", "n_ancilla": 3},
}
NUMBERS = {"RX": 15, "RY": 9}
"""Real numbers in a density matrix of two wires; with RY it is real itself."""
SCALES = (0.1, 1.0)
"""Of the echo state networks' input weights: nearly linear, and not."""


class Sizes(NamedTuple):
    """How much is computed."""

    seeds: int
    """Trained cells of each kind."""
    iterations: int
    """L-BFGS iterations of half of a training."""
    tasks: tuple[str, ...]
    """What cells are trained on, some of `TASKS`."""
    n_steps: int
    """Of the training sequences, of which there are eight."""
    draws: int
    """Untrained cells."""
    prices: tuple[float, ...]
    """Of an ebit of K, in units of the targets' variance."""
    length: int
    """Steps of a series, half of them for the fit."""
    n_lags: int
    """Lags of the memory capacity."""


FULL = Sizes(8, 25, tuple(TASKS), 50, 20, (-0.3, -0.1, 0.0, 0.1, 0.3), 3200, 25)
QUICK = Sizes(2, 2, ("recall, lag 1", *PRICED), 16, 2, (-0.1, 0.0, 0.1), 600, 12)


class Untrained(NamedTuple):
    """Capacity of a random cell: ``(n_lags,)``, held out."""

    rotation: str
    draw: int
    basis: str
    """One of `BASES`, or none."""
    before: NDArray[np.float64]
    """Read off before the memory is dephased: as many features as without."""
    after: NDArray[np.float64]
    """Read off after."""


class Dephasing(NamedTuple):
    """A trained cell with and without dephasing: R^2 on held-out sequences."""

    rotation: str
    task: str
    seed: int
    half: float
    """Not dephased, half of the training."""
    quantum: float
    """Not dephased, all of it."""
    cut_in: dict[str, float]
    """Dephased after half of the training, by basis."""
    retrained: dict[str, float]
    """And trained for the second half, or from the start, whichever fits better."""
    echo: float
    """An echo state network with as many nodes as the memory has real numbers."""
    gap: float
    """Smallest distance of eigenvalues of the mean memory."""


class Priced(NamedTuple):
    """A cell that was trained with a price on its step's Schmidt strength."""

    rotation: str
    task: str
    seed: int
    price: float
    strengths: list[float]
    """K of the step before training and after each iteration, in ebits."""
    capacity: float
    """Memory capacity after training."""
    nrmse: float
    """On held-out sequences."""


class Row(NamedTuple):
    """A machine that is only read out, on a series."""

    series: str
    machine: str
    n_features: int
    nrmse: list[float]
    """On the second half, an entry each seed."""
    capacity: list[float]
    """Memory capacity, where inputs are independent."""


class Found(NamedTuple):
    """Everything that was measured."""

    untrained: list[Untrained]
    dephasing: list[Dephasing]
    priced: list[Priced]
    rows: list[Row]


def measure(rotations: tuple[str, ...], first_seed: int, sizes: Sizes) -> Found:
    """All of it, one thing after the other."""
    seeds = range(first_seed, first_seed + sizes.seeds)
    draws = range(first_seed, first_seed + sizes.draws)
    jobs = [("untrained", capacities, each) for each in product(rotations, draws)]
    jobs += [
        ("dephasing", dephase, each) for each in product(rotations, sizes.tasks, seeds)
    ]
    jobs += [("priced", prices, each) for each in product(rotations, PRICED, seeds)]
    jobs += [("rows", reservoir_rows, (name, draws)) for name in SERIES]
    progress, found = Progress("controls "), Found([], [], [], [])
    for k, (part, job, of) in enumerate(jobs):
        progress.update(k, len(jobs), f"{part}: {of[0]} {of[1]}"[:40])
        getattr(found, part).extend(job(*of, sizes))
    progress.clear()
    return found


# -- is it quantum? ----------------------------------------------------------------


def capacities(rotation: str, draw: int, sizes: Sizes) -> list[Untrained]:
    """Memory capacity of a random cell, dephased in each basis and not."""
    rng = np.random.default_rng([draw, 0])
    config = QLSTMConfig(rotation=rotation, memory="mixed")
    params = init_params(config, rng)
    n_lags = sizes.n_lags // 2
    inputs = rng.uniform(-1, 1, (sizes.length // 16, n_lags + 16, 1))
    wanted = past(inputs[..., 0], n_lags, n_lags)
    found = []
    for basis in ("none", *BASES):
        cell = config
        if basis != "none":
            vectors = basis_of(basis, params, inputs, config, n_lags)
            cell = dephased(config, vectors)
        ledger = trace(params, inputs, cell)
        d_s, d_a = config.system_dim, config.ancilla_dim
        joint = ledger.state_out[:, n_lags:].reshape(-1, d_s, d_a, d_s, d_a)
        memory = np.einsum("tiaib->tab", joint)
        after = ledger.memory_after[:, n_lags:].reshape(-1, d_a, d_a)
        r2 = [
            halves(state_variables(m), wanted.reshape(-1, n_lags))
            for m in (memory, after)
        ]
        found.append(Untrained(rotation, draw, basis, *r2))
    return found


def dephase(rotation: str, task: str, seed: int, sizes: Sizes) -> list[Dephasing]:
    """Train a cell by halves, dephase it between them, and train it on."""
    config, start, data = trained_on(rotation, task, seed, sizes)
    half = train(start, data[0], config, sizes.iterations)
    whole = train(half.params, data[0], config, sizes.iterations)
    cut_in, retrained = {}, {}
    inputs = data[0].inputs
    for basis in BASES:
        vectors = basis_of(basis, half.params, inputs, config, WASHOUT)
        cell = dephased(config, vectors)
        cut_in[basis] = accuracy(half.params, *data, cell)
        again = train(half.params, data[0], cell, sizes.iterations)
        anew = train(start, data[0], cell, 2 * sizes.iterations)
        best = min(again, anew, key=lambda run: run.loss)
        retrained[basis] = accuracy(best.params, *data, cell)
    echo = echo_accuracy(NUMBERS[rotation], data, np.random.default_rng([seed, 6]))
    gap = eigenbasis(half.params, inputs, config, WASHOUT)[1]
    quantum = [accuracy(run.params, *data, config) for run in (half, whole)]
    return [Dephasing(rotation, task, seed, *quantum, cut_in, retrained, echo, gap)]


def echo_accuracy(
    n_nodes: int, data: tuple[Data, Data], rng: np.random.Generator
) -> float:
    """R^2 of a random network on the same sequences; only its readout is fitted."""
    network, sides = echo_state(n_nodes, rng, scale=SCALES[0]), []
    for inputs, targets in data:
        features = network.states(inputs[..., 0])[:, WASHOUT:].reshape(-1, n_nodes)
        sides += [features, targets[:, WASHOUT:].reshape(-1, 1)]
    return float(fitted(*sides)[0])


def trained_on(
    rotation: str, task: str, seed: int, sizes: Sizes
) -> tuple[QLSTMConfig, QLSTMParams, tuple[Data, Data]]:
    """A cell's configuration and first parameters, and data to train and to test."""
    config = QLSTMConfig(
        rotation=rotation, memory="mixed", readout="affine", loss="all"
    )
    start = init_params(config, np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    inputs = [rng.uniform(-1, 1, (n, sizes.n_steps)) for n in (8, 64)]
    targets = [TASKS[task](x) for x in inputs]
    counts = targets[0][:, WASHOUT:]
    data = tuple(
        Data(x[..., None], (y - counts.mean()) / counts.std())
        for x, y in zip(inputs, targets, strict=True)
    )
    return config, start, data


# -- does power matter? ------------------------------------------------------------


def prices(rotation: str, task: str, seed: int, sizes: Sizes) -> list[Priced]:
    """Train a cell from one start at each price of power."""
    config, start, data = trained_on(rotation, task, seed, sizes)
    rng = np.random.default_rng([seed, 3])
    probe = rng.uniform(-1, 1, (max(sizes.length // 4, 100), 10, 1))
    found = []
    for price in sizes.prices:
        run = train(start, data[0], config, 2 * sizes.iterations, price)
        found.append(
            Priced(
                rotation,
                task,
                seed,
                price,
                run.strengths,
                memory_capacity(run.params, probe, config).total,
                np.sqrt(1 - accuracy(run.params, *data, config)),
            )
        )
    return found


# -- what do classical machines do? ------------------------------------------------


def reservoir_rows(name: str, seeds: Sequence[int], sizes: Sizes) -> list[Row]:
    """Every machine on a series; one row that says so if it is not there."""
    rows: dict[str, Row] = {}
    for seed in seeds:
        try:
            series, targets = draw_series(name, seed, sizes.length)
        except ImportError as error:
            return [Row(name, f"not measured: {error}", 0, [], [])]
        for machine, features in machines(series, seed).items():
            row = rows.setdefault(
                machine, Row(name, machine, features.shape[1], [], [])
            )
            _read_out(row, features, series, targets, sizes.n_lags)
    return list(rows.values())


def draw_series(name: str, seed: int, length: int) -> tuple[NDArray, NDArray]:
    """Inputs in about [-1, 1], and what to say at each step."""
    rng = np.random.default_rng([seed, 4])
    if name == "NARMA-10":
        inputs = rng.uniform(-1, 1, length)
        return inputs, narma(inputs, 10)
    ahead = HORIZONS[name]
    if name == "Mackey-Glass":
        values = mackey_glass(length + ahead + 300, rng.uniform(0.5, 1.5))[300:]
    else:
        values = santa_fe()[: length + ahead]
    low, high = values[: length // 2].min(), values[: length // 2].max()
    values = 2 * (values - low) / (high - low) - 1
    return values[:-ahead], values[ahead:]


def machines(series: NDArray, seed: int) -> dict[str, NDArray]:
    """Features at each step by the name of what made them."""
    rng = np.random.default_rng([seed, 5])
    found = {
        name: cell_states(series, QLSTMConfig(memory="mixed", **options), rng)
        for name, options in CELLS.items()
    }
    for n in sorted({features.shape[1] for features in found.values()}):
        for scale in SCALES:
            network = echo_state(n, rng, scale=scale)
            found[f"echo state, inputs x {scale:g}, {n} nodes"] = network.states(series)
    lags = past(series, 10, 9)
    found["line on the last 10 inputs"] = np.concatenate([np.zeros((9, 10)), lags])
    return found


def _read_out(
    row: Row, features: NDArray, series: NDArray, targets: NDArray, n_lags: int
) -> None:
    """NRMSE of a machine, and its capacity where inputs are independent."""
    skip = max(4 * n_lags, 10)
    features, targets = features[skip:], targets[skip:, None]
    row.nrmse.append(float(np.sqrt(1 - halves(features, targets)[0])))
    if row.series == "NARMA-10":
        r2 = halves(features, past(series, n_lags, skip))
        row.capacity.append(float(r2.sum()))
