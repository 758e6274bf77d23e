"""Errors, skill, R2 and MASE: by hand, by SciPy, and their units."""

import numpy as np
import pytest
from scipy import stats

from qlstm.forecasting import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Scores,
    errors,
    forecast_baselines,
    mase,
    mase_scale,
    noisy_sine,
    prepare,
    r2,
    scores,
    skill,
)
from qlstm.forecasting.metrics import skill_between


def test_errors_by_hand():
    found = errors([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 3.0, 0.0])
    assert found == (5.0, np.sqrt(5.0), 1.5)
    assert all(type(value) is float for value in found)


def test_errors_of_any_shape():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 4))
    found = errors(a, b)
    assert found == errors(a.ravel(), b.ravel()) == errors(b, a)
    assert found.rmse >= found.mae  # Jensen
    assert errors(a, a) == (0, 0, 0)
    scaled = errors(10 * a, 10 * b)
    np.testing.assert_allclose(scaled, (100 * found.mse, *np.multiply(10, found[1:])))


@pytest.mark.parametrize("mse, expected", [(0.0, 1.0), (2.0, 0.0), (3.0, -0.5)])
def test_skill_by_hand(mse, expected):
    assert skill(mse, 2.0) == expected


@pytest.mark.parametrize("reference", [0.0, -1.0, np.nan])
def test_skill_needs_a_reference_with_an_error(reference):
    text = f"`reference_mse` must be positive, but is {reference}"
    with pytest.raises(ValueError, match=text):
        skill(1.0, reference)


# R2


def test_r2_by_hand():
    assert r2([3.0, 2.0, 1.0], [1.0, 2.0, 3.0]) == -3  # 1 - 8 / 2
    assert r2([2.0, 2.0], [1.0, 3.0]) == 0
    assert r2([1.0, 3.0], [1.0, 3.0]) == 1


def test_r2_of_a_fitted_line_is_the_squared_correlation():
    x, noise = np.random.default_rng(0).normal(size=(2, 50))
    y = 2 * x + 1 + noise
    line = stats.linregress(x, y)
    found = r2(line.slope * x + line.intercept, y)
    assert found == pytest.approx(line.rvalue**2, rel=1e-12)


def test_r2_needs_targets_that_vary():
    with pytest.raises(ValueError, match="`targets` must vary, but all are the same"):
        r2([1.0, 2.0], [3.0, 3.0])


# MASE


def test_mase_by_hand():
    train = [1.0, 4.0, 2.0, 8.0, 8.0]
    assert mase_scale(train) == (3 + 2 + 6 + 0) / 4
    assert mase_scale(train, season=2) == (1 + 4 + 6) / 3
    assert mase([0.0, 0.0], [1.0, -10.0], train) == 5.5 / 2.75
    assert mase([0.0, 0.0], [1.0, -10.0], train, season=2) == 5.5 / (11 / 3)


@pytest.mark.parametrize("season", [1, 3, 12])
def test_mase_is_a_loop(season):
    rng = np.random.default_rng(season)
    train, predictions, targets = rng.normal(size=(3, 40))
    naive = [abs(train[t] - train[t - season]) for t in range(season, 40)]
    wanted = np.mean(np.abs(predictions - targets)) / np.mean(naive)
    assert mase(predictions, targets, train, season) == pytest.approx(wanted)
    scaled = mase(3 * predictions + 7, 3 * targets + 7, 3 * train + 7, season)
    assert scaled == pytest.approx(wanted)  # no unit


def test_mase_of_the_naive_forecast_on_its_own_training_part_is_one():
    train = np.random.default_rng(0).normal(size=30).cumsum()
    assert mase(train[:-1], train[1:], train) == pytest.approx(1)


def test_gaps_are_left_out_of_the_scale():
    assert mase_scale([1.0, 2.0, np.nan, 5.0, 8.0]) == 2
    assert mase_scale([1.0, np.nan, 5.0, np.nan, 8.0], season=2) == 3.5


@pytest.mark.parametrize(
    "train, season",
    [([1.0, 1.0], 1), ([1.0], 1), ([], 1), ([1.0, np.nan, 2.0], 1), ([1.0, 2.0], 2)]
    + [([[1.0, 2.0], [3.0, 4.0]], 1)],
)
def test_the_scale_needs_a_change(train, season):
    text = f"`train_values` must be one-dimensional and change over {season} steps"
    with pytest.raises(ValueError, match=text):
        mase_scale(train, season)


def test_the_season_is_a_size():
    with pytest.raises(ValueError, match="`season` must be at least 1, but is 0"):
        mase_scale([1.0, 2.0], 0)


# All together


@pytest.fixture(scope="module")
def weather():
    """A strict dataset in degrees with a gap in its training part."""
    rng = np.random.default_rng(0)
    values = 10 + 15 * np.sin(np.arange(150) / 20) + rng.normal(0, 2, 150)
    values[50] = np.nan
    return prepare(values, WEATHER_PROTOCOLS["strict"], rng)


@pytest.mark.parametrize("season", [1, 7])
def test_scores_in_both_units(weather, season):
    rng = np.random.default_rng(1)
    truth = weather.values[weather.test.index]
    predictions = truth + rng.normal(size=len(truth))
    found = scores(weather, predictions, season)
    scale = weather.scaler.scale
    assert scale > 20
    np.testing.assert_allclose(found.original, errors(predictions, truth))
    np.testing.assert_allclose(
        found.scaled,
        (
            found.original.mse / scale**2,
            found.original.rmse / scale,
            found.original.mae / scale,
        ),
    )
    # of 105 training values the last is a target, the first inputs; one is missing
    assert found.mase == pytest.approx(
        mase(predictions, truth, weather.values[:105], season)
    )
    assert found.r2 == pytest.approx(1 - np.sum((predictions - truth) ** 2) / np.sum(
        (truth - truth.mean()) ** 2
    ))  # fmt: skip
    last = weather.values[weather.test.index - 1]
    assert found.skill == pytest.approx(
        1 - errors(predictions, truth).mse / errors(last, truth).mse
    )
    assert isinstance(found, Scores)


def test_scores_agree_with_a_forecast(weather):
    for forecast in forecast_baselines(weather):
        found = scores(weather, forecast.test_predictions)
        np.testing.assert_allclose(found.original, forecast.test, rtol=1e-12)
        assert found.scaled.mse == pytest.approx(forecast.test_mse_scaled)
        assert found.skill == pytest.approx(forecast.skill, abs=1e-12)


def test_a_slow_series_flatters_r2():
    protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng), protocol, rng)
    found = scores(data, data.values[data.test.index - 1])
    assert found.skill == 0 and found.r2 > 0.9


# Errors


@pytest.mark.parametrize("a, b", [([1.0], [1.0, 2.0]), ([], []), ([[1.0]], [1.0])])
def test_shapes_must_agree(a, b):
    text = r"`predictions` and `targets` must have the same shape and not be empty, but"
    for function in (errors, r2, lambda a, b: mase(a, b, [1.0, 2.0])):
        with pytest.raises(ValueError, match=text):
            function(a, b)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_must_be_finite(value):
    for a, b in (([value], [1.0]), ([1.0], [value])):
        with pytest.raises(ValueError, match="s` must be finite, but sample 0 holds"):
            errors(a, b)


# What people pass


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.longdouble])
def test_real_numbers_of_any_type_are_converted(dtype):
    a, b = np.array([0, 1, 1]).astype(dtype), np.array([1, 1, 0]).astype(dtype)
    assert errors(a, b) == errors([0.0, 1.0, 1.0], [1.0, 1.0, 0.0])
    assert r2(a, b) == r2([0.0, 1.0, 1.0], [1.0, 1.0, 0.0])
    assert mase_scale(a) == 0.5


def test_unsigned_integers_do_not_wrap():
    first, second = np.array([1], np.uint8), np.array([2], np.uint8)
    assert errors(first, second) == (1, 1, 1)
    assert mase_scale(np.array([2, 1, 3], np.uint8)) == 1.5


@pytest.mark.parametrize("bad", [["1"], [1j], [None], [b"1"]])
def test_what_is_no_real_number_is_refused(bad):
    for function in (
        lambda: errors(bad, [1.0]),
        lambda: r2([1.0], bad),
        lambda: mase([1.0], [1.0], bad),
        lambda: skill(bad[0], 1.0),
    ):
        with pytest.raises(TypeError, match="must be an array of real numbers, but"):
            function()


def test_a_number_beyond_float64_is_refused():
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("no extended precision")
    with pytest.raises(ValueError, match="`predictions` must fit in float64"):
        errors(np.array([np.longdouble("1e4000")]), [1.0])


def test_a_masked_entry_is_a_gap_or_an_error():
    masked = np.ma.masked_equal([1.0, -9999.0, 5.0, 8.0], -9999.0)
    assert mase_scale(masked) == 3  # of 5 and 8 alone
    assert mase_scale(np.ma.masked_equal([1, -9999, 5, 8], -9999)) == 3
    with pytest.raises(ValueError, match="`predictions` .* sample 1 holds a masked"):
        errors(masked, np.zeros(4))
    with pytest.raises(ValueError, match="`targets` .* sample 1 holds nan"):
        r2(np.zeros((2, 4)), [np.ones(4), masked])
    with pytest.raises(ValueError, match="one-dimensional and hold no infinity"):
        mase_scale([1.0, np.inf])


# Scale


@pytest.mark.parametrize("power", [-1000, -600, 0, 500])
def test_errors_keep_their_digits_at_every_scale(power):
    a, b, c = np.random.default_rng(0).normal(size=(3, 20))
    scaled = [np.ldexp(x, power) for x in (a, b, c)]
    found, wanted = errors(*scaled[:2]), errors(a, b)
    assert found.rmse == np.ldexp(wanted.rmse, power)
    assert found.mae == np.ldexp(wanted.mae, power)
    assert r2(*scaled[:2]) == pytest.approx(r2(a, b), rel=1e-14)
    assert mase(*scaled) == mase(a, b, c)


def test_r2_of_tiny_and_of_large_targets():
    for unit in (1e-200, 1e200):
        predictions, targets = np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 3.0]]) * unit
        assert r2(predictions, targets) == pytest.approx(0.5)


def test_a_square_that_is_too_large_is_named():
    with pytest.raises(ValueError, match="`predictions - targets` must be small enou"):
        errors([1e200, 0.0], [0.0, 0.0])


@pytest.mark.parametrize("mse", [np.nan, -3, np.inf])
def test_skill_needs_an_error(mse):
    with pytest.raises(ValueError, match=f"`mse` must be finite and not .* is {mse}"):
        skill(mse, 1)


# Persistence is perfect


def test_a_flat_test_part_has_no_skill_but_errors():
    rng = np.random.default_rng(0)
    values = rng.normal(size=100)
    values[60:] = 3.0
    data = prepare(values, WEATHER_PROTOCOLS["strict"], rng)
    found = scores(data, np.full(len(data.test.targets), 4.0))
    assert found.original == pytest.approx((1, 1, 1), rel=1e-14)
    assert np.isnan([found.skill, found.r2]).all() and found.mase > 0


def test_skill_between_errors_whose_squares_underflow():
    zero = [0.0]
    own, reference = errors([1e-200], zero), errors([2e-200], zero)
    assert skill_between(own, reference) == pytest.approx(0.75)
    assert np.isnan(skill_between(own, errors(zero, zero)))
