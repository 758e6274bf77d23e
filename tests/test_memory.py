"""The memory rules and their backward passes."""

import checker
import dense
import numpy as np
import one
import pytest

from qlstm import QLSTMConfig
from qlstm.memory import RULES
from qsim import collapse, reduced_density_matrix

MEMORIES = ("collapse", "probabilities", "marginals")
SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]


def draw_branches(rng, n_system, n_ancilla, batch=3):
    """Random joint states, as rows of system outcomes."""
    state = dense.random_state(rng, n_system + n_ancilla, batch)
    return state.reshape(batch, 2**n_system, 2**n_ancilla)


def test_every_rule_has_a_name():
    assert set(MEMORIES) <= set(one.MEMORIES) <= set(RULES)
    assert {QLSTMConfig(memory=name).memory for name in RULES} == set(RULES)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("n_system, n_ancilla", SIZES)
def test_memories_are_normalized_and_arguments_kept(memory, n_system, n_ancilla):
    branches = draw_branches(np.random.default_rng(0), n_system, n_ancilla)
    kept = branches.copy()
    h, _ = RULES[memory].update(branches)
    assert h.shape == (3, 2**n_ancilla)
    np.testing.assert_allclose(np.linalg.norm(h, axis=1), 1, atol=1e-15)
    np.testing.assert_array_equal(branches, kept)


@pytest.mark.parametrize("n_system, n_ancilla", SIZES)
def test_collapse_equals_the_simulator_s(n_system, n_ancilla):
    branches = draw_branches(np.random.default_rng(1), n_system, n_ancilla, 20)
    state = branches.reshape(20, *(2,) * (n_system + n_ancilla))
    expected = collapse(state, range(n_system))
    h, cache = RULES["collapse"].update(branches)
    np.testing.assert_allclose(h, expected.state.reshape(20, -1), atol=1e-15)
    np.testing.assert_array_equal(RULES["collapse"].outcomes(cache), expected.outcomes)


def test_collapse_ties_go_to_the_lowest_outcome():
    branches = np.zeros((2, 4, 2))
    branches[0, [1, 2, 3], [0, 1, 0]] = 0.5
    branches[1, :, 1] = 0.5
    h, cache = RULES["collapse"].update(branches)
    assert RULES["collapse"].outcomes(cache).tolist() == [1, 0]
    np.testing.assert_array_equal(h, [[1, 0], [0, 1]])


@pytest.mark.parametrize("n_system, n_ancilla", SIZES)
def test_probabilities_are_the_diagonal_of_the_ancilla(n_system, n_ancilla):
    branches = draw_branches(np.random.default_rng(2), n_system, n_ancilla)
    n_wires = n_system + n_ancilla
    state = branches.reshape(3, *(2,) * n_wires)
    rho = reduced_density_matrix(state, range(n_system, n_wires))
    p = np.diagonal(rho, axis1=1, axis2=2).real
    h, _ = RULES["probabilities"].update(branches)
    assert h.dtype == np.float64
    expected = p / np.linalg.norm(p, axis=1, keepdims=True)
    np.testing.assert_allclose(h, expected, atol=1e-15)


def test_a_product_state_keeps_its_memory():
    u, h = np.array([0.6, 0.8]), np.array([0.6, 0.0, 0.8j, 0.0])
    after, cache = RULES["collapse"].update(np.outer(u, h)[None])
    np.testing.assert_allclose(after[0], h)
    assert RULES["collapse"].outcomes(cache).tolist() == [1]


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("n_system, n_ancilla", SIZES)
def test_backward_is_the_gradient(memory, n_system, n_ancilla):
    rng = np.random.default_rng([3, n_system, n_ancilla])
    rule = RULES[memory]
    weights = rng.normal(size=(3, 2**n_ancilla)) + 1j * rng.normal(
        size=(3, 2**n_ancilla)
    )

    def draw():
        branches = draw_branches(rng, n_system, n_ancilla)
        return [branches.real, branches.imag]

    def loss(x):
        return np.vdot(weights, rule.update(x[0] + 1j * x[1])[0]).real

    def gradient(x):
        _, cache = rule.update(x[0] + 1j * x[1])
        grad = rule.update_backward(weights, cache)
        return [grad.real, grad.imag]

    def stable(points):
        p = [(x[0] ** 2 + x[1] ** 2).sum(axis=2) for x in points]
        top = [np.sort(q, axis=1)[:, -2:] for q in p]
        same = all((q.argmax(axis=1) == p[0].argmax(axis=1)).all() for q in p)
        return same and min((t[:, 1] - t[:, 0]).min() for t in top) > checker.TIE

    assert checker.relative_error(rng, draw, loss, gradient, stable) < 1e-7


def test_reset_lets_nothing_pass():
    rng = np.random.default_rng(0)
    branches = dense.random_state(rng, 4, 3).reshape(3, 4, 4)
    memory, cache = RULES["reset"].update(branches)
    np.testing.assert_array_equal(memory, np.eye(4)[[0, 0, 0]])
    grad = RULES["reset"].update_backward(np.ones((3, 4)), cache)
    np.testing.assert_array_equal(grad, np.zeros_like(branches))
