"""The gates applied to the states of each step, without a matrix: for many wires.

``psi_out = U_dis U_en (u (x) h)``, for memories that are state vectors. It wins where
the circuit's matrix is wider than there are states. Derivations: docs/gradients.md,
sections 2 and 3.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qlstm.params import QLSTMConfig
from qsim.kernels import Kernel, layer_kernel


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
    first, second = _stages(angles, config)

    def step(t: int, memory: NDArray) -> NDArray:
        psi = values[t][..., :, None] * memory[..., None, :]
        out = first.forward(psi.reshape(*psi.shape[:2], -1))
        out = out if second is None else second.adjoint(out)
        return out.reshape(psi.shape)

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
    first, second = _stages(angles, config)
    n_first = first.n_layers
    grad_angles, grad_values = np.zeros(angles.shape), np.zeros(values.shape)

    def pull(t: int, memory: NDArray, branches: NDArray, grad: NDArray) -> NDArray:
        shape = (*branches.shape[:2], -1)
        psi, v = branches.reshape(shape), grad.reshape(shape)
        if second is not None:
            pair, turned = second.adjoint_backward(psi, v)
            psi, v = np.split(second.leave(pair), 2, axis=1)
            grad_angles[:, n_first:] += turned
        pair, turned = first.forward_backward(psi, v)
        grad_angles[:, :n_first] += turned
        v = np.split(first.leave(pair), 2, axis=1)[1].reshape(branches.shape)
        grad_values[t] = np.vecdot(memory[..., None, :], v).real
        return (values[t][..., None, :] @ v)[..., 0, :]

    return pull, grad_angles, grad_values


def _stages(angles: NDArray, config: QLSTMConfig) -> tuple[Kernel, Kernel | None]:
    """The circuit as one kernel; an inverse disentangler has one of its own, undone."""
    if config.disentangler == "flip":
        return layer_kernel(angles, config.rotation), None
    return tuple(layer_kernel(part, config.rotation) for part in np.split(angles, 2, 1))
