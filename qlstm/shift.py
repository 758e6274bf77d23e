"""Gradients from evaluations of shifted circuits alone, exact through time.

Each number that enters could be measured on hardware: a circuit with one gate
occurrence shifted by +-pi/2, or with another input or memory loaded (polarization). A
moved circuit of a step is here its Kraus operators. Derivations: docs/gradients.md,
sections 6 and 7.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.cell import KrausRoute
from qlstm.memory import product_vector, wire_bits
from qlstm.model import Unrolled
from qlstm.params import QLSTMConfig, QLSTMParams


class ShiftGradient(NamedTuple):
    """Gradients by parameter shifts, and what they cost."""

    angles: NDArray[np.float64]
    """Gradient of the angles as they are applied, ``(n_angles,)``."""
    encoded: NDArray[np.float64]
    """Gradient of the encoded inputs, ``(n_steps, batch, n_encoded)``."""
    evaluations: int
    """Different circuits that were evaluated, over all sequences."""


class _Moves(NamedTuple):
    """The Kraus operators of all steps, as they are and moved.

    The moves of a step are the angles' shifts, then those of the encoded inputs.
    """

    kraus: NDArray
    """``(n_steps, batch, dim, d_a)``."""
    moved: NDArray
    """``(2, n_moves, n_steps, batch, dim, d_a)``: a half difference of what they give
    is the derivative."""
    n_angles: int


def parameter_shift_gradient(
    forward: Unrolled, route: KrausRoute, grad_p: NDArray, config: QLSTMConfig
) -> ShiftGradient:
    """Pull a gradient of the outcome probabilities back by exact parameter shifts.

    For `collapse` and `sampled` the outcome record is held fixed, and every output is a
    quotient ``N / D`` of two quantities that are linear in every gate occurrence. For
    `probabilities`, `marginals` and `reset` the Jacobians of the steps are chained. For
    `mixed` the output is linear in every gate occurrence itself.

    Args:
        forward: What `unroll` returned.
        route: The circuit of all steps as Kraus operators.
        grad_p: Gradient of a real loss with respect to each outcome's probability,
            ``(n_steps, batch, 2**n_system)``.
        config: The configuration.

    Returns:
        A `ShiftGradient`.

    References:
        docs/gradients.md, section 6.
    """
    shifted = np.stack([route.shifted_kraus(s * np.pi / 2) for s in (1, -1)])
    moved = np.concatenate([shifted, route.moved_input_kraus()], axis=1)
    moves = _Moves(route.kraus, moved, shifted.shape[1])
    d_loss, circuits = _DERIVATIVES[config.memory](forward, moves, grad_p, config)
    # d_loss: (n_steps of the move, n_moves, batch)
    return ShiftGradient(
        d_loss[:, : moves.n_angles].sum(axis=(0, 2)),
        d_loss[:, moves.n_angles :].swapaxes(1, 2),
        circuits * len(forward.branches[0]),
    )


def naive_parameter_shift_gradient(
    params: QLSTMParams,
    grad_p: NDArray,
    probabilities_at: Callable[[QLSTMParams], NDArray],
) -> tuple[NDArray, NDArray]:
    """The two-term rule on shared angles: WRONG for a recurrent cell, for teaching.

    Every angle is shifted by +-pi/2 in all steps at once, as if it drove one gate. With
    one step that is exact. Beyond, it is not a gradient.

    Args:
        params: The parameters.
        grad_p: Gradient with respect to the outcome probabilities, ``(n_steps, batch,
            2**n_system)``.
        probabilities_at: These probabilities at other parameters.

    Returns:
        "Gradients" of `entangler` and `disentangler`, wrong from two steps on.

    References:
        docs/gradients.md, section 6.
    """
    grads = []
    for name in ("entangler", "disentangler"):
        angles = getattr(params, name)
        grad = np.zeros_like(angles)
        for index in np.ndindex(angles.shape):
            offset = np.zeros_like(angles)
            offset[index] = np.pi / 2
            plus = probabilities_at(params._replace(**{name: angles + offset}))
            minus = probabilities_at(params._replace(**{name: angles - offset}))
            grad[index] = np.vdot(grad_p, plus - minus) / 2
        grads.append(grad)
    return grads[0], grads[1]


def amplitude_shift_gradient(route: KrausRoute) -> NDArray[np.float64]:
    """Gradient of the angles by the amplitude identity, after a backward pass.

    ``dW / dangle_k = W(angle_k + pi) / 2``, so ``grad = Re <grad_K, K(angle_k + pi)> / 2``

    Args:
        route: A circuit whose `grad_kraus` a backward pass has set.

    Returns:
        Array ``(n_angles,)``, angles as they are applied.

    References:
        docs/gradients.md, section 7.
    """
    turned = route.shifted_kraus(np.pi).reshape(-1, route.grad_kraus.size)
    return (turned @ route.grad_kraus.conj().ravel()).real / 2


def _record_derivatives(
    forward: Unrolled, moves: _Moves, grad_p: NDArray, config: QLSTMConfig
) -> tuple[NDArray, int]:
    """``df = dN - f dD`` (with D = 1), the outcome record held fixed.

    ``f = sum_i grad_p_i p_i`` is what the loss sees of a step. Branches are divided by
    the norms of the unmoved run. That scales N and D alike, so that D is 1, and keeps
    small record probabilities from costing digits.
    """
    n_steps, batch, _, ancilla = moves.kraus.shape
    n_moves = moves.moved.shape[1]
    d_loss = np.zeros((n_steps * n_moves, batch))
    memories = np.zeros(
        (2, 0, batch, ancilla)
    )  # those that moves of past steps reached
    for t, h in enumerate(forward.memories):
        carried = moves.kraus[t] @ memories[..., None]
        fresh = moves.moved[:, :, t] @ h[..., None]
        states = np.concatenate([carried, fresh], axis=1)[..., 0]
        branches = states.reshape(2, -1, batch, config.system_dim, ancilla)
        p = _squared(branches).sum(axis=-1)  # (2, moves so far, batch, d_s)
        d_p = _half_difference(p)
        f = (grad_p[t] * forward.probabilities[t]).sum(axis=-1)
        d_numerator, d_denominator = (d_p * grad_p[t]).sum(axis=-1), d_p.sum(axis=-1)
        d_loss[: len(d_p)] += d_numerator - f * d_denominator
        if t + 1 < n_steps:
            rows, outcome = forward.caches[t].chosen
            memories = branches[:, :, rows, outcome] / forward.caches[t].norm
    circuits = 1 + n_steps * 2 * n_moves
    return d_loss.reshape(n_steps, n_moves, batch), circuits


def _chained_derivatives(
    forward: Unrolled, moves: _Moves, grad_p: NDArray, config: QLSTMConfig
) -> tuple[NDArray, int]:
    """Jacobians of the steps, chained from the first to the last."""
    n_steps, batch, _, ancilla = moves.kraus.shape
    n_moves = moves.moved.shape[1]
    d_loss = np.zeros((n_steps * n_moves, batch))
    d_memory = np.zeros((0, batch, ancilla))
    unit = np.eye(ancilla)[:, None, :]
    shape = (2, -1, batch, config.system_dim, ancilla)
    for t, h in enumerate(forward.memories):
        loaded = moves.kraus[t] @ np.stack([h + unit, h - unit])[..., None]
        by_memory = _half_difference(_squared(loaded.reshape(shape)))
        moved = moves.moved[:, :, t] @ h[..., None]
        fresh = _half_difference(_squared(moved.reshape(shape)))
        carried = np.einsum("mbj,jbik->mbik", d_memory, by_memory)
        d_p = np.concatenate([carried, fresh])  # (moves so far, batch, d_s, d_a)
        d_loss[: len(d_p)] += (d_p.sum(axis=-1) * grad_p[t]).sum(axis=-1)
        if t + 1 < n_steps:
            d_memory = _D_MEMORY[config.memory](forward.caches[t], d_p.sum(axis=2))
    loads = 0 if config.memory == "reset" else ancilla
    # of single steps; the first step's memory is fixed and needs no loading
    circuits = n_steps * (1 + 2 * (n_moves + loads)) - 2 * loads
    return d_loss.reshape(n_steps, n_moves, batch), circuits


def _channel_derivatives(
    forward: Unrolled, moves: _Moves, grad_p: NDArray, config: QLSTMConfig
) -> tuple[NDArray, int]:
    """Mixed: plain shifts of every occurrence, for the output is linear in each.

    Half differences of memories are carried on, for the channels are linear too.
    """
    n_steps, batch, _, ancilla = moves.kraus.shape
    n_moves = moves.moved.shape[1]
    d_loss = np.zeros((n_steps * n_moves, batch))
    d_sigma = np.zeros((0, batch, ancilla, ancilla))
    shape = (2, n_moves, batch, config.system_dim, ancilla, ancilla)
    for t, sigma in enumerate(forward.memories):
        old, moved = forward.branches[t], moves.moved[:, :, t].reshape(shape)
        carried = old @ d_sigma[:, :, None] @ old.conj().swapaxes(-1, -2)
        fresh = moved @ sigma[:, None] @ moved.conj().swapaxes(-1, -2)
        d_each = np.concatenate([carried, _half_difference(fresh)])
        d_p = np.trace(d_each, axis1=-2, axis2=-1).real
        d_loss[: len(d_p)] += (d_p * grad_p[t]).sum(axis=-1)
        d_sigma = d_each.sum(axis=2)
    circuits = 1 + n_steps * 2 * n_moves
    return d_loss.reshape(n_steps, n_moves, batch), circuits


def _d_unit(cache: NamedTuple, d_q: NDArray) -> NDArray:
    """``dh = (dq - h (h . dq)) / |q|`` for ``h = q / |q|``: ``(moves, batch, d_a)``."""
    h = cache.memory
    return (d_q - h * (d_q * h).sum(axis=-1, keepdims=True)) / cache.norm


def _d_marginals(cache: NamedTuple, d_p: NDArray) -> NDArray:
    """``dq_j = sum_w dp_w(j_w) prod_{v != w} p_v(j_v)``, then normalized."""
    d_q = np.zeros_like(d_p)
    bits = wire_bits(d_p.shape[-1]).reshape(-1, 2, d_p.shape[-1])
    for wire, of_wire in enumerate(bits):
        others = cache.marginals.copy()
        others[:, wire] = 1.0
        d_q += product_vector(others) * ((d_p @ of_wire.T) @ of_wire)
    return _d_unit(cache, d_q)


def _d_reset(cache: NamedTuple, d_p: NDArray) -> NDArray:
    """Nothing passes."""
    return np.zeros_like(d_p)


def _squared(branches: NDArray) -> NDArray[np.float64]:
    """``|<ij|psi>|^2``."""
    return branches.real**2 + branches.imag**2


def _half_difference(values: NDArray) -> NDArray:
    """``(plus - minus) / 2`` over the leading axis."""
    return (values[0] - values[1]) / 2


_D_MEMORY: dict[str, Callable[[NamedTuple, NDArray], NDArray]] = {
    "probabilities": _d_unit,
    "marginals": _d_marginals,
    "reset": _d_reset,
}
"""Derivatives of the next memory from those of the ancilla's probabilities."""

_DERIVATIVES: dict[str, Callable[..., tuple[NDArray, int]]] = {
    "collapse": _record_derivatives,
    "sampled": _record_derivatives,
    "probabilities": _chained_derivatives,
    "marginals": _chained_derivatives,
    "reset": _chained_derivatives,
    "mixed": _channel_derivatives,
}
"""How each memory rule's loss is differentiated by moves: the derivatives ``(n_steps,
n_moves, batch)`` and the number of different circuits for one sequence."""
