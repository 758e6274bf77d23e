"""The affine amplitude encoding."""

import checker
import numpy as np
import one
import pytest

from qlstm import QLSTMConfig, QLSTMParams, init_params, loss_and_grad, predict


@pytest.mark.parametrize("n_features", [1, 3])
def test_amplitudes_are_normalized_projections(n_features):
    rng = np.random.default_rng(0)
    config = QLSTMConfig(n_features=n_features)
    params, inputs = init_params(config, rng), rng.normal(size=(3, 5, n_features))
    amplitudes, norm = one.encode(inputs, params, config)
    assert amplitudes.shape == (5, 3, 4) and norm.shape == (5, 3, 1)
    for sample in range(3):
        for step in range(5):
            a = inputs[sample, step] @ params.proj_weight + params.proj_bias
            np.testing.assert_allclose(norm[step, sample], np.linalg.norm(a))
            expected = a / np.linalg.norm(a)
            np.testing.assert_allclose(amplitudes[step, sample], expected, atol=1e-15)


def test_without_the_bias_only_the_sign_is_left():
    params = QLSTMParams(np.array([[3.0, 4.0]]), np.zeros(2), None, None)
    amplitudes, _ = one.encode(
        np.array([[[0.1], [7.0], [-2.0]]]), params, QLSTMConfig(n_system=1)
    )
    expected = [[0.6, 0.8], [0.6, 0.8], [-0.6, -0.8]]
    np.testing.assert_allclose(amplitudes[:, 0], expected)


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_backward_is_the_gradient(n_features):
    rng = np.random.default_rng(n_features)
    inputs, weights = rng.normal(size=(4, 3, n_features)), rng.normal(size=(3, 4, 8))
    config = QLSTMConfig(n_features=n_features, n_system=3)

    def draw():
        return list(init_params(config, rng)[:2])

    def loss(x):
        return (
            weights * one.encode(inputs, QLSTMParams(*x, None, None), config).values
        ).sum()

    def gradient(x):
        encoded = one.encode(inputs, QLSTMParams(*x, None, None), config)
        return one.encode_backward(weights, encoded, inputs, config)

    assert checker.relative_error(rng, draw, loss, gradient) < 1e-7


def zero_projection():
    """Parameters that project the input 0.5 to zero, and inputs that hold it."""
    config = QLSTMConfig()
    params = init_params(config, np.random.default_rng(0))
    params = params._replace(proj_bias=-0.5 * params.proj_weight[0])
    inputs = np.ones((4, 6, 1))
    inputs[3, 2] = inputs[1, 5] = 0.5
    return params, inputs, config


def test_a_zero_projection_names_the_sample_and_the_step():
    params, inputs, config = zero_projection()
    text = "must have a positive, finite norm, but at sample 3, step 2 its norm is 0.0"
    with pytest.raises(ValueError, match=text):
        predict(params, inputs, config)
    with pytest.raises(ValueError, match=text):
        loss_and_grad(params, inputs, np.zeros(4), config)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_projection_that_overflows_names_the_sample_and_the_step():
    config = QLSTMConfig()
    params = init_params(config, np.random.default_rng(0))
    inputs = np.ones((2, 3, 1))
    inputs[1, 2] = 1e300
    with pytest.raises(ValueError, match="at sample 1, step 2 its norm is inf"):
        predict(params, inputs, config)
