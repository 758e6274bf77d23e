"""What a process is worth in bits: its entropy rate, its past, and its memory.

With R the purification of the memory: while a word w is written, R and the memory hold
the pure state ``K_w sqrt(sigma)``. So the state of R given w has the eigenvalues of
``R_w = K_w sigma K_w^dag``, and the entropies below are those of words and of small
matrices. Bounds hold on both sides, at any length. Proofs: docs/quantum_memory.md.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_size
from qlstm.processes.process import (
    MIXED,
    NEVER,
    Process,
    check_process,
    fixed_point,
    start_state,
    stationary_state,
    word_matrix,
)
from qsim.entanglement import entropy
from qsim.entanglement.density import entropy_of_probabilities

MAX_MEMORIES = 2**16
"""Most memories that words lead to."""
ROUNDING = 1e-11
"""What rounding may add to an error, in bits; memories are compared to 12 decimals."""
ROUNDING_STEP = 1e-13
"""And what it may add in each step."""


class Estimate(NamedTuple):
    """A number in bits, and how far off it is at most."""

    value: float
    """The middle of the two bounds."""
    error: float
    """Half of what lies between them, and what rounding may add, more if the memory is
    so slow that its stationary state is uncertain."""


def entropy_rate(process: Process, length: int) -> Estimate:
    """The entropy rate, between two bounds: bits a symbol that nothing can predict.

    ``S(X_L | X_1 ... X_(L-1) R) <= h <= H(X_L | X_1 ... X_(L-1))``

    Above, a past of L - 1 symbols; below, the same past and all of R, of which every
    earlier symbol is a measurement.

    Args:
        process: The process, in its stationary state.
        length: Symbols of a word, L; longer ones bring the bounds together.

    Returns:
        An `Estimate` (value, error), bits a symbol.

    Raises:
        TypeError: If `length` is no integer.
        ValueError: If the words lead to too many memories, or the process is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> value, error = entropy_rate(square_and_diamond(), 3)
        >>> round(value, 9), error < 1e-9
        (1.5, True)
    """
    above, below, rounding = _conditional(process, length)
    return _between(below[-1], above[-1], rounding)


def excess_entropy(process: Process, length: int) -> Estimate:
    """The excess entropy, between two bounds: bits that the past has on the future.

    ``2 H(L) - H(2L) <= E <= 2 S(X^L R) - H(2L)``

    Below, L symbols on each side. Above, L symbols and R on one side, L symbols and the
    memory behind them on the other: what comes before and after is read off these. The
    bounds need not meet: a memory that symbols never test keeps them apart, and then
    the value in their middle says nothing. Look at the error.

    Args:
        process: The process, in its stationary state.
        length: Symbols on each side, L.

    Returns:
        An `Estimate` (value, error), bits.

    Raises:
        TypeError: If `length` is no integer.
        ValueError: If the words of 2L symbols lead to too many memories, or the process
            is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> value, error = excess_entropy(square_and_diamond(), 2)
        >>> round(value, 9), error < 1e-9
        (0.5, True)
    """
    check_size("length", length)
    above, below, rounding = _conditional(process, 2 * length)
    words, later = above[:length].sum(), above[length:].sum()
    with_r = memory_entropy(process) + below[:length].sum()
    return _between(words - later, 2 * with_r - words - later, rounding)


def memory_entropy(process: Process) -> float:
    """The entropy of this process's stationary memory, ``S(sigma)``.

    Of these Kraus operators: another quantum model of the same process may have less,
    the canonical one has `simulator_entropy`.

    Args:
        process: The process.

    Returns:
        Bits. From a pure start, with the used registers set aside, the memory's
        entanglement with them comes to this in the long run, in ebits, if the channel
        has no other eigenvalue of modulus 1.

    Raises:
        ValueError: If the process is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> round(memory_entropy(square_and_diamond()), 9)
        1.0
    """
    return float(entropy(stationary_state(process)[None])[0])


def memory_entropies(
    process: Process, n_steps: int, start: ArrayLike
) -> NDArray[np.float64]:
    """The memory's entanglement with all earlier outputs, step by step.

    ``S(sigma_t)``, ``sigma_t = sum_i K_i sigma_(t-1) K_i^dag``

    If every step's system register is set aside, not measured, the joint state stays
    pure. Then the memory's entropy is its entanglement with those registers (and with
    what a mixed start is entangled with).

    Args:
        process: The process.
        n_steps: Number of steps.
        start: Memory before the first step, ``(dim,)`` or ``(dim, dim)``; the cell's is
            the first basis state.

    Returns:
        Array ``(n_steps,)`` in ebits, behind each step.

    Raises:
        TypeError: If `n_steps` is no integer.
        ValueError: If an argument is wrong.

    Example:
        >>> from qlstm.processes import qubit_clock
        >>> memory_entropies(qubit_clock(4 / 5, np.pi / 6), 6, [1, 0]).round(3)
        array([0.11 , 0.511, 0.86 , 0.966, 0.916, 0.843])
    """
    process = check_process(process)
    check_size("n_steps", n_steps)
    sigma, found = start_state(process, start), []
    for _ in range(n_steps):
        sigma, _ = MIXED.update(MIXED.evolve(process.kraus, sigma))
        found.append(sigma)
    return entropy(np.array(found))


def past_future_information(
    process: Process, past: int, future: int, start: ArrayLike | None = None
) -> float:
    """What so many symbols tell about so many that follow.

    ``I = H(past) + H(future) - H(past, future) <= S(sigma_t)``, t = past: the future is
    read off the memory alone (Holevo's bound).

    Args:
        process: The process.
        past: Symbols that were written.
        future: Symbols that follow.
        start: Memory before the first symbol; without it the stationary state.

    Returns:
        Bits.

    Raises:
        TypeError: If a length is no integer.
        ValueError: If the words are too many, or an argument is wrong.

    References:
        Holevo, Probl. Inf. Transm. 9, 177 (1973).

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> round(past_future_information(square_and_diamond(), 1, 1), 9)
        0.5
    """
    joint = word_matrix(process, past, future, start)
    parts = (joint.sum(axis=1), joint.sum(axis=0), joint.ravel())
    first, second, both = map(entropy_of_probabilities, parts)
    return float(max(first + second - both, 0.0))


def _conditional(
    process: Process, length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """``H(X_t | X_1 ... X_(t-1))`` and ``S(X_t | X_1 ... X_(t-1) R)``, t = 1 to L.

    And what rounding may have added.
    """
    process = check_process(process)
    check_size("length", length)
    sigma, uncertain = fixed_point(process)
    weights, memories = np.ones(1), sigma[None]
    above, below = np.empty(length), np.empty(length)
    for t in range(length):
        ends = MIXED.evolve(process.kraus, memories)
        p = MIXED.probabilities(ends)
        before = entropy_of_probabilities(np.linalg.eigvalsh(memories))
        spectra = np.linalg.eigvalsh(ends).reshape(len(ends), -1)
        above[t] = weights @ entropy_of_probabilities(p)
        below[t] = weights @ (entropy_of_probabilities(spectra) - before)
        weights, memories = _merge(weights, ends, p)
        _check_few(len(weights), length, t + 1)
    return above, below, ROUNDING + length * ROUNDING_STEP + uncertain


def _merge(weights: NDArray, ends: NDArray, p: NDArray) -> tuple[NDArray, NDArray]:
    """The memories behind the next symbol, each once, and how likely they are.

    Both entropies of what follows depend on a word by its memory alone.
    """
    kept = p > NEVER
    joint, memories = (weights[:, None] * p)[kept], ends[kept] / p[kept][:, None, None]
    flat = memories.reshape(len(memories), -1)
    digits = np.round(np.concatenate([flat.real, flat.imag], axis=1), 12) + 0.0
    _, first, which = np.unique(digits, axis=0, return_index=True, return_inverse=True)
    return np.bincount(which.ravel(), joint), memories[first]


def _check_few(n_memories: int, length: int, reached: int) -> None:
    """Say so when the words' memories become too many."""
    if n_memories > MAX_MEMORIES:
        raise ValueError(
            f"Argument `length` must lead to at most {MAX_MEMORIES:,} memories, but is "
            f"{length}, and words of {reached} symbols lead to {n_memories:,}."
        )


def _between(low: float, high: float, rounding: float) -> Estimate:
    """The middle of two bounds; rounding may have them cross."""
    half = max(float(high - low), 0.0) / 2
    return Estimate(float(low + high) / 2, half + rounding)
