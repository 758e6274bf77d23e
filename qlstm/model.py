"""The unrolled model: predictions, the loss, and the way back through the steps.

A sequence flows ``encode -> step -> memory -> step -> ... -> <Z>``, its gradient the
same way back. Derivations: docs/gradients.md.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.cell import ROUTES, Route, choose_route, circuit_angles, split_angles
from qlstm.encoding import Encoded, encode, encode_backward
from qlstm.memory import RULES
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_inputs,
    check_params,
)

CHUNK = 1024
"""Sequences that `predict` unrolls at a time, to bound its memory."""


class Unrolled(NamedTuple):
    """A forward pass: what the backward pass needs, and what it shows."""

    outputs: NDArray
    """``y_t``, ``(n_steps, batch)``."""
    branches: list[NDArray]
    """Joint state of each step, ``(batch, 2**n_system, 2**n_ancilla)``."""
    memories: list[NDArray]
    """Memory that entered each step, ``(batch, 2**n_ancilla)``."""
    caches: list[NamedTuple]
    """What each memory update left, one fewer than there are steps."""
    encoded: Encoded
    """Amplitudes of the inputs."""
    route: Route
    """The circuit."""


@cache
def readout_signs(n_system: int) -> NDArray[np.float64]:
    """Eigenvalue of Z on the last system wire for each system outcome."""
    return np.tile([1.0, -1.0], 2 ** (n_system - 1))


def unroll(
    params: QLSTMParams,
    inputs: NDArray,
    config: QLSTMConfig,
    route: str | None = None,
) -> Unrolled:
    """Run the cell over sequences, without checks (see `predict`).

    Args:
        params: The parameters.
        inputs: Array ``(batch, n_steps, n_features)``.
        config: The configuration.
        route: ``"matrix"`` or ``"direct"`` (see `qlstm.cell`); without it the cheaper.

    Returns:
        An `Unrolled` forward pass.
    """
    batch, n_steps, _ = inputs.shape
    encoded = encode(inputs, params)
    name = route or choose_route(config, batch * n_steps)
    circuit = ROUTES[name](circuit_angles(params), encoded.amplitudes, config)
    rule = RULES[config.memory]
    memory = np.zeros((batch, config.ancilla_dim))
    memory[:, 0] = 1.0
    memories, branches, caches = [], [], []
    for t in range(n_steps):
        if t > 0:
            memory, cache = rule.update(branches[-1])
            caches.append(cache)
        memories.append(memory)
        branches.append(circuit.step(t, memory))
    stacked = np.array(branches)
    p = np.vecdot(stacked, stacked).real  # (n_steps, batch, system)
    outputs = p @ readout_signs(config.n_system)
    return Unrolled(outputs, branches, memories, caches, encoded, circuit)


def unroll_backward(
    unrolled: Unrolled,
    grad_outputs: NDArray,
    inputs: NDArray,
    config: QLSTMConfig,
) -> QLSTMParams:
    """Pull a gradient of the outputs back to the parameters.

    Args:
        unrolled: What `unroll` returned.
        grad_outputs: Gradient of a real loss with respect to each ``y_t``,
            ``(n_steps, batch)``.
        inputs: The inputs `unroll` was given.
        config: The configuration it was given.

    Returns:
        Gradients in the layout of the parameters.
    """
    rule, route = RULES[config.memory], unrolled.route
    signs = readout_signs(config.n_system)
    last = len(grad_outputs) - 1
    every_step = grad_outputs[:-1].any()
    grad_memory = None
    for t in range(last, -1, -1):
        branches = unrolled.branches[t]
        if t == last:
            grad = _readout_backward(grad_outputs[t], branches, signs)
        else:
            grad = rule.update_backward(grad_memory, unrolled.caches[t])
            if every_step:
                grad = grad + _readout_backward(grad_outputs[t], branches, signs)
        grad_memory = route.step_backward(t, unrolled.memories[t], branches, grad)
    grad_angles, grad_amplitudes = route.backward()
    grad_weight, grad_bias = encode_backward(grad_amplitudes, unrolled.encoded, inputs)
    return QLSTMParams(grad_weight, grad_bias, *split_angles(grad_angles))


def _readout_backward(
    grad_output: NDArray, branches: NDArray, signs: NDArray
) -> NDArray:
    """``grad_phi_i = 2 grad_y z_i phi_i`` (docs/gradients.md, eq. 6)."""
    return branches * (2 * grad_output[:, None] * signs)[:, :, None]


def predict(
    params: QLSTMParams,
    inputs: ArrayLike,
    config: QLSTMConfig,
    *,
    all_steps: bool = False,
) -> NDArray[np.float64]:
    """Predict the value after each sequence: ``<Z>`` of the last system wire.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.
        all_steps: Return the output of every step, not of the last one only.

    Returns:
        Outputs in [-1, 1]: ``(batch,)``, or ``(batch, n_steps)`` with `all_steps`.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, or a projection is 0.

    References:
        Daskin, eq. 12.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> config = QLSTMConfig()
        >>> params = init_params(config, np.random.default_rng(0))
        >>> predict(params, np.zeros((3, 10, 1)), config).shape
        (3,)
    """
    params, inputs = check_params(params, config), check_inputs(inputs, config)
    outputs = [
        unroll(params, inputs[first : first + CHUNK], config).outputs
        for first in range(0, len(inputs), CHUNK)
    ]
    y = np.concatenate(outputs, axis=1).T
    return y if all_steps else y[:, -1]


def mean_loss(
    params: QLSTMParams, inputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> float:
    """The loss alone, without checks; any number of sequences."""
    total = 0.0
    for first in range(0, len(inputs), CHUNK):
        part = slice(first, first + CHUNK)
        outputs = unroll(params, inputs[part], config).outputs
        steps = slice(None) if config.loss == "all" else slice(-1, None)
        total += float(((outputs[steps] - targets[part].T) ** 2).sum())
    return total / targets.size
