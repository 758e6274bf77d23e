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
    circuit_matrix,
    circuit_matrix_backward,
    entangling_layers,
    entangling_layers_backward,
)


def circuit_angles(params: QLSTMParams) -> NDArray[np.float64]:
    """The angles of ``U_dis U_en`` in the order of application.

    Args:
        params: The model's parameters.

    Returns:
        Array ``(2 * n_layers, n_wires)``: the entangler's rows, then the
        disentangler's from last to first.
    """
    return np.concatenate([params.entangler, params.disentangler[::-1]])


def split_angles(angles: NDArray) -> tuple[NDArray, NDArray]:
    """Undo `circuit_angles`, for gradients too: (entangler, disentangler)."""
    half = len(angles) // 2
    return angles[:half], angles[half:][::-1]


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
        self.angles, self.rotation, self.amplitudes = (
            angles,
            config.rotation,
            amplitudes,
        )
        self.matrix = circuit_matrix(angles, config.rotation)
        dim = len(self.matrix)
        by_input = self.matrix.reshape(dim, system, ancilla).transpose(1, 0, 2)
        kraus = amplitudes.reshape(-1, system) @ by_input.reshape(system, -1)
        self.kraus = kraus.reshape(n_steps, batch, dim, ancilla)
        self.shape = (batch, system, ancilla)
        self.record: list[tuple[int, NDArray, NDArray]] = []

    def step(self, t: int, memory: NDArray) -> NDArray:
        """``phi = K h``."""
        return (self.kraus[t] @ memory[:, :, None]).reshape(self.shape)

    def step_backward(
        self, t: int, memory: NDArray, branches: NDArray, grad_branches: NDArray
    ) -> NDArray:
        """``grad_h = K^dag grad_phi``; the matrix's own gradient waits for the end."""
        grad_out = grad_branches.reshape(len(memory), 1, -1)
        self.record.append((t, memory, grad_out))
        return (grad_out.conj() @ self.kraus[t]).conj()[:, 0]

    def backward(self) -> tuple[NDArray, NDArray]:
        """The matrix's gradient back through the gates; ``grad_u_i = Re sum_j v_ij h_j*``."""
        grad_angles = circuit_matrix_backward(
            self.matrix, self.grad_matrix(), self.angles, self.rotation
        )
        memories, grad_out, steps = self._recorded()
        v = (grad_out @ self.matrix.conj()).reshape(
            len(memories), -1, memories.shape[1]
        )
        grad_u = np.zeros(self.amplitudes.shape)
        shape = (len(steps), *grad_u.shape[1:])
        grad_u[steps] = np.vecdot(memories[:, None, :], v).real.reshape(shape)
        return grad_angles, grad_u

    def grad_matrix(self) -> NDArray:
        """``grad_W = sum grad_phi psi_in^dag`` over all steps and sequences."""
        memories, grad_out, steps = self._recorded()
        u = self.amplitudes[steps].reshape(len(memories), -1, 1)
        psi_in = (u * memories[:, None, :]).reshape(len(memories), -1)
        return grad_out.T @ psi_in.conj()

    def _recorded(self) -> tuple[NDArray, NDArray, list[int]]:
        """Memories ``(states, ancilla)`` and gradients ``(states, dim)`` of all steps."""
        steps, memories, grads = zip(*self.record, strict=True)
        return np.concatenate(memories), np.concatenate(grads)[:, 0], list(steps)


class DirectRoute:
    """The gates applied to each step's states."""

    def __init__(
        self, angles: NDArray, amplitudes: NDArray, config: QLSTMConfig
    ) -> None:
        """Keep the angles and amplitudes."""
        self.angles, self.rotation, self.amplitudes = (
            angles,
            config.rotation,
            amplitudes,
        )
        batch = amplitudes.shape[1]
        self.shape = (batch, config.system_dim, config.ancilla_dim)
        self.tensor = (batch, *(2,) * config.n_wires)
        self.grad_angles = np.zeros(angles.shape)
        self.grad_u = np.zeros(amplitudes.shape)

    def step(self, t: int, memory: NDArray) -> NDArray:
        """``psi_out = U_dis U_en (u (x) h)``."""
        psi_in = self.amplitudes[t][:, :, None] * memory[:, None, :]
        psi_out = entangling_layers(
            psi_in.reshape(self.tensor), self.angles, self.rotation
        )
        return psi_out.reshape(self.shape)

    def step_backward(
        self, t: int, memory: NDArray, branches: NDArray, grad_branches: NDArray
    ) -> NDArray:
        """Undo the gates; ``grad_h_j = sum_i u_i v_ij``."""
        _, v, grad_angles = entangling_layers_backward(
            branches.reshape(self.tensor),
            grad_branches.reshape(self.tensor),
            self.angles,
            self.rotation,
        )
        self.grad_angles += grad_angles
        v = v.reshape(self.shape)
        self.grad_u[t] = np.vecdot(memory[:, None, :], v).real
        return (self.amplitudes[t][:, None, :] @ v)[:, 0]

    def backward(self) -> tuple[NDArray, NDArray]:
        """The sums that the steps left."""
        return self.grad_angles, self.grad_u


ROUTES: dict[str, type[Route]] = {"matrix": MatrixRoute, "direct": DirectRoute}


def choose_route(config: QLSTMConfig, n_states: int) -> str:
    """The cheaper route: the matrix unless it has more columns than there are states."""
    return "matrix" if 2**config.n_wires <= n_states else "direct"
