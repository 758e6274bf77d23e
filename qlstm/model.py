"""The unrolled model: predictions, the loss, and the way back through the steps.

A sequence flows ``encode -> step -> memory -> step -> ... -> <Z>``, its gradient the
same way back. Derivations: docs/gradients.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm import mixed
from qlstm.cell import (
    ROUTES,
    KrausRoute,
    Route,
    choose_route,
    circuit_angles,
    split_angles,
)
from qlstm.encoding import Encoded, EncodedAngles, encode, encode_backward
from qlstm.memory import RULES, first_state
from qlstm.mixed import first_density
from qlstm.params import (
    QLSTMConfig,
    QLSTMParams,
    check_inputs,
    check_params,
    params_class,
)
from qlstm.readout import read_out, read_out_backward, readout_signs
from qlstm.upload import UploadRoute

CHUNK = 1024
"""Sequences that `predict` unrolls at a time, to bound its memory."""


class Unrolled(NamedTuple):
    """A forward pass: what the backward pass needs, and what it shows."""

    probabilities: NDArray
    """Of the system's outcomes, ``(n_steps, batch, 2**n_system)``."""
    branches: list[NDArray]
    """Joint state of each step, ``(batch, 2**n_system, 2**n_ancilla)``; for `mixed`
    its Kraus operators, ``(batch, 2**n_system, 2**n_ancilla, 2**n_ancilla)``."""
    memories: list[NDArray]
    """Memory that entered each step, ``(batch, 2**n_ancilla)``; for `mixed` a density
    matrix."""
    caches: list[NamedTuple]
    """What each memory update left, one fewer than there are steps; none for `mixed`."""
    encoded: Encoded | EncodedAngles
    """The inputs as they enter the circuit."""
    route: Route
    """The circuit."""

    @property
    def outputs(self) -> NDArray[np.float64]:
        """``<Z>`` of the last system wire, ``(n_steps, batch)``."""
        n_system = self.probabilities.shape[-1].bit_length() - 1
        return self.probabilities @ readout_signs(n_system)[:, 0]


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
            Angle encoding, `mixed` and a separate cut have one route, whatever is
            asked for.
        rng: Source of randomness, for `sampled` alone.

    Returns:
        An `Unrolled` forward pass.
    """
    batch, n_steps, _ = inputs.shape
    encoded = encode(inputs, params, config)
    circuit = _route(encoded, circuit_angles(params, config), config, route)
    if config.memory == "mixed":
        return _unroll_mixed(circuit, encoded, n_steps)
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
    return Unrolled(p, branches, memories, caches, encoded, circuit)


def _route(
    encoded: Encoded | EncodedAngles,
    angles: NDArray,
    config: QLSTMConfig,
    name: str | None,
) -> Route:
    """The circuit for these inputs."""
    if config.encoding == "angle":
        return UploadRoute(angles, encoded.angles, config)
    n_steps, batch, _ = encoded.amplitudes.shape
    if config.memory == "mixed" or config.cut == "separate":
        name = "matrix"
    name = name or choose_route(config, batch * n_steps)
    return ROUTES[name](angles, encoded.amplitudes, config)


def _unroll_mixed(
    circuit: KrausRoute, encoded: Encoded | EncodedAngles, n_steps: int
) -> Unrolled:
    """The same with density matrices: `branches` are the steps' Kraus operators."""
    batch, system, ancilla = circuit.shape
    kraus = circuit.kraus.reshape(n_steps, batch, system, ancilla, ancilla)
    sigma = first_density(batch, ancilla)
    memories, p = [], []
    for t in range(n_steps):
        if t > 0:
            sigma = mixed.channel(kraus[t - 1], sigma)
        memories.append(sigma)
        p.append(mixed.outcome_probabilities(kraus[t], sigma))
    return Unrolled(np.array(p), list(kraus), memories, [], encoded, circuit)


def outputs_of(
    unrolled: Unrolled, params: QLSTMParams, inputs: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Outputs of every step of a forward pass, ``(n_steps, batch, n_outputs)``."""
    return read_out(unrolled.probabilities, params, inputs, config)


def unroll_backward(
    unrolled: Unrolled,
    grad_outputs: NDArray,
    params: QLSTMParams,
    inputs: NDArray,
    config: QLSTMConfig,
) -> QLSTMParams:
    """Pull a gradient of the outputs back to the parameters.

    Args:
        unrolled: What `unroll` returned.
        grad_outputs: Gradient of a real loss with respect to each output,
            ``(n_steps, batch, n_outputs)``.
        params: The parameters `unroll` was given.
        inputs: The inputs it was given.
        config: The configuration it was given.

    Returns:
        Gradients in the layout of the parameters.
    """
    grad_p, grad_readout = read_out_backward(
        grad_outputs, unrolled.probabilities, params, config
    )
    grad_angles, grad_encoded = circuit_backward(unrolled, grad_p, config)
    grad_proj = encode_backward(grad_encoded, unrolled.encoded, inputs)
    grad_stages = split_angles(grad_angles, config)
    return params_class(config)(*grad_proj, *grad_stages, *grad_readout.values())


def circuit_backward(
    unrolled: Unrolled, grad_p: NDArray, config: QLSTMConfig
) -> tuple[NDArray, NDArray]:
    """Pull a gradient of the outcome probabilities back through all steps.

    Args:
        unrolled: What `unroll` returned.
        grad_p: Gradient with respect to each probability, ``(n_steps, batch,
            2**n_system)``.
        config: The configuration.

    Returns:
        Gradients of the angles ``(2 * n_layers, n_wires)``, in the order of
        `circuit_angles`, and of the encoded inputs, in their shape.
    """
    if config.memory == "mixed":
        return _circuit_backward_mixed(unrolled, grad_p)
    rule, route = RULES[config.memory], unrolled.route
    last = len(grad_p) - 1
    every_step = grad_p[:-1].any()
    grad_memory = None
    for t in range(last, -1, -1):
        branches = unrolled.branches[t]
        if t == last:
            grad = _probabilities_backward(grad_p[t], branches)
        else:
            grad = rule.update_backward(grad_memory, unrolled.caches[t])
            if every_step:
                grad = grad + _probabilities_backward(grad_p[t], branches)
        grad_memory = route.step_backward(t, unrolled.memories[t], branches, grad)
    return route.backward()


def _circuit_backward_mixed(
    unrolled: Unrolled, grad_p: NDArray
) -> tuple[NDArray, NDArray]:
    """The same for density matrices."""
    grad_sigma = np.zeros_like(unrolled.memories[-1])
    grads = []
    for t in range(len(grad_p) - 1, -1, -1):
        grad_kraus, grad_sigma = mixed.step_backward(
            unrolled.branches[t], unrolled.memories[t], grad_sigma, grad_p[t]
        )
        grads.append(grad_kraus)
    route = unrolled.route
    return route.backward_kraus(np.array(grads[::-1]).reshape(route.kraus.shape))


def _probabilities_backward(grad_p: NDArray, branches: NDArray) -> NDArray:
    """``grad_phi_i = 2 grad_p_i phi_i`` (docs/gradients.md, eq. 6)."""
    return branches * (2 * grad_p)[:, :, None]


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
        Outputs ``(batch,)``, or ``(batch, n_steps)`` with `all_steps`; with a last axis
        ``n_outputs`` if that is more than 1. They lie in [-1, 1] unless the
        configuration says otherwise.

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
    parts = []
    for first in range(0, len(inputs), CHUNK):
        part = inputs[first : first + CHUNK]
        unrolled = unroll(params, part, config, rng=rng)
        parts.append(outputs_of(unrolled, params, part, config))
    y = np.concatenate(parts, axis=1).swapaxes(0, 1)  # (batch, n_steps, n_outputs)
    y = y if all_steps else y[:, -1]
    return y[..., 0] if config.n_outputs == 1 else y


def loss_backward(
    outputs: NDArray, targets: NDArray, config: QLSTMConfig
) -> tuple[float, NDArray]:
    """The loss and its gradient (docs/gradients.md, eq. 12).

    ``loss = mean r^2`` and ``grad_y = 2 r / n`` with ``r = y - target``

    Args:
        outputs: Of every step, ``(n_steps, batch, n_outputs)``.
        targets: ``(batch,)`` or ``(batch, n_outputs)``; with a loss over all steps
            ``(batch, n_steps)`` or ``(batch, n_steps, n_outputs)``.
        config: The configuration.

    Returns:
        The loss, and its gradient in the shape of the outputs.
    """
    residuals = _residuals(outputs, targets, config)
    grad_outputs = np.zeros(outputs.shape)
    grad_outputs[-len(residuals) :] = residuals * (2 / residuals.size)
    return float(np.vdot(residuals, residuals)) / residuals.size, grad_outputs


def _residuals(outputs: NDArray, targets: NDArray, config: QLSTMConfig) -> NDArray:
    """``y - target`` of the steps that count, time first."""
    _, batch, n_outputs = outputs.shape
    if config.loss == "last":
        return outputs[-1:] - targets.reshape(1, batch, n_outputs)
    return outputs - targets.reshape(batch, -1, n_outputs).swapaxes(0, 1)


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
        unrolled = unroll(params, inputs[part], config, rng=rng)
        outputs = outputs_of(unrolled, params, inputs[part], config)
        total += float((_residuals(outputs, targets[part], config) ** 2).sum())
    return total / targets.size
