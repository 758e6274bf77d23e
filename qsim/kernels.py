"""How layers act on rows, and how they are undone, for many models at once.

Rows are ``(n_models, n_rows, 2**n_wires)``: each model has angles of its own, and a
single model is one of one. Rows that all models share may have a leading axis of 1.

The ring of CNOTs is one gather. The rotations are

- phases, for RX and RZ: RZ is diagonal, and so is RX in the X basis, where a CNOT is
  again a CNOT with its wires exchanged. So the rows change basis once before the first
  layer and once behind the last. Between them, all layers together are one product with
  phases and one gather, since a gather only moves the phases of the layers behind it;
- matrices, for RY: four neighbouring wires at a time, as one 16 x 16 matrix, layer by
  layer.

The backward pass carries (state, gradient) back together by undoing the layers: nothing
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
"""Up to so many wires, the exponential of each phase is the faster way to it."""


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
        return self.leave(self.run(self.enter(rows)))

    def adjoint(self, rows: NDArray) -> NDArray:
        """Undo all layers."""
        return self.leave(self.unrun(self.enter(rows)))

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
        return self.unrun_backward(self.enter(np.concatenate([state, grad], axis=1)))

    def adjoint_backward(
        self, state: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Backward pass of `adjoint`, whose gates turn the other way."""
        return self.run_backward(self.enter(np.concatenate([state, grad], axis=1)))

    def push(self, rows: NDArray) -> NDArray:
        """`forward` of rows that have entered."""
        return self.leave(self.run(rows))

    def pull(
        self, before: NDArray, behind: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Backward pass of `push`.

        Args:
            before: The rows that went in, in the kernel's basis.
            behind: What came out.
            grad: Gradient of that.

        Returns:
            The gradient of `before`, in the kernel's basis, and that of the angles.
        """
        pair, grad_angles = self.forward_backward(behind, grad)
        return pair[:, grad.shape[1] :], grad_angles

    def enter(self, rows: NDArray) -> NDArray:
        """Rows in the basis the kernel works in; rows of some of the wires, too."""
        return rows

    def leave(self, rows: NDArray) -> NDArray:
        """Back into the standard basis."""
        return rows

    def zero(self) -> NDArray:
        """``|0...0>`` of every model in the kernel's basis, ``(n_models, 1, ...)``."""
        rows = np.zeros((self.n_models, 1, 2**self.n_wires))
        rows[..., 0] = 1.0
        return rows

    def pauli_z(self, rows: NDArray, wire: int) -> NDArray:
        """Z of a wire in the kernel's basis."""
        by_bit = self._by_bit(rows, wire)
        return (by_bit * [[1.0], [-1.0]]).reshape(rows.shape)

    def _by_bit(self, rows: NDArray, wire: int) -> NDArray:
        """Rows with the wire's bit as the last axis but one."""
        return rows.reshape(-1, 2, 2 ** (self.n_wires - 1 - wire))

    @abstractmethod
    def run(self, rows: NDArray) -> NDArray:
        """All layers, in the kernel's basis."""

    @abstractmethod
    def unrun(self, rows: NDArray) -> NDArray:
        """All layers undone."""

    @abstractmethod
    def unrun_backward(self, pair: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """(state, gradient) behind `run` taken back, and the angles' gradient.

        ``Re <grad| g |state>`` with the generator g of each angle.
        """

    @abstractmethod
    def run_backward(self, pair: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """The same of `unrun`."""


class _Phases(Kernel):
    """Layers whose rotations are diagonal, in the X basis (RX) or as they are (RZ).

    Then the whole circuit is one product with phases and one gather: see `_parities`.
    """

    def __init__(self, angles: NDArray, rotation: str) -> None:
        """Work out the phases of all layers together."""
        super().__init__(angles)
        self.in_x_basis = rotation == "RX"
        of = self.n_wires, self.n_layers, self.in_x_basis
        self.parities, (self.gather, self.ungather) = _parities(*of), _rings(*of)
        make = _few_phases if self.n_wires <= TABLE_WIRES else _many_phases
        self.phases = make(angles, self.in_x_basis)[:, None]

    def enter(self, rows: NDArray) -> NDArray:
        """Rows in the kernel's basis."""
        return self.leave(rows)

    def leave(self, rows: NDArray) -> NDArray:
        """A Hadamard gate on every wire, for RX; its own inverse."""
        if self.in_x_basis:
            for wire, block in _hadamards(rows.shape[2].bit_length() - 1):
                rows = _apply_block(rows, block, wire)
        return rows

    def zero(self) -> NDArray:
        """In the X basis all amplitudes are the same."""
        if not self.in_x_basis:
            return super().zero()
        size = 2**self.n_wires
        return np.full((self.n_models, 1, size), size**-0.5)

    def pauli_z(self, rows: NDArray, wire: int) -> NDArray:
        """In the X basis Z flips the wire."""
        if not self.in_x_basis:
            return super().pauli_z(rows, wire)
        return self._by_bit(rows, wire)[:, ::-1].reshape(rows.shape)

    def pull(
        self, before: NDArray, behind: NDArray, grad: NDArray
    ) -> tuple[NDArray, NDArray[np.float64]]:
        """Only the gradient is undone: the rows before the gates do as well."""
        grad = self.unrun(self.enter(grad))
        return grad, self._grad_angles(before, grad)

    def run(self, rows: NDArray) -> NDArray:
        """A product with phases, and a gather."""
        return (rows * self.phases).take(self.gather, axis=2)

    def unrun(self, rows: NDArray) -> NDArray:
        """A gather, and a product with the conjugate phases."""
        return rows.take(self.ungather, axis=2) * self.phases.conj()

    def unrun_backward(self, pair: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """Undo the layers; the phases are the same before and behind the product."""
        pair = self.unrun(pair)
        return pair, self._grad_angles(*_halves(pair))

    def run_backward(self, pair: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """Apply the layers again."""
        return self.run(pair), -self._grad_angles(*_halves(pair))

    def _grad_angles(self, state: NDArray, grad: NDArray) -> NDArray[np.float64]:
        """``sum_k z_jk Im(conj(grad_k) state_k) / 2`` for every angle j."""
        upper, lower = self.parities
        overlap = np.vecdot(grad, state, axis=1).imag / 2
        by_halves = overlap.reshape(self.n_models, len(upper), len(lower))
        sums = (upper * (by_halves @ lower)).sum(axis=1)
        return sums.reshape(self.n_models, self.n_layers, self.n_wires)


class _Matrices(Kernel):
    """Layers of RY: real matrices on up to four wires at a time."""

    def __init__(self, angles: NDArray) -> None:
        """Multiply out each block of wires, for all layers at once."""
        super().__init__(angles)
        self.ring, self.unring = _rings(self.n_wires, 1, False)
        half = angles / 2
        entries = np.stack([np.cos(half), np.sin(half)], axis=-1)
        self.blocks = [
            (first, _turns(entries[:, :, first : first + BLOCK_WIRES]))
            for first in range(0, self.n_wires, BLOCK_WIRES)
        ]

    def run(self, rows: NDArray) -> NDArray:
        """Layer by layer."""
        for layer in range(self.n_layers):
            rows = self._step(rows, layer)
        return rows

    def unrun(self, rows: NDArray) -> NDArray:
        """From the last layer to the first."""
        for layer in reversed(range(self.n_layers)):
            rows = self._unstep(rows, layer)
        return rows

    def unrun_backward(self, pair: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """Undo a layer, and see how its angles turned."""
        overlaps = []
        for layer in reversed(range(self.n_layers)):
            pair = self._unstep(pair, layer)
            overlaps.append(self._overlap(pair))
        return pair, self._grad_angles(overlaps[::-1])

    def run_backward(self, pair: NDArray) -> tuple[NDArray, NDArray[np.float64]]:
        """The other way round."""
        overlaps = []
        for layer in range(self.n_layers):
            overlaps.append(self._overlap(pair))
            pair = self._step(pair, layer)
        return pair, -self._grad_angles(overlaps)

    def _step(self, rows: NDArray, layer: int) -> NDArray:
        """A product for each block, and a gather."""
        for wire, blocks in self.blocks:
            rows = _apply_block(rows, blocks[:, layer], wire)
        return rows.take(self.ring, axis=2)

    def _unstep(self, rows: NDArray, layer: int) -> NDArray:
        """A gather, and a product with each block's transpose."""
        rows = rows.take(self.unring, axis=2)
        for wire, blocks in self.blocks:
            rows = _apply_block(rows, blocks[:, layer].mT, wire)
        return rows

    def _overlap(self, pair: NDArray) -> list[NDArray]:
        """``Re sum conj(grad_a) state_b`` over all but a block's index, each block."""
        return [
            _block_overlap(pair, blocks.shape[-1], wire) for wire, blocks in self.blocks
        ]

    def _grad_angles(self, overlaps: list[list[NDArray]]) -> NDArray[np.float64]:
        """``sum_ab overlap_ab g_ab`` with the generator of each wire."""
        columns = []
        for block in zip(*overlaps, strict=True):
            d = block[0].shape[-1]
            stacked = np.array(block).reshape(self.n_layers, self.n_models, d * d)
            columns.append(stacked.swapaxes(0, 1) @ _block_generators(d).T)
        return np.concatenate(columns, axis=2)


def _halves(pair: NDArray) -> tuple[NDArray, NDArray]:
    """(state, gradient) of a pair; `np.split` takes 15 times as long."""
    n_rows = pair.shape[1] // 2
    return pair[:, :n_rows], pair[:, n_rows:]


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


def _few_phases(angles: NDArray, in_x_basis: bool) -> NDArray[np.complex128]:
    """The phases of all layers, ``(n_models, 2**n_wires)``: exponentials of sums."""
    n_models, n_layers, n_wires = angles.shape
    upper, lower = _parities(n_wires, n_layers, in_x_basis)
    sums = (upper * angles.reshape(n_models, 1, -1)) @ lower.T
    return np.exp(-0.5j * sums.reshape(n_models, -1))


def _many_phases(angles: NDArray, in_x_basis: bool) -> NDArray[np.complex128]:
    """The same on many wires, where exponentials cost more: a product for each layer.

    ``P D_l ... P D_1``, with each D moved to the front: ``D_k P = P D_(P k)``.
    """
    n_models, n_layers, n_wires = angles.shape
    _, unring = _rings(n_wires, 1, in_x_basis)
    turns = np.exp(np.multiply.outer(angles, GENERATORS["RZ"].diagonal()))
    upper, lower = (
        _kron(turns[:, :, : n_wires // 2]),
        _kron(turns[:, :, n_wires // 2 :]),
    )
    phases = None
    for layer in reversed(range(n_layers)):
        own = upper[:, layer, :, None] * lower[:, layer, None, :]
        own = own.reshape(n_models, -1)
        if phases is None:
            phases = own
        else:
            phases = np.multiply(phases.take(unring, axis=1), own, out=own)
    return phases


@lru_cache(maxsize=32)
def _rings(
    n_wires: int, n_layers: int, in_x_basis: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices with which the rings of all layers are one gather, and the inverse.

    ``new[k] = old[index[k]]``. In the X basis control and target change places.
    """
    ring = np.arange(2**n_wires)
    for control, target in reversed(ring_wires(n_wires)):
        if in_x_basis:
            control, target = target, control
        control_bit = (ring >> (n_wires - 1 - control)) & 1
        ring = ring ^ (control_bit << (n_wires - 1 - target))
    index = ring
    for _ in range(n_layers - 1):
        index = ring[index]
    return index, np.argsort(index)


@lru_cache(maxsize=32)
def _parities(
    n_wires: int, n_layers: int, in_x_basis: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sign with which each angle turns each amplitude that goes in.

    Rotation (l, w) multiplies amplitude k by ``exp(-i angle z / 2)`` with ``z = -1`` if
    bit w is set where the rings of the layers before have moved k. A ring is linear in
    the bits of k, so z is the parity of some of them. And a parity is a product of
    those of the upper and of the lower half of the bits: the sum over all angles, for
    all k, is one product of two small matrices.

    Returns:
        Signs for the upper and for the lower half of the wires, ``(2**(n_wires // 2),
        n_layers * n_wires)`` and likewise for the rest.
    """
    _, unring = _rings(n_wires, 1, in_x_basis)
    moved, masks = 2 ** np.arange(n_wires), []  # where each bit alone has gone
    wires = n_wires - 1 - np.arange(n_wires)
    for _ in range(n_layers):
        bits = moved[:, None] >> wires & 1  # of k on the bit of wire w
        masks.append((bits << np.arange(n_wires)[:, None]).sum(axis=0))
        moved = unring[moved]
    masks = np.concatenate(masks)
    n_lower = n_wires - n_wires // 2
    halves = (2 ** (n_wires // 2), masks >> n_lower), (2**n_lower, masks % 2**n_lower)
    return tuple(
        1.0 - 2.0 * (np.bitwise_count(np.arange(size)[:, None] & part) % 2)
        for size, part in halves
    )
