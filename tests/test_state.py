"""`zero_state` and `apply_gate` against dense Kronecker matrices."""

from itertools import permutations

import dense
import numpy as np
import pytest

from qsim import CNOT, HADAMARD, RX, RY, apply_gate, zero_state

CASES = [
    (n, wires)
    for n in range(1, 7)
    for k in range(1, min(n, 3) + 1)
    for wires in permutations(range(n), k)
    if k < 3 or n < 5 or wires in {(5, 0, 3), (1, 4, 2), (4, 3, 0)}
]


def test_zero_state_has_one_amplitude():
    state = zero_state(3, batch=4)
    assert state.shape == (4, 2, 2, 2) and state.dtype == np.float64
    np.testing.assert_array_equal(state.reshape(4, 8), np.eye(8)[[0] * 4])


@pytest.mark.parametrize("name, args", [("n_wires", (0,)), ("batch", (2, 0))])
def test_zero_state_refuses_sizes_below_one(name, args):
    with pytest.raises(ValueError, match=f"Argument `{name}` must be at least 1, but"):
        zero_state(*args)


@pytest.mark.parametrize("n_wires, wires", CASES)
def test_any_gate_on_any_wires_in_any_order(n_wires, wires):
    rng = np.random.default_rng([n_wires, *wires])
    state = dense.random_state(rng, n_wires, batch=3)
    gate = dense.random_matrix(rng, 2 ** len(wires))
    before = state.copy(), gate.copy()
    out = apply_gate(state, gate, wires)
    expected = state.reshape(3, -1) @ dense.embed(gate, wires, n_wires).T
    assert out.shape == state.shape
    np.testing.assert_allclose(out.reshape(3, -1), expected, atol=1e-13, rtol=0)
    np.testing.assert_array_equal(state, before[0])
    np.testing.assert_array_equal(gate, before[1])


def test_a_unitary_keeps_the_norm_and_its_adjoint_undoes_it():
    rng = np.random.default_rng(1)
    state = dense.random_state(rng, 4, batch=2)
    gate, _ = np.linalg.qr(dense.random_matrix(rng, 4))
    out = apply_gate(state, gate, [3, 1])
    np.testing.assert_allclose(np.linalg.norm(out.reshape(2, -1), axis=1), 1)
    back = apply_gate(out, gate.conj().T, [3, 1])
    np.testing.assert_allclose(back, state, atol=1e-14)


def test_dtype_follows_state_and_gate():
    real, complex_ = zero_state(2), zero_state(2) + 0j
    assert apply_gate(real, RY(0.3), [1]).dtype == np.float64
    assert apply_gate(real, HADAMARD, [0]).dtype == np.float64
    assert apply_gate(real, RX(0.3), [1]).dtype == np.complex128
    assert apply_gate(complex_, RY(0.3), [1]).dtype == np.complex128


def test_a_bell_pair():
    bell = apply_gate(apply_gate(zero_state(2), HADAMARD, [0]), CNOT, [0, 1])
    expected = np.array([1, 0, 0, 1]) / np.sqrt(2)
    np.testing.assert_allclose(bell.reshape(4), expected, atol=1e-15)


def test_wire_zero_is_the_top_bit():
    flipped = apply_gate(zero_state(3), RY(np.pi), [0])
    assert flipped.reshape(8).round(12).tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "state", [np.ones(2), np.ones((1, 3)), np.ones((1, 2, 4)), 1.0]
)
def test_refuses_what_is_not_a_batch_of_states(state):
    with pytest.raises(ValueError, match=r"`state` must have shape \(batch, 2, ..., 2"):
        apply_gate(state, RY(0.1), [0])


@pytest.mark.parametrize(
    "wires, text",
    [
        ([], "`wires` must name at least one wire, but is empty"),
        ([1, 1], r"`wires` must be distinct, but is \[1, 1\]"),
        ([2], r"`wires` must lie in 0\.\.1, but holds 2"),
        ([-1], r"`wires` must lie in 0\.\.1, but holds -1"),
    ],
)
def test_refuses_wrong_wires(wires, text):
    with pytest.raises(ValueError, match=text):
        apply_gate(zero_state(2), np.eye(4), wires)


def test_refuses_a_gate_of_the_wrong_size():
    text = r"`gate` must have shape \(4, 4\) for 2 wire\(s\), but has \(2, 2\)"
    with pytest.raises(ValueError, match=text):
        apply_gate(zero_state(2), RY(0.1), [0, 1])
