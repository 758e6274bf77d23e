"""Forecasts that train nothing, on series they must get exactly right."""

import numpy as np
import pytest

from qlstm.forecasting import make_forecaster, make_windows
from qlstm.forecasting.baselines import (
    Drift,
    Mean,
    Persistence,
    SeasonalNaive,
    persistence,
)

RNG = np.random.default_rng(0)


def fitted(forecaster, inputs, targets):
    """The forecaster after its fit; none of these draws random numbers."""
    return forecaster.fit(inputs, targets, rng=RNG)


def leads(values, n_steps, horizon):
    """Windows of a series, and the values after each at every lead."""
    cut = np.lib.stride_tricks.sliding_window_view(values, n_steps + horizon)
    return cut[:, :n_steps, None], cut[:, n_steps:]


def test_persistence_repeats_the_last_value():
    windows = make_windows(np.arange(20.0) ** 2, 4)
    np.testing.assert_array_equal(persistence(windows.inputs)[1:], windows.targets[:-1])
    model = fitted(Persistence(), *windows[:2])
    np.testing.assert_array_equal(
        model.predict(windows.inputs), persistence(windows.inputs)
    )


def test_rules_read_the_first_feature():
    inputs = np.arange(24.0).reshape(2, 4, 3)
    np.testing.assert_array_equal(persistence(inputs), [9, 21])
    for forecaster in (Persistence(), Drift(), SeasonalNaive(2)):
        both = fitted(forecaster, inputs, [0.0, 0.0]).predict(inputs)
        alone = fitted(forecaster, inputs[:, :, :1], [0.0, 0.0]).predict(
            inputs[:, :, :1]
        )
        np.testing.assert_array_equal(both, alone)


@pytest.mark.parametrize("horizon", [1, 3, 9])
@pytest.mark.parametrize(
    "forecaster, values",
    [
        (Persistence(), np.full(30, 1.7)),
        (Mean(), np.full(30, 1.75)),
        (Drift(), 2.0 - 0.25 * np.arange(30)),
        (SeasonalNaive(4), np.tile([1.0, -2.0, 0.5, 3.0], 8)),
        (SeasonalNaive(5), np.tile([1.0, -2.0, 0.5, 3.0, 7.0], 6)),
        (SeasonalNaive(1), np.full(30, 1.7)),
    ],
    ids=str,
)
def test_exact_on_the_series_it_is_made_for(forecaster, values, horizon):
    inputs, targets = leads(values, 5, horizon)
    model = fitted(forecaster, inputs, targets)
    np.testing.assert_allclose(model.predict(inputs), targets, rtol=0, atol=1e-14)
    one = fitted(forecaster, inputs, targets[:, 0]).predict(inputs)
    np.testing.assert_allclose(one, targets[:, 0], rtol=0, atol=1e-14)


def test_a_season_of_one_step_is_persistence():
    inputs, targets = RNG.normal(size=(6, 4, 1)), RNG.normal(size=(6, 3))
    np.testing.assert_array_equal(
        fitted(SeasonalNaive(1), inputs, targets).predict(inputs),
        fitted(Persistence(), inputs, targets).predict(inputs),
    )


def test_the_drift_is_the_mean_step_of_the_window():
    inputs = RNG.normal(size=(6, 7, 1))
    step = np.diff(inputs[:, :, 0]).mean(axis=1)
    predicted = fitted(Drift(), inputs, np.zeros((6, 2))).predict(inputs)
    last = inputs[:, -1, 0]
    expected = np.column_stack([last + step, last + 2 * step])
    np.testing.assert_allclose(predicted, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("shape", [(6,), (6, 3)])
def test_the_mean_is_that_of_all_training_targets(shape):
    targets = RNG.normal(size=shape)
    model = fitted(Mean(), RNG.normal(size=(6, 4, 1)), targets)
    predicted = model.predict(RNG.normal(size=(2, 4, 1)))
    np.testing.assert_allclose(predicted, np.full((2, *shape[1:]), targets.mean()))
    assert model.n_params == 1


def test_rules_train_nothing():
    for forecaster in (Persistence(), Drift(), SeasonalNaive(2)):
        assert fitted(forecaster, np.ones((3, 4, 1)), np.ones(3)).n_params == 0


def test_a_season_must_fit_into_the_window():
    inputs = np.ones((3, 4, 1))
    fitted(SeasonalNaive(4), inputs, np.ones(3))
    text = r"at least 5 steps for SeasonalNaive\(season=5\), but has 4"
    with pytest.raises(ValueError, match=text):
        fitted(SeasonalNaive(5), inputs, np.ones(3))


def test_a_drift_needs_two_values():
    with pytest.raises(ValueError, match=r"at least 2 steps for Drift\(\), but has 1"):
        fitted(Drift(), np.ones((3, 1, 1)), np.ones(3))


def test_a_season_is_a_positive_integer():
    with pytest.raises(ValueError, match="`season` must be at least 1, but is 0"):
        make_forecaster("seasonal-naive", season=0)
    with pytest.raises(TypeError, match=r"`season` must be an integer, but is 2\.5"):
        make_forecaster("seasonal-naive", season=2.5)
