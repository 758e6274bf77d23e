"""How layers act on rows, and how they are undone, for many models at once.

Rows are ``(n_models, n_rows, 2**n_wires)``: each model has angles of its own, and a
single model is one of one. Rows that all models share may have a leading axis of 1.

The ring of CNOTs is one gather. The rotations of a layer are

- phases, for RX and RZ: RZ is diagonal, and so is RX in the X basis, where a CNOT is
  again a CNOT with its wires exchanged. So the rows change basis once before the first
  layer and once behind the last, and a layer is one product with phases, one gather;
- matrices, for RY: four neighbouring wires at a time, as one 16 x 16 matrix.

The backward pass carries (state, gradient) back together by undoing each layer: nothing
is stored. Derivations: docs/gradients.md, section 2. Nothing is checked here.
"""

from abc import ABC, abstractmethod
from functools import cache, lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from qsim.gates import GENERATORS, HADAMARD, on_each_wire, ring_wires

BLOCK_WIRES = 4
"""Wires that are multiplied as one matrix; four was the fastest measured."""

TABLE_WIRES = 10
"""Up to so many wires, the phases of all layers are multiplied out beforehand."""

Buffers = tuple[NDArray, NDArray | None]
"""Rows, and an array of their shape whose content is worth nothing."""


def circuit_matrices(angles: NDArray, rotation: str) -> NDArray:
    """The circuit's matrix of every model: the layers on every basis state.

    Args:
        angles: ``(n_models, n_layers, n_wires)``.
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        Unitaries ``(n_models, 2**n_wires, 2**n_wires)``; column k is the image of
        basis state k.
    """
    return layer_kernel(angles, rotation).forward(np.eye(2 ** angles.shape[2])[None]).mT


def layer_kernel(angles: NDArray, rotation: str) -> "Kernel":
    """The kernel for angles ``(n_models, n_layers, n_wires)`` of a rotation."""
    return _Matrices(angles) if rotation == "RY" else _Phases(angles, rotation)


class Kernel(ABC):
    """The layers of one circuit; it holds what the angles determine, and nothing else.

    Rows are worked on between `enter` and `leave`, a change of basis.
    """

    def __init__(self, angles: NDArray) -> None:
        """Keep the sizes."""
        self.n_models, self.n_layers, self.n_wires = angles.shape

    def forward(self, rows: NDArray) -> NDArray:
        """Apply all layers to rows ``(n_models or 1, n_rows, 2**n_wires)``."""
        rows, spare = self.enter(rows)
        for layer in range(self.n_layers):
            rows, spare = self.step(rows, spare, layer)
        return self.leave(rows)

    def adjoint(self, rows: NDArray) -> NDArray:
        """Undo all layers."""
        rows, spare = self.enter(rows)
        for layer in reversed(range(self.n_layers)):
            rows, spare = self.unstep(rows, spare, layer)
        return self.leave(rows)

    def forward_backward(
        self, state: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Backward pass of `forward`, from its rows and the gradient of them.

        Returns:
            The pair that went in, ``(n_models, 2 * n_rows, 2**n_wires)``, the state's
            rows and then the gradient's, still in the kernel's basis: `leave` it if it
            is needed. The angles' gradient ``(n_models, n_layers, n_wires)``, summed
            over rows.
        """
        pair, spare = self.enter(np.concatenate([state, grad], axis=1))
        overlaps = []
        for layer in reversed(range(self.n_layers)):
            pair, spare = self.unstep(pair, spare, layer)
            overlaps.append(self.overlap(pair))
        return pair, self.grad_angles(overlaps[::-1])

    def adjoint_backward(
        self, state: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Backward pass of `adjoint`, whose gates turn the other way."""
        pair, spare = self.enter(np.concatenate([state, grad], axis=1))
        overlaps = []
        for layer in range(self.n_layers):
            overlaps.append(self.overlap(pair))
            pair, spare = self.step(pair, spare, layer)
        return pair, -self.grad_angles(overlaps)

    def enter(self, rows: NDArray) -> Buffers:
        """Rows in the basis the kernel works in, and memory that a layer may use."""
        return rows, None

    def leave(self, rows: NDArray) -> NDArray:
        """Back into the standard basis."""
        return rows

    @abstractmethod
    def step(self, rows: NDArray, spare: NDArray | None, layer: int) -> Buffers:
        """One layer: rotations, then the ring."""

    @abstractmethod
    def unstep(self, rows: NDArray, spare: NDArray | None, layer: int) -> Buffers:
        """One layer undone."""

    @abstractmethod
    def overlap(self, pair: NDArray) -> object:
        """What `grad_angles` needs of (state, gradient) beside a layer's rotations."""

    @abstractmethod
    def grad_angles(self, overlaps: list) -> NDArray[np.float64]:
        """``Re <grad| g |state>`` for every model, layer and wire."""


class _Phases(Kernel):
    """Layers whose rotations are diagonal, in the X basis (RX) or as they are (RZ)."""

    def __init__(self, angles: NDArray, rotation: str) -> None:
        """Multiply out the phases, on many wires those of each half of the wires."""
        super().__init__(angles)
        self.in_x_basis = rotation == "RX"
        self.ring, self.unring = _ring(self.n_wires, self.in_x_basis)
        generator = GENERATORS["RZ"].diagonal()
        phases = np.exp(np.multiply.outer(angles, generator))  # (..., n_wires, 2)
        if self.n_wires <= TABLE_WIRES:
            self.table = _kron(phases)
        else:
            split = self.n_wires // 2
            self.halves = _kron(phases[:, :, :split]), _kron(phases[:, :, split:])

    def enter(self, rows: NDArray) -> Buffers:
        """A copy in the kernel's basis, and a second array for the layers to use.

        Layers go to and fro between these two: on many wires fresh memory costs more
        than the arithmetic.
        """
        # RX makes an array of its own
        rows = rows.astype(np.complex128, order="C", copy=not self.in_x_basis)
        rows = self.leave(rows)
        if len(rows) != self.n_models:
            rows = np.repeat(rows, self.n_models, axis=0)
        return rows, np.empty_like(rows)

    def leave(self, rows: NDArray) -> NDArray:
        """A Hadamard gate on every wire, for RX; its own inverse."""
        if self.in_x_basis:
            for wire, block in _hadamards(self.n_wires):
                rows = _apply_block(rows, block, wire)
        return rows

    def step(self, rows: NDArray, spare: NDArray, layer: int) -> Buffers:
        """A product with phases, and a gather; the two arrays change roles."""
        np.multiply(rows, self.phases(layer), out=rows)
        return rows.take(self.ring, axis=2, out=spare, mode="clip"), rows

    def unstep(self, rows: NDArray, spare: NDArray, layer: int) -> Buffers:
        """A gather, and a product with the conjugate phases."""
        rows.take(self.unring, axis=2, out=spare, mode="clip")
        return np.multiply(spare, self.phases(layer).conj(), out=spare), rows

    def overlap(self, pair: NDArray) -> NDArray[np.float64]:
        """``Im(conj(grad_k) state_k)`` summed over rows, ``(n_models, 2**n_wires)``."""
        half = pair.shape[1] // 2
        return np.vecdot(pair[:, half:], pair[:, :half], axis=1).imag

    def grad_angles(self, overlaps: list[NDArray]) -> NDArray[np.float64]:
        """``sum_k z_wk overlap_k / 2``, the two halves of the wires apart."""
        n_upper = self.n_wires // 2
        halves = np.array(overlaps) / 2  # (n_layers, n_models, 2**n_wires)
        halves = halves.reshape(*halves.shape[:2], 2**n_upper, -1)
        upper, lower = (np.add.reduce(halves, axis).swapaxes(0, 1) for axis in (3, 2))
        signs = _signs(n_upper), _signs(self.n_wires - n_upper)
        return np.concatenate([upper @ signs[0], lower @ signs[1]], axis=2)

    def phases(self, layer: int) -> NDArray:
        """All phases of a layer, ``(n_models, 1, 2**n_wires)``."""
        if self.n_wires <= TABLE_WIRES:
            return self.table[:, layer, None]
        upper, lower = (half[:, layer] for half in self.halves)
        return (upper[:, :, None] * lower[:, None]).reshape(self.n_models, 1, -1)


class _Matrices(Kernel):
    """Layers of RY: real matrices on up to four wires at a time."""

    def __init__(self, angles: NDArray) -> None:
        """Multiply out each block of wires, for all layers at once."""
        super().__init__(angles)
        self.ring, self.unring = _ring(self.n_wires, False)
        half = angles / 2
        entries = np.stack([np.cos(half), np.sin(half)], axis=-1)
        self.blocks = [
            (first, _turns(entries[:, :, first : first + BLOCK_WIRES]))
            for first in range(0, self.n_wires, BLOCK_WIRES)
        ]

    def step(self, rows: NDArray, spare: None, layer: int) -> Buffers:
        """A product for each block, and a gather."""
        for wire, blocks in self.blocks:
            rows = _apply_block(rows, blocks[:, layer], wire)
        return rows.take(self.ring, axis=2), None

    def unstep(self, rows: NDArray, spare: None, layer: int) -> Buffers:
        """A gather, and a product with each block's transpose."""
        rows = rows.take(self.unring, axis=2)
        for wire, blocks in self.blocks:
            rows = _apply_block(rows, blocks[:, layer].mT, wire)
        return rows, None

    def overlap(self, pair: NDArray) -> list[NDArray]:
        """``Re sum conj(grad_a) state_b`` over all but a block's index, each block."""
        return [
            _block_overlap(pair, blocks.shape[-1], wire) for wire, blocks in self.blocks
        ]

    def grad_angles(self, overlaps: list[list[NDArray]]) -> NDArray[np.float64]:
        """``sum_ab overlap_ab g_ab`` with the generator of each wire."""
        columns = []
        for block in zip(*overlaps, strict=True):
            d = block[0].shape[-1]
            stacked = np.array(block).reshape(self.n_layers, self.n_models, d * d)
            columns.append(stacked.swapaxes(0, 1) @ _block_generators(d).T)
        return np.concatenate(columns, axis=2)


def _kron(factors: NDArray) -> NDArray:
    """Kronecker product of k vectors, by halves: ``(..., k, d) -> (..., d**k)``."""
    *lead, k, d = factors.shape
    if k == 1:
        return factors[..., 0, :]
    if k % 2 == 0:  # both halves in one go
        halves = _kron(factors.reshape(*lead, 2, k // 2, d))
        upper, lower = halves[..., 0, :, None], halves[..., 1, None, :]
    else:
        upper = _kron(factors[..., : k // 2, :])[..., :, None]
        lower = _kron(factors[..., k // 2 :, :])[..., None, :]
    return (upper * lower).reshape(*lead, d**k)


def _turns(entries: NDArray) -> NDArray:
    """RY on each of k wires, ``(n_models, n_layers, k, 2) -> (..., 2**k, 2**k)``.

    ``RY = [[c, -s], [s, c]]``: entry (a, b) is c or s by the bit of a xor b, and its
    sign is -1 where a is 0 and b is 1. So the product over wires is a gather.
    """
    index, sign = _turn_entries(entries.shape[2])
    return _kron(entries).take(index, axis=2) * sign


@cache
def _turn_entries(k: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Where in ``(c, s) (x) (c, s) ...`` an entry of RY on k wires is, and its sign."""
    a, b = np.ogrid[: 2**k, : 2**k]
    return a ^ b, 1.0 - 2.0 * (np.bitwise_count(~a & b) % 2)


def _apply_block(rows: NDArray, blocks: NDArray, wire: int) -> NDArray:
    """Multiply the wires from `wire` on, as many as a block has, by the block.

    Rows ``(n_models, n_rows, 2**n_wires)``, blocks ``(n_models, d, d)``; either may
    have one model.
    """
    n_models, n_rows, dim = rows.shape
    d = blocks.shape[2]
    if d == dim:
        return rows @ blocks.mT
    after = dim // (2**wire * d)
    if after == 1:
        out = rows.reshape(n_models, -1, d) @ blocks.mT
    elif rows.dtype == np.complex128 and blocks.dtype == np.float64:
        # a real block acts on real and imaginary parts alike: half the work
        parts = np.ascontiguousarray(rows).view(np.float64)
        parts = blocks[:, None] @ parts.reshape(n_models, -1, d, 2 * after)
        out = parts.view(np.complex128)
    else:
        out = blocks[:, None] @ rows.reshape(n_models, -1, d, after)
    return out.reshape(-1, n_rows, dim)


def _block_overlap(pair: NDArray, d: int, wire: int) -> NDArray:
    """``Re sum conj(grad_a) state_b`` over all but the block's index: ``(m, d, d)``."""
    n_models, _, dim = pair.shape
    after = dim // (2**wire * d)
    pair = pair.reshape(n_models, 2, -1, d, after)
    state, grad = pair[:, 0], pair[:, 1]
    if after == 1:
        return (grad[..., 0].conj().mT @ state[..., 0]).real
    return (grad.conj() @ state.mT).real.sum(axis=1)


@cache
def _block_generators(d: int) -> NDArray[np.float64]:
    """The generator of RY on each wire of a block, as a row: ``(k, d * d)``."""
    return on_each_wire(GENERATORS["RY"], d.bit_length() - 1).reshape(-1, d * d)


@cache
def _hadamards(n_wires: int) -> list[tuple[int, NDArray[np.float64]]]:
    """A Hadamard gate on each wire, as blocks ``(1, d, d)`` and their first wires."""
    sizes = [min(BLOCK_WIRES, n_wires - w) for w in range(0, n_wires, BLOCK_WIRES)]
    blocks = [reduce(np.kron, [HADAMARD] * k)[None] for k in sizes]
    return [(BLOCK_WIRES * i, block) for i, block in enumerate(blocks)]


@cache
def _signs(k: int) -> NDArray[np.float64]:
    """Eigenvalues of Z on each of k wires for each basis state, ``(2**k, k)``."""
    bits = np.arange(2**k)[:, None] >> np.arange(k)[::-1] & 1
    return 1.0 - 2.0 * bits


@lru_cache(maxsize=32)
def _ring(n_wires: int, in_x_basis: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices with which the ring of CNOTs is one gather, and the inverse permutation.

    ``new[k] = old[index[k]]``. In the X basis control and target change places.
    """
    index = np.arange(2**n_wires)
    for control, target in reversed(ring_wires(n_wires)):
        if in_x_basis:
            control, target = target, control
        control_bit = (index >> (n_wires - 1 - control)) & 1
        index = index ^ (control_bit << (n_wires - 1 - target))
    return index, np.argsort(index)
