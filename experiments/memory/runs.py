"""What `experiments.memory` measures: ledgers, curves of the memory, training runs."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm import MEMORIES, QLSTMConfig, QLSTMParams, fit_many, init_params, predict
from qlstm.commands import epoch_progress
from qlstm.forecasting import SINE_PROTOCOLS, Dataset, errors, forecast_baselines
from qlstm.insight import (
    EntanglementMonitor,
    Trace,
    forgetting_curve,
    gradient_memory,
    holevo_information,
    memory_capacity,
    memory_channel,
    quantum_retention,
    stage_powers,
    trace,
)

PROTOCOL = SINE_PROTOCOLS["figure"]
TRAINED = ("collapse", "probabilities")
MODELS = (*TRAINED, "reset", *(f"{memory}, shuffled targets" for memory in TRAINED))
"""What is trained: the paper's rules, no memory, and nothing to learn."""
MONITORED = ("S_en", "S_out", "K_en", "K_dis", "K_step")
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


FULL = Sizes(seeds=10, epochs=150, draws=20, sequences=2000, n_steps=16)
QUICK = Sizes(seeds=3, epochs=2, draws=2, sequences=200, n_steps=6)


class Circuit(NamedTuple):
    """What the circuit itself does at initial parameters, ``(draws, ...)``."""

    rotation: str
    rate: NDArray
    retention: NDArray
    S_en: NDArray
    S_out: NDArray
    record_probability: NDArray


class Curves(NamedTuple):
    """Curves of one memory rule at initial parameters: arrays ``(draws, ...)``."""

    rotation: str
    memory: str
    forgetting: NDArray
    effective_length: NDArray
    capacity: NDArray
    information: NDArray
    gradient: NDArray


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
    """Test MSE if each test window but its last value is exchanged for another's."""
    gradient: list[float]
    """Mean ``|dy_T / dx_(T-k)|`` on the test windows."""


class Found(NamedTuple):
    """Everything that was measured."""

    baselines: dict[str, float]
    """Scaled test errors."""
    circuits: list[Circuit]
    curves: list[Curves]
    runs: list[Run]
    ledgers: dict[str, dict[str, Trace]]
    """The test windows' ledgers by rotation, before and after training."""


def by_model(runs: list[Run]) -> dict[tuple[str, str], list[Run]]:
    """The runs of each rotation and model, in the order of their seeds."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.rotation, run.model), []).append(run)
    return groups


def measure(
    rotations: tuple[str, ...], first_seed: int, sizes: Sizes, dataset: Dataset
) -> Found:
    """Curves at initial parameters, all training runs, and the ledgers of one."""
    baselines = {f.name: f.test_mse_scaled for f in forecast_baselines(dataset)}
    found = Found(baselines, [], [], [], {})
    seeds = [first_seed + k for k in range(sizes.seeds)]
    for rotation in rotations:
        config = QLSTMConfig(rotation=rotation)
        circuit, curves = measure_curves(config, sizes, first_seed)
        runs = train_models(config, seeds, dataset, sizes)
        before, after = initial_params(config, first_seed)[0], runs[0].params
        found.circuits.append(circuit)
        found.curves.extend(curves)
        found.runs.extend([*runs, *redrawn_runs(config, seeds, dataset)])
        found.ledgers[rotation] = {  # the first model's rule is that of the config
            "before training": trace(before, dataset.test.inputs, config),
            "after training": trace(after, dataset.test.inputs, config),
        }
    return found


def measure_curves(
    config: QLSTMConfig, sizes: Sizes, seed: int
) -> tuple[Circuit, list[Curves]]:
    """Every diagnostic of the memory: random inputs in [-1, 1], initial parameters."""
    circuit: list[tuple] = []
    curves: dict[str, list[tuple]] = {memory: [] for memory in MEMORIES}
    for draw in range(sizes.draws):
        rng = np.random.default_rng([seed, draw])
        params = init_params(config, rng)
        many = rng.uniform(-1, 1, (sizes.sequences, sizes.n_steps, 1))
        few = many[: sizes.sequences // 10]
        ledger = trace(params, few[:, :10], replace(config, memory="collapse"))
        channel = replace(config, memory="mixed")
        circuit.append(
            (
                memory_channel(params, few[:50, :1], channel).rate.mean(),
                quantum_retention(params, few[:50], channel).mean(axis=0),
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
    return Circuit(config.rotation, *_columns(circuit)), [
        Curves(config.rotation, memory, *_columns(rows))
        for memory, rows in curves.items()
    ]


def _columns(rows: list[tuple]) -> list[NDArray]:
    """Rows of numbers or arrays as an array for each column, ``(draws, ...)``."""
    return [np.array(column) for column in zip(*rows, strict=True)]


def initial_params(config: QLSTMConfig, seed: int) -> tuple[QLSTMParams, QLSTMParams]:
    """Initial parameters of a seed, and a draw that has nothing to do with them."""
    first, second = np.random.default_rng(seed).spawn(2)
    return init_params(config, first), init_params(config, second)


def train_models(
    config: QLSTMConfig, seeds: list[int], dataset: Dataset, sizes: Sizes
) -> list[Run]:
    """Train every model of `MODELS` from each seed's initial parameters, all at once.

    Without memory only the last step of a window matters, so only it runs.
    """
    starts = [initial_params(config, seed)[0] for seed in seeds]
    powers = [_powers(start, config) for start in starts]  # the same for all models
    runs = []
    for model in MODELS:
        config = replace(config, memory=model.split(",")[0])
        sources = [np.random.default_rng([seed, 1]).spawn(3) for seed in seeds]
        steps = slice(-1, None) if config.memory == "reset" else slice(None)
        inputs, targets = dataset.train.inputs[:, steps], dataset.train.targets
        if "shuffled" in model:
            targets = np.stack([own.permutation(targets) for _, own, _ in sources])
        progress = epoch_progress(f"{config.rotation} {model}"[:27], sizes.epochs)
        found = fit_many(
            starts,
            inputs,
            targets,
            config,
            epochs=sizes.epochs,
            rngs=[shuffle for shuffle, _, _ in sources],
            callback=lambda _, state, show=progress: show(state),
            monitor=EntanglementMonitor(inputs, config),
        )
        for k, (params, history) in enumerate(found):
            probe = sources[k][2].uniform(-1, 1, (1000, 10, 1))
            predictions = predict(params, dataset.test.inputs[:, steps], config)
            before = _quantities(starts[k], inputs, config, probe)
            after = _quantities(params, inputs, config, probe)
            run = Run(
                config.rotation,
                model,
                seeds[k],
                params,
                powers[k] | before,
                _powers(params, config) | after,
                {name: history[name] for name in ("loss", *MONITORED)},
                errors(predictions, dataset.test.targets).mse,
                swapped_mse(params, dataset, config),
                gradient_memory(params, dataset.test.inputs, config).norm.tolist(),
            )
            runs.append(run)
    return sorted(runs, key=lambda run: seeds.index(run.seed))


def redrawn_runs(config: QLSTMConfig, seeds: list[int], dataset: Dataset) -> list[Run]:
    """The untrained control: at the end stand parameters drawn anew, not trained."""
    inputs, test = dataset.train.inputs, dataset.test
    probe = np.random.default_rng(seeds).uniform(-1, 1, (1000, 10, 1))
    runs = []
    for seed in seeds:
        both = initial_params(config, seed)
        start, end = (
            _powers(p, config) | _quantities(p, inputs, config, probe) for p in both
        )
        mse = errors(predict(both[1], test.inputs, config), test.targets).mse
        swapped = swapped_mse(both[1], dataset, config)
        runs.append(
            Run(
                config.rotation,
                "drawn anew",
                seed,
                both[1],
                start,
                end,
                {},
                mse,
                swapped,
                [],
            )
        )
    return runs


def swapped_mse(params: QLSTMParams, dataset: Dataset, config: QLSTMConfig) -> float:
    """Mean test MSE with the history of every other test window."""
    inputs, targets = dataset.test.inputs, dataset.test.targets
    found = []
    for shift in range(1, len(inputs)):
        swapped = np.roll(inputs, shift, axis=0)
        swapped[:, -1] = inputs[:, -1]
        found.append(errors(predict(params, swapped, config), targets).mse)
    return float(np.mean(found))


def _quantities(
    params: QLSTMParams, inputs: NDArray, config: QLSTMConfig, probe: NDArray
) -> dict[str, float]:
    """Entanglement in a step, and the memory's capacity on a probe of random inputs."""
    (found,) = EntanglementMonitor(inputs, config)([params])
    forgotten = found["S_en"] - found["S_out"]
    capacity = memory_capacity(params, probe, config).total
    return found | {"forgotten": forgotten, "MC": capacity}


def _powers(params: QLSTMParams, config: QLSTMConfig) -> dict[str, float]:
    """`POWERS` at some parameters."""
    return stage_powers(params, config, n_starts=2, rng=np.random.default_rng(0))
