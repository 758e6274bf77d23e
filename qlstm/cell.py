"""One step of the cell: the circuit with the input put in, as Kraus operators.

``psi_out = U_dis U_en (u (x) h)`` (paper, eqs. 5 and 6). The circuit is the same for
every sequence and every step, so its matrix W is built once; with an input put in, it
leaves the step's Kraus operators ``K_i = <i|_sys W |u>_sys``, which act on the memory.
Each function stands beside its backward pass; derivations: docs/gradients.md, sections
3 and 4.

Arrays begin with the axes of steps, models and sequences. `qlstm.upload` has the
circuit of the angle encoding, `qlstm.direct` the gates applied to the states
themselves.
"""

import numpy as np
from numpy.typing import NDArray

from qlstm.circuit import Circuit, stages, step_circuit
from qlstm.params import QLSTMConfig, QLSTMParams


def circuit_angles(params: QLSTMParams, config: QLSTMConfig) -> NDArray[np.float64]:
    """The angles of ``U_dis U_en`` in one array.

    Args:
        params: The parameters, ``(n_models, ...)`` each.
        config: The configuration.

    Returns:
        Array ``(n_models, 2 * n_layers, n_wires)``: the entangler's rows, then the
        disentangler's, from last to first if ``config.disentangler == "flip"``.
    """
    step = -1 if config.disentangler == "flip" else 1
    return np.concatenate([params.entangler, params.disentangler[:, ::step]], axis=1)


def split_angles(angles: NDArray, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """Undo `circuit_angles`, for gradients too: (entangler, disentangler)."""
    step = -1 if config.disentangler == "flip" else 1
    return angles[:, : config.n_layers], angles[:, config.n_layers :][:, ::step]


def kraus_operators(
    values: NDArray, angles: NDArray, config: QLSTMConfig
) -> tuple[NDArray, tuple[Circuit, NDArray]]:
    """Every step's Kraus operators, ``K_i = sum_k u_k W_ik``.

    Args:
        values: Amplitudes u, ``(n_steps, n_models, batch, d_s)``.
        angles: What `circuit_angles` returned.
        config: The configuration.

    Returns:
        Kraus operators ``(n_steps, n_models, batch, d_s, d_a, d_a)``, and what the
        backward pass needs: the circuit, and its matrices W, ``(n_models, dim, dim)``.
    """
    circuit = step_circuit(angles, config)
    w = circuit.forward(np.eye(2**config.n_wires)[None]).mT  # column k: where k went
    return put_in(values, w, config), (circuit, w)


def kraus_operators_backward(
    grad_kraus: NDArray,
    values: NDArray,
    angles: NDArray,
    built: tuple[Circuit, NDArray],
    config: QLSTMConfig,
) -> tuple[NDArray, NDArray]:
    """``grad_W_ik = sum u_k grad_K_i``, ``grad_u_k = Re <W_ik, grad_K_i>``.

    Args:
        grad_kraus: Gradient of the Kraus operators, in their shape.
        values: As in `kraus_operators`.
        angles: As in `kraus_operators`.
        built: What it returned.
        config: The configuration.

    Returns:
        Gradients of the angles and of the amplitudes.
    """
    (circuit, matrices), (n_steps, n_models, batch, d_s) = built, values.shape
    dim, d_a = matrices.shape[-1], config.ancilla_dim
    by_input = _by_input(matrices, config)
    grad = grad_kraus.swapaxes(0, 1).reshape(n_models, n_steps * batch, dim * d_a)
    u = values.swapaxes(0, 1).reshape(n_models, -1, d_s)
    grad_u = (grad @ by_input.conj().swapaxes(1, 2)).real
    grad_w = (u.swapaxes(1, 2) @ grad).reshape(n_models, d_s, dim, d_a)
    grad_w = grad_w.swapaxes(1, 2).reshape(n_models, dim, dim)
    _, grads = circuit.forward_backward(matrices.mT, grad_w.mT)
    return grads, grad_u.reshape(n_models, n_steps, batch, d_s).swapaxes(0, 1)


def entangler_kraus(values: NDArray, angles: NDArray, config: QLSTMConfig) -> NDArray:
    """The same as the Kraus operators of `kraus_operators` after U_en alone."""
    u_en, _ = stage_matrices(angles, config)
    return put_in(values, u_en, config)


def put_in(values: NDArray, matrices: NDArray, config: QLSTMConfig) -> NDArray:
    """Amplitudes put into matrices: ``(n_steps, n_models, batch, d_s, d_a, d_a)``.

    Args:
        values: Vectors u, ``(n_steps, n_models, batch, d_s)``.
        matrices: Matrices ``(n_models, dim, dim)``.
        config: The configuration.
    """
    n_steps, n_models, batch, d_s = values.shape
    u = values.swapaxes(0, 1).reshape(n_models, n_steps * batch, d_s)
    kraus = (u @ _by_input(matrices, config)).reshape(
        n_models, n_steps, batch, d_s, config.ancilla_dim, config.ancilla_dim
    )
    return kraus.swapaxes(0, 1)


def _by_input(matrices: NDArray, config: QLSTMConfig) -> NDArray:
    """Matrices with the system's input index first: ``(n_models, d_s, dim * d_a)``."""
    n_models, dim, _ = matrices.shape
    by_input = matrices.reshape(n_models, dim, config.system_dim, config.ancilla_dim)
    return by_input.swapaxes(1, 2).reshape(n_models, config.system_dim, -1)


def stage_matrices(angles: NDArray, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """The matrices of ``U_en`` and ``U_dis``, ``(n_models, dim, dim)`` each.

    Args:
        angles: What `circuit_angles` returned.
        config: The configuration.
    """
    basis = np.eye(2**config.n_wires)[None]
    u_en, u_dis = (part.forward(basis).mT for part in stages(angles, config))
    return u_en, u_dis
