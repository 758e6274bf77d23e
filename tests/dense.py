"""A slow, obviously right reference: full ``2^n`` matrices, and the paper step by step.

Nothing here is taken from `qsim` or `qlstm`; what they compute must equal it.
"""

from functools import cache, reduce
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.linalg import expm

I2 = np.eye(2)
PAULI = {
    "RX": np.array([[0, 1], [1, 0]]),
    "RY": np.array([[0, -1j], [1j, 0]]),
    "RZ": np.array([[1, 0], [0, -1]]),
}
ZERO, ONE = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])


def random_state(rng, n_wires, batch=1, *, real=False):
    """Normalized random states ``(batch, 2, ..., 2)``."""
    shape = (batch, 2**n_wires)
    state = rng.normal(size=shape) + (0 if real else 1j) * rng.normal(size=shape)
    state = state / np.linalg.norm(state, axis=1, keepdims=True)
    return state.reshape(batch, *(2,) * n_wires)


def random_matrix(rng, dim):
    """A complex matrix without any symmetry."""
    return rng.normal(size=(dim, dim)) + 1j * rng.normal(size=(dim, dim))


def kron(*factors):
    """Kronecker product of any number of matrices or vectors."""
    return reduce(np.kron, factors)


def embed(gate, wires, n_wires):
    """A gate on any wires as a ``2^n`` matrix: a sum of Kronecker products.

    ``sum_ab gate[a, b] |a><b|_wires (x) I_rest``
    """
    k = len(wires)
    full = np.zeros((2**n_wires, 2**n_wires), dtype=complex)
    bits = list(product((0, 1), repeat=k))
    for row, column in np.argwhere(gate):
        factors = [I2] * n_wires
        for wire, i, j in zip(wires, bits[row], bits[column], strict=True):
            factors[wire] = np.outer(I2[i], I2[j])
        full += gate[row, column] * kron(*factors)
    return full


@cache
def rotation(name, angle):
    """``exp(-i angle P / 2)``, from the exponential series; complex angles are fine."""
    return expm(-0.5j * angle * PAULI[name])


@cache
def cnot(control, target, n_wires):
    """``|0><0|_control (x) I + |1><1|_control (x) X_target``."""
    idle, flip = [I2] * n_wires, [I2] * n_wires
    idle[control], flip[control], flip[target] = ZERO, ONE, PAULI["RX"]
    return kron(*idle) + kron(*flip)


def ring(n_wires):
    """The CNOTs of the closed ring, in order, as (control, target)."""
    if n_wires == 1:
        return []
    if n_wires == 2:
        return [(0, 1)]
    return [(w, (w + 1) % n_wires) for w in range(n_wires)]


def apply_layers(vectors, angles, name):
    """The layers on columns ``(2^n, any)``, gate after gate."""
    for row in angles:
        n_wires = len(row)
        vectors = kron(*(rotation(name, angle) for angle in row)) @ vectors
        for control, target in ring(n_wires):
            vectors = cnot(control, target, n_wires) @ vectors
    return vectors


def layers_matrix(angles, name):
    """The layers as one matrix."""
    return apply_layers(np.eye(2 ** np.shape(angles)[1]), angles, name)


def partial_trace(state, wires):
    """Density matrix of some wires of one state ``(2, ..., 2)``, entry by entry."""
    n_wires, k = state.ndim, len(wires)
    rest = [w for w in range(n_wires) if w not in wires]
    rho = np.zeros((2**k, 2**k), dtype=complex)
    kept = list(product((0, 1), repeat=k))
    for (i, a), (j, b) in product(enumerate(kept), repeat=2):
        for other in product((0, 1), repeat=len(rest)):
            bra, ket = [0] * n_wires, [0] * n_wires
            for wire, left, right in zip(wires, a, b, strict=True):
                ket[wire], bra[wire] = left, right
            for wire, bit in zip(rest, other, strict=True):
                ket[wire] = bra[wire] = bit
            rho[i, j] += state[tuple(ket)] * np.conj(state[tuple(bra)])
    return rho


class Step(NamedTuple):
    """What one step of the slow model shows."""

    output: float
    memory: np.ndarray
    """The memory that leaves the step."""
    outcome: int
    """The likeliest system outcome."""
    margin: float
    """By how much it is likelier than the second."""


def next_memory(rule, branches, tensor, n_system):
    """The memory that follows a step, by the rule's name."""
    n_wires = tensor.ndim
    ancilla = range(n_system, n_wires)
    if rule == "collapse":
        norms = [np.linalg.norm(branch) for branch in branches]
        memory = branches[int(np.argmax(norms))]  # eq. 9
    elif rule == "probabilities":
        memory = np.diag(partial_trace(tensor, ancilla))  # eq. 11
    elif rule == "marginals":
        memory = kron(*(np.diag(partial_trace(tensor, [w])) for w in ancilla))
    elif rule == "reset":
        memory = np.eye(len(branches[0]))[0]
    else:
        raise ValueError(f"the slow model has no rule {rule!r}")
    return memory / np.linalg.norm(memory)  # eq. 10


def run_sequence(params, sequence, config):
    """The QLSTM on one sequence ``(n_steps, n_features)``: a `Step` for each step."""
    n_system, n_ancilla = config.n_system, config.n_ancilla
    n_wires = n_system + n_ancilla
    evolve = layers_matrix(params.disentangler[::-1], config.rotation)
    evolve = evolve @ layers_matrix(params.entangler, config.rotation)
    z_last = embed(PAULI["RZ"], [n_system - 1], n_wires)
    memory = np.eye(2**n_ancilla)[0].astype(complex)  # eq. 4
    steps = []
    for x in sequence:
        a = np.array(params.proj_bias)
        for value, weights in zip(x, params.proj_weight, strict=True):
            a = a + value * weights
        u = a / np.sqrt(sum(entry**2 for entry in a))  # eq. 3
        psi = evolve @ kron(u, memory)  # eqs. 5, 6
        output = (psi.conj() @ z_last @ psi).real  # eq. 12
        branches = []
        for i in range(2**n_system):
            bra = kron(np.eye(2**n_system)[i : i + 1], np.eye(2**n_ancilla))
            branches.append(bra @ psi)  # eq. 7
        p = np.array([np.linalg.norm(branch) ** 2 for branch in branches])
        outcome = int(np.argmax(p))
        tensor = psi.reshape((2,) * n_wires)
        memory = next_memory(config.memory, branches, tensor, n_system)
        second, first = np.sort(p)[-2:]
        steps.append(Step(output, memory, outcome, first - second))
    return steps


def run_batch(params, inputs, config):
    """Outputs ``(batch, n_steps)`` and outcomes ``(batch, n_steps)`` of the slow model."""
    runs = [run_sequence(params, sequence, config) for sequence in inputs]
    outputs = np.array([[step.output for step in run] for run in runs])
    outcomes = np.array([[step.outcome for step in run] for run in runs])
    return outputs, outcomes


def margin(params, inputs, config):
    """The smallest margin of the likeliest outcome wherever the memory collapses."""
    runs = [run_sequence(params, sequence, config) for sequence in inputs]
    return min((step.margin for run in runs for step in run[:-1]), default=1.0)


def stage_matrix(angles, config):
    """The layers as one matrix, over all wires or in each register alone."""
    if config.cut == "separate":
        registers = angles[:, : config.n_system], angles[:, config.n_system :]
        return kron(*(layers_matrix(part, config.rotation) for part in registers))
    return layers_matrix(angles, config.rotation)


def step_kraus(value, entangler, disentangler, config):
    """``K_i = <i|_sys W |u>_sys`` for amplitudes u (of any norm) or uploaded angles."""
    d_s, d_a = 2**config.n_system, 2**config.n_ancilla
    if config.encoding == "angle":
        columns = kron(np.eye(d_s)[:, :1], np.eye(d_a))
        other = {"RX": "RY", "RY": "RX"}[config.rotation]
        rows = np.concatenate([entangler, disentangler[::-1]])
        uploads = np.reshape(value, (len(rows), config.n_system))
        for row, upload in zip(rows, uploads, strict=True):
            turns = kron(*(rotation(other, angle) for angle in upload))
            columns = kron(turns, np.eye(d_a)) @ columns
            columns = apply_layers(columns, row[None], config.rotation)
        return columns.reshape(d_s, d_a, d_a)
    if config.disentangler == "inverse":
        second = stage_matrix(disentangler, config).conj().T
    else:
        second = stage_matrix(disentangler[::-1], config)
    w = second @ stage_matrix(entangler, config)
    return (w @ kron(np.reshape(value, (d_s, 1)), np.eye(d_a))).reshape(d_s, d_a, d_a)
