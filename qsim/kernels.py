"""How layers act on rows ``(rows, 2**n_wires)``, and how they are undone.

The ring of CNOTs is one gather. The rotations of a layer are

- phases, for RX and RZ: RZ is diagonal, and so is RX in the X basis, where a CNOT is
  again a CNOT with its wires exchanged. So the rows change basis once before the first
  layer and once behind the last, and a layer is one product with phases, one gather;
- matrices, for RY: four neighbouring wires at a time, as one 16 x 16 matrix.

The backward pass carries (state, gradient) back together by undoing each layer: nothing
is stored. Derivations: docs/gradients.md, section 2.
"""

from abc import ABC, abstractmethod
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from qsim.gates import GENERATORS, HADAMARD, ROTATIONS

BLOCK_WIRES = 4
"""Wires that are multiplied as one matrix; four was the fastest measured."""


class Kernel(ABC):
    """The layers of one circuit, for all its angles ``(n_layers, n_wires)``.

    Rows are worked on between `enter` and `leave`, a change of basis.
    """

    def __init__(self, angles: NDArray) -> None:
        """Keep the sizes."""
        self.n_layers, self.n_wires = angles.shape

    def forward(self, rows: NDArray) -> NDArray:
        """Apply all layers."""
        rows = self.enter(rows)
        for layer in range(self.n_layers):
            rows = self.step(rows, layer)
        return self.leave(rows)

    def adjoint(self, rows: NDArray) -> NDArray:
        """Undo all layers."""
        rows = self.enter(rows)
        for layer in reversed(range(self.n_layers)):
            rows = self.unstep(rows, layer)
        return self.leave(rows)

    def forward_backward(
        self, state: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Backward pass of `forward`: the pair that went in, the angles' gradient.

        The pair is still in the kernel's basis: `leave` it if it is needed.
        """
        pair = self.enter(np.stack([state, grad]))
        overlaps = []
        for layer in reversed(range(self.n_layers)):
            pair = self.unstep(pair, layer)
            overlaps.append(self.overlap(pair))
        return pair, self.grad_angles(overlaps[::-1])

    def adjoint_backward(
        self, state: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Backward pass of `adjoint`, whose gates turn the other way."""
        pair = self.enter(np.stack([state, grad]))
        overlaps = []
        for layer in range(self.n_layers):
            overlaps.append(self.overlap(pair))
            pair = self.step(pair, layer)
        return pair, -self.grad_angles(overlaps)

    def enter(self, rows: NDArray) -> NDArray:
        """Into the basis the kernel works in."""
        return rows

    def leave(self, rows: NDArray) -> NDArray:
        """Back into the standard basis."""
        return rows

    @abstractmethod
    def step(self, rows: NDArray, layer: int) -> NDArray:
        """One layer: rotations, then the ring."""

    @abstractmethod
    def unstep(self, rows: NDArray, layer: int) -> NDArray:
        """One layer undone."""

    @abstractmethod
    def overlap(self, pair: NDArray) -> object:
        """What `grad_angles` needs of (state, gradient) beside a layer's rotations."""

    @abstractmethod
    def grad_angles(self, overlaps: list) -> NDArray[np.float64]:
        """``Re <grad| g |state>`` for every layer and wire."""


def layer_kernel(angles: NDArray, rotation: str) -> Kernel:
    """The kernel for a rotation."""
    return _Matrices(angles) if rotation == "RY" else _Phases(angles, rotation)


class _Phases(Kernel):
    """Layers whose rotations are diagonal, in the X basis (RX) or as they are (RZ)."""

    def __init__(self, angles: NDArray, rotation: str) -> None:
        """Multiply out the phases of the upper and of the lower half of the wires."""
        super().__init__(angles)
        self.in_x_basis = rotation == "RX"
        self.ring = ring_gather(self.n_wires, self.in_x_basis)
        self.unring = ring_scatter(self.n_wires, self.in_x_basis)
        phases = np.exp(np.multiply.outer(angles, [-0.5j, 0.5j]))  # (layers, wires, 2)
        split = self.n_wires // 2
        self.upper = _kron_vectors(phases[:, :split])
        self.lower = _kron_vectors(phases[:, split:])

    def enter(self, rows: NDArray) -> NDArray:
        """A copy in the kernel's basis, and a second array for the layers to use.

        Between here and `leave`, layers go to and fro between these two: on many wires
        fresh memory costs more than the arithmetic.
        """
        rows = self.leave(rows.astype(np.complex128, order="C"))
        self.spare = np.empty_like(rows)
        return rows

    def leave(self, rows: NDArray) -> NDArray:
        """A Hadamard gate on every wire, for RX; its own inverse."""
        if self.in_x_basis:
            for first in range(0, self.n_wires, BLOCK_WIRES):
                k = min(BLOCK_WIRES, self.n_wires - first)
                rows = _apply_block(rows, _hadamards(k), first)
        return rows

    def step(self, rows: NDArray, layer: int) -> NDArray:
        """A product with phases, and a gather."""
        rows *= self._phase(layer)
        return self._gather(rows, self.ring)

    def unstep(self, rows: NDArray, layer: int) -> NDArray:
        """A gather, and a product with the conjugate phases."""
        rows = self._gather(rows, self.unring)
        rows *= self._phase(layer).conj()
        return rows

    def _gather(self, rows: NDArray, index: NDArray) -> NDArray:
        """The rows' columns in another order, in the spare array; the two change roles."""
        out = rows.take(index, axis=-1, out=self.spare, mode="clip")
        self.spare = rows
        return out

    def overlap(self, pair: NDArray) -> NDArray[np.float64]:
        """``Im(conj(grad_k) state_k)`` summed over rows, ``(2**n_wires,)``."""
        return np.vecdot(pair[1], pair[0], axis=0).imag

    def grad_angles(self, overlaps: list[NDArray]) -> NDArray[np.float64]:
        """``sum_k z_wk overlap_k / 2``, the two halves of the wires apart."""
        stacked = np.array(overlaps).reshape(self.n_layers, self.upper.shape[1], -1) / 2
        upper, lower = stacked.sum(axis=2), stacked.sum(axis=1)
        n_upper = self.n_wires // 2
        return np.concatenate(
            [upper @ _signs(n_upper), lower @ _signs(self.n_wires - n_upper)], axis=1
        )

    def _phase(self, layer: int) -> NDArray:
        """All phases of a layer, ``(2**n_wires,)``."""
        return np.multiply.outer(self.upper[layer], self.lower[layer]).ravel()


class _Matrices(Kernel):
    """Layers of RY: real matrices on up to four wires at a time."""

    def __init__(self, angles: NDArray) -> None:
        """Multiply out each block of wires, for all layers at once."""
        super().__init__(angles)
        self.ring = ring_gather(self.n_wires, False)
        self.unring = ring_scatter(self.n_wires, False)
        gates = ROTATIONS["RY"](angles)  # (n_layers, n_wires, 2, 2)
        self.blocks = [
            (first, _kron_matrices(gates[:, first : first + BLOCK_WIRES]))
            for first in range(0, self.n_wires, BLOCK_WIRES)
        ]

    def step(self, rows: NDArray, layer: int) -> NDArray:
        """A product for each block, and a gather."""
        for wire, block in self.blocks:
            rows = _apply_block(rows, block[layer], wire)
        return rows.take(self.ring, axis=-1)

    def unstep(self, rows: NDArray, layer: int) -> NDArray:
        """A gather, and a product with each block's transpose."""
        rows = rows.take(self.unring, axis=-1)
        for wire, block in self.blocks:
            rows = _apply_block(rows, block[layer].T, wire)
        return rows

    def overlap(self, pair: NDArray) -> list[NDArray]:
        """``Re sum conj(grad_a) state_b`` over all but a block's index, each block."""
        return [
            _block_overlap(pair, block.shape[-1], wire) for wire, block in self.blocks
        ]

    def grad_angles(self, overlaps: list[list[NDArray]]) -> NDArray[np.float64]:
        """``sum_ab overlap_ab g_ab`` with the generator of each wire."""
        columns = [
            np.array(block).reshape(self.n_layers, -1)
            @ _block_generators(block[0].shape[-1]).T
            for block in zip(*overlaps, strict=True)
        ]
        return np.concatenate(columns, axis=1)


def _kron_vectors(vectors: NDArray) -> NDArray:
    """Kronecker product over axis 1, by halves: ``(n, k, 2) -> (n, 2**k)``."""
    n, k, _ = vectors.shape
    if k <= 1:
        return vectors[:, 0] if k else np.ones((n, 1))
    upper, lower = (
        _kron_vectors(vectors[:, : k // 2]),
        _kron_vectors(vectors[:, k // 2 :]),
    )
    return (upper[:, :, None] * lower[:, None, :]).reshape(n, 2**k)


def _kron_matrices(gates: NDArray) -> NDArray:
    """Kronecker product over axis 1, by halves: ``(n, k, 2, 2) -> (n, 2**k, 2**k)``."""
    n, k = gates.shape[:2]
    if k == 1:
        return gates[:, 0]
    upper, lower = (
        _kron_matrices(gates[:, : k // 2]),
        _kron_matrices(gates[:, k // 2 :]),
    )
    product = upper[:, :, None, :, None] * lower[:, None, :, None, :]
    return product.reshape(n, 2**k, 2**k)


def _apply_block(rows: NDArray, block: NDArray, wire: int) -> NDArray:
    """Multiply the wires from `wire` on, as many as the block has, by the block."""
    d = len(block)
    after = rows.shape[-1] // (2**wire * d)
    if after == 1:
        return (rows.reshape(-1, d) @ block.T).reshape(rows.shape)
    if rows.dtype == np.complex128 and block.dtype == np.float64:
        # a real block acts on real and imaginary parts alike: half the work
        parts = np.ascontiguousarray(rows).view(np.float64).reshape(-1, d, 2 * after)
        parts = block @ parts
        return parts.view(np.complex128).reshape(rows.shape)
    return (block @ rows.reshape(-1, d, after)).reshape(rows.shape)


def _block_overlap(pair: NDArray, d: int, wire: int) -> NDArray:
    """``Re sum conj(grad_a) state_b`` over all but the block's index: ``(d, d)``."""
    after = pair.shape[-1] // (2**wire * d)
    state, grad = pair.reshape(2, -1, d, after)
    if after == 1:
        return (grad[:, :, 0].conj().T @ state[:, :, 0]).real
    return (grad.conj() @ state.swapaxes(1, 2)).real.sum(axis=0)


@cache
def _block_generators(d: int) -> NDArray[np.float64]:
    """The generator of RY on each wire of a block, as a row: ``(k, d * d)``."""
    k = d.bit_length() - 1
    rows = [
        np.kron(np.kron(np.eye(2**w), GENERATORS["RY"]), np.eye(2 ** (k - 1 - w)))
        for w in range(k)
    ]
    return np.stack(rows).reshape(k, -1)


@cache
def _hadamards(k: int) -> NDArray[np.float64]:
    """A Hadamard gate on each of k wires, ``(2**k, 2**k)``."""
    return HADAMARD if k == 1 else np.kron(HADAMARD, _hadamards(k - 1))


@cache
def _signs(k: int) -> NDArray[np.float64]:
    """Eigenvalues of Z on each of k wires for each basis state, ``(2**k, k)``."""
    bits = np.arange(2**k)[:, None] >> np.arange(k)[::-1] & 1
    return 1.0 - 2.0 * bits


@lru_cache(maxsize=32)
def ring_gather(n_wires: int, in_x_basis: bool) -> NDArray[np.intp]:
    """Indices with which the ring of CNOTs is one gather: ``new[k] = old[index[k]]``.

    In the X basis control and target change places.
    """
    index = np.arange(2**n_wires)
    n_cnots = n_wires if n_wires > 2 else n_wires - 1
    for first in reversed(range(n_cnots)):
        control, target = first, (first + 1) % n_wires
        if in_x_basis:
            control, target = target, control
        control_bit = (index >> (n_wires - 1 - control)) & 1
        index = index ^ (control_bit << (n_wires - 1 - target))
    index.flags.writeable = False
    return index


@lru_cache(maxsize=32)
def ring_scatter(n_wires: int, in_x_basis: bool) -> NDArray[np.intp]:
    """The inverse permutation of `ring_gather`."""
    index = np.argsort(ring_gather(n_wires, in_x_basis))
    index.flags.writeable = False
    return index
