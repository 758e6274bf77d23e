"""The copy detector: fires on copies, stays silent on forecasts."""

from pathlib import Path

import numpy as np
import pytest

from qlstm import QLSTMConfig
from qlstm.forecasting import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Quantum,
    check_copy,
    copying,
    diebold_mariano,
    forecast_baselines,
    forecast_with,
    load_csv,
    noisy_sine,
    prepare,
)
from qlstm.params import PAPER_MEMORIES, ROTATIONS

TORONTO = (
    Path(__file__).resolve().parents[2]
    / "shared"
    / "data"
    / "toronto_city_centre_2024-05-10_2025-05-10.csv"
)


def sine(name="figure", seed=0):
    """A sine dataset."""
    protocol, rng = SINE_PROTOCOLS[name], np.random.default_rng(seed)
    return prepare(noisy_sine(protocol, rng), protocol, rng)


def check(data, predictions):
    """The detector on a dataset's test part."""
    return check_copy(predictions, data.values, data.test.index)


def walk_of(n=300, seed=0):
    """A random walk, and positions of targets in its second half."""
    values = np.random.default_rng(seed).normal(size=n).cumsum()
    return values, np.arange(n // 2, n)


# The numbers


def test_distances_and_correlations_are_a_loop():
    values, index = walk_of()
    p = values[index - 1] + np.random.default_rng(1).normal(size=len(index))
    found = check_copy(p, values, index, n_lags=7)
    assert len(found.mse) == len(found.correlation) == 8
    for k in range(8):
        then = np.array([values[i - k] for i in index])
        assert found.mse[k] == pytest.approx(np.mean((p - then) ** 2))
        assert found.correlation[k] == pytest.approx(np.corrcoef(p, then)[0, 1])
    last = values[index - 1]
    own, base = (p - values[index]) ** 2, (last - values[index]) ** 2
    assert found.skill == pytest.approx(1 - own.mean() / base.mean())
    wanted = diebold_mariano(own, base, alternative="less").p_value
    assert found.p_value == pytest.approx(wanted, rel=1e-9)


def test_gaps_and_the_start_are_left_out():
    values, index = walk_of(60)
    values[[40, 50]] = np.nan
    index = np.arange(3, 60)
    p = np.nan_to_num(values[index - 1]) + 0.1
    found = check_copy(p, values, index)
    for k in range(6):
        rows = [
            i
            for i, position in enumerate(index)
            if position >= k and not np.isnan(values[position - k])
        ]
        wanted = np.mean((p[rows] - values[index[rows] - k]) ** 2)
        assert found.mse[k] == pytest.approx(wanted)
    assert found.is_near


def test_a_lag_before_the_series_is_nan():
    values = np.arange(8.0) ** 2
    found = check_copy(values[1:6], values, np.arange(2, 7), n_lags=7)
    assert np.isnan(found.mse[7]) and np.isnan(found.correlation[6:]).all()
    assert np.isfinite(found.mse[:7]).all()


def test_what_does_not_vary_has_no_correlation():
    values, index = walk_of()
    found = check_copy(np.full(len(index), 2.0), values, index)
    assert np.isnan(found.correlation).all() and np.isfinite(found.mse).all()
    assert "correlation nan" in found.sentence


# The verdict


@pytest.mark.parametrize("name", SINE_PROTOCOLS)
@pytest.mark.parametrize("seed", range(10))
def test_persistence_is_a_copy_and_an_autoregression_is_not(name, seed):
    data = sine(name, seed)
    persistence, autoregression = forecast_baselines(data)
    found = check(data, persistence.test_predictions)
    assert found.is_copy and (found.skill, found.p_value, found.mse[1]) == (0, 1, 0)
    assert found.correlation[1] == pytest.approx(1)
    assert not check(data, autoregression.test_predictions).is_near


def test_persistence_is_found_through_rounding():
    values, index = walk_of()
    values += 300
    p = np.nextafter(values[index - 1], values[index])  # rounded towards the target
    assert (p != values[index - 1]).all()
    found = check_copy(p, values, index)
    assert found.is_copy and (found.p_value, found.mse[1]) == (1, 0)


def test_the_persistence_of_a_straight_line_is_a_copy():
    values, index = np.arange(50.0), np.arange(20, 50)
    assert check_copy(values[index - 1], values, index).is_copy
    perfect = check_copy(values[index], values, index)
    assert not perfect.is_copy and (perfect.skill, perfect.p_value) == (1, 0)


@pytest.mark.parametrize("share, near", [(0.3, True), (0.65, True), (0.75, False)])
def test_how_near_a_copy_is(share, near):
    """Idle moves of `share` times the true size: s^2 / (1 + s^2) <= 1/3 at 0.707."""
    values, index = walk_of(20_000)
    idle = share * np.random.default_rng(1).normal(size=len(index))
    found = check_copy(values[index - 1] + idle, values, index)
    assert (found.is_near, found.is_copy, found.is_better) == (near, near, False)


def test_near_and_better_is_no_copy():
    rng = np.random.default_rng(0)
    values = np.zeros(2000)
    for t in range(1, 2000):
        values[t] = 0.8 * values[t - 1] + rng.normal()
    index = np.arange(1000, 2000)
    found = check_copy(0.8 * values[index - 1], values, index)  # as good as it gets
    assert found.is_near and found.is_better and not found.is_copy
    assert found.correlation[1] == pytest.approx(1)
    strict = check_copy(0.8 * values[index - 1], values, index, level=found.p_value)
    assert strict.is_copy


def test_a_bad_forecast_is_no_copy():
    values, index = walk_of()
    found = check_copy(np.zeros(len(index)), values, index)
    assert found.skill < 0 and not found.is_copy


@pytest.mark.parametrize("h", [2, 7])
def test_the_last_value_seen_may_lie_further_back(h):
    values, index = walk_of(400)
    p = values[index - h]
    found = check_copy(p, values, index, horizon=h)
    assert found.is_copy and found.mse[h] == 0 and found.horizon == h
    assert len(found.mse) == max(5, h) + 1
    wanted = diebold_mariano(
        np.zeros(200) + (values[index - 1] - values[index]) ** 2,
        (p - values[index]) ** 2,
        horizon=h,
        alternative="less",
    )
    later = check_copy(values[index - 1], values, index, horizon=h)
    assert later.p_value == pytest.approx(wanted.p_value, rel=1e-9)


# What it says


def test_the_four_sentences():
    values, index = walk_of()
    rng = np.random.default_rng(1)
    last, target = values[index - 1], values[index]
    some = rng.normal(0, 0.2, len(index))
    cases = {
        "The forecast is the last value seen: it does not beat persistence (sk": last,
        "The forecast copies the last value seen: its mean squared": last + some,
        "The forecast keeps near the last value seen: its m": 0.8 * last + 0.2 * target,
        "The forecast is no copy: its mean squared distance is": target + some,
    }
    for start, predictions in cases.items():
        found = check_copy(predictions, values, index)
        assert str(found) == f"{found}" == found.sentence
        assert found.sentence.startswith(start)
        assert found.is_copy == ("copies" in start or "is the last" in start)
    assert ". It beats persistence (skill +0.9" in found.sentence
    assert f"{found.mse[1]:.3g} (correlation 0.98) to the last value" in found.sentence


# The paper's weather


@pytest.mark.slow  # the copies come late in a training of that learning rate
@pytest.mark.skipif(not TORONTO.exists(), reason="the data are not on this machine")
@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("memory", PAPER_MEMORIES)
def test_the_trained_model_copies_the_day_before(rotation, memory):
    protocol = WEATHER_PROTOCOLS["figure"]
    data = prepare(load_csv(TORONTO).values, protocol, np.random.default_rng(0))
    config = QLSTMConfig(rotation=rotation, memory=memory)
    forecast = forecast_with("", Quantum(config, epochs=40), data, seed=0)
    found = check(data, forecast.test_predictions)
    assert found.is_copy and found.correlation[1] > 0.95
    assert found.correlation[0] < 0.8


# Errors


def test_what_is_refused():
    values, index = walk_of()
    p = values[index - 1]
    with pytest.raises(
        ValueError, match="`predictions` and `index` must be series of "
    ):
        check_copy(p[:-1], values, index)
    with pytest.raises(ValueError, match="`predictions` must be finite"):
        check_copy(np.where(index == 200, np.nan, p), values, index)
    for bad in (index + 1, index - 200, index + 0.5):
        with pytest.raises(
            ValueError, match="`index` must hold positions in a series "
        ):
            check_copy(p, values, bad)
    with pytest.raises(
        ValueError, match="`index` must hold at least 4 targets that ar"
    ):
        check_copy(p[:3], values, index[:3])
    with pytest.raises(ValueError, match="`level` must be between 0 and 1, but is 5"):
        check_copy(p, values, index, level=5)
    for name in ("horizon", "n_lags"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1, but is 0"):
            check_copy(p, values, index, **{name: 0})


def test_where_persistence_is_perfect_skill_is_undefined():
    index = np.arange(100, 140)
    found = check_copy(np.full(40, 2.0), np.ones(140), index)
    assert np.isnan(found.skill) and found.p_value == 1 and not found.is_better
    assert "which has no error here" in found.sentence
    assert check_copy(np.ones(40), np.ones(140), index).is_copy


@pytest.mark.parametrize("power", [-700, 480])
def test_the_detector_has_no_scale(power):
    rng = np.random.default_rng(0)
    values, index = rng.normal(size=90), np.arange(30, 90)
    predictions = values[index - 1] + 0.1 * rng.normal(size=60)
    wanted = check_copy(predictions, values, index)
    found = check_copy(np.ldexp(predictions, power), np.ldexp(values, power), index)
    np.testing.assert_array_equal(found.correlation, wanted.correlation)
    assert found[2:] == wanted[2:]


def test_a_masked_value_is_a_gap():
    rng = np.random.default_rng(0)
    values, index = rng.normal(size=90), np.arange(30, 90)
    gap = np.where(np.arange(90) == 50, np.nan, values)
    under = np.where(np.arange(90) == 50, -9999.0, values)
    found = check_copy(np.zeros(60), np.ma.masked_equal(under, -9999.0), index)
    np.testing.assert_equal(found, check_copy(np.zeros(60), gap, index))


# Its power


def test_the_missed_share_is_what_check_copy_says(monkeypatch):
    """Draw by draw, through the public function."""
    monkeypatch.setattr(copying, "DRAWS", 50)
    values, index = walk_of()
    moves = values[index] - values[index - 1]
    rng, missed = np.random.default_rng(copying.SEED), 0
    noise = rng.normal(size=(50, len(moves)))
    idle = np.sqrt(0.04 * 0.96 * np.mean(moves**2))
    for z in noise:
        predictions = values[index - 1] + 0.04 * moves + idle * z
        missed += check_copy(predictions, values, index).is_copy
    lags = diebold_mariano(moves**2, 2 * moves**2).n_lags
    assert copying.missed_share(moves, 0.04, lags, 0.05) == missed / 50
    assert 0 < missed < 50


@pytest.mark.parametrize("skill", [0.05, 0.2, 0.6])
def test_a_simulated_forecast_has_its_skill_and_is_honest(skill):
    """Over the draws: error (1 - s) v, and predictions do not correlate with it."""
    rng = np.random.default_rng(1)
    moves = rng.normal(size=200_000)
    idle = np.sqrt(skill * (1 - skill) * np.mean(moves**2))
    predicted = skill * moves + idle * rng.normal(size=len(moves))
    error = moves - predicted
    assert np.mean(error**2) / np.mean(moves**2) == pytest.approx(1 - skill, abs=0.01)
    assert np.mean(predicted * error) == pytest.approx(0, abs=0.01)


def test_half_are_missed_at_the_skill_that_is_named():
    values, index = walk_of()
    moves = values[index] - values[index - 1]
    found = check_copy(values[index - 1], values, index)
    lags = diebold_mariano(moves**2, 2 * moves**2).n_lags
    below, above = (
        copying.missed_share(moves, found.half_missed + step, lags, 0.05)
        for step in (-0.002, 0.002)
    )
    assert below >= 0.5 >= above
    assert f"true skill is {found.half_missed:.2f}, it would call half" in str(found)


def test_more_targets_miss_less():
    """About 71 days, the paper's: between a tenth and a fifth."""
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=3000))
    half = [
        check_copy(values[index - 1], values, index).half_missed
        for index in (np.arange(1, 1 + n) for n in (10, 71, 400, 2900))
    ]
    assert half == sorted(half, reverse=True)
    assert 0.1 < half[1] < 0.2 and half[3] < 0.02


def test_no_more_than_a_quarter_is_ever_missed():
    """Above a skill of 1/4 the predicted moves are too large to be near."""
    moves = np.random.default_rng(0).normal(size=100_000)
    assert copying.missed_share(moves, 0.3, 10, level=0) == 0
    assert copying.missed_share(moves, 0.2, 10, level=0) == 1


def test_without_an_error_of_persistence_there_is_no_power():
    found = check_copy(np.ones(40), np.ones(140), np.arange(100, 140))
    assert np.isnan(found.half_missed) and "honest" not in found.sentence
