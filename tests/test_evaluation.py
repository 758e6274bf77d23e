"""Walk-forward: against loops written again, by hand, and blind to the future."""

import dataclasses
import types

import numpy as np
import pytest
from stand_in import AR, Joint, Noise, Persistence

from qlstm.forecasting import (
    WEATHER_PROTOCOLS,
    audit,
    errors,
    horizon_errors,
    prepare,
    recursive_forecast,
    walk_forward,
)
from qlstm.forecasting.baselines import Autoregression
from qlstm.forecasting.evaluation import STRATEGIES

every_strategy = pytest.mark.parametrize(
    "strategy, forecaster",
    [("recursive", AR), ("direct", AR), ("joint", Joint)],
    ids=STRATEGIES,
)


def linear(coefficients, intercept):
    """A fitted linear forecast, by its definition."""
    weights = np.asarray(coefficients)

    def predict(inputs):
        return np.asarray(inputs)[:, :, 0] @ weights + intercept

    return types.SimpleNamespace(predict=predict)


def series(n=120, seed=0):
    """A slow wave with noise, in degrees."""
    noise = np.random.default_rng(seed).normal(0, 2, n)
    return 10 + 15 * np.sin(np.arange(n) / 9) + noise


def walk(values, forecaster, seed=0, **options):
    """`walk_forward` with defaults for tests."""
    options = {"n_steps": 5, "first_origin": 80} | options
    return walk_forward(values, forecaster, rng=np.random.default_rng(seed), **options)


def windows(part, n_steps, ahead=1):
    """Windows and the values `ahead` steps after them, one by one."""
    starts = range(len(part) - n_steps - ahead + 1)
    inputs = np.array([part[k : k + n_steps] for k in starts])[:, :, None]
    return inputs, np.array([part[k + n_steps + ahead - 1] for k in starts])


# Walking


def test_without_refit_it_is_one_evaluation():
    values = series()
    protocol = dataclasses.replace(
        WEATHER_PROTOCOLS["strict"], train_share=0.7, val_share=0.0, n_steps=5
    )
    data = prepare(values, protocol, np.random.default_rng(0))
    model = Autoregression().fit(data.train.inputs, data.train.targets, rng=None)
    found = walk(values, AR(), first_origin=84, refit_every=None)
    np.testing.assert_allclose(
        found.predictions[:, 0],
        data.scaler.inverse(model.predict(data.test.inputs)),
        rtol=1e-12,
    )
    np.testing.assert_array_equal(found.index[:, 0], data.test.index)
    np.testing.assert_array_equal(found.targets[:, 0], values[84:])
    (fit,) = found.fits
    assert fit.scaler == data.scaler
    np.testing.assert_array_equal(fit.scaler_index, data.scaler_index)
    np.testing.assert_array_equal(fit.train_index, data.train.index)
    np.testing.assert_array_equal(fit.input_index, np.unique(data.train.input_index))
    assert fit.validation_index.size == 0 and not found.fit_index.any()


@pytest.mark.parametrize("train_size", [None, 40])
@pytest.mark.parametrize("every", [1, 7])
def test_refitting_is_a_loop(train_size, every):
    values = series()
    found = walk(values, AR(), refit_every=every, train_size=train_size)
    for row, origin in enumerate(range(80, 120)):
        fitted_at = origin - row % every
        start = 0 if train_size is None else fitted_at - train_size
        part = values[start:fitted_at]
        low, span = part.min(), part.max() - part.min()
        model = Autoregression().fit(*windows((part - low) / span, 5), rng=None)
        seen = (values[origin - 5 : origin] - low) / span
        wanted = model.predict(seen[None, :, None])[0] * span + low
        assert found.predictions[row, 0] == pytest.approx(wanted, rel=1e-12)
        fit = found.fits[found.fit_index[row]]
        np.testing.assert_array_equal(fit.scaler_index, np.arange(start, fitted_at))
        np.testing.assert_array_equal(fit.train_index, np.arange(start + 5, fitted_at))
        assert (fit.input_index[0], fit.input_index[-1]) == (start, fitted_at - 2)
    assert len(found.fits) == np.ceil(40 / every)


def test_origins_step_by_the_stride():
    found = walk(series(), AR(), horizon=3, stride=4, refit_every=2)
    np.testing.assert_array_equal(found.origins, range(80, 118, 4))
    np.testing.assert_array_equal(found.index, found.origins[:, None] + [0, 1, 2])
    np.testing.assert_array_equal(found.fit_index, np.arange(10) // 2)
    assert [fit.train_index[-1] for fit in found.fits] == [79, 87, 95, 103, 111]


@every_strategy
def test_the_future_cannot_matter(strategy, forecaster):
    values = series()
    future = values.copy()
    future[100:] = np.random.default_rng(1).normal(1e3, 500, 20)
    options = {"horizon": 3, "strategy": strategy, "validation_size": 10}
    before = walk(values, forecaster(), **options)
    after = walk(future, forecaster(), **options)
    known = before.origins <= 100
    assert before.predictions[known].tobytes() == after.predictions[known].tobytes()
    assert not np.isclose(before.predictions[~known], after.predictions[~known]).any()


def test_scaling_makes_no_difference_to_a_linear_model():
    values = series()
    scaled, plain = (walk(values, AR(), scaling=s) for s in ("minmax", "none"))
    np.testing.assert_allclose(scaled.predictions, plain.predictions, rtol=1e-9)
    assert plain.fits[0].scaler_index.size == 0
    assert plain.fits[0].scaler == (0, 1)


def test_each_training_has_its_own_randomness():
    found = [walk(series(), Noise(), seed, refit_every=10) for seed in (0, 0, 1)]
    assert found[0].predictions.tobytes() == found[1].predictions.tobytes()
    assert len(np.unique(found[0].predictions)) == 4
    assert not np.isin(found[0].predictions, found[2].predictions).any()


def test_validation_is_the_end_of_the_training_part():
    values, forecaster = series(), AR()
    found = walk(values, forecaster, validation_size=12, refit_every=None)
    inputs, targets, validation, _ = forecaster.calls[0]
    fit = found.fits[0]
    np.testing.assert_array_equal(fit.scaler_index, np.arange(68))
    np.testing.assert_array_equal(fit.train_index, np.arange(5, 68))
    np.testing.assert_array_equal(fit.validation_index, np.arange(68, 80))
    np.testing.assert_allclose(fit.scaler.inverse(targets), values[5:68])
    np.testing.assert_allclose(fit.scaler.inverse(validation[1]), values[68:80])
    np.testing.assert_allclose(
        fit.scaler.inverse(validation[0][0, :, 0]), values[63:68]
    )  # inputs may reach back
    assert len(inputs) == 63
    walk(values, forecaster, refit_every=None)
    assert forecaster.calls[1][2] is None


def test_validation_of_joint_targets_keeps_to_its_side():
    found = walk(series(), Joint(), validation_size=12, horizon=4, strategy="joint")
    assert found.fits[0].train_index.max() == 67
    np.testing.assert_array_equal(found.fits[0].validation_index, np.arange(68, 80))


def test_gaps_drop_windows_and_origins():
    values = series()
    values[[40, 100]] = np.nan
    forecaster = AR()
    found = walk(values, forecaster, horizon=2, refit_every=None)
    assert set(range(80, 119)) - set(found.origins) == {101, 102, 103, 104, 105}
    assert np.isnan(found.targets).sum() == 2
    assert np.isfinite(found.predictions).all()
    assert np.isfinite(forecaster.calls[0][0]).all()
    train = found.fits[0].train_index
    assert set(range(5, 80)) - set(train) == {40, 41, 42, 43, 44, 45}
    assert [row.n for row in horizon_errors(found)] == [33, 33]


# Several steps ahead


def test_recursive_forecast_by_hand():
    model = linear([0.5, 2.0], 1.0)
    found = recursive_forecast(model, [[[1.0], [2.0]], [[0.0], [0.0]]], 3)
    # 0.5 + 4 + 1; 1 + 11 + 1; 2.75 + 26 + 1
    np.testing.assert_array_equal(found, [[5.5, 13.0, 29.75], [1.0, 3.0, 7.5]])


def test_recursive_forecast_on_a_window_of_one():
    model = linear([2.0], 0.0)
    assert recursive_forecast(model, [[[1.0]]], 4).tolist() == [[2, 4, 8, 16]]


def test_inputs_are_not_modified():
    inputs = np.ones((1, 3, 1))
    recursive_forecast(linear(np.ones(3), 0.0), inputs, 5)
    assert (inputs == 1).all()


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_the_first_step_is_a_one_step_forecast(strategy):
    values = series()
    one = walk(values, AR())
    many = walk(values, AR(), strategy=strategy, horizon=3)
    np.testing.assert_array_equal(many.predictions[:, 0], one.predictions[:-2, 0])


def test_recursive_is_a_loop():
    values = series()
    found = walk(values, AR(), horizon=4, scaling="none", refit_every=None)
    model = Autoregression().fit(*windows(values[:80], 5), rng=None)
    for row, origin in enumerate(found.origins):
        seen = list(values[origin - 5 : origin])
        for h in range(4):
            seen.append(model.predict(np.array(seen[-5:])[None, :, None])[0])
        np.testing.assert_allclose(found.predictions[row], seen[5:], rtol=1e-9)


def test_direct_is_a_model_a_step():
    values = series()
    found = walk(
        values, AR(), horizon=3, scaling="none", strategy="direct", refit_every=None
    )
    assert len(found.fits[0].models) == 3
    for h in range(3):
        model = Autoregression().fit(*windows(values[:80], 5, h + 1), rng=None)
        inputs = np.array([values[o - 5 : o] for o in found.origins])[:, :, None]
        np.testing.assert_allclose(
            found.predictions[:, h], model.predict(inputs), rtol=1e-9
        )


def test_joint_is_direct_on_the_same_windows():
    values = series()
    found = walk(
        values, Joint(), horizon=3, scaling="none", strategy="joint", refit_every=None
    )
    inputs = windows(values[:80], 5, 3)[0]
    targets = np.column_stack([values[5 + h : 78 + h] for h in range(3)])
    model = Joint().fit(inputs, targets, rng=None)
    seen = np.array([values[o - 5 : o] for o in found.origins])[:, :, None]
    np.testing.assert_allclose(found.predictions, model.predict(seen), rtol=1e-9)
    np.testing.assert_array_equal(found.fits[0].train_index, np.arange(5, 80))


@every_strategy
def test_training_never_reaches_the_origin(strategy, forecaster):
    found = walk(series(), forecaster(), horizon=4, strategy=strategy)
    for row, k in enumerate(found.fit_index):
        fit, origin = found.fits[k], found.origins[row]
        assert fit.train_index.max() == fit.scaler_index.max() == origin - 1
        ahead = 4 if strategy == "joint" else 1
        assert fit.input_index.max() == origin - 1 - ahead


# Errors


def test_horizon_errors_by_hand():
    values = np.array([0.0, 2.0, 1.0, 4.0, 4.0, 2.0, 8.0])
    found = walk(
        values, Persistence(), n_steps=2, first_origin=4, horizon=2, scaling="none"
    )
    one, two = horizon_errors(found)
    assert found.predictions.tolist() == [[4, 4], [4, 4]]
    assert found.targets.tolist() == [[4, 2], [2, 8]]
    assert (one.ahead, one.n, one.errors) == (1, 2, errors([4, 4], [4, 2]))
    assert (two.ahead, two.n, two.errors) == (2, 2, errors([4, 4], [2, 8]))
    assert one.mase == 0.5 and two.mase == 1.5  # naive: (2 + 1 + 3) / 3
    assert one.skill == two.skill == 0


def test_horizon_errors_of_a_better_model():
    found = walk(series(400), AR(), horizon=5, refit_every=None)
    rows = horizon_errors(found)
    for h, row in enumerate(rows):
        gap = found.predictions[:, h] - found.targets[:, h]
        last = found.values[found.origins - 1] - found.targets[:, h]
        assert row.errors.mse == pytest.approx(np.mean(gap**2))
        assert row.skill == pytest.approx(1 - np.mean(gap**2) / np.mean(last**2))
    assert all(row.skill > 0 for row in rows)


# What is refused


@pytest.mark.parametrize(
    "options, text",
    [
        ({"strategy": "other"}, "`strategy` must be one of recursive, direct, joint"),
        ({"scaling": "other"}, "`scaling` must be one of minmax, none, but is"),
        ({"n_steps": 0}, "`n_steps` must be at least 1"),
        ({"horizon": 0}, "`horizon` must be at least 1"),
        ({"stride": 0}, "`stride` must be at least 1"),
        ({"first_origin": 0}, "`first_origin` must be at least 1"),
        ({"refit_every": 0}, "`refit_every` must be at least 1"),
        ({"train_size": 0}, "`train_size` must be at least 1"),
        ({"validation_size": -1}, r"`validation_size \+ 1` must be at least 1"),
        ({"first_origin": 120}, "`first_origin` must leave 5 known values before it"),
        ({"first_origin": 118, "horizon": 3}, "must leave 5 known values before it a"),
        (
            {"train_size": 5},
            "whole window of 5 steps for training, but values 75 to 79",
        ),
        (
            {"first_origin": 5},
            "whole window of 5 steps for training, but values 0 to 4",
        ),
        ({"validation_size": 80}, "`values` must hold two different values"),
    ],
)
def test_what_walk_forward_refuses(options, text):
    with pytest.raises(ValueError, match=text):
        walk(series(), AR(), **options)


@pytest.mark.parametrize("values", [np.ones((120, 1)), [*range(119), np.inf]])
def test_values_are_a_series(values):
    with pytest.raises(
        ValueError, match="`values` must be one-dimensional and hold no"
    ):
        walk(values, AR())


def test_predictions_have_the_right_shape():
    class Wide(Persistence):
        def predict(self, inputs):
            return np.zeros((len(inputs), 2))

    text = r"must predict \(1, 1\), or \(1,\) one step ahead, but predicts \(1, 2\)"
    with pytest.raises(ValueError, match=text):
        walk(series(), Wide())
    with pytest.raises(ValueError, match=r"must predict \(1, 3\).* predicts \(1, 2\)"):
        walk(series(), Wide(), horizon=3, strategy="joint")
    for shape in ((2, 3), (1, 3, 2)):
        with pytest.raises(
            ValueError, match=r"`inputs` must have shape \(n, n_steps, "
        ):
            recursive_forecast(Persistence(), np.zeros(shape), 2)
    with pytest.raises(ValueError, match="`horizon` must be at least 1, but is 0"):
        recursive_forecast(Persistence(), np.zeros((1, 3, 1)), 0)


def test_a_flat_training_window_does_not_end_the_walk():
    values = np.concatenate([np.full(40, 3.0), series()])
    found = walk_forward(
        values,
        AR(),
        n_steps=5,
        first_origin=30,
        rng=np.random.default_rng(0),
        train_size=20,
    )
    assert found.fits[0].scaler == (3.0, 1.0)
    np.testing.assert_array_equal(found.predictions[:5], 3.0)
    assert audit(found).passed
    (row,) = horizon_errors(found)
    assert np.isnan(row.mase) and np.isfinite(row.skill)


def test_persistence_is_perfect():
    values = np.concatenate([series(), np.full(40, 3.0)])
    found = walk(values, AR(), first_origin=len(values) - 20)
    (row,) = horizon_errors(found)
    assert np.isnan(row.skill) and row.errors.mse >= 0


def test_a_masked_entry_is_a_gap_and_a_gap_is_named():
    values = np.asarray(series(), dtype=np.float64)
    day = np.arange(len(values))
    masked = np.ma.array(np.where(day == 20, -9999.0, values), mask=day == 20)
    gaps = np.where(day == 20, np.nan, values)
    for name in ("predictions", "targets", "values"):
        found, wanted = (getattr(walk(v, AR()), name) for v in (masked, gaps))
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match="values are gaps, and at most 1 in a row"):
        walk(np.where(day % 2, np.nan, values), AR())


@pytest.mark.parametrize("rng", [0, None])
def test_a_walk_needs_a_generator(rng):
    with pytest.raises(TypeError, match="`rng` must be a numpy.random.Generator, but"):
        walk_forward(series(), AR(), n_steps=5, first_origin=60, rng=rng)
