"""The circuit of a step, ``U_dis U_en``, whatever the disentangler and the cut.

A circuit acts on rows ``(n_models, n_rows, 2**n_wires)`` as the kernels of
`qsim.kernels` do: `forward` applies it, `forward_backward` undoes it with the gradient
beside, and `leave` takes the pair that comes out of that back to the standard basis.
`push` and `pull` are the same for rows that are already in the circuit's basis.
The paper's circuit is one kernel; the others are made of kernels.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qlstm.params import QLSTMConfig
from qsim.kernels import Kernel, layer_kernel

Pair = tuple[NDArray, NDArray[np.float64]]
"""The pair (state, gradient) that went in, and the gradient of the angles."""


class Circuit(Protocol):
    """What a step needs of a circuit."""

    def forward(self, rows: NDArray) -> NDArray:
        """Apply it."""

    def forward_backward(self, state: NDArray, grad: NDArray) -> Pair:
        """Undo it, with the gradient beside."""

    def leave(self, pair: NDArray) -> NDArray:
        """The pair in the standard basis."""

    def enter(self, rows: NDArray) -> NDArray:
        """Rows of some or all wires in the basis that `leave` leaves."""
        return rows

    def push(self, rows: NDArray) -> NDArray:
        """`forward` of rows that have entered."""
        return self.forward(self.leave(rows))

    def pull(self, before: NDArray, behind: NDArray, grad: NDArray) -> Pair:
        """Gradients of the rows that were pushed, in their basis, and of the angles."""
        pair, grad_angles = self.forward_backward(behind, grad)
        return pair[:, grad.shape[1] :], grad_angles


class Registers(Circuit):
    """A circuit for each register, so that no gate crosses the cut: ``A (x) B``."""

    def __init__(self, angles: NDArray, config: QLSTMConfig) -> None:
        """Divide the wires' angles, ``(n_models, n_layers, n_wires)``."""
        n, rotation = config.n_system, config.rotation
        self.dims = config.system_dim, config.ancilla_dim
        self.system = layer_kernel(angles[..., :n], rotation)
        self.ancilla = layer_kernel(angles[..., n:], rotation)

    def forward(self, rows: NDArray) -> NDArray:
        """Apply both."""
        rows = self._by_ancilla(self.ancilla.forward(self._ancilla_last(rows)))
        return self._by_system(self.system.forward(self._system_last(rows)))

    def adjoint(self, rows: NDArray) -> NDArray:
        """Undo both."""
        rows = self._by_ancilla(self.ancilla.adjoint(self._ancilla_last(rows)))
        return self._by_system(self.system.adjoint(self._system_last(rows)))

    def forward_backward(self, state: NDArray, grad: NDArray) -> Pair:
        """Backward pass of `forward`; the pair is in the standard basis."""
        return self._backward(state, grad, "forward_backward")

    def adjoint_backward(self, state: NDArray, grad: NDArray) -> Pair:
        """Backward pass of `adjoint`."""
        return self._backward(state, grad, "adjoint_backward")

    def leave(self, pair: NDArray) -> NDArray:
        """It is in the standard basis already."""
        return pair

    def _backward(self, state: NDArray, grad: NDArray, name: str) -> Pair:
        """One register after the other; gates of different registers commute."""
        system, ancilla = getattr(self.system, name), getattr(self.ancilla, name)
        pair, grad_a = ancilla(self._ancilla_last(state), self._ancilla_last(grad))
        state, grad = np.split(self._by_ancilla(self.ancilla.leave(pair)), 2, axis=1)
        pair, grad_s = system(self._system_last(state), self._system_last(grad))
        pair = self._by_system(self.system.leave(pair))
        return pair, np.concatenate([grad_s, grad_a], axis=2)

    def _ancilla_last(self, rows: NDArray) -> NDArray:
        """Rows of the ancilla's states."""
        return rows.reshape(len(rows), -1, self.dims[1])

    def _by_ancilla(self, rows: NDArray) -> NDArray:
        """Undo `_ancilla_last`."""
        return rows.reshape(len(rows), -1, self.dims[0] * self.dims[1])

    def _system_last(self, rows: NDArray) -> NDArray:
        """Rows of the system's states; a row of the joint state becomes d_a of them."""
        by_register = rows.reshape(len(rows), -1, *self.dims).swapaxes(2, 3)
        return by_register.reshape(len(rows), -1, self.dims[0])

    def _by_system(self, rows: NDArray) -> NDArray:
        """Undo `_system_last`."""
        d_s, d_a = self.dims
        return (
            rows.reshape(len(rows), -1, d_a, d_s)
            .swapaxes(2, 3)
            .reshape(len(rows), -1, d_s * d_a)
        )


class Undone:
    """A circuit turned around: ``U^dag``."""

    def __init__(self, circuit: Kernel | Registers) -> None:
        """Keep the circuit that is undone."""
        self.forward, self.forward_backward = circuit.adjoint, circuit.adjoint_backward
        self.leave = circuit.leave


class Chain(Circuit):
    """One circuit after another: ``second first``."""

    def __init__(self, first: Circuit, second: Circuit) -> None:
        """Keep both."""
        self.first, self.second = first, second

    def forward(self, rows: NDArray) -> NDArray:
        """Apply the first, then the second."""
        return self.second.forward(self.first.forward(rows))

    def forward_backward(self, state: NDArray, grad: NDArray) -> Pair:
        """Undo the second, then the first."""
        pair, grad_second = self.second.forward_backward(state, grad)
        state, grad = np.split(self.second.leave(pair), 2, axis=1)
        pair, grad_first = self.first.forward_backward(state, grad)
        return pair, np.concatenate([grad_first, grad_second], axis=1)

    def leave(self, pair: NDArray) -> NDArray:
        """Out of the basis of the first."""
        return self.first.leave(pair)

    def enter(self, rows: NDArray) -> NDArray:
        """Into the basis of the first."""
        return self.first.enter(rows)


def layers(angles: NDArray, config: QLSTMConfig) -> Kernel | Registers:
    """Some layers: one ring over all wires, or one in each register."""
    if config.cut == "separate":
        return Registers(angles, config)
    return layer_kernel(angles, config.rotation)


def stages(angles: NDArray, config: QLSTMConfig) -> tuple[Circuit, Circuit]:
    """The circuits ``U_en`` and ``U_dis``.

    Args:
        angles: What `circuit_angles` returned, ``(n_models, 2 * n_layers, n_wires)``.
        config: The configuration.
    """
    first, second = (layers(part, config) for part in np.split(angles, 2, axis=1))
    return first, Undone(second) if config.disentangler == "inverse" else second


def step_circuit(angles: NDArray, config: QLSTMConfig) -> Circuit:
    """The circuit ``U_dis U_en`` of a step: all layers at once where they are alike."""
    if config.disentangler == "flip":
        return layers(angles, config)
    return Chain(*stages(angles, config))
