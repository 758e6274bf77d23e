"""The gradient's way back through one window, gate by gate (docs/gradients.md).

The pair (state, gradient of the state) goes from the last gate to the first. Each gate
is undone in both, and leaves the gradient of its angle (docs/gradients.md, eqs. 3 and
4). A density matrix is undone from both sides.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.encoding import Encoded, encode_backward
from qlstm.insight.moments import act, from_left
from qlstm.insight.step_gates import Gate
from qlstm.model import loss_and_grad_outputs
from qlstm.params import QLSTMConfig, QLSTMParams, Single
from qlstm.readout import read_out, read_out_backward
from qsim.gates import GENERATORS


class Passed(NamedTuple):
    """What the way forward leaves of a step for the way back."""

    values: NDArray
    """The encoded input."""
    memory: NDArray
    """The memory that entered."""
    gates: list[Gate]
    state: NDArray
    """The joint state behind the last gate."""
    branches: NDArray
    """What the memory rule was given, ``(1, 1, d_s, ...)``."""
    cache: Any
    """What its update left."""


class GateGradient(NamedTuple):
    """What the way back finds at a gate."""

    gate: Gate
    grad_angle: float
    """Derivative of the loss with respect to the angle that is applied, here alone;
    0 for a CNOT, which has none."""
    state: NDArray
    """The joint state before the gate, which is undone."""
    grad_state: NDArray
    """Gradient of the loss with respect to that state, in its shape."""


class StepBack(NamedTuple):
    """The way back through a step."""

    grad_outputs: NDArray[np.float64]
    """Gradient of the step's outputs, ``(n_outputs,)``."""
    grad_probabilities: NDArray[np.float64]
    """Gradient of the outcomes' probabilities by way of the step's own outputs,
    ``(d_s,)``."""
    grad_memory_after: NDArray | None
    """Gradient of the memory that left; None at the last step."""
    gates: list[GateGradient]
    """From the last gate to the first."""
    grad_memory_before: NDArray
    """Gradient of the memory that entered."""
    grad_encoded: NDArray[np.float64]
    """Gradient of the encoded input, of the amplitudes u or of the angles."""
    grads: QLSTMParams
    """What this step adds to the gradient of the parameters; nothing to that of a
    readout's own."""


class WayBack(NamedTuple):
    """The loss of a window and its gradient."""

    targets: NDArray[np.float64]
    """As they were compared, ``(n_steps, n_outputs)``, nan where nothing was."""
    loss: float
    """Mean squared error."""
    steps: list[StepBack]
    """In the order of the steps; the way back begins at the end."""
    grads: QLSTMParams
    """The gradient, the sum of all steps."""


def way_back(
    passed: list[Passed],
    targets: NDArray,
    single: Single,
    encoded: Encoded,
    config: QLSTMConfig,
) -> WayBack:
    """Walk back from the loss to the parameters.

    Args:
        passed: What each step left.
        targets: Checked targets of a batch of one.
        single: The model and the window.
        encoded: The encoded window.
        config: The configuration.
    """
    rule, params = config.rule, single.params
    p = np.array([rule.probabilities(step.branches) for step in passed])
    outputs = read_out(p, params, single.inputs, config)
    loss, grad_outputs = loss_and_grad_outputs(outputs, targets[None], config)
    grad_p, grad_own = read_out_backward(grad_outputs, p, params, config)
    steps, grad_memory = [], None
    for t in range(len(passed))[::-1]:
        grad = rule.probabilities_backward(grad_p[t], passed[t].branches)
        if grad_memory is not None:
            behind = grad_memory[None, None]
            grad = grad + rule.update_backward(behind, passed[t].cache)
        at_t = slice(t, t + 1)
        found, before = _step_back(passed[t], _joint_gradient(grad[0, 0]), config)
        grad_encoded = _input_gradient(passed[t], found, before, config)
        proj = encode_backward(
            grad_encoded[None, None, None],
            Encoded(encoded.values[at_t], encoded.norm[at_t]),
            single.inputs[:, :, at_t],
            config,
        )
        grads = _layout(found, proj, params, config)
        of_memory = _memory_gradient(passed[t], before, config)
        steps.append(
            StepBack(
                grad_outputs[t, 0, 0],
                grad_p[t, 0, 0],
                grad_memory,
                found,
                of_memory,
                grad_encoded,
                grads,
            )
        )
        grad_memory = of_memory
    total = [sum(arrays) for arrays in zip(*(s.grads for s in steps), strict=True)]
    own = [array[0] for array in grad_own.values()]
    compared = np.full(outputs[:, 0, 0].shape, np.nan)
    rows = compared[-1:] if config.loss == "last" else compared
    rows[:] = targets.reshape(rows.shape)
    grads = type(params)(*total[:4], *own)
    return WayBack(compared, float(loss[0]), steps[::-1], grads)


def _joint_gradient(grad_branches: NDArray) -> NDArray:
    """Gradient of the joint state, whose rows or diagonal blocks are the branches."""
    if grad_branches.ndim == 2:
        return grad_branches.reshape(-1)
    d_s, d_a, _ = grad_branches.shape
    grad = np.zeros((d_s, d_a, d_s, d_a), dtype=grad_branches.dtype)
    grad[np.arange(d_s), :, np.arange(d_s), :] = grad_branches
    return grad.reshape(d_s * d_a, -1)


def _step_back(
    step: Passed, grad: NDArray, config: QLSTMConfig
) -> tuple[list[GateGradient], NDArray]:
    """Undo the gates of a step, from the last; and the gradient before the first."""
    state, found = step.state, []
    for gate in reversed(step.gates):
        grad_angle = 0.0
        if gate.angle is not None:
            turned = from_left(
                state if state.ndim == 2 else state[:, None],
                GENERATORS[gate.name],
                gate.wires,
            )
            change = turned[:, 0] if state.ndim == 1 else turned + turned.conj().T
            grad_angle = float(np.vdot(grad, change).real)  # eq. 4
        undo = gate.matrix.conj().T
        state, grad = (act(part, undo, gate.wires) for part in (state, grad))  # eq. 3
        found.append(GateGradient(gate, grad_angle, state, grad))
    return found, grad


def _input_gradient(
    step: Passed, found: list[GateGradient], grad: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Gradient of the encoded input: of u in ``u (x) h``, or of its own gates."""
    if config.encoding == "angle":
        of_gates = np.zeros(step.values.shape)
        for one in found:
            if one.gate.source == "input":
                of_gates[one.gate.index] = one.grad_angle
        return of_gates
    d_s, d_a = config.system_dim, config.ancilla_dim
    if grad.ndim == 1:
        return (grad.reshape(d_s, d_a).conj() @ step.memory).real
    blocks = grad.reshape(d_s, d_a, d_s, d_a)
    with_memory = np.einsum("iajb,ab->ij", blocks.conj(), step.memory).real
    return (with_memory + with_memory.T) @ step.values


def _memory_gradient(step: Passed, grad: NDArray, config: QLSTMConfig) -> NDArray:
    """Gradient of the memory that entered: of h in ``u (x) h``."""
    u, d_s, d_a = step.values, config.system_dim, config.ancilla_dim
    if config.encoding == "angle":
        u = np.eye(1, d_s)[0]
    if grad.ndim == 1:
        return u @ grad.reshape(d_s, d_a)
    return np.einsum("iajb,i,j->ab", grad.reshape(d_s, d_a, d_s, d_a), u, u)


def _layout(
    found: list[GateGradient],
    proj: tuple[NDArray, NDArray],
    params: QLSTMParams,
    config: QLSTMConfig,
) -> QLSTMParams:
    """The gates' gradients in the layout of the parameters, with their signs."""
    grads = type(params)(*(np.zeros(array.shape[1:]) for array in params))
    for one in found:
        if one.gate.source in ("entangler", "disentangler"):
            array = getattr(grads, one.gate.source)
            array[one.gate.index] += one.gate.sign * one.grad_angle
    return grads._replace(proj_weight=proj[0][0], proj_bias=proj[1][0])
