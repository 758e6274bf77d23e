"""What every quantity asks of its arguments: said once, at the public border."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.state import check_state

TOLERANCE = 1e-6
"""How far a trace, a norm or a Hermitian pair of entries may be off; float32 passes."""


def check_normalized(state: ArrayLike) -> NDArray:
    """Return `state` as an array, or say which sample does not have norm 1."""
    state = check_state(state)
    norm = np.linalg.norm(state.reshape(len(state), -1), axis=1)
    text = "Argument `state` must be normalized, but sample {} has norm {:.6g}."
    _check_samples(np.abs(norm - 1), norm, text)
    return state


def check_density(rho: ArrayLike, name: str = "rho") -> NDArray:
    """Return `rho` as an array, or say why it is no batch of density matrices."""
    rho = np.asarray(rho)
    if rho.ndim != 3 or rho.shape[1] != rho.shape[2] or rho.shape[1] < 1:
        raise ValueError(
            f"Argument `{name}` must have shape (batch, d, d), but has {rho.shape}."
        )
    off = np.abs(rho - rho.conj().swapaxes(1, 2)).max(axis=(1, 2), initial=0.0)
    text = f"Argument `{name}` must be Hermitian, but sample {{}} is off by {{:.3g}}."
    _check_samples(off, off, text)
    trace = np.trace(rho, axis1=1, axis2=2).real
    text = f"Argument `{name}` must have trace 1, but sample {{}} has {{:.6g}}."
    _check_samples(np.abs(trace - 1), trace, text)
    return rho


def check_unitary(unitary: ArrayLike) -> NDArray:
    """Return `unitary` as an array, or say why it is not a unitary matrix."""
    unitary = np.asarray(unitary)
    if unitary.ndim != 2 or unitary.shape[0] != unitary.shape[1] or not len(unitary):
        raise ValueError(
            f"Argument `unitary` must have shape (d, d), but has {unitary.shape}."
        )
    off = np.abs(unitary.conj().T @ unitary - np.eye(len(unitary))).max()
    if not off <= 1e-8:
        raise ValueError(
            "Argument `unitary` must be unitary, but U^dag U is off the identity by "
            f"{off:.3g}."
        )
    return unitary


def check_dims(dims: Sequence[int], size: int, name: str) -> tuple[int, int]:
    """Return `dims` as two integers, or say why they do not fit an array's size."""
    pair = tuple(int(dim) for dim in dims)
    if len(pair) != 2 or min(pair) < 1 or pair[0] * pair[1] != size:
        raise ValueError(
            f"Argument `dims` must be two positive integers with product {size}, the "
            f"size of `{name}`, but is {tuple(dims)}."
        )
    return pair


def check_bipartite(
    unitary: ArrayLike, dims: Sequence[int]
) -> tuple[NDArray, tuple[int, int]]:
    """Return a unitary and its dimensions, or say what is wrong with them."""
    unitary = check_unitary(unitary)
    return unitary, check_dims(dims, len(unitary), "unitary")


def _check_samples(off: NDArray, values: NDArray, text: str) -> None:
    """Raise `text` with the first sample that is off (or nan), and its value."""
    bad = np.flatnonzero(~(off <= TOLERANCE))
    if bad.size:
        raise ValueError(text.format(bad[0], values[bad[0]]))
