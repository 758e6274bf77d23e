"""A memory that is dephased between two steps: a classical memory of the same size."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qlstm import DensityRule, QLSTMConfig, QLSTMParams, register_memory
from qlstm.insight import trace
from qsim import HADAMARD

BASES = ("Z", "X", "eigenbasis")
NAME = "dephased-in-a-basis"
"""What `QLSTMConfig.memory` calls the rule."""


class Dephased(DensityRule):
    """The mean over outcomes, as `mixed`, and then only its populations in a basis.

    ``sigma' = D(sum_i R_i)``, ``D(sigma) = sum_k |v_k><v_k| sigma |v_k><v_k|``. D is
    entanglement-breaking: between two steps there are d_a probabilities and nothing
    else. It is its own adjoint, so that it stands in the backward pass as it is.

    Args:
        basis: The vectors v_k as columns, a unitary ``(d_a, d_a)``. It is held fixed.
    """

    shift, is_channel = "linear", True

    def __init__(self, basis: NDArray) -> None:
        self.basis = np.asarray(basis)

    def dephase(self, sigma: NDArray) -> NDArray:
        """``D(sigma)``, ``(..., d_a, d_a)``."""
        v = self.basis
        populations = ((v.conj().T @ sigma) * v.T).sum(axis=-1)
        return (v * populations[..., None, :]) @ v.conj().T

    def update(
        self, branches: NDArray, rngs: Any = None, given: Any = None
    ) -> tuple[NDArray, tuple[int, ...]]:
        """``sigma' = D(sum_i R_i)``."""
        return self.dephase(branches.sum(axis=-3)), branches.shape

    def update_backward(self, grad_memory: NDArray, cache: tuple[int, ...]) -> NDArray:
        """``grad_R_i = D(grad_sigma')``."""
        return np.broadcast_to(self.dephase(grad_memory)[..., None, :, :], cache)


def dephased(config: QLSTMConfig, basis: NDArray) -> QLSTMConfig:
    """The same cell with its memory dephased in a basis.

    The rule is registered under one name: what was dephased before no longer is in its
    own basis, so make the configuration where you use it.
    """
    register_memory(NAME, Dephased(basis))
    return replace(config, memory=NAME)


def fixed_basis(name: str, n_ancilla: int) -> NDArray[np.float64]:
    """The basis ``"Z"`` or ``"X"`` of all wires of the memory, ``(d_a, d_a)``."""
    basis = np.eye(1)
    for _ in range(n_ancilla):
        basis = np.kron(basis, HADAMARD if name == "X" else np.eye(2))
    return basis


def eigenbasis(
    params: QLSTMParams, inputs: NDArray, config: QLSTMConfig, washout: int
) -> tuple[NDArray, float]:
    """Eigenbasis of the mean memory over sequences and steps, and its smallest gap.

    Each memory dephased in its *own* eigenbasis would stay as it is: no control at all,
    and no channel. The mean's basis is chosen once, before any input is known.

    Args:
        params: The trained cell.
        inputs: Training sequences ``(batch, n_steps, 1)``.
        config: The cell, with the rule `mixed`.
        washout: Steps that are left out at the beginning.

    Returns:
        The eigenvectors as columns, and the smallest distance of two eigenvalues: where
        it is 0 the basis is not unique.
    """
    after = trace(params, inputs, config).memory_after[:, washout:]
    values, vectors = np.linalg.eigh(after.mean(axis=(0, 1)))
    return vectors, float(np.diff(values).min())


def basis_of(
    name: str,
    params: QLSTMParams,
    inputs: NDArray,
    config: QLSTMConfig,
    washout: int,
) -> NDArray:
    """One of `BASES`; Z and X do not ask for the cell."""
    if name == "eigenbasis":
        return eigenbasis(params, inputs, config, washout)[0]
    return fixed_basis(name, config.n_ancilla)
