"""The loss and its gradient by every method; what training calls.

`reverse` is the method of choice. The others are exact too, slower, and independent of
it, but for `naive-parameter-shift`, which is wrong and says so.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.adam import flatten, unflatten
from qlstm.cell import split_angles
from qlstm.checks import check_choice
from qlstm.encoding import encode_backward
from qlstm.model import Run, backward, forward, kraus_gradient, loss_and_grad_outputs
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_model,
    check_targets,
)
from qlstm.readout import read_out, read_out_backward
from qlstm.rule import MemoryRule, Rngs
from qlstm.shift import (
    SHIFTS,
    amplitude_shift_gradient,
    naive_parameter_shift_gradient,
    parameter_shift_gradient,
)
from qsim import finite_difference


class LossGradient(NamedTuple):
    """A loss, its gradient, and how it came about."""

    loss: float | NDArray
    """Mean squared error; below the public border of each model, ``(n_models,)``."""
    grads: QLSTMParams
    """Its gradient, in the layout of the parameters."""
    evaluations: int
    """Different circuits evaluated, over all sequences, the unshifted ones included; 0
    for methods that look inside the state and so do not run on hardware. A circuit is a
    run of all steps, but one step where the Jacobians of steps are chained."""
    run: Run
    """The forward pass at the parameters, of one model or more."""


def loss_and_grad(
    params: QLSTMParams,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    gradient: str = "reverse",
    rng: np.random.Generator | None = None,
    record: ArrayLike | None = None,
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
        rng: Source of randomness; rules that draw need it, no other uses it.
        record: Outcomes that were observed, ``(batch, n_steps - 1)``, for rules that
            keep one (see `predict`).

    Returns:
        The loss and its gradient, in the layout of the parameters.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, a projection is 0, or
            the method is unknown or not supported by the memory rule.

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
    result = loss_gradient(params, inputs, targets, config, gradient, rng, record)
    return result.loss, result.grads


def loss_gradient(
    params: QLSTMParams,
    inputs: ArrayLike,
    targets: ArrayLike,
    config: QLSTMConfig,
    gradient: str = "reverse",
    rng: np.random.Generator | None = None,
    record: ArrayLike | None = None,
) -> LossGradient:
    """The same as `loss_and_grad`, with the number of circuits evaluated.

    Args:
        params: As in `loss_and_grad`.
        inputs: As in `loss_and_grad`.
        targets: As in `loss_and_grad`.
        config: As in `loss_and_grad`.
        gradient: As in `loss_and_grad`.
        rng: As in `loss_and_grad`.
        record: As in `loss_and_grad`.

    Returns:
        A `LossGradient`.

    Raises:
        ValueError: As in `loss_and_grad`.
    """
    check_method(gradient, config)
    single = check_model(params, inputs, config, rng, record)
    targets = check_targets(targets, single.inputs[0], config)
    result = METHODS[gradient](
        single.params, single.inputs, targets[None], config, single.rngs, single.record
    )
    grads = type(single.params)(*(array[0] for array in result.grads))
    return result._replace(loss=float(result.loss[0]), grads=grads)


def reverse(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rngs: Rngs = None,
    record: NDArray | None = None,
    route: str | None = None,
) -> LossGradient:
    """Reverse mode, without checks (see `loss_and_grad`).

    Args:
        params: The parameters, ``(n_models, ...)`` each.
        inputs: Sequences ``(n_models, batch, n_steps, n_features)``.
        targets: Targets of the loss's shape behind the axis of models.
        config: The configuration.
        rngs: A source of randomness for each model, for rules that draw.
        record: See `qlstm.model.forward`.
        route: See `qlstm.model.forward`.

    Returns:
        A `LossGradient` of all models.
    """
    run = forward(params, inputs, config, rngs, record, route)
    outputs = read_out(run.probabilities, params, inputs, config)
    loss, grad_outputs = loss_and_grad_outputs(outputs, targets, config)
    p = run.probabilities
    grad_p, grad_own = read_out_backward(grad_outputs, p, params, config)
    grad_angles, grad_values = backward(run, grad_p, config)
    grad_proj = encode_backward(grad_values, run.encoded, inputs, config)
    grad_stages = split_angles(grad_angles, config)
    grads = type(params)(*grad_proj, *grad_stages, *grad_own.values())
    return LossGradient(loss, grads, 0, run)


def _amplitude_shift(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rngs: Rngs = None,
    record: NDArray | None = None,
) -> LossGradient:
    """Angles by ``Re <grad_W, W(angle + pi)> / 2``, the rest as in reverse mode."""
    result = reverse(params, inputs, targets, config, rngs, record, "kraus")
    _, grad_p, _ = _loss_of(result.run, params, inputs, targets, config)
    grad_kraus = kraus_gradient(result.run, grad_p, config.rule)
    grad_angles = amplitude_shift_gradient(result.run, grad_kraus, config)
    entangler, disentangler = split_angles(grad_angles, config)
    grads = result.grads._replace(entangler=entangler, disentangler=disentangler)
    return result._replace(grads=grads)


def _finite_difference(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rngs: Rngs = None,
    record: NDArray | None = None,
) -> LossGradient:
    """Central differences of the loss; every evaluation sees the same draws."""
    flat, replay = flatten(params), copy.deepcopy(rngs)

    def loss_at(offset: NDArray) -> NDArray:
        moved = unflatten(flat + offset, params)
        run = forward(moved, inputs, config, copy.deepcopy(replay), record)
        return _loss_of(run, moved, inputs, targets, config)[0]

    slopes = finite_difference(loss_at, np.zeros(flat.shape[1]))  # (n_params, n_models)
    run = forward(params, inputs, config, rngs, record)
    loss, *_ = _loss_of(run, params, inputs, targets, config)
    evaluations = inputs.shape[1] * (1 + 2 * flat.shape[1])
    return LossGradient(loss, unflatten(slopes.T, params), evaluations, run)


def _parameter_shift(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rngs: Rngs = None,
    record: NDArray | None = None,
) -> LossGradient:
    """Shifts of single gate occurrences, exact through time."""
    run = forward(params, inputs, config, rngs, record, "kraus")
    loss, grad_p, grad_own = _loss_of(run, params, inputs, targets, config)
    found = parameter_shift_gradient(run, grad_p, config)
    grad_proj = encode_backward(found.values, run.encoded, inputs, config)
    grad_stages = split_angles(found.angles, config)
    grads = type(params)(*grad_proj, *grad_stages, *grad_own.values())
    return LossGradient(loss, grads, found.evaluations, run)


def _naive_parameter_shift(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rngs: Rngs = None,
    record: NDArray | None = None,
) -> LossGradient:
    """Shifts of shared angles: wrong; all but the angles is from reverse mode."""
    replay = copy.deepcopy(rngs)
    result = reverse(params, inputs, targets, config, rngs, record)
    _, grad_p, _ = _loss_of(result.run, params, inputs, targets, config)

    def probabilities_at(moved: QLSTMParams) -> NDArray:
        same_draws = copy.deepcopy(replay)
        return forward(moved, inputs, config, same_draws, record).probabilities

    entangler, disentangler = naive_parameter_shift_gradient(
        params, grad_p, probabilities_at
    )
    grads = result.grads._replace(entangler=entangler, disentangler=disentangler)
    circuits = 1 + 2 * (entangler[0].size + disentangler[0].size)
    return result._replace(grads=grads, evaluations=inputs.shape[1] * circuits)


def _loss_of(
    run: Run,
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
) -> tuple[NDArray, NDArray, dict[str, NDArray]]:
    """The loss, its gradient of the probabilities, and that of the readout's arrays."""
    outputs = read_out(run.probabilities, params, inputs, config)
    loss, grad_outputs = loss_and_grad_outputs(outputs, targets, config)
    return loss, *read_out_backward(grad_outputs, run.probabilities, params, config)


METHODS: dict[str, Callable[..., LossGradient]] = {
    "reverse": reverse,
    "parameter-shift": _parameter_shift,
    "amplitude-shift": _amplitude_shift,
    "finite-difference": _finite_difference,
    "naive-parameter-shift": _naive_parameter_shift,
}
"""Gradient methods by name; the last one is wrong for more than one step."""


def check_method(gradient: str, config: QLSTMConfig) -> None:
    """Say so when a method is unknown, or the memory rule does not support it."""
    check_choice("gradient", gradient, tuple(METHODS))
    rule = type(config.rule)
    without = None
    if gradient == "parameter-shift" and rule.shift not in SHIFTS:
        without = "says no way for shifts to go through time (`shift`)"
    elif gradient != "finite-difference" and (
        rule.update_backward is MemoryRule.update_backward
    ):
        without = "has no `update_backward`"
    if without:
        raise ValueError(
            f"Memory rule {config.memory!r} does not support the gradient method "
            f"{gradient!r}: it {without}."
        )
