"""One step of the cell: join input and memory, evolve; and the way back.

Two routes give the same numbers for amplitude encoding. `MatrixRoute` builds the circuit's matrix W once per
parameter update; with the inputs put in, it leaves the step's Kraus operators
``K_i = <i|_sys W |u>_sys``, and a step is one product with the memory. `DirectRoute`
applies the gates to every state; it wins when the matrix is wider than the number of
states. Derivations: docs/gradients.md, sections 3 and 4.
"""

from abc import ABC, abstractmethod
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
    u_en = _layers_matrix(angles[: config.n_layers], config)
    u_dis = _layers_matrix(angles[config.n_layers :], config)
    return u_en, u_dis if config.disentangler == "flip" else u_dis.conj().T


def cell_matrix(angles: NDArray, config: QLSTMConfig) -> NDArray:
    """The matrix ``W = U_dis U_en`` of a step, ``(2**n_wires, 2**n_wires)``."""
    if config.disentangler == "flip":
        return _layers_matrix(angles, config)
    u_en, u_dis = stage_matrices(angles, config)
    return u_dis @ u_en


def cell_matrix_backward(
    matrix: NDArray, grad_matrix: NDArray, angles: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Gradient of the angles of `cell_matrix` from the gradient of the matrix.

    For ``W = A^dag B``: ``grad_B = A grad_W``, ``grad_A = B grad_W^dag``.
    """
    if config.disentangler == "flip":
        return _layers_matrix_backward(matrix, grad_matrix, angles, config)
    b, a_dagger = stage_matrices(angles, config)
    a = a_dagger.conj().T
    first, second = angles[: config.n_layers], angles[config.n_layers :]
    grad_b, grad_a = a @ grad_matrix, b @ grad_matrix.conj().T
    return np.concatenate(
        [
            _layers_matrix_backward(b, grad_b, first, config),
            _layers_matrix_backward(a, grad_a, second, config),
        ]
    )


def _layers_matrix(angles: NDArray, config: QLSTMConfig) -> NDArray:
    """The matrix of some layers: one ring over all wires, or one in each register."""
    if config.cut == "entangled":
        return circuit_matrix(angles, config.rotation)
    return np.kron(*_register_matrices(angles, config))


def _layers_matrix_backward(
    matrix: NDArray, grad_matrix: NDArray, angles: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Gradient of the angles of `_layers_matrix`.

    For ``W = A (x) B``: ``grad_A_ik = sum_jl grad_W_ijkl conj(B_jl)``, B alike.
    """
    rotation, n = config.rotation, config.n_system
    if config.cut == "entangled":
        return circuit_matrix_backward(matrix, grad_matrix, angles, rotation)
    a, b = _register_matrices(angles, config)
    grad = grad_matrix.reshape(len(a), len(b), len(a), len(b))
    grad_a = np.einsum("ijkl,jl->ik", grad, b.conj())
    grad_b = np.einsum("ijkl,ik->jl", grad, a.conj())
    return np.concatenate(
        [
            circuit_matrix_backward(a, grad_a, angles[:, :n], rotation),
            circuit_matrix_backward(b, grad_b, angles[:, n:], rotation),
        ],
        axis=1,
    )


def _register_matrices(angles: NDArray, config: QLSTMConfig) -> tuple[NDArray, NDArray]:
    """The circuits of the system and of the ancilla, when no gate crosses the cut."""
    n = config.n_system
    return (
        circuit_matrix(angles[:, :n], config.rotation),
        circuit_matrix(angles[:, n:], config.rotation),
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


class KrausRoute(ABC):
    """A route whose steps are Kraus operators, all known before the first step."""

    kraus: NDArray
    """``(n_steps, batch, dim, 2**n_ancilla)``, dim over both registers."""

    def __init__(self, config: QLSTMConfig, batch: int) -> None:
        """Keep the sizes."""
        self.config = config
        self.shape = (batch, config.system_dim, config.ancilla_dim)
        self.record: list[tuple[NDArray, NDArray]] = []
        self.grad_kraus = np.zeros(0)  # set by the backward pass

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
        """``grad_K = grad_phi h^dag`` for all steps at once, then back to the angles."""
        memories, grads = zip(*reversed(self.record), strict=True)
        h, grad_out = np.array(memories), np.array(grads)
        return self.backward_kraus(grad_out.swapaxes(2, 3) * h[:, :, None, :].conj())

    @abstractmethod
    def backward_kraus(self, grad_kraus: NDArray) -> tuple[NDArray, NDArray]:
        """Gradients of the angles and of the encoded inputs."""

    @abstractmethod
    def entangler_kraus(self) -> NDArray:
        """The same as `kraus` after U_en alone."""

    @abstractmethod
    def shifted_kraus(self, shift: float) -> NDArray:
        """Kraus operators with one angle shifted: ``(n_angles, *kraus.shape)``."""

    @abstractmethod
    def moved_input_kraus(self) -> NDArray:
        """Kraus operators whose half difference is the derivative in each encoded
        number: ``(2, n_encoded, *kraus.shape)``."""


class MatrixRoute(KrausRoute):
    """Amplitude encoding, the circuit as one matrix that is built once."""

    def __init__(
        self, angles: NDArray, amplitudes: NDArray, config: QLSTMConfig
    ) -> None:
        """Build the matrix and every step's Kraus operators."""
        super().__init__(config, amplitudes.shape[1])
        self.angles, self.amplitudes = angles, amplitudes
        self.matrix = cell_matrix(angles, config)
        self.by_input = self._by_input(self.matrix)
        self.kraus = self._kraus(amplitudes, self.by_input)

    def backward_kraus(self, grad_kraus: NDArray) -> tuple[NDArray, NDArray]:
        """``grad_W_i = sum u_i grad_K``, ``grad_u_i = Re <W_i, grad_K>``."""
        self.grad_kraus = grad_kraus
        grad = grad_kraus.reshape(-1, self.by_input.shape[1])
        grad_u = (grad @ self.by_input.conj().T).real.reshape(self.amplitudes.shape)
        system, dim = self.shape[1], len(self.matrix)
        by_input = self.amplitudes.reshape(-1, system).T @ grad
        by_input = by_input.reshape(system, dim, -1).swapaxes(0, 1)
        grad_angles = cell_matrix_backward(
            self.matrix, by_input.reshape(dim, dim), self.angles, self.config
        )
        return grad_angles, grad_u

    def entangler_kraus(self) -> NDArray:
        """``U_en`` with the inputs put in."""
        u_en, _ = stage_matrices(self.angles, self.config)
        return self._kraus(self.amplitudes, self._by_input(u_en))

    def shifted_kraus(self, shift: float) -> NDArray:
        """From the matrices with one angle shifted."""
        moved = []
        for index in np.ndindex(self.angles.shape):
            angles = self.angles.copy()
            angles[index] += shift
            by_input = self._by_input(cell_matrix(angles, self.config))
            moved.append(self._kraus(self.amplitudes, by_input))
        return np.array(moved)

    def moved_input_kraus(self) -> NDArray:
        """Polarization: the inputs ``u +- e_i``.

        ``f(u) = |u|^2 f(u / |u|)`` is quadratic in u, so half the difference of its
        values at ``u + e`` and ``u - e`` is its derivative along e. The vector is not
        normalized here; hardware loads it normalized and multiplies by ``|u|^2`` after.
        """
        unit = np.eye(self.shape[1])[:, None, None, :]
        moved = np.stack([self.amplitudes + unit, self.amplitudes - unit])
        return self._kraus(moved, self.by_input)

    def _by_input(self, matrix: NDArray) -> NDArray:
        """The matrix with the system's input index first: ``(d_s, dim * d_a)``."""
        _, system, ancilla = self.shape
        by_input = matrix.reshape(-1, system, ancilla).swapaxes(0, 1)
        return by_input.reshape(system, -1)

    def _kraus(self, amplitudes: NDArray, by_input: NDArray) -> NDArray:
        """``K = sum_i u_i W_i``, ``(..., batch, dim, d_a)``."""
        _, system, ancilla = self.shape
        kraus = amplitudes.reshape(-1, system) @ by_input
        return kraus.reshape(*amplitudes.shape[:-1], -1, ancilla)


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
"""The routes of amplitude encoding; angle encoding has its own, `qlstm.upload`."""


def choose_route(config: QLSTMConfig, n_states: int) -> str:
    """The cheaper route: the matrix unless it has more columns than there are states."""
    return "matrix" if 2**config.n_wires <= n_states else "direct"
