"""A step on states, without Kraus operators: by its gates, or by its matrix.

``psi_out = U_dis U_en (u (x) h)``, for memories that are state vectors. Many wires have
gates applied, as the matrix would be large; many sequences a matrix, as it is smaller
than Kraus operators for each of them. Derivations: docs/gradients.md, sections 2 to 4.

Input and memory enter the circuit's basis one by one: a product stays a product.
"""

import numpy as np
from numpy.typing import NDArray

from qlstm.circuit import Circuit, Pair, step_circuit
from qlstm.params import QLSTMConfig


class Gates:
    """The circuit of a step, applied to states."""

    def __init__(self, values: NDArray, angles: NDArray, config: QLSTMConfig) -> None:
        """Build the circuit, and let all inputs enter.

        Args:
            values: Amplitudes u, ``(n_steps, n_models, batch, d_s)``.
            angles: What `circuit_angles` returned.
            config: The configuration.
        """
        self.circuit = self.make(step_circuit(angles, config), config)
        by_model = values.swapaxes(0, 1)
        rows = by_model.reshape(len(angles), -1, config.system_dim)
        entered = self.circuit.enter(rows).reshape(by_model.shape)
        self.values = np.ascontiguousarray(entered.swapaxes(0, 1))

    def make(self, circuit: Circuit, config: QLSTMConfig) -> Circuit:
        """What is applied."""
        return circuit

    def step(self, t: int, memory: NDArray) -> NDArray:
        """The branches ``(n_models, batch, d_s, d_a)`` of a step.

        Args:
            t: The number of the step.
            memory: h, ``(n_models, batch, d_a)``.
        """
        u, h = self.values[t], self.circuit.enter(memory)
        psi = u[..., :, None] * h[..., None, :]
        return self.circuit.push(_rows(psi)).reshape(psi.shape)

    def step_backward(
        self, t: int, memory: NDArray, branches: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """``grad_h = sum_k u_k v_k``, ``grad_u_k = Re <h, v_k>``, v behind the gates.

        Args:
            t: The number of the step.
            memory: The memory that entered.
            branches: What `step` returned.
            grad: The gradient of that.

        Returns:
            Gradients of the memory, of the amplitudes, and of what the circuit is made
            of.
        """
        u, h = self.values[t], self.circuit.enter(memory)
        psi = u[..., :, None] * h[..., None, :]
        v, grad_own = self.circuit.pull(_rows(psi), _rows(branches), _rows(grad))
        v = v.reshape(psi.shape)
        grad_h = self.circuit.leave((u[..., None, :] @ v)[..., 0, :])
        grad_u = self.circuit.leave(np.vecdot(h[..., None, :], v))
        return grad_h, grad_u.real, grad_own

    def grad_angles(self, grad_own: NDArray) -> NDArray[np.float64]:
        """The angles' gradient, from the sum of what the steps gave."""
        return grad_own


class Matrix(Gates):
    """The circuit's matrix, built once and applied to states."""

    def make(self, circuit: Circuit, config: QLSTMConfig) -> Circuit:
        """The matrix, and the circuit that it is of."""
        self.gates = circuit
        return _Product(circuit.forward(np.eye(2**config.n_wires)[None]))

    def grad_angles(self, grad_own: NDArray) -> NDArray[np.float64]:
        """The matrix's gradient goes back through the gates once."""
        return self.gates.forward_backward(self.circuit.transpose, grad_own)[1]


class _Product(Circuit):
    """Rows times a matrix, ``psi_out = psi_in W^T``."""

    def __init__(self, transpose: NDArray) -> None:
        """Keep ``W^T``, ``(n_models, dim, dim)``."""
        self.transpose = transpose

    def push(self, rows: NDArray) -> NDArray:
        """Apply the matrix."""
        return rows @ self.transpose

    def pull(self, before: NDArray, behind: NDArray, grad: NDArray) -> Pair:
        """``grad W^*``, and the gradient of ``W^T``, ``psi_in^dag grad``."""
        return grad @ self.transpose.conj().mT, before.conj().mT @ grad

    def leave(self, rows: NDArray) -> NDArray:
        """It works in the standard basis."""
        return rows


def _rows(psi: NDArray) -> NDArray:
    """States of both registers as rows, ``(n_models, batch, dim)``."""
    return psi.reshape(*psi.shape[:2], -1)
