"""What a bipartite unitary can do to entanglement, in closed form or by linear algebra.

U acts on C^dA (x) C^dB, its row and column index is ``a * dB + b``. The operator
Schmidt decomposition is a singular value decomposition of the realigned matrix, rows
``(a_out, a_in)`` and columns ``(b_out, b_in)``. The power itself, a supremum over input
states, stands in `search`, upper bounds on it in `bounds`:

    K(U) <= E_0(U) <= E_up(U) <= LN(U) <= min(log2 Schmidt rank, 2 log2 min(dA, dB))

with local ancillas everywhere. K is the entropy that U makes of maximally entangled
pairs AA' and BB', E_0 the most it makes of product inputs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.entanglement.checks import check_bipartite, check_unitary
from qsim.entanglement.density import entropy_of_probabilities


class OperatorSchmidt(NamedTuple):
    """``U = sum_k values_k a_k (x) b_k``: what `operator_schmidt` returns."""

    values: NDArray[np.float64]
    """Singular values ``(r,)``, ``r = min(dA, dB)**2``, decreasing."""
    probabilities: NDArray[np.float64]
    """``values**2 / (dA dB)``, which sum to 1, ``(r,)``."""
    a: NDArray
    """Operators on A, ``(r, dA, dA)``, orthonormal, ``Tr a_j^dag a_k = delta_jk``."""
    b: NDArray
    """Operators on B, ``(r, dB, dB)``, orthonormal too."""


def operator_schmidt(unitary: ArrayLike, dims: Sequence[int]) -> OperatorSchmidt:
    """Operator Schmidt decomposition of a unitary.

    ``U = sum_k s_k a_k (x) b_k``

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.

    Returns:
        An `OperatorSchmidt` (values, probabilities, a, b).

    Raises:
        ValueError: If the matrix is not unitary or the dimensions do not fit.

    References:
        Nielsen et al., Phys. Rev. A 67, 052301 (2003).

    Example:
        CNOT is half a sum of two terms, ``|0><0| (x) 1 + |1><1| (x) X``:

        >>> from qsim import CNOT
        >>> operator_schmidt(CNOT, (2, 2)).probabilities.round(6)
        array([0.5, 0.5, 0. , 0. ])
    """
    unitary, dims = check_bipartite(unitary, dims)
    d_a, d_b = dims
    u, s, vh = np.linalg.svd(realign(unitary, dims), full_matrices=False)
    a, b = u.T.reshape(-1, d_a, d_a), vh.reshape(-1, d_b, d_b)
    return OperatorSchmidt(s, s**2 / (d_a * d_b), a, b)


def schmidt_strength(unitary: ArrayLike, dims: Sequence[int]) -> float:
    """Schmidt strength K: the entanglement that U makes of maximally entangled pairs.

    ``K = -sum_k p_k log2 p_k`` of the operator Schmidt probabilities. It bounds the
    entangling power with ancillas from below.

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.

    Returns:
        K in ebits, from 0 (local gates) to ``2 log2 min(dA, dB)``.

    Raises:
        ValueError: If the matrix is not unitary or the dimensions do not fit.

    References:
        Nielsen et al., Phys. Rev. A 67, 052301 (2003).

    Example:
        >>> from qsim import CNOT
        >>> from qsim.entanglement import SWAP
        >>> [round(schmidt_strength(gate, (2, 2)), 6) for gate in (CNOT, SWAP)]
        [1.0, 2.0]
    """
    unitary, dims = check_bipartite(unitary, dims)
    s = np.linalg.svd(realign(unitary, dims), compute_uv=False)
    return float(entropy_of_probabilities(s**2 / len(unitary)))


def mean_entangling_power(unitary: ArrayLike, dims: Sequence[int]) -> float:
    """Mean entangling power e_p: the linear entropy U makes of random product states.

    ``e_p = 1 - [dA + dB + dA dB (P1 + P2)] / ((dA + 1)(dB + 1))``, the average of
    ``1 - Tr rho_A^2`` over Haar-random ``|alpha> (x) |beta>``. ``P1 = sum p_k^2`` of
    the operator Schmidt probabilities, P2 the same for the cut
    ``(a_out, b_in | b_out, a_in)``. A unitary and its adjoint have the same e_p.

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.

    Returns:
        e_p, from 0; ancillas play no part.

    Raises:
        ValueError: If the matrix is not unitary or the dimensions do not fit.

    References:
        Zanardi, Zalka and Faoro, Phys. Rev. A 62, 030301 (2000), for dA x dB. The form
        in the operator entanglement of U and of U times the swap, for dA = dB: Zanardi,
        Phys. Rev. A 63, 040304 (2001).

    Example:
        CNOT reaches the largest value of two qubits, 2/9; SWAP entangles nothing:

        >>> from qsim import CNOT
        >>> from qsim.entanglement import SWAP
        >>> [round(mean_entangling_power(gate, (2, 2)), 6) for gate in (CNOT, SWAP)]
        [0.222222, 0.0]
    """
    unitary, (d_a, d_b) = check_bipartite(unitary, dims)
    tensor = unitary.reshape(d_a, d_b, d_a, d_b)
    straight = realign(unitary, (d_a, d_b))
    crossed = tensor.transpose(0, 3, 1, 2).reshape(d_a * d_b, d_a * d_b)
    purities = 0.0
    for matrix in (straight, crossed):
        gram = matrix @ matrix.conj().T / (d_a * d_b)
        purities += (gram.real**2 + gram.imag**2).sum()
    total = d_a + d_b + d_a * d_b * purities
    return float(1 - total / ((d_a + 1) * (d_b + 1)))


_MAGIC = np.array(
    [[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]]
) / np.sqrt(2)


def weyl_coordinates(unitary: ArrayLike) -> NDArray[np.float64]:
    """Weyl coordinates of a two-qubit gate: what local gates cannot change.

    ``U = phase (a1 (x) b1) exp(-i (x XX + y YY + z ZZ)) (a2 (x) b2)``, in the chamber
    ``pi/4 >= x >= y >= |z|``, with ``z >= 0`` where ``x = pi/4``. In the magic basis
    local gates are real, so ``M^T M`` has the eigenvalues of the canonical gate, and
    their phases are sums and differences of the coordinates.

    Args:
        unitary: Unitary ``(4, 4)``.

    Returns:
        float64 array ``(3,)`` in radians; in units of pi/4 CNOT is (1, 0, 0), iSWAP
        (1, 1, 0), SWAP (1, 1, 1).

    Raises:
        ValueError: If the matrix is not unitary or not (4, 4).

    References:
        Zhang, Vala, Sastry and Whaley, Phys. Rev. A 67, 042313 (2003).

    Example:
        >>> from qsim import CNOT
        >>> (weyl_coordinates(CNOT) / (np.pi / 4)).round(6) + 0
        array([1., 0., 0.])
    """
    unitary = check_unitary(unitary)
    if unitary.shape != (4, 4):
        raise ValueError(
            f"Argument `unitary` must have shape (4, 4), but has {unitary.shape}."
        )
    special = unitary / np.linalg.det(unitary.astype(complex)) ** 0.25
    m = _MAGIC.conj().T @ special @ _MAGIC
    half = np.angle(np.linalg.eigvals(m.T @ m)) / 2
    half[3] = -half[:3].sum()
    raw = (half[:3] + half[3]) / 2  # the coordinates, each up to pi/2 and order
    raw = raw - np.pi / 2 * np.round(raw / (np.pi / 2))  # in [-pi/4, pi/4]
    x, y, z = raw[np.argsort(-np.abs(raw), kind="stable")]
    # Local gates flip two signs at once: what is left is the sign of the product.
    z = abs(z) * np.sign(x * y * z)
    if abs(x) > np.pi / 4 - 1e-7:
        z = abs(z)
    return np.array([abs(x), abs(y), z])


class Maximality(NamedTuple):
    """Whether a unitary reaches the largest entangling power: see `maximality`."""

    is_maximal: bool
    """True if `sigma` meets the conditions and is positive, both to 1e-7."""
    residual: float
    """Norm of what least squares leaves of the linear conditions."""
    sigma: NDArray
    """The solution on the larger side, ``(d, d)``, Hermitian."""


def maximality(unitary: ArrayLike, dims: Sequence[int]) -> Maximality:
    """Decide without an optimizer whether E_up is the largest possible.

    With dA <= dB, ``E_up = 2 log2 dA`` exactly when a density matrix sigma on B has
    ``Tr[sigma U_ij^dag U_kl] = delta_ik delta_jl / dA`` for the dB x dB blocks
    ``U_ij`` of U: put A and A' in a maximally entangled state, B and B' in a
    purification of sigma, and A comes out maximally entangled with Bob, AA' as a
    whole. The conditions are linear: if least squares leaves a residual, no sigma
    exists. If it leaves none but its solution has a negative eigenvalue (which happens
    when the solution is not unique), reflections look for a positive solution: finding
    one is a proof, not finding one in 2000 steps is only numerical evidence. For
    E_down, pass the adjoint of U.

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``. If dA > dB the two sides change places.

    Returns:
        A `Maximality` (is_maximal, residual, sigma).

    Raises:
        ValueError: If the matrix is not unitary or the dimensions do not fit.

    Example:
        >>> from qsim import CNOT
        >>> from qsim.entanglement import SWAP
        >>> maximality(SWAP, (2, 2)).is_maximal, maximality(CNOT, (2, 2)).is_maximal
        (True, False)
    """
    unitary, (d_a, d_b) = check_bipartite(unitary, dims)
    blocks = unitary.reshape(d_a, d_b, d_a, d_b)
    if d_a > d_b:
        blocks, d_a, d_b = blocks.transpose(1, 0, 3, 2), d_b, d_a
    columns = blocks.transpose(0, 2, 1, 3).reshape(d_a**2, d_b, d_b)  # U_ij
    # Tr[sigma U_m^dag U_n] = sum_xy (U_m^dag U_n)_yx sigma_xy, one row for each (m, n)
    products = columns.conj().swapaxes(1, 2)[:, None] @ columns[None]
    system = products.swapaxes(2, 3).reshape(d_a**4, d_b**2)
    target = np.eye(d_a**2).ravel() / d_a
    inverse = np.linalg.pinv(system, rcond=1e-10)
    sigma = _hermitian((inverse @ target).reshape(d_b, d_b))
    residual = float(np.linalg.norm(system @ sigma.ravel() - target))
    if residual > 1e-7:
        return Maximality(False, residual, sigma)
    point = sigma  # Douglas and Rachford's iteration: reflect, reflect, average
    for _ in range(2000):
        if np.linalg.eigvalsh(sigma)[0] > -1e-7:
            return Maximality(True, residual, sigma)
        positive = _positive_part(point)
        mirrored = 2 * positive - point
        error = system @ mirrored.ravel() - target
        sigma = _hermitian(mirrored - (inverse @ error).reshape(d_b, d_b))
        point = point + sigma - positive
    return Maximality(False, residual, sigma)


def _positive_part(matrix: NDArray) -> NDArray:
    """The nearest positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0.0)) @ vectors.conj().T


def _hermitian(matrix: NDArray) -> NDArray:
    """The Hermitian part of a matrix."""
    return (matrix + matrix.conj().T) / 2


def realign(matrix: NDArray, dims: tuple[int, int]) -> NDArray:
    """Rows ``(a_out, a_in)``, columns ``(b_out, b_in)``: ``(dA^2, dB^2)``."""
    d_a, d_b = dims
    tensor = matrix.reshape(d_a, d_b, d_a, d_b).transpose(0, 2, 1, 3)
    return tensor.reshape(d_a * d_a, d_b * d_b)
