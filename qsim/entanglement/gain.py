"""How much entanglement a unitary adds to a state, and the gradient of that.

States are arrays ``(dA, dA', dB, dB')``, Alice's axes and then Bob's; the searches hold
them as real vectors, real and imaginary parts in turn.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.entanglement.checks import check_bipartite, tolerance_of
from qsim.entanglement.density import entropy_of_probabilities
from qsim.numbers import as_numbers


def entanglement_gain(
    unitary: ArrayLike, state: ArrayLike, dims: Sequence[int]
) -> float:
    """Entropy of entanglement that a unitary adds to one state.

    ``S(U psi) - S(psi)`` across AA' : BB', negative if U disentangles

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        state: Normalized state ``(dA, dA', dB, dB')``; ancillas of size 1 are none.
        dims: The dimensions ``(dA, dB)``.

    Returns:
        The gain in ebits.

    Raises:
        ValueError: If the matrix is not unitary, the dimensions do not fit or the state
            has the wrong shape or norm.

    Example:
        CNOT makes a Bell pair of ``|+>|0>``:

        >>> from qsim import CNOT
        >>> plus_zero = np.array([[1.0, 0.0], [1.0, 0.0]]).reshape(2, 1, 2, 1)
        >>> round(entanglement_gain(CNOT, plus_zero / np.sqrt(2), (2, 2)), 6)
        1.0
    """
    unitary, (d_a, d_b) = check_bipartite(unitary, dims)
    tolerance = tolerance_of(state)
    state = as_numbers("state", state)
    if state.ndim != 4 or state.shape[::2] != (d_a, d_b):
        raise ValueError(
            f"Argument `state` must have shape ({d_a}, dA', {d_b}, dB'), "
            f"but has {state.shape}."
        )
    norm = np.linalg.norm(state)
    if not abs(norm - 1) <= tolerance:
        raise ValueError(
            f"Argument `state` must be normalized, but has norm {norm:.6g}."
        )
    after = np.einsum("abcd,cxdy->axby", unitary.reshape(d_a, d_b, d_a, d_b), state)
    matrices = np.stack([after, state]).reshape(2, d_a * state.shape[1], -1)
    s = np.linalg.svd(matrices, compute_uv=False)
    s_after, s_before = entropy_of_probabilities(s**2)
    return float(s_after - s_before)


def minimize(
    objective: Callable, begin: NDArray, max_iterations: int
) -> NDArray[np.complex128]:
    """Where L-BFGS ends: the minimum of a function of complex numbers, as a vector.

    The objective maps real and imaginary parts in turn to a value and its gradient.
    """
    from scipy import optimize  # slow to import: see `unitary_power`

    found = optimize.minimize(
        objective,
        begin.astype(complex).ravel().view(float),
        jac=True,
        method="L-BFGS-B",
        options={"maxcor": 20, "ftol": 1e-15, "gtol": 1e-9, "maxiter": max_iterations},
    )
    return found.x.view(complex)


def gain_objective(
    unitary: NDArray, dims: tuple[int, int], ancillas: tuple[int, int]
) -> Callable[[NDArray], tuple[float, NDArray[np.float64]]]:
    """The function ``x -> (-gain, its gradient)`` of states ``(dA, dB, dA', dB')``.

    The gradient of the gain is ``U^dag G(U psi) - G(psi)``; x is any multiple of psi,
    so its part along psi is projected out and the rest divided by ``|x|``.
    """
    shape = (2, *dims, *ancillas)
    as_cut = (2, dims[0] * ancillas[0], dims[1] * ancillas[1])
    split = (2, dims[0], ancillas[0], dims[1], ancillas[1])
    pair = np.empty((2, dims[0] * dims[1], ancillas[0] * ancillas[1]), dtype=complex)
    adjoint = np.ascontiguousarray(unitary.conj().T)

    def objective(flat: NDArray) -> tuple[float, NDArray[np.float64]]:
        norm = np.sqrt(flat @ flat)
        psi = (flat / norm).view(complex).reshape(pair[0].shape)
        pair[0] = unitary @ psi
        pair[1] = psi
        cut = pair.reshape(shape).swapaxes(2, 3).reshape(as_cut)
        entropies, grads = entropy_and_gradient(cut)
        grads = grads.reshape(split).swapaxes(2, 3).reshape(pair.shape)
        grad = (grads[1] - adjoint @ grads[0]).ravel().view(float)
        unit = flat / norm
        grad -= (unit @ grad) * unit
        return entropies[1] - entropies[0], grad / norm

    return objective


def product_objective(
    unitary: NDArray, dims: tuple[int, int], ancillas: tuple[int, int]
) -> Callable[[NDArray], tuple[float, NDArray[np.float64]]]:
    """The function ``x -> (-gain, its gradient)`` of alpha and beta in one vector."""
    (d_a, d_b), (k_a, k_b) = dims, ancillas
    tensor = unitary.reshape(d_a, d_b, d_a, d_b)
    cut = d_a * k_a

    def objective(flat: NDArray) -> tuple[float, NDArray[np.float64]]:
        z = flat.view(complex)
        norms = np.linalg.norm(z[:cut]), np.linalg.norm(z[cut:])
        alpha = z[:cut].reshape(d_a, k_a) / norms[0]
        beta = z[cut:].reshape(d_b, k_b) / norms[1]
        one = np.tensordot(tensor, alpha, (2, 0))  # (a_out, b_out, b, a')
        psi = np.tensordot(one, beta, (2, 0)).swapaxes(1, 2)  # (a_out, a', b_out, b')
        entropies, grads = entropy_and_gradient(psi.reshape(1, cut, -1))
        grad = grads.reshape(psi.shape)
        back = np.tensordot(tensor.conj(), grad, ((0, 1), (0, 2)))  # (a, b, a', b')
        pieces = []
        for point, other, axes, norm in (
            (alpha, beta, ((1, 3), (0, 1)), norms[0]),
            (beta, alpha, ((0, 2), (0, 1)), norms[1]),
        ):
            piece = np.tensordot(back, other.conj(), axes)
            piece = piece - point * np.vdot(point, piece).real
            pieces.append(piece.ravel() / norm)
        return -entropies[0], -np.concatenate(pieces).view(float)

    return objective


def entropy_and_gradient(cut: NDArray) -> tuple[NDArray[np.float64], NDArray]:
    """Entropies of states ``(k, rows, columns)``, and gradients up to radial parts.

    ``S = -sum s^2 log2 s^2`` with ``M = u s v^dag``. On the sphere
    ``dS = Re <G, dM>``, ``G = -2 u diag(s log2 s^2) v^dag``; ``s log2 s^2 = 0`` at 0.
    """
    u, s, vh = np.linalg.svd(cut, full_matrices=False)
    p = s * s
    logs = np.log2(np.maximum(p, 1e-300))
    grad = (u * (-2 * s * logs)[:, None, :]) @ vh
    return -(p * logs).sum(axis=1), grad
