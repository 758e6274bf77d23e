"""What `experiments.memory` measures: ledgers, curves of the memory, training runs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm import QLSTMConfig, QLSTMParams, fit, init_params, predict
from qlstm.cell import circuit_angles, stage_matrices
from qlstm.forecasting import Dataset, errors
from qlstm.insight import (
    Trace,
    forgetting_curve,
    gradient_memory,
    holevo_information,
    memory_capacity,
    memory_channel,
    quantum_retention,
    trace,
)
from qlstm.insight.trace import entanglement_means
from qlstm.params import MEMORIES
from qsim.entanglement import disentangling_power, entangling_power, schmidt_strength

TRAINED = ("collapse", "probabilities")
MODELS = (*TRAINED, "reset", *(f"{memory}, shuffled targets" for memory in TRAINED))
"""What is trained: the paper's rules, no memory, and nothing to learn."""
MONITORED = ("S_en", "S_out", "K_en", "K_dis")
POWERS = ("E_up_en", "E_down_en", "E_up_dis", "E_down_dis")
QUANTITIES = (*MONITORED, "forgotten", *POWERS)


class Sizes(NamedTuple):
    """How much is computed."""

    seeds: int
    epochs: int
    draws: int
    """Draws of the parameters for the curves."""
    sequences: int
    """Random sequences for Holevo information and capacity; a tenth for the rest."""
    n_steps: int
    """Steps of the random sequences, and so lags of the curves."""


class Curves(NamedTuple):
    """Curves of one memory rule at initial parameters: arrays ``(draws, ...)``."""

    rotation: str
    memory: str
    forgetting: NDArray
    effective_length: NDArray
    capacity: NDArray
    information: NDArray
    gradient: NDArray


class Circuit(NamedTuple):
    """What the circuit itself does at initial parameters, ``(draws, ...)``."""

    rotation: str
    rate: NDArray
    retention: NDArray
    S_en: NDArray
    S_out: NDArray
    record_probability: NDArray


class Run(NamedTuple):
    """One model from its initial parameters to the end of its training."""

    rotation: str
    model: str
    seed: int
    params: QLSTMParams
    start: dict[str, float]
    """`QUANTITIES` and the capacity at the initial parameters."""
    end: dict[str, float]
    """The same after the last epoch."""
    history: dict[str, list[float]]
    """The loss and `MONITORED`, an entry each epoch."""
    test_mse: float
    swapped_mse: float
    """Test MSE if each test window but its last value is exchanged for another one's."""
    gradient: list[float]
    """Mean ``|dy_T / dx_(T-k)|`` on the test windows."""


def ledgers(run: Run, dataset: Dataset, config: QLSTMConfig) -> dict[str, Trace]:
    """The test windows' ledgers before and after training."""
    start = initial_params(config, run.seed)[0]
    inputs = dataset.test.inputs
    return {
        "before training": trace(start, inputs, config),
        "after training": trace(run.params, inputs, config),
    }


def measure_curves(
    rotation: str, sizes: Sizes, seed: int
) -> tuple[Circuit, list[Curves]]:
    """Every diagnostic of the memory on random inputs in [-1, 1], initial parameters."""
    config = QLSTMConfig(rotation=rotation, memory="mixed")
    circuit: list[tuple] = []
    curves: dict[str, list[tuple]] = {memory: [] for memory in MEMORIES}
    for draw in range(sizes.draws):
        rng = np.random.default_rng([seed, draw])
        params = init_params(config, rng)
        shape = (sizes.sequences, sizes.n_steps, 1)
        many = rng.uniform(-1, 1, shape)
        few = many[: sizes.sequences // 10]
        ledger = trace(params, few[:, :10], replace(config, memory="collapse"))
        circuit.append(
            (
                memory_channel(params, few[:50, :1], config).rate.mean(),
                quantum_retention(params, few[:50], config).mean(axis=0),
                ledger.S_en.mean(),
                ledger.S_out.mean(),
                np.median(ledger.record_probability[:, -1]),
            )
        )
        for memory, rows in curves.items():
            rule = replace(config, memory=memory)
            forgotten = forgetting_curve(params, few, rule, rng=rng)
            rows.append(
                (
                    forgotten.distance,
                    forgotten.effective_length,
                    memory_capacity(params, many, rule, rng=rng).r2[:, 0],
                    holevo_information(params, many, rule, rng=rng).information,
                    gradient_memory(params, few, rule, rng=rng).norm,
                )
            )
    arrays = {
        memory: [np.array(column) for column in zip(*rows, strict=True)]
        for memory, rows in curves.items()
    }
    found = Circuit(rotation, *(np.array(c) for c in zip(*circuit, strict=True)))
    return found, [Curves(rotation, memory, *a) for memory, a in arrays.items()]


def initial_params(config: QLSTMConfig, seed: int) -> tuple[QLSTMParams, QLSTMParams]:
    """Initial parameters of a seed, and another draw that has nothing to do with them."""
    first, second = np.random.default_rng(seed).spawn(2)
    return init_params(config, first), init_params(config, second)


def train_models(
    rotation: str,
    seed: int,
    dataset: Dataset,
    epochs: int,
    progress: Callable[[str], Any],
) -> list[Run]:
    """Train every model of `MODELS` from the same initial parameters."""
    runs = []
    start, _ = initial_params(QLSTMConfig(rotation=rotation), seed)
    powers = _powers(start, QLSTMConfig(rotation=rotation))
    for model in MODELS:
        config = QLSTMConfig(rotation=rotation, memory=model.split(",")[0])
        bar = progress(f"{rotation} {model}")
        runs.append(_train(model, config, seed, (start, powers), dataset, epochs, bar))
    return runs


def _train(
    model: str,
    config: QLSTMConfig,
    seed: int,
    initial: tuple[QLSTMParams, dict[str, float]],
    dataset: Dataset,
    epochs: int,
    callback: Callable,
) -> Run:
    """One run from initial parameters, whose powers all models of a seed share.

    Without memory only the last step of a window matters, so only it runs.
    """
    start, powers = initial
    shuffle_rng, target_rng, probe_rng = np.random.default_rng([seed, 1]).spawn(3)
    steps = slice(-1, None) if config.memory == "reset" else slice(None)
    inputs, targets = dataset.train.inputs[:, steps], dataset.train.targets
    test_inputs, test = dataset.test.inputs[:, steps], dataset.test.targets
    if "shuffled" in model:
        targets = target_rng.permutation(targets)
    params, history = fit(
        start,
        inputs,
        targets,
        config,
        epochs=epochs,
        rng=shuffle_rng,
        callback=callback,
        monitor="entanglement",
    )
    probe = probe_rng.uniform(-1, 1, (1000, 10, 1))
    return Run(
        config.rotation,
        model,
        seed,
        params,
        powers | _quantities(start, inputs, config, probe),
        _powers(params, config) | _quantities(params, inputs, config, probe),
        {name: history[name] for name in ("loss", *MONITORED)},
        errors(predict(params, test_inputs, config), test).mse,
        _swapped_mse(params, dataset, config),
        gradient_memory(params, dataset.test.inputs, config).norm.tolist(),
    )


def _swapped_mse(params: QLSTMParams, dataset: Dataset, config: QLSTMConfig) -> float:
    """Mean test MSE with the history of every other test window."""
    inputs, targets = dataset.test.inputs, dataset.test.targets
    found = []
    for shift in range(1, len(inputs)):
        swapped = np.roll(inputs, shift, axis=0)
        swapped[:, -1] = inputs[:, -1]
        found.append(errors(predict(params, swapped, config), targets).mse)
    return float(np.mean(found))


def redrawn_runs(rotation: str, seeds: list[int], dataset: Dataset) -> list[Run]:
    """The untrained control: at the end stand parameters drawn anew, not trained."""
    config = QLSTMConfig(rotation=rotation)
    inputs, test = dataset.train.inputs, dataset.test
    probe = np.random.default_rng(seeds).uniform(-1, 1, (1000, 10, 1))
    runs = []
    for seed in seeds:
        first, second = initial_params(config, seed)
        mse = errors(predict(second, test.inputs, config), test.targets).mse
        swapped = _swapped_mse(second, dataset, config)
        ends = [
            _powers(p, config) | _quantities(p, inputs, config, probe)
            for p in (first, second)
        ]
        runs.append(
            Run(rotation, "drawn anew", seed, second, *ends, {}, mse, swapped, [])
        )
    return runs


def _quantities(
    params: QLSTMParams, inputs: NDArray, config: QLSTMConfig, probe: NDArray
) -> dict[str, float]:
    """Entanglement in a step, and the memory's capacity on a probe of random inputs."""
    found = entanglement_means(params, inputs, config)
    found["forgotten"] = found["S_en"] - found["S_out"]
    found["MC"] = memory_capacity(params, probe, config).total
    return found


def _powers(params: QLSTMParams, config: QLSTMConfig) -> dict[str, float]:
    """Entangling and disentangling power of U_en and of U_dis, in ebits."""
    stages = stage_matrices(circuit_angles(params, config), config)
    return {
        f"{direction}_{name}": _power(unitary, config, search)
        for name, unitary in zip(("en", "dis"), stages, strict=True)
        for direction, search in (
            ("E_up", entangling_power),
            ("E_down", disentangling_power),
        )
    }


def _power(unitary: NDArray, config: QLSTMConfig, search: Callable) -> float:
    """A power in ebits; where K already reaches the largest, it is that, and no search."""
    dims = (config.system_dim, config.ancilla_dim)
    largest = 2.0 * min(config.n_system, config.n_ancilla)
    if schmidt_strength(unitary, dims) > largest - 1e-9:
        return largest
    return search(unitary, dims, n_starts=2, rng=np.random.default_rng(0)).value
