"""Run forecasts on a dataset: train a model, or ask a baseline, and measure both."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.forecasting.baselines import Autoregression, Persistence
from qlstm.forecasting.data import Dataset
from qlstm.forecasting.forecasters import Forecaster
from qlstm.forecasting.metrics import Errors, errors, persistence_errors, skill
from qlstm.model import predict
from qlstm.params import QLSTMConfig, QLSTMParams, init_params
from qlstm.train import History, TrainState, fit


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
    """Test skill against persistence."""
    test_predictions: NDArray[np.float64]
    """``(n_test,)``, in original units."""
    seconds: float
    """Training and prediction."""
    config: QLSTMConfig | None = None
    params: QLSTMParams | None = None
    history: History | None = None

    def to_dict(self) -> dict[str, Any]:
        """Every number, as JSON takes it."""
        content = {
            "name": self.name,
            "train": self.train._asdict(),
            "test": self.test._asdict(),
            "test_mse_scaled": self.test_mse_scaled,
            "skill": self.skill,
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


def forecast_model(
    dataset: Dataset,
    config: QLSTMConfig,
    *,
    seed: int,
    epochs: int | None = None,
    callback: Callable[[TrainState], bool | None] | None = None,
) -> Forecast:
    """Train a quantum LSTM as the dataset's protocol says, and predict its test part.

    Args:
        dataset: What `prepare` made.
        config: The model's configuration.
        seed: Seed of initial parameters, shuffles and draws. Configurations of the
            same sizes start from the same parameters.
        epochs: Epochs, if not the protocol's.
        callback: See `fit`.

    Returns:
        A `Forecast`, with the parameters after the last epoch.
    """
    start = time.perf_counter()
    init_rng, shuffle_rng, draw_rng = np.random.default_rng(seed).spawn(3)
    protocol, train = dataset.protocol, dataset.train
    has_validation = len(dataset.validation.targets) > 0
    params, history = fit(
        init_params(config, init_rng),
        train.inputs,
        train.targets,
        config,
        epochs=protocol.epochs if epochs is None else epochs,
        batch_size=protocol.batch_size,
        learning_rate=protocol.learning_rate,
        rng=shuffle_rng,
        validation=dataset.validation[:2] if has_validation else None,
        callback=callback,
    )
    fitted = predict(params, train.inputs, config, rng=draw_rng)
    predicted = predict(params, dataset.test.inputs, config, rng=draw_rng)
    seconds = time.perf_counter() - start
    return measure(
        f"{config.rotation} {config.memory}", dataset, fitted, predicted, seconds
    )._replace(config=config, params=params, history=history)


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
    name: str, forecaster: Forecaster, dataset: Dataset, *, seed: int
) -> Forecast:
    """Fit any forecaster to the training windows, and measure it.

    Args:
        name: The name to give it.
        forecaster: From `make_forecaster`.
        dataset: What `prepare` made; its validation windows are passed on.
        seed: Seed of all randomness.

    Returns:
        A `Forecast`, without parameters and history.
    """
    start = time.perf_counter()
    train, has_validation = dataset.train, len(dataset.validation.targets) > 0
    fitted = forecaster.fit(
        train.inputs,
        train.targets,
        rng=np.random.default_rng(seed),
        validation=dataset.validation[:2] if has_validation else None,
    )
    predictions = fitted.predict(train.inputs), fitted.predict(dataset.test.inputs)
    return measure(name, dataset, *predictions, time.perf_counter() - start)


def measure(
    name: str, dataset: Dataset, fitted: NDArray, predicted: NDArray, seconds: float
) -> Forecast:
    """Errors of scaled predictions on the training and the test windows.

    Args:
        name: The method's name.
        dataset: The windows it was given.
        fitted: Its scaled predictions on the training windows.
        predicted: Its scaled predictions on the test windows.
        seconds: The time it took.

    Returns:
        A `Forecast` in original units.
    """
    inverse, test = dataset.scaler.inverse, dataset.test
    test_errors = errors(inverse(predicted), inverse(test.targets))
    return Forecast(
        name=name,
        train=errors(inverse(fitted), inverse(dataset.train.targets)),
        test=test_errors,
        test_mse_scaled=errors(predicted, test.targets).mse,
        skill=skill(test_errors.mse, persistence_errors(dataset).mse),
        test_predictions=inverse(predicted),
        seconds=seconds,
    )
