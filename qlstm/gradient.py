"""The loss and its gradient by every method; what training calls.

`reverse` is the method of choice. The others are exact too, slower, and independent of
it, but for `naive-parameter-shift`, which is wrong and says so.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import unflatten
from qlstm.cell import split_angles
from qlstm.encoding import encode_backward
from qlstm.model import (
    Unrolled,
    loss_backward,
    mean_loss,
    outputs_of,
    unroll,
    unroll_backward,
)
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_choice,
    check_inputs,
    check_params,
    check_targets,
)
from qlstm.readout import read_out_backward
from qlstm.shift import (
    amplitude_shift_gradient,
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
    """Different circuits evaluated, over all sequences, the unshifted ones included; 0
    for methods that look inside the state and so do not run on hardware. A circuit is a
    run of all steps, but one step where the Jacobians of steps are chained."""
    unrolled: Unrolled
    """The forward pass at the parameters."""


def loss_and_grad(
    params: QLSTMParams,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    gradient: str = "reverse",
    rng: np.random.Generator | None = None,
) -> tuple[float, QLSTMParams]:
    """Mean squared error and its gradient.

    ``loss = mean (y - target)^2`` over the batch, over the outputs, and over the steps
    if ``config.loss == "all"``.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        targets: ``(batch,)``, or ``(batch, n_steps)`` for a loss over all steps; with a
            last axis ``n_outputs`` if that is more than 1.
        config: The configuration.
        gradient: The method, a key of `METHODS`: ``"reverse"``,
            ``"parameter-shift"``, ``"amplitude-shift"``, ``"finite-difference"``, or,
            wrong and for teaching, ``"naive-parameter-shift"``.
        rng: Source of randomness; the rule `sampled` needs it, no other uses it.

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
    result = loss_gradient(params, inputs, targets, config, gradient, rng)
    return result.loss, result.grads


def loss_gradient(
    params: QLSTMParams,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    gradient: str = "reverse",
    rng: np.random.Generator | None = None,
) -> LossGradient:
    """The same as `loss_and_grad`, with the number of circuits evaluated.

    Args:
        params: As in `loss_and_grad`.
        inputs: As in `loss_and_grad`.
        targets: As in `loss_and_grad`.
        config: As in `loss_and_grad`.
        gradient: As in `loss_and_grad`.
        rng: As in `loss_and_grad`.

    Returns:
        A `LossGradient`.

    Raises:
        ValueError: As in `loss_and_grad`.
    """
    check_choice("gradient", gradient, tuple(METHODS))
    params, inputs = check_params(params, config), check_inputs(inputs, config)
    targets = check_targets(targets, inputs, config)
    return METHODS[gradient](params, inputs, targets, config, rng)


def reverse(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None = None,
    route: str | None = None,
) -> LossGradient:
    """Reverse mode, without checks (see `loss_and_grad`).

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        targets: Targets of the loss's shape.
        config: The configuration.
        rng: Source of randomness, for `sampled`.
        route: ``"matrix"`` or ``"direct"``; without it the cheaper.

    Returns:
        A `LossGradient`.
    """
    unrolled = unroll(params, inputs, config, route, rng)
    loss, grad_outputs = _loss_and_grad_outputs(
        unrolled, params, inputs, targets, config
    )
    grads = unroll_backward(unrolled, grad_outputs, params, inputs, config)
    return LossGradient(loss, grads, 0, unrolled)


def _amplitude_shift(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None,
) -> LossGradient:
    """Angles by ``Re <grad_W, W(angle + pi)> / 2``, the rest as in reverse mode."""
    result = reverse(params, inputs, targets, config, rng, route="matrix")
    grad_angles = amplitude_shift_gradient(result.unrolled.route)
    return result._replace(grads=_with_angles(result.grads, grad_angles, config))


def _finite_difference(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None,
) -> LossGradient:
    """Central differences of the loss; every evaluation sees the same draws."""
    flat = np.concatenate([array.ravel() for array in params])
    replay = copy.deepcopy(rng)

    def loss_at(x: NDArray) -> float:
        same = copy.deepcopy(replay)
        return mean_loss(unflatten(x, params), inputs, targets, config, same)

    grads = unflatten(finite_difference(loss_at, flat), params)
    unrolled = unroll(params, inputs, config, rng=rng)
    loss, _ = _loss_and_grad_outputs(unrolled, params, inputs, targets, config)
    evaluations = len(inputs) * (1 + 2 * flat.size)
    return LossGradient(loss, grads, evaluations, unrolled)


def _parameter_shift(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None,
) -> LossGradient:
    """Shifts of single gate occurrences, exact through time."""
    unrolled = unroll(params, inputs, config, "matrix", rng)
    loss, grad_outputs = _loss_and_grad_outputs(
        unrolled, params, inputs, targets, config
    )
    grad_p, grad_readout = read_out_backward(
        grad_outputs, unrolled.probabilities, params, config
    )
    found = parameter_shift_gradient(unrolled, unrolled.route, grad_p, config)
    grad_proj = encode_backward(found.encoded, unrolled.encoded, inputs)
    grads = params._replace(
        proj_weight=grad_proj[0], proj_bias=grad_proj[1], **grad_readout
    )
    grads = _with_angles(grads, found.angles, config)
    return LossGradient(loss, grads, found.evaluations, unrolled)


def _naive_parameter_shift(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None,
) -> LossGradient:
    """Shifts of shared angles: wrong; all but the angles is from reverse mode."""
    replay = copy.deepcopy(rng)
    result = reverse(params, inputs, targets, config, rng)
    unrolled = result.unrolled
    _, grad_outputs = _loss_and_grad_outputs(unrolled, params, inputs, targets, config)
    grad_p, _ = read_out_backward(grad_outputs, unrolled.probabilities, params, config)

    def probabilities_at(moved: QLSTMParams) -> NDArray:
        return unroll(moved, inputs, config, rng=copy.deepcopy(replay)).probabilities

    entangler, disentangler = naive_parameter_shift_gradient(
        params, grad_p, probabilities_at
    )
    grads = result.grads._replace(entangler=entangler, disentangler=disentangler)
    circuits = 1 + 2 * (entangler.size + disentangler.size)
    return result._replace(grads=grads, evaluations=len(inputs) * circuits)


def _loss_and_grad_outputs(
    unrolled: Unrolled,
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
) -> tuple[float, NDArray]:
    """The loss of a forward pass and its gradient with respect to the outputs."""
    return loss_backward(outputs_of(unrolled, params, inputs, config), targets, config)


def _with_angles(
    grads: QLSTMParams, grad_angles: NDArray, config: QLSTMConfig
) -> QLSTMParams:
    """Put a gradient of the angles as they are applied in its place."""
    shape = (2 * config.n_layers, config.n_wires)
    entangler, disentangler = split_angles(grad_angles.reshape(shape), config)
    return grads._replace(entangler=entangler, disentangler=disentangler)


METHODS: dict[str, Callable[..., LossGradient]] = {
    "reverse": reverse,
    "parameter-shift": _parameter_shift,
    "amplitude-shift": _amplitude_shift,
    "finite-difference": _finite_difference,
    "naive-parameter-shift": _naive_parameter_shift,
}
"""Gradient methods by name; the last one is wrong for more than one step."""
