"""Kernels: many models at once equal each alone, and a kernel remembers nothing."""

from threading import Thread

import checker
import dense
import numpy as np
import pytest

from qsim import adjoint_layers, circuit_matrix, entangling_layers
from qsim.kernels import circuit_matrices, layer_kernel

ROTATIONS = ["RX", "RY", "RZ"]
WIRES = [1, 2, 3, 4, 5, 9, 11]
N_MODELS, N_ROWS = 3, 2


def circuit_matrices_backward(matrices, grad_matrices, angles, rotation):
    """Gradient of the angles from that of the matrices, as the cell takes it."""
    kernel = layer_kernel(angles, rotation)
    return kernel.forward_backward(matrices.mT, grad_matrices.mT)[1]


def draw(n_wires, n_layers=3, n_rows=N_ROWS):
    """Angles, states and gradients of several models."""
    rng = np.random.default_rng(n_wires)
    shape = (2, N_MODELS, n_rows, 2**n_wires)
    state, grad = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return rng.uniform(-4, 4, (N_MODELS, n_layers, n_wires)), state, grad


def passes(kernel, state, grad):
    """Everything a kernel computes."""
    forward, grad_angles = kernel.forward_backward(state, grad)
    adjoint, adjoint_grad_angles = kernel.adjoint_backward(state, grad)
    return [
        kernel.forward(state),
        kernel.adjoint(state),
        kernel.leave(forward),
        grad_angles,
        kernel.leave(adjoint),
        adjoint_grad_angles,
    ]


def assert_same_bits(left, right):
    """Arrays are equal, and of one shape and dtype."""
    for a, b in zip(left, right, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", WIRES)
def test_many_models_equal_each_alone(n_wires, rotation):
    angles, state, grad = draw(n_wires)
    together = passes(layer_kernel(angles, rotation), state, grad)
    for i in range(N_MODELS):
        one = slice(i, i + 1)
        alone = passes(layer_kernel(angles[one], rotation), state[one], grad[one])
        assert_same_bits([array[one] for array in together], alone)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", WIRES)
def test_backward_returns_the_pair_that_went_in(n_wires, rotation):
    angles, state, grad = draw(n_wires)
    kernel = layer_kernel(angles, rotation)
    for undo, back in (
        (kernel.adjoint, kernel.forward_backward),
        (kernel.forward, kernel.adjoint_backward),
    ):
        pair = kernel.leave(back(state, grad)[0])
        expected = np.concatenate([undo(state), undo(grad)], axis=1)
        np.testing.assert_allclose(pair, expected, atol=1e-13 * np.abs(state).max())


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", WIRES)
def test_push_and_pull_are_the_passes_of_rows_that_have_entered(n_wires, rotation):
    angles, state, grad = draw(n_wires)
    kernel = layer_kernel(angles, rotation)
    close = {"rtol": 0, "atol": 1e-13 * 2 ** (n_wires / 2)}
    entered, behind = kernel.enter(state), kernel.forward(state)
    np.testing.assert_allclose(kernel.push(entered), behind, **close)
    found, turned = kernel.pull(entered, behind, grad)
    pair, expected = kernel.forward_backward(behind, grad)
    np.testing.assert_allclose(found, pair[:, N_ROWS:], **close)
    np.testing.assert_allclose(turned, expected, rtol=1e-13, atol=1e-11)


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_first, n_second", [(1, 1), (1, 2), (3, 2), (5, 6)])
def test_the_parts_of_a_product_enter_one_by_one(n_first, n_second, rotation):
    kernel = layer_kernel(np.zeros((N_MODELS, 1, n_first + n_second)), rotation)
    (_, a, _), (_, b, _) = draw(n_first), draw(n_second)

    def product(a, b):
        return (a[..., :, None] * b[..., None, :]).reshape(N_MODELS, N_ROWS, -1)

    apart = product(kernel.enter(a), kernel.enter(b))
    np.testing.assert_allclose(apart, kernel.enter(product(a, b)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("which", ["forward", "adjoint"])
@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [1, 2, 3, 5, 11])
def test_backward_is_the_gradient(n_wires, rotation, which):
    rng = np.random.default_rng([1, n_wires])
    shape = (N_MODELS, N_ROWS, 2**n_wires)
    target = rng.normal(size=shape) + 1j * rng.normal(size=shape)

    def loss(point):
        kernel = layer_kernel(point[2], rotation)
        out = getattr(kernel, which)(point[0] + 1j * point[1])
        return np.vdot(target, out).real

    def gradient(point):
        kernel = layer_kernel(point[2], rotation)
        out = getattr(kernel, which)(point[0] + 1j * point[1])
        pair, grad_angles = getattr(kernel, f"{which}_backward")(out, target)
        grad = kernel.leave(pair)[:, N_ROWS:]
        return [grad.real, grad.imag, grad_angles]

    def point():
        parts = [rng.normal(size=shape) for _ in range(2)]
        return [*parts, rng.uniform(-4, 4, (N_MODELS, 2, n_wires))]

    assert checker.relative_error(rng, point, loss, gradient) < 1e-7


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [1, 2, 3, 4, 5, 6])
def test_matrix_backward_is_the_gradient(n_wires, rotation):
    rng = np.random.default_rng([8, n_wires])
    d = dense.random_matrix(rng, 2**n_wires)[None]

    def loss(x):
        return np.vdot(d, circuit_matrices(x[0], rotation)).real

    def gradient(x):
        matrices = circuit_matrices(x[0], rotation)
        return [circuit_matrices_backward(matrices, d, x[0], rotation)]

    error = checker.relative_error(
        rng, lambda: [rng.uniform(-4, 4, (1, 3, n_wires))], loss, gradient
    )
    assert error < 1e-7


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", WIRES)
def test_a_model_equals_the_public_functions(n_wires, rotation):
    angles, state, _ = draw(n_wires)
    kernel = layer_kernel(angles, rotation)
    forward, adjoint = kernel.forward(state), kernel.adjoint(state)
    for i in range(N_MODELS):
        psi = state[i].reshape(N_ROWS, *(2,) * n_wires)
        for ours, public in ((forward, entangling_layers), (adjoint, adjoint_layers)):
            expected = public(psi, angles[i], rotation)
            np.testing.assert_array_equal(ours[i], expected.reshape(N_ROWS, -1))


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [1, 2, 4, 5])
def test_models_share_rows(n_wires, rotation):
    angles, state, _ = draw(n_wires)
    kernel = layer_kernel(angles, rotation)
    shared, every = state[:1], np.repeat(state[:1], N_MODELS, axis=0)
    assert_same_bits(
        [kernel.forward(shared), kernel.adjoint(shared)],
        [kernel.forward(every), kernel.adjoint(every)],
    )


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [1, 2, 4, 5])
def test_matrices_of_many_models(n_wires, rotation):
    angles, _, _ = draw(n_wires)
    rng = np.random.default_rng(n_wires)
    matrices = circuit_matrices(angles, rotation)
    grad = rng.normal(size=matrices.shape)
    grad_angles = circuit_matrices_backward(matrices, grad, angles, rotation)
    for i in range(N_MODELS):
        one = slice(i, i + 1)
        assert_same_bits([circuit_matrix(angles[i], rotation)], [matrices[i]])
        alone = circuit_matrices_backward(
            matrices[one], grad[one], angles[one], rotation
        )
        assert_same_bits([alone], [grad_angles[one]])


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("n_wires", [2, 4, 11])
def test_a_kernel_remembers_nothing(n_wires, rotation):
    angles, state, grad = draw(n_wires)
    kernel = layer_kernel(angles, rotation)
    first = passes(kernel, state, grad)
    kept = [array.copy() for array in first]
    assert_same_bits(passes(kernel, grad, state)[:1], [kernel.forward(grad)])
    assert_same_bits(passes(kernel, state, grad), kept)
    assert_same_bits(first, kept)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_two_threads_share_a_kernel(rotation):
    angles, state, grad = draw(11, n_rows=8)
    kernel = layer_kernel(angles, rotation)
    expected = [passes(kernel, state, grad), passes(kernel, grad, state)]
    found = [[], []]

    def work(which, *pair):
        for _ in range(20):
            found[which].append(passes(kernel, *pair))

    threads = [
        Thread(target=work, args=args) for args in ((0, state, grad), (1, grad, state))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for which in (0, 1):
        assert len(found[which]) == 20
        for result in found[which]:
            assert_same_bits(result, expected[which])
