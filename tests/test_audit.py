"""The audit: planted leaks are found where they are, honest work passes."""

from pathlib import Path

import numpy as np
import pytest
from stand_in import AR, Joint

from qlstm.forecasting import (
    SINE_PROTOCOLS,
    WEATHER_PROTOCOLS,
    Scaler,
    audit,
    load_csv,
    noisy_sine,
    prepare,
    walk_forward,
)
from qlstm.forecasting.audit import RULES, Finding, _ranges
from qlstm.forecasting.data import fit_minmax

TORONTO = (
    Path(__file__).resolve().parents[2]
    / "shared"
    / "data"
    / "toronto_city_centre_2024-05-10_2025-05-10.csv"
)
TARGET, INPUT, ORDER, SCALER, CUT, RECORD, BEFORE = RULES


def series(n=100, seed=0):
    """A random walk, so that no two values are alike."""
    return np.random.default_rng(seed).normal(size=n).cumsum() + 12


def weather(name="strict"):
    """A scaled dataset."""
    return prepare(series(), WEATHER_PROTOCOLS[name], np.random.default_rng(0))


def walk(values=None, forecaster=None, **options):
    """A walk over the last fifth."""
    options = {"n_steps": 5, "first_origin": 80} | options
    rng = np.random.default_rng(0)
    values = series() if values is None else values
    return walk_forward(values, forecaster or AR(), rng=rng, **options)


def broken(work):
    """What the audit finds: (rule, where) -> positions."""
    found = audit(work)
    assert found.passed == (not found.findings)
    return {(f.rule, f.where): f.positions.tolist() for f in found.findings}


# Honest work


@pytest.mark.parametrize("name", ["strict", "figure", "repository"])
def test_splits_in_time_pass(name):
    for seed in range(5):
        protocol, rng = SINE_PROTOCOLS[name], np.random.default_rng(seed)
        assert audit(prepare(noisy_sine(protocol, rng), protocol, rng)).passed


def test_strict_weather_passes_with_gaps():
    values = series()
    values[[30, 68, 69, 85]] = np.nan
    data = prepare(values, WEATHER_PROTOCOLS["strict"], np.random.default_rng(0))
    assert data.train.index.max() == 67
    assert audit(data).passed


@pytest.mark.skipif(not TORONTO.exists(), reason="the data are not on this machine")
def test_toronto():
    values, rng = load_csv(TORONTO).values, np.random.default_rng(0)
    assert audit(prepare(values, WEATHER_PROTOCOLS["strict"], rng)).passed
    found = broken(prepare(values, WEATHER_PROTOCOLS["figure"], rng))
    assert found == {(CUT, "training"): [290, 291]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"refit_every": None},
        {"refit_every": 3, "train_size": 30},
        {"horizon": 4, "strategy": "direct", "validation_size": 8},
        {"horizon": 4, "validation_size": 8, "scaling": "none"},
        {"horizon": 4, "strategy": "joint", "forecaster": Joint(), "stride": 4},
    ],
)
def test_walks_pass(options):
    assert audit(walk(**options)).passed
    values = series()
    values[[40, 90]] = np.nan
    assert audit(walk(values, **options)).passed


# Planted leaks in a dataset


def test_a_random_split_is_found():
    protocol, rng = SINE_PROTOCOLS["text"], np.random.default_rng(0)
    data = prepare(noisy_sine(protocol, rng), protocol, rng)
    found = broken(data)
    first = data.test.index.min()
    assert found.pop((ORDER, "training / test")) == [
        k for k in range(100) if k >= first and k in {*data.train.index}
        | {i for t in data.train.index for i in range(t - 10, t)}
    ]  # fmt: skip
    seen = {i for t in data.train.index for i in range(t - 10, t)}
    assert found.pop((INPUT, "training / test")) == sorted(seen & {*data.test.index})
    assert not found


def test_figure_s_two_cuts_are_found():
    found = broken(weather("figure"))
    assert found == {(CUT, "training"): [80, 81]}


def test_a_scaler_on_all_data_is_found():
    data = weather()
    whole = fit_minmax(data.values)
    ratio = data.scaler.scale / whole.scale
    shift = (data.scaler.offset - whole.offset) / whole.scale
    parts = [
        part._replace(
            inputs=part.inputs * ratio + shift, targets=part.targets * ratio + shift
        )
        for part in data[:3]
    ]
    leaky = data._replace(
        train=parts[0], validation=parts[1], test=parts[2], scaler=whole,
        scaler_index=np.arange(100),
    )  # fmt: skip
    assert broken(leaky) == {
        (SCALER, "scaler / validation"): list(range(70, 100)),
        (SCALER, "scaler / test"): list(range(80, 100)),
    }
    # one that claims to know the training part only is found as well
    assert broken(leaky._replace(scaler_index=data.scaler_index)) == {
        (RECORD, "training"): list(range(70))
    }
    assert broken(leaky._replace(scaler_index=np.arange(0))) == {
        (RECORD, "training"): list(range(100))
    }


def test_one_day_too_many_in_the_scaler_is_found():
    data = weather()
    index = np.arange(71)
    leaky = data._replace(scaler_index=index, scaler=fit_minmax(data.values[index]))
    assert (SCALER, "scaler / validation") in broken(leaky)
    assert broken(leaky)[SCALER, "scaler / validation"] == [70]


def test_training_on_the_test_part_is_found():
    data = weather()
    both = [np.concatenate(pair) for pair in zip(data.train, data.test, strict=True)]
    found = broken(data._replace(train=type(data.train)(*both)))
    assert found[TARGET, "training / test"] == list(range(80, 100))
    assert found[INPUT, "training / test"] == list(range(80, 99))
    assert found[INPUT, "training / validation"] == list(range(70, 80))
    assert (TARGET, "training / validation") not in found
    assert found[CUT, "training"] == list(range(80, 100))


def test_validation_behind_the_test_part_is_found():
    data = weather()
    found = broken(data._replace(validation=data.test, test=data.validation))
    assert found[ORDER, "validation / test"] == list(range(70, 100))
    assert found[INPUT, "validation / test"] == list(range(70, 80))
    assert (TARGET, "validation / test") not in found


def test_training_behind_the_test_part_is_found():
    data = weather()
    found = broken(data._replace(train=data.test, test=data.train))
    assert found[ORDER, "training / test"] == list(range(70, 100))
    assert found[CUT, "training"] == list(range(80, 100))
    assert not {(TARGET, "training / test"), (INPUT, "training / test")} & set(found)


@pytest.mark.parametrize("shift", [1, -1, 3])
def test_windows_that_see_their_target_are_found(shift):
    data = weather()
    scaled = data.scaler.transform(data.values)
    index = data.test.index[:-3]
    inputs = scaled[index[:, None] + np.arange(-10, 0) + shift][:, :, None]
    test = type(data.test)(inputs, scaled[index], index)
    assert broken(data._replace(test=test)) == {(BEFORE, "test"): index.tolist()}


def test_one_wrong_value_is_found():
    data = weather()
    data.train.inputs[7, 3] += 1e-6
    assert broken(data) == {(BEFORE, "training"): [17]}
    data = weather()
    data.test.targets[4] += 1e-6
    assert broken(data) == {(BEFORE, "test"): [84]}


def test_positions_outside_of_the_series_are_found():
    data = weather()
    far = data.test._replace(index=data.test.index + 500)
    assert broken(data._replace(test=far)) == {(BEFORE, "test"): [*range(580, 600)]}
    early = data.train._replace(index=data.train.index - 300)
    found = broken(data._replace(train=early))
    assert found == {(BEFORE, "training"): [*range(-290, -230)]}


# Planted leaks in a walk


def plant(found, k, **changes):
    """The walk with one training's record changed."""
    fits = list(found.fits)
    fits[k] = fits[k]._replace(**changes)
    return found._replace(fits=tuple(fits))


def test_a_walk_s_scaler_on_all_data_is_found():
    found = walk(refit_every=10)
    leaky = plant(
        found, 1, scaler_index=np.arange(100), scaler=fit_minmax(found.values)
    )
    assert broken(leaky) == {(SCALER, "fit 1"): list(range(90, 100))}
    leaky = plant(found, 0, scaler=Scaler(0.0, 50.0))
    assert broken(leaky) == {(RECORD, "fit 0"): list(range(80))}
    leaky = plant(walk(scaling="none"), 2, scaler=Scaler(0.0, 50.0))
    assert broken(leaky) == {(RECORD, "fit 2"): list(range(100))}


def test_a_walk_s_training_on_its_targets_is_found():
    found = walk(refit_every=10, scaling="none")
    leaky = plant(found, 0, train_index=np.arange(5, 81))
    assert broken(leaky) == {
        (TARGET, "fit 0, training"): [80],
        (ORDER, "fit 0, training"): [80],
    }
    leaky = plant(found, 0, input_index=np.arange(82))
    assert broken(leaky) == {
        (INPUT, "fit 0, training"): [80, 81],
        (ORDER, "fit 0, training"): [80, 81],
    }
    late = plant(found, 0, train_index=np.arange(95, 100))
    assert broken(late) == {(ORDER, "fit 0, training"): list(range(95, 100))}


def test_a_training_used_before_its_time_is_found():
    found = walk(refit_every=10)
    early = found._replace(fit_index=np.ones(20, dtype=int))
    assert broken(early)[ORDER, "fit 1, training"] == list(range(80, 90))
    assert broken(early)[SCALER, "fit 1"] == list(range(80, 90))


def test_a_walk_s_validation_is_watched():
    found = walk(refit_every=None, validation_size=8)
    leaky = plant(found, 0, validation_index=np.arange(72, 83))
    assert broken(leaky) == {
        (TARGET, "fit 0, validation"): [80, 81, 82],
        (ORDER, "fit 0, validation"): [80, 81, 82],
    }
    leaky = plant(found, 0, validation_index=np.arange(70, 80))
    assert broken(leaky) == {
        (TARGET, "fit 0, training / validation"): [70, 71],
        (INPUT, "fit 0, training / validation"): [70],
        (ORDER, "fit 0, training / validation"): [70, 71],
        (SCALER, "fit 0"): [70, 71],
    }


def test_a_walk_s_training_beyond_its_scaler_is_found():
    found = walk(refit_every=None)
    index = np.arange(70)
    leaky = plant(found, 0, scaler_index=index, scaler=fit_minmax(found.values[index]))
    assert broken(leaky) == {(CUT, "fit 0"): list(range(70, 80))}


def test_targets_that_were_seen_are_found():
    found = walk(refit_every=None, horizon=2)
    late = found._replace(origins=found.origins + 1)
    assert broken(late) == {(BEFORE, "origins"): list(range(80, 99))}
    other = found._replace(targets=found.targets + (found.index == 85))
    assert broken(other) == {(BEFORE, "targets"): [85]}
    short = found._replace(n_steps=81)
    assert broken(short) == {(BEFORE, "start of series"): [80]}


# Report


def test_the_table():
    lines = str(audit(weather("figure"))).splitlines()
    assert len(lines) == len(RULES) + 1
    assert [line.split()[-1] for line in lines if line[0] != " "] == (
        4 * ["kept"] + ["BROKEN"] + 2 * ["kept"]
    )
    assert lines[5] == "    training: positions 80-81 (2 in all)"
    assert len({line.index(line.split()[-1]) for line in lines if line[0] != " "}) == 1
    (finding,) = audit(weather("figure")).findings
    assert str(finding) == f"{CUT}: training, positions 80-81 (2 in all)"
    assert isinstance(finding, Finding)


def test_findings_come_in_the_order_of_the_rules():
    data = weather()
    both = [np.concatenate(pair) for pair in zip(data.train, data.test, strict=True)]
    rules = [
        f.rule for f in audit(data._replace(train=type(data.train)(*both))).findings
    ]
    assert rules == sorted(rules, key=RULES.index) and len(set(rules)) == 4


def test_positions_are_written_as_ranges():
    assert _ranges(np.array([3])) == "3 (1 in all)"
    assert _ranges(np.array([1, 2, 3, 7, 9, 10])) == "1-3, 7, 9-10 (6 in all)"
    assert _ranges(np.arange(0, 20, 2)) == "0, 2, 4, 6, 8, 10, ... (10 in all)"


def test_other_things_cannot_be_audited():
    with pytest.raises(
        TypeError, match="`work` must be a Dataset or a WalkForward, but"
    ):
        audit([1, 2])
