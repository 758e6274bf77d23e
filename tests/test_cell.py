"""The circuit of a cell: the order of its angles, and its two routes."""

import checker
import dense
import numpy as np
import pytest

from qlstm import QLSTMConfig, init_params
from qlstm.cell import ROUTES, choose_route, circuit_angles, split_angles
from qlstm.encoding import encode
from qlstm.gradient import reverse
from qlstm.model import unroll
from qsim import circuit_matrix

SIZES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (2, 3)]


def draw(seed, n_features=1, batch=4, n_steps=5, **options):
    """A configuration, parameters, inputs and targets for it."""
    config = QLSTMConfig(n_features=n_features, **options)
    rng = np.random.default_rng(seed)
    shape = (batch,) if config.loss == "last" else (batch, n_steps)
    inputs = rng.uniform(-1, 1, (batch, n_steps, n_features))
    return config, init_params(config, rng), inputs, rng.uniform(-1, 1, shape)


def test_the_disentangler_s_rows_are_applied_from_last_to_first():
    config, params, _, _ = draw(0, n_layers=3)
    expected = dense.layers_matrix(params.disentangler[::-1], "RX")
    expected = expected @ dense.layers_matrix(params.entangler, "RX")
    matrix = circuit_matrix(circuit_angles(params, config), config.rotation)
    np.testing.assert_allclose(matrix, expected, atol=1e-13)


@pytest.mark.parametrize("kind", ["flip", "inverse"])
def test_split_undoes_the_order(kind):
    config, params, _, _ = draw(1, n_layers=3, disentangler=kind)
    entangler, disentangler = split_angles(circuit_angles(params, config), config)
    np.testing.assert_array_equal(entangler, params.entangler)
    np.testing.assert_array_equal(disentangler, params.disentangler)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("n_system, n_ancilla", SIZES)
def test_a_step_joins_and_evolves(n_system, n_ancilla, rotation, route):
    config, params, inputs, _ = draw(
        2, n_system=n_system, n_ancilla=n_ancilla, rotation=rotation
    )
    rng = np.random.default_rng(3)
    h = dense.random_state(rng, n_ancilla, 4).reshape(4, -1)
    u = encode(inputs, params, config).amplitudes
    angles = circuit_angles(params, config)
    circuit = ROUTES[route](angles, u, config)
    matrix = dense.layers_matrix(angles, rotation)
    for t in (0, 3):
        branches = circuit.step(t, h)
        assert branches.shape == (4, 2**n_system, 2**n_ancilla)
        for i in range(4):
            expected = matrix @ np.kron(u[t, i], h[i])
            np.testing.assert_allclose(branches[i].ravel(), expected, atol=1e-13)


@pytest.mark.parametrize("loss", ["last", "all"])
@pytest.mark.parametrize("memory", ["collapse", "probabilities"])
@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("n_system, n_ancilla", SIZES)
def test_the_routes_agree(n_system, n_ancilla, rotation, memory, loss):
    config, params, inputs, targets = draw(
        4,
        n_features=2,
        n_system=n_system,
        n_ancilla=n_ancilla,
        rotation=rotation,
        memory=memory,
        loss=loss,
    )
    matrix, direct = (
        reverse(params, inputs, targets, config, route=route) for route in ROUTES
    )
    assert matrix.loss == pytest.approx(direct.loss, abs=1e-12)
    np.testing.assert_allclose(
        matrix.unrolled.outputs, direct.unrolled.outputs, atol=1e-12
    )
    np.testing.assert_allclose(
        matrix.unrolled.memories, direct.unrolled.memories, atol=1e-12
    )
    np.testing.assert_allclose(
        checker.flatten(matrix.grads), checker.flatten(direct.grads), atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("n_states, route", [(15, "direct"), (16, "matrix")])
def test_the_matrix_must_not_be_wider_than_the_states(n_states, route):
    config, params, _, _ = draw(5)
    assert choose_route(config, n_states) == route
    unrolled = unroll(params, np.ones((n_states, 1, 1)), config)
    assert type(unrolled.route) is ROUTES[route]


@pytest.mark.parametrize("route", ROUTES)
def test_ry_stays_real(route):
    config, params, inputs, _ = draw(6, rotation="RY")
    unrolled = unroll(params, inputs, config, route)
    assert {b.dtype for b in unrolled.branches} == {np.dtype(np.float64)}
