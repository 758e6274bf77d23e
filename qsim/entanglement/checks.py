"""What every quantity asks of its arguments: said once, at the public border."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qsim.numbers import as_numbers, is_integer, resolution
from qsim.state import check_state

TOLERANCE = 1e-6
"""How far a trace, a norm, a Hermitian pair of entries, an eigenvalue or U^dag U may be
off; single precision passes."""


def check_normalized(state: ArrayLike) -> NDArray:
    """Return `state` as an array, or say which sample does not have norm 1."""
    tolerance = tolerance_of(state)
    state = check_state(state)
    norm = np.linalg.norm(state.reshape(len(state), -1), axis=1)
    text = "Argument `state` must be normalized, but sample {} has norm {:.6g}."
    _check_samples(np.abs(norm - 1), norm, tolerance, text)
    return state


def check_density(rho: ArrayLike, name: str = "rho") -> NDArray:
    """Return `rho` as an array, or say why it is no batch of density matrices."""
    tolerance = tolerance_of(rho)
    rho = as_numbers(name, rho)
    if rho.ndim != 3 or rho.shape[1] != rho.shape[2] or rho.shape[1] < 1:
        raise ValueError(
            f"Argument `{name}` must have shape (batch, d, d), but has {rho.shape}."
        )
    off = np.abs(rho - rho.conj().swapaxes(1, 2)).max(axis=(1, 2), initial=0.0)
    text = f"Argument `{name}` must be Hermitian, but sample {{}} is off by {{:.3g}}."
    _check_samples(off, off, tolerance, text)
    trace = np.trace(rho, axis1=1, axis2=2).real
    text = f"Argument `{name}` must have trace 1, but sample {{}} has {{:.6g}}."
    _check_samples(np.abs(trace - 1), trace, tolerance, text)
    try:  # cheaper than eigenvalues
        np.linalg.cholesky(rho + tolerance * np.eye(rho.shape[1]))
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(rho)[:, 0]
        text = (
            f"Argument `{name}` must be positive semidefinite, but sample {{}} has an "
            "eigenvalue of {:.3g}."
        )
        _check_samples(-smallest, smallest, tolerance, text)
    return rho


def check_unitary(unitary: ArrayLike) -> NDArray:
    """Return `unitary` as an array, or say why it is not a unitary matrix."""
    tolerance = tolerance_of(unitary)
    unitary = as_numbers("unitary", unitary)
    if unitary.ndim != 2 or unitary.shape[0] != unitary.shape[1] or not len(unitary):
        raise ValueError(
            f"Argument `unitary` must have shape (d, d), but has {unitary.shape}."
        )
    off = np.abs(unitary.conj().T @ unitary - np.eye(len(unitary))).max()
    if not off <= tolerance:
        raise ValueError(
            "Argument `unitary` must be unitary, but U^dag U is off the identity by "
            f"{off:.3g}."
        )
    return unitary


def check_dims(dims: Sequence[int], size: int, name: str) -> tuple[int, int]:
    """Return `dims` as two integers, or say why they do not fit an array's size."""
    pair = integers(dims)
    if len(pair) != 2 or min(pair) < 1 or pair[0] * pair[1] != size:
        raise ValueError(
            f"Argument `dims` must be two positive integers with product {size}, the "
            f"size of `{name}`, but is {dims!r}."
        )
    return pair


def integers(values: Sequence[int]) -> tuple[int, ...]:
    """Python or NumPy integers as Python's, or nothing if there is another value."""
    many = isinstance(values, (Sequence, np.ndarray)) and np.ndim(values) == 1
    if not many or not all(map(is_integer, values)):
        return ()
    return tuple(map(int, values))


def check_bipartite(
    unitary: ArrayLike, dims: Sequence[int]
) -> tuple[NDArray, tuple[int, int]]:
    """Return a unitary and its dimensions, or say what is wrong with them."""
    unitary = check_unitary(unitary)
    return unitary, check_dims(dims, len(unitary), "unitary")


def tolerance_of(values: ArrayLike) -> float:
    """`TOLERANCE`, or what half precision leaves of one."""
    return max(TOLERANCE, 4 * resolution(values))


def _check_samples(off: NDArray, values: NDArray, tolerance: float, text: str) -> None:
    """Raise `text` with the first sample that is off (or nan), and its value."""
    bad = np.flatnonzero(~(off <= tolerance))
    if bad.size:
        raise ValueError(text.format(bad[0], values[bad[0]]))
