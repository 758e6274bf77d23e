"""The training loop: reproducible, resumable, and honest in what it counts."""

from itertools import pairwise

import dense
import numpy as np
import pytest

from qlstm import (
    QLSTMConfig,
    adam_init,
    adam_update,
    fit,
    init_params,
    load_state,
    loss_and_grad,
    save_state,
    train,
    train_init,
)

COLLAPSE, PROBABILITIES = QLSTMConfig(), QLSTMConfig(memory="probabilities")
both_rules = pytest.mark.parametrize(
    "config", [COLLAPSE, PROBABILITIES], ids=lambda config: config.memory
)


def draw(config, n_sequences=12, n_steps=4, seed=0):
    """Parameters, inputs and targets."""
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(-1, 1, (n_sequences, n_steps, config.n_features))
    shape = (n_sequences,) if config.loss == "last" else (n_sequences, n_steps)
    return init_params(config, rng), inputs, rng.uniform(-1, 1, shape)


def start(params, seed=7):
    """A fresh state whose shuffles follow from the seed."""
    return train_init(params, np.random.default_rng(seed))


def without_time(history):
    """The numbers that do not depend on the clock."""
    return {key: row for key, row in history.items() if key != "seconds"}


def assert_same_bits(first, second):
    """Two training states agree in every bit that is not a time."""
    for name in ("params", "best_params"):
        for a, b in zip(getattr(first, name), getattr(second, name), strict=True):
            assert a.tobytes() == b.tobytes()
    assert first.adam.step == second.adam.step
    for a, b in zip(first.adam[1:], second.adam[1:], strict=True):
        assert a.tobytes() == b.tobytes()
    np.testing.assert_array_equal(first.outcomes, second.outcomes)
    assert without_time(first.history) == without_time(second.history)
    assert (first.rng_state, first.epoch, first.best_loss) == (
        second.rng_state,
        second.epoch,
        second.best_loss,
    )


def replay(params, inputs, targets, config, epochs, batch_size, learning_rate, seed=7):
    """The loop written again: losses and parameters after each epoch, and outcomes.

    The outcomes come from the slow model, with the parameters of the moment.
    """
    rng = np.random.default_rng(int(np.random.default_rng(seed).integers(2**63)))
    state, rows = adam_init(params), []
    for _ in range(epochs):
        order, total = rng.permutation(len(inputs)), 0.0
        outcomes = np.zeros((len(inputs), inputs.shape[1]), dtype=int)
        for first in range(0, len(inputs), batch_size):
            rows_in = order[first : first + batch_size]
            _, outcomes[rows_in] = dense.run_batch(params, inputs[rows_in], config)
            loss, grads = loss_and_grad(
                params, inputs[rows_in], targets[rows_in], config
            )
            total += loss * len(rows_in)
            params, state = adam_update(params, grads, state, learning_rate)
        rows.append((total / len(inputs), params, outcomes[:, :-1]))
    return rows


@both_rules
def test_the_same_seed_gives_the_same_bits(config):
    data = draw(config)
    runs = [
        train(start(data[0], seed), *data[1:], config, epochs=3) for seed in (7, 7, 8)
    ]
    assert_same_bits(runs[0], runs[1])
    assert runs[0].history["loss"] != runs[2].history["loss"]


@pytest.mark.parametrize("stop", [1, 2, 4])
@both_rules
def test_a_stopped_saved_and_loaded_run_gives_the_same_bits(config, stop, tmp_path):
    params, inputs, targets = draw(config)
    options = {"batch_size": 5, "validation": (inputs[:3], targets[:3])}
    whole = train(start(params), inputs, targets, config, epochs=5, **options)
    part = train(start(params), inputs, targets, config, epochs=stop, **options)
    save_state(tmp_path / "run.npz", part, config)
    loaded, loaded_config = load_state(tmp_path / "run.npz")
    assert loaded_config == config
    assert_same_bits(loaded, part)
    assert loaded.history["seconds"] == part.history["seconds"]
    rest = train(loaded, inputs, targets, loaded_config, epochs=5, **options)
    assert_same_bits(rest, whole)


def test_a_run_can_be_saved_before_its_first_epoch(tmp_path):
    params, inputs, targets = draw(COLLAPSE)
    save_state(tmp_path / "run.npz", start(params), COLLAPSE)
    loaded, _ = load_state(tmp_path / "run.npz")
    assert_same_bits(
        train(loaded, inputs, targets, COLLAPSE, epochs=2),
        train(start(params), inputs, targets, COLLAPSE, epochs=2),
    )


def test_a_run_that_is_done_stays_as_it_is():
    params, inputs, targets = draw(COLLAPSE)
    state = train(start(params), inputs, targets, COLLAPSE, epochs=2)
    again = train(state, inputs, targets, COLLAPSE, epochs=2)
    assert_same_bits(again, state)


def test_fit_is_train_from_the_beginning():
    params, inputs, targets = draw(COLLAPSE)
    state = train(start(params), inputs, targets, COLLAPSE, epochs=3, batch_size=4)
    fitted, history = fit(
        params,
        inputs,
        targets,
        COLLAPSE,
        epochs=3,
        batch_size=4,
        rng=np.random.default_rng(7),
    )
    assert without_time(history) == without_time(state.history)
    for a, b in zip(fitted, state.params, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("loss", ["last", "all"])
@pytest.mark.parametrize("batch_size", [5, 12, 1])
def test_the_loop_equals_one_written_again(batch_size, loss):
    """Twelve sequences in fives: the last batch is short, and weighs less."""
    config = QLSTMConfig(loss=loss)
    data = draw(config)
    states = []
    train(
        start(data[0]),
        *data[1:],
        config,
        epochs=3,
        batch_size=batch_size,
        learning_rate=0.05,
        callback=states.append,
    )
    expected = replay(*data, config, 3, batch_size, 0.05)
    for epoch, (state, row) in enumerate(zip(states, expected, strict=True), start=1):
        loss_mean, params, _ = row
        assert state.epoch == epoch == len(state.history["loss"])
        assert state.history["loss"][-1] == pytest.approx(loss_mean, abs=1e-14)
        for a, b in zip(state.params, params, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-14)


def test_a_batch_larger_than_the_data_is_one_batch():
    params, inputs, targets = draw(COLLAPSE)
    run = [
        train(start(params), inputs, targets, COLLAPSE, epochs=2, batch_size=size)
        for size in (12, 1000)
    ]
    assert_same_bits(*run)
    assert run[0].adam.step == 2


@both_rules
def test_history_has_one_number_an_epoch(config):
    params, inputs, targets = draw(config)
    rng = np.random.default_rng(0)
    _, plain = fit(params, inputs, targets, config, epochs=3, rng=rng)
    _, checked = fit(
        params,
        inputs,
        targets,
        config,
        epochs=3,
        rng=rng,
        validation=(inputs[:2], targets[:2]),
    )
    keys = {"loss", "seconds"}
    keys |= {"branch_switches"} if config.memory == "collapse" else set()
    assert set(plain) == keys
    assert set(checked) == keys | {"val_loss"}
    assert {len(row) for row in checked.values()} == {3}
    assert all(second > 0 for second in plain["seconds"])


@pytest.mark.parametrize("batch_size", [5, 12])
def test_branch_switches_are_counted(batch_size):
    """Against outcomes of the slow model, sequence by sequence."""
    data = draw(COLLAPSE, n_steps=5, seed=3)
    states = []
    train(
        start(data[0]),
        *data[1:],
        COLLAPSE,
        epochs=6,
        batch_size=batch_size,
        learning_rate=0.1,
        callback=states.append,
    )
    records = [row[2] for row in replay(*data, COLLAPSE, 6, batch_size, 0.1)]
    for state, record in zip(states, records, strict=True):
        assert state.outcomes.shape == (12, 4)
        np.testing.assert_array_equal(state.outcomes, record)
    switches = [0] + [int((a != b).sum()) for a, b in pairwise(records)]
    assert states[-1].history["branch_switches"] == switches
    assert sum(switches) > 0


def test_no_step_no_switch():
    params, inputs, targets = draw(COLLAPSE)
    _, history = fit(
        params,
        inputs,
        targets,
        COLLAPSE,
        epochs=4,
        learning_rate=1e-12,
        rng=np.random.default_rng(0),
    )
    assert history["branch_switches"] == [0, 0, 0, 0]


def test_a_continued_run_keeps_counting():
    params, inputs, targets = draw(COLLAPSE, seed=3)
    options = {"learning_rate": 0.1}
    part = train(start(params), inputs, targets, COLLAPSE, epochs=3, **options)
    rest = train(part, inputs, targets, COLLAPSE, epochs=6, **options)
    whole = train(start(params), inputs, targets, COLLAPSE, epochs=6, **options)
    assert rest.history["branch_switches"] == whole.history["branch_switches"]
    assert len(part.history["loss"]) == 3  # the argument is not modified


@pytest.mark.parametrize("loss", ["last", "all"])
def test_validation_loss_is_that_of_the_parameters_after_the_epoch(loss):
    config = QLSTMConfig(loss=loss)
    params, inputs, targets = draw(config)
    validation = inputs[:7], targets[:7]
    states = []
    train(
        start(params),
        inputs[7:],
        targets[7:],
        config,
        epochs=3,
        validation=validation,
        callback=states.append,
    )
    for state in states:
        expected, _ = loss_and_grad(state.params, *validation, config)
        assert state.history["val_loss"][-1] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("with_validation", [False, True])
def test_the_best_parameters_are_those_of_the_lowest_loss(with_validation):
    params, inputs, targets = draw(COLLAPSE)
    validation = (inputs[:4], targets[:4]) if with_validation else None
    states = []
    last = train(
        start(params),
        inputs[4:],
        targets[4:],
        COLLAPSE,
        epochs=12,
        learning_rate=1.0,
        validation=validation,
        callback=states.append,
    )
    losses = last.history["val_loss" if with_validation else "loss"]
    best = int(np.argmin(losses))
    assert best < 11  # otherwise the last would do
    assert last.best_loss == losses[best]
    for a, b in zip(last.best_params, states[best].params, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("answer, epochs", [(True, 1), (1, 1), (False, 3), (None, 3)])
def test_a_true_answer_of_the_callback_stops(answer, epochs):
    params, inputs, targets = draw(COLLAPSE)
    state = train(
        start(params), inputs, targets, COLLAPSE, epochs=3, callback=lambda _: answer
    )
    assert state.epoch == epochs == len(state.history["loss"])


def test_one_step_sequences_have_no_branch_to_switch():
    params, inputs, targets = draw(COLLAPSE, n_steps=1)
    state = train(start(params), inputs, targets, COLLAPSE, epochs=2)
    assert state.outcomes.shape == (12, 0)
    assert state.history["branch_switches"] == [0, 0]


def test_arguments_are_not_modified():
    params, inputs, targets = draw(COLLAPSE)
    arrays = (*params, inputs, targets)
    for array in arrays:
        array.flags.writeable = False
    kept = [array.copy() for array in arrays]
    state = start(params)
    before = {**state.rng_state}
    train(state, inputs, targets, COLLAPSE, epochs=2)
    assert state.history == {} and state.rng_state == before
    for array, copy in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_it_learns():
    config = QLSTMConfig(memory="probabilities", rotation="RY")
    t = np.arange(60)
    values = 0.8 * np.sin(t / 3)
    cut = np.lib.stride_tricks.sliding_window_view(values, 7)
    params = init_params(config, np.random.default_rng(0))
    _, history = fit(
        params,
        cut[:, :-1, None],
        cut[:, -1],
        config,
        epochs=40,
        learning_rate=0.03,
        rng=np.random.default_rng(1),
    )
    assert history["loss"][-1] < 0.1 * history["loss"][0]


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
def test_counts_are_positive_integers(name):
    params, inputs, targets = draw(COLLAPSE)
    for value, error, text in (
        (0, ValueError, "must be at least 1, but is 0"),
        (-2, ValueError, "must be at least 1, but is -2"),
        (2.0, TypeError, "must be an integer, but is 2.0"),
    ):
        options = {"epochs": 1, name: value}
        with pytest.raises(error, match=f"`{name}` {text}"):
            train(start(params), inputs, targets, COLLAPSE, **options)


@pytest.mark.parametrize("value", [0, -0.1, np.inf, np.nan])
def test_the_learning_rate_is_positive_and_finite(value):
    params, inputs, targets = draw(COLLAPSE)
    text = f"`learning_rate` must be positive and finite, but is {value}"
    with pytest.raises(ValueError, match=text):
        train(start(params), inputs, targets, COLLAPSE, epochs=1, learning_rate=value)


def test_wrong_data_is_refused():
    params, inputs, targets = draw(COLLAPSE)
    state = start(params)
    nan = np.full_like(targets, np.nan)
    wrong = params._replace(proj_bias=np.zeros(3))
    calls = {
        "`inputs` must have shape": (state, inputs[..., 0], targets, {}),
        "`targets` must have shape": (state, inputs, targets[1:], {}),
        "`targets` must be finite": (state, inputs, nan, {}),
        "`params.proj_bias` must have shape": (start(wrong), inputs, targets, {}),
        "`gradient` must be one of": (state, inputs, targets, {"gradient": "no"}),
        r"`targets` must have shape \(3,\)": (
            state,
            inputs,
            targets,
            {"validation": (inputs[:3], targets[:2])},
        ),
    }
    for text, (begin, x, y, options) in calls.items():
        with pytest.raises(ValueError, match=text):
            train(begin, x, y, COLLAPSE, epochs=1, **options)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_that_is_not_finite_is_an_error():
    params, inputs, targets = draw(COLLAPSE)
    text = "The loss must stay finite, but is inf after epoch 1"
    with pytest.raises(ValueError, match=text):
        train(
            start(params),
            inputs,
            targets,
            COLLAPSE,
            epochs=3,
            validation=(inputs, np.full(12, 1e200)),
        )
