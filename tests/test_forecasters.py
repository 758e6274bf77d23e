"""The registry, and what all forecasters have in common."""

import json
import pickle
import re
from dataclasses import FrozenInstanceError, dataclass, fields
from pathlib import Path

import numpy as np
import pytest

from qlstm import QLSTMConfig, fit, init_params, predict
from qlstm.forecasting import (
    FORECASTERS,
    SINE_PROTOCOLS,
    Fitted,
    Forecaster,
    Quantum,
    forecast_with,
    forecaster_options,
    make_forecaster,
    noisy_sine,
    prepare,
    recursive_forecast,
    register_forecaster,
    walk_forward,
)
from qlstm.params import MEMORIES

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"n_system": 1, "n_ancilla": 1, "n_layers": 1}
OPTIONS = {
    "seasonal-naive": {"season": 3},
    "ar": {"p": 2},
    "rnn": {"hidden": 2, "epochs": 2},
    "lstm": {"match_params": 24, "epochs": 2},
    "reservoir": SMALL,
    "quantum": {**SMALL, "epochs": 2},
}
"""Options that make each one quick."""
N_PARAMS = {
    "persistence": 0,
    "drift": 0,
    "mean": 1,
    "seasonal-naive": 0,
    "ar": 3,
    "ridge": 6,
    "rnn": 11,
    "lstm": 14,
    "reservoir": 5,
    "quantum": 8,
}

every = pytest.mark.parametrize("name", FORECASTERS)


def data(n=12, n_steps=5, n_features=1, horizon=None):
    """Windows and targets within [-1, 1]."""
    rng = np.random.default_rng(0)
    shape = (n,) if horizon is None else (n, horizon)
    return rng.uniform(-1, 1, (n, n_steps, n_features)), rng.uniform(-1, 1, shape)


def quick(name):
    """A forecaster with options that make it quick."""
    return make_forecaster(name, **OPTIONS.get(name, {}))


def fitted(name, inputs, targets, seed=1, validation=None):
    """The same after its fit."""
    rng = np.random.default_rng(seed)
    return quick(name).fit(inputs, targets, rng=rng, validation=validation)


@every
def test_a_forecast_has_the_shape_of_the_targets(name):
    inputs, targets = data()
    model = fitted(name, inputs, targets)
    predicted = model.predict(inputs[:4])
    assert (predicted.shape, predicted.dtype) == ((4,), np.float64)
    assert np.isfinite(predicted).all()
    assert model.n_params == N_PARAMS[name]


@pytest.mark.parametrize("horizon", [1, 2])
@every
def test_a_forecast_has_a_column_for_every_lead(name, horizon):
    inputs, targets = data(horizon=horizon)
    options = OPTIONS.get(name, {})
    if name == "quantum":
        options = {**options, "n_system": 2}
    forecaster = make_forecaster(name, **options)

    def predicted(targets):
        rng = np.random.default_rng(1)
        return forecaster.fit(inputs, targets, rng=rng).predict(inputs)

    assert predicted(targets).shape == (12, horizon)
    if horizon == 1:
        np.testing.assert_array_equal(
            predicted(targets)[:, 0], predicted(targets[:, 0])
        )


def test_a_quantum_model_has_a_wire_for_every_lead():
    text = "`n_outputs` must be at most `n_system`, .* is 2 for 1 wire"
    with pytest.raises(ValueError, match=text):
        fitted("quantum", *data(horizon=2))


@every
def test_lists_are_taken_and_arguments_are_not_modified(name):
    inputs, targets = data()
    kept = inputs.copy(), targets.copy()
    predicted = fitted(name, inputs, targets).predict(inputs)
    from_lists = fitted(name, inputs.tolist(), targets.tolist())
    np.testing.assert_array_equal(predicted, from_lists.predict(inputs.tolist()))
    np.testing.assert_array_equal(inputs, kept[0])
    np.testing.assert_array_equal(targets, kept[1])


@every
def test_the_same_seed_gives_the_same_bits(name):
    first, again = (fitted(name, *data()) for _ in range(2))
    inputs, _ = data()
    np.testing.assert_array_equal(first.predict(inputs), again.predict(inputs))


@every
def test_a_window_is_forecast_alone_as_in_a_batch(name):
    inputs, targets = data()
    model = fitted(name, inputs, targets)
    alone = [model.predict(window[None])[0] for window in inputs]
    np.testing.assert_allclose(model.predict(inputs), alone, rtol=0, atol=1e-14)


@every
def test_validation_data_do_not_change_a_plain_fit(name):
    inputs, targets = data()
    held_out = inputs[:3] / 2, targets[:3] / 3
    with_it = fitted(name, inputs, targets, validation=held_out)
    without = fitted(name, inputs, targets)
    np.testing.assert_array_equal(with_it.predict(inputs), without.predict(inputs))


@every
def test_more_features_are_taken(name):
    inputs, targets = data(n_features=2)
    assert fitted(name, inputs, targets).predict(inputs).shape == (12,)


@every
def test_a_fitted_forecaster_can_be_pickled(name):
    inputs, targets = data()
    model = fitted(name, inputs, targets)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(inputs), model.predict(inputs))


@every
def test_a_forecaster_is_frozen_and_its_options_are_json(name):
    forecaster = quick(name)
    options = json.loads(json.dumps(OPTIONS.get(name, {})))
    assert make_forecaster(name, **options) == forecaster
    for field in fields(forecaster):
        with pytest.raises(FrozenInstanceError):
            setattr(forecaster, field.name, None)


@every
def test_options_are_read_and_changed_as_in_scikit_learn(name):
    forecaster = quick(name)
    options = forecaster.get_params()
    assert tuple(options) == forecaster_options(name)
    assert OPTIONS.get(name, {}).items() <= options.items()
    assert make_forecaster(name, **options) == forecaster.clone() == forecaster


def test_a_clone_differs_where_it_should():
    model = Quantum(QLSTMConfig(rotation="RY"), epochs=20)
    other = model.clone(memory="mixed", patience=3)
    config = QLSTMConfig(rotation="RY", memory="mixed")
    assert other == Quantum(config, epochs=20, patience=3)
    assert model.config.memory == "collapse"
    with pytest.raises(ValueError, match="`epochs` must be at least 1"):
        model.clone(epochs=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        model.clone(epoch=3)


@every
def test_several_are_fitted_as_one_by_one(name):
    inputs, targets = data()
    held_out = inputs[:3] / 2, targets[:3] / 3
    seeds = (1, 2, 3)
    shared = quick(name).fit_many(
        inputs, targets, rngs=map(np.random.default_rng, seeds), validation=held_out
    )
    alone = [fitted(name, inputs, targets, seed, held_out) for seed in seeds]
    many = [inputs[k:] for k in range(3)], [targets[k:] for k in range(3)]
    own = quick(name).fit_many(*many, rngs=map(np.random.default_rng, seeds))
    alone += [fitted(name, *one) for one in zip(*many, seeds, strict=True)]
    for ours, expected in zip((*shared, *own), alone, strict=True):
        np.testing.assert_array_equal(ours.predict(inputs), expected.predict(inputs))


def test_several_need_a_set_each():
    inputs, targets = data()
    rngs = np.random.default_rng(0).spawn(3)
    mean = make_forecaster("mean")
    text = "`inputs` must hold a set for each of 3 generators, but holds 2"
    with pytest.raises(ValueError, match=text):
        mean.fit_many([inputs] * 2, [targets] * 3, rngs=rngs)
    with pytest.raises(ValueError, match="`validation` must hold .* but holds 1"):
        mean.fit_many([inputs] * 3, [targets] * 3, rngs=rngs, validation=[None])
    with pytest.raises(ValueError, match="`inputs` must have shape"):
        mean.fit_many([], [], rngs=rngs)


@dataclass(frozen=True)
class Damped(Forecaster):
    """A forecaster of one's own: a share of the last value, for all leads."""

    share: float = 0.5

    def _fit(self, examples, rng, validation):
        return FittedDamped(examples.layout, 0, self.share)


@dataclass(frozen=True, eq=False)
class FittedDamped(Fitted):
    share: float

    def _predict(self, inputs):
        return np.repeat(self.share * inputs[:, -1:, 0], self.layout.n_outputs, axis=1)


def test_a_forecaster_of_one_s_own_goes_where_the_others_go(monkeypatch):
    monkeypatch.setattr("qlstm.forecasting.forecasters.FORECASTERS", dict(FORECASTERS))
    register_forecaster("damped", Damped)
    damped = make_forecaster("damped", share=0.25)
    assert damped == Damped().clone(share=0.25)
    protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    last = dataset.test.inputs[:, -1, 0]
    found = forecast_with("damped", damped, dataset, seed=0)
    np.testing.assert_array_equal(found.test_predictions, 0.25 * last)
    fitted_once = damped.fit(*dataset.train[:2], rng=rng)
    powers = recursive_forecast(fitted_once, dataset.test.inputs, 3)
    np.testing.assert_allclose(powers, np.outer(last, [1 / 4, 1 / 16, 1 / 64]))
    for strategy in ("joint", "direct"):
        walk = walk_forward(
            dataset.values,
            damped,
            n_steps=4,
            first_origin=70,
            rng=rng,
            horizon=2,
            strategy=strategy,
            scaling="none",
        )
        expected = 0.25 * dataset.values[walk.origins - 1]
        np.testing.assert_allclose(walk.predictions, np.outer(expected, [1, 1]))
    with pytest.raises(ValueError, match="10 steps of 1 features"):
        fitted_once.predict(np.ones((2, 3, 1)))
    with pytest.raises(ValueError, match=r"must be among share, but one is 'rate'"):
        make_forecaster("damped", rate=1)


def test_what_cannot_be_registered(monkeypatch):
    monkeypatch.setattr("qlstm.forecasting.forecasters.FORECASTERS", dict(FORECASTERS))
    register_forecaster("quantum", Quantum)  # known by this name already
    with pytest.raises(ValueError, match="must be a new name, but is 'quantum'"):
        register_forecaster("quantum", Damped)
    for kind in (FittedDamped, Damped()):
        with pytest.raises(TypeError, match="must be a class derived from Forecaster"):
            register_forecaster("other", kind)


BAD_DATA = {
    "two axes": (np.ones((4, 5)), np.ones(4), r"`inputs` must have shape .*\(4, 5\)"),
    "no windows": (np.ones((0, 5, 1)), np.ones(0), r"none of them 0, but has \(0, 5"),
    "nan": (
        np.full((4, 5, 1), np.nan),
        np.ones(4),
        "`inputs` must be finite, but sample 0",
    ),
    "length": (
        np.ones((4, 5, 1)),
        np.ones(3),
        r"`targets` must have shape \(4,\) or \(4, horizon\), but has \(3,\)",
    ),
    "three axes": (np.ones((4, 5, 1)), np.ones((4, 1, 1)), r"but has \(4, 1, 1\)"),
    "no leads": (np.ones((4, 5, 1)), np.ones((4, 0)), r"but has \(4, 0\)"),
    "inf": (
        np.ones((4, 5, 1)),
        [1, 1, np.inf, 1],
        "`targets` must be finite, but sample 2 holds inf",
    ),
}


@pytest.mark.parametrize("case", BAD_DATA)
@every
def test_data_that_cannot_be_fitted_are_refused(name, case):
    inputs, targets, text = BAD_DATA[case]
    with pytest.raises(ValueError, match=text):
        fitted(name, inputs, targets)


@every
def test_windows_of_another_layout_are_refused(name):
    model = fitted(name, *data())
    for shape in [(3, 4, 1), (3, 5, 2)]:
        text = rf"5 steps of 1 features, as in training, but has shape \({shape[0]}, "
        with pytest.raises(ValueError, match=text):
            model.predict(np.ones(shape))
    with pytest.raises(ValueError, match="`inputs` must be finite, but sample 1"):
        model.predict([[[0.0]] * 5, [[np.inf]] * 5])


@every
def test_validation_data_of_another_layout_are_refused(name):
    inputs, targets = data()
    with pytest.raises(ValueError, match=r"layout \(5, 1, None\) .* \(4, 1, None\)"):
        fitted(name, inputs, targets, validation=(inputs[:, 1:], targets))


def test_unknown_names_are_refused_with_the_known_ones():
    known = ", ".join(FORECASTERS)
    with pytest.raises(ValueError, match=f"one of {known}, but is 'arima'"):
        make_forecaster("arima")
    with pytest.raises(ValueError, match=f"one of {known}, but is 'arima'"):
        forecaster_options("arima")


@every
def test_unknown_options_are_refused_with_the_known_ones(name):
    known = ", ".join(forecaster_options(name)) or "none"
    text = f"Options of '{name}' must be among {known}, but one is 'sieson'."
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        make_forecaster(name, sieson=3)
    assert "\n" not in str(caught.value)


def test_a_missing_option_is_named():
    text = "Options of 'seasonal-naive' must hold 'season', but are none"
    with pytest.raises(ValueError, match=text):
        make_forecaster("seasonal-naive")


def test_a_quantum_cell_takes_every_field_of_its_configuration():
    names = {field.name for field in fields(QLSTMConfig)}
    for name in ("quantum", "reservoir"):
        assert names <= set(forecaster_options(name))
        assert "config" not in forecaster_options(name)
        assert make_forecaster(name).config == QLSTMConfig()
        options = {"rotation": "RY", "n_layers": 3}
        assert make_forecaster(name, **options).config == QLSTMConfig(**options)
        with pytest.raises(ValueError, match="`memory` must be one of"):
            make_forecaster(name, memory="none")


@pytest.mark.parametrize("memory", MEMORIES)
def test_the_quantum_forecaster_is_the_model(memory):
    """What `fit` makes of the same parameters, shuffles and draws."""
    protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    config = QLSTMConfig(**SMALL, memory=memory)
    init_rng, shuffle_rng, draw_rng = np.random.default_rng(4).spawn(3)
    held_out = dataset.validation[:2]
    params, history = fit(
        init_params(config, init_rng),
        *dataset.train[:2],
        config,
        epochs=2,
        rng=shuffle_rng,
        validation=held_out,
    )
    forecaster = make_forecaster("quantum", **SMALL, memory=memory, epochs=2)
    rng = np.random.default_rng(4)
    model = forecaster.fit(*dataset.train[:2], rng=rng, validation=held_out)
    for ours, theirs in zip(model.params, params, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for key in ("loss", "val_loss"):
        assert model.history[key] == history[key]
    inputs, draws = dataset.test.inputs, np.random.default_rng(draw_rng.integers(2**63))
    expected = predict(params, inputs, config, rng=draws)
    for _ in range(2):  # the draws of `sampled` are the same each time
        np.testing.assert_array_equal(model.predict(inputs), expected)
    found = forecast_with("", forecaster, dataset, seed=4)
    np.testing.assert_array_equal(found.test_predictions, expected)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4, "learning_rate": 0.05},
        {"gradient": "finite-difference"},
        {"schedule": "cosine", "clip_norm": 0.1},
    ],
)
def test_options_of_training_reach_the_quantum_model(options):
    inputs, targets = data()
    forecaster = make_forecaster("quantum", **SMALL, epochs=3, **options)
    model = forecaster.fit(inputs, targets, rng=np.random.default_rng(1))
    config = QLSTMConfig(**SMALL)
    init_rng, shuffle_rng, _ = np.random.default_rng(1).spawn(3)
    start = init_params(config, init_rng)
    params, _ = fit(
        start, inputs, targets, config, epochs=3, rng=shuffle_rng, **options
    )
    for ours, expected in zip(model.params, params, strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("horizon", [None, 2])
def test_a_loss_over_all_steps_takes_its_targets_from_the_windows(horizon):
    """Each step's targets are the values after it, as far as a forecast reaches."""
    inputs, targets = data(horizon=horizon)
    options = {"n_system": 2, "n_ancilla": 1, "loss": "all", "epochs": 2}
    model = make_forecaster("quantum", **options).fit(
        inputs, targets, rng=np.random.default_rng(1), validation=(inputs, targets)
    )
    outputs = predict(model.params, inputs, model.config, all_steps=True)
    series = np.column_stack([inputs[:, :, 0], targets])
    if horizon is None:
        goals = series[:, 1:]
    else:
        goals = np.stack([series[:, 1:-1], series[:, 2:]], axis=2)
    loss = np.mean((outputs - goals) ** 2)
    assert model.history["val_loss"][-1] == pytest.approx(loss, rel=1e-12)


def test_patience_stops_the_quantum_model_at_its_best_epoch():
    rng = np.random.default_rng(2)
    inputs, held_out = rng.uniform(-1, 1, (2, 10, 3, 1))
    targets, goals = rng.uniform(-1, 1, (2, 10))
    forecaster = make_forecaster(
        "quantum", **SMALL, epochs=200, learning_rate=0.1, patience=5
    )
    model = forecaster.fit(inputs, targets, rng=rng, validation=(held_out, goals))
    losses = model.history["val_loss"]
    assert len(losses) == int(np.argmin(losses)) + 6 < 200
    error = np.mean((model.predict(held_out) - goals) ** 2)
    assert error == pytest.approx(min(losses), rel=1e-12)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"learning_rate": -1.0}, "`learning_rate` must be positive"),
        ({"patience": 0}, "`patience` must be at least 1"),
        ({"schedule": "guess"}, "`schedule` must be one of constant, "),
        ({"gradient": "guess"}, "`gradient` must be one of reverse, "),
    ],
)
def test_options_of_the_quantum_model_are_checked(options, text):
    with pytest.raises(ValueError, match=text):
        make_forecaster("quantum", **options)


def test_any_forecaster_can_be_measured_on_a_dataset():
    protocol, rng = SINE_PROTOCOLS["strict"], np.random.default_rng(0)
    dataset = prepare(noisy_sine(protocol, rng), protocol, rng)
    found = forecast_with("net", make_forecaster("rnn", epochs=3), dataset, seed=2)
    model = make_forecaster("rnn", epochs=3).fit(
        *dataset.train[:2], rng=np.random.default_rng(2)
    )
    expected = model.predict(dataset.test.inputs)
    assert found.name == "net"
    np.testing.assert_array_equal(found.test_predictions, expected)


def test_sections_and_equations_of_the_page_are_counted_and_cited_rightly():
    page = (ROOT / "docs" / "baselines.md").read_text(encoding="utf-8")
    tags = re.findall(r"\\tag\{(\d+)\}", page)
    assert tags == [str(k) for k in range(1, len(tags) + 1)]
    sections = re.findall(r"^## (\d+)\. ", page, flags=re.MULTILINE)
    assert sections == [str(k) for k in range(1, len(sections) + 1)]
    cited = re.compile(
        r"docs/baselines\.md, (section|eq)s?\.? (\d+)(?:(?: to | and |, )(\d+))?"
    )
    n_cited = 0
    for source in (ROOT / "qlstm").rglob("*.py"):
        text = re.sub(r"\s+(?:# )?", " ", source.read_text(encoding="utf-8"))
        for kind, first, last in cited.findall(text):
            known = sections if kind == "section" else tags
            assert {first, last or first} <= set(known), f"{source.name}: {first}"
            n_cited += 1
    assert n_cited > 5
