"""The circuit of a cell: the order of its angles, and its two routes."""

import checker
import dense
import numpy as np
import one
import pytest

from qlstm import QLSTMConfig, init_params
from qlstm.params import choose_route
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
    matrix = circuit_matrix(one.circuit_angles(params, config), config.rotation)
    np.testing.assert_allclose(matrix, expected, atol=1e-13)


@pytest.mark.parametrize("kind", ["flip", "inverse"])
def test_split_undoes_the_order(kind):
    config, params, _, _ = draw(1, n_layers=3, disentangler=kind)
    entangler, disentangler = one.split_angles(
        one.circuit_angles(params, config), config
    )
    np.testing.assert_array_equal(entangler, params.entangler)
    np.testing.assert_array_equal(disentangler, params.disentangler)


@pytest.mark.parametrize("route", one.ROUTES)
@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("n_system, n_ancilla", SIZES)
def test_a_step_joins_and_evolves(n_system, n_ancilla, rotation, route):
    config, params, inputs, _ = draw(
        2, n_system=n_system, n_ancilla=n_ancilla, rotation=rotation
    )
    rng = np.random.default_rng(3)
    h = dense.random_state(rng, n_ancilla, 4).reshape(4, -1)
    u = one.encode(inputs, params, config).values
    step = one.step(params, inputs, config, route)
    matrix = dense.layers_matrix(one.circuit_angles(params, config), rotation)
    for t in (0, 3):
        branches = step(t, h)
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
    kraus, direct, _ = (
        one.reverse(params, inputs, targets, config, route) for route in one.ROUTES
    )
    assert (kraus.forward.run.kraus is None, direct.forward.run.kraus is None) == (
        False,
        True,
    )
    assert kraus.loss == pytest.approx(direct.loss, abs=1e-12)
    for ours, theirs in (
        (kraus.forward.outputs, direct.forward.outputs),
        (kraus.forward.memories, direct.forward.memories),
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    np.testing.assert_allclose(
        checker.flatten(kraus.grads), checker.flatten(direct.grads), atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("cut", ["entangled", "separate"])
@pytest.mark.parametrize("disentangler", ["flip", "inverse"])
@pytest.mark.parametrize("memory", ["probabilities", "marginals"])
@pytest.mark.parametrize("rotation", ["RX", "RY"])
@pytest.mark.parametrize("n_system, n_ancilla", [(1, 1), (1, 2), (3, 2)])
def test_the_routes_agree_on_every_circuit(
    n_system, n_ancilla, rotation, memory, disentangler, cut
):
    config, params, inputs, targets = draw(
        7,
        n_system=n_system,
        n_ancilla=n_ancilla,
        rotation=rotation,
        memory=memory,
        disentangler=disentangler,
        cut=cut,
    )
    first, *others = (
        one.reverse(params, inputs, targets, config, route) for route in one.ROUTES
    )
    for other in others:
        assert other.loss == pytest.approx(first.loss, abs=1e-12)
        np.testing.assert_allclose(
            checker.flatten(other.grads), checker.flatten(first.grads), 0, 1e-12
        )


@pytest.mark.parametrize(
    "options, route",
    [
        ({"n_system": 4}, "matrix"),
        ({"n_system": 5}, "direct"),
        ({"encoding": "angle"}, "kraus"),
        ({"memory": "mixed"}, "kraus"),
    ],
)
def test_the_route_follows_from_the_configuration(options, route):
    config, params, _, _ = draw(5, **options)
    assert choose_route(config) == route
    run = one.forward(params, np.ones((7, 3, 1)), config, None).run
    asked = one.forward(params, np.ones((7, 3, 1)), config, route).run
    for ours, theirs in zip(run.branches, asked.branches, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("route", one.ROUTES)
def test_ry_stays_real(route):
    config, params, inputs, _ = draw(6, rotation="RY")
    run = one.forward(params, inputs, config, route)
    assert {b.dtype for b in run.branches} == {np.dtype(np.float64)}
