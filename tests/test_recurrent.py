"""Elman's network and the LSTM: gradients, properties, and PyTorch's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from checker import relative_error

from qlstm.forecasting.baselines.networks import count_params, init_recurrent
from qlstm.forecasting.baselines.recurrent import (
    ElmanCell,
    LSTMCell,
    RecurrentParams,
    recurrent_forecast,
    recurrent_loss_and_grad,
)
from qlstm.forecasting.examples import Layout

CELLS = {"rnn": ElmanCell, "lstm": LSTMCell}
SIZES = [(1, 1, 1, 1, 1), (1, 2, 10, 5, 1), (3, 4, 2, 3, 2), (2, 5, 7, 1, 3)]
"""n_features, n_hidden, n_steps, batch, n_outputs."""
GOLDEN = json.loads(
    (Path(__file__).parent / "golden" / "torch_lstm.json").read_text(encoding="utf-8")
)

both = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
sizes = pytest.mark.parametrize("sizes", SIZES, ids=str)


def draw(rng, cell, sizes):
    """Parameters of order one, windows and targets."""
    n_features, n_hidden, n_steps, batch, n_outputs = sizes
    layout = Layout(n_steps, n_features, n_outputs)
    params = init_recurrent(cell, n_hidden, layout, rng)
    scaled = RecurrentParams(*(array * np.sqrt(n_hidden) for array in params))
    inputs = rng.normal(size=(batch, n_steps, n_features))
    return scaled, inputs, rng.normal(size=(batch, n_outputs))


def sigmoid(a):
    """The logistic function, as one writes it."""
    return 1 / (1 + np.exp(-a))


def slow_states(cell, params, window):
    """Hidden states of one window, by the equations, unit by unit of each gate."""
    n_hidden = len(params.hidden_weight)
    h, c, states = np.zeros(n_hidden), np.zeros(n_hidden), []
    for x in window:
        a = x @ params.input_weight + h @ params.hidden_weight + params.bias
        if cell is ElmanCell:
            h = np.tanh(a)
        else:
            i, f, g, o = np.split(a, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


@sizes
@both
def test_states_follow_the_equations_and_a_batch_equals_a_loop(cell, sizes):
    params, inputs, _ = draw(np.random.default_rng(0), cell, sizes)
    hidden = cell.forward(params, inputs).hidden
    np.testing.assert_array_equal(hidden[0], 0)
    for k, window in enumerate(inputs):
        expected = slow_states(cell, params, window)
        np.testing.assert_allclose(hidden[1:, k], expected, rtol=0, atol=1e-14)
        y = expected[-1] @ params.readout_weight + params.readout_bias
        one = recurrent_forecast(cell, params, inputs[k : k + 1])
        np.testing.assert_allclose(one, y[None], rtol=0, atol=1e-14)


@both
def test_a_sequence_equals_its_steps(cell):
    params, inputs, _ = draw(np.random.default_rng(1), cell, (2, 3, 6, 4, 1))
    whole = cell.forward(params, inputs)
    state = None
    for t in range(6):
        step = cell.forward(params, inputs[:, t : t + 1], state)
        np.testing.assert_allclose(step.hidden[1], whole.hidden[t + 1], atol=1e-15)
        state = step.hidden[1], (step.hidden if cell is ElmanCell else step.cell)[1]


@both
def test_saturated_gates_do_not_overflow(cell):
    params, inputs, targets = draw(np.random.default_rng(2), cell, (1, 2, 4, 3, 1))
    with np.errstate(all="raise", under="ignore"):
        loss, grads = recurrent_loss_and_grad(cell, params, 1e6 * inputs, targets)
    assert np.isfinite(loss)
    assert all(np.isfinite(array).all() for array in grads)


@sizes
@both
def test_the_loss_gradient_equals_central_differences(cell, sizes):
    rng = np.random.default_rng(3)
    _, inputs, targets = draw(rng, cell, sizes)
    for _ in range(3):
        error = relative_error(
            rng,
            lambda: draw(rng, cell, sizes)[0],
            lambda p: recurrent_loss_and_grad(cell, p, inputs, targets)[0],
            lambda p: recurrent_loss_and_grad(cell, p, inputs, targets)[1],
        )
        assert error < 1e-7


@sizes
@both
def test_gradients_of_all_steps_equal_central_differences(cell, sizes):
    """Every hidden state feeds the loss, each with a weight of its own."""
    rng = np.random.default_rng(4)
    n_features, n_hidden, n_steps, batch, _ = sizes
    inputs = rng.normal(size=(batch, n_steps, n_features))
    probe = rng.normal(size=(n_steps, batch, n_hidden))

    def loss(p):
        return np.vdot(probe, cell.forward(p, inputs).hidden[1:])

    def gradient(p):
        return cell.backward(p, cell.forward(p, inputs), probe)

    for _ in range(3):
        error = relative_error(rng, lambda: draw(rng, cell, sizes)[0], loss, gradient)
        assert error < 1e-7


@both
def test_the_gradient_of_a_batch_is_the_mean_of_its_windows(cell):
    params, inputs, targets = draw(np.random.default_rng(5), cell, (2, 3, 5, 4, 2))
    loss, grads = recurrent_loss_and_grad(cell, params, inputs, targets)
    parts = [
        recurrent_loss_and_grad(cell, params, inputs[k : k + 1], targets[k : k + 1])
        for k in range(4)
    ]
    assert loss == pytest.approx(np.mean([part[0] for part in parts]))
    for k, array in enumerate(grads):
        mean = np.mean([part[1][k] for part in parts], axis=0)
        np.testing.assert_allclose(array, mean, rtol=0, atol=1e-14)


@both
def test_a_state_before_the_window_is_kept_in_the_gradient(cell):
    """Two halves of a window: the second's gradient, its first state held fixed."""
    rng = np.random.default_rng(6)
    _, inputs, _ = draw(rng, cell, (2, 3, 4, 2, 1))
    state = rng.normal(size=(2, 2, 3))
    probe = rng.normal(size=(4, 2, 3))

    def run(p):
        return cell.forward(p, inputs, state)

    error = relative_error(
        rng,
        lambda: draw(rng, cell, (2, 3, 4, 2, 1))[0],
        lambda p: np.vdot(probe, run(p).hidden[1:]),
        lambda p: cell.backward(p, run(p), probe),
    )
    assert error < 1e-7


@both
def test_arguments_are_not_modified(cell):
    params, inputs, targets = draw(np.random.default_rng(7), cell, (1, 2, 3, 4, 1))
    arrays = (*params, inputs, targets)
    kept = [array.copy() for array in arrays]
    recurrent_loss_and_grad(cell, params, inputs, targets)
    for array, copy in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


def from_torch(named):
    """PyTorch's arrays in our layout; its two biases act as their sum."""
    arrays = {name: np.array(value) for name, value in named.items()}
    return arrays, RecurrentParams(
        arrays["weight_ih_l0"].T,
        arrays["weight_hh_l0"].T,
        arrays["bias_ih_l0"] + arrays["bias_hh_l0"],
        arrays["weight"].T,
        arrays["bias"],
    )


def golden_id(case):
    """Its network and sizes."""
    return f"{case['network']}-{np.shape(case['probe'])}"


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=golden_id)
def test_values_and_gradients_are_pytorch_s(case):
    cell = CELLS[case["network"]]
    _, params = from_torch(case["params"])
    inputs, targets, probe = (np.array(case[k]) for k in ("inputs", "targets", "probe"))

    run = cell.forward(params, inputs)
    hidden = run.hidden[1:].swapaxes(0, 1)
    np.testing.assert_allclose(hidden, case["hidden"], rtol=0, atol=1e-12)
    if cell is LSTMCell:
        np.testing.assert_allclose(run.cell[-1], case["cell"], rtol=0, atol=1e-12)
    outputs = recurrent_forecast(cell, params, inputs)
    np.testing.assert_allclose(outputs, case["outputs"], rtol=0, atol=1e-12)

    loss, grads = recurrent_loss_and_grad(cell, params, inputs, targets)
    total = loss + (probe * hidden).sum()
    assert total == pytest.approx(case["loss"], rel=0, abs=1e-12)
    probed = cell.backward(params, run, probe.swapaxes(0, 1))
    theirs, expected = from_torch(case["grads"])
    # each of the two biases has the gradient of their sum
    np.testing.assert_allclose(
        theirs["bias_ih_l0"], theirs["bias_hh_l0"], rtol=0, atol=1e-14
    )
    expected = expected._replace(bias=theirs["bias_ih_l0"])
    for ours, extra, golden in zip(grads, probed, expected, strict=True):
        np.testing.assert_allclose(ours + extra, golden, rtol=0, atol=1e-12)


def test_the_golden_numbers_name_their_version():
    assert GOLDEN["versions"]["torch"].startswith("2.13.0")
    assert {case["network"] for case in GOLDEN["cases"]} == set(CELLS)


@sizes
@both
def test_parameters_are_counted_and_bounded(cell, sizes):
    n_features, n_hidden, n_steps, _, n_outputs = sizes
    layout = Layout(n_steps, n_features, n_outputs)
    params = init_recurrent(cell, n_hidden, layout, np.random.default_rng(8))
    assert count_params(cell, n_hidden, layout) == sum(a.size for a in params)
    assert all(np.abs(array).max() <= 1 / np.sqrt(n_hidden) for array in params)
