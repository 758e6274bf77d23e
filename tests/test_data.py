"""Protocols: sizes, noise, what each split may see, and errors."""

import dataclasses
import re
from dataclasses import replace

import numpy as np
import pytest

from qlstm.forecasting import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Protocol,
    Scaler,
    make_windows,
    noisy_sine,
    prepare,
    step_targets,
)
from qlstm.forecasting.data import fit_minmax

ALL = [*SINE_PROTOCOLS.values(), *WEATHER_PROTOCOLS.values()]
STRICT = [p for p in ALL if p.name == "strict"]
every_protocol = pytest.mark.parametrize(
    "protocol", ALL, ids=lambda p: f"{p.name}-{p.scaling}"
)
every_strict = pytest.mark.parametrize("protocol", STRICT, ids=lambda p: p.scaling)


def series(n=100, seed=0):
    """A random walk, so that no two values are alike."""
    return np.random.default_rng(seed).normal(size=n).cumsum() + 12


def split(values, protocol, seed=0):
    """The dataset of a protocol."""
    return prepare(values, protocol, np.random.default_rng(seed))


def assert_same_windows(first, second):
    """Two parts agree bit by bit."""
    for a, b in zip(first, second, strict=True):
        assert a.tobytes() == b.tobytes()


# What the protocols are


def test_the_names_and_their_order():
    assert list(SINE_PROTOCOLS) == ["figure", "text", "repository", "strict"]
    assert list(WEATHER_PROTOCOLS) == ["figure", "strict"]


@every_protocol
def test_what_all_have_in_common(protocol):
    assert (protocol.batch_size, protocol.learning_rate) == (5, 0.01)
    assert protocol.n_steps == 10
    assert protocol.epochs == (100 if protocol.scaling == "minmax" else 150)
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.epochs = 1


@pytest.mark.parametrize(
    "name, sizes",
    [
        ("figure", (72, 0, 18)),
        ("text", (72, 0, 18)),
        ("repository", (70, 0, 10)),
        ("strict", (60, 10, 20)),
    ],
)
def test_sizes_on_a_hundred_points(name, sizes):
    protocol = SINE_PROTOCOLS[name]
    rng = np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng), protocol, rng)
    assert tuple(len(part.targets) for part in data[:3]) == sizes
    for part in data[:3]:
        assert part.inputs.shape == (len(part.targets), 10, 1)
        assert part.index.shape == part.targets.shape
    if name in WEATHER_PROTOCOLS:
        weather = split(series(), WEATHER_PROTOCOLS[name])
        assert tuple(len(part.targets) for part in weather[:3]) == sizes


@pytest.mark.parametrize("n", [30, 90, 120, 365, 1000, 1461])
def test_shares_mean_what_they_say(n):
    """``0.7 + 0.1`` is a little less than 0.8 in binary; the cut must not be."""
    data = split(series(n), SINE_PROTOCOLS["strict"])
    first, second = 7 * n // 10, 8 * n // 10
    ends = [part.index[[0, -1]].tolist() for part in data[:3]]
    assert ends == [[10, first - 1], [first, second - 1], [second, n - 1]]


TARGETS = {
    "figure": (range(10, 82), range(0), range(82, 100)),
    "repository": (range(10, 80), range(0), range(90, 100)),
    "strict": (range(10, 70), range(70, 80), range(80, 100)),
}


@pytest.mark.parametrize("name", TARGETS)
def test_which_targets_each_part_has(name):
    data = split(series(), SINE_PROTOCOLS[name])
    for part, wanted in zip(data[:3], TARGETS[name], strict=True):
        assert part.index.tolist() == list(wanted)


@every_protocol
def test_a_window_is_the_values_before_its_target(protocol):
    values = series()
    data = split(values, protocol)
    np.testing.assert_array_equal(data.values, values)
    for part in data[:3]:
        scaled = data.scaler.transform(values)
        for inputs, target, k in zip(*part, strict=True):
            np.testing.assert_array_equal(inputs[:, 0], scaled[k - 10 : k])
            assert target == scaled[k]
        np.testing.assert_array_equal(scaled[part.input_index], part.inputs[:, :, 0])


@every_protocol
def test_no_target_is_in_two_parts(protocol):
    data = split(series(), protocol)
    index = np.concatenate([part.index for part in data[:3]])
    assert len(set(index.tolist())) == len(index)


def test_repository_s_test_inputs_lie_behind_the_cut():
    data = split(series(), SINE_PROTOCOLS["repository"])
    assert (data.test.index - 10).min() == 80


def test_text_draws_its_windows():
    protocol = SINE_PROTOCOLS["text"]
    first, again, other = (split(series(), protocol, seed) for seed in (1, 1, 2))
    assert_same_windows(first.train, again.train)
    assert first.train.index.tolist() != other.train.index.tolist()
    both = [*first.train.index, *first.test.index]
    assert sorted(both) == list(range(10, 100))
    assert first.test.index.min() < 70  # not simply the last ones
    assert first.train.index.tolist() == sorted(first.train.index)


# Noise


@pytest.mark.parametrize(
    "name, sigma",
    [("figure", 0.1), ("strict", 0.1), ("repository", 0.1414), ("text", 0.0577)],
)
def test_the_size_of_the_noise(name, sigma):
    n = 40_000
    values = noisy_sine(SINE_PROTOCOLS[name], np.random.default_rng(0), n)
    noise = values - np.sin(np.linspace(0, 8 * np.pi, n))
    assert noise.std() == pytest.approx(sigma, rel=0.015)
    assert abs(noise.mean()) < 4 * sigma / np.sqrt(n)
    kurtosis = (noise**4).mean() / noise.var() ** 2  # 3 for a normal, 9/5 if uniform
    assert kurtosis == pytest.approx(1.8 if name == "text" else 3, rel=0.05)
    if name == "text":
        assert np.abs(noise).max() <= 0.1


def test_noise_can_be_left_out():
    clean = dataclasses.replace(SINE_PROTOCOLS["figure"], noise="none")
    values = noisy_sine(clean, np.random.default_rng(0))
    np.testing.assert_array_equal(values, np.sin(np.linspace(0, 8 * np.pi, 100)))


def test_the_same_seed_gives_the_same_series():
    for protocol in SINE_PROTOCOLS.values():
        first, again = (noisy_sine(protocol, np.random.default_rng(5)) for _ in "12")
        np.testing.assert_array_equal(first, again)


# What strict may see


@every_strict
def test_strict_training_sees_nothing_behind_the_cut(protocol):
    values = series()
    before = split(values, protocol)
    rng = np.random.default_rng(1)
    for cut, parts in ((70, ("train",)), (80, ("train", "validation"))):
        future = values.copy()
        future[cut:] = 1e3 * rng.normal(size=100 - cut)
        after = split(future, protocol)
        assert after.scaler == before.scaler
        for name in parts:
            assert_same_windows(getattr(before, name), getattr(after, name))
        assert not np.array_equal(before.test.targets, after.test.targets)


def test_strict_scales_by_the_training_values_alone():
    values = series()
    data = split(values, WEATHER_PROTOCOLS["strict"])
    np.testing.assert_array_equal(data.scaler_index, np.arange(70))
    low, high = values[:70].min(), values[:70].max()
    assert data.scaler == Scaler(low, high - low)
    seen = np.concatenate([data.train.inputs.ravel(), data.train.targets])
    assert (seen.min(), seen.max()) == (0, 1)


def test_strict_inputs_reach_back_but_never_forward():
    data = split(series(), SINE_PROTOCOLS["strict"])
    np.testing.assert_array_equal(data.validation.inputs[0], data.values[60:70, None])
    np.testing.assert_array_equal(data.test.inputs[0], data.values[70:80, None])


def test_figure_scales_by_the_first_eighty_percent():
    values = series(338)
    data = split(values, WEATHER_PROTOCOLS["figure"])
    np.testing.assert_array_equal(data.scaler_index, np.arange(270))
    low, high = values[:270].min(), values[:270].max()
    assert data.scaler == Scaler(low, high - low)
    # the leak that the docs speak of: two windows' targets lie behind the scaler's cut
    leaked = np.isin(data.test.index, data.scaler_index).sum()
    leaked += (data.train.index >= 270).sum()
    assert leaked == 2


@pytest.mark.parametrize("name", SINE_PROTOCOLS)
def test_the_sine_is_not_scaled(name):
    data = split(series(), SINE_PROTOCOLS[name])
    assert data.scaler == Scaler() and len(data.scaler_index) == 0


# Gaps


def test_strict_drops_windows_with_a_gap():
    values = series()
    values[[30, 75]] = np.nan
    data = split(values, WEATHER_PROTOCOLS["strict"])
    for part, wanted in zip(data[:3], TARGETS["strict"], strict=True):
        kept = [k for k in wanted if not {30, 75} & set(range(k - 10, k + 1))]
        assert part.index.tolist() == kept
        assert np.isfinite(part.inputs).all() and np.isfinite(part.targets).all()
    assert len(data.values) == 100


def test_figure_drops_missing_values_and_closes_up():
    values = series()
    holes = values.copy()
    holes = np.insert(holes, [5, 50, 99], np.nan)
    protocol = WEATHER_PROTOCOLS["figure"]
    with_gaps, without = split(holes, protocol), split(values, protocol)
    for a, b in zip(with_gaps[:3], without[:3], strict=True):
        assert_same_windows(a, b)


# Pieces


@pytest.mark.parametrize("n_steps", [1, 3, 9])
def test_windows_are_every_run(n_steps):
    values = np.arange(10.0)
    windows = make_windows(values, n_steps)
    assert len(windows.targets) == 10 - n_steps
    for inputs, target, k in zip(*windows, strict=True):
        assert inputs[:, 0].tolist() == list(range(k - n_steps, k))
        assert target == k


def test_step_targets_are_the_next_values():
    windows = make_windows(np.arange(6.0), 3)
    expected = [[1, 2, 3], [2, 3, 4], [3, 4, 5]]
    np.testing.assert_array_equal(step_targets(windows), expected)


def test_the_scaler_inverts_itself():
    scaler = fit_minmax([3.0, np.nan, -1.0, 7.0])
    assert scaler == Scaler(-1.0, 8.0)
    np.testing.assert_array_equal(scaler.transform([-1, 3, 7]), [0, 0.5, 1])
    np.testing.assert_array_equal(scaler.inverse([0, 0.5, 1]), [-1, 3, 7])


@every_protocol
def test_the_series_is_not_modified(protocol):
    values = series()
    values.flags.writeable = False
    split(values, protocol)


# Errors


@every_protocol
def test_a_series_without_a_point_beyond_a_window(protocol):
    text = "`values` must be longer than a window of 10 steps, but has 10 values"
    with pytest.raises(ValueError, match=text):
        split(series(10), protocol)


def test_a_series_too_short_for_a_part():
    protocol = SINE_PROTOCOLS["figure"]
    text = "long enough for a training part, but its 11 values leave no training"
    with pytest.raises(ValueError, match=text):
        split(series(11), protocol)
    protocol = SINE_PROTOCOLS["repository"]
    text = "long enough for a test part, but its 40 values leave no test window of 10"
    with pytest.raises(ValueError, match=text):
        split(series(40), protocol)


@pytest.mark.parametrize("name", WEATHER_PROTOCOLS)
@pytest.mark.parametrize("values", [np.full(100, 3.0), np.full(100, np.nan)])
def test_a_series_that_does_not_vary(name, values):
    with pytest.raises(ValueError, match="must hold two different values to set a sc"):
        split(values, WEATHER_PROTOCOLS[name])


def test_nothing_but_gaps():
    with pytest.raises(ValueError, match="must be longer than a window"):
        split(np.full(100, np.nan), SINE_PROTOCOLS["figure"])
    with pytest.raises(ValueError, match="leave no training window"):
        split(np.full(100, np.nan), SINE_PROTOCOLS["strict"])


@pytest.mark.parametrize("place", [3, 75, 99])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
@every_protocol
def test_infinity_is_refused(protocol, place, value):
    values = series()
    values[place] = value
    with pytest.raises(ValueError, match="one-dimensional and hold no infinity"):
        split(values, protocol)


@every_protocol
def test_a_table_is_refused(protocol):
    text = r"one-dimensional and hold no infinity, but has shape \(50, 2\)"
    with pytest.raises(ValueError, match=text):
        split(series().reshape(50, 2), protocol)


def test_windows_refuse_what_prepare_does():
    with pytest.raises(ValueError, match="one-dimensional and hold no infinity"):
        make_windows([1.0, np.inf, 2.0], 1)
    with pytest.raises(ValueError, match="`n_steps` must be at least 1, but is 0"):
        make_windows([1.0, 2.0], 0)
    with pytest.raises(ValueError, match="`n_points` must be at least 1, but is 0"):
        noisy_sine(SINE_PROTOCOLS["figure"], np.random.default_rng(0), 0)


@pytest.mark.parametrize(
    "field, known",
    [
        ("split", "windows, random, series, targets"),
        ("scaling", "none, minmax"),
        ("gaps", "drop values, drop windows"),
    ],
)
def test_unknown_names_list_the_known_ones(field, known):
    protocol = dataclasses.replace(SINE_PROTOCOLS["figure"], **{field: "other"})
    text = f"`protocol.{field}` must be one of {known}, but is 'other'"
    with pytest.raises(ValueError, match=text):
        split(series(), protocol)


def test_unknown_noise_lists_the_known_ones():
    protocol = Protocol("mine", "pink", "windows", "none", "drop values", 1)
    text = "`protocol.noise` must be one of none, gaussian, uniform, gaussian twice"
    with pytest.raises(ValueError, match=f"{text}, but is 'pink'"):
        noisy_sine(protocol, np.random.default_rng(0))


@pytest.mark.parametrize(
    "shares", [(-1.0, 0.0), (1.0, 0.0), (0.7, -0.1), (0.7, 0.3), (np.nan, 0.0)]
)
def test_shares_leave_something_to_test_on(shares):
    protocol = replace(
        SINE_PROTOCOLS["strict"], train_share=shares[0], val_share=shares[1]
    )
    with pytest.raises(ValueError, match="must be shares that leave something to test"):
        prepare(np.arange(60.0), protocol, np.random.default_rng(0))


def test_the_range_is_finite():
    with pytest.raises(ValueError, match="`values` must have a finite range"):
        fit_minmax([-1.7e308, 1.7e308])


# Gaps and marks of gaps


def holes(where):
    """A series of degrees with gaps."""
    values = 10 * np.sin(np.arange(300) / 5) + np.random.default_rng(0).normal(size=300)
    values[where] = np.nan
    return values


DAY = np.arange(300)


@every_protocol
def test_a_masked_entry_is_a_gap(protocol):
    gaps = holes(DAY == 50)
    masked = np.ma.masked_equal(np.where(DAY == 50, -9999.0, gaps), -9999.0)
    np.testing.assert_equal(split(masked, protocol), split(gaps, protocol))


@pytest.mark.parametrize(
    "where, run",
    [
        (DAY % 7 >= 5, 5),  # weekdays only
        (DAY % 9 == 0, 8),
        (DAY >= 100, 100),  # a year in progress
        (DAY < 240, 60),  # a late start
    ],
)
def test_gaps_are_called_gaps(where, run):
    text = f"{where.sum()} of 300 values are gaps, and at most {run} in a row are known"
    with pytest.raises(ValueError, match=text):
        split(holes(where), WEATHER_PROTOCOLS["strict"])


def test_gaps_that_leave_too_little():
    with pytest.raises(ValueError, match="has 8 values: 292 of 300 values are gaps"):
        split(holes(DAY >= 8), WEATHER_PROTOCOLS["figure"])
    with pytest.raises(ValueError, match="2 values: 1 of 2 values are gaps"):
        make_windows([1.0, np.nan], 2)


@pytest.mark.parametrize("mark", [-9999.0, -999.9, 999.0, -99.0, 1e20])
def test_a_mark_of_gaps_is_named(mark):
    values = holes(DAY < 0)
    values[[50, 60]] = mark
    text = re.escape(f"The value {mark:.10g} lies far outside all others")
    with pytest.warns(UserWarning, match=f"{text}.* occurs 2 time"):
        split(values, WEATHER_PROTOCOLS["strict"])
    values[60] = 1.0
    if mark != 1e20:  # once, it may be a measurement
        with pytest.warns(UserWarning, match="occurs 1 time"):
            split(values, WEATHER_PROTOCOLS["strict"])


def test_honest_series_are_not_blamed(recwarn):
    storm = holes(DAY < 0)
    storm[50] = 95.0
    for values in (storm, np.arange(300.0), np.exp(np.arange(300) / 50), DAY % 2):
        split(values, WEATHER_PROTOCOLS["strict"])
    assert not recwarn.list


@pytest.mark.parametrize("rng", [0, None])
def test_what_draws_needs_a_generator(rng):
    text = f"`rng` must be a numpy.random.Generator, but is {rng}"
    with pytest.raises(TypeError, match=text):
        prepare(holes(DAY < 0), SINE_PROTOCOLS["text"], rng)
    with pytest.raises(TypeError, match=text):
        noisy_sine(SINE_PROTOCOLS["figure"], rng)
