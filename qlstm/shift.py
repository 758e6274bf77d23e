"""Gradients from evaluations of shifted circuits alone, exact through time.

Each number that enters could be measured on hardware: a circuit with one gate
occurrence shifted by +-pi/2, or with another input or memory loaded (polarization).
All circuits are simulated with their matrices. Derivations: docs/gradients.md,
sections 6 and 7.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.cell import circuit_angles, split_angles
from qlstm.encoding import encode_backward
from qlstm.model import Unrolled, readout_signs, unroll
from qlstm.params import QLSTMConfig, QLSTMParams
from qsim import circuit_matrix


class Jacobian(NamedTuple):
    """Derivatives of the outputs, and what they cost."""

    angles: NDArray[np.float64]
    """``dy_t / dangle``, ``(n_steps, batch, n_angles)``, angles as they are applied."""
    amplitudes: NDArray[np.float64]
    """``dy_t / du_s``, ``(n_steps, batch, n_steps, 2**n_system)``."""
    evaluations: int
    """Different circuits that were evaluated, the unshifted ones included."""


class ShiftGradient(NamedTuple):
    """A gradient by parameter shifts."""

    grads: QLSTMParams
    """Gradient of the loss."""
    evaluations: int
    """Different circuits that were evaluated, over all sequences."""


class _Step(NamedTuple):
    """What the circuits of one step are made of."""

    matrix: NDArray
    """The circuit's matrix ``(dim, dim)``."""
    plus: NDArray
    """The matrices with one angle shifted by pi/2, ``(n_angles, dim, dim)``."""
    minus: NDArray
    """The same by -pi/2."""
    u: NDArray
    """Amplitudes of the step's input, ``(batch, 2**n_system)``."""
    h: NDArray
    """Memory that enters the step, ``(batch, 2**n_ancilla)``."""


def parameter_shift_gradient(
    params: QLSTMParams, inputs: NDArray, grad_outputs: NDArray, config: QLSTMConfig
) -> ShiftGradient:
    """Pull a gradient of the outputs back by the exact parameter shift through time.

    For `collapse` the outcome record is held fixed, and ``y = N / D`` is a quotient of
    two quantities that are linear in every gate occurrence. For `probabilities` the
    Jacobians of the steps are chained.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        grad_outputs: Gradient of a real loss with respect to each output,
            ``(n_steps, batch)``.
        config: The configuration.

    Returns:
        A `ShiftGradient`.

    References:
        docs/gradients.md, section 6.
    """
    forward = unroll(params, inputs, config, route="matrix")
    jacobian = JACOBIANS[config.memory](forward, circuit_angles(params), config)
    grad_angles = np.einsum("tb,tbk->k", grad_outputs, jacobian.angles)
    grad_u = np.einsum("tb,tbsi->sbi", grad_outputs, jacobian.amplitudes)
    grad_weight, grad_bias = encode_backward(grad_u, forward.encoded, inputs)
    entangler, disentangler = split_angles(
        grad_angles.reshape(2 * config.n_layers, config.n_wires)
    )
    grads = QLSTMParams(grad_weight, grad_bias, entangler, disentangler)
    return ShiftGradient(grads, jacobian.evaluations)


def naive_parameter_shift_gradient(
    params: QLSTMParams, inputs: NDArray, grad_outputs: NDArray, config: QLSTMConfig
) -> ShiftGradient:
    """The two-term rule on shared angles: WRONG for a recurrent cell, for teaching.

    Every angle is shifted by +-pi/2 in all steps at once, as if it drove one gate. With
    one step that is exact. Beyond, it is not a gradient. The rule says nothing about
    the projection: its entries are zero here.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        grad_outputs: Gradient with respect to each output, ``(n_steps, batch)``.
        config: The configuration.

    Returns:
        A `ShiftGradient` whose angles are wrong from two steps on.

    References:
        docs/gradients.md, section 6.
    """
    grads = QLSTMParams(*(np.zeros_like(array) for array in params))
    for name in ("entangler", "disentangler"):
        angles = getattr(params, name)
        for index in np.ndindex(angles.shape):
            offset = np.zeros_like(angles)
            offset[index] = np.pi / 2
            plus, minus = (
                unroll(
                    params._replace(**{name: angles + sign * offset}), inputs, config
                ).outputs
                for sign in (1, -1)
            )
            getattr(grads, name)[index] = np.vdot(grad_outputs, plus - minus) / 2
    n_angles = params.entangler.size + params.disentangler.size
    return ShiftGradient(grads, len(inputs) * 2 * n_angles)


def amplitude_shift(angles: NDArray, rotation: str) -> NDArray:
    """Derivatives of the circuit's matrix by the amplitude identity.

    ``dW / dangle_k = W(angle_k + pi) / 2``

    Args:
        angles: Angles as they are applied, ``(n_layers, n_wires)``.
        rotation: ``"RX"`` or ``"RY"``.

    Returns:
        Array ``(n_angles, dim, dim)``.

    References:
        docs/gradients.md, section 7.
    """
    return _shifted_matrices(angles, rotation, np.pi) / 2


def _shifted_matrices(angles: NDArray, rotation: str, shift: float) -> NDArray:
    """The circuit's matrix with one angle shifted, for each: ``(n_angles, dim, dim)``."""
    matrices = []
    for index in np.ndindex(angles.shape):
        shifted = angles.copy()
        shifted[index] += shift
        matrices.append(circuit_matrix(shifted, rotation))
    return np.array(matrices)


def _steps(forward: Unrolled, angles: NDArray, config: QLSTMConfig) -> list[_Step]:
    """The circuits of every step."""
    plus = _shifted_matrices(angles, config.rotation, np.pi / 2)
    minus = _shifted_matrices(angles, config.rotation, -np.pi / 2)
    matrix = circuit_matrix(angles, config.rotation)
    pairs = zip(forward.encoded.amplitudes, forward.memories, strict=True)
    return [_Step(matrix, plus, minus, u, h) for u, h in pairs]


def _shifted_states(step: _Step) -> NDArray:
    """States behind the shifted circuits: ``(2, n_angles, batch, dim)``, plus first."""
    psi_in = _join(step.u, step.h)
    return np.stack(
        [psi_in @ step.plus.swapaxes(1, 2), psi_in @ step.minus.swapaxes(1, 2)]
    )


def _polarized_states(step: _Step, register: str) -> NDArray:
    """States behind the circuit for ``v +- e_k``: ``(2, len(v), batch, dim)``.

    ``f(v) = |v|^2 f(v / |v|)`` is quadratic in v, so half the difference of its values
    at ``v + e`` and ``v - e`` is its derivative along e. The vector is not normalized
    here; hardware loads it normalized and multiplies by ``|v|^2`` after.
    """
    v = step.u if register == "u" else step.h
    unit = np.eye(v.shape[1])[:, None, :]
    moved = np.stack([v + unit, v - unit])  # (2, len(v), batch, len(v))
    psi_in = _join(moved, step.h) if register == "u" else _join(step.u, moved)
    return psi_in @ step.matrix.T


def _join(u: NDArray, h: NDArray) -> NDArray:
    """``u (x) h`` over leading axes that broadcast."""
    psi = u[..., :, None] * h[..., None, :]
    return psi.reshape(*psi.shape[:-2], u.shape[-1] * h.shape[-1])


def _probabilities(states: NDArray, config: QLSTMConfig) -> NDArray[np.float64]:
    """``|<ij|psi>|^2``, ``(..., 2**n_system, 2**n_ancilla)``."""
    p = states.real**2 + states.imag**2
    return p.reshape(*p.shape[:-1], config.system_dim, config.ancilla_dim)


def _half_difference(values: NDArray) -> NDArray:
    """``(plus - minus) / 2`` over the leading axis."""
    return (values[0] - values[1]) / 2


def _record_jacobian(
    forward: Unrolled, angles: NDArray, config: QLSTMConfig
) -> Jacobian:
    """Collapse: ``dy = dN - y dD`` (with D = 1), the outcome record held fixed.

    Branches are divided by the norms of the unshifted run. That scales N and D alike,
    so that D is 1, and keeps small record probabilities from costing digits.
    """
    n_steps, batch, system = forward.encoded.amplitudes.shape
    n_angles = angles.size
    per_step = n_angles + system
    d_outputs = np.zeros((n_steps, batch, n_steps, per_step))
    signs = readout_signs(config.n_system)
    moved = np.zeros((2, 0, batch, config.ancilla_dim))  # memories that shifts reached
    for t, step in enumerate(_steps(forward, angles, config)):
        states = np.concatenate(
            [
                _join(step.u, moved) @ step.matrix.T,
                _shifted_states(step),
                _polarized_states(step, "u"),
            ],
            axis=1,
        )
        p = _probabilities(states, config).sum(axis=-1)
        d_numerator = _half_difference(p @ signs)
        d_denominator = _half_difference(p.sum(axis=-1))
        d_y = d_numerator - forward.outputs[t] * d_denominator  # (moved, batch)
        d_outputs[t, :, : t + 1] = d_y.T.reshape(batch, t + 1, per_step)
        if t + 1 < n_steps:
            rows, outcome = forward.caches[t].chosen
            branches = states.reshape(2, -1, batch, system, config.ancilla_dim)
            moved = branches[:, :, rows, outcome] / forward.caches[t].norm
    d_angles = d_outputs[..., :n_angles].sum(axis=2)
    evaluations = batch * (1 + n_steps * 2 * per_step)
    return Jacobian(d_angles, d_outputs[..., n_angles:], evaluations)


def _chained_jacobian(
    forward: Unrolled, angles: NDArray, config: QLSTMConfig
) -> Jacobian:
    """Probabilities: Jacobians of the steps, chained from the first to the last."""
    n_steps, batch, system = forward.encoded.amplitudes.shape
    n_angles, signs = angles.size, readout_signs(config.n_system)
    n_moved = n_angles + n_steps * system
    d_memory = np.zeros((batch, config.ancilla_dim, n_moved))
    d_outputs = np.zeros((n_steps, batch, n_moved))
    for t, step in enumerate(_steps(forward, angles, config)):
        d_p, d_y = 0.0, 0.0
        at = n_angles + t * system
        for columns, states in (
            (slice(0, n_angles), _shifted_states(step)),
            (slice(at, at + system), _polarized_states(step, "u")),
            (None, _polarized_states(step, "h")),
        ):
            d = _half_difference(_probabilities(states, config))
            p_part = d.sum(axis=-2).transpose(1, 2, 0)  # (batch, ancilla, moved)
            y_part = (d.sum(axis=-1) @ signs).T  # (batch, moved)
            if columns is None:
                d_p += p_part @ d_memory
                d_y += (y_part[:, None, :] @ d_memory)[:, 0]
            else:
                d_p += _placed(p_part, columns, n_moved)
                d_y += _placed(y_part, columns, n_moved)
        d_outputs[t] = d_y
        if t + 1 < n_steps:  # h = p / |p|
            h, norm = forward.caches[t].memory, forward.caches[t].norm
            d_memory = d_p - h[:, :, None] * (h[:, None, :] @ d_p)
            d_memory /= norm[:, :, None]
    amplitudes = d_outputs[..., n_angles:].reshape(n_steps, batch, n_steps, system)
    per_step = 1 + 2 * (n_angles + system + config.ancilla_dim)
    evaluations = batch * (n_steps * per_step - 2 * config.ancilla_dim)
    return Jacobian(d_outputs[..., :n_angles], amplitudes, evaluations)


def _placed(part: NDArray, columns: slice, n_columns: int) -> NDArray:
    """The part in its columns, zeros elsewhere."""
    placed = np.zeros((*part.shape[:-1], n_columns))
    placed[..., columns] = part
    return placed


JACOBIANS: dict[str, Callable[[Unrolled, NDArray, QLSTMConfig], Jacobian]] = {
    "collapse": _record_jacobian,
    "probabilities": _chained_jacobian,
}
"""How each memory rule's outputs are differentiated by shifts."""
