"""Networks as forecasters: their size, their training, early stopping."""

import numpy as np
import pytest

from qlstm import adam_init, adam_update
from qlstm.forecasting.baselines import LSTM, RNN
from qlstm.forecasting.baselines.networks import init_recurrent
from qlstm.forecasting.baselines.recurrent import recurrent_loss_and_grad

KINDS = pytest.mark.parametrize("kind", [RNN, LSTM])


def toy(seed=0, n=12, n_steps=4):
    """Windows and a target that needs the last two values."""
    inputs = np.random.default_rng(seed).uniform(-1, 1, (n, n_steps, 1))
    return inputs, inputs[:, -1, 0] * inputs[:, -2, 0]


def fitted(forecaster, seed=0, data=None, validation=None):
    """The forecaster after its fit to the toy data."""
    rng = np.random.default_rng(seed)
    return forecaster.fit(*(data or toy()), rng=rng, validation=validation)


@pytest.mark.parametrize(
    "kind, match, units, n_params",
    [
        (RNN, 24, 3, 19),
        (RNN, 29, 4, 29),
        (RNN, 28, 3, 19),
        (RNN, 5, 1, 5),
        (LSTM, 24, 1, 14),
        (LSTM, 34, 1, 14),
        (LSTM, 35, 2, 35),
        (LSTM, 400, 8, 329),
    ],
)
def test_a_network_is_the_largest_with_so_many_parameters(kind, match, units, n_params):
    model = fitted(kind(match_params=match, epochs=1))
    assert (len(model.params.hidden_weight), model.n_params) == (units, n_params)


def test_more_outputs_leave_room_for_fewer_units():
    inputs, targets = toy()
    model = fitted(
        RNN(match_params=24, epochs=1), data=(inputs, np.outer(targets, [1, 2, 3]))
    )
    assert model.n_params == 17  # 2 (1 + 2 + 1) + (2 + 1) 3; three units have 27


@KINDS
def test_too_few_parameters_to_match_are_refused(kind):
    least = {RNN: 5, LSTM: 14}[kind]
    text = f"`match_params` must be at least {least}, the parameters of one hidden unit"
    with pytest.raises(ValueError, match=text):
        fitted(kind(match_params=least - 1))


@KINDS
def test_sizes_by_default_and_by_hand(kind):
    assert len(fitted(kind(epochs=1)).params.hidden_weight) == 8
    assert len(fitted(kind(hidden=3, epochs=1)).params.hidden_weight) == 3
    with pytest.raises(ValueError, match="must not both be given, but are 3 and 24"):
        kind(hidden=3, match_params=24)


@KINDS
def test_the_protocol_of_the_quantum_model_is_the_default(kind):
    options = kind()
    assert (options.epochs, options.batch_size, options.learning_rate) == (150, 5, 0.01)


@KINDS
def test_a_small_set_is_learnt_by_heart(kind):
    inputs = np.random.default_rng(1).uniform(-1, 1, (6, 5, 1))
    targets = np.random.default_rng(2).uniform(-1, 1, 6)
    model = fitted(
        kind(hidden=8, epochs=300, learning_rate=0.03), data=(inputs, targets)
    )
    assert np.abs(model.predict(inputs) - targets).max() < 0.02
    assert model.history["loss"][-1] < 1e-4 < model.history["loss"][0]


@KINDS
def test_training_is_adam_on_shuffled_minibatches(kind):
    """The same run by hand: 12 windows are three minibatches, the last of two."""
    inputs, targets = toy()
    model = fitted(kind(hidden=2, epochs=2, learning_rate=0.03))
    rng = np.random.default_rng(0)
    params = init_recurrent(kind.cell, 2, model.layout, rng)
    state, losses = adam_init(params), []
    for _ in range(2):
        order, total = rng.permutation(12), 0.0
        for rows in (order[:5], order[5:10], order[10:]):
            loss, grads = recurrent_loss_and_grad(
                kind.cell, params, inputs[rows], targets[rows, None]
            )
            params, state = adam_update(params, grads, state, 0.03)
            total += len(rows) * loss
        losses.append(total / 12)
    assert model.history == {"loss": losses}
    for ours, expected in zip(model.params, params, strict=True):
        np.testing.assert_array_equal(ours, expected)


@KINDS
def test_the_same_seed_gives_the_same_bits(kind):
    first, again, other = (fitted(kind(epochs=3), seed) for seed in (1, 1, 2))
    for a, b, c in zip(first.params, again.params, other.params, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


@KINDS
def test_validation_data_are_watched_and_not_trained_on(kind):
    held_out = toy(seed=5)
    with_it = fitted(kind(epochs=4), validation=held_out)
    without = fitted(kind(epochs=4))
    for a, b in zip(with_it.params, without.params, strict=True):
        np.testing.assert_array_equal(a, b)
    assert with_it.history["loss"] == without.history["loss"]
    assert set(without.history) == {"loss"}
    error = np.mean((with_it.predict(held_out[0]) - held_out[1]) ** 2)
    assert with_it.history["val_loss"][-1] == pytest.approx(error, rel=1e-12)


@KINDS
def test_patience_stops_and_goes_back_to_the_best_epoch(kind):
    inputs, _ = toy()
    rng = np.random.default_rng(6)
    data, held_out = (inputs, rng.normal(size=12)), (toy(7)[0], rng.normal(size=12))
    options = {"hidden": 6, "epochs": 400, "learning_rate": 0.03}
    model = fitted(kind(**options, patience=10), data=data, validation=held_out)
    losses = model.history["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 11 < 400
    assert len(model.history["loss"]) == len(losses)
    error = np.mean((model.predict(held_out[0]) - held_out[1]) ** 2)
    assert error == pytest.approx(losses[best], rel=1e-12)
    options["epochs"] = best + 1
    short = fitted(kind(**options), data=data)
    for a, b in zip(model.params, short.params, strict=True):
        np.testing.assert_array_equal(a, b)


@KINDS
def test_leads_are_outputs_of_one_network(kind):
    inputs, targets = toy()
    model = fitted(
        kind(hidden=4, epochs=100, learning_rate=0.03),
        data=(inputs, np.column_stack([targets, -targets])),
    )
    predicted = model.predict(inputs[:5])
    assert predicted.shape == (5, 2)
    assert model.history["loss"][-1] < model.history["loss"][0] / 4


@pytest.mark.parametrize(
    "options, error, text",
    [
        ({"hidden": 0}, ValueError, "`hidden` must be at least 1, but is 0"),
        ({"match_params": 1.5}, TypeError, "`match_params` must be an integer"),
        ({"epochs": 0}, ValueError, "`epochs` must be at least 1"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
        ({"patience": 0}, ValueError, "`patience` must be at least 1"),
        ({"learning_rate": 0.0}, ValueError, "`learning_rate` must be positive and"),
        ({"learning_rate": np.nan}, ValueError, "but is nan"),
    ],
)
@KINDS
def test_options_are_checked(kind, options, error, text):
    with pytest.raises(error, match=text):
        kind(**options)


@KINDS
def test_without_validation_data_patience_watches_the_training_loss(kind):
    inputs, _ = toy()
    data = inputs, np.random.default_rng(6).normal(size=12)
    options = {"hidden": 2, "learning_rate": 0.3}
    model = fitted(kind(**options, epochs=400, patience=4), data=data)
    losses = model.history["loss"]
    assert len(losses) == int(np.argmin(losses)) + 5 < 400
    short = fitted(kind(**options, epochs=len(losses) - 4), data=data)
    for a, b in zip(model.params, short.params, strict=True):
        np.testing.assert_array_equal(a, b)


@KINDS
def test_a_loss_that_overflows_is_an_error(kind):
    inputs, targets = toy()
    text = "loss must stay finite, but is inf after epoch 1"
    with pytest.raises(ValueError, match=text), np.errstate(over="ignore"):
        fitted(kind(), data=(inputs, 1e200 * targets))
