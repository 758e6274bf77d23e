"""The memory rule `mixed`: the memory is a density matrix, the mean over outcomes.

With the input put in, a step is a quantum channel with Kraus operators
``K_i = <i|_sys W |u>_sys`` (paper, eq. 8):

    sigma' = sum_i K_i sigma K_i^dag,    y = sum_i z_i Tr(K_i sigma K_i^dag)

It is the exact mean of `sampled` over all outcome records, linear in sigma, smooth and
free of ties. Derivations: docs/gradients.md, section 5.
"""

import numpy as np
from numpy.typing import NDArray


def first_density(batch: int, dim: int) -> NDArray[np.float64]:
    """The memory a sequence starts with, ``|0...0><0...0|``."""
    sigma = np.zeros((batch, dim, dim))
    sigma[:, 0, 0] = 1.0
    return sigma


def channel(kraus: NDArray, sigma: NDArray) -> NDArray:
    """The next memory.

    Args:
        kraus: Kraus operators ``(batch, 2**n_system, d, d)``, ``d = 2**n_ancilla``.
        sigma: Density matrices ``(batch, d, d)``.

    Returns:
        Density matrices ``(batch, d, d)``.
    """
    stacked = _side_by_side(kraus)  # (batch, d, outcomes * d)
    pushed = _side_by_side(kraus @ sigma[:, None])
    return pushed @ stacked.conj().swapaxes(1, 2)


def outcome_probabilities(kraus: NDArray, sigma: NDArray) -> NDArray[np.float64]:
    """``p_i = Tr(K_i sigma K_i^dag)``: ``(batch, 2**n_system)``."""
    return ((kraus @ sigma[:, None]) * kraus.conj()).real.sum(axis=(2, 3))


def step_backward(
    kraus: NDArray, sigma: NDArray, grad_next: NDArray, grad_p: NDArray
) -> tuple[NDArray, NDArray]:
    """Pull gradients of the next memory and the outcome probabilities back.

    ``G_i = grad_sigma' + grad_p_i 1``, ``grad_K_i = 2 G_i K_i sigma``,
    ``grad_sigma = sum_i K_i^dag G_i K_i`` (G and sigma Hermitian).

    Args:
        kraus: Kraus operators ``(batch, 2**n_system, d, d)``.
        sigma: The memory that entered, ``(batch, d, d)``.
        grad_next: Gradient of the next memory, Hermitian, ``(batch, d, d)``.
        grad_p: Gradient of the outcome probabilities, ``(batch, 2**n_system)``.

    Returns:
        Gradients of the Kraus operators and of the memory that entered.
    """
    eye = np.eye(sigma.shape[1])
    g = grad_next[:, None] + grad_p[:, :, None, None] * eye
    pulled = g @ kraus
    grad_kraus = 2 * pulled @ sigma[:, None]
    grad_sigma = (kraus.conj().swapaxes(2, 3) @ pulled).sum(axis=1)
    return grad_kraus, grad_sigma


def _side_by_side(operators: NDArray) -> NDArray:
    """``(batch, n, d, d)`` as ``(batch, d, n * d)``."""
    batch, n, d, _ = operators.shape
    return operators.swapaxes(1, 2).reshape(batch, d, n * d)
