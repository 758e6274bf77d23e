"""Layers, their matrix and their backward passes."""

import checker
import dense
import numpy as np
import pytest

from qsim import (
    adjoint_layers,
    circuit_matrix,
    entangling_layer,
    entangling_layers,
    entangling_layers_backward,
    expval_z,
    layer_gates,
    layers_expval_z,
    parameter_shift,
    zero_state,
)

ROTATIONS = ["RX", "RY", "RZ"]
WIRES = [1, 2, 3, 4, 5, 6]


def draw(seed, n_wires, n_layers=2, batch=3):
    """A generator, random complex states and random angles."""
    rng = np.random.default_rng([seed, n_wires])
    state = dense.random_state(rng, n_wires, batch)
    return rng, state, rng.uniform(-4, 4, (n_layers, n_wires))


def reference(state, angles, rotation):
    """The layers by dense matrices."""
    columns = state.reshape(len(state), -1).T
    return dense.apply_layers(columns, angles, rotation).T.reshape(state.shape)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [*WIRES, 9, 11])
def test_the_fast_way_equals_gate_by_gate(n_wires, rotation):
    _, state, angles = draw(10, n_wires, n_layers=3)
    expected = state
    for row in angles:
        expected = entangling_layer(expected, row, rotation)
    out = entangling_layers(state, angles, rotation)
    np.testing.assert_allclose(out, expected, atol=1e-13, rtol=0)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", WIRES)
def test_a_layer_is_a_rotation_of_every_wire_then_the_ring(n_wires, rotation):
    _, state, angles = draw(11, n_wires, n_layers=1)
    kept = state.copy()
    out = entangling_layer(state, angles[0], rotation)
    expected = reference(state, angles, rotation)
    np.testing.assert_allclose(out, expected, atol=1e-14, rtol=0)
    np.testing.assert_array_equal(state, kept)
    gates = layer_gates(angles[0], rotation)
    ring = [("CNOT", wires) for wires in dense.ring(n_wires)]
    turns = [(rotation, (wire,)) for wire in range(n_wires)]
    assert [(name, wires) for name, _, wires in gates] == turns + ring
    for (_, gate, _), angle in zip(gates[:n_wires], angles[0], strict=True):
        np.testing.assert_allclose(gate, dense.rotation(rotation, angle), atol=1e-15)


def test_a_layer_is_an_rx_layer_unless_told():
    layer = entangling_layer(zero_state(3), [0.3, 0.7, 1.1])
    np.testing.assert_array_equal(
        layer, entangling_layer(zero_state(3), [0.3, 0.7, 1.1], "RX")
    )
    assert [name for name, _, _ in layer_gates([0.1])] == ["RX"]


def test_a_layer_has_one_angle_for_each_wire():
    with pytest.raises(ValueError, match=r"`angles` must have shape \(3,\), none"):
        entangling_layer(zero_state(3), [[0.1, 0.2, 0.3]])
    with pytest.raises(ValueError, match=r"`angles` must have shape \(3,\), none"):
        entangling_layer(zero_state(3), [0.1, 0.2])
    with pytest.raises(ValueError, match=r"must have shape \(n_wires,\), none of them"):
        layer_gates([])
    with pytest.raises(ValueError, match="`rotation` must be one of RX, RY, RZ, but"):
        layer_gates([0.1], "CZ")


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [*WIRES, 9])
def test_layers_equal_dense_matrices(n_wires, rotation):
    _, state, angles = draw(0, n_wires)
    before = state.copy(), angles.copy()
    out = entangling_layers(state, angles, rotation)
    expected = reference(state, angles, rotation)
    np.testing.assert_allclose(out, expected, atol=1e-13, rtol=0)
    np.testing.assert_array_equal(state, before[0])
    np.testing.assert_array_equal(angles, before[1])


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", WIRES)
def test_matrix_equals_dense_matrix_and_is_unitary(n_wires, rotation):
    _, _, angles = draw(1, n_wires)
    matrix = circuit_matrix(angles, rotation)
    expected = dense.layers_matrix(angles, rotation)
    np.testing.assert_allclose(matrix, expected, atol=1e-13, rtol=0)
    identity = np.eye(2**n_wires)
    np.testing.assert_allclose(matrix @ matrix.conj().T, identity, atol=1e-13)


@pytest.mark.parametrize("n_wires", [1, 2, 3, 4, 5, 9])
def test_the_ring_alone(n_wires):
    basis = np.eye(2**n_wires).reshape(-1, *(2,) * n_wires)
    out = entangling_layers(basis, np.zeros((1, n_wires)), "RY")
    for k, image in enumerate(out.reshape(len(out), -1)):
        bits = [(k >> (n_wires - 1 - w)) & 1 for w in range(n_wires)]
        for control, target in dense.ring(n_wires):
            bits[target] ^= bits[control]
        expected = int("".join(map(str, bits)), 2)
        assert np.flatnonzero(image).tolist() == [expected]


def test_rx_is_the_default():
    angles = [[0.3, 0.7, 1.1]]
    np.testing.assert_array_equal(circuit_matrix(angles), circuit_matrix(angles, "RX"))
    np.testing.assert_array_equal(
        entangling_layers(zero_state(3), angles),
        entangling_layers(zero_state(3), angles, "RX"),
    )


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_batch_equals_a_loop(rotation):
    rng, state, angles = draw(2, 5)
    grad = dense.random_state(rng, 5, 3)
    out = entangling_layers(state, angles, rotation)
    before, grad_in, grad_angles = entangling_layers_backward(
        out, grad, angles, rotation
    )
    total = 0
    for i in range(3):
        one = slice(i, i + 1)
        alone = entangling_layers(state[one], angles, rotation)
        np.testing.assert_allclose(alone, out[one], atol=1e-14)
        back = entangling_layers_backward(alone, grad[one], angles, rotation)
        np.testing.assert_allclose(back[0], before[one], atol=1e-14)
        np.testing.assert_allclose(back[1], grad_in[one], atol=1e-14)
        total = total + back[2]
    np.testing.assert_allclose(total, grad_angles, atol=1e-13)


def test_ry_on_a_real_state_stays_real():
    rng = np.random.default_rng(3)
    state, grad = (dense.random_state(rng, 5, 2, real=True) for _ in range(2))
    angles = rng.uniform(0, 1, (2, 5))
    out = entangling_layers(state, angles, "RY")
    back = entangling_layers_backward(out, grad, angles, "RY")
    assert {array.dtype for array in (out, *back)} == {np.dtype(np.float64)}
    assert circuit_matrix(angles, "RY").dtype == np.float64
    assert circuit_matrix(angles, "RX").dtype == np.complex128
    assert entangling_layers(state, angles, "RX").dtype == np.complex128


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_complex_angles_continue_analytically(rotation):
    rng, state, angles = draw(4, 5)
    angles = angles + 0.1j * rng.normal(size=angles.shape)
    expected = reference(state, angles, rotation)
    out = entangling_layers(state, angles, rotation)
    np.testing.assert_allclose(out, expected, atol=1e-13, rtol=0)


@pytest.mark.parametrize("layer, wire", [(0, 0), (1, 2), (0, 4)])
def test_a_complex_step_gives_the_analytic_derivative(layer, wire):
    rng = np.random.default_rng(5)
    state = dense.random_state(rng, 5, 2, real=True)
    angles = rng.uniform(-4, 4, (2, 5))
    tiny, shifted = angles.astype(complex), angles.copy()
    tiny[layer, wire] += 1e-30j
    shifted[layer, wire] += np.pi  # dR(t)/dt = R(t + pi) / 2
    step = entangling_layers(state, tiny, "RY").imag / 1e-30
    exact = entangling_layers(state, shifted, "RY") / 2
    np.testing.assert_allclose(step, exact, atol=1e-14, rtol=0)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [*WIRES, 9])
def test_backward_returns_the_state_that_went_in(n_wires, rotation):
    rng, state, angles = draw(6, n_wires)
    out = entangling_layers(state, angles, rotation)
    grad = dense.random_state(rng, n_wires, 3)
    kept = out.copy(), grad.copy(), angles.copy()
    before, _, _ = entangling_layers_backward(out, grad, angles, rotation)
    np.testing.assert_allclose(before, state, atol=1e-13, rtol=0)
    for array, copy in zip((out, grad, angles), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [*WIRES, 9])
def test_backward_is_the_gradient(n_wires, rotation):
    """Of ``L = sum_k w_k |<c_k|psi>|^2 + Re <d|psi>``, a curved function of psi."""
    rng = np.random.default_rng([7, n_wires])
    shape = (2, *(2,) * n_wires)
    d = dense.random_state(rng, n_wires, 2)
    weights = rng.normal(size=shape)

    def point():
        z = dense.random_state(rng, n_wires, 2)
        return [z.real, z.imag, rng.uniform(-4, 4, (2, n_wires))]

    def loss(x):
        psi = entangling_layers(x[0] + 1j * x[1], x[2], rotation)
        return (weights * np.abs(psi) ** 2).sum() + np.vdot(d, psi).real

    def gradient(x):
        psi = entangling_layers(x[0] + 1j * x[1], x[2], rotation)
        grad = 2 * weights * psi + d
        _, grad_z, grad_angles = entangling_layers_backward(psi, grad, x[2], rotation)
        return [grad_z.real, grad_z.imag, grad_angles]

    assert checker.relative_error(rng, point, loss, gradient) < 1e-7


def test_a_quarter_turn():
    # <Z> after RY(t) is cos t, its derivative -sin t
    angles = [[0.4]]
    state = entangling_layers(zero_state(1), angles, "RY")
    grad = 2 * state * [[1.0, -1.0]]
    _, _, grad_angles = entangling_layers_backward(state, grad, angles, "RY")
    np.testing.assert_allclose(grad_angles, [[-np.sin(0.4)]], atol=1e-15)


def test_unknown_rotation_lists_the_known_ones():
    text = "`rotation` must be one of RX, RY, RZ, but is 'RW'"
    state = zero_state(2)
    calls = [
        lambda: entangling_layers(state, [[0, 0]], "RW"),
        lambda: entangling_layers_backward(state, state, [[0, 0]], "RW"),
        lambda: circuit_matrix([[0, 0]], "RW"),
        lambda: adjoint_layers(state, [[0, 0]], "RW"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=text):
            call()


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3), (0, 3)])
def test_angles_must_fit_the_state(shape):
    text = r"`angles` must have shape \(n_layers, 3\)"
    with pytest.raises(ValueError, match=text):
        entangling_layers(zero_state(3), np.zeros(shape))
    with pytest.raises(ValueError, match=text):
        entangling_layers_backward(zero_state(3), zero_state(3), np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (2, 0), (0, 2)])
def test_angles_of_a_matrix_must_be_layers(shape):
    with pytest.raises(ValueError, match=r"must have shape \(n_layers, n_wires\)"):
        circuit_matrix(np.zeros(shape))


def test_backward_refuses_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"`grad_state` must have the shape of `state"):
        entangling_layers_backward(zero_state(2), zero_state(2, 2), [[0, 0]])


@pytest.mark.parametrize("name", ["RX", "RY", "RZ"])
@pytest.mark.parametrize("n_wires", [1, 2, 5])
def test_any_layout_in_memory(n_wires, name):
    rng = np.random.default_rng(n_wires)
    angles = rng.uniform(0, 2 * np.pi, (2, n_wires))
    state = dense.random_state(rng, n_wires, 3)
    grad = dense.random_state(rng, n_wires, 3)
    odd = np.asfortranarray(state)
    for layers in (entangling_layers, adjoint_layers):
        expected = layers(state, angles, name)
        np.testing.assert_array_equal(layers(odd, angles, name), expected)
    expected = entangling_layers_backward(state, grad, angles, name)
    found = entangling_layers_backward(odd, np.asfortranarray(grad), angles, name)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [1, 3])
def test_lists_are_arrays(n_wires, rotation):
    rng, state, angles = draw(12, n_wires)
    grad = dense.random_state(rng, n_wires, 3)
    for function, arguments in (
        (entangling_layer, (state, angles[0])),
        (entangling_layers, (state, angles)),
        (adjoint_layers, (state, angles)),
        (entangling_layers_backward, (state, grad, angles)),
    ):
        expected = function(*arguments, rotation)
        found = function(*(array.tolist() for array in arguments), rotation)
        expected = expected if isinstance(expected, tuple) else (expected,)
        found = found if isinstance(found, tuple) else (found,)
        for left, right in zip(found, expected, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("name", ["RX", "RY", "RZ"])
@pytest.mark.parametrize("n_wires", [1, 2, 3, 5])
def test_the_adjoint_undoes_the_layers(n_wires, name):
    rng = np.random.default_rng(n_wires)
    angles = rng.uniform(0, 2 * np.pi, (2, n_wires))
    state = dense.random_state(rng, n_wires, 3)
    out = entangling_layers(state, angles, name)
    np.testing.assert_allclose(adjoint_layers(out, angles, name), state, atol=1e-13)
    dagger = dense.layers_matrix(angles, name).conj().T
    expected = (state.reshape(3, -1) @ dagger.T).reshape(state.shape)
    np.testing.assert_allclose(
        adjoint_layers(state, angles, name), expected, atol=1e-13
    )


def test_gates_that_are_undone_have_real_angles():
    state, angles = zero_state(1), [[0.5 + 1j]]
    for call in (
        lambda: entangling_layers_backward(state, state, angles, "RX"),
        lambda: adjoint_layers(state, angles, "RX"),
    ):
        with pytest.raises(ValueError, match="`angles` must be real here"):
            call()


def test_angles_are_finite_numbers():
    with pytest.raises(ValueError, match="`angles` must be finite"):
        circuit_matrix([[np.nan, 0.0]])
    with pytest.raises(TypeError, match="`angles` must be an array of numbers"):
        circuit_matrix([["a", "b"]])


@pytest.mark.parametrize("rotation", ["RX", "RY", "RZ"])
@pytest.mark.parametrize("n_wires", [1, 2, 3, 5, 9, 11])
def test_value_and_gradient_in_one_pass(n_wires, rotation):
    """Of every wire, as by the three functions one after the other."""
    rng = np.random.default_rng(n_wires)
    angles = rng.uniform(-4, 4, (3, n_wires))
    state = entangling_layers(zero_state(n_wires), angles, rotation)
    for wire in range(n_wires):
        value, gradient = layers_expval_z(angles, wire, rotation)
        assert value == pytest.approx(expval_z(state, wire)[0], abs=1e-14)
        grad_state = 2 * np.moveaxis(state, wire + 1, -1) * [1.0, -1.0]
        grad_state = np.moveaxis(grad_state, -1, wire + 1)
        expected = entangling_layers_backward(state, grad_state, angles, rotation)[2]
        assert gradient.shape == angles.shape
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-14)


def test_the_gradient_in_one_pass_is_that_of_parameter_shift():
    angles = np.random.default_rng(0).uniform(-4, 4, (2, 4))
    _, gradient = layers_expval_z(angles, 2)
    expected = parameter_shift(lambda t: layers_expval_z(t, 2)[0], angles)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0.1, 0.2], 0), r"shape \(n_layers, n_wires\)"),
        (([[0.1, 0.2]], 2), "must lie in 0..1, but holds 2"),
        (([[0.1, 0.2]], 0, "RXX"), "`rotation` must be one of RX, RY, RZ"),
        (([[0.1, np.nan]], 0), "`angles` must be finite"),
    ],
)
def test_what_cannot_be_measured_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers_expval_z(*arguments)
