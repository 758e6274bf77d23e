"""The gates applied to the states of each step, without a matrix: for many wires.

``psi_out = U_dis U_en (u (x) h)``, for memories that are state vectors. It wins where
the circuit's matrix is wider than there are states. Derivations: docs/gradients.md,
sections 2 and 3.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qlstm.circuit import step_circuit
from qlstm.params import QLSTMConfig


def direct_step(
    values: NDArray, angles: NDArray, config: QLSTMConfig
) -> Callable[[int, NDArray], NDArray]:
    """The step as a function of its number and the memory that enters.

    Args:
        values: Amplitudes u, ``(n_steps, n_models, batch, d_s)``.
        angles: What `circuit_angles` returned.
        config: The configuration.

    Returns:
        A function from t and h, ``(n_models, batch, d_a)``, to the branches
        ``(n_models, batch, d_s, d_a)``.
    """
    circuit = step_circuit(angles, config)

    def step(t: int, memory: NDArray) -> NDArray:
        psi = values[t][..., :, None] * memory[..., None, :]
        return circuit.forward(psi.reshape(*psi.shape[:2], -1)).reshape(psi.shape)

    return step


def direct_step_backward(
    values: NDArray, angles: NDArray, config: QLSTMConfig
) -> tuple[Callable[..., NDArray], NDArray, NDArray]:
    """The way back through a step, undoing its gates; ``grad_h = sum_k u_k v_k``.

    Args:
        values: As in `direct_step`.
        angles: As in `direct_step`.
        config: As in `direct_step`.

    Returns:
        A function from t, the memory that entered, the branches and their gradient to
        the memory's gradient; and the gradients of the angles and of the amplitudes,
        which are whole when it has been called for every step.
    """
    circuit = step_circuit(angles, config)
    grad_angles, grad_values = np.zeros(angles.shape), np.zeros(values.shape)

    def pull(t: int, memory: NDArray, branches: NDArray, grad: NDArray) -> NDArray:
        shape = (*branches.shape[:2], -1)
        pair, turned = circuit.forward_backward(
            branches.reshape(shape), grad.reshape(shape)
        )
        np.add(grad_angles, turned, out=grad_angles)
        v = np.split(circuit.leave(pair), 2, axis=1)[1].reshape(branches.shape)
        grad_values[t] = np.vecdot(memory[..., None, :], v).real
        return (values[t][..., None, :] @ v)[..., 0, :]

    return pull, grad_angles, grad_values
