"""A run of a forecasting sweep: one model on one series, from one configuration.

    {"dataset": {"name": "sine", "protocol": "figure"},
     "model": {"name": "quantum", "rotation": "RX", "memory": "collapse", ...},
     "seed": 0}

The seed makes the series and the model alike, as in ``experiments.sine --seed``: runs
with the same seed and the same dataset see the same series, whatever their model.
"""

import warnings
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from qlstm.checks import check_choice
from qlstm.files import canonical_json, sha256_of_file
from qlstm.forecasting.data import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Dataset,
    Protocol,
    noisy_sine,
    prepare,
)
from qlstm.forecasting.forecast import Forecast, forecast_many
from qlstm.forecasting.forecasters import forecaster_options, make_forecaster
from qlstm.forecasting.metrics import known, persistence_errors
from qlstm.forecasting.sources import Series, load_csv, sha256_of_values
from qlstm.forecasting.sources.csv_file import CSV_OPTIONS
from qlstm.params import QLSTMConfig, models_at_once
from qlstm.sweeps.attempt import Config, Together

PROTOCOLS = {"sine": SINE_PROTOCOLS, "csv": WEATHER_PROTOCOLS}
"""The protocols of each dataset, by name; the first is the default."""

_FILE_OPTIONS = ("column", "date_column", *CSV_OPTIONS)

AT_ONCE = 50
"""Most runs in one call: all are lost together if the sweep is stopped meanwhile."""


def complete_config(config: Config, epochs: int | None = None) -> Config:
    """Check a configuration and write out its defaults, which makes its key unique.

    Args:
        config: `dataset` and `model`; `seed` may be left for later.
        epochs: Epochs for a model that trains and does not say; None for those of the
            dataset's protocol.

    Returns:
        The whole configuration. A CSV file has its absolute path and its sha256.

    Raises:
        FileNotFoundError: If there is no such CSV file.
        TypeError: If an option is of another type, or the model does not know it.
        ValueError: If a part is missing, unknown or makes no sense, or the CSV file
            cannot be read.

    Example:
        >>> config = complete_config({
        ...     "dataset": {"name": "sine", "protocol": "strict"},
        ...     "model": {"name": "quantum", "rotation": "RY"},
        ...     "seed": 0,
        ... })
        >>> config["model"]["memory"], config["model"]["epochs"]
        ('collapse', 150)
    """
    _check_parts(config)
    dataset = _complete_dataset(config["dataset"])
    default = epochs or _protocol(dataset).epochs
    model = _complete_model(config["model"], default)
    return config | {"dataset": dataset, "model": model}


def run_forecast(config: Config) -> Config:
    """Fit one model to one series and measure its forecasts: a run of a sweep.

    Args:
        config: What `complete_config` made.

    Returns:
        ``train`` and ``test`` (each ``mse``, ``rmse``, ``mae``, in original units),
        ``test_mse_scaled``, ``persistence`` (the same errors on the test windows),
        ``skill`` (null if persistence has no error), ``n_params``, ``series_sha256``,
        ``test_predictions``, and the ``history`` of a quantum model without its times.

    Raises:
        ValueError: As `fit_forecasts`.
    """
    return run_forecasts([config])[0]


def run_forecasts(configs: list[Config]) -> list[Config]:
    """`run_forecast` for configurations that differ in the seed alone, trained at once.

    Args:
        configs: What `complete_config` made.

    Returns:
        The result of each.

    Raises:
        ValueError: As `fit_forecasts`.
    """
    results = []
    for dataset, forecast in fit_forecasts(configs):
        history = dict(forecast.history or {})
        history.pop("seconds", None)
        result = {
            "train": forecast.train._asdict(),
            "test": forecast.test._asdict(),
            "test_mse_scaled": forecast.test_mse_scaled,
            "persistence": persistence_errors(dataset)._asdict(),
            "skill": known(forecast.skill),
            "series_sha256": sha256_of_values(dataset.values),
            "test_predictions": forecast.test_predictions.tolist(),
            "n_params": int(forecast.n_params),
            "history": history,
        }
        results.append(result)
    return results


def fit_forecasts(configs: list[Config]) -> list[tuple[Dataset, Forecast]]:
    """Fit a model to the series of each seed, all at once.

    Args:
        configs: What `complete_config` made; they differ in the seed alone. Their
            dataset's protocol trains a quantum model, but for the options that the
            model gives.

    Returns:
        The `Dataset` and the `Forecast` of each.

    Raises:
        ValueError: If the CSV file is not the one of the configuration, or the model
            cannot be fitted.
    """
    options, seeds = dict(configs[0]["model"]), [config["seed"] for config in configs]
    name, rngs = options.pop("name"), list(map(np.random.default_rng, seeds))
    datasets = [load_dataset(configs[0]["dataset"], seed) for seed in seeds]
    if name == "quantum":  # which spawns, as `experiments.sine` does
        options = vars(datasets[0].protocol.training) | options
    else:
        rngs = [rng.spawn(1)[0] for rng in rngs]  # the seed itself has drawn the noise
    forecaster = make_forecaster(name, **options)
    found = forecast_many(name, forecaster, datasets, seeds=rngs)
    return list(zip(datasets, found, strict=True))


def try_forecasts(configs: Iterable[Config]) -> None:
    """Say now what every worker would say: fit each model once, for a moment.

    A model that trains takes one minibatch, any other all windows; then it forecasts.

    Args:
        configs: What `complete_config` made. Those that differ in the seed alone are
            tried once.

    Raises:
        ValueError: If a model cannot be fitted to the windows or cannot forecast them;
            names the model.
    """
    tried = set()
    for config in configs:
        kind, _ = forecast_kind(config)
        if kind in tried:
            continue
        tried.add(kind)
        try:
            _try_forecast(config)
        except (TypeError, ValueError, MemoryError) as error:
            model = canonical_json(config["model"])
            raise type(error)(f"{error} This is model {model}.") from None


def _try_forecast(config: Config) -> None:
    """Fit and forecast as little as shows whether that is possible."""
    options = dict(config["model"])
    dataset, rng = (
        load_dataset(config["dataset"], config["seed"]),
        np.random.default_rng,
    )
    train, test, held_out = dataset.train, dataset.test, dataset.validation
    forecaster, n = make_forecaster(options.pop("name"), **options), len(train.inputs)
    if "epochs" in forecaster.options():
        n = min(n, getattr(forecaster, "batch_size", n))
        forecaster = forecaster.clone(epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the runs themselves will say it
        fitted = forecaster.fit(
            train.inputs[:n],
            train.targets[:n],
            rng=rng(config["seed"]),
            validation=held_out[:2] if len(held_out.targets) else None,
        )
        forecasts = fitted.predict(test.inputs)
    if forecasts.shape != test.targets.shape:
        raise ValueError(
            f"Forecasts must have the shape of the targets, {test.targets.shape}, but "
            f"have {forecasts.shape}."
        )


def forecast_kind(config: Config) -> tuple[str, int]:
    """What `run_forecasts` can do at once: runs of one model that differ in the seed.

    Args:
        config: What `complete_config` made.

    Returns:
        The configuration without its seed, and how many such runs pay at most.
    """
    model, protocol = config["model"], _protocol(config["dataset"])
    at_most = AT_ONCE if "epochs" in forecaster_options(model["name"]) else 1
    if model["name"] == "quantum":
        names = {field.name for field in fields(QLSTMConfig)} & set(model)
        cell = QLSTMConfig(**{name: model[name] for name in names})
        batch = model.get("batch_size", protocol.training.batch_size)
        at_most = min(AT_ONCE, models_at_once(cell, batch, protocol.n_steps))
    return canonical_json(config | {"seed": 0}), at_most


TOGETHER = Together(run_forecasts, forecast_kind)
"""How `run_sweep` does several of these runs at once."""


def load_dataset(config: Config, seed: int) -> Dataset:
    """The windows of a run.

    Args:
        config: The `dataset` of a configuration.
        seed: The run's seed; it draws the noise and a random split.

    Returns:
        The `Dataset`, that of ``experiments.sine --seed`` for a sine.

    Raises:
        ValueError: If the CSV file is not the one of the configuration.
    """
    protocol, rng = _protocol(config), np.random.default_rng(seed)
    if config["name"] == "sine":
        return prepare(noisy_sine(protocol, rng), protocol, rng)
    found = sha256_of_file(config["path"])
    if found != config["sha256"]:
        raise ValueError(
            f"File {config['path']} must be the one that the sweep began with (sha256 "
            f"{config['sha256'][:12]}...), but it has changed ({found[:12]}...)."
        )
    return prepare(_read_csv(config).values, protocol, rng)


def _read_csv(config: Config) -> Series:
    """The series of a CSV dataset."""
    options = {name: config[name] for name in _FILE_OPTIONS if name in config}
    return load_csv(config["path"], **options)


def _check_parts(config: Config) -> None:
    """Say what is missing, too much or of another type."""
    if not isinstance(config, dict):
        raise TypeError(f"A configuration must be a dict, but is {config!r}.")
    if not {"dataset", "model"} <= set(config) <= {"dataset", "model", "seed"}:
        raise ValueError(
            "A configuration must have dataset, model and seed, but has "
            f"{', '.join(config) or 'nothing'}."
        )
    for name in ("dataset", "model"):
        if not isinstance(config[name], dict):
            raise TypeError(
                f"A configuration's {name} must be a dict, but is {config[name]!r}."
            )
    seed = config.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"A seed must be a non-negative integer, but is {seed!r}.")


def _complete_dataset(config: Config) -> Config:
    """A dataset with its defaults; a CSV file is read to see that it can be."""
    check_choice("dataset.name", config.get("name"), tuple(PROTOCOLS))
    config = {"protocol": next(iter(PROTOCOLS[config["name"]]))} | config
    options = ("path", "sha256", *_FILE_OPTIONS)
    known = ("name", "protocol", *(options if config["name"] == "csv" else ()))
    for option in config:
        check_choice("option of a dataset", option, known)
    protocol = _protocol(config)
    if config["name"] == "csv":
        if "path" not in config:
            raise ValueError("A csv dataset must have a path, but has none.")
        path = Path(config["path"]).absolute()
        config = {"column": None, "date_column": None} | config | {"path": str(path)}
        for name in CSV_OPTIONS:  # those that are not set stay out of the key
            if config.get(name) in (None, []):
                config.pop(name, None)
        prepare(_read_csv(config).values, protocol, np.random.default_rng(0))
        config = {"sha256": sha256_of_file(path)} | config
    return config


def _protocol(dataset: Config) -> Protocol:
    """The protocol of a dataset's configuration."""
    known = PROTOCOLS[dataset["name"]]
    check_choice("dataset.protocol", dataset["protocol"], tuple(known))
    return known[dataset["protocol"]]


def _complete_model(config: Config, epochs: int) -> Config:
    """A model with its defaults; `epochs` are those of a model that does not say."""
    options = dict(config)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise TypeError(f"A model's name must be a string, but is {name!r}.")
    trains = {"epochs": epochs} if "epochs" in forecaster_options(name) else {}
    options = trains | options
    forecaster = make_forecaster(name, **options)  # says what it does not know
    if name == "quantum":
        cell = forecaster.config
        if (cell.n_features, cell.loss) != (1, "last"):
            raise ValueError(
                "A quantum model must have n_features 1 and the loss `last`, but has "
                f"{cell.n_features} and `{cell.loss}`."
            )
        options = asdict(cell) | options
    return {"name": name} | options
