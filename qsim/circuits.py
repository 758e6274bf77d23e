"""Entangling layers: a rotation on every wire, then a closed ring of CNOTs.

The kernel multiplies the rotations of up to four neighbouring wires as one matrix of
at most 16 x 16, and does the whole ring of CNOTs as one gather. The backward pass
carries (state, gradient) back together by undoing each layer: nothing is stored.
Derivations: docs/gradients.md, sections 1 to 4.
"""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.gates import GENERATORS, ROTATIONS
from qsim.state import check_state

BLOCK_WIRES = 4
"""Wires whose rotations are multiplied as one matrix; four was the fastest measured."""


def entangling_layers(
    state: ArrayLike, angles: ArrayLike, rotation: str = "RX"
) -> NDArray:
    """Apply layers of one rotation per wire and a ring of CNOTs.

    ``state -> prod_l C R_l state``, ``R_l`` the rotations by ``angles[l]``, ``C`` the
    CNOTs ``(0,1), (1,2), ..., (n-1,0)``. Two wires have one CNOT, one wire has none.

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        angles: Angles in radians, ``(n_layers, n_wires)``. Complex angles are legal
            and give the analytic continuation (for complex-step derivatives).
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        A new array of the state's shape. RY on a real state stays float64.

    Raises:
        ValueError: If shapes do not fit or the rotation is unknown.

    References:
        The circuit is PennyLane's ``BasicEntanglerLayers``.

    Example:
        A half turn of wire 0 flips it, and the CNOT flips wire 1 (up to a phase):

        >>> from qsim import probabilities, zero_state
        >>> state = entangling_layers(zero_state(2), [[np.pi, 0.0]])
        >>> probabilities(state, [0, 1]).round(3)
        array([[0., 0., 0., 1.]])
    """
    state = check_state(state)
    angles = check_angles(angles, rotation, state.ndim - 1)
    flat = state.reshape(len(state), -1)
    return _layers(flat, angles, rotation).reshape(state.shape)


def entangling_layers_backward(
    state: ArrayLike, grad_state: ArrayLike, angles: ArrayLike, rotation: str = "RX"
) -> tuple[NDArray, NDArray, NDArray[np.float64]]:
    """Pull a gradient back through `entangling_layers`, undoing its gates.

    ``grad_angle = Re <grad_state| g |state>`` with the generator ``g = -i P / 2``,
    behind each rotation (docs/gradients.md, eq. 4). Gradients follow the convention
    ``dL = Re <grad, d state>``.

    Args:
        state: What `entangling_layers` returned, ``(batch, 2, ..., 2)``.
        grad_state: Gradient of a real loss with respect to it, the same shape.
        angles: The angles that were applied, ``(n_layers, n_wires)``, real.
        rotation: The rotation that was applied.

    Returns:
        The state that went in, the gradient with respect to it, and the gradient with
        respect to the angles ``(n_layers, n_wires)``, summed over the batch.

    Raises:
        ValueError: If shapes do not fit or the rotation is unknown.

    Example:
        ``L = <Z> = cos(angle)`` of one wire, so ``dL/dangle = -sin(angle)``:

        >>> from qsim import zero_state
        >>> state = entangling_layers(zero_state(1), [[np.pi / 2]], "RY")
        >>> grad_state = 2 * state * [[1.0, -1.0]]
        >>> before, _, grad = entangling_layers_backward(
        ...     state, grad_state, [[np.pi / 2]], "RY")
        >>> before.round(3) + 0, grad.round(3)
        (array([[1., 0.]]), array([[-1.]]))
    """
    state = check_state(state)
    grad_state = np.asarray(grad_state)
    if grad_state.shape != state.shape:
        raise ValueError(
            f"Argument `grad_state` must have the shape of `state`, {state.shape}, "
            f"but has {grad_state.shape}."
        )
    angles = check_angles(angles, rotation, state.ndim - 1)
    n = len(state)
    pair = np.concatenate([state, grad_state]).reshape(2 * n, -1)
    pair, grad_angles = _layers_backward(pair, angles, rotation)
    return pair[:n].reshape(state.shape), pair[n:].reshape(state.shape), grad_angles


def circuit_matrix(angles: ArrayLike, rotation: str = "RX") -> NDArray:
    """The matrix of `entangling_layers`, by applying it to every basis state.

    Args:
        angles: Angles in radians, ``(n_layers, n_wires)``.
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        Unitary ``(2**n_wires, 2**n_wires)``, column k the image of basis state k.
        float64 for RY, complex128 otherwise.

    Raises:
        ValueError: If the angles' shape is wrong or the rotation is unknown.

    Example:
        With angles of zero the rotations vanish and one CNOT is left:

        >>> circuit_matrix([[0.0, 0.0]], "RY")
        array([[1., 0., 0., 0.],
               [0., 1., 0., 0.],
               [0., 0., 0., 1.],
               [0., 0., 1., 0.]])
    """
    angles = check_angles(angles, rotation)
    return _layers(np.eye(2 ** angles.shape[1]), angles, rotation).T


def circuit_matrix_backward(
    matrix: ArrayLike,
    grad_matrix: ArrayLike,
    angles: ArrayLike,
    rotation: str = "RX",
) -> NDArray[np.float64]:
    """Gradient of a loss with respect to the angles of `circuit_matrix`.

    Args:
        matrix: What `circuit_matrix` returned, ``(2**n_wires, 2**n_wires)``.
        grad_matrix: Gradient of a real loss with respect to it, the same shape.
        angles: The angles that were applied, ``(n_layers, n_wires)``.
        rotation: The rotation that was applied.

    Returns:
        float64 array ``(n_layers, n_wires)``.

    Raises:
        ValueError: If shapes do not fit or the rotation is unknown.

    Example:
        The first entry of ``RY(t)`` is ``cos(t / 2)``:

        >>> matrix = circuit_matrix([[np.pi / 2]], "RY")
        >>> circuit_matrix_backward(matrix, [[1, 0], [0, 0]], [[np.pi / 2]], "RY").round(4)
        array([[-0.3536]])
    """
    angles = check_angles(angles, rotation)
    matrix, grad_matrix = np.asarray(matrix), np.asarray(grad_matrix)
    dim = 2 ** angles.shape[1]
    for name, array in (("matrix", matrix), ("grad_matrix", grad_matrix)):
        if array.shape != (dim, dim):
            raise ValueError(
                f"Argument `{name}` must have shape {(dim, dim)}, but has {array.shape}."
            )
    return _layers_backward(
        np.concatenate([matrix.T, grad_matrix.T]), angles, rotation
    )[1]


def check_angles(
    angles: ArrayLike, rotation: str, n_wires: int | None = None
) -> NDArray:
    """Return `angles` as an array, or say what is wrong with them or the rotation."""
    if rotation not in ROTATIONS:
        raise ValueError(
            f"Argument `rotation` must be one of {', '.join(ROTATIONS)}, "
            f"but is {rotation!r}."
        )
    angles = np.asarray(angles)
    if angles.ndim != 2 or 0 in angles.shape or n_wires not in (None, angles.shape[1]):
        wanted = "n_wires" if n_wires is None else n_wires
        raise ValueError(
            f"Argument `angles` must have shape (n_layers, {wanted}), none of them 0, "
            f"but has {angles.shape}."
        )
    return angles


def _layers(flat: NDArray, angles: NDArray, rotation: str) -> NDArray:
    """Apply the layers to rows ``(rows, 2**n_wires)``."""
    ring = ring_gather(angles.shape[1])
    blocks = _rotation_blocks(angles, rotation)
    for layer in range(len(angles)):
        for wire, block in blocks:
            flat = _apply_block(flat, block[layer], wire)
        flat = flat.take(ring, axis=1)
    return flat


def _layers_backward(
    pair: NDArray, angles: NDArray, rotation: str
) -> tuple[NDArray, NDArray[np.float64]]:
    """Undo the layers on stacked rows (states, then their gradients)."""
    n_layers, n_wires = angles.shape
    ring = _ring_scatter(n_wires)
    blocks = _rotation_blocks(angles, rotation)
    adjoints = [(wire, block.conj().swapaxes(1, 2)) for wire, block in blocks]
    overlaps = [[None] * n_layers for _ in blocks]
    for layer in reversed(range(n_layers)):
        pair = pair.take(ring, axis=1)
        for b, (wire, block) in enumerate(adjoints):
            overlaps[b][layer] = _block_overlap(pair, block.shape[1], wire)
            pair = _apply_block(pair, block[layer], wire)
    return pair, _grad_from_overlaps(overlaps, rotation)


def _rotation_blocks(angles: NDArray, rotation: str) -> list[tuple[int, NDArray]]:
    """Every layer's rotations, four wires at a time: (first wire, (n_layers, d, d))."""
    gates = ROTATIONS[rotation](angles)  # (n_layers, n_wires, 2, 2)
    return [
        (first, _kron_wires(gates[:, first : first + BLOCK_WIRES]))
        for first in range(0, angles.shape[1], BLOCK_WIRES)
    ]


def _kron_wires(gates: NDArray) -> NDArray:
    """Kronecker product over axis 1, by halves: ``(n, k, 2, 2) -> (n, 2**k, 2**k)``."""
    n, k = gates.shape[:2]
    if k == 1:
        return gates[:, 0]
    top, low = _kron_wires(gates[:, : k // 2]), _kron_wires(gates[:, k // 2 :])
    product = top[:, :, None, :, None] * low[:, None, :, None, :]
    return product.reshape(n, 2**k, 2**k)


def _apply_block(flat: NDArray, block: NDArray, wire: int) -> NDArray:
    """Multiply the wires from `wire` on, as many as the block has, by the block."""
    rows, size = flat.shape
    d = len(block)
    after = size // (2**wire * d)
    if after == 1:
        return (flat.reshape(-1, d) @ block.T).reshape(rows, size)
    return (block @ flat.reshape(-1, d, after)).reshape(rows, size)


def _block_overlap(pair: NDArray, d: int, wire: int) -> NDArray:
    """``sum conj(grad_a) state_b`` over all but the block's index: ``(d, d)``."""
    after = pair.shape[1] // (2**wire * d)
    state, grad = pair.reshape(2, -1, d, after)
    if after == 1:
        return grad[:, :, 0].conj().T @ state[:, :, 0]
    return (grad.conj() @ state.swapaxes(1, 2)).sum(axis=0)


def _grad_from_overlaps(overlaps: list, rotation: str) -> NDArray[np.float64]:
    """``grad_angle = Re sum_ab overlap_ab g_ab`` for every layer and wire."""
    columns = []
    for per_layer in overlaps:
        stacked = np.stack(per_layer)  # (n_layers, d, d)
        n_layers, d, _ = stacked.shape
        generators = _block_generators(rotation, d.bit_length() - 1)
        columns.append((stacked.reshape(n_layers, d * d) @ generators.T).real)
    return np.concatenate(columns, axis=1)


@cache
def _block_generators(rotation: str, k: int) -> NDArray:
    """The generator of each of k wires as a row: ``(k, 4**k)``."""
    rows = [
        np.kron(np.kron(np.eye(2**w), GENERATORS[rotation]), np.eye(2 ** (k - 1 - w)))
        for w in range(k)
    ]
    return np.stack(rows).reshape(k, -1)


@lru_cache(maxsize=32)
def ring_gather(n_wires: int) -> NDArray[np.intp]:
    """Indices with which the ring of CNOTs is one gather: ``new[k] = old[index[k]]``."""
    index = np.arange(2**n_wires)
    n_cnots = n_wires if n_wires > 2 else n_wires - 1
    for control in reversed(range(n_cnots)):
        target = (control + 1) % n_wires
        control_bit = (index >> (n_wires - 1 - control)) & 1
        index = index ^ (control_bit << (n_wires - 1 - target))
    index.flags.writeable = False
    return index


@lru_cache(maxsize=32)
def _ring_scatter(n_wires: int) -> NDArray[np.intp]:
    """The inverse permutation of `ring_gather`."""
    index = np.argsort(ring_gather(n_wires))
    index.flags.writeable = False
    return index
