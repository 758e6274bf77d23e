"""A step on states, without Kraus operators: by its gates, or by its matrix.

``psi_out = U_dis U_en (u (x) h)``, for memories that are state vectors. Many wires have
gates applied, as the matrix would be large; many sequences a matrix, as it is smaller
than Kraus operators for each of them. Derivations: docs/gradients.md, sections 2 to 4.

Input and memory enter the circuit's basis one by one: a product stays a product.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qlstm.circuit import Pair, step_circuit
from qlstm.params import QLSTMConfig

ROWS_TOGETHER = 256
"""Sequences times steps whose gradients are taken together: few calls for few
sequences, and what stays in the cache for many."""


class Gates:
    """The circuit of a step, applied to states."""

    together = 1
    """Steps whose gradients are taken together, behind the last of them."""

    def __init__(self, values: NDArray, angles: NDArray, config: QLSTMConfig) -> None:
        """Build the circuit, and let all inputs enter.

        Args:
            values: Amplitudes u, ``(n_steps, n_models, batch, d_s)``.
            angles: What `circuit_angles` returned.
            config: The configuration.
        """
        self.circuit = step_circuit(angles, config)
        by_model = values.swapaxes(0, 1)
        rows = by_model.reshape(len(angles), -1, config.system_dim)
        entered = self.circuit.enter(rows).reshape(by_model.shape)
        self.values = np.ascontiguousarray(entered.swapaxes(0, 1))

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
    ) -> tuple[NDArray, Pair]:
        """``grad_h = sum_k u_k v_k``, ``grad_u_k = Re <h, v_k>``, v behind the gates.

        Args:
            t: The number of the step.
            memory: The memory that entered.
            branches: What `step` returned.
            grad: The gradient of that.

        Returns:
            The gradient of the memory, and what `steps_gradient` takes of it.
        """
        u, h = self.values[t], self.circuit.enter(memory)
        psi = u[..., :, None] * h[..., None, :]
        v, grad_angles = self.circuit.pull(_rows(psi), _rows(branches), _rows(grad))
        v = v.reshape(psi.shape)
        grad_h = self.circuit.leave((u[..., None, :] @ v)[..., 0, :])
        grad_u = self.circuit.leave(np.vecdot(h[..., None, :], v))
        return grad_h, (grad_u.real, grad_angles)

    def steps_gradient(
        self, first: int, left: Sequence[Pair], memories: Sequence[NDArray]
    ) -> Pair:
        """Gradients of the amplitudes, and of what the circuit is made of, in sum.

        Args:
            first: The number of the first of `together` or fewer steps.
            left: What `step_backward` left of each, in their order.
            memories: The memories that entered.
        """
        grad_u, grad_angles = zip(*left, strict=True)
        return np.array(grad_u), sum(grad_angles)

    def grad_angles(self, grad_own: NDArray) -> NDArray[np.float64]:
        """The angles' gradient, from the sum of what all steps gave."""
        return grad_own


class Matrix(Gates):
    """The circuit's matrix, built once and applied to states."""

    def __init__(self, values: NDArray, angles: NDArray, config: QLSTMConfig) -> None:
        """Build the circuit and its matrix; as for `Gates`."""
        self.circuit, self.values = step_circuit(angles, config), values
        self.transpose = self.circuit.forward(np.eye(2**config.n_wires)[None])
        self.conj = self.transpose.conj().mT
        self.columns, self.rows = values[..., None], values[..., None, :]
        self.spread = _spread(config.system_dim, config.ancilla_dim)
        self.together = max(1, ROWS_TOGETHER // values.shape[2])

    def step(self, t: int, memory: NDArray) -> NDArray:
        """``psi_out = psi_in W^T``."""
        psi = self.columns[t] * memory[..., None, :]
        shape = psi.shape
        return (psi.reshape(*shape[:2], -1) @ self.transpose).reshape(shape)

    def step_backward(
        self, t: int, memory: NDArray, branches: NDArray, grad: NDArray
    ) -> tuple[NDArray | None, Pair]:
        """The same with ``v = grad W^*``; nobody asks for that of the first memory."""
        v = (_rows(grad) @ self.conj).reshape(grad.shape)
        return (self.rows[t] @ v)[..., 0, :] if t else None, (grad, v)

    def steps_gradient(
        self, first: int, left: Sequence[Pair], memories: Sequence[NDArray]
    ) -> Pair:
        """The same, with the gradient of ``W^T``, ``sum psi_in^dag grad``."""
        # (n_models, steps and sequences, ...), registers spread by products
        h, u = np.array(memories), self.values[first : first + len(left)]
        grad, v = (np.array(arrays) for arrays in zip(*left, strict=True))
        shape = u.shape
        h, u, grad, v = (
            a.swapaxes(0, 1).reshape(shape[1], shape[0] * shape[2], -1)
            for a in (h.conj(), u, grad, v)
        )
        of_system, of_ancilla = self.spread
        h = h @ of_ancilla
        psi = (u @ of_system) * h
        grad_u = ((h * v).real @ of_system.T).reshape(shape[1], shape[0], *shape[2:])
        return grad_u.swapaxes(0, 1), psi.mT @ grad

    def grad_angles(self, grad_own: NDArray) -> NDArray[np.float64]:
        """It goes back through the gates once."""
        return self.circuit.forward_backward(self.transpose, grad_own)[1]


def _rows(psi: NDArray) -> NDArray:
    """States of both registers as rows, ``(n_models, batch, dim)``."""
    return psi.reshape(*psi.shape[:2], -1)


@cache
def _spread(d_s: int, d_a: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What spreads a register's vectors over the joint states (i, j): 1 where i is i.

    A product with these is faster than loops over a register's few amplitudes.
    """
    return np.repeat(np.eye(d_s), d_a, axis=1), np.tile(np.eye(d_a), d_s)
