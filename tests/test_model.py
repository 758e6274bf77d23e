"""The run through time: against the slow model, its properties, and its gradient."""

import tracemalloc

import checker
import dense
import numpy as np
import one
import pytest
from covering import covering

from qlstm import ROTATIONS, QLSTMConfig, init_params, loss_and_grad, predict
from qlstm.params import CHUNK, param_shapes
from qlstm.readout import readout_signs

MEMORIES = ("collapse", "probabilities", "marginals", "reset")
SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]
every_rotation = pytest.mark.parametrize("rotation", ROTATIONS)
every_memory = pytest.mark.parametrize("memory", MEMORIES)
every_loss = pytest.mark.parametrize("loss", ["last", "all"])
every_size = pytest.mark.parametrize("n_system, n_ancilla", SIZES)


def draw_data(rng, config, batch=4, n_steps=5):
    """Inputs and targets that fit a configuration."""
    shape = (batch,) if config.loss == "last" else (batch, n_steps)
    inputs = rng.uniform(-1, 1, (batch, n_steps, config.n_features))
    return inputs, rng.uniform(-1, 1, shape)


def draw_angles(rng, config):
    """Parameters with angles over the whole circle."""
    params = init_params(config, rng)
    turns = rng.uniform(-np.pi, np.pi, (2, *params.entangler.shape))
    return params._replace(entangler=turns[0], disentangler=turns[1])


def assert_close(ours, theirs, atol):
    """Two sets of arrays agree."""
    assert ours._fields == theirs._fields
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=atol, rtol=0)


@pytest.mark.parametrize(
    "sizes, rotation, memory, n_features", covering(SIZES, ROTATIONS, MEMORIES, [1, 2])
)
def test_equals_the_slow_model(sizes, rotation, memory, n_features):
    n_system, n_ancilla = sizes
    rng = np.random.default_rng([0, n_system, n_ancilla, n_features])
    config = QLSTMConfig(
        n_features, n_system, n_ancilla, n_layers=2, rotation=rotation, memory=memory
    )
    params, (inputs, _) = draw_angles(rng, config), draw_data(rng, config)
    kept = [array.copy() for array in (*params, inputs)]
    run = one.forward(params, inputs, config)
    for i, sequence in enumerate(inputs):
        steps = dense.run_sequence(params, sequence, config)
        for t, step in enumerate(steps):
            assert run.outputs[t, i] == pytest.approx(step.output, abs=1e-12)
            if t + 1 < len(steps):
                memory_in = run.memories[t + 1][i]
                np.testing.assert_allclose(memory_in, step.memory, atol=1e-12)
                if memory == "collapse":
                    assert run.outcomes[t][i] == step.outcome
    expected, _ = dense.run_batch(params, inputs, config)
    everything = predict(params, inputs, config, all_steps=True)
    np.testing.assert_allclose(everything, expected, atol=1e-12, rtol=0)
    np.testing.assert_array_equal(predict(params, inputs, config), everything[:, -1])
    for array, copy in zip((*params, inputs), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_loss
def test_the_loss_is_the_mean_square(loss):
    rng = np.random.default_rng(1)
    config = QLSTMConfig(loss=loss)
    params, (inputs, targets) = draw_angles(rng, config), draw_data(rng, config)
    outputs, _ = dense.run_batch(params, inputs, config)
    kept = outputs if loss == "all" else outputs[:, -1]
    expected = np.mean((kept - targets) ** 2)
    value, _ = loss_and_grad(params, inputs, targets, config)
    assert value == pytest.approx(expected, abs=1e-13)
    assert one.mean_loss(params, inputs, targets, config) == pytest.approx(expected)


@every_memory
@every_rotation
def test_a_sequence_equals_its_steps(rotation, memory):
    """A prefix gives the first outputs: what comes later cannot reach back."""
    rng = np.random.default_rng(2)
    config = QLSTMConfig(rotation=rotation, memory=memory)
    params, (inputs, _) = draw_angles(rng, config), draw_data(rng, config, n_steps=6)
    everything = predict(params, inputs, config, all_steps=True)
    for t in range(6):
        last = predict(params, inputs[:, : t + 1], config)
        np.testing.assert_allclose(last, everything[:, t], atol=1e-13)


@every_loss
@every_memory
@every_rotation
def test_a_batch_equals_a_loop(rotation, memory, loss):
    rng = np.random.default_rng(3)
    config = QLSTMConfig(rotation=rotation, memory=memory, loss=loss)
    params, (inputs, targets) = draw_angles(rng, config), draw_data(rng, config)
    value, grads = loss_and_grad(params, inputs, targets, config)
    alone = [
        loss_and_grad(params, inputs[i : i + 1], targets[i : i + 1], config)
        for i in range(4)
    ]
    assert value == pytest.approx(np.mean([one for one, _ in alone]), abs=1e-13)
    summed = [sum(arrays) / 4 for arrays in zip(*(g for _, g in alone), strict=True)]
    assert_close(grads, type(grads)(*summed), 1e-13)
    together = predict(params, inputs, config)
    loop = [predict(params, inputs[i : i + 1], config)[0] for i in range(4)]
    np.testing.assert_allclose(together, loop, atol=1e-14)


@every_loss
def test_more_sequences_than_a_chunk(loss):
    rng = np.random.default_rng(4)
    config = QLSTMConfig(n_system=1, n_ancilla=1, loss=loss)
    params = draw_angles(rng, config)
    inputs, targets = draw_data(rng, config, batch=CHUNK + 3, n_steps=2)
    everything = predict(params, inputs, config, all_steps=True)
    parts = [
        predict(params, inputs[part], config, all_steps=True)
        for part in (slice(5), slice(5, CHUNK), slice(CHUNK, None))
    ]
    np.testing.assert_allclose(everything, np.concatenate(parts), atol=1e-13)
    y = everything if loss == "all" else everything[:, -1]
    expected = np.mean((y - targets) ** 2)
    assert one.mean_loss(params, inputs, targets, config) == pytest.approx(expected)


@every_memory
@every_size
def test_outputs_and_memories_keep_their_bounds(n_system, n_ancilla, memory):
    rng = np.random.default_rng(5)
    config = QLSTMConfig(n_system=n_system, n_ancilla=n_ancilla, memory=memory)
    params, (inputs, _) = draw_angles(rng, config), draw_data(rng, config, 50, 12)
    run = one.forward(params, 3 * inputs, config)
    assert np.abs(run.outputs).max() <= 1 + 1e-14
    first = np.eye(2**n_ancilla)[[0] * 50]
    np.testing.assert_array_equal(run.memories[0], first)
    norms = np.linalg.norm(run.memories, axis=2)
    np.testing.assert_allclose(norms, 1, atol=1e-14)


@pytest.mark.parametrize("n_system", [1, 2, 3])
def test_the_last_system_wire_is_read_out(n_system):
    z = dense.embed(dense.PAULI["RZ"], [n_system - 1], n_system)
    np.testing.assert_array_equal(readout_signs(n_system)[:, 0], np.diag(z).real)


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
def test_several_wires_are_read_out_in_order(n_outputs):
    wires = range(3 - n_outputs, 3)
    z = [np.diag(dense.embed(dense.PAULI["RZ"], [w], 3)).real for w in wires]
    np.testing.assert_array_equal(readout_signs(3, n_outputs), np.transpose(z))


def test_scale_offset_and_change_act_on_the_expectation_values():
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (4, 6, 1))
    plain = QLSTMConfig(n_outputs=2)
    bare = init_params(plain, rng)
    z = predict(bare, inputs, plain, all_steps=True)  # (4, 6, 2)
    config = QLSTMConfig(n_outputs=2, readout="affine", predicts="change")
    scale, offset = np.array([2.0, -3.0]), np.array([0.5, 0.25])
    params = type(param_shapes(config))(*bare, scale, offset)
    y = predict(params, inputs, config, all_steps=True)
    np.testing.assert_allclose(y, z * scale + offset + inputs, atol=1e-14)


@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("memory", MEMORIES)
def test_angle_encoding_equals_a_circuit_written_again(memory, rotation):
    """Dense matrices, one sample and step at a time."""
    config = QLSTMConfig(
        n_system=2, n_ancilla=1, rotation=rotation, memory=memory, encoding="angle"
    )
    rng = np.random.default_rng(0)
    params = init_params(config, rng)
    inputs = rng.uniform(-1, 1, (3, 4, 1))
    y = predict(params, inputs, config, all_steps=True)
    rows = np.concatenate([params.entangler, params.disentangler[::-1]])
    upload = {"RX": "RY", "RY": "RX"}[rotation]
    for sample, sequence in enumerate(inputs):
        memory_vector = np.array([1.0, 0.0])
        for t, x in enumerate(sequence):
            turns = (x @ params.proj_weight + params.proj_bias).reshape(4, 2)
            psi = dense.kron([1.0, 0.0, 0.0, 0.0], memory_vector)
            for row, turn in zip(rows, turns, strict=True):
                for wire in range(2):
                    gate = dense.rotation(upload, turn[wire])
                    psi = dense.embed(gate, [wire], 3) @ psi
                psi = dense.layers_matrix(row[None], rotation) @ psi
            p = np.abs(psi.reshape(2, 2, 2)) ** 2
            expected = p[:, 0].sum() - p[:, 1].sum()
            assert y[sample, t] == pytest.approx(expected, abs=1e-12)
            memory_vector = dense.next_memory(
                memory, list(psi.reshape(4, 2)), psi.reshape(2, 2, 2), 2
            )


def test_one_wire_each_without_turning():
    """Angles of zero leave two CNOTs, which cancel: <Z> is that of the input alone."""
    config = QLSTMConfig(n_system=1, n_ancilla=1, n_layers=1)
    params = init_params(config, np.random.default_rng(6))
    zero = np.zeros((1, 2))
    params = params._replace(entangler=zero, disentangler=zero)
    inputs = np.array([[[0.2], [0.9]]])
    a = inputs[0] @ params.proj_weight + params.proj_bias
    expected = (a[:, 0] ** 2 - a[:, 1] ** 2) / (a**2).sum(axis=1)
    outputs = predict(params, inputs, config, all_steps=True)
    np.testing.assert_allclose(outputs[0], expected, atol=1e-15)


@pytest.mark.parametrize("n_features", [1, 2])
@every_loss
@every_memory
@every_rotation
@every_size
def test_the_gradient(n_system, n_ancilla, rotation, memory, loss, n_features):
    """Random projection against central differences, away from ties."""
    rng = np.random.default_rng([7, n_system, n_ancilla, n_features])
    config = QLSTMConfig(
        n_features, n_system, n_ancilla, rotation=rotation, memory=memory, loss=loss
    )
    inputs, targets = draw_data(rng, config, batch=3, n_steps=4)

    def value(params):
        return loss_and_grad(params, inputs, targets, config)[0]

    def gradient(params):
        return loss_and_grad(params, inputs, targets, config)[1]

    def stable(points):
        if memory != "collapse":
            return True
        records, margins = zip(*(outcomes(p, inputs, config) for p in points))
        same = all(np.array_equal(record, records[0]) for record in records)
        return same and min(margins) > checker.TIE

    error = checker.relative_error(
        rng, lambda: draw_angles(rng, config), value, gradient, stable
    )
    assert error < 1e-7


def outcomes(params, inputs, config):
    """The likeliest outcome of every step and the smallest margin."""
    branches = np.array(one.forward(params, inputs, config).branches[:-1])
    p = (np.abs(branches) ** 2).sum(axis=3)
    top = np.sort(p, axis=2)
    return p.argmax(axis=2), (top[..., -1] - top[..., -2]).min()


@every_memory
def test_every_parameter_has_its_own_gradient(memory):
    """Entry by entry, so that no entry hides behind a random direction."""
    rng = np.random.default_rng(8)
    config = QLSTMConfig(n_features=2, memory=memory, loss="all")
    inputs, targets = draw_data(rng, config, batch=3, n_steps=3)
    params = draw_angles(rng, config)
    while dense.margin(params, inputs, config) < 1e-2:
        params = draw_angles(rng, config)
    _, grads = loss_and_grad(params, inputs, targets, config)
    x, g = checker.flatten(params), checker.flatten(grads)
    for k, unit in enumerate(np.eye(x.size)):

        def along(h, unit=unit):
            point = checker.like(x + h * unit, params)
            return loss_and_grad(point, inputs, targets, config)[0]

        assert g[k] == pytest.approx(checker.derivative(along), abs=1e-10)


@every_loss
def test_a_single_step_has_no_memory_to_differentiate(loss):
    rng = np.random.default_rng(9)
    config = QLSTMConfig(loss=loss)
    params, (inputs, targets) = draw_angles(rng, config), draw_data(rng, config, 3, 1)
    _, grads, forward = one.reverse(params, inputs, targets, config)
    assert forward.run.caches == []
    assert all(np.isfinite(array).all() for array in grads)


def test_arguments_are_not_modified():
    rng = np.random.default_rng(10)
    config = QLSTMConfig(memory="probabilities", loss="all")
    params, (inputs, targets) = draw_angles(rng, config), draw_data(rng, config)
    arrays = (*params, inputs, targets)
    kept = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    loss_and_grad(params, inputs, targets, config)
    for array, copy in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("wires", [(2, 2), (4, 4)])
def test_the_memory_of_a_prediction_does_not_grow_with_the_sequences(wires):
    """Beyond what the inputs and the outputs take themselves."""
    config = QLSTMConfig(n_system=wires[0], n_ancilla=wires[1])
    rng = np.random.default_rng(0)
    params, peaks = init_params(config, rng), []
    for n in (1500, 3000):
        inputs = rng.uniform(-1, 1, (n, 10, 1))
        tracemalloc.start()
        predict(params, inputs, config)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 150e6
    assert peaks[1] - peaks[0] < 5e6
