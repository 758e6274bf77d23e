"""Parameter shift and finite differences."""

import dense
import numpy as np
import pytest

from qsim import (
    RX,
    RY,
    apply_gate,
    entangling_layers,
    entangling_layers_backward,
    expval_z,
    finite_difference,
    parameter_shift,
    zero_state,
)


def test_a_turned_wire():
    # <Z> after RY(t) is cos t
    t = np.linspace(-4, 4, 9)
    for angle in t:
        grad = parameter_shift(
            lambda x: expval_z(apply_gate(zero_state(1), RY(x[0]), [0]), 0), [angle]
        )
        np.testing.assert_allclose(grad, [[-np.sin(angle)]], atol=1e-15)


def test_two_turns_multiply():
    # RX(a) then RY(b) on |0>: <Z> = cos a cos b
    def f(x):
        state = apply_gate(zero_state(1), RX(x[0]), [0])
        return expval_z(apply_gate(state, RY(x[1]), [0]), 0)[0]

    a, b = 0.7, -1.3
    expected = [-np.sin(a) * np.cos(b), -np.cos(a) * np.sin(b)]
    np.testing.assert_allclose(parameter_shift(f, [a, b]), expected, atol=1e-15)


@pytest.mark.parametrize("rotation", ["RX", "RY", "RZ"])
@pytest.mark.parametrize("n_wires", [1, 2, 3, 5])
def test_parameter_shift_equals_the_reverse_gradient(n_wires, rotation):
    rng = np.random.default_rng([0, n_wires])
    state = dense.random_state(rng, n_wires)
    angles = rng.uniform(-4, 4, (2, n_wires))

    def f(x):
        return expval_z(entangling_layers(state, x, rotation), n_wires - 1)[0]

    out = entangling_layers(state, angles, rotation)
    grad = 2 * out * np.array([1.0, -1.0])
    _, _, reverse = entangling_layers_backward(out, grad, angles, rotation)
    shift = parameter_shift(f, angles)
    np.testing.assert_allclose(shift, reverse, atol=1e-12, rtol=0)
    np.testing.assert_allclose(finite_difference(f, angles), reverse, atol=1e-8)


def test_parameter_shift_is_wrong_where_an_angle_drives_two_gates():
    # <Z> after RY(t) twice is cos 2t: the two-term rule gives 0, not -2 sin 2t
    def f(x):
        return expval_z(apply_gate(zero_state(1), RY(x[0]) @ RY(x[0]), [0]), 0)[0]

    np.testing.assert_allclose(parameter_shift(f, [0.3]), [0], atol=1e-15)
    np.testing.assert_allclose(
        finite_difference(f, [0.3]), [-2 * np.sin(0.6)], atol=1e-9
    )


@pytest.mark.parametrize("method", [parameter_shift, finite_difference])
def test_the_shape_is_that_of_the_angles_then_the_values(method):
    def f(x):
        assert x.shape == (2, 3)
        return np.cos(x[0, 1]) * np.array([[1.0, 2.0, 3.0, 4.0]])

    angles = np.full((2, 3), 0.5)
    kept = angles.copy()
    grad = method(f, angles)
    assert grad.shape == (2, 3, 1, 4) and grad.dtype == np.float64
    expected = np.zeros((2, 3, 1, 4))
    expected[0, 1] = -np.sin(0.5) * np.array([[1, 2, 3, 4]])
    np.testing.assert_allclose(grad, expected, atol=1e-9)
    np.testing.assert_array_equal(angles, kept)
    assert method(lambda x: 1.0, np.empty((0, 3))).shape == (0, 3)


def test_central_differences_are_exact_for_squares():
    grad = finite_difference(lambda x: (x**2).sum(), [1.0, -2.0], step=0.5)
    np.testing.assert_allclose(grad, [2, -4], atol=1e-14)


@pytest.mark.parametrize("step", [0, -1e-6, np.nan])
def test_the_step_must_be_positive(step):
    with pytest.raises(ValueError, match=f"`step` must be positive, but is {step}"):
        finite_difference(np.sum, [0.0], step=step)
