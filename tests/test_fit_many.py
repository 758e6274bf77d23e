"""Many models trained as one batch: each is `fit` alone, bit for bit."""

from itertools import product

import numpy as np
import one
import pytest

import qlstm.params
from qlstm import QLSTMConfig, Training, fit, fit_many, init_params

CONFIGS = {
    **{
        f"{memory} {rotation}": {"memory": memory, "rotation": rotation}
        for memory, rotation in product(one.MEMORIES, ("RX", "RY"))
    },
    "angle": {"encoding": "angle"},
    "separate inverse": {"cut": "separate", "disentangler": "inverse"},
    "affine change": {"readout": "affine", "predicts": "change", "n_features": 2},
    "all steps": {"loss": "all", "n_outputs": 2, "memory": "probabilities"},
    "gates on states": {"n_system": 3, "n_ancilla": 3},
}
TRAININGS = {
    "plain": {},
    "cosine, clipped": {"schedule": "cosine", "clip_norm": 0.05},
    "frozen": {"frozen": ("entangler", "proj_bias")},
    "patience": {"patience": 1, "learning_rate": 0.5, "epochs": 8},
    "shifts": {"gradient": "parameter-shift", "epochs": 1},
    "a batch of one": {"batch_size": 1, "epochs": 1},
}
N_MODELS, N_SEQUENCES, N_STEPS = 4, 7, 3


def draw(config, seed=0):
    """Initial parameters, and data and validation data of each model's own."""
    rng = np.random.default_rng(seed)
    models = [init_params(config, rng) for _ in range(N_MODELS)]
    lead = N_MODELS, N_SEQUENCES
    inputs = rng.uniform(-1, 1, (*lead, N_STEPS, config.n_features))
    shape = lead if config.loss == "last" else (*lead, N_STEPS)
    shape += (config.n_outputs,) if config.n_outputs > 1 else ()
    return models, inputs, rng.uniform(-1, 1, shape)


def rngs(n_models=N_MODELS):
    """A generator for each model."""
    return np.random.default_rng(11).spawn(n_models)


def assert_same(ours, theirs):
    """Parameters and every number of the history but the time: the same bits."""
    for found, expected in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert ours[1].keys() == theirs[1].keys()
    for name in ours[1].keys() - {"seconds"}:
        assert ours[1][name] == theirs[1][name], name


@pytest.mark.parametrize("shared", [False, True], ids=["own data", "shared data"])
@pytest.mark.parametrize("name", CONFIGS)
def test_each_model_is_fit_alone(name, shared):
    """With validation, whose draws must not disturb those of training."""
    config = QLSTMConfig(**CONFIGS[name])
    models, inputs, targets = draw(config)
    sets = (inputs[0], targets[0]) if shared else (inputs, targets)
    held_out = (inputs[0, 2:], targets[0, 2:])
    options = {"epochs": 2, "batch_size": 3, "validation": held_out}
    together = fit_many(models, *sets, config, rngs=rngs(), **options)
    assert len(together) == N_MODELS
    for k, rng in enumerate(rngs()):
        data = sets if shared else (inputs[k], targets[k])
        assert_same(together[k], fit(models[k], *data, config, rng=rng, **options))


@pytest.mark.parametrize("memory", ["collapse", "sampled", "mixed"])
@pytest.mark.parametrize("name", TRAININGS)
def test_every_way_to_train(name, memory):
    config = QLSTMConfig(memory=memory, rotation="RY")
    models, inputs, targets = draw(config)
    training = Training(**{"epochs": 3, "batch_size": 3} | TRAININGS[name])
    held_out = inputs[:, ::-1], targets[:, ::-1]  # a set for each
    together = fit_many(
        models, inputs, targets, config, training, rngs=rngs(), validation=held_out
    )
    exact = training.gradient == "reverse"
    for k, rng in enumerate(rngs()):
        pair = held_out[0][k], held_out[1][k]
        alone = fit(
            models[k], inputs[k], targets[k], config, training, rng=rng, validation=pair
        )
        if exact:
            assert_same(together[k], alone)
            continue
        for found, expected in zip(together[k][0], alone[0], strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_model_that_runs_out_of_patience_leaves_the_batch():
    """The models stop at different epochs, and those left are not disturbed."""
    config = QLSTMConfig(memory="probabilities")
    models, inputs, targets = draw(config)
    options = {"epochs": 30, "batch_size": 3, "patience": 2, "learning_rate": 0.3}
    together = fit_many(models, inputs, targets, config, rngs=rngs(), **options)
    lengths = [len(history["loss"]) for _, history in together]
    assert len(set(lengths)) > 1 and min(lengths) < 30
    for k, rng in enumerate(rngs()):
        alone = fit(models[k], inputs[k], targets[k], config, rng=rng, **options)
        assert_same(together[k], alone)


def test_a_callback_stops_its_model_only():
    config = QLSTMConfig()
    models, inputs, targets = draw(config)
    seen = []

    def stop(model, state):
        seen.append((model, state.epoch))
        return model == 2 and state.epoch == 2

    found = fit_many(
        models, inputs, targets, config, rngs=rngs(), epochs=4, callback=stop
    )
    assert [len(history["loss"]) for _, history in found] == [4, 4, 2, 4]
    after_two = [(k, epoch) for epoch in (1, 2) for k in range(4)]
    assert seen == after_two + [(k, epoch) for epoch in (3, 4) for k in (0, 1, 3)]


def test_a_monitor_sees_the_models_in_training():
    config = QLSTMConfig()
    models, inputs, targets = draw(config)
    found = fit_many(
        models,
        inputs,
        targets,
        config,
        rngs=rngs(),
        epochs=3,
        monitor=lambda params: [{"first": float(p.entangler[0, 0])} for p in params],
    )
    for params, history in found:
        assert history["first"][-1] == params.entangler[0, 0]


def test_the_batch_of_models_is_cut_to_what_fits(monkeypatch):
    """One at a time, or all: the same bits, and numbers that count through."""
    config = QLSTMConfig(memory="sampled")
    models, inputs, targets = draw(config)
    options = {"epochs": 2, "validation": (inputs, targets)}
    whole = fit_many(models, inputs, targets, config, rngs=rngs(), **options)
    for size in (1, 200_000):
        monkeypatch.setattr(qlstm.params, "TOGETHER_BYTES", size)
        numbers: list[int] = []
        parts = fit_many(
            models,
            inputs,
            targets,
            config,
            rngs=rngs(),
            callback=lambda k, _, seen=numbers: seen.append(k),
            **options,
        )
        assert sorted(numbers) == [0, 0, 1, 1, 2, 2, 3, 3]
        for ours, theirs in zip(parts, whole, strict=True):
            assert_same(ours, theirs)


def test_targets_may_differ_where_inputs_are_shared():
    config = QLSTMConfig()
    models, inputs, targets = draw(config)
    found = fit_many(models, inputs[0], targets, config, rngs=rngs(), epochs=2)
    for k, rng in enumerate(rngs()):
        alone = fit(models[k], inputs[0], targets[k], config, rng=rng, epochs=2)
        assert_same(found[k], alone)


def test_a_warning_says_whose_targets_it_means():
    config = QLSTMConfig()
    models, inputs, targets = draw(config)
    targets[1, 0], targets[3, :2] = 2, -2
    with pytest.warns(UserWarning, match="targets cannot be met") as caught:
        fit_many(models, inputs, targets, config, rngs=rngs(), epochs=1)
    assert [(w.message.model, str(w.message)[:6]) for w in caught] == [
        (1, "1 of 7"),
        (3, "2 of 7"),
    ]
    assert {w.filename for w in caught} == {__file__}
    with pytest.warns(UserWarning, match="targets cannot be met") as caught:
        fit_many(models, inputs[1], targets[1], config, rngs=rngs(), epochs=1)
    assert [w.message.model for w in caught] == [None]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"models": []}, "`models` and `rngs` must hold one or more"),
        ({"rngs": rngs(3)}, "as many of one as of the other, but hold 4 and 3"),
        ({"inputs": np.zeros((3, 7, 3, 1))}, "`inputs` must hold a set for each of 4"),
        ({"targets": np.zeros((5, 7))}, "`targets` must hold a set for each of 4"),
        ({"targets": np.zeros((4, 6))}, r"`targets\[0\]` must have shape \(7,\)"),
        ({"inputs": np.full((4, 7, 3, 1), np.nan)}, r"`inputs\[0\]` must be finite"),
        ({"learning_rate": 1e308}, "must stay finite"),
        ({"frozen": ("readout_scale",)}, "`frozen` must be one of"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    config = QLSTMConfig()
    models, inputs, targets = draw(config)
    given = {"models": models, "inputs": inputs, "targets": targets, "rngs": rngs()}
    given |= {"epochs": 2} | change
    with pytest.raises(ValueError, match=message):
        fit_many(config=config, **given)


def test_arguments_are_not_modified():
    config = QLSTMConfig()
    models, inputs, targets = draw(config)
    for array in (*models[0], *models[1], inputs, targets):
        array.flags.writeable = False
    given = list(models)
    fit_many(given, inputs, targets, config, rngs=rngs(), epochs=1)
    assert all(ours is theirs for ours, theirs in zip(given, models, strict=True))
