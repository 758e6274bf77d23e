"""The route for angle encoding: the input turns the system wires before every layer.

``K_i = <i|_sys L_2 E_2(x) ... L_1 E_1(x) |0>_sys`` with the entangling layers ``L`` and
the rotations ``E`` of the system wires, about another axis than the layers' own. Every
step has its own circuit, so there is no one matrix; its Kraus operators come from
pushing the memory's basis states through. Derivations: docs/gradients.md, section 4.
"""

import numpy as np
from numpy.typing import NDArray

from qlstm.cell import KrausRoute
from qlstm.params import QLSTMConfig
from qsim import RX, RY, entangling_layers, entangling_layers_backward
from qsim.gates import GENERATORS

ENCODING_GATE = {"RX": ("RY", RY), "RY": ("RX", RX)}
"""The rotation that uploads, by the rotation of the layers: the other of the two."""


class UploadRoute(KrausRoute):
    """Angle encoding with re-uploading before each of the ``2 * n_layers`` layers."""

    def __init__(self, angles: NDArray, uploads: NDArray, config: QLSTMConfig) -> None:
        """Push the memory's basis states through all layers.

        Args:
            angles: What `circuit_angles` returned, ``(2 * n_layers, n_wires)``.
            uploads: Angles ``(n_steps, batch, 2 * n_layers * n_system)``.
            config: The configuration.
        """
        super().__init__(config, uploads.shape[1])
        self.angles, self.uploads = angles, uploads
        self.final = self._forward(angles, uploads, len(angles))
        self.kraus = self._as_kraus(self.final)

    def entangler_kraus(self) -> NDArray:
        """The same after U_en alone, ``(n_steps, batch, dim, 2**n_ancilla)``."""
        half = self._forward(self.angles, self.uploads, self.config.n_layers)
        return self._as_kraus(half)

    def backward_kraus(self, grad_kraus: NDArray) -> tuple[NDArray, NDArray]:
        """Undo layers and uploads; the columns of K are states."""
        self.grad_kraus = grad_kraus
        gates = self._gates(self.uploads)
        generators = self._generators()
        state, tensor = self.final, (-1, *(2,) * self.config.n_wires)
        grad = np.moveaxis(grad_kraus, -1, 2).reshape(state.shape)
        grad_angles = np.zeros(self.angles.shape)
        grad_uploads = np.zeros((len(state), len(self.angles), self.config.n_system))
        for layer in reversed(range(len(self.angles))):
            state, grad, grad_angles[layer : layer + 1] = entangling_layers_backward(
                state.reshape(tensor),
                grad.reshape(tensor),
                self.angles[layer : layer + 1],
                self.config.rotation,
            )
            state, grad = self._by_system(state), self._by_system(grad)
            overlap = np.einsum("acik,acjk->aij", grad.conj(), state, optimize=True)
            grad_uploads[:, layer] = np.einsum("aij,wij->aw", overlap, generators).real
            undo = gates[:, layer].conj().swapaxes(1, 2)[:, None]
            state, grad = undo @ state, undo @ grad
        return grad_angles, grad_uploads.reshape(self.uploads.shape)

    def shifted_kraus(self, shift: float) -> NDArray:
        """Kraus operators with one layer angle shifted, for each angle."""
        moved = []
        for index in np.ndindex(self.angles.shape):
            angles = self.angles.copy()
            angles[index] += shift
            moved.append(self._forward(angles, self.uploads, len(angles)))
        return np.array([self._as_kraus(state) for state in moved])

    def moved_input_kraus(self) -> NDArray:
        """Kraus operators with one upload shifted by +-pi/2, for each upload."""
        moved = []
        for sign in (1, -1):
            for k in range(self.uploads.shape[2]):
                uploads = self.uploads.copy()
                uploads[..., k] += sign * np.pi / 2
                state = self._forward(self.angles, uploads, len(self.angles))
                moved.append(self._as_kraus(state))
        return np.array(moved).reshape(2, -1, *self.kraus.shape)

    def _forward(self, angles: NDArray, uploads: NDArray, n_layers: int) -> NDArray:
        """States ``(n_steps * batch, 2**n_ancilla, dim)`` after the first layers."""
        n_states, ancilla = uploads.shape[0] * uploads.shape[1], self.shape[2]
        state = np.zeros((n_states, ancilla, self.shape[1], ancilla))
        state[:, np.arange(ancilla), 0, np.arange(ancilla)] = 1.0  # |0> (x) |j>
        gates = self._gates(uploads)
        tensor = (-1, *(2,) * self.config.n_wires)
        for layer in range(n_layers):
            state = gates[:, layer, None] @ self._by_system(state)
            state = entangling_layers(
                state.reshape(tensor), angles[layer : layer + 1], self.config.rotation
            )
        return state.reshape(n_states, ancilla, -1)

    def _gates(self, uploads: NDArray) -> NDArray:
        """The uploads as matrices on the system: ``(states, layers, d_s, d_s)``."""
        n_system = self.config.n_system
        _, gate = ENCODING_GATE[self.config.rotation]
        turns = gate(uploads.reshape(-1, len(self.angles), n_system))
        product = turns[:, :, 0]
        for wire in range(1, n_system):
            product = (
                product[..., :, None, :, None] * turns[:, :, wire, None, :, None, :]
            )
            d = 2 ** (wire + 1)
            product = product.reshape(*turns.shape[:2], d, d)
        return product

    def _generators(self) -> NDArray:
        """The generator of each system wire's upload, ``(n_system, d_s, d_s)``."""
        name, _ = ENCODING_GATE[self.config.rotation]
        n = self.config.n_system
        return np.array(
            [
                np.kron(
                    np.kron(np.eye(2**w), GENERATORS[name]), np.eye(2 ** (n - 1 - w))
                )
                for w in range(n)
            ]
        )

    def _by_system(self, state: NDArray) -> NDArray:
        """``(states, 2**n_ancilla, 2**n_system, 2**n_ancilla)``."""
        _, system, ancilla = self.shape
        return state.reshape(-1, ancilla, system, ancilla)

    def _as_kraus(self, state: NDArray) -> NDArray:
        """Column j of K is where the memory's basis state j went."""
        kraus = np.moveaxis(state, 1, 2)
        return kraus.reshape(*self.uploads.shape[:2], *kraus.shape[1:])
