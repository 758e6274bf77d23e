"""Adam against closed forms and a scalar implementation."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from qlstm import QLSTMConfig, adam_init, adam_update, init_params
from qlstm.adam import unflatten


class Pair(NamedTuple):
    """Parameters of two shapes."""

    a: np.ndarray
    b: np.ndarray


def draw(rng):
    """Random parameters or gradients."""
    return Pair(rng.normal(size=(2, 3)), rng.normal(size=4))


def scalar_adam(x, grads, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma and Ba, algorithm 1, for one number."""
    m = v = 0.0
    for t, g in enumerate(grads, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        x -= lr * m_hat / (math.sqrt(v_hat) + epsilon)
    return x


def test_it_starts_from_zero():
    state = adam_init(draw(np.random.default_rng(0)))
    assert state.step == 0
    for moment in (state.first_moment, state.second_moment):
        np.testing.assert_array_equal(moment, np.zeros(10))


def test_the_first_step_has_the_length_of_the_learning_rate():
    rng = np.random.default_rng(1)
    params, grads = draw(rng), draw(rng)
    new, state = adam_update(params, grads, adam_init(params), learning_rate=0.03)
    for x, g, y in zip(params, grads, new, strict=True):
        expected = x - 0.03 * g / (np.abs(g) + 1e-8)
        np.testing.assert_allclose(y, expected, atol=1e-15)
    flat = np.concatenate([g.ravel() for g in grads])
    assert state.step == 1
    np.testing.assert_allclose(state.first_moment, 0.1 * flat)
    np.testing.assert_allclose(state.second_moment, 0.001 * flat**2)


def test_a_constant_gradient_keeps_the_length_of_the_step():
    # the bias corrections cancel the decays: m_hat = g and v_hat = g^2 at every step
    params = Pair(np.zeros(1), np.zeros(1))
    grads, state = Pair(np.array([3.0]), np.array([-1e-3])), adam_init(params)
    for _ in range(7):
        params, state = adam_update(params, grads, state, 0.1, epsilon=0.0)
    np.testing.assert_allclose(np.concatenate(params), [-0.7, 0.7], atol=1e-14)


def test_the_second_step_by_hand():
    # g = 1 then 0: m_hat = 0.09 / 0.19, v_hat = 0.000999 / 0.001999
    params, state = Pair(np.zeros(1), np.zeros(1)), adam_init((np.zeros(2),))
    for g in (1.0, 0.0):
        grads = Pair(np.array([g]), np.array([g]))
        params, state = adam_update(params, grads, state, 1.0, epsilon=0.0)
    expected = -1 - (0.09 / 0.19) / math.sqrt(0.000999 / 0.001999)
    np.testing.assert_allclose(params.a, [expected], atol=1e-14)


def test_fifty_steps_equal_the_scalar_implementation():
    rng = np.random.default_rng(2)
    start = params = draw(rng)
    state, history = adam_init(params), []
    options = {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3}
    for _ in range(50):
        grads = draw(rng)
        history.append(np.concatenate([g.ravel() for g in grads]))
        params, state = adam_update(params, grads, state, 0.02, **options)
    flat = np.concatenate([x.ravel() for x in params])
    for k, x in enumerate(np.concatenate([x.ravel() for x in start])):
        expected = scalar_adam(x, [g[k] for g in history], 0.02, **options)
        assert flat[k] == pytest.approx(expected, abs=1e-13)
    assert state.step == 50


def test_the_defaults_are_the_paper_s():
    rng = np.random.default_rng(3)
    start, state, history = draw(rng), None, []
    params, state = start, adam_init(start)
    for _ in range(5):
        history.append(draw(rng))
        params, state = adam_update(params, history[-1], state)
    expected = scalar_adam(start.b[2], [g.b[2] for g in history], 0.01)
    assert params.b[2] == pytest.approx(expected, abs=1e-15)


def test_layout_is_kept_and_arguments_are_not_modified():
    config = QLSTMConfig()
    rng = np.random.default_rng(4)
    params, grads = init_params(config, rng), init_params(config, rng)
    state = adam_init(params)
    arrays = (*params, *grads, *state[1:])
    kept = [array.copy() for array in arrays]
    new, _ = adam_update(params, grads, state)
    assert type(new) is type(params)
    assert [x.shape for x in new] == [x.shape for x in params]
    for array, copy in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    for x, y in zip(params, new, strict=True):
        assert not np.shares_memory(x, y)


def test_unflatten_cuts_in_order():
    pair = unflatten(np.arange(10.0), draw(np.random.default_rng(5)))
    np.testing.assert_array_equal(pair.a, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(pair.b, [6, 7, 8, 9])


@pytest.mark.parametrize("wrong", ["grads", "state"])
def test_sizes_must_agree(wrong):
    params = draw(np.random.default_rng(6))
    short = Pair(np.zeros((2, 2)), np.zeros(4))
    grads = short if wrong == "grads" else params
    state = adam_init(short if wrong == "state" else params)
    sizes = {"grads": "10, 8 and 10", "state": "10, 10 and 8"}[wrong]
    text = f"`params`, `grads` and `state` must have the same size, but have {sizes}"
    with pytest.raises(ValueError, match=text):
        adam_update(params, grads, state)
