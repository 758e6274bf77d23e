"""What the experiments that compare models share: options, runs, results.

A run is one model with one seed; the sweep engine does each once (docs/sweeps.md). On
the noisy sine a seed draws the series and the model. A CSV file has one series, and its
seeds draw the model alone.
"""

import argparse
from collections.abc import Container
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from qlstm.commands import (
    Parser,
    add_csv_options,
    add_sweep_options,
    csv_source,
    positive_int,
    run_configs,
    seed_int,
)
from qlstm.forecasting import (
    Dataset,
    Forecast,
    Protocol,
    check_copy,
    make_forecaster,
    quartiles,
    sha256_of_values,
)
from qlstm.sweeps import (
    PROTOCOLS,
    RunFolder,
    Together,
    complete_config,
    fit_forecasts,
    forecast_kind,
)


class Entry(NamedTuple):
    """A row of a comparison."""

    label: str
    kind: str
    model: dict[str, Any]
    """``name``, and the options that `make_forecaster` takes."""


class Setting(NamedTuple):
    """What is the same for all models of a comparison."""

    dataset: dict[str, Any]
    """As `complete_config` writes it out."""
    protocol: Protocol
    seeds: range
    epochs: int | None
    """Of all models that train; None for those of their budgets."""

    @classmethod
    def asked_for(cls, args: argparse.Namespace) -> Self:
        """What the options of `make_parser` ask for."""
        source = csv_source(args)
        name = "csv" if source else "sine"
        protocols = PROTOCOLS[name]
        if args.protocol not in protocols:
            raise ValueError(
                f"Option --protocol must be one of {', '.join(protocols)}, "
                f"but is {args.protocol!r}."
            )
        dataset = {"name": name, "protocol": args.protocol} | source
        whole = complete_config({"dataset": dataset, "model": {"name": "persistence"}})
        n_seeds = args.seeds or (2 if args.quick else 20)
        return cls(
            whole["dataset"],
            protocols[args.protocol],
            range(args.seed, args.seed + n_seeds),
            args.epochs or (2 if args.quick else None),
        )

    def budget(self, *, long: bool = False) -> dict[str, Any]:
        """Options of training: those of the protocol, or 300 epochs and a cosine."""
        own = self.protocol
        options = {"epochs": own.epochs, "learning_rate": own.learning_rate}
        options |= {"schedule": "constant", "batch_size": own.batch_size}
        if long:
            options |= {"epochs": 300, "learning_rate": 0.02, "schedule": "cosine"}
        return self.cut(options)

    def cut(self, options: dict[str, Any]) -> dict[str, Any]:
        """Options of training, with the epochs that were asked for."""
        return options | ({} if self.epochs is None else {"epochs": self.epochs})


def spread_of(values: list[float | None]) -> dict[str, float | None]:
    """Median and quartiles; None each if a skill is undefined."""
    if None in values:
        return dict.fromkeys(("median", "q1", "q3"))
    return quartiles(values)._asdict()


class Outcome(NamedTuple):
    """What came of all runs of a comparison."""

    setting: Setting
    entries: dict[str, Entry]
    """By label, those of which no run failed."""
    results: dict[str, list[dict[str, Any]]]
    """By label what `run_model` returns, in the order of the seeds."""
    failed: dict[str, str]
    """By label the error, if a run failed."""

    def columns(self, name: str) -> dict[str, list[Any]]:
        """One value a seed, by label."""
        results = self.results.items()
        return {label: [run[name] for run in runs] for label, runs in results}

    def spread(self, label: str, name: str) -> dict[str, float | None]:
        """Median and quartiles over the seeds; None if a skill is undefined."""
        return spread_of(self.columns(name)[label])

    def common(self, label: str) -> dict[str, Any]:
        """What the rows of every comparison hold of a model over all seeds."""
        return self.entries[label]._asdict() | {
            "n_params": self.results[label][0]["n_params"],
            "skill": self.spread(label, "skill"),
            "copies": float(np.mean(self.columns("is_copy")[label])),
            "seconds": self.spread(label, "seconds"),
        }


def make_parser(study: str, description: str | None) -> Parser:
    """Options that every comparison has."""
    parser = Parser(f"experiments.{study}", description)
    add = parser.add_argument
    add_csv_options(parser, "CSV file with dates and values; None: noisy sine")
    known = "; ".join(f"{name}: {' '.join(p)}" for name, p in PROTOCOLS.items())
    add("--protocol", default="strict", help=f"one of ({known})")
    add("--seeds", type=positive_int, help="number of seeds; None: 20, or 2 if --quick")
    add("--seed", type=seed_int, default=0, help="the first of them")
    add("--epochs", type=positive_int, help="epochs of all models that train")
    add("--quick", action="store_true", help="2 seeds and 2 epochs, to try it out")
    add_sweep_options(parser, Path("results") / study)
    return parser


def run_model(config: dict[str, Any]) -> dict[str, Any]:
    """Fit one model to one series and measure it: a run of the sweep.

    Args:
        config: ``dataset``, as `complete_config` writes it out; ``model``; ``seed``.

    Returns:
        ``train_mse``, ``test_mse``, ``skill`` against persistence (None if that has no
        error), ``n_params``,
        ``is_copy``, ``out_of_reach`` (training targets), ``seconds`` (training and
        prediction), ``test_predictions`` and ``series_sha256``.
    """
    return run_models([config])[0]


def run_models(configs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`run_model` for configurations that differ in the seed alone, trained at once."""
    return [_measure(*found) for found in fit_forecasts(configs)]


def _measure(dataset: Dataset, found: Forecast) -> dict[str, Any]:
    """The numbers of one run."""
    copy = check_copy(found.test_predictions, dataset.values, dataset.test.index)
    bounded = found.config is not None and found.config.readout == "expectation"
    beyond = np.abs(dataset.train.targets) > 1  # and <Z> is not
    return {
        "train_mse": found.train.mse,
        "test_mse": found.test.mse,
        "skill": found.to_dict()["skill"],
        "is_copy": copy.is_copy,
        "seconds": found.seconds,
        "test_predictions": found.test_predictions.tolist(),
        "series_sha256": sha256_of_values(dataset.values),
        "n_params": found.n_params,
        "out_of_reach": int(beyond.sum()) if bounded else 0,
    }


def do_runs(
    args: argparse.Namespace,
    setting: Setting,
    entries: list[Entry],
    needed: Container[str],
) -> Outcome:
    """Do the runs that are left, and give the results of all.

    Args:
        args: The parsed options.
        setting: What the options ask for.
        entries: The rows; two with the same model share their runs.
        needed: Labels without which there is nothing to compare.

    Returns:
        The `Outcome`.

    Raises:
        ValueError: If a run of a needed label failed.
    """
    for _, _, model in entries:  # an unknown option is an error now, not in workers
        make_forecaster(**model)
    configs = {
        label: [
            {"dataset": setting.dataset, "model": model, "seed": seed}
            for seed in setting.seeds
        ]
        for label, _, model in entries
    }
    in_turn = [c for group in zip(*configs.values(), strict=True) for c in group]
    run_configs(run_model, in_turn, args, Together(run_models, forecast_kind))
    outcome, files = Outcome(setting, {}, {}, {}), RunFolder(args.out)
    for entry in entries:
        label = entry.label
        records = [files.load(config) for config in configs[label]]
        errors = [record["error"] for record in records if "error" in record]
        if not errors:
            outcome.entries[label] = entry
            outcome.results[label] = [record["result"] for record in records]
        elif label not in needed:
            outcome.failed[label] = errors[0]
        else:
            raise ValueError(f"Nothing to compare with: {label} failed: {errors[0]}")
    return outcome
