"""A certificate: what any classical machine of few states must lose on a process.

The proofs are in docs/quantum_memory.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_size
from qlstm.processes.process import (
    Process,
    branches,
    check_length,
    check_process,
    effects,
    pairing,
    stationary_state,
)

EPS = float(np.finfo(float).eps)
"""Rounding of a number near 1."""
NEW = 1e-9
"""What is shorter adds no direction to a basis of unit vectors."""


class MemoryBound(NamedTuple):
    """What a machine of `n_states` states loses at least: `classical_memory_bound`."""

    tv: float
    """Total variation distance over words, from 0 to 1; no machine comes nearer."""
    excess_log_loss: float
    """Log-loss above the entropy rate, in bits a symbol; no machine loses less."""
    singular_values: NDArray[np.float64]
    """Of ``H[u, v] = P(uv)``, decreasing."""
    past: int
    """Symbols of u, of the split that gave the best bound."""
    future: int
    """Symbols of v."""


def classical_memory_bound(process: Process, n_states: int, length: int) -> MemoryBound:
    """What every classical machine of so many states loses on a process, at least.

    ``TV >= 1/2 sum_(i > n_states) s_i(H)``, ``excess >= (2 / L) TV^2 / ln 2``, with the
    singular values of ``H[u, v] = P(uv)``, ``|u| + |v| = L``. A machine of k states has
    an H of rank k at most. It holds for any hidden Markov model that emits on its
    edges, however it was found. A bound of 0 says nothing; a small one says that the
    rank alone proves little, not that few states suffice.

    Args:
        process: The process, in its stationary state. For a cell: `cell_process`.
        n_states: States of the machine, k.
        length: Symbols of a word, L, at least 2; every split in two is tried.

    Returns:
        A `MemoryBound` (tv, excess_log_loss, singular_values, past, future).

    Raises:
        TypeError: If a size is no integer.
        ValueError: If the words are too many, or an argument is wrong.

    References:
        Mirsky, Quart. J. Math. 11, 50 (1960): the nearest matrix of a lower rank.
        Pinsker's inequality: Cover and Thomas, "Elements of Information Theory", 11.6.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> bound = classical_memory_bound(square_and_diamond(), 2, 2)
        >>> round(bound.tv, 6), round(bound.excess_log_loss, 5)
        (0.0625, 0.00564)
        >>> bound.singular_values.round(6) + 0
        array([0.25 , 0.125, 0.125, 0.   ])
    """
    process = check_process(process)
    check_size("n_states", n_states)
    check_length(process.n_symbols, length)
    if length < 2:
        raise ValueError(
            f"Argument `length` must be at least 2, to be split, but is {length}."
        )
    sigma, found = stationary_state(process), []
    for past in range(1, length):
        matrix = pairing(
            branches(process, past, sigma), effects(process, length - past)
        )
        singular = np.linalg.svd(matrix, compute_uv=False)
        rest = singular[n_states:]
        rounding = max(matrix.shape) * EPS * singular[0]
        found.append((float(rest[rest > rounding].sum()) / 2, singular, past))
    tv, singular, past = max(found, key=lambda bound: bound[0])
    excess = float(2 / length * tv**2 / np.log(2))
    return MemoryBound(tv, excess, singular, past, length - past)


def memory_rank(process: Process) -> int:
    """The rank of ``H[u, v] = P(uv)`` over words of any length.

    No classical machine of fewer states generates the process exactly. At most
    ``dim^2``, or ``dim (dim + 1) / 2`` where all Kraus operators are real. What is
    within rounding is not counted: where symbols are very rare, or all but without
    effect, the result may be too small, never too large.

    Args:
        process: The process, in its stationary state.

    Returns:
        The rank: that of ``tr E_v R_u``, with the effects and the memories of all words
        each replaced by an orthonormal basis of what they span.

    Raises:
        ValueError: If the process is wrong.

    Example:
        >>> from qlstm.processes import qubit_clock, tetrahedron
        >>> memory_rank(qubit_clock(0.8, 0.5)), memory_rank(tetrahedron())
        (3, 4)
    """
    process = check_process(process)
    adjoint = Process(process.kraus.conj().mT)
    reached = span(process, stationary_state(process))
    seen = span(adjoint, np.eye(process.dim))
    singular = np.linalg.svd(seen.conj() @ reached.T, compute_uv=False)
    return int((singular > 1e-10).sum())


def span(process: Process, first: NDArray) -> NDArray:
    """An orthonormal basis of all ``K_w first K_w^dag``, matrices read row by row.

    Args:
        process: Kraus operators; adjoint ones give effects.
        first: The matrix of the empty word.

    Returns:
        Array ``(n_basis, dim^2)``.
    """
    basis = first.reshape(1, -1) / np.linalg.norm(first)
    new, rounding = basis, EPS
    while len(new):
        matrices = new.reshape(-1, 1, *first.shape)
        ends = process.kraus @ matrices @ process.kraus.conj().mT
        rows = ends.reshape(-1, basis.shape[1])
        for _ in range(2):  # the second pass removes the rounding of the first
            rows = rows - rows @ basis.conj().T @ basis
        _, singular, right = np.linalg.svd(rows, full_matrices=False)
        kept = singular > max(NEW, 100 * rounding)
        new = right[kept]
        # a short rest is made a unit vector, and its rounding grows with it
        rounding /= min(1.0, singular[kept].min(initial=1.0))
        basis = np.concatenate([basis, new])
    return basis
