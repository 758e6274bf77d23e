"""What the experiments that compare models share: options, runs, results.

A run is one model with one seed; the sweep engine does each once (docs/sweeps.md). On
the noisy sine a seed draws the series and the model. A CSV file has one series, and its
seeds draw the model alone.
"""

import argparse
import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from qlstm.commands import (
    Parser,
    add_sweep_options,
    positive_int,
    run_configs,
    seed_int,
)
from qlstm.forecasting import Dataset, check_copy, make_forecaster
from qlstm.forecasting.data import Protocol
from qlstm.forecasting.forecast import measure
from qlstm.forecasting.quantum import Quantum
from qlstm.readout import out_of_reach
from qlstm.sweeps.files import RunFolder, run_key
from qlstm.sweeps.forecasts import PROTOCOLS, complete_config, load_dataset

NOISE_FLOOR = {
    "gaussian": 0.1**2,
    "uniform": 0.1**2 / 3,
    "gaussian twice": 2 * 0.1**2,
}
"""Variance of the sine's noise: no forecast has a lower expected MSE."""


class Entry(NamedTuple):
    """A row of a comparison."""

    label: str
    kind: str
    model: dict[str, Any]
    """``name``, and the options that `make_forecaster` takes."""


def budget(protocol: Protocol, epochs: int | None, *, long: bool = False) -> dict:
    """Options of training: those of the protocol, or 300 epochs and a cosine."""
    own = {"epochs": protocol.epochs, "learning_rate": protocol.learning_rate}
    options = own | {"schedule": "constant"}
    if long:
        options = {"epochs": 300, "learning_rate": 0.02, "schedule": "cosine"}
    options["batch_size"] = protocol.batch_size
    return options | ({} if epochs is None else {"epochs": epochs})


def run_model(config: dict[str, Any]) -> dict[str, Any]:
    """Fit one model to one series and measure it: a run of the sweep.

    Args:
        config: ``dataset``, as `complete_config` writes it out; ``model``; ``seed``.

    Returns:
        ``train_mse``, ``test_mse``, ``skill`` against persistence, ``n_params``,
        ``is_copy``, ``out_of_reach`` (training targets), ``seconds`` (training and
        prediction), ``test_predictions`` and ``series_sha256``.
    """
    options = dict(config["model"])
    name, seed = options.pop("name"), config["seed"]
    dataset, rng = load_dataset(config["dataset"], seed), np.random.default_rng(seed)
    if name != "quantum":  # which spawns, as `experiments.sine` does
        rng = rng.spawn(1)[0]  # the seed itself has drawn the noise
    forecaster = make_forecaster(name, **options)
    train, held_out = dataset.train, dataset.validation
    start = time.perf_counter()
    fitted = forecaster.fit(
        train.inputs,
        train.targets,
        rng=rng,
        validation=held_out[:2] if len(held_out.targets) else None,
    )
    predictions = [fitted.predict(part.inputs) for part in (train, dataset.test)]
    seconds = time.perf_counter() - start
    beyond = 0
    if name == "quantum":  # the sweep keeps its warning in the run's file
        cell = cast(Quantum, forecaster).config
        beyond = out_of_reach(train.targets, train.inputs, cell)
    return _result(dataset, name, predictions, seconds) | {
        "n_params": int(fitted.n_params),
        "out_of_reach": beyond,
    }


def _result(dataset: Dataset, name: str, predictions: list, seconds: float) -> dict:
    """What is the same for every model."""
    fitted, predicted = predictions
    found = measure(name, dataset, fitted, predicted, seconds)
    copy = check_copy(found.test_predictions, dataset.values, dataset.test.index)
    return {
        "train_mse": found.train.mse,
        "test_mse": found.test.mse,
        "skill": found.skill,
        "is_copy": copy.is_copy,
        "seconds": seconds,
        "test_predictions": found.test_predictions.tolist(),
        "series_sha256": digest(dataset.values),
    }


def digest(values: np.ndarray) -> str:
    """The sha256 of a series."""
    return hashlib.sha256(np.asarray(values, "<f8").tobytes()).hexdigest()


def comparison_parser(module: str, description: str | None) -> Parser:
    """Options that every comparison has."""
    parser = Parser(f"experiments.{module}", description)
    add = parser.add_argument
    add("--csv", type=Path, help="CSV file with dates and values; None: noisy sine")
    add("--column", help="value column of the CSV file")
    add("--date-column", help="date column of the CSV file")
    known = "; ".join(f"{name}: {' '.join(p)}" for name, p in PROTOCOLS.items())
    add("--protocol", default="strict", help=f"one of ({known})")
    add("--seeds", type=positive_int, help="number of seeds; None: 20, or 2 if --quick")
    add("--seed", type=seed_int, default=0, help="the first of them")
    add("--epochs", type=positive_int, help="epochs of all models that train")
    add("--quick", action="store_true", help="2 seeds and 2 epochs, to try it out")
    add_sweep_options(parser, Path("results") / module)
    return parser


def settle(args: argparse.Namespace) -> tuple[dict[str, Any], Protocol]:
    """Fill in what `--quick` says, and find the dataset and its protocol.

    Args:
        args: The parsed options; `seeds` and `epochs` are set.

    Returns:
        The `dataset` of a configuration, and the protocol.
    """
    args.seeds = args.seeds or (2 if args.quick else 20)
    args.epochs = args.epochs or (2 if args.quick else None)
    source: dict[str, Any] = {"name": "sine"}
    if args.csv is not None:
        columns = {"column": args.column, "date_column": args.date_column}
        source = {"name": "csv", "path": str(args.csv)} | columns
    elif args.column or args.date_column:
        raise ValueError("Options --column and --date-column go with --csv.")
    protocols = PROTOCOLS[source["name"]]
    if args.protocol not in protocols:
        raise ValueError(
            f"Option --protocol must be one of {', '.join(protocols)}, "
            f"but is {args.protocol!r}."
        )
    whole = {"dataset": source | {"protocol": args.protocol}}
    whole = complete_config(whole | {"model": {"name": "persistence"}})
    return whole["dataset"], protocols[args.protocol]


def do_runs(
    args: argparse.Namespace,
    dataset: dict[str, Any],
    entries: list[Entry],
    needed: Iterable[str],
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Do the runs that are left, and give the results of all.

    Args:
        args: The parsed options.
        dataset: What `settle` found.
        entries: The rows; two with the same model share their runs.
        needed: Labels without which there is nothing to compare.

    Returns:
        For each label the results, in the order of the seeds; and the errors of the
        labels of which a run failed.
    """
    for _, _, model in entries:  # an unknown option is an error now, not in workers
        make_forecaster(**model)
    seeds = range(args.seed, args.seed + args.seeds)
    configs = {
        label: [{"dataset": dataset, "model": model, "seed": seed} for seed in seeds]
        for label, _, model in entries
    }
    in_turn = [c for group in zip(*configs.values(), strict=True) for c in group]
    run_configs(run_model, in_turn, args)
    results, failed = read_runs(args.out, configs)
    for label in needed:
        if label in failed:
            raise ValueError(
                f"Nothing to compare with: {label} failed: {failed[label]}"
            )
    return results, failed


def read_runs(
    folder: Path, configs: dict[str, list[dict]]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Results of the labels whose runs have all finished, errors of the others."""
    files = RunFolder(folder)
    results, failed = {}, {}
    for label, group in configs.items():
        keys = [run_key(config) for config in group]
        runs = [files.load_run(key) for key in keys]
        finished = [run["result"] for run in runs if run is not None]
        failures = [files.load_failure(key) for key in keys]
        errors = [failure["error"] for failure in failures if failure is not None]
        if len(finished) == len(keys):
            results[label] = finished
        else:
            failed[label] = errors[0]
    return results, failed
