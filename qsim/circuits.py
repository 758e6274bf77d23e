"""Entangling layers: a rotation on every wire, then a closed ring of CNOTs.

`entangling_layer` shows what a layer is, gate by gate. `entangling_layers` and the
functions behind it are the fast way, with which it agrees: they check, and leave the
arithmetic to `qsim.kernels`. Derivations: docs/gradients.md, sections 1 to 3.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.gates import CNOT, ROTATIONS, ring_wires
from qsim.kernels import Kernel, circuit_matrices, layer_kernel
from qsim.numbers import as_numbers, as_real, check_wires_fit
from qsim.state import apply_gate, check_state, check_wires


def layer_gates(
    angles: ArrayLike, rotation: str = "RX"
) -> list[tuple[str, NDArray, tuple[int, ...]]]:
    """The gates of one entangling layer, in order.

    Args:
        angles: An angle for each wire, in radians, ``(n_wires,)``.
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        For each gate its name, its matrix and its wires: a rotation on every wire, then
        the CNOTs ``(0,1), (1,2), ..., (n-1,0)``. Two wires have one CNOT, one wire has
        none.

    Raises:
        ValueError: If the angles' shape is wrong or the rotation is unknown.

    Example:
        >>> for name, _, wires in layer_gates([0.1, 0.2, 0.3]):
        ...     print(name, *wires)
        RX 0
        RX 1
        RX 2
        CNOT 0 1
        CNOT 1 2
        CNOT 2 0
    """
    angles = _check_angles(as_real("angles", angles), rotation, ("n_wires",))
    gates = [(rotation, ROTATIONS[rotation](t), (w,)) for w, t in enumerate(angles)]
    return gates + [("CNOT", CNOT, wires) for wires in ring_wires(len(angles))]


def entangling_layer(
    state: ArrayLike, angles: ArrayLike, rotation: str = "RX"
) -> NDArray:
    """Apply one layer gate by gate: what `entangling_layers` does, and not how.

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        angles: An angle for each wire, in radians, ``(n_wires,)``.
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        A new array of the state's shape.

    Raises:
        ValueError: If shapes do not fit or the rotation is unknown.

    Example:
        A half turn of wire 0 flips it, and the CNOT flips wire 1:

        >>> from qsim import zero_state
        >>> entangling_layer(zero_state(2), [np.pi, 0.0], "RY").round(3) + 0
        array([[[0., 0.],
                [0., 1.]]])
    """
    state = check_state(state)
    angles = as_real("angles", angles)
    angles = _check_angles(angles, rotation, (state.ndim - 1,))
    for _, gate, wires in layer_gates(angles, rotation):
        state = apply_gate(state, gate, wires)
    return state


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
    kernel = _kernel(angles, rotation, state)
    return kernel.forward(_rows(state)).reshape(state.shape)


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
    state, grad_state = check_state(state), as_numbers("grad_state", grad_state)
    if grad_state.shape != state.shape:
        raise ValueError(
            f"Argument `grad_state` must have the shape of `state`, {state.shape}, "
            f"but has {grad_state.shape}."
        )
    kernel = _kernel(as_real("angles", angles), rotation, state)
    pair, grad_angles = kernel.forward_backward(_rows(state), _rows(grad_state))
    return *kernel.leave(pair).reshape(2, *state.shape), grad_angles[0]


def layers_expval_z(
    angles: ArrayLike, wire: int, rotation: str = "RX"
) -> tuple[float, NDArray[np.float64]]:
    """``<Z>`` of a wire behind the layers on ``|0...0>``, and its gradient.

    The same as `entangling_layers`, `expval_z` and `entangling_layers_backward` one
    after the other, in one pass: the state does not leave the basis that the layers
    are applied in.

    Args:
        angles: Angles in radians, ``(n_layers, n_wires)``, real.
        wire: The wire that is measured.
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        The value, and the gradient with respect to the angles in their shape.

    Raises:
        MemoryError: If the states are larger than the machine's memory.
        ValueError: If the angles' shape is wrong, there is no such wire, or the
            rotation is unknown.

    Example:
        ``<Z> = cos(angle)`` of one wire:

        >>> value, gradient = layers_expval_z([[np.pi / 2]], 0)
        >>> round(value, 3) + 0, gradient.round(3)
        (0.0, array([[-1.]]))
    """
    angles = _check_angles(as_real("angles", angles), rotation)
    n_wires = angles.shape[1]
    (wire,) = check_wires([wire], n_wires)
    check_wires_fit(n_wires, "A state with its gradient")
    kernel = layer_kernel(angles[None], rotation)
    state = kernel.run(kernel.zero())
    grad = 2 * kernel.pauli_z(state, wire)
    value = float(np.vdot(state, grad).real) / 2
    _, grad_angles = kernel.unrun_backward(np.concatenate([state, grad], axis=1))
    return value, grad_angles[0]


def adjoint_layers(
    state: ArrayLike, angles: ArrayLike, rotation: str = "RX"
) -> NDArray:
    """Undo `entangling_layers`: apply the adjoint of the whole circuit.

    ``state -> (prod_l C R_l)^dag state``

    Args:
        state: Array ``(batch, 2, ..., 2)``.
        angles: Angles of the circuit that is undone, ``(n_layers, n_wires)``, real.
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        A new array of the state's shape.

    Raises:
        ValueError: If shapes do not fit or the rotation is unknown.

    Example:
        >>> from qsim import zero_state
        >>> angles = [[0.3, 0.4], [0.5, 0.6]]
        >>> out = entangling_layers(zero_state(2), angles, "RY")
        >>> adjoint_layers(out, angles, "RY").round(12) + 0
        array([[[1., 0.],
                [0., 0.]]])
    """
    state = check_state(state)
    kernel = _kernel(as_real("angles", angles), rotation, state)
    return kernel.adjoint(_rows(state)).reshape(state.shape)


def circuit_matrix(angles: ArrayLike, rotation: str = "RX") -> NDArray:
    """The matrix of `entangling_layers`, by applying it to every basis state.

    Args:
        angles: Angles in radians, ``(n_layers, n_wires)``; complex ones as in
            `entangling_layers`.
        rotation: ``"RX"``, ``"RY"`` or ``"RZ"``.

    Returns:
        Unitary ``(2**n_wires, 2**n_wires)``, column k the image of basis state k.
        float64 for RY, complex128 otherwise.

    Raises:
        MemoryError: If the matrix is larger than the machine's memory.
        ValueError: If the angles' shape is wrong or the rotation is unknown.

    Example:
        With angles of zero the rotations vanish and one CNOT is left:

        >>> circuit_matrix([[0.0, 0.0]], "RY")
        array([[1., 0., 0., 0.],
               [0., 1., 0., 0.],
               [0., 0., 0., 1.],
               [0., 0., 1., 0.]])
    """
    angles = _check_angles(angles, rotation)
    check_wires_fit(angles.shape[1], "The matrix of a circuit", sides=2)
    return circuit_matrices(angles[None], rotation)[0]


def _kernel(angles: ArrayLike, rotation: str, state: NDArray) -> Kernel:
    """The kernel of one model, for a checked batch of states."""
    angles = _check_angles(angles, rotation, ("n_layers", state.ndim - 1))
    return layer_kernel(angles[None], rotation)


def _rows(state: NDArray) -> NDArray:
    """A batch of states as the rows of one model, ``(1, batch, 2**n_wires)``."""
    return state.reshape(1, len(state), -1)


def _check_angles(
    angles: ArrayLike,
    rotation: str,
    shape: Sequence[int | str] = ("n_layers", "n_wires"),
) -> NDArray:
    """Return `angles` as an array, or say what is wrong with them or the rotation."""
    if rotation not in ROTATIONS:
        raise ValueError(
            f"Argument `rotation` must be one of {', '.join(ROTATIONS)}, "
            f"but is {rotation!r}."
        )
    angles = as_numbers("angles", angles)
    if (
        angles.ndim != len(shape)
        or 0 in angles.shape
        or shape[-1] not in ("n_wires", angles.shape[-1])
    ):
        wanted = ", ".join(map(str, shape)) + "," * (len(shape) == 1)
        raise ValueError(
            f"Argument `angles` must have shape ({wanted}), none of them 0, "
            f"but has {angles.shape}."
        )
    return angles
