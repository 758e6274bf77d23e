"""The paper's quantum LSTM in PennyLane: the other side of the cross-check.

Nothing of `qlstm` or `qsim` is imported here, so an error there cannot hide. Sizes and
names come from a configuration, ``params`` are four arrays in the order of
`qlstm.QLSTMParams`. A minibatch is broadcast: one execution of the circuit a step.
Everything is differentiable with autograd, through all steps.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

Params = tuple[Any, Any, Any, Any]
SAME, NODES = 1e-9, 60
"""Eigenvalues this close to 1 are 1; places on a circle around it, error
``2**-NODES``."""


class Unrolled(NamedTuple):
    """A forward pass; the lists have one entry a step."""

    outputs: list
    """``y_t = <Z_m>``, ``(batch,)``."""
    joints: list
    """``Psi_in``, ``(batch, 2**n_wires)``."""
    states: list
    """``Psi_out``, ``(batch, 2**n_wires)``."""
    memories: list
    """The memory that each step leaves, ``(batch, 2**n_ancilla)``."""


def squared_norm(vector):
    """``|v|^2`` over the last axis, which autograd can differentiate at 0."""
    return pnp.sum(pnp.real(vector * pnp.conj(vector)), axis=-1)


def collapse(branches):
    """Keep the likeliest branch of the system register, normalized (eqs. 9, 10)."""
    p = squared_norm(branches)
    chosen = np.arange(len(p)), pnp.argmax(p, axis=1)
    return branches[chosen] / pnp.sqrt(p[chosen])[:, None]


def probabilities(branches):
    """The diagonal of the ancilla's density matrix, normalized (eq. 11)."""
    p = squared_norm(pnp.swapaxes(branches, 1, 2))
    return p / pnp.sqrt(squared_norm(p))[:, None]


def marginals(branches):
    """Product of the ancilla wires' own probabilities, normalized (section 2)."""
    p = squared_norm(pnp.swapaxes(branches, 1, 2))
    batch, n_wires = len(p), int(np.log2(p.shape[1]))
    wires = pnp.reshape(p, (batch, *(2,) * n_wires))
    product = pnp.ones((batch, 1))
    for wire in range(1, n_wires + 1):
        others = tuple(w for w in range(1, n_wires + 1) if w != wire)
        own = pnp.sum(wires, axis=others)
        product = pnp.reshape(product[:, :, None] * own[:, None, :], (batch, -1))
    return product / pnp.sqrt(squared_norm(product))[:, None]


def reset(branches):
    """Back to the first basis state."""
    return np.eye(1, branches.shape[2])[np.zeros(len(branches), dtype=int)]


RULES: dict[str, Callable] = {
    "collapse": collapse,
    "probabilities": probabilities,
    "marginals": marginals,
    "reset": reset,
}
"""Memory rules: branches ``(batch, 2**n_system, 2**n_ancilla)`` to the next memory."""


def apply_circuit(
    joint, entangler, disentangler, config, n_layers=None, any_norm=False
) -> None:
    """Queue ``U_dis U_en`` on the joint state (eq. 6), or its first layers."""
    wires, rotation = range(config.n_wires), getattr(qml, config.rotation)
    first = second = qml.BasicEntanglerLayers
    if config.disentangler == "inverse":
        second = qml.adjoint(qml.BasicEntanglerLayers)
    layers = [(first, row) for row in entangler]
    layers += [(second, row) for row in disentangler[::-1]]
    qml.StatePrep(joint, wires=wires, validate_norm=not any_norm)
    for layer, row in layers[:n_layers]:
        layer(row[None], wires=wires, rotation=rotation)


def make_cell(config) -> qml.QNode:
    """One step of the cell, ``(joint, entangler, disentangler) -> <Z_m>, Psi_out``."""

    @_qnode(config)
    def cell(joint, entangler, disentangler):
        apply_circuit(joint, entangler, disentangler, config)
        return qml.expval(qml.Z(config.n_system - 1)), qml.state()

    return cell


def make_probe(config) -> qml.QNode:
    """The same step, with everything PennyLane can say about the two registers.

    Returns:
        A QNode of ``(joint, entangler, disentangler)`` that returns ``<Z_m>``, the
        outcome probabilities of the system and of the ancilla, the ancilla's density
        matrix, its von Neumann entropy in bits, the mutual information of the two in
        bits, and the ancilla's purity.
    """
    system = range(config.n_system)
    ancilla = range(config.n_system, config.n_wires)

    @_qnode(config)
    def probe(joint, entangler, disentangler):
        apply_circuit(joint, entangler, disentangler, config)
        return (
            qml.expval(qml.Z(config.n_system - 1)),
            qml.probs(wires=system),
            qml.probs(wires=ancilla),
            qml.density_matrix(wires=ancilla),
            qml.vn_entropy(wires=ancilla, log_base=2),
            qml.mutual_info(system, ancilla, log_base=2),
            qml.purity(wires=ancilla),
        )

    return probe


def make_linear_map(config) -> qml.QNode:
    """The circuit of one step, on vectors of any norm."""

    @_qnode(config)
    def linear_map(joint, entangler, disentangler):
        apply_circuit(joint, entangler, disentangler, config, any_norm=True)
        return qml.state()

    return linear_map


def states_by_layer(params: Params, joint, config) -> list[np.ndarray]:
    """The state after each of the ``2 * n_layers`` layers, in order of application."""

    @_qnode(config)
    def first_layers(n_layers):
        apply_circuit(joint, *params[2:], config, n_layers)
        return qml.state()

    return [np.asarray(first_layers(k + 1)) for k in range(2 * config.n_layers)]


def _qnode(config) -> Callable:
    """Decorator: a QNode on PennyLane's NumPy simulator, differentiated by autograd."""
    device = qml.device("default.qubit", wires=config.n_wires)
    return qml.qnode(device, interface="autograd", diff_method="backprop")


def encode(params: Params, x):
    """``u = a / |a|``, ``(batch, 2**n_system)`` (eq. 3)."""
    a = x @ params[0] + params[1]
    return a / pnp.sqrt(squared_norm(a))[:, None]


def join(u, memory):
    """``u (x) h``, ``(batch, 2**n_wires)``.

    Complex from the start: else autograd warns of the cast on the way back.
    """
    return pnp.reshape(u[:, :, None] * memory[:, None, :], (len(u), -1)) + 0j


def unroll(params: Params, inputs: np.ndarray, config, cell: qml.QNode) -> Unrolled:
    """Run the cell over sequences.

    Args:
        params: The projection's weight and bias, the angles of U_en and of U_dis.
        inputs: Sequences ``(batch, n_steps, n_features)``.
        config: The model's configuration.
        cell: What `make_cell` returned.

    Returns:
        An `Unrolled` forward pass.

    Raises:
        ValueError: If this side does not know the memory rule.
    """
    if config.memory not in RULES:
        raise ValueError(
            f"The PennyLane model knows the memory rules {', '.join(RULES)}, "
            f"but was asked for {config.memory}."
        )
    *_, entangler, disentangler = params
    batch, n_steps, _ = inputs.shape
    memory = np.zeros((batch, 2**config.n_ancilla))
    memory[:, 0] = 1.0  # eq. 4
    run = Unrolled([], [], [], [])
    for t in range(n_steps):
        joint = join(encode(params, inputs[:, t]), memory)
        y, state = cell(joint, entangler, disentangler)
        branches = pnp.reshape(state, (batch, 2**config.n_system, -1))  # eq. 7
        memory = RULES[config.memory](branches)
        for values, value in zip(run, (y, joint, state, memory), strict=True):
            values.append(value)
    return run


def loss_and_grad(
    params: Params, inputs: np.ndarray, targets: np.ndarray, config, cell: qml.QNode
) -> tuple[float, tuple]:
    """Mean squared error and its gradient, by autograd through the whole sequence.

    Args:
        params: As in `unroll`.
        inputs: As in `unroll`.
        targets: ``(batch,)``, or ``(batch, n_steps)`` if ``config.loss == "all"``.
        config: As in `unroll`.
        cell: As in `unroll`.

    Returns:
        The loss, and its gradient in the order of the parameters.
    """

    def loss(*params):
        outputs = unroll(params, inputs, config, cell).outputs
        y = outputs[-1] if config.loss == "last" else pnp.stack(outputs, axis=1)
        return pnp.mean((y - targets) ** 2)

    gradient = qml.grad(loss, argnums=[0, 1, 2, 3])
    grads = gradient(*params)
    return float(gradient.forward), grads


def record_log_loss(
    params: Params, inputs: np.ndarray, records: np.ndarray, config, skip: int
):
    """``- mean log2 P(record behind skip | what was heard) / (n_steps - skip)``.

    ``P = tr K sigma K^dag``: each basis state of the memory goes through the circuit
    and is projected onto the observed outcome, step by step; column j of K is what is
    left of state j. For differentiation by autograd.

    Args:
        params: As in `unroll`.
        inputs: Sequences ``(batch, n_steps, n_features)``, and sigma is the first basis
            state; or a constant ``(n_features,)``, and sigma is stationary.
        records: Observed outcomes ``(batch, n_steps)``.
        config: As in `unroll`.
        skip: So many first outcomes are heard, not scored.

    Returns:
        The log-loss, bits a symbol.
    """
    (batch, n_steps), d_a = records.shape, 2**config.n_ancilla
    step, sigma = make_linear_map(config), np.diag(np.eye(d_a)[0])
    if inputs.ndim == 1:
        sigma = stationary_memory(params, inputs, config, step)
        inputs = np.broadcast_to(inputs, (batch, n_steps, len(inputs)))
    columns, bits = np.tile(np.eye(d_a), (batch, 1)), [0.0]
    for t in range(n_steps):
        u = pnp.repeat(encode(params, inputs[:, t]), d_a, axis=0)
        state = pnp.reshape(step(join(u, columns), *params[2:]), (batch * d_a, -1, d_a))
        columns = state[np.arange(batch * d_a), np.repeat(records[:, t], d_a)]
        k = pnp.reshape(columns, (batch, d_a, d_a))  # record, j, entry
        p = pnp.real(pnp.einsum("nja,jk,nka->n", k, sigma, pnp.conj(k)))
        bits.append(pnp.mean(pnp.log2(p)))
    return (bits[skip] - bits[-1]) / (n_steps - skip)


def stationary_memory(params: Params, x: np.ndarray, config, step: qml.QNode):
    """The mean memory of a long run that starts maximally mixed, ``sigma = Pi e``.

    Pi is the projector onto what the channel T leaves as it is, Cauchy's integral of
    ``(z - T)^-1`` around 1: the mean over a circle that holds no other eigenvalue.
    """
    d_a = 2**config.n_ancilla
    u = pnp.repeat(encode(params, x[None]), d_a, axis=0)
    state = step(join(u, np.eye(d_a)), *params[2:])
    k = pnp.reshape(state, (d_a, -1, d_a))  # j, outcome, entry
    t = pnp.reshape(pnp.einsum("jia,kib->abjk", k, pnp.conj(k)), (d_a**2, d_a**2))
    away = np.abs(np.linalg.eigvals(qml.math.unwrap([t])[0]) - 1)
    radius = min(away[away > SAME].min(initial=1.0), 1.0) / 2
    sigma, mixed = 0.0, np.eye(d_a).ravel() / d_a + 0j
    for z in radius * np.exp(2j * np.pi * np.arange(NODES) / NODES):
        shifted = (1 + z) * np.eye(d_a**2) - t
        sigma = sigma + z / NODES * pnp.linalg.solve(shifted, mixed)
    return pnp.reshape(sigma, (d_a, d_a))


def record_loss_and_grad(
    params: Params, inputs: np.ndarray, records: np.ndarray, config, skip: int
) -> tuple[float, tuple]:
    """`record_log_loss` and its gradient, by autograd."""

    def loss(*params):
        return record_log_loss(params, inputs, records, config, skip)

    gradient = qml.grad(loss, argnums=[0, 1, 2, 3])
    grads = gradient(*params)
    return float(gradient.forward), grads


def trainable(params: Params) -> Params:
    """The parameters as PennyLane tensors that its optimizers update."""
    return tuple(pnp.array(array, requires_grad=True) for array in params)


def make_adam(learning_rate: float) -> qml.AdamOptimizer:
    """PennyLane's Adam with the usual decays; its own default for beta2 is 0.99."""
    return qml.AdamOptimizer(learning_rate, beta1=0.9, beta2=0.999)


def adam_step(
    params: Params, grads: tuple, optimizer: qml.AdamOptimizer, epsilon: float = 1e-8
) -> Params:
    """One step of PennyLane's Adam, with epsilon where Kingma and Ba put it.

    PennyLane adds its epsilon to ``sqrt(v)``, Algorithm 1 of the Adam paper (and
    PyTorch, and `qlstm`) to ``sqrt(v / (1 - beta2^k))``. The two agree if PennyLane's
    is ``epsilon sqrt(1 - beta2^k)``, so this is what it gets before step k.
    """
    step = 1 + (optimizer.t or 0)
    optimizer.eps = epsilon * np.sqrt(1 - optimizer.beta2**step)
    return tuple(optimizer.apply_grad(grads, params))
