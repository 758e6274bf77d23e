"""How much entanglement a pure state holds, across any cut of its wires.

States are ``(batch, 2, ..., 2)`` and normalized; `wires` names one side of the cut, the
other side is the rest. Entropies are in bits. Quantities of density matrices stand in
`density`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.entanglement.checks import check_normalized
from qsim.entanglement.density import entropy_of_probabilities, rounding
from qsim.measure import reduced_density_matrix, split_state
from qsim.state import check_state


def schmidt_coefficients(state: ArrayLike, wires: Sequence[int]) -> NDArray[np.float64]:
    """Schmidt coefficients of a state across a cut.

    ``state = sum_k s_k |a_k> |b_k>`` with orthonormal ``a_k`` and ``b_k``

    Args:
        state: Normalized states ``(batch, 2, ..., 2)`` of n wires.
        wires: The k wires of one side.

    Returns:
        float64 array ``(batch, 2**min(k, n - k))``, decreasing; the squares sum to 1.

    Raises:
        ValueError: If the state or the wires are wrong.

    Example:
        >>> bell = np.array([[[1.0, 0.0], [0.0, 1.0]]]) / np.sqrt(2)
        >>> schmidt_coefficients(bell, [0]).round(3)
        array([[0.707, 0.707]])
    """
    matrix, _ = split_state(check_normalized(state), wires)
    return np.linalg.svd(matrix, compute_uv=False)


def entanglement_entropy(
    state: ArrayLike, wires: Sequence[int], alpha: float = 1.0
) -> NDArray[np.float64]:
    """Entropy of entanglement across a cut, in ebits.

    ``S = -sum_k s_k^2 log2 s_k^2`` of the Schmidt coefficients ``s_k``; of order
    alpha, ``S_alpha = log2(sum_k s_k^(2 alpha)) / (1 - alpha)``.

    Args:
        state: Normalized states ``(batch, 2, ..., 2)``.
        wires: The wires of one side.
        alpha: Renyi order, from 0 to ``inf``; 1 is von Neumann's entropy. Below 1,
            coefficients that are rounding of zero do not count (see `entropy`).

    Returns:
        float64 array ``(batch,)``, in bits.

    Raises:
        ValueError: If the state, the wires or alpha are wrong.

    References:
        Bennett et al., Phys. Rev. A 53, 2046 (1996).

    Example:
        A Bell pair is one ebit:

        >>> bell = np.array([[[1.0, 0.0], [0.0, 1.0]]]) / np.sqrt(2)
        >>> entanglement_entropy(bell, [0]).round(6)
        array([1.])
    """
    s = schmidt_coefficients(state, wires)
    return entropy_of_probabilities(s**2, alpha, rounding(s, state) ** 2)


def linear_entropy(state: ArrayLike, wires: Sequence[int]) -> NDArray[np.float64]:
    """Linear entropy of one side of a cut.

    ``S_lin = 1 - Tr rho^2 = 2 sum_{j<k} p_j p_k``, ``p_k`` the squared Schmidt
    coefficients; the second form keeps its digits near product states.

    Args:
        state: Normalized states ``(batch, 2, ..., 2)``.
        wires: The wires of one side.

    Returns:
        float64 array ``(batch,)``, from 0 to ``1 - 1 / 2**min(k, n - k)``.

    Raises:
        ValueError: If the state or the wires are wrong.

    Example:
        >>> bell = np.array([[[1.0, 0.0], [0.0, 1.0]]]) / np.sqrt(2)
        >>> linear_entropy(bell, [0]).round(6)
        array([0.5])
    """
    p = schmidt_coefficients(state, wires) ** 2
    below = p[:, ::-1].cumsum(axis=1)[:, ::-1]  # p_k plus everything smaller
    return 2 * (p[:, :-1] * below[:, 1:]).sum(axis=1)


def pure_concurrence(state: ArrayLike, wires: Sequence[int]) -> NDArray[np.float64]:
    """Concurrence of a pure state across a cut.

    ``C = sqrt(2 (1 - Tr rho^2))``, and ``2 |ad - bc|`` for two qubits (a, b, c, d).

    Args:
        state: Normalized states ``(batch, 2, ..., 2)``.
        wires: The wires of one side.

    Returns:
        float64 array ``(batch,)``; over 1 is possible when both sides have two wires.

    Raises:
        ValueError: If the state or the wires are wrong.

    References:
        Rungta et al., Phys. Rev. A 64, 042315 (2001).

    Example:
        >>> pure_concurrence([[[0.6, 0.0], [0.0, 0.8]]], [0]).round(6)
        array([0.96])
    """
    return np.sqrt(2 * linear_entropy(state, wires))


def mutual_information(
    state: ArrayLike, wires_a: Sequence[int], wires_b: Sequence[int]
) -> NDArray[np.float64]:
    """Quantum mutual information of two sets of wires.

    ``I(A : B) = S(A) + S(B) - S(AB)``

    Args:
        state: Normalized states ``(batch, 2, ..., 2)``.
        wires_a: The wires of A.
        wires_b: The wires of B, none of them in A. Other wires are traced out.

    Returns:
        float64 array ``(batch,)``, in bits, at most twice the smaller side's wires.

    Raises:
        ValueError: If the state or the wires are wrong, or a wire is on both sides.

    Example:
        Two wires of a GHZ state share one classical bit:

        >>> ghz = np.zeros((1, 2, 2, 2))
        >>> ghz[0, 0, 0, 0] = ghz[0, 1, 1, 1] = np.sqrt(0.5)
        >>> mutual_information(ghz, [0], [1]).round(6)
        array([1.])
    """
    wires_a, wires_b = list(wires_a), list(wires_b)
    if set(wires_a) & set(wires_b):
        raise ValueError(
            "Arguments `wires_a` and `wires_b` must be disjoint, "
            f"but are {wires_a} and {wires_b}."
        )
    parts = (wires_a, wires_b, wires_a + wires_b)
    s_a, s_b, s_ab = (entanglement_entropy(state, wires) for wires in parts)
    return np.maximum(s_a + s_b - s_ab, 0.0)


def bloch_vectors(state: ArrayLike) -> NDArray[np.float64]:
    """Bloch vector of every wire.

    ``r = (<X>, <Y>, <Z>)``

    Args:
        state: Normalized states ``(batch, 2, ..., 2)``.

    Returns:
        float64 array ``(batch, n_wires, 3)``; its length is 1 where a wire is in a
        state of its own, shorter where it is entangled.

    Raises:
        ValueError: If the state is wrong.

    Example:
        >>> from qsim import zero_state
        >>> bloch_vectors(zero_state(1))
        array([[[0., 0., 1.]]])
    """
    state = check_normalized(state)
    rho = [reduced_density_matrix(state, [wire]) for wire in range(state.ndim - 1)]
    rho = np.stack(rho, axis=1)  # (batch, n_wires, 2, 2)
    x, y = 2 * rho[..., 1, 0].real, 2 * rho[..., 1, 0].imag
    z = (rho[..., 0, 0] - rho[..., 1, 1]).real
    return np.stack([x, y, z], axis=-1)


def meyer_wallach(state: ArrayLike) -> NDArray[np.float64]:
    """Meyer and Wallach's Q: the mean entanglement of one wire with the rest.

    ``Q = 2 (1 - mean_w Tr rho_w^2) = mean_w 2 S_lin(w)``

    Args:
        state: Normalized states ``(batch, 2, ..., 2)``, at least two wires.

    Returns:
        float64 array ``(batch,)``, 0 for product states, 1 for GHZ states.

    Raises:
        ValueError: If the state is wrong, or has one wire only.

    References:
        Meyer and Wallach, J. Math. Phys. 43, 4273 (2002); the form is Brennen's,
        Quantum Inf. Comput. 3, 619 (2003).

    Example:
        >>> bell = np.array([[[1.0, 0.0], [0.0, 1.0]]]) / np.sqrt(2)
        >>> meyer_wallach(bell).round(6)
        array([1.])
    """
    state = check_state(state)
    if state.ndim < 3:
        raise ValueError(
            f"Argument `state` must have at least two wires, but has {state.ndim - 1}."
        )
    per_wire = [linear_entropy(state, [wire]) for wire in range(state.ndim - 1)]
    return 2 * np.mean(per_wire, axis=0)
