"""Schedule, clipping, early stopping, and the options of the readout, in training."""

import warnings

import numpy as np
import pytest

from qlstm import (
    QLSTMConfig,
    adam_init,
    adam_update,
    fit,
    init_params,
    load_model,
    load_state,
    loss_and_grad,
    predict,
    save_model,
    save_state,
    train,
    train_init,
)
from qlstm.insight import EntanglementMonitor, stage_unitaries, trace
from qlstm.params import QLSTMParams, param_shapes
from qlstm.readout import out_of_reach
from qsim.entanglement import schmidt_strength


def draw(seed=0, n=12, **options):
    """A model and data that it can reach."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(rotation="RY", memory="probabilities", **options)
    inputs, targets = rng.uniform(-1, 1, (n, 4, 1)), rng.uniform(-0.5, 0.5, n)
    return init_params(config, rng), inputs, targets, config


def replay(params, inputs, targets, config, rates, clip=None):
    """Full-batch training written again: the parameters after each epoch."""
    adam, found = adam_init(params), []
    for rate in rates:
        _, grads = loss_and_grad(params, inputs, targets, config)
        norm = np.sqrt(sum((g**2).sum() for g in grads))
        if clip is not None and norm > clip:
            grads = type(grads)(*(g * clip / norm for g in grads))
        params, adam = adam_update(params, grads, adam, rate)
        found.append(params)
    return found


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12, rtol=0)


def test_the_cosine_schedule_falls_from_the_rate_to_zero():
    case = draw()
    rates = 0.05 * (1 + np.cos(np.pi * np.arange(6) / 6)) / 2
    options = {"epochs": 6, "batch_size": 99, "learning_rate": 0.05}
    params, _ = fit(*case, **options, rng=np.random.default_rng(0), schedule="cosine")
    assert_same(params, replay(*case, rates)[-1])


def test_long_gradients_are_clipped():
    case = draw()
    _, grads = loss_and_grad(*case)
    clip = 0.3 * float(np.sqrt(sum((g**2).sum() for g in grads)))
    options = {"epochs": 5, "batch_size": 99, "learning_rate": 0.05}
    params, _ = fit(*case, **options, rng=np.random.default_rng(0), clip_norm=clip)
    assert_same(params, replay(*case, [0.05] * 5, clip)[-1])
    free, _ = fit(*case, **options, rng=np.random.default_rng(0), clip_norm=1e9)
    assert_same(free, replay(*case, [0.05] * 5)[-1])


def test_early_stopping_restores_the_best_epoch():
    params, inputs, targets, config = draw(1, n=30)
    validation = inputs[20:], -targets[20:]  # what is learnt must hurt here
    seen = []
    options = {
        "epochs": 200,
        "learning_rate": 0.05,
        "validation": validation,
        "patience": 7,
        "callback": lambda state: seen.append(state),
    }
    rng = np.random.default_rng(0)
    best, history = fit(params, inputs[:20], targets[:20], config, **options, rng=rng)
    losses = history["val_loss"]
    epoch = int(np.argmin(losses))
    assert len(losses) == epoch + 1 + 7 < 200
    assert_same(best, seen[epoch].params)
    assert seen[-1].best_epoch == epoch + 1
    y = predict(best, validation[0], config)
    assert np.mean((y - validation[1]) ** 2) == pytest.approx(min(losses), abs=1e-14)


def test_a_stopped_run_stays_stopped_when_it_is_continued(tmp_path):
    params, inputs, targets, config = draw(1, n=30)
    options = {
        "epochs": 200,
        "learning_rate": 0.05,
        "validation": (inputs[20:], -targets[20:]),
        "patience": 3,
    }
    state = train_init(params, np.random.default_rng(0))
    state = train(state, inputs[:20], targets[:20], config, **options)
    save_state(tmp_path / "state.npz", state, config)
    loaded, _ = load_state(tmp_path / "state.npz")
    again = train(loaded, inputs[:20], targets[:20], config, **options)
    assert again.epoch == state.epoch == state.best_epoch + 3


def test_an_affine_readout_reaches_beyond_one(tmp_path):
    options = {"readout": "affine", "loss": "last"}
    params, inputs, _, config = draw(2, n=40, **options)
    targets = 5 + 2 * inputs[:, -1, 0]
    settings = {"epochs": 150, "learning_rate": 0.05}
    params, history = fit(
        params, inputs, targets, config, **settings, rng=np.random.default_rng(0)
    )
    assert history["loss"][-1] < 0.05 * history["loss"][0]
    save_model(tmp_path / "model.npz", params, config)
    loaded, loaded_config = load_model(tmp_path / "model.npz")
    assert type(loaded) is type(param_shapes(config)) and loaded_config == config
    assert isinstance(loaded, QLSTMParams)
    assert_same(loaded, params)
    state = train_init(params, np.random.default_rng(0))
    save_state(tmp_path / "state.npz", state, config)
    assert_same(load_state(tmp_path / "state.npz")[0].params, params)


def test_vector_targets_are_learnt():
    rng = np.random.default_rng(0)
    config = QLSTMConfig(rotation="RY", memory="mixed", n_outputs=2)
    inputs = rng.uniform(-0.7, 0.7, (40, 5, 1))
    targets = np.stack([inputs[:, -1, 0], -inputs[:, -1, 0]], axis=1)
    _, history = fit(
        init_params(config, rng),
        inputs,
        targets,
        config,
        epochs=60,
        learning_rate=0.05,
        rng=rng,
    )
    assert history["loss"][-1] < 0.1 * history["loss"][0]


def test_targets_out_of_reach_are_said():
    params, inputs, targets, config = draw()
    options = {"epochs": 1, "rng": np.random.default_rng(0)}
    with pytest.warns(UserWarning, match=r"2 of 12 targets cannot be met: <Z> stays"):
        fit(params, inputs, np.r_[1.5, -1.1, targets[2:]], config, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(params, inputs, targets, config, **options)


def test_reach_depends_on_the_readout():
    inputs = np.full((2, 3, 1), 0.9)
    targets = np.array([1.2, -0.2])
    assert out_of_reach(targets, inputs, QLSTMConfig()) == 1
    change = QLSTMConfig(predicts="change")  # from 0.9: +0.3 and -1.1
    assert out_of_reach(targets, inputs, change) == 1
    assert out_of_reach(targets, inputs, QLSTMConfig(readout="affine")) == 0
    every = QLSTMConfig(predicts="change", loss="all")
    assert out_of_reach(np.full((2, 3), -0.2), inputs, every) == 6


def test_frozen_arrays_keep_their_values():
    params, inputs, targets, config = draw()
    frozen = ("entangler", "proj_bias")
    options = {"epochs": 4, "learning_rate": 0.05, "rng": np.random.default_rng(0)}
    trained, _ = fit(params, inputs, targets, config, **options, frozen=frozen)
    for name in params._fields:
        same = np.array_equal(getattr(trained, name), getattr(params, name))
        assert same == (name in frozen)


def test_frozen_arrays_stay_when_a_run_is_continued():
    params, inputs, targets, config = draw()
    options = {"learning_rate": 0.05}
    state = train_init(params, np.random.default_rng(0))
    state = train(state, inputs, targets, config, epochs=3, **options)
    names = params._fields
    again = train(state, inputs, targets, config, epochs=6, frozen=names, **options)
    assert_same(again.params, state.params)


def test_measuring_does_not_change_the_training_of_sampled():
    rng = np.random.default_rng(0)
    config = QLSTMConfig(memory="sampled")
    inputs, targets = rng.uniform(-1, 1, (8, 4, 1)), rng.uniform(-0.5, 0.5, 8)
    params = init_params(config, rng)
    watch = EntanglementMonitor(inputs, config, rng)
    found = [
        fit(
            params,
            inputs,
            targets,
            config,
            epochs=3,
            rng=np.random.default_rng(1),
            **extra,
        )[0]
        for extra in ({}, {"monitor": watch, "validation": (inputs, targets)})
    ]
    assert_same(*found)


def test_a_state_is_saved_with_its_own_configuration(tmp_path):
    params = draw()[0]
    state = train_init(params, np.random.default_rng(0))
    with pytest.raises(ValueError, match="`params.entangler` must have shape"):
        save_state(tmp_path / "state.npz", state, QLSTMConfig(n_layers=3))


def test_without_a_gate_across_the_cut_the_past_is_forgotten():
    rng = np.random.default_rng(0)
    config = QLSTMConfig(cut="separate", rotation="RY", memory="mixed")
    params = init_params(config, rng)
    inputs = rng.uniform(-1, 1, (5, 6, 1))
    other = np.concatenate([rng.uniform(-1, 1, (5, 5, 1)), inputs[:, -1:]], axis=1)
    y, z = predict(params, inputs, config), predict(params, other, config)
    np.testing.assert_allclose(y, z, atol=1e-14)
    ledger = trace(params, inputs, config)
    np.testing.assert_allclose([ledger.S_en, ledger.S_out], 0, atol=1e-12)
    separate = stage_unitaries(params, config)[0]
    strength = schmidt_strength(separate, (4, 4))
    assert strength == pytest.approx(0, abs=1e-12)


BAD = [
    ({"frozen": ("bias",)}, "`frozen` must be one of proj_weight, proj_bias, entan"),
    ({"schedule": "linear"}, "`schedule` must be one of constant, cosine, but"),
    ({"clip_norm": 0.0}, "`clip_norm` must be positive, but is 0.0"),
    ({"clip_norm": float("nan")}, "`clip_norm` must be positive, but is nan"),
    ({"patience": 0}, "`patience` must be at least 1, but is 0"),
]


@pytest.mark.parametrize("options, message", BAD)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        fit(*draw(), epochs=1, rng=np.random.default_rng(0), **options)


def test_the_layout_must_fit_the_readout():
    params, inputs, _, config = draw()
    affine = QLSTMConfig(readout="affine")
    with pytest.raises(ValueError, match="readout_offset for a readout 'affine', but"):
        predict(params, inputs, affine)
    six = init_params(affine, np.random.default_rng(0))
    with pytest.raises(ValueError, match="holds 6 arrays"):
        predict(six, inputs, config)


def test_the_paper_s_layout_is_kept():
    longer = type(param_shapes(QLSTMConfig(readout="affine")))
    assert issubclass(longer, QLSTMParams)
    assert longer._fields[:4] == QLSTMParams._fields
    assert type(param_shapes(QLSTMConfig())) is QLSTMParams


WRONG = [
    ({"n_outputs": 3}, "`n_outputs` must be at most `n_system`"),
    ({"encoding": "basis"}, "`encoding` must be one of amplitude, angle"),
    ({"readout": "softmax"}, "`readout` must be one of expectation, affine"),
    ({"predicts": "future"}, "`predicts` must be one of value, change"),
    (
        {"encoding": "angle", "disentangler": "inverse"},
        "`disentangler` must be 'flip' with angle encoding",
    ),
    (
        {"encoding": "angle", "cut": "separate"},
        "`cut` must be 'entangled' with angle encoding",
    ),
    ({"cut": "half"}, "`cut` must be one of entangled, separate"),
]


@pytest.mark.parametrize("options, message", WRONG)
def test_wrong_configurations(options, message):
    with pytest.raises(ValueError, match=message):
        QLSTMConfig(**options)
