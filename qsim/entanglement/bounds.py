"""Upper bounds on the entangling power, with a proof that a reader can check.

The logarithmic negativity grows by at most ``log2 || T_B o U o T_B ||_diamond`` per use
of U, and so does, in the limit of many copies, the entropy of entanglement:
``E_up(U) <= LN(U)``. Any decomposition ``U = sum_k a_k (x) b_k`` bounds the norm. The
map ``T_B o U o T_B`` is
``X -> sum_kl (a_k (x) conj b_l) X (a_l (x) conj b_k)^dag``, and a map
``sum_j L_j X M_j^dag`` has a diamond norm of at most
``|| sum L^dag L ||^(1/2) || sum M^dag M ||^(1/2)``, here both times the same:

    LN(U) <= log2 || sum_k a_k^dag a_k || + log2 || sum_k b_k^dag b_k ||            (1)

A pair of density matrices (rho_a, rho_b) gives such a decomposition, the operator
Schmidt decomposition of ``U (sqrt rho_a (x) sqrt rho_b)`` with the roots taken off
again. It gives a value from below, too,

    LN(U) >= 2 log2 || R(U (sqrt rho_a (x) sqrt rho_b)) ||_1,   R the realignment   (2)

and at the maximum of (2) both agree, which pins LN(U) down.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.entanglement.checks import check_bipartite, check_density
from qsim.entanglement.gain import minimize
from qsim.entanglement.unitaries import realign
from qsim.numbers import as_numbers

EIGENVALUE_FLOOR = 1e-7
"""Smallest eigenvalue of a density matrix whose root is inverted; below, rounding
makes a "bound" that is too low (by 4e-5 at 1e-14)."""


class LogNegativityCapacity(NamedTuple):
    """LN(U) from both sides: what `log_negativity_capacity` returns."""

    value: float
    """Equation (2) at rho_a, rho_b; LN(U) is at least this, in ebits."""
    upper_bound: float
    """Equation (1) at rho_a, rho_b; LN(U), and E_up(U), are at most this."""
    rho_a: NDArray
    """Density matrix on A, ``(dA, dA)``."""
    rho_b: NDArray
    """Density matrix on B, ``(dB, dB)``."""


def dual_upper_bound(
    unitary: ArrayLike,
    dims: Sequence[int],
    rho_a: ArrayLike | None = None,
    rho_b: ArrayLike | None = None,
) -> float:
    """Upper bound on E_up, with ancillas of any size, from a pair of density matrices.

    ``log2 || sum_k a_k^dag a_k || + log2 || sum_k b_k^dag b_k ||`` with
    ``a_k = sqrt(t_k) A_k rho_a^(-1/2)``, `b_k` alike, and
    ``U (rho_a^(1/2) (x) rho_b^(1/2)) = sum_k t_k A_k (x) B_k`` the operator Schmidt
    decomposition. Every full-rank pair gives a valid bound, up to rounding.

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.
        rho_a: Density matrix ``(dA, dA)`` with eigenvalues of at least 1e-7. Without
            it, maximally mixed: a bound that costs one SVD.
        rho_b: The same for B, ``(dB, dB)``.

    Returns:
        The bound in ebits; the trivial one, ``2 log2 min(dA, dB)``, if that is lower.

    Raises:
        ValueError: If the matrix is not unitary, the dimensions do not fit, or a
            density matrix is none, has the wrong shape or too small an eigenvalue.

    Example:
        A weak Ising gate, whose exact LN is ``log2(1 + sin 2a)``:

        >>> from qsim.entanglement import canonical_gate
        >>> round(dual_upper_bound(canonical_gate(0, 0, 0.3), (2, 2)), 6)
        0.645833
    """
    unitary, dims = check_bipartite(unitary, dims)
    rhos = []
    for name, rho, dim in (("rho_a", rho_a, dims[0]), ("rho_b", rho_b, dims[1])):
        rho = np.eye(dim) / dim if rho is None else as_numbers(name, rho)
        if rho.shape != (dim, dim):
            raise ValueError(
                f"Argument `{name}` must have shape {(dim, dim)}, but has {rho.shape}."
            )
        smallest = np.linalg.eigvalsh(check_density(rho[None], name))[0, 0]
        if not smallest >= 0.99 * EIGENVALUE_FLOOR:
            raise ValueError(
                f"Argument `{name}` must have eigenvalues of at least "
                f"{EIGENVALUE_FLOOR:g}, but one is {smallest:.3g}."
            )
        rhos.append(rho)
    return _dual_bound(unitary, dims, *rhos)


def log_negativity_capacity(
    unitary: ArrayLike, dims: Sequence[int]
) -> LogNegativityCapacity:
    """Logarithmic negativity that a unitary can create: the best bound of this kind.

    ``LN(U) = max 2 log2 || R(U (sqrt rho_a (x) sqrt rho_b)) ||_1`` over density
    matrices, by L-BFGS from the maximally mixed pair. The upper bound is proved by
    `dual_upper_bound` whatever the optimizer did; how close the two values come is
    numerical. They usually agree to 1e-6, which shows that both are LN(U).

    Args:
        unitary: Unitary ``(dA dB, dA dB)``.
        dims: The dimensions ``(dA, dB)``.

    Returns:
        A `LogNegativityCapacity` (value, upper_bound, rho_a, rho_b), the density
        matrices mixed with as much identity as makes the upper bound lowest.

    Raises:
        ValueError: If the matrix is not unitary or the dimensions do not fit.

    References:
        Gour and Scandolo, arXiv:1907.02552: the logarithmic negativity of a bipartite
        channel. Campbell, Phys. Rev. A 82, 042314 (2010), from memory.

    Example:
        >>> from qsim.entanglement import canonical_gate
        >>> capacity = log_negativity_capacity(canonical_gate(0, 0, 0.3), (2, 2))
        >>> round(capacity.value, 6), round(capacity.upper_bound, 6)
        (0.645833, 0.645833)
    """
    unitary, dims = check_bipartite(unitary, dims)
    d_a, d_b = dims
    tensor = unitary.reshape(d_a, d_b, d_a, d_b)
    begin = np.concatenate([np.eye(d).ravel() for d in dims])
    end = minimize(lambda x: _negative_trace_norm(x, tensor), begin, 500)
    rhos = [x @ x.conj().T for x in _split_factors(end, d_a)]
    return _best_mixture(unitary, dims, *(rho / np.trace(rho).real for rho in rhos))


def _negative_trace_norm(
    flat: NDArray, tensor: NDArray
) -> tuple[float, NDArray[np.float64]]:
    """``-|| R(U (X (x) Y)) ||_1 / |X| |Y|`` and its gradient, ``rho_a = X X^dag``."""
    d_a, d_b = tensor.shape[:2]
    x, y = _split_factors(flat.view(complex), d_a)
    norm_x, norm_y = np.linalg.norm(x), np.linalg.norm(y)
    x, y = x / norm_x, y / norm_y
    half = tensor @ y  # (a_out, b_out, a_in, b)
    full = np.einsum("abcf,ce->aebf", half, x, optimize=False)
    u, s, vh = np.linalg.svd(full.reshape(d_a**2, d_b**2), full_matrices=False)
    # Local factors cannot raise a rank, so zero singular values add no gradient.
    grad = (u @ vh).reshape(full.shape)  # (a_out, a, b_out, b)
    grad_x = np.einsum("abcf,aebf->ce", half.conj(), grad)
    half = np.einsum("abcd,ce->abed", tensor, x)
    grad_y = np.einsum("abed,aebf->df", half.conj(), grad)
    value = s.sum()
    grad_x = (grad_x - value * x) / norm_x
    grad_y = (grad_y - value * y) / norm_y
    return -value, -np.concatenate([grad_x.ravel(), grad_y.ravel()]).view(float)


def _split_factors(factors: NDArray, d_a: int) -> tuple[NDArray, NDArray]:
    """The vector of the optimizer as X ``(dA, dA)`` and Y ``(dB, dB)``."""
    d_b = round(np.sqrt(factors.size - d_a**2))
    return factors[: d_a**2].reshape(d_a, d_a), factors[d_a**2 :].reshape(d_b, d_b)


def _best_mixture(
    unitary: NDArray, dims: tuple[int, int], rho_a: NDArray, rho_b: NDArray
) -> LogNegativityCapacity:
    """The dual point with as much identity mixed in as makes its bound lowest."""
    best = None
    for share in (0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0):
        mixed = [
            (1 - share) * rho + share * np.eye(d) / d
            for rho, d in zip((rho_a, rho_b), dims, strict=True)
        ]
        if min(np.linalg.eigvalsh(rho)[0] for rho in mixed) < EIGENVALUE_FLOOR:
            continue
        bound = _dual_bound(unitary, dims, *mixed)
        if best is None or bound < best.upper_bound:
            value = 2 * np.log2(_weighted_schmidt(unitary, dims, *mixed)[1].sum())
            best = LogNegativityCapacity(float(value), bound, *mixed)
    return best


def _weighted_schmidt(
    unitary: NDArray, dims: tuple[int, int], rho_a: NDArray, rho_b: NDArray
) -> tuple[NDArray, NDArray, NDArray, list[NDArray]]:
    """SVD of ``R(U (sqrt rho_a (x) sqrt rho_b))``, and the inverse roots."""
    roots, inverses = [], []
    for rho in (rho_a, rho_b):
        values, vectors = np.linalg.eigh(rho)
        adjoint = vectors.conj().T
        roots.append((vectors * np.sqrt(values)) @ adjoint)
        inverses.append((vectors / np.sqrt(values)) @ adjoint)
    weighted = realign(unitary @ np.kron(*roots), dims)
    return *np.linalg.svd(weighted, full_matrices=False), inverses


def _dual_bound(
    unitary: NDArray, dims: tuple[int, int], rho_a: NDArray, rho_b: NDArray
) -> float:
    """Equation (1) for checked arguments, or the trivial bound if that is lower."""
    u, t, vh, inverses = _weighted_schmidt(unitary, dims, rho_a, rho_b)
    bound = 0.0
    sides = ((u.T, dims[0], inverses[0]), (vh, dims[1], inverses[1]))
    for operators, d, inverse in sides:
        operators = operators.reshape(-1, d, d) @ inverse
        total = np.einsum("k,kji,kjl->il", t, operators.conj(), operators)
        bound += np.log2(np.linalg.eigvalsh(total)[-1])
    return float(min(bound, 2 * np.log2(min(dims))))
