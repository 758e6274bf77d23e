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

from qlstm.cell import cell_matrix, circuit_angles, split_angles
from qlstm.encoding import encode_backward
from qlstm.memory import product_vector, wire_bits
from qlstm.model import Unrolled, readout_signs
from qlstm.params import QLSTMConfig, QLSTMParams


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
    """Memory that enters the step, ``(batch, 2**n_ancilla)``, or density matrices."""


def parameter_shift_gradient(
    params: QLSTMParams,
    inputs: NDArray,
    grad_outputs: NDArray,
    forward: Unrolled,
    config: QLSTMConfig,
) -> ShiftGradient:
    """Pull a gradient of the outputs back by the exact parameter shift through time.

    For `collapse` and `sampled` the outcome record is held fixed, and ``y = N / D`` is
    a quotient of two quantities that are linear in every gate occurrence. For
    `probabilities`, `marginals` and `reset` the Jacobians of the steps are chained. For
    `mixed` the output is linear in every gate occurrence itself.

    Args:
        params: The parameters.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        grad_outputs: Gradient of a real loss with respect to each output,
            ``(n_steps, batch)``.
        forward: What `unroll` returned for them.
        config: The configuration.

    Returns:
        A `ShiftGradient`.

    References:
        docs/gradients.md, section 6.
    """
    angles = circuit_angles(params, config)
    jacobian = JACOBIANS[config.memory](forward, angles, config)
    grad_angles = np.einsum("tb,tbk->k", grad_outputs, jacobian.angles)
    grad_u = np.einsum("tb,tbsi->sbi", grad_outputs, jacobian.amplitudes)
    grad_weight, grad_bias = encode_backward(grad_u, forward.encoded, inputs)
    grad_stages = split_angles(grad_angles.reshape(angles.shape), config)
    grads = QLSTMParams(grad_weight, grad_bias, *grad_stages)
    return ShiftGradient(grads, jacobian.evaluations)


def naive_parameter_shift_gradient(
    params: QLSTMParams,
    grad_outputs: NDArray,
    outputs_at: Callable[[QLSTMParams], NDArray],
) -> ShiftGradient:
    """The two-term rule on shared angles: WRONG for a recurrent cell, for teaching.

    Every angle is shifted by +-pi/2 in all steps at once, as if it drove one gate. With
    one step that is exact. Beyond, it is not a gradient. The rule says nothing about
    the projection: its entries are zero here.

    Args:
        params: The parameters.
        grad_outputs: Gradient with respect to each output, ``(n_steps, batch)``.
        outputs_at: The outputs ``(n_steps, batch)`` at other parameters.

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
            plus = outputs_at(params._replace(**{name: angles + offset}))
            minus = outputs_at(params._replace(**{name: angles - offset}))
            getattr(grads, name)[index] = np.vdot(grad_outputs, plus - minus) / 2
    n_angles = params.entangler.size + params.disentangler.size
    return ShiftGradient(grads, grad_outputs.shape[1] * 2 * n_angles)


def amplitude_shift(angles: NDArray, config: QLSTMConfig) -> NDArray:
    """Derivatives of the circuit's matrix by the amplitude identity.

    ``dW / dangle_k = W(angle_k + pi) / 2``

    Args:
        angles: What `circuit_angles` returned, ``(2 * n_layers, n_wires)``.
        config: The configuration.

    Returns:
        Array ``(n_angles, dim, dim)``.

    References:
        docs/gradients.md, section 7.
    """
    return _shifted_matrices(angles, config, np.pi) / 2


def _shifted_matrices(angles: NDArray, config: QLSTMConfig, shift: float) -> NDArray:
    """The cell's matrix with one angle shifted, for each: ``(n_angles, dim, dim)``."""
    matrices = []
    for index in np.ndindex(angles.shape):
        shifted = angles.copy()
        shifted[index] += shift
        matrices.append(cell_matrix(shifted, config))
    return np.array(matrices)


def _steps(forward: Unrolled, angles: NDArray, config: QLSTMConfig) -> list[_Step]:
    """The circuits of every step."""
    plus = _shifted_matrices(angles, config, np.pi / 2)
    minus = _shifted_matrices(angles, config, -np.pi / 2)
    matrix = cell_matrix(angles, config)
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


def _moved_kraus(step: _Step, ancilla: int) -> NDArray:
    """Kraus operators with shifted angles, then with polarized inputs.

    Column j of ``K`` is what the memory's basis state j goes to: the array is
    ``(2, n_angles + 2**n_system, batch, dim, 2**n_ancilla)``.
    """
    basis = np.eye(ancilla)[:, None, :]
    unit = np.eye(step.u.shape[1])[:, None, :]
    psi_in = _join(step.u[None], basis)  # (ancilla, batch, dim)
    shifted = np.stack([psi_in @ m[:, None].swapaxes(2, 3) for m in step[1:3]])
    moved = np.stack([step.u + unit, step.u - unit])[:, :, None]
    polarized = _join(moved, basis) @ step.matrix.T
    return np.moveaxis(np.concatenate([shifted, polarized], axis=1), 2, -1)


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
    """``dy = dN - y dD`` (with D = 1), the outcome record held fixed.

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
    """Jacobians of the steps, chained from the first to the last."""
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
        if t + 1 < n_steps:
            d_memory = _D_MEMORY[config.memory](forward.caches[t], d_p)
    amplitudes = d_outputs[..., n_angles:].reshape(n_steps, batch, n_steps, system)
    loaded = 0 if config.memory == "reset" else config.ancilla_dim
    per_step = 1 + 2 * (n_angles + system + loaded)
    evaluations = batch * (n_steps * per_step - 2 * loaded)  # the first memory is fixed
    return Jacobian(d_outputs[..., :n_angles], amplitudes, evaluations)


def _d_unit(cache: NamedTuple, d_q: NDArray) -> NDArray:
    """``dh = (1 - h h^T) dq / |q|`` for ``h = q / |q|``: ``(batch, ancilla, moved)``."""
    h = cache.memory
    return (d_q - h[:, :, None] * (h[:, None, :] @ d_q)) / cache.norm[:, :, None]


def _d_marginals(cache: NamedTuple, d_p: NDArray) -> NDArray:
    """``dq_j = sum_w dp_w(j_w) prod_{v != w} p_v(j_v)``, then normalized."""
    d_q = np.zeros_like(d_p)
    bits = wire_bits(d_p.shape[1]).reshape(-1, 2, d_p.shape[1])
    for wire, of_wire in enumerate(bits):
        others = cache.marginals.copy()
        others[:, wire] = 1.0
        d_q += product_vector(others)[:, :, None] * (of_wire.T @ (of_wire @ d_p))
    return _d_unit(cache, d_q)


def _d_reset(cache: NamedTuple, d_p: NDArray) -> NDArray:
    """Nothing passes."""
    return np.zeros_like(d_p)


_D_MEMORY: dict[str, Callable[[NamedTuple, NDArray], NDArray]] = {
    "probabilities": _d_unit,
    "marginals": _d_marginals,
    "reset": _d_reset,
}
"""Derivatives of the next memory from those of the ancilla's probabilities."""


def _channel_jacobian(
    forward: Unrolled, angles: NDArray, config: QLSTMConfig
) -> Jacobian:
    """Mixed: plain shifts of every occurrence, for the output is linear in each.

    Half differences of memories are carried on, for the channels are linear too.
    """
    n_steps, batch, system = forward.encoded.amplitudes.shape
    n_angles, ancilla = angles.size, config.ancilla_dim
    per_step = n_angles + system
    signs = readout_signs(config.n_system)
    d_outputs = np.zeros((n_steps, batch, n_steps, per_step))
    d_sigma = np.zeros((0, batch, ancilla, ancilla))
    shape = (2, -1, batch, system, ancilla, ancilla)
    for t, step in enumerate(_steps(forward, angles, config)):
        kraus = _moved_kraus(step, ancilla).reshape(shape)
        pushed = kraus @ step.h[:, None] @ kraus.conj().swapaxes(-1, -2)
        old = forward.branches[t]
        carried = old @ d_sigma[:, :, None] @ old.conj().swapaxes(-1, -2)
        d_each = np.concatenate([carried, _half_difference(pushed)])
        d_y = np.trace(d_each, axis1=-2, axis2=-1).real @ signs  # (moved, batch)
        d_outputs[t, :, : t + 1] = d_y.T.reshape(batch, t + 1, per_step)
        d_sigma = d_each.sum(axis=2)
    evaluations = batch * (1 + n_steps * 2 * per_step)
    d_angles = d_outputs[..., :n_angles].sum(axis=2)
    return Jacobian(d_angles, d_outputs[..., n_angles:], evaluations)


def _placed(part: NDArray, columns: slice, n_columns: int) -> NDArray:
    """The part in its columns, zeros elsewhere."""
    placed = np.zeros((*part.shape[:-1], n_columns))
    placed[..., columns] = part
    return placed


JACOBIANS: dict[str, Callable[[Unrolled, NDArray, QLSTMConfig], Jacobian]] = {
    "collapse": _record_jacobian,
    "sampled": _record_jacobian,
    "probabilities": _chained_jacobian,
    "marginals": _chained_jacobian,
    "reset": _chained_jacobian,
    "mixed": _channel_jacobian,
}
"""How each memory rule's outputs are differentiated by shifts."""
