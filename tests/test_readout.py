"""The readout alone: what `predicts="change"` adds, and what <Z> cannot reach."""

import dataclasses

import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params
from qlstm.readout import out_of_reach, read_out


@pytest.mark.parametrize("n_features", [1, 2, 3])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_change_is_added_to_the_first_feature(n_features, n_outputs):
    """Of the same step, model and window, whatever the others are."""
    rng = np.random.default_rng(0)
    n_steps, n_models, batch = 4, 2, 3
    value = QLSTMConfig(n_features=n_features, n_outputs=n_outputs)
    change = dataclasses.replace(value, predicts="change")
    params = [init_params(value, rng) for _ in range(n_models)]
    params = type(params[0])(
        *(np.stack(arrays) for arrays in zip(*params, strict=True))
    )
    inputs = rng.normal(size=(n_models, batch, n_steps, n_features))
    p = rng.dirichlet(np.ones(4), size=(n_steps, n_models, batch))
    expected = np.zeros((n_steps, n_models, batch, n_outputs))
    for t, m, b, k in np.ndindex(expected.shape):
        signs = [1, -1, 1, -1] if k == n_outputs - 1 else [1, 1, -1, -1]
        expected[t, m, b, k] = np.dot(p[t, m, b], signs) + inputs[m, b, t, 0]
    np.testing.assert_allclose(
        read_out(p, params, inputs, change), expected, rtol=0, atol=1e-14
    )
    plain = expected - np.moveaxis(inputs[..., :1], 2, 0)
    np.testing.assert_allclose(
        read_out(p, params, inputs, value), plain, rtol=0, atol=1e-14
    )


def test_a_change_that_is_too_large_is_counted_from_the_first_feature():
    config = QLSTMConfig(n_features=2, predicts="change")
    inputs = np.zeros((3, 4, 2))
    inputs[:, -1] = [[0.5, 9.0], [-0.5, 9.0], [0.5, 9.0]]
    targets = np.array([1.4, 0.6, -0.6])  # from 0.5, -0.5, 0.5: 0.9, 1.1, -1.1
    assert out_of_reach(targets, inputs, config) == 2
