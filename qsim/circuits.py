"""Entangling layers: a rotation on every wire, then a closed ring of CNOTs.

Public functions and their checks; the arithmetic is in `qsim.kernels`. Derivations:
docs/gradients.md, sections 1 to 3.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.gates import ROTATIONS
from qsim.kernels import circuit_matrices, circuit_matrices_backward, layer_kernel
from qsim.state import check_state


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
    rows = state.reshape(1, len(state), -1)
    return layer_kernel(angles[None], rotation).forward(rows).reshape(state.shape)


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
    state, grad_state = _check_pair(state, grad_state)
    angles = check_real_angles(angles, rotation, state.ndim - 1)
    kernel = layer_kernel(angles[None], rotation)
    rows, grad_rows = (
        array.reshape(1, len(state), -1) for array in (state, grad_state)
    )
    pair, grad_angles = kernel.forward_backward(rows, grad_rows)
    before, grad_before = kernel.leave(pair).reshape(2, *state.shape)
    return before, grad_before, grad_angles[0]


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
    angles = check_real_angles(angles, rotation, state.ndim - 1)
    rows = state.reshape(1, len(state), -1)
    return layer_kernel(angles[None], rotation).adjoint(rows).reshape(state.shape)


def adjoint_layers_backward(
    state: ArrayLike, grad_state: ArrayLike, angles: ArrayLike, rotation: str = "RX"
) -> tuple[NDArray, NDArray, NDArray[np.float64]]:
    """Pull a gradient back through `adjoint_layers`, applying the gates again.

    Args:
        state: What `adjoint_layers` returned, ``(batch, 2, ..., 2)``.
        grad_state: Gradient of a real loss with respect to it, the same shape.
        angles: The angles it was given, ``(n_layers, n_wires)``.
        rotation: The rotation it was given.

    Returns:
        The state that went in, the gradient with respect to it, and the gradient with
        respect to the angles ``(n_layers, n_wires)``, summed over the batch.

    Raises:
        ValueError: If shapes do not fit or the rotation is unknown.
    """
    state, grad_state = _check_pair(state, grad_state)
    angles = check_real_angles(angles, rotation, state.ndim - 1)
    kernel = layer_kernel(angles[None], rotation)
    rows, grad_rows = (
        array.reshape(1, len(state), -1) for array in (state, grad_state)
    )
    pair, grad_angles = kernel.adjoint_backward(rows, grad_rows)
    before, grad_before = kernel.leave(pair).reshape(2, *state.shape)
    return before, grad_before, grad_angles[0]


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
    return circuit_matrices(check_angles(angles, rotation)[None], rotation)[0]


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
    angles = check_real_angles(angles, rotation)
    matrix, grad_matrix = np.asarray(matrix), np.asarray(grad_matrix)
    dim = 2 ** angles.shape[1]
    for name, array in (("matrix", matrix), ("grad_matrix", grad_matrix)):
        if array.shape != (dim, dim):
            raise ValueError(
                f"Argument `{name}` must have shape {(dim, dim)}, but has {array.shape}."
            )
    return circuit_matrices_backward(
        matrix[None], grad_matrix[None], angles[None], rotation
    )[0]


def _check_pair(state: ArrayLike, grad_state: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return a state and its gradient as arrays of one shape, or say what is off."""
    state, grad_state = check_state(state), np.asarray(grad_state)
    if grad_state.shape != state.shape:
        raise ValueError(
            f"Argument `grad_state` must have the shape of `state`, {state.shape}, "
            f"but has {grad_state.shape}."
        )
    return state, grad_state


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
    if angles.dtype.kind not in "biufc":
        raise TypeError(
            f"Argument `angles` must be an array of numbers, but is of {angles.dtype}."
        )
    if angles.ndim != 2 or 0 in angles.shape or n_wires not in (None, angles.shape[1]):
        wanted = "n_wires" if n_wires is None else n_wires
        raise ValueError(
            f"Argument `angles` must have shape (n_layers, {wanted}), none of them 0, "
            f"but has {angles.shape}."
        )
    if not np.isfinite(angles).all():
        raise ValueError("Argument `angles` must be finite, but holds nan or inf.")
    return angles


def check_real_angles(
    angles: ArrayLike, rotation: str, n_wires: int | None = None
) -> NDArray[np.float64]:
    """The same for gates that are undone, whose inverse is not analytic."""
    angles = check_angles(angles, rotation, n_wires)
    if np.iscomplexobj(angles):
        raise ValueError("Argument `angles` must be real here, but is complex.")
    return angles
