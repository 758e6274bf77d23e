"""Quantities of density matrices ``(batch, d, d)``: entropies, distances, entanglement.

Every function checks that its matrices are Hermitian and positive semidefinite with
trace one, so a state that was never normalized, or a nan, is an error and not a number.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.entanglement.checks import check_density, check_dims
from qsim.gates import PAULI_Y
from qsim.numbers import as_number, resolution


def entropy(rho: ArrayLike, alpha: float = 1.0) -> NDArray[np.float64]:
    """Entropy of density matrices: von Neumann's, or Renyi's of any order.

    ``S = -Tr rho log2 rho``, ``S_alpha = log2(Tr rho^alpha) / (1 - alpha)``

    Args:
        rho: Density matrices ``(batch, d, d)``.
        alpha: Order, from 0 to ``inf``. 1 is von Neumann's, 0 the logarithm of the
            rank, ``inf`` minus that of the largest eigenvalue. Below 1, eigenvalues
            that are rounding of zero do not count: with the largest as the unit, up to
            ``16 d`` times the machine epsilon of `rho`.

    Returns:
        float64 array ``(batch,)``, in bits.

    Raises:
        ValueError: If `rho` is not a batch of density matrices, or alpha is negative.

    Example:
        A fair coin holds one bit:

        >>> entropy(np.eye(2)[None] / 2)
        array([1.])
    """
    p = np.linalg.eigvalsh(check_density(rho))
    return entropy_of_probabilities(p, alpha, rounding(p, rho))


def rounding(values: NDArray, source: ArrayLike) -> float:
    """Up to which part of the largest one an eigenvalue or singular value may be 0."""
    return 16 * values.shape[-1] * resolution(source)


def entropy_of_probabilities(
    p: NDArray, alpha: float = 1.0, floor: float = 0.0
) -> NDArray[np.float64]:
    """Shannon or Renyi entropy, in bits, of the last axis; ``0 log 0 = 0``.

    Orders below 1 leave out what is at most `floor` times the largest probability.
    """
    alpha = as_number("alpha", alpha, finite=False)
    if not alpha >= 0:
        raise ValueError(f"Argument `alpha` must be at least 0, but is {alpha:g}.")
    p = np.where(p > 0, p, 0.0)
    if alpha < 1:
        p = np.where(p > floor * p.max(axis=-1, keepdims=True), p, 0.0)
    if alpha == 1:
        logs = np.log2(p, out=np.zeros_like(p), where=p > 0)
        entropies = -(p * logs).sum(axis=-1)
    elif alpha == 0:
        entropies = np.log2((p > 0).sum(axis=-1))
    elif abs(alpha - 1) < 1e-3:
        # Tr rho^alpha - 1 = sum p (p^(alpha - 1) - 1), without the difference of two
        # numbers close to 1 that is divided by 1 - alpha
        p = p / p.sum(axis=-1, keepdims=True)
        logs = np.log(p, out=np.zeros_like(p), where=p > 0)
        change = (p * np.expm1((alpha - 1) * logs)).sum(axis=-1)
        entropies = np.log1p(change) / ((1 - alpha) * np.log(2))
    else:
        # Factoring out the largest p keeps p**alpha from underflowing.
        top = p.max(axis=-1)
        entropies = -np.log2(top)
        if alpha < 1e300:  # above, its multiples overflow and inf is as good
            rest = np.log2(((p / top[..., None]) ** alpha).sum(axis=-1))
            entropies = (rest - alpha * entropies) / (1 - alpha)
    return np.maximum(entropies, 0.0)  # rounding leaves pure states at -1e-16


def purity(rho: ArrayLike) -> NDArray[np.float64]:
    """Purity of density matrices: 1 when pure, 1/d when maximally mixed.

    ``P = Tr rho^2 = sum |rho_ij|^2``

    Args:
        rho: Density matrices ``(batch, d, d)``.

    Returns:
        float64 array ``(batch,)``.

    Raises:
        ValueError: If `rho` is not a batch of density matrices.

    Example:
        >>> purity(np.eye(4)[None] / 4)
        array([0.25])
    """
    rho = check_density(rho)
    return (rho.real**2 + rho.imag**2).sum(axis=(1, 2))


def trace_distance(rho: ArrayLike, sigma: ArrayLike) -> NDArray[np.float64]:
    """Trace distance: how well one measurement can tell two states apart.

    ``T = || rho - sigma ||_1 / 2``, from 0 (equal) to 1 (orthogonal).

    Args:
        rho: Density matrices ``(batch, d, d)``.
        sigma: Density matrices of the same shape.

    Returns:
        float64 array ``(batch,)``.

    Raises:
        ValueError: If an argument is not a batch of density matrices, or the shapes
            differ.

    Example:
        >>> trace_distance(np.diag([1.0, 0.0])[None], np.eye(2)[None] / 2)
        array([0.5])
    """
    rho, sigma = _check_pair(rho, sigma)
    return np.abs(np.linalg.eigvalsh(rho - sigma)).sum(axis=1) / 2


def fidelity(rho: ArrayLike, sigma: ArrayLike) -> NDArray[np.float64]:
    """Fidelity of two states; for pure ones their squared overlap.

    ``F = (Tr sqrt(sqrt(rho) sigma sqrt(rho)))^2 = || sqrt(rho) sqrt(sigma) ||_1^2``

    Args:
        rho: Density matrices ``(batch, d, d)``.
        sigma: Density matrices of the same shape.

    Returns:
        float64 array ``(batch,)``, from 0 to 1. Near 0 its error is of order 1e-16,
        that of its square root 1e-8.

    Raises:
        ValueError: If an argument is not a batch of density matrices, or the shapes
            differ.

    References:
        Jozsa, J. Mod. Opt. 41, 2315 (1994): the squared form, as in PennyLane.

    Example:
        >>> fidelity(np.diag([1.0, 0.0])[None], np.eye(2)[None] / 2).round(6)
        array([0.5])
    """
    rho, sigma = _check_pair(rho, sigma)
    # rho = A A^dag and sigma = B B^dag for any such factors, so || A^dag B ||_1.
    product = _factor(rho).conj().swapaxes(1, 2) @ _factor(sigma)
    singular = np.linalg.svd(product, compute_uv=False)
    return singular.sum(axis=1) ** 2


def concurrence(rho: ArrayLike) -> NDArray[np.float64]:
    """Wootters' concurrence of two-qubit density matrices.

    ``C = max(0, l1 - l2 - l3 - l4)``, ``l`` the decreasing square roots of the
    eigenvalues of ``rho (Y x Y) rho* (Y x Y)``: the singular values of
    ``A^T (Y x Y) A`` for any ``A`` with ``rho = A A^dag``.

    Args:
        rho: Density matrices ``(batch, 4, 4)``.

    Returns:
        float64 array ``(batch,)``, 0 for separable states, 1 for Bell pairs.

    Raises:
        ValueError: If `rho` is not a batch of two-qubit density matrices.

    References:
        Wootters, Phys. Rev. Lett. 80, 2245 (1998).

    Example:
        >>> bell = np.array([1.0, 0.0, 0.0, 1.0]) / np.sqrt(2)
        >>> concurrence(np.outer(bell, bell)[None]).round(6)
        array([1.])
    """
    rho = check_density(rho)
    if rho.shape[1] != 4:
        raise ValueError(
            f"Argument `rho` must have shape (batch, 4, 4), but has {rho.shape}."
        )
    factor = _factor(rho)
    flipped = factor.swapaxes(1, 2) @ np.kron(PAULI_Y, PAULI_Y).real @ factor
    singular = np.linalg.svd(flipped, compute_uv=False)
    return np.maximum(2 * singular[:, 0] - singular.sum(axis=1), 0.0)


def negativity(rho: ArrayLike, dims: Sequence[int]) -> NDArray[np.float64]:
    """Negativity: the weight that the partial transpose has below zero.

    ``N = (|| rho^(T_B) ||_1 - 1) / 2``

    Args:
        rho: Density matrices ``(batch, dA dB, dA dB)``, row index ``a * dB + b``.
        dims: The dimensions ``(dA, dB)`` of the two sides.

    Returns:
        float64 array ``(batch,)``, 0 for every separable state.

    Raises:
        ValueError: If `rho` is not a batch of density matrices of these dimensions.

    References:
        Vidal and Werner, Phys. Rev. A 65, 032314 (2002).

    Example:
        >>> bell = np.array([1.0, 0.0, 0.0, 1.0]) / np.sqrt(2)
        >>> negativity(np.outer(bell, bell)[None], (2, 2)).round(6)
        array([0.5])
    """
    return np.maximum(_transposed_norm(rho, dims) - 1, 0.0) / 2


def log_negativity(rho: ArrayLike, dims: Sequence[int]) -> NDArray[np.float64]:
    """Logarithmic negativity: an upper bound on the ebits that can be distilled.

    ``LN = log2 || rho^(T_B) ||_1``

    Args:
        rho: Density matrices ``(batch, dA dB, dA dB)``, row index ``a * dB + b``.
        dims: The dimensions ``(dA, dB)`` of the two sides.

    Returns:
        float64 array ``(batch,)``, in bits.

    Raises:
        ValueError: If `rho` is not a batch of density matrices of these dimensions.

    References:
        Vidal and Werner, Phys. Rev. A 65, 032314 (2002): the bound. Plenio, Phys. Rev.
        Lett. 95, 090503 (2005): it does not grow under local operations.

    Example:
        >>> bell = np.array([1.0, 0.0, 0.0, 1.0]) / np.sqrt(2)
        >>> log_negativity(np.outer(bell, bell)[None], (2, 2)).round(6)
        array([1.])
    """
    return np.maximum(np.log2(_transposed_norm(rho, dims)), 0.0)


def _check_pair(rho: ArrayLike, sigma: ArrayLike) -> tuple[NDArray, NDArray]:
    """Return two batches of density matrices, or say what is wrong with one."""
    rho, sigma = check_density(rho), check_density(sigma, "sigma")
    if rho.shape != sigma.shape:
        raise ValueError(
            f"Argument `sigma` must have the shape of `rho`, {rho.shape}, "
            f"but has {sigma.shape}."
        )
    return rho, sigma


def _factor(rho: NDArray) -> NDArray:
    """A matrix ``A`` with ``rho = A A^dag``: eigenvectors times square roots."""
    values, vectors = np.linalg.eigh(rho)
    return vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]


def _transposed_norm(rho: ArrayLike, dims: Sequence[int]) -> NDArray[np.float64]:
    """The trace norm of the partial transpose, ``(batch,)``."""
    rho = check_density(rho)
    d_a, d_b = check_dims(dims, rho.shape[1], "rho")
    tensor = rho.reshape(-1, d_a, d_b, d_a, d_b).swapaxes(2, 4)
    return np.abs(np.linalg.eigvalsh(tensor.reshape(rho.shape))).sum(axis=1)
