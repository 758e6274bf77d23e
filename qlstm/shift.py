"""Gradients from evaluations of shifted circuits alone, exact through time.

Each number that enters could be measured on hardware: a circuit with one gate
occurrence shifted by +-pi/2, or with another input or memory loaded (polarization). A
moved circuit of a step is here its Kraus operators. Derivations: docs/gradients.md,
sections 6 and 7.

Arrays have the axes of steps, models and sequences, ``(n_steps, n_models, batch,
...)``; moves stand before them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.model import CELLS, Run
from qlstm.params import QLSTMConfig, QLSTMParams


class ShiftGradient(NamedTuple):
    """Gradients by parameter shifts, and what they cost."""

    angles: NDArray[np.float64]
    """Gradient of the angles as they are applied, in their shape."""
    values: NDArray[np.float64]
    """Gradient of the encoded inputs, in their shape."""
    evaluations: int
    """Different circuits that were evaluated, over all sequences of a model."""


class _Moves(NamedTuple):
    """The Kraus operators of all steps, as they are and moved.

    The moves of a step are the angles' shifts, then those of the encoded inputs.
    """

    kraus: NDArray
    """``(n_steps, n_models, batch, d_s, d_a, d_a)``."""
    moved: NDArray
    """``(2, n_moves, *kraus.shape)``; a half difference of what they give is the
    derivative."""
    grad_p: NDArray
    """Gradient of the outcome probabilities, ``(n_steps, n_models, batch, d_s)``."""


def parameter_shift_gradient(
    run: Run, grad_p: NDArray, config: QLSTMConfig
) -> ShiftGradient:
    """Pull a gradient of the outcome probabilities back by exact parameter shifts.

    Where one outcome is kept, the outcome record is held fixed, and every output is a
    quotient ``N / D`` of two quantities that are linear in every gate occurrence. Where
    the ancilla's probabilities are loaded, the Jacobians of the steps are chained. For
    `mixed` the output is linear in every gate occurrence itself.

    Args:
        run: What `forward` returned, with Kraus operators.
        grad_p: Gradient of a real loss with respect to each outcome's probability,
            ``(n_steps, n_models, batch, d_s)``.
        config: The configuration.

    Returns:
        A `ShiftGradient`.

    References:
        docs/gradients.md, section 6.
    """
    values, n_angles = run.encoded.values, run.angles[0].size
    shifted = [shifted_kraus(run, sign * np.pi / 2, config) for sign in (1, -1)]
    kraus = CELLS[config.encoding].kraus
    loaded = [
        [kraus(moved, run.angles, config)[0] for moved in of_sign]
        for of_sign in _moved_values(values, config)
    ]
    moved = np.concatenate([np.stack(shifted), np.array(loaded)], axis=1)
    differentiate = SHIFTS[config.rule.shift]
    d_loss, circuits = differentiate(run, _Moves(run.kraus, moved, grad_p), config)
    # d_loss: (n_steps of the move, n_moves, n_models, batch)
    by_angle = d_loss[:, :n_angles].sum(axis=(0, 3)).T
    return ShiftGradient(
        by_angle.reshape(run.angles.shape),
        np.moveaxis(d_loss[:, n_angles:], 1, -1),
        circuits * values.shape[2],
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
        params: The parameters, ``(n_models, ...)`` each.
        grad_p: Gradient with respect to the outcome probabilities, ``(n_steps,
            n_models, batch, d_s)``.
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
        for index in np.ndindex(angles.shape[1:]):
            offset = np.zeros_like(angles)
            offset[:, *index] = np.pi / 2
            plus = probabilities_at(params._replace(**{name: angles + offset}))
            minus = probabilities_at(params._replace(**{name: angles - offset}))
            grad[:, *index] = (grad_p * (plus - minus)).sum(axis=(0, 2, 3)) / 2
        grads.append(grad)
    return grads[0], grads[1]


def amplitude_shift_gradient(
    run: Run, grad_kraus: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Gradient of the angles by the amplitude identity, from that of the Kraus
    operators.

    ``dW / dangle_k = W(angle_k + pi) / 2``, so ``grad = Re <grad_K, K(angle_k + pi)> /
    2``

    Args:
        run: What `forward` returned, with Kraus operators.
        grad_kraus: Their gradient, in their shape.
        config: The configuration.

    Returns:
        Array ``(n_models, 2 * n_layers, n_wires)``, angles as they are applied.

    References:
        docs/gradients.md, section 7.
    """
    turned = shifted_kraus(run, np.pi, config)
    overlap = np.einsum("ktm...,tm...->mk", turned, grad_kraus.conj(), optimize=True)
    return overlap.real.reshape(run.angles.shape) / 2


def shifted_kraus(run: Run, shift: float, config: QLSTMConfig) -> NDArray:
    """Kraus operators with one angle shifted: ``(n_angles, *kraus.shape)``."""
    kraus, moved = CELLS[config.encoding].kraus, []
    for index in np.ndindex(run.angles.shape[1:]):
        angles = run.angles.copy()
        angles[:, *index] += shift
        moved.append(kraus(run.encoded.values, angles, config)[0])
    return np.array(moved)


def _moved_values(values: NDArray, config: QLSTMConfig) -> NDArray:
    """Encoded inputs whose half differences are derivatives, ``(2, n_encoded, ...)``.

    Amplitudes by polarization: ``f(u) = |u|^2 f(u / |u|)`` is quadratic in u, so half
    the difference of its values at ``u + e`` and ``u - e`` is its derivative along e.
    The vector is not normalized here; hardware loads it normalized and multiplies by
    ``|u|^2`` after. Angles as every other angle.
    """
    step = np.pi / 2 if config.encoding == "angle" else 1.0
    unit = step * np.eye(values.shape[-1])[:, None, None, None]
    return np.stack([values + unit, values - unit])


def _record_derivatives(
    run: Run, moves: _Moves, config: QLSTMConfig
) -> tuple[NDArray, int]:
    """``df = dN - f dD`` (with D = 1), the outcome record held fixed.

    ``f = sum_i grad_p_i p_i`` is what the loss sees of a step. Branches are divided by
    the norms of the unmoved run. That scales N and D alike, so that D is 1, and keeps
    small record probabilities from costing digits.
    """
    rule, grad_p = config.rule, moves.grad_p
    n_steps, n_models, batch, *_, d_a = moves.kraus.shape
    n_moves = moves.moved.shape[1]
    d_loss = np.zeros((n_steps * n_moves, n_models, batch))
    memories = np.zeros((2, 0, n_models, batch, d_a))  # of moves of past steps
    for t, h in enumerate(run.memories):
        carried = rule.evolve(_like(moves.kraus[t], memories, 2), memories)
        fresh = rule.evolve(moves.moved[:, :, t], _like(h, moves.moved[:, :, t], 2))
        branches = np.concatenate([carried, fresh], axis=1)
        d_p = _half_difference(rule.probabilities(branches))
        f = (grad_p[t] * run.probabilities[t]).sum(axis=-1)
        d_numerator, d_denominator = (d_p * grad_p[t]).sum(axis=-1), d_p.sum(axis=-1)
        d_loss[: len(d_p)] += d_numerator - f * d_denominator
        if t + 1 < n_steps:
            cache = run.caches[t]
            outcome = _like(rule.outcomes(cache)[..., None, None], branches, 2)
            kept = np.take_along_axis(branches, outcome, axis=-2)[..., 0, :]
            memories = kept / cache.norm
    circuits = 1 + n_steps * 2 * n_moves
    return d_loss.reshape(n_steps, n_moves, n_models, batch), circuits


def _chained_derivatives(
    run: Run, moves: _Moves, config: QLSTMConfig
) -> tuple[NDArray, int]:
    """Jacobians of the steps, chained from the first to the last."""
    rule, grad_p = config.rule, moves.grad_p
    n_steps, n_models, batch, *_, d_a = moves.kraus.shape
    n_moves = moves.moved.shape[1]
    d_loss = np.zeros((n_steps * n_moves, n_models, batch))
    d_memory = np.zeros((0, n_models, batch, d_a))
    unit = np.eye(d_a)[:, None, None, :]
    for t, h in enumerate(run.memories):
        loads = np.stack([h + unit, h - unit])
        loaded = rule.evolve(_like(moves.kraus[t], loads, 2), loads)
        by_memory = _half_difference(_squared(loaded))
        fresh = rule.evolve(moves.moved[:, :, t], _like(h, moves.moved[:, :, t], 2))
        carried = np.einsum("kmbj,jmbil->kmbil", d_memory, by_memory)
        # (moves so far, n_models, batch, d_s, d_a)
        d_p = np.concatenate([carried, _half_difference(_squared(fresh))])
        d_loss[: len(d_p)] += (d_p.sum(axis=-1) * grad_p[t]).sum(axis=-1)
        if t + 1 < n_steps:
            d_memory = rule.load_forward(d_p.sum(axis=-2), run.caches[t].own)
    n_loads = d_a if rule.carries else 0
    # of single steps; the first step's memory is fixed and needs no loading
    circuits = n_steps * (1 + 2 * (n_moves + n_loads)) - 2 * n_loads
    return d_loss.reshape(n_steps, n_moves, n_models, batch), circuits


def _linear_derivatives(
    run: Run, moves: _Moves, config: QLSTMConfig
) -> tuple[NDArray, int]:
    """Plain shifts of every occurrence, where the output is linear in each.

    Half differences of memories are carried on, for the step is linear in them too.
    """
    rule, grad_p = config.rule, moves.grad_p
    n_steps, n_models, batch, *_, d_a = moves.kraus.shape
    n_moves = moves.moved.shape[1]
    d_loss = np.zeros((n_steps * n_moves, n_models, batch))
    d_sigma = np.zeros((0, n_models, batch, d_a, d_a))
    for t, sigma in enumerate(run.memories):
        carried = rule.evolve(_like(moves.kraus[t], d_sigma, 1), d_sigma)
        fresh = rule.evolve(moves.moved[:, :, t], _like(sigma, moves.moved[:, :, t], 2))
        d_branches = np.concatenate([carried, _half_difference(fresh)])
        d_p = rule.probabilities(d_branches)
        d_loss[: len(d_p)] += (d_p * grad_p[t]).sum(axis=-1)
        d_sigma, _ = rule.update(d_branches)
    circuits = 1 + n_steps * 2 * n_moves
    return d_loss.reshape(n_steps, n_moves, n_models, batch), circuits


def _like(array: NDArray, moved: NDArray, axes: int) -> NDArray:
    """The array for each of the moves, the first `axes` axes of `moved`."""
    return np.broadcast_to(array, (*moved.shape[:axes], *array.shape))


def _squared(branches: NDArray) -> NDArray[np.float64]:
    """``|<ij|psi>|^2``."""
    return branches.real**2 + branches.imag**2


def _half_difference(values: NDArray) -> NDArray:
    """``(plus - minus) / 2`` over the leading axis."""
    return (values[0] - values[1]) / 2


SHIFTS: dict[str, Callable[..., tuple[NDArray, int]]] = {
    "record": _record_derivatives,
    "chained": _chained_derivatives,
    "linear": _linear_derivatives,
}
"""How moves differentiate a loss, by `MemoryRule.shift`: the derivatives ``(n_steps,
n_moves, n_models, batch)`` and the number of different circuits for one sequence."""
