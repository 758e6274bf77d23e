"""Forecasts: errors in original units, beside persistence."""

import json

import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params, predict
from qlstm.commands.forecasts import forecast_table
from qlstm.forecasting import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Quantum,
    errors,
    forecast_baselines,
    forecast_with,
    make_forecaster,
    noisy_sine,
    prepare,
    skill,
)
from qlstm.forecasting.baselines import Autoregression, persistence

CONFIG = QLSTMConfig(n_system=1, n_ancilla=1, n_layers=1)


def trained(dataset, config=CONFIG, *, seed, epochs=None, callback=None):
    """A model trained as the protocol says, but for the epochs."""
    training = vars(dataset.protocol.training)
    training |= {} if epochs is None else {"epochs": epochs}
    forecaster = Quantum(config, **training)
    return forecast_with("model", forecaster, dataset, seed=seed, callback=callback)


class Given:
    """A forecaster that was told what to say about each part."""

    n_params = 7

    def __init__(self, *parts):
        self.parts = list(parts)

    def fit(self, inputs, targets, *, rng, validation=None):
        return self

    def predict(self, inputs):
        return next(p for n, p in self.parts if n is inputs)


@pytest.fixture(scope="module")
def weather():
    """A strict dataset in degrees, scaled for the model."""
    t = np.arange(120)
    rng = np.random.default_rng(0)
    values = 10 + 15 * np.sin(t / 20) + rng.normal(0, 2, 120)
    return prepare(values, WEATHER_PROTOCOLS["strict"], rng)


@pytest.fixture(scope="module")
def sine():
    """The paper's series."""
    protocol = SINE_PROTOCOLS["figure"]
    rng = np.random.default_rng(0)
    return prepare(noisy_sine(protocol, rng), protocol, rng)


def test_errors_are_in_original_units(weather):
    rng = np.random.default_rng(1)
    fitted = weather.train.targets + rng.normal(0, 0.1, len(weather.train.targets))
    predicted = weather.test.targets + rng.normal(0, 0.1, len(weather.test.targets))
    told = Given((weather.train.inputs, fitted), (weather.test.inputs, predicted))
    found = forecast_with("guess", told, weather, seed=0)
    scale = weather.scaler.scale
    assert scale > 20
    truth = weather.values[weather.test.index]
    degrees = weather.scaler.offset + scale * predicted
    np.testing.assert_allclose(found.test_predictions, degrees)
    np.testing.assert_allclose(found.test, errors(degrees, truth))
    np.testing.assert_allclose(
        found.train,
        errors(
            weather.scaler.offset + scale * fitted, weather.values[weather.train.index]
        ),
    )
    scaled = np.mean((predicted - weather.test.targets) ** 2)
    assert found.test_mse_scaled == pytest.approx(scaled)
    assert found.test.mse == pytest.approx(scale**2 * scaled)
    day_before = weather.values[weather.test.index - 1]
    reference = np.mean((day_before - truth) ** 2)
    assert found.skill == pytest.approx(1 - found.test.mse / reference)
    assert (found.name, found.n_params) == ("guess", 7)
    assert 0 < found.seconds < 1


@pytest.mark.parametrize("dataset", ["weather", "sine"])
def test_the_skill_of_persistence_is_exactly_zero(dataset, request):
    first, second = forecast_baselines(request.getfixturevalue(dataset))
    assert (first.name, second.name) == ("persistence", "AR(10)")
    assert first.skill == 0.0
    assert second.skill == skill(second.test.mse, first.test.mse)


def test_baselines_are_fitted_on_the_training_part(weather):
    first, second = forecast_baselines(weather)
    inverse = weather.scaler.inverse
    last = inverse(persistence(weather.test.inputs))
    np.testing.assert_array_equal(first.test_predictions, last)
    model = Autoregression().fit(*weather.train[:2], rng=np.random.default_rng(0))
    expected = inverse(model.predict(weather.test.inputs))
    np.testing.assert_array_equal(second.test_predictions, expected)
    assert second.train.mse < first.train.mse


def test_a_model_is_trained_and_measured(weather):
    calls = []
    found = trained(weather, CONFIG, seed=3, epochs=2, callback=calls.append)
    assert (found.config, found.n_params) == (CONFIG, CONFIG.n_params)
    assert [state.epoch for state in calls] == [1, 2]
    assert set(found.history) == {"loss", "seconds", "val_loss", "branch_switches"}
    expected = weather.scaler.inverse(
        predict(found.params, weather.test.inputs, CONFIG)
    )
    np.testing.assert_array_equal(found.test_predictions, expected)
    truth = weather.scaler.inverse(weather.test.targets)
    assert found.test == errors(expected, truth)
    assert found.seconds > sum(found.history["seconds"])
    for a, b in zip(found.params, calls[-1].params, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_a_validation_part_there_is_no_validation_loss(sine):
    found = trained(sine, CONFIG, seed=3, epochs=1)
    assert "val_loss" not in found.history


def test_the_protocol_chooses_the_epochs():
    protocol = SINE_PROTOCOLS["repository"]
    rng = np.random.default_rng(0)
    dataset = prepare(noisy_sine(protocol, rng, 60), protocol, rng)
    seen = []

    def stop(state):
        seen.append(state)
        return state.epoch == 2

    trained(dataset, CONFIG, seed=0, callback=stop)
    assert seen[-1].adam.step == 2 * -(-len(dataset.train.targets) // 5)
    found = trained(dataset, CONFIG, seed=0)
    assert len(found.history["loss"]) == 150


def test_the_same_seed_gives_the_same_bits(sine):
    first, again, other = (
        trained(sine, CONFIG, seed=seed, epochs=1) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.test_predictions, again.test_predictions)
    assert first.history["loss"] == again.history["loss"]
    assert first.history["loss"] != other.history["loss"]


def test_configurations_of_one_size_start_from_the_same_parameters(sine):
    """After one epoch every angle has moved by at most 15 steps of 0.01 or so."""
    rng, _ = np.random.default_rng(5).spawn(2)
    initial = init_params(CONFIG, rng)
    for memory in ("collapse", "probabilities"):
        for rotation in ("RX", "RY"):
            config = QLSTMConfig(
                n_system=1, n_ancilla=1, n_layers=1, rotation=rotation, memory=memory
            )
            found = trained(sine, config, seed=5, epochs=1)
            for a, b in zip(found.params, initial, strict=True):
                assert np.abs(a - b).max() < 0.2


def test_every_number_goes_into_json(weather):
    found = trained(weather, CONFIG, seed=3, epochs=1)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["test"] == found.test._asdict()
    assert content["train"] == found.train._asdict()
    assert content["config"]["n_system"] == 1
    assert content["history"] == found.history
    assert content["test_predictions"] == found.test_predictions.tolist()
    np.testing.assert_array_equal(
        content["params"]["proj_weight"], found.params.proj_weight
    )
    lstm = forecast_with("", make_forecaster("lstm", epochs=1), weather, seed=0)
    for other in (*forecast_baselines(weather), lstm):
        assert not {"config", "params", "history"} & set(other.to_dict())


def test_a_source_of_randomness_stands_for_its_seed(sine):
    first = trained(sine, seed=7, epochs=1)
    again = trained(sine, seed=np.random.default_rng(7), epochs=1)
    np.testing.assert_array_equal(first.test_predictions, again.test_predictions)


def test_a_callback_may_stop_a_quantum_model_and_no_other(sine):
    found = trained(sine, seed=0, epochs=9, callback=lambda state: state.epoch == 2)
    assert len(found.history["loss"]) == 2
    with pytest.raises(TypeError, match="unexpected keyword argument 'callback'"):
        forecast_with("", make_forecaster("mean"), sine, seed=0, callback=print)


def test_a_flat_test_part_is_reported():
    rng = np.random.default_rng(0)
    values = rng.normal(size=100)
    values[60:] = 3.0
    found = forecast_baselines(prepare(values, WEATHER_PROTOCOLS["strict"], rng))
    assert [f.to_dict()["skill"] for f in found] == [None, None]
    assert found[0].test == (0, 0, 0) and found[1].test.mse > 0
    lines = forecast_table(found, scaled=False).splitlines()
    assert [line.split()[-2] for line in lines[2:]] == ["-", "-"]


@pytest.mark.parametrize("rng", [0, None])
@pytest.mark.parametrize("name", ["rnn", "lstm", "reservoir", "quantum"])
def test_a_forecaster_that_draws_needs_a_generator(name, rng):
    with pytest.raises(TypeError, match="`rng` must be a numpy.random.Generator, but"):
        make_forecaster(name).fit(np.ones((3, 4, 1)), np.ones(3), rng=rng)


def test_a_masked_window_is_refused():
    inputs = np.ma.masked_equal(np.arange(12.0).reshape(3, 4, 1), 5.0)
    forecaster, rng = make_forecaster("ar"), np.random.default_rng(0)
    with pytest.raises(ValueError, match="`inputs` .* sample 1 holds a masked entry"):
        forecaster.fit(inputs, np.ones(3), rng=rng)
    targets = np.ma.masked_equal([1, 2, 3], 2)
    with pytest.raises(ValueError, match="`targets` .* sample 1 holds a masked entry"):
        forecaster.fit(inputs.filled(5), targets, rng=rng)
