"""The loss and its gradient by every method; what training calls.

`reverse` is the method of choice. The others are exact too, slower, and independent of
it, but for `naive-parameter-shift`, which is wrong and says so.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import unflatten
from qlstm.cell import MatrixRoute, circuit_angles, split_angles
from qlstm.model import Unrolled, mean_loss, unroll, unroll_backward
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_choice,
    check_inputs,
    check_params,
    check_targets,
)
from qlstm.shift import (
    amplitude_shift,
    naive_parameter_shift_gradient,
    parameter_shift_gradient,
)
from qsim import finite_difference


class LossGradient(NamedTuple):
    """A loss, its gradient, and how it came about."""

    loss: float
    """Mean squared error."""
    grads: QLSTMParams
    """Its gradient, in the layout of the parameters."""
    evaluations: int
    """Circuits evaluated: one a sequence for each run of a (shifted) circuit; 0 for
    methods that look inside the state and so do not run on hardware."""
    unrolled: Unrolled
    """The forward pass at the parameters."""


def loss_and_grad(
    params: QLSTMParams,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    gradient: str = "reverse",
) -> tuple[float, QLSTMParams]:
    """Mean squared error and its gradient.

    ``loss = mean (y - target)^2`` over the batch, and over the steps if
    ``config.loss == "all"``.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        targets: ``(batch,)``, or ``(batch, n_steps)`` for a loss over all steps.
        config: The configuration.
        gradient: The method, a key of `METHODS`: ``"reverse"``,
            ``"parameter-shift"``, ``"amplitude-shift"``, ``"finite-difference"``, or,
            wrong and for teaching, ``"naive-parameter-shift"``.

    Returns:
        The loss and its gradient, in the layout of the parameters.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, a projection is 0, or
            the method is unknown.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> config = QLSTMConfig()
        >>> params = init_params(config, np.random.default_rng(0))
        >>> inputs, targets = np.ones((5, 10, 1)), np.ones(5)
        >>> loss, grads = loss_and_grad(params, inputs, targets, config)
        >>> _, shifted = loss_and_grad(params, inputs, targets, config,
        ...                            gradient="parameter-shift")
        >>> np.allclose(grads.entangler, shifted.entangler, rtol=0, atol=1e-12)
        True
    """
    result = loss_gradient(params, inputs, targets, config, gradient)
    return result.loss, result.grads


def loss_gradient(
    params: QLSTMParams,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    gradient: str = "reverse",
) -> LossGradient:
    """The same as `loss_and_grad`, with the number of circuits evaluated.

    Args:
        params: As in `loss_and_grad`.
        inputs: As in `loss_and_grad`.
        targets: As in `loss_and_grad`.
        config: As in `loss_and_grad`.
        gradient: As in `loss_and_grad`.

    Returns:
        A `LossGradient`.

    Raises:
        ValueError: As in `loss_and_grad`.
    """
    check_choice("gradient", gradient, tuple(METHODS))
    params, inputs = check_params(params, config), check_inputs(inputs, config)
    targets = check_targets(targets, inputs, config)
    return METHODS[gradient](params, inputs, targets, config)


def reverse(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    route: str | None = None,
) -> LossGradient:
    """Reverse mode, without checks (see `loss_and_grad`).

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        targets: Targets of the loss's shape.
        config: The configuration.
        route: ``"matrix"`` or ``"direct"``; without it the cheaper.

    Returns:
        A `LossGradient`.
    """
    unrolled = unroll(params, inputs, config, route)
    loss, grad_outputs = _loss_backward(unrolled.outputs, targets, config)
    grads = unroll_backward(unrolled, grad_outputs, inputs, config)
    return LossGradient(loss, grads, 0, unrolled)


def _amplitude_shift(
    params: QLSTMParams, inputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> LossGradient:
    """Angles by ``Re <grad_W, W(angle + pi)> / 2``, the rest as in reverse mode."""
    result = reverse(params, inputs, targets, config, route="matrix")
    route = result.unrolled.route
    assert isinstance(route, MatrixRoute)
    derivatives = amplitude_shift(circuit_angles(params), config.rotation)
    grad_angles = np.einsum(
        "ab,kab->k", route.grad_matrix().conj(), derivatives
    ).real.reshape(2 * config.n_layers, config.n_wires)
    entangler, disentangler = split_angles(grad_angles)
    grads = result.grads._replace(entangler=entangler, disentangler=disentangler)
    return result._replace(grads=grads)


def _finite_difference(
    params: QLSTMParams, inputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> LossGradient:
    """Central differences of the loss."""
    flat = np.concatenate([array.ravel() for array in params])

    def loss_at(x: NDArray) -> float:
        return mean_loss(unflatten(x, params), inputs, targets, config)

    grads = unflatten(finite_difference(loss_at, flat), params)
    unrolled = unroll(params, inputs, config)
    loss, _ = _loss_backward(unrolled.outputs, targets, config)
    evaluations = len(inputs) * (1 + 2 * flat.size)
    return LossGradient(loss, grads, evaluations, unrolled)


def _parameter_shift(
    params: QLSTMParams, inputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> LossGradient:
    """Shifts of single gate occurrences, exact through time."""
    unrolled = unroll(params, inputs, config)
    loss, grad_outputs = _loss_backward(unrolled.outputs, targets, config)
    result = parameter_shift_gradient(params, inputs, grad_outputs, config)
    return LossGradient(loss, *result, unrolled)


def _naive_parameter_shift(
    params: QLSTMParams, inputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> LossGradient:
    """Shifts of shared angles: wrong; the projection's part is from reverse mode."""
    result = reverse(params, inputs, targets, config)
    _, grad_outputs = _loss_backward(result.unrolled.outputs, targets, config)
    naive = naive_parameter_shift_gradient(params, inputs, grad_outputs, config)
    grads = result.grads._replace(
        entangler=naive.grads.entangler, disentangler=naive.grads.disentangler
    )
    return result._replace(grads=grads, evaluations=naive.evaluations)


def _loss_backward(
    outputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> tuple[float, NDArray]:
    """``loss = mean r^2`` and ``grad_y = 2 r / n`` with ``r = y - target``."""
    steps = slice(None) if config.loss == "all" else slice(-1, None)
    residuals = outputs[steps] - targets.T
    grad_outputs = np.zeros(outputs.shape)
    grad_outputs[steps] = residuals * (2 / residuals.size)
    return float(np.vdot(residuals, residuals)) / residuals.size, grad_outputs


METHODS: dict[str, Callable[..., LossGradient]] = {
    "reverse": reverse,
    "parameter-shift": _parameter_shift,
    "amplitude-shift": _amplitude_shift,
    "finite-difference": _finite_difference,
    "naive-parameter-shift": _naive_parameter_shift,
}
"""Gradient methods by name; the last one is wrong for more than one step."""
