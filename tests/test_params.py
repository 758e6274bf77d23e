"""The configuration, the parameters and the checks at the public border."""

import dataclasses

import numpy as np
import pytest

from qlstm import QLSTMConfig, QLSTMParams, init_params, loss_and_grad, predict
from qlstm.checks import as_real

CONFIG = QLSTMConfig()


@pytest.fixture
def params():
    return init_params(CONFIG, np.random.default_rng(0))


@pytest.mark.parametrize(
    "sizes, n_params",
    [({}, 24), ({"n_features": 2}, 28), ({"n_system": 1, "n_layers": 3}, 22)],
)
def test_the_number_of_parameters(sizes, n_params):
    config = QLSTMConfig(**sizes)
    params = init_params(config, np.random.default_rng(0))
    assert config.n_params == sum(array.size for array in params) == n_params


def test_dimensions_follow_the_wires():
    config = QLSTMConfig(n_system=3, n_ancilla=2)
    assert (config.n_wires, config.system_dim, config.ancilla_dim) == (5, 8, 4)


def test_the_configuration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIG.n_system = 3


def test_initial_values_are_uniform_in_the_paper_s_ranges():
    config = QLSTMConfig(n_features=4, n_system=5, n_ancilla=5, n_layers=50)
    params = init_params(config, np.random.default_rng(0))
    for angles in (params.entangler, params.disentangler):
        assert 0 <= angles.min() < 0.02 and 0.98 < angles.max() < 1
        assert abs(angles.mean() - 0.5) < 0.05
    weight = params.proj_weight  # bound 1 / sqrt(4)
    assert -0.5 <= weight.min() < -0.45 and 0.45 < weight.max() < 0.5
    assert np.abs(params.proj_bias).max() < 0.5


def test_the_same_seed_gives_the_same_bits():
    first, again, other = (
        init_params(CONFIG, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


@pytest.mark.parametrize("name", ["n_features", "n_system", "n_ancilla", "n_layers"])
def test_sizes_are_positive_integers(name):
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1, but is 0"):
        QLSTMConfig(**{name: 0})
    for value in (2.0, "2", True, None):
        with pytest.raises(TypeError, match=f"`{name}` must be an integer, but is"):
            QLSTMConfig(**{name: value})


@pytest.mark.parametrize(
    "name, known",
    [("rotation", "RX, RY"), ("memory", "collapse, probabilities"), ("loss", "last, ")],
)
def test_unknown_names_list_the_known_ones(name, known):
    text = f"`{name}` must be one of {known}.*, but is 'other'"
    with pytest.raises(ValueError, match=text):
        QLSTMConfig(**{name: "other"})


@pytest.mark.parametrize("field", QLSTMParams._fields)
def test_parameters_must_fit_the_configuration(params, field):
    wrong = params._replace(**{field: np.zeros((7, 7))})
    with pytest.raises(
        ValueError, match=rf"`params.{field}` must have shape \(.*\(7, 7"
    ):
        predict(wrong, np.zeros((1, 2, 1)), CONFIG)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_must_be_finite(params, value):
    params.entangler[1, 2] = value
    with pytest.raises(ValueError, match="`params` must be finite, but holds nan or"):
        predict(params, np.zeros((1, 2, 1)), CONFIG)


@pytest.mark.parametrize(
    "shape", [(5,), (5, 4), (5, 4, 2), (0, 4, 1), (5, 0, 1), (5, 4, 1, 1)]
)
def test_inputs_must_be_sequences(params, shape):
    text = r"`inputs` must have shape \(batch, n_steps, 1\), none of them 0, but has"
    with pytest.raises(ValueError, match=text):
        predict(params, np.zeros(shape), CONFIG)


@pytest.mark.parametrize("value, shown", [(np.nan, "nan"), (-np.inf, "-inf")])
def test_inputs_must_be_finite(params, value, shown):
    inputs = np.zeros((4, 8, 1))
    inputs[3, 7] = value
    text = f"`inputs` must be finite, but sample 3, step 7 is {shown}"
    with pytest.raises(ValueError, match=text):
        predict(params, inputs, CONFIG)


@pytest.mark.parametrize(
    "loss, shape, wanted",
    [
        ("last", (4, 3), r"\(4,\)"),
        ("last", (3,), r"\(4,\)"),
        ("all", (4,), r"\(4, 3\)"),
    ],
)
def test_targets_must_fit_the_loss(params, loss, shape, wanted):
    config = QLSTMConfig(loss=loss)
    text = f"`targets` must have shape {wanted} for a loss over {loss} steps"
    with pytest.raises(ValueError, match=text):
        loss_and_grad(params, np.zeros((4, 3, 1)), np.zeros(shape), config)


@pytest.mark.parametrize("loss, shape", [("last", (4,)), ("all", (4, 3))])
def test_targets_must_be_finite(params, loss, shape):
    targets = np.zeros(shape)
    targets[2] = np.inf
    with pytest.raises(
        ValueError, match="`targets` must be finite, but sample 2 is inf"
    ):
        loss_and_grad(params, np.zeros((4, 3, 1)), targets, QLSTMConfig(loss=loss))


def test_unknown_gradient_lists_the_known_ones(params):
    with pytest.raises(ValueError, match="`gradient` must be one of reverse.*'magic'"):
        loss_and_grad(params, np.zeros((1, 2, 1)), [0.0], CONFIG, gradient="magic")


@pytest.mark.parametrize(
    "values", ["text", [[["a"]]], np.ones((1, 2, 1)) * 1j, [[1], 2]]
)
def test_inputs_are_real_numbers(values):
    config = QLSTMConfig()
    params = init_params(config, np.random.default_rng(0))
    with pytest.raises(TypeError, match="`inputs` must be an array of real numbers"):
        predict(params, values, config)


@pytest.mark.parametrize("rng", [None, 0, np.random])
def test_randomness_is_a_generator(rng):
    with pytest.raises(TypeError, match="`rng` must be a numpy.random.Generator, but"):
        init_params(QLSTMConfig(), rng)


def test_masked_entries_are_gaps_wherever_numbers_are_taken():
    masked = np.ma.masked_equal([1, -9999], -9999)
    for values in (masked, masked.astype(np.float64), masked.astype(np.float16)):
        np.testing.assert_array_equal(as_real("x", values), [1, np.nan])
    np.testing.assert_array_equal(as_real("x", [masked, [3, 4]]), [[1, np.nan], [3, 4]])
    np.testing.assert_array_equal(masked.mask, [False, True])
    plain = np.ones(3)
    assert as_real("x", plain) is plain
    with pytest.raises(TypeError, match="`x` must be an array of real numbers, but th"):
        as_real("x", np.ma.masked_equal(["a", "b"], "b"))
