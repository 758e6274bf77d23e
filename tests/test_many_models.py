"""The axis of models: many models at once are each one alone, and nothing is hidden."""

import copy

import numpy as np
import one
import pytest
from covering import covering

from qlstm import QLSTMConfig, init_params
from qlstm.gradient import METHODS, reverse
from qlstm.model import backward, forward, mean_loss
from qlstm.params import stack_params
from qlstm.readout import read_out

CIRCUITS = {
    "flip": {},
    "inverse": {"disentangler": "inverse"},
    "separate": {"cut": "separate"},
    "separate inverse": {"cut": "separate", "disentangler": "inverse"},
    "angle": {"encoding": "angle"},
}
READOUTS = {
    "Z": {},
    "affine": {
        "readout": "affine",
        "predicts": "change",
        "n_features": 2,
        "n_outputs": 2,
        "loss": "all",
    },
}


def has_direct_route(memory, circuit):
    """Vectors, and one ring that no input turns in between."""
    return memory != "mixed" and circuit in ("flip", "inverse")


every_case = pytest.mark.parametrize(
    "options, route",
    [
        pytest.param(
            {"memory": memory, "rotation": rotation}
            | CIRCUITS[circuit]
            | READOUTS[readout],
            route,
            id=f"{memory}-{rotation}-{circuit}-{readout}-{route}",
        )
        for memory, rotation, circuit, readout, route in covering(
            one.MEMORIES, ("RX", "RY"), CIRCUITS, READOUTS, one.ROUTES
        )
        if route == "kraus" or has_direct_route(memory, circuit)
    ],
)
every_route = pytest.mark.parametrize("route", one.ROUTES)


def draw(seed=0, n_models=3, batch=4, n_steps=4, **options):
    """Models with angles in the whole circle, and data of their own for each."""
    rng = np.random.default_rng(seed)
    config = QLSTMConfig(**options)
    models = []
    for _ in range(n_models):
        params = init_params(config, rng)
        turns = rng.uniform(-np.pi, np.pi, (2, *params.entangler.shape))
        params = params._replace(entangler=turns[0], disentangler=turns[1])
        own = (rng.uniform(0.5, 1.5, array.shape) for array in params[4:])
        models.append(type(params)(*params[:4], *own))
    inputs = rng.uniform(-1, 1, (n_models, batch, n_steps, config.n_features))
    shape = (n_models, batch) if config.loss == "last" else (n_models, batch, n_steps)
    shape += (config.n_outputs,) if config.n_outputs > 1 else ()
    return config, models, inputs, rng.uniform(-1, 1, shape)


def draws(n_models):
    """A generator for each model."""
    return [np.random.default_rng(100 + k) for k in range(n_models)]


def assert_same_run(ours, theirs, model):
    """A run of many models and one of a single one: the same bits for that model."""
    lists = ("branches", "memories")
    for name in ("probabilities", *lists):
        found, expected = (np.array(getattr(run, name)) for run in (ours, theirs))
        np.testing.assert_array_equal(found[:, model : model + 1], expected)
    for found, expected in zip(ours.encoded, theirs.encoded, strict=True):
        np.testing.assert_array_equal(found[:, model : model + 1], expected)


# -- many models are each one alone --------------------------------------------------


@every_case
def test_three_models_are_three_times_one(options, route):
    """Bit for bit: runs, losses and gradients."""
    config, models, inputs, targets = draw(**options)
    stacked = stack_params(models)
    together = reverse(stacked, inputs, targets, config, draws(3), route=route)
    assert (together.run.kraus is None) == (route != "kraus")
    assert together.loss.shape == (3,)
    for k, params in enumerate(models):
        rows = slice(k, k + 1)
        data = inputs[rows], targets[rows]
        alone = reverse(
            stack_params([params]), *data, config, [draws(3)[k]], route=route
        )
        assert_same_run(together.run, alone.run, k)
        assert together.loss[k] == alone.loss[0]
        for ours, theirs in zip(together.grads, alone.grads, strict=True):
            np.testing.assert_array_equal(ours[rows], theirs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("memory", one.MEMORIES)
def test_every_method_takes_many_models(memory, method):
    config, models, inputs, targets = draw(memory=memory, readout="affine")
    together = METHODS[method](stack_params(models), inputs, targets, config, draws(3))
    for k, params in enumerate(models):
        rows = slice(k, k + 1)
        alone = METHODS[method](
            stack_params([params]), inputs[rows], targets[rows], config, [draws(3)[k]]
        )
        assert together.loss[k] == alone.loss[0]
        assert together.evaluations == alone.evaluations
        for ours, theirs in zip(together.grads, alone.grads, strict=True):
            np.testing.assert_allclose(ours[rows], theirs, atol=1e-13, rtol=0)


def test_each_model_draws_from_its_own_generator():
    config, models, inputs, _ = draw(memory="sampled", batch=20)
    same = stack_params([models[0]] * 3), inputs[[0, 0, 0]]
    rngs = [np.random.default_rng(seed) for seed in (5, 6, 5)]
    run = forward(*same, config, rngs)
    outcomes = np.array([config.rule.outcomes(cache) for cache in run.caches])
    np.testing.assert_array_equal(outcomes[:, 0], outcomes[:, 2])
    assert (outcomes[:, 0] != outcomes[:, 1]).any()
    for rng, seed in zip(rngs, (5, 6, 5), strict=True):  # one draw a step and sequence
        fresh = np.random.default_rng(seed)
        fresh.random((3, 20))
        assert rng.bit_generator.state == fresh.bit_generator.state


@pytest.mark.parametrize("memory", ["collapse", "sampled", "mixed"])
def test_the_mean_loss_of_many_models(memory):
    config, models, inputs, targets = draw(memory=memory, loss="all", n_outputs=2)
    losses = mean_loss(stack_params(models), inputs, targets, config, draws(3))
    assert losses.shape == (3,)
    for k, params in enumerate(models):
        alone = one.mean_loss(params, inputs[k], targets[k], config, draws(3)[k])
        assert losses[k] == alone


# -- the backward pass hides nothing and keeps nothing -------------------------------


def arrays_in(value):
    """Every array in nested tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return []
    return [array for part in value for array in arrays_in(part)]


@every_case
def test_a_second_backward_pass_gives_the_same_bits(options, route):
    """And leaves alone the forward pass and what the first one returned."""
    config, models, inputs, _ = draw(**options)
    run = forward(stack_params(models), inputs, config, draws(3), route=route)
    rng = np.random.default_rng(3)
    grad_p = rng.normal(size=run.probabilities.shape)
    kept = copy.deepcopy(arrays_in(run))
    for array in arrays_in((run, grad_p)):
        array.flags.writeable = False
    first = backward(run, grad_p, config)
    of_first = copy.deepcopy(first)
    backward(run, rng.normal(size=grad_p.shape), config)  # of another loss
    second = backward(run, grad_p, config)
    for a, b, c in zip(first, second, of_first, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
        assert a is not b
    found = arrays_in(run)
    assert len(found) == len(kept) > 10
    for before, after in zip(kept, found, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "finite-difference"])
@pytest.mark.parametrize("memory", one.MEMORIES)
def test_no_method_changes_what_it_is_given(memory, method):
    config, models, inputs, targets = draw(memory=memory)
    stacked = stack_params(models)
    for array in (*stacked, inputs, targets):
        array.flags.writeable = False
    first = METHODS[method](stacked, inputs, targets, config, draws(3))
    kept = copy.deepcopy(first)
    second = METHODS[method](stacked, inputs, targets, config, draws(3))
    for result in (kept, second):
        for a, b in zip(arrays_in(first), arrays_in(result), strict=True):
            np.testing.assert_array_equal(a, b)


@every_route
@pytest.mark.parametrize("memory", one.MEMORIES)
def test_a_run_is_read_out_as_often_as_one_likes(memory, route):
    config, models, inputs, _ = draw(memory=memory, readout="affine")
    stacked = stack_params(models)
    run = forward(stacked, inputs, config, draws(3), route=route)
    first, second = (
        read_out(run.probabilities, stacked, inputs, config) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
