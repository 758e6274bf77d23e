"""Run forecasts on a dataset: fit any forecaster, and measure it beside persistence."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.forecasting.base import Fitted, Forecaster
from qlstm.forecasting.baselines import Autoregression, Persistence
from qlstm.forecasting.data import Dataset
from qlstm.forecasting.metrics import (
    Errors,
    errors,
    known,
    persistence_errors,
    skill_between,
)
from qlstm.forecasting.quantum import FittedQuantum
from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.run_state import History, TrainState


class Forecast(NamedTuple):
    """One method's predictions on a dataset, and their errors."""

    name: str
    train: Errors
    """On the training windows, in original units."""
    test: Errors
    """On the test windows, in original units."""
    test_mse_scaled: float
    """Test MSE in the units the model sees."""
    skill: float
    """Test skill against persistence; nan if that has no error."""
    test_predictions: NDArray[np.float64]
    """``(n_test,)``, in original units."""
    seconds: float
    """Training and prediction."""
    n_params: int = 0
    """Trained numbers."""
    config: QLSTMConfig | None = None
    """This and the rest are those of a `Quantum` forecaster."""
    params: QLSTMParams | None = None
    history: History | None = None

    def to_dict(self) -> dict[str, Any]:
        """Every number, as JSON takes it."""
        content = {
            "name": self.name,
            "train": self.train._asdict(),
            "test": self.test._asdict(),
            "test_mse_scaled": self.test_mse_scaled,
            "skill": known(self.skill),
            "test_predictions": self.test_predictions.tolist(),
            "seconds": self.seconds,
        }
        if self.config is not None:
            content["config"] = asdict(self.config)
            content["params"] = {
                k: v.tolist() for k, v in self.params._asdict().items()
            }
            content["history"] = self.history
        return content


def forecast_baselines(dataset: Dataset) -> list[Forecast]:
    """Persistence and the autoregression on a whole window, on the same windows.

    Args:
        dataset: What `prepare` made.

    Returns:
        A list of two `Forecast` tuples.
    """
    autoregression = f"AR({dataset.protocol.n_steps})"
    return [
        forecast_with("persistence", Persistence(), dataset, seed=0),
        forecast_with(autoregression, Autoregression(), dataset, seed=0),
    ]


def forecast_with(
    name: str,
    forecaster: Forecaster,
    dataset: Dataset,
    *,
    seed: int | np.random.Generator,
    callback: Callable[[TrainState], bool | None] | None = None,
) -> Forecast:
    """Fit any forecaster to the training windows, and measure it.

    Args:
        name: The name to give it.
        forecaster: From `make_forecaster`.
        dataset: What `prepare` made; its validation windows are passed on.
        seed: Seed of all randomness, or its source. Quantum models of the same sizes
            and seed start from the same parameters.
        callback: Of a `Quantum` forecaster, see `qlstm.fit`.

    Returns:
        A `Forecast` in original units.

    Example:
        >>> from qlstm.forecasting import SINE_PROTOCOLS, Quantum, noisy_sine, prepare
        >>> protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
        >>> data = prepare(noisy_sine(protocol, rng), protocol, rng)
        >>> forecaster = Quantum(**vars(protocol.training)).clone(epochs=2)
        >>> len(forecast_with("quantum", forecaster, data, seed=0).history["loss"])
        2
    """
    options = {} if callback is None else {"callback": callback}
    start = time.perf_counter()
    fitted = forecaster.fit(
        dataset.train.inputs,
        dataset.train.targets,
        rng=np.random.default_rng(seed),
        validation=_held_out(dataset),
        **options,
    )
    return _measure(name, fitted, dataset, time.perf_counter() - start)


def forecast_many(
    name: str,
    forecaster: Forecaster,
    datasets: Sequence[Dataset],
    *,
    seeds: Sequence[int | np.random.Generator],
) -> list[Forecast]:
    """`forecast_with` on each of several series or seeds, trained at once.

    Args:
        name: The name to give them.
        forecaster: From `make_forecaster`.
        datasets: What `prepare` made, one for each seed.
        seeds: As in `forecast_with`.

    Returns:
        A `Forecast` for each, the same as from `forecast_with` alone but for its
        `seconds`: all share evenly the time that training together took.

    Example:
        >>> from qlstm.forecasting import SINE_PROTOCOLS, Quantum, noisy_sine, prepare
        >>> protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
        >>> data = prepare(noisy_sine(protocol, rng), protocol, rng)
        >>> forecaster = Quantum(**vars(protocol.training)).clone(epochs=2)
        >>> found = forecast_many("quantum", forecaster, [data] * 3, seeds=[0, 1, 2])
        >>> found[0].test == forecast_with("quantum", forecaster, data, seed=0).test
        True
    """
    start = time.perf_counter()
    fitted = forecaster.fit_many(
        [dataset.train.inputs for dataset in datasets],
        [dataset.train.targets for dataset in datasets],
        rngs=map(np.random.default_rng, seeds),
        validation=list(map(_held_out, datasets)),
    )
    seconds = (time.perf_counter() - start) / len(datasets)
    return [
        _measure(name, own, dataset, seconds)
        for own, dataset in zip(fitted, datasets, strict=True)
    ]


def _held_out(dataset: Dataset) -> tuple[NDArray, NDArray] | None:
    """The validation windows, if there are any."""
    return dataset.validation[:2] if len(dataset.validation.targets) else None


def _measure(name: str, fitted: Fitted, dataset: Dataset, seconds: float) -> Forecast:
    """Forecast the training and the test windows; `seconds` are those of fitting."""
    start = time.perf_counter()
    train, test, inverse = dataset.train, dataset.test, dataset.scaler.inverse
    in_training, predicted = fitted.predict(train.inputs), fitted.predict(test.inputs)
    seconds += time.perf_counter() - start
    test_errors = errors(inverse(predicted), inverse(test.targets))
    found = Forecast(
        name=name,
        train=errors(inverse(in_training), inverse(train.targets)),
        test=test_errors,
        test_mse_scaled=errors(predicted, test.targets).mse,
        skill=skill_between(test_errors, persistence_errors(dataset)),
        test_predictions=inverse(predicted),
        seconds=seconds,
        n_params=fitted.n_params,
    )
    if not isinstance(fitted, FittedQuantum):
        return found
    return found._replace(
        config=fitted.config, params=fitted.params, history=fitted.history
    )
