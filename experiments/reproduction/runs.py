"""Which models are run under a protocol, and what is measured of each run."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import spearmanr

from qlstm import PAPER_MEMORIES, ROTATIONS
from qlstm.forecasting import (
    Dataset,
    check_copy,
    errors,
    persistence,
    quartiles,
    skill_between,
)
from qlstm.sweeps import RunFolder, complete_config, load_dataset

MODELS: dict[str, dict[str, str]] = {
    **{
        f"{gate} {memory}": {"name": "quantum", "rotation": gate, "memory": memory}
        for gate in ROTATIONS
        for memory in PAPER_MEMORIES
    },
    "persistence": {},
    "AR(10)": {"name": "ar"},
}
"""By name. Persistence needs no runs."""
SPIKE = 1.2
"""A spike is an epoch whose loss is at least this many times that of the one before."""
SETTLED = 20
"""First epochs, in which losses and switches fall together for reasons of their own."""

Run = dict[str, float]


class Reading(NamedTuple):
    """One protocol, and every run under it."""

    name: str
    """``sine`` or ``csv``, and the protocol's name."""
    dataset: Dataset
    """Of the first seed."""
    beyond: float
    """Median share of all targets that lie outside [-1, 1]."""
    runs: dict[str, list[Run]]
    """By model, one for each seed in order."""


def make_configs(
    dataset: dict[str, Any], seeds: range, epochs: int | None
) -> dict[str, list[dict]]:
    """The runs of one protocol, by the name of the model."""
    configs = {}
    for name, model in MODELS.items():
        if model:
            whole = complete_config({"dataset": dataset, "model": model}, epochs)
            configs[name] = [whole | {"seed": seed} for seed in seeds]
    return configs


def make_reading(configs: dict[str, list[dict]], files: RunFolder) -> Reading:
    """Read the runs of one protocol and measure what the sweep did not."""
    runs: dict[str, list[Run]] = {name: [] for name in MODELS}
    datasets, beyond = [], []
    for of_seed in zip(*configs.values(), strict=True):
        where, seed = of_seed[0]["dataset"], of_seed[0]["seed"]
        dataset = load_dataset(where, seed)
        datasets.append(dataset)
        parts = dataset.train, dataset.validation, dataset.test
        targets = np.concatenate([part.targets for part in parts])
        beyond.append(np.mean(np.abs(targets) > 1))
        last = dataset.scaler.inverse(persistence(dataset.test.inputs))
        results = {"persistence": {"test_predictions": last, "history": {}}}
        for name, config in zip(configs, of_seed, strict=True):
            results[name] = files.load(config)["result"]
        for name, result in results.items():
            runs[name].append({"seed": seed} | measure(dataset, result))
    name = f"{where['name']} {where['protocol']}"
    return Reading(name, datasets[0], float(np.median(beyond)), runs)


def measure(dataset: Dataset, result: dict[str, Any]) -> Run:
    """The numbers of one run, losses and errors in the units that the model sees.

    Args:
        dataset: The run's windows.
        result: ``test_predictions``, and the ``history`` of a quantum model.

    Returns:
        ``mse``, ``skill``, ``copy`` (0 or 1), ``half_missed`` (the true skill at which
        the copy detector misses half), ``r_before`` and ``r_target``
        (correlation of the predictions with the value before and with the one they
        predict); of a quantum model also ``first_loss``, ``last_loss`` and ``spikes``,
        and if it counts switches, ``switches`` and ``switches_at_spikes``, means over
        epochs, and ``switch_correlation``, Spearman's of the switches in an epoch with
        the size of the loss's relative change.
    """
    test, predictions = dataset.test, np.asarray(result["test_predictions"])
    check = check_copy(predictions, dataset.values, test.index)
    own = errors(dataset.scaler.transform(predictions), test.targets)
    naive = errors(persistence(test.inputs), test.targets)
    run = {
        "mse": own.mse,
        "skill": skill_between(own, naive),
        "copy": int(check.is_copy),
        "half_missed": check.half_missed,
        "r_before": float(check.correlation[1]),
        "r_target": float(check.correlation[0]),
    }
    known = {name: value for name, value in run.items() if not np.isnan(value)}
    return known | _measure_history(result["history"])


def _measure_history(history: dict[str, list[float]]) -> Run:
    """Losses, spikes and branch switches of a training run."""
    if not history:
        return {}
    loss = np.array(history["loss"])
    spiked = loss[1:] >= SPIKE * loss[:-1]
    run = {"first_loss": loss[0], "last_loss": loss[-1], "spikes": spiked.sum()}
    if "branch_switches" in history:
        switches = np.array(history["branch_switches"])[1:]  # the first has no before
        run["switches"] = switches.mean() if len(switches) else 0
        if spiked.any():
            run["switches_at_spikes"] = switches[spiked].mean()
        moves, late = np.abs(np.diff(np.log(loss)))[SETTLED:], switches[SETTLED:]
        if len(late) > 1 and np.ptp(late) > 0:
            run["switch_correlation"] = spearmanr(moves, late).statistic
    return {name: float(value) for name, value in run.items()}


def summarize(runs: list[Run]) -> dict[str, Any]:
    """Quartiles of every number over the runs that have it, and the counts."""
    names = dict.fromkeys(n for run in runs for n in run if n not in ("seed", "copy"))
    summary: dict[str, Any] = {}
    for name in names:
        cuts = quartiles([run[name] for run in runs if name in run])
        summary[name] = dict(zip(("median", "q25", "q75"), cuts, strict=True))
    return summary | {
        "n": len(runs),
        "n_better": sum(run.get("skill", 0) > 0 for run in runs),
        "n_copies": sum(run["copy"] for run in runs),
    }
