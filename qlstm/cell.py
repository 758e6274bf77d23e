"""One step of the cell: join input and memory, evolve; and the way back.

Two routes give the same numbers. `MatrixRoute` builds the circuit's matrix W once per
parameter update; with the inputs put in, it leaves the step's Kraus operators
``K_i = <i|_sys W |u>_sys``, and a step is one product with the memory. `DirectRoute`
applies the gates to every state; it wins when the matrix is wider than the number of
states. Derivations: docs/gradients.md, sections 3 and 4.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qlstm.params import QLSTMConfig, QLSTMParams
from qsim import (
    adjoint_layers,
    adjoint_layers_backward,
    circuit_matrix,
    circuit_matrix_backward,
    entangling_layers,
    entangling_layers_backward,
)


def circuit_angles(params: QLSTMParams, config: QLSTMConfig) -> NDArray[np.float64]:
    """The angles of ``U_dis U_en`` in one array.

    Args:
        params: The model's parameters.
        config: Its configuration.

    Returns:
        Array ``(2 * n_layers, n_wires)``: the entangler's rows, then the
        disentangler's, from last to first if ``config.disentangler == "flip"``.
    """
    step = -1 if config.disentangler == "flip" else 1
    return np.concatenate([params.entangler, params.disentangler[::step]])


def split_angles(angles: NDArray, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """Undo `circuit_angles`, for gradients too: (entangler, disentangler)."""
    step = -1 if config.disentangler == "flip" else 1
    return angles[: config.n_layers], angles[config.n_layers :][::step]


def stage_matrices(angles: NDArray, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """The matrices of ``U_en`` and ``U_dis``.

    Args:
        angles: What `circuit_angles` returned.
        config: The configuration.

    Returns:
        Two unitaries ``(2**n_wires, 2**n_wires)``.
    """
    u_en = circuit_matrix(angles[: config.n_layers], config.rotation)
    u_dis = circuit_matrix(angles[config.n_layers :], config.rotation)
    return u_en, u_dis if config.disentangler == "flip" else u_dis.conj().T


def cell_matrix(angles: NDArray, config: QLSTMConfig) -> NDArray:
    """The matrix ``W = U_dis U_en`` of a step, ``(2**n_wires, 2**n_wires)``."""
    if config.disentangler == "flip":
        return circuit_matrix(angles, config.rotation)
    u_en, u_dis = stage_matrices(angles, config)
    return u_dis @ u_en


def cell_matrix_backward(
    matrix: NDArray, grad_matrix: NDArray, angles: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Gradient of the angles of `cell_matrix` from the gradient of the matrix.

    For ``W = A^dag B``: ``grad_B = A grad_W``, ``grad_A = B grad_W^dag``.
    """
    rotation = config.rotation
    if config.disentangler == "flip":
        return circuit_matrix_backward(matrix, grad_matrix, angles, rotation)
    b, a_dagger = stage_matrices(angles, config)
    a = a_dagger.conj().T
    first, second = angles[: config.n_layers], angles[config.n_layers :]
    grad_b, grad_a = a @ grad_matrix, b @ grad_matrix.conj().T
    return np.concatenate(
        [
            circuit_matrix_backward(b, grad_b, first, rotation),
            circuit_matrix_backward(a, grad_a, second, rotation),
        ]
    )


class Route(Protocol):
    """How a batch of sequences goes through the circuit, forward and backward."""

    def step(self, t: int, memory: NDArray) -> NDArray:
        """Branches ``(batch, 2**n_system, 2**n_ancilla)`` of step t."""

    def step_backward(
        self, t: int, memory: NDArray, branches: NDArray, grad_branches: NDArray
    ) -> NDArray:
        """Gradient of the memory ``(batch, 2**n_ancilla)`` that entered step t."""

    def backward(self) -> tuple[NDArray, NDArray]:
        """Gradients of all angles and all amplitudes, after the last step's."""


class MatrixRoute:
    """The circuit as one matrix, built once."""

    def __init__(
        self, angles: NDArray, amplitudes: NDArray, config: QLSTMConfig
    ) -> None:
        """Build the matrix and every step's Kraus operators."""
        n_steps, batch, system = amplitudes.shape
        ancilla = config.ancilla_dim
        self.angles, self.config, self.amplitudes = angles, config, amplitudes
        self.matrix = cell_matrix(angles, config)
        dim = len(self.matrix)
        by_input = self.matrix.reshape(dim, system, ancilla).swapaxes(0, 1)
        self.by_input = by_input.reshape(system, dim * ancilla)
        kraus = amplitudes.reshape(-1, system) @ self.by_input
        self.kraus = kraus.reshape(n_steps, batch, dim, ancilla)
        self.shape = (batch, system, ancilla)
        self.record: list[tuple[NDArray, NDArray]] = []
        self.grad_matrix = np.zeros(0)  # set by the backward pass

    def step(self, t: int, memory: NDArray) -> NDArray:
        """``phi = K h``."""
        return (self.kraus[t] @ memory[:, :, None]).reshape(self.shape)

    def step_backward(
        self, t: int, memory: NDArray, branches: NDArray, grad_branches: NDArray
    ) -> NDArray:
        """``grad_h = K^dag grad_phi``; the Kraus operators' gradient waits for the end.

        Steps come from last to first, without a gap.
        """
        grad_out = grad_branches.reshape(len(memory), 1, -1)
        self.record.append((memory, grad_out))
        return (grad_out.conj() @ self.kraus[t]).conj()[:, 0]

    def backward(self) -> tuple[NDArray, NDArray]:
        """``grad_K = grad_phi h^dag`` for all steps at once, then back to angles and u."""
        memories, grads = zip(*reversed(self.record), strict=True)
        h, grad_out = np.array(memories), np.array(grads)
        return self.backward_kraus(grad_out.swapaxes(2, 3) * h[:, :, None, :].conj())

    def backward_kraus(self, grad_kraus: NDArray) -> tuple[NDArray, NDArray]:
        """``grad_W_i = sum u_i grad_K``, ``grad_u_i = Re <W_i, grad_K>``."""
        grad = grad_kraus.reshape(-1, self.by_input.shape[1])
        grad_u = (grad @ self.by_input.conj().T).real.reshape(self.amplitudes.shape)
        system, dim = self.shape[1], len(self.matrix)
        by_input = self.amplitudes.reshape(-1, system).T @ grad
        by_input = by_input.reshape(system, dim, -1).swapaxes(0, 1)
        self.grad_matrix = by_input.reshape(dim, dim)
        grad_angles = cell_matrix_backward(
            self.matrix, self.grad_matrix, self.angles, self.config
        )
        return grad_angles, grad_u


class DirectRoute:
    """The gates applied to each step's states."""

    def __init__(
        self, angles: NDArray, amplitudes: NDArray, config: QLSTMConfig
    ) -> None:
        """Keep the angles and amplitudes."""
        self.angles, self.config, self.amplitudes = angles, config, amplitudes
        batch = amplitudes.shape[1]
        self.shape = (batch, config.system_dim, config.ancilla_dim)
        self.tensor = (batch, *(2,) * config.n_wires)
        self.grad_angles = np.zeros(angles.shape)
        self.grad_u = np.zeros(amplitudes.shape)

    def step(self, t: int, memory: NDArray) -> NDArray:
        """``psi_out = U_dis U_en (u (x) h)``."""
        psi = (self.amplitudes[t][:, :, None] * memory[:, None, :]).reshape(self.tensor)
        n_layers, rotation = self.config.n_layers, self.config.rotation
        psi = entangling_layers(psi, self.angles[:n_layers], rotation)
        second = entangling_layers if self._flips() else adjoint_layers
        return second(psi, self.angles[n_layers:], rotation).reshape(self.shape)

    def step_backward(
        self, t: int, memory: NDArray, branches: NDArray, grad_branches: NDArray
    ) -> NDArray:
        """Undo the gates; ``grad_h_j = sum_i u_i v_ij``."""
        n_layers, rotation = self.config.n_layers, self.config.rotation
        psi, v = branches.reshape(self.tensor), grad_branches.reshape(self.tensor)
        second = (
            entangling_layers_backward if self._flips() else adjoint_layers_backward
        )
        psi, v, grad = second(psi, v, self.angles[n_layers:], rotation)
        self.grad_angles[n_layers:] += grad
        _, v, grad = entangling_layers_backward(
            psi, v, self.angles[:n_layers], rotation
        )
        self.grad_angles[:n_layers] += grad
        v = v.reshape(self.shape)
        self.grad_u[t] = np.vecdot(memory[:, None, :], v).real
        return (self.amplitudes[t][:, None, :] @ v)[:, 0]

    def backward(self) -> tuple[NDArray, NDArray]:
        """The sums that the steps left."""
        return self.grad_angles, self.grad_u

    def _flips(self) -> bool:
        """Whether the disentangler is the paper's: the same circuit, rows reversed."""
        return self.config.disentangler == "flip"


ROUTES: dict[str, type[Route]] = {"matrix": MatrixRoute, "direct": DirectRoute}


def choose_route(config: QLSTMConfig, n_states: int) -> str:
    """The cheaper route: the matrix unless it has more columns than there are states."""
    return "matrix" if 2**config.n_wires <= n_states else "direct"
