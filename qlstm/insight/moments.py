"""The joint state between the gates of a step, and what can be read off it.

Each gate is applied by itself with `qsim.apply_gate`.

A joint state is a vector ``(dim,)``, or for rules with a density matrix ``(dim, dim)``;
``dim = d_s d_a`` with ``2**n_system`` and ``2**n_ancilla``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.insight.step_gates import Gate, gate_name
from qlstm.params import QLSTMConfig
from qsim import apply_gate
from qsim.entanglement.density import entropy_of_probabilities

DETAILS = ("stage", "layer", "gate")


class Moment(NamedTuple):
    """The joint state between two gates, and what can be read off it."""

    name: str
    """When it is, in words."""
    stage: str
    """The stage that it ends or lies in; ``"start"`` before the first gate."""
    layer: int
    """The layer of the stage, from 1; 0 at the start."""
    gate: Gate | None
    """The gate that was applied last; None at the start."""
    state: NDArray
    """Amplitudes ``(d_s, d_a)``, or a density matrix ``(dim, dim)``."""
    probabilities: NDArray[np.float64]
    """Of each ket of both registers, ``(d_s, d_a)``."""
    reduced: NDArray
    """Density matrix of each wire by itself, ``(n_wires, 2, 2)``."""
    bloch: NDArray[np.float64]
    """Bloch vector ``(<X>, <Y>, <Z>)`` of each wire, ``(n_wires, 3)``."""
    entanglement: float
    """Between the registers, in ebits; for density matrices half the mutual
    information, as in `Trace`."""
    purity: float
    """``Tr rho^2`` of the joint state, 1 for a vector."""


class Memory(NamedTuple):
    """A memory, and what can be read off it."""

    state: NDArray
    """A vector ``(d_a,)`` or a density matrix ``(d_a, d_a)``."""
    populations: NDArray[np.float64]
    """Probability of each ket, ``(d_a,)``."""
    bloch: NDArray[np.float64]
    """Bloch vector of each ancilla wire, ``(n_ancilla, 3)``."""
    purity: float
    """``Tr sigma^2``, 1 for a vector."""


def joined(values: NDArray, memory: NDArray, config: QLSTMConfig) -> NDArray:
    """The joint state before the first gate, input beside memory: a product.

    Args:
        values: The encoded input; with angle encoding the system starts in ``|0...0>``.
        memory: A vector ``(d_a,)`` or a density matrix ``(d_a, d_a)``.
        config: The configuration.
    """
    system = values
    if config.encoding == "angle":
        system = np.eye(1, config.system_dim)[0]
    if memory.ndim == 1:
        return np.kron(system, memory)
    return np.kron(np.outer(system, system), memory)


def act(state: NDArray, matrix: NDArray, wires: Sequence[int]) -> NDArray:
    """``U psi``, or ``U rho U^dag``."""
    if state.ndim == 1:
        return from_left(state[:, None], matrix, wires)[:, 0]
    half = from_left(state, matrix, wires)
    return from_left(half.conj().T, matrix, wires).conj().T


def from_left(columns: NDArray, matrix: NDArray, wires: Sequence[int]) -> NDArray:
    """A matrix on some wires of every column, ``(dim, n)``."""
    n_wires = len(columns).bit_length() - 1
    states = columns.T.reshape(-1, *(2,) * n_wires)
    return apply_gate(states, matrix, wires).reshape(len(states), -1).T


def walk(state: NDArray, gates: list[Gate]) -> list[NDArray]:
    """The state before the first gate and after each."""
    states = [state]
    for gate in gates:
        states.append(act(states[-1], gate.matrix, gate.wires))
    return states


def moments_of(
    states: list[NDArray], gates: list[Gate], config: QLSTMConfig, detail: str
) -> list[Moment]:
    """The moments that are asked for: the start, and each end of a gate, layer, stage.

    Args:
        states: What `walk` returned.
        gates: What it was given.
        config: The configuration.
        detail: One of `DETAILS`.
    """
    found = [
        _moment("input and memory side by side", "start", 0, None, states[0], config)
    ]
    for k, gate in enumerate(gates):
        end = {"gate": k, "layer": (gate.stage, gate.layer), "stage": gate.stage}
        behind = None
        if k + 1 < len(gates):
            other = gates[k + 1]
            behind = {"gate": k + 1, "layer": other[4:6], "stage": other.stage}
        if behind is None or end[detail] != behind[detail]:
            name = {
                "gate": f"after gate {k + 1}, {gate_name(gate, config)}",
                "layer": f"after layer {gate.layer} of the {gate.stage}",
                "stage": f"after the {gate.stage}",
            }[detail]
            state = states[k + 1]
            found.append(_moment(name, gate.stage, gate.layer, gate, state, config))
    return found


def _moment(
    name: str,
    stage: str,
    layer: int,
    gate: Gate | None,
    state: NDArray,
    config: QLSTMConfig,
) -> Moment:
    """What there is to see of a state."""
    d_s, d_a = config.system_dim, config.ancilla_dim
    rho = state if state.ndim == 2 else np.outer(state, state.conj())
    p = np.diag(rho).real if state.ndim == 2 else np.abs(state) ** 2
    reduced = wires_of(rho)
    shown = state.copy() if state.ndim == 2 else state.reshape(d_s, d_a)
    return Moment(
        name,
        stage,
        layer,
        gate,
        shown,
        p.reshape(d_s, d_a),
        reduced,
        bloch_of(reduced),
        _entanglement(rho, d_s, d_a, pure=state.ndim == 1),
        float(np.vdot(rho, rho).real),
    )


def memory_of(state: NDArray) -> Memory:
    """What there is to see of a memory."""
    rho = state if state.ndim == 2 else np.outer(state, state.conj())
    bloch, purity = bloch_of(wires_of(rho)), float(np.vdot(rho, rho).real)
    return Memory(state, np.diag(rho).real.copy(), bloch, purity)


def wires_of(rho: NDArray) -> NDArray:
    """Density matrices of each wire of a register by itself, ``(n_wires, 2, 2)``."""
    n_wires = len(rho).bit_length() - 1
    sides = [(2**w, 2, 2 ** (n_wires - 1 - w)) for w in range(n_wires)]
    return np.array([np.einsum("aibajb->ij", rho.reshape(s + s)) for s in sides])


def bloch_of(reduced: NDArray) -> NDArray[np.float64]:
    """``(<X>, <Y>, <Z>)`` of density matrices of one wire, ``(..., 2, 2)``."""
    x, y = 2 * reduced[..., 1, 0].real, 2 * reduced[..., 1, 0].imag
    return np.stack([x, y, (reduced[..., 0, 0] - reduced[..., 1, 1]).real], axis=-1)


def _entanglement(rho: NDArray, d_s: int, d_a: int, *, pure: bool) -> float:
    """Entropy of entanglement; half the mutual information of a density matrix."""
    by_register = rho.reshape(d_s, d_a, d_s, d_a)
    ancilla = _entropy(np.einsum("iajb,ij->ab", by_register, np.eye(d_s)))
    if pure:
        return ancilla
    system = _entropy(np.einsum("iajb,ab->ij", by_register, np.eye(d_a)))
    return max(system + ancilla - _entropy(rho), 0.0) / 2


def _entropy(rho: NDArray) -> float:
    """Von Neumann entropy in bits."""
    spectrum = np.maximum(np.linalg.eigvalsh(rho), 0)
    return float(entropy_of_probabilities(spectrum))
