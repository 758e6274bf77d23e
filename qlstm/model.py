"""The unrolled model: predictions, the loss, and the way back through the steps.

A sequence flows ``encode -> step -> memory -> step -> ... -> <Z>``, its gradient the
same way back. Derivations: docs/gradients.md.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm import mixed
from qlstm.cell import (
    ROUTES,
    MatrixRoute,
    Route,
    choose_route,
    circuit_angles,
    split_angles,
)
from qlstm.encoding import Encoded, encode, encode_backward
from qlstm.memory import RULES, first_state
from qlstm.mixed import first_density
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
    """Joint state of each step, ``(batch, 2**n_system, 2**n_ancilla)``; for `mixed`
    its Kraus operators, ``(batch, 2**n_system, 2**n_ancilla, 2**n_ancilla)``."""
    memories: list[NDArray]
    """Memory that entered each step, ``(batch, 2**n_ancilla)``; for `mixed` a density
    matrix."""
    caches: list[NamedTuple]
    """What each memory update left, one fewer than there are steps; none for `mixed`."""
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
    rng: np.random.Generator | None = None,
) -> Unrolled:
    """Run the cell over sequences, without checks (see `predict`).

    Args:
        params: The parameters.
        inputs: Array ``(batch, n_steps, n_features)``.
        config: The configuration.
        route: ``"matrix"`` or ``"direct"`` (see `qlstm.cell`); without it the cheaper.
        rng: Source of randomness, for `sampled` alone.

    Returns:
        An `Unrolled` forward pass.
    """
    batch, n_steps, _ = inputs.shape
    encoded = encode(inputs, params)
    angles = circuit_angles(params, config)
    if config.memory == "mixed":
        return _unroll_mixed(MatrixRoute(angles, encoded.amplitudes, config), encoded)
    name = route or choose_route(config, batch * n_steps)
    circuit = ROUTES[name](angles, encoded.amplitudes, config)
    rule = RULES[config.memory]
    memory = first_state(batch, config.ancilla_dim)
    memories, branches, caches = [], [], []
    for t in range(n_steps):
        if t > 0:
            memory, cache = rule.update(branches[-1], rng)
            caches.append(cache)
        memories.append(memory)
        branches.append(circuit.step(t, memory))
    stacked = np.array(branches)
    p = np.vecdot(stacked, stacked).real  # (n_steps, batch, system)
    outputs = p @ readout_signs(config.n_system)
    return Unrolled(outputs, branches, memories, caches, encoded, circuit)


def _unroll_mixed(circuit: MatrixRoute, encoded: Encoded) -> Unrolled:
    """The same with density matrices: `branches` are the steps' Kraus operators."""
    n_steps, batch, system = encoded.amplitudes.shape
    ancilla = circuit.config.ancilla_dim
    kraus = circuit.kraus.reshape(n_steps, batch, system, ancilla, ancilla)
    sigma = first_density(batch, ancilla)
    memories, p = [], []
    for t in range(n_steps):
        if t > 0:
            sigma = mixed.channel(kraus[t - 1], sigma)
        memories.append(sigma)
        p.append(mixed.outcome_probabilities(kraus[t], sigma))
    outputs = np.array(p) @ readout_signs(circuit.config.n_system)
    return Unrolled(outputs, list(kraus), memories, [], encoded, circuit)


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
    grad_angles, grad_amplitudes = circuit_backward(unrolled, grad_outputs, config)
    grad_weight, grad_bias = encode_backward(grad_amplitudes, unrolled.encoded, inputs)
    return QLSTMParams(grad_weight, grad_bias, *split_angles(grad_angles, config))


def circuit_backward(
    unrolled: Unrolled, grad_outputs: NDArray, config: QLSTMConfig
) -> tuple[NDArray, NDArray]:
    """The same, to the angles and to the amplitudes of every input.

    Args:
        unrolled: What `unroll` returned.
        grad_outputs: Gradient with respect to each ``y_t``, ``(n_steps, batch)``.
        config: The configuration.

    Returns:
        Gradients of the angles ``(2 * n_layers, n_wires)``, in the order of
        `circuit_angles`, and of the amplitudes ``(n_steps, batch, 2**n_system)``.
    """
    signs = readout_signs(config.n_system)
    if config.memory == "mixed":
        return _circuit_backward_mixed(unrolled, grad_outputs, signs)
    rule, route = RULES[config.memory], unrolled.route
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
    return route.backward()


def _circuit_backward_mixed(
    unrolled: Unrolled, grad_outputs: NDArray, signs: NDArray
) -> tuple[NDArray, NDArray]:
    """The same for density matrices."""
    grad_sigma = np.zeros_like(unrolled.memories[-1])
    grads = []
    for t in range(len(grad_outputs) - 1, -1, -1):
        grad_p = grad_outputs[t][:, None] * signs
        grad_kraus, grad_sigma = mixed.step_backward(
            unrolled.branches[t], unrolled.memories[t], grad_sigma, grad_p
        )
        grads.append(grad_kraus)
    route = unrolled.route
    return route.backward_kraus(np.array(grads[::-1]).reshape(route.kraus.shape))


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
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """Predict the value after each sequence: ``<Z>`` of the last system wire.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The configuration.
        all_steps: Return the output of every step, not of the last one only.
        rng: Source of randomness; the rule `sampled` needs it, no other uses it.

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
        unroll(params, inputs[first : first + CHUNK], config, rng=rng).outputs
        for first in range(0, len(inputs), CHUNK)
    ]
    y = np.concatenate(outputs, axis=1).T
    return y if all_steps else y[:, -1]


def mean_loss(
    params: QLSTMParams,
    inputs: NDArray,
    targets: NDArray,
    config: QLSTMConfig,
    rng: np.random.Generator | None = None,
) -> float:
    """The loss alone, without checks; any number of sequences."""
    total = 0.0
    for first in range(0, len(inputs), CHUNK):
        part = slice(first, first + CHUNK)
        outputs = unroll(params, inputs[part], config, rng=rng).outputs
        steps = slice(None) if config.loss == "all" else slice(-1, None)
        total += float(((outputs[steps] - targets[part].T) ** 2).sum())
    return total / targets.size
