"""A stationary process whose memory is quantum: what it writes, and how likely that is.

One Kraus operator ``K_i`` for each symbol i, ``sum_i K_i^dag K_i = 1``. A memory rho
emits i with probability ``p_i = tr K_i rho K_i^dag`` and becomes ``K_i rho K_i^dag /
p_i``. A step of the cell at a constant input does just that under the rule `sampled`.

Memories are density matrices ``(dim, dim)``, words and records integers from 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_rng, check_size, check_symbols
from qlstm.memory import RULES
from qsim.entanglement.checks import check_density
from qsim.numbers import as_numbers

MAX_WORDS = 2**20
"""Most words that are enumerated."""
MAX_AXES = 64
"""Most axes of an array of NumPy; a process of one symbol has long words."""
COMPLETE = 1e-9
"""How far ``sum_i K_i^dag K_i`` may be off the identity."""
NEVER = 1e-28
"""A probability that is 0 but for rounding; rounding of amplitudes is 1e-16."""
MIXED = RULES["mixed"]
"""The rule that sums over outcomes: the process's channel is its step."""


class Process(NamedTuple):
    """A process with a quantum memory: its Kraus operators, one a symbol."""

    kraus: NDArray
    """``K_i``, ``(n_symbols, dim, dim)``, real or complex; they act on the memory."""

    @property
    def n_symbols(self) -> int:
        """Number of symbols."""
        return self.kraus.shape[0]

    @property
    def dim(self) -> int:
        """Dimension of the memory."""
        return self.kraus.shape[-1]


def check_process(process: Process) -> Process:
    """Return the process with its operators as an array, or say why it is none.

    Args:
        process: A `Process`.

    Returns:
        A `Process` of float64 or complex128.

    Raises:
        TypeError: If it is no `Process`, or holds no numbers.
        ValueError: If the shape is wrong, a value is not finite, or the probabilities
            of the symbols do not sum to 1 in every memory.

    Example:
        >>> check_process(Process([[[0, 1], [1, 0]]])).kraus.shape
        (1, 2, 2)
    """
    if not isinstance(process, Process):
        raise TypeError(
            f"Argument `process` must be a Process, but is {process!r:.60}."
        )
    kraus = as_numbers("process.kraus", process.kraus)
    if kraus.ndim != 3 or kraus.shape[1] != kraus.shape[2] or 0 in kraus.shape:
        raise ValueError(
            "Argument `process.kraus` must have shape (n_symbols, dim, dim), none of "
            f"them 0, but has {kraus.shape}."
        )
    total = (kraus.conj().mT @ kraus).sum(axis=0)
    off = np.abs(total - np.eye(len(total))).max()
    if not off <= COMPLETE:
        raise ValueError(
            "Argument `process` must be trace-preserving, but sum_i K_i^dag K_i is off "
            f"the identity by {off:.3g}."
        )
    return Process(kraus)


def stationary_state(process: Process) -> NDArray:
    """The memory that a step leaves as it is, in the mean over its symbols.

    ``sigma = sum_i K_i sigma K_i^dag``, ``tr sigma = 1``

    Args:
        process: The process.

    Returns:
        A density matrix ``(dim, dim)``.

    Raises:
        ValueError: If there is more than one, or the process is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> stationary_state(square_and_diamond()).round(6) + 0
        array([[0.5, 0. ],
               [0. , 0.5]])
    """
    return fixed_point(check_process(process))[0]


def fixed_point(process: Process) -> tuple[NDArray, float]:
    """The stationary memory of a checked process, and how uncertain rounding makes it.

    The slower the memory changes, the less a step says about where it settles.
    """
    kraus, dim = process.kraus, process.dim
    step = MIXED.transfer(kraus) - np.eye(dim * dim)
    _, singular, right = np.linalg.svd(step)
    gap = singular[-2] if dim > 1 else 1.0
    if gap < 1e-10:
        n_fixed = int((singular < 1e-10).sum())
        raise ValueError(
            "Argument `process` must have one stationary memory, but its channel has "
            f"{n_fixed} independent fixed points, within rounding; pass `start` where "
            "that is possible."
        )
    sigma = right[-1].conj().reshape(dim, dim)
    sigma = sigma / np.trace(sigma)
    return (sigma + sigma.conj().T) / 2, 1e-15 / float(gap)


def start_state(process: Process, start: ArrayLike | None) -> NDArray:
    """The memory that a sequence starts with, as a density matrix, checked.

    Args:
        process: A checked process.
        start: A vector ``(dim,)``, a density matrix, or None: the stationary state.
    """
    if start is None:
        return stationary_state(process)
    start = as_numbers("start", start)
    if start.shape not in ((process.dim,), (process.dim,) * 2):
        raise ValueError(
            f"Argument `start` must be a vector ({process.dim},) or a density matrix "
            f"({process.dim}, {process.dim}), but has shape {start.shape}."
        )
    if start.ndim == 2:
        return check_density(start[None], "start")[0]
    norm = np.linalg.norm(start)
    if not abs(norm - 1) < 1e-6:
        raise ValueError(f"Argument `start` must have norm 1, but has {norm:.6g}.")
    start = start / norm
    return np.outer(start, start.conj())


def start_root(process: Process, start: ArrayLike | None) -> NDArray:
    """The positive root A of a start, ``start = A A^dag``, ``(dim, dim)``, of norm 1.

    Carried in the place of a density matrix, it keeps the rounding of a probability 0
    far below 1e-16. It is unique, so the same seed draws the same on any machine.
    """
    weights, vectors = np.linalg.eigh(start_state(process, start))
    weights = np.where(weights > 1e-14, weights, 0.0)  # less is rounding
    root = np.sqrt(weights / weights.sum())
    return vectors * root @ vectors.conj().T


def check_length(n_symbols: int, length: int, name: str = "length") -> None:
    """Say so when a length is none, or there are more words than are enumerated."""
    check_size(name, length)
    if length * np.log2(n_symbols) > np.log2(MAX_WORDS):
        raise ValueError(
            f"Argument `{name}` must leave at most {MAX_WORDS:,} words, but there are "
            f"{n_symbols}**{length}."
        )


def check_axes(n_symbols: int, length: int, name: str = "length") -> None:
    """The same where each symbol of a word has an axis."""
    check_length(n_symbols, length, name)
    if length > MAX_AXES:
        raise ValueError(
            f"Argument `{name}` must be at most {MAX_AXES}, the most axes that an "
            f"array has, but is {length}."
        )


def branches(process: Process, length: int, start: NDArray) -> NDArray:
    """The unnormalized memories behind every word, in the order of the words.

    ``R_w = K_w start K_w^dag``, its trace the probability of w.

    Args:
        process: A checked process.
        length: Symbols of a word; with 0 there is one, the empty word.
        start: A density matrix.

    Returns:
        Array ``(n_symbols**length, dim, dim)``.
    """
    memories = start[None]
    for _ in range(length):
        memories = MIXED.evolve(process.kraus, memories).reshape(-1, *start.shape)
    return memories


def effects(process: Process, length: int) -> NDArray:
    """``E_w = K_w^dag K_w`` of every word: ``P(w) = tr E_w rho`` in a memory rho.

    Args:
        process: A checked process.
        length: Symbols of a word.

    Returns:
        Array ``(n_symbols**length, dim, dim)``.
    """
    kraus, found = process.kraus, np.eye(process.dim)[None]
    for _ in range(length):  # the new symbol comes first
        found = kraus.conj().mT[:, None] @ found @ kraus[:, None]
        found = found.reshape(-1, process.dim, process.dim)
    return found


def word_matrix(
    process: Process, past: int, future: int, start: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Probabilities of words, by their beginning and their end.

    ``H[u, v] = P(uv) = tr E_v R_u``

    Args:
        process: The process.
        past: Symbols of u.
        future: Symbols of v.
        start: Memory before the first symbol, ``(dim,)`` or ``(dim, dim)``; without it
            the stationary state.

    Returns:
        Array ``(n_symbols**past, n_symbols**future)``; words in the order of their
        digits.

    Raises:
        TypeError: If a length is no integer.
        ValueError: If the words are too many, or an argument is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> word_matrix(square_and_diamond(), 1, 1).round(6) + 0
        array([[0.125 , 0.    , 0.0625, 0.0625],
               [0.    , 0.125 , 0.0625, 0.0625],
               [0.0625, 0.0625, 0.125 , 0.    ],
               [0.0625, 0.0625, 0.    , 0.125 ]])
    """
    process = check_process(process)
    check_size("past", past)
    check_size("future", future)
    check_length(process.n_symbols, past + future, "past + future")
    memories = branches(process, past, start_state(process, start))
    ends = effects(process, future)
    return pairing(memories, ends)


def pairing(memories: NDArray, ends: NDArray) -> NDArray[np.float64]:
    """``tr E_v R_u`` of every pair, rows u, columns v; rounding below 0 is cut off."""
    rows = memories.reshape(len(memories), -1)
    columns = ends.conj().reshape(len(ends), -1)  # E is Hermitian
    return np.maximum((rows @ columns.T).real, 0.0)


def word_probabilities(
    process: Process, length: int, start: ArrayLike | None = None
) -> NDArray[np.float64]:
    """The probability of every word.

    ``P(i_1 ... i_L) = tr K_(i_L) ... K_(i_1) start K_(i_1)^dag ... K_(i_L)^dag``

    Args:
        process: The process.
        length: Symbols of a word, L.
        start: Memory before the first symbol, a vector ``(dim,)`` or a density matrix
            ``(dim, dim)``; without it the stationary state.

    Returns:
        Array ``(n_symbols,) * length``: entry ``[i_1, ..., i_L]`` is that of the word.

    Raises:
        TypeError: If `length` is no integer.
        ValueError: If the words are too many, or an argument is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> word_probabilities(square_and_diamond(), 2)[0].round(6) + 0
        array([0.125 , 0.    , 0.0625, 0.0625])
    """
    process = check_process(process)
    check_axes(process.n_symbols, length)
    memories = branches(process, length // 2, start_state(process, start))
    found = pairing(memories, effects(process, length - length // 2))
    return found.reshape((process.n_symbols,) * length)


def sample(
    process: Process,
    n_sequences: int,
    length: int,
    rng: np.random.Generator,
    start: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """Draw sequences, symbol by symbol, with the Born probabilities.

    Args:
        process: The process.
        n_sequences: Number of sequences.
        length: Symbols of each.
        rng: Source of randomness.
        start: As in `word_probabilities`.

    Returns:
        Integers ``(n_sequences, length)``.

    Raises:
        TypeError: If a size is no integer, or `rng` is no generator.
        ValueError: If an argument is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> sample(square_and_diamond(), 2, 8, np.random.default_rng(0))
        array([[2, 0, 3, 3, 3, 3, 3, 3],
               [1, 1, 3, 3, 3, 0, 0, 0]])
    """
    process = check_process(process)
    check_size("n_sequences", n_sequences)
    check_size("length", length)
    check_rng(rng)
    root = start_root(process, start)
    memory = np.broadcast_to(root, (n_sequences, *root.shape))
    record = np.empty((n_sequences, length), dtype=np.int64)
    for t in range(length):
        ends = process.kraus @ memory[:, None]
        p = (np.abs(ends) ** 2).sum(axis=(2, 3))
        record[:, t] = drawn = _draw(p, rng)
        chosen = np.arange(n_sequences), drawn
        memory = ends[chosen] / np.sqrt(p[chosen])[:, None, None]
    return record


def _draw(p: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """An index for each row of weights; what is 0 but for rounding is never drawn."""
    below = np.where(p > NEVER, p, 0.0).cumsum(axis=1)
    at = rng.random((len(p), 1)) * below[:, -1:]
    return (at >= below).sum(axis=1).clip(max=p.shape[1] - 1)


def log_likelihood(
    process: Process, records: ArrayLike, start: ArrayLike | None = None, skip: int = 0
) -> NDArray[np.float64]:
    """How likely each record is, in bits a symbol; minus that is its log-loss.

    ``log2 P(i_(skip+1) ... i_L | i_1 ... i_skip) / (L - skip)``

    Args:
        process: The process.
        records: Integers ``(n_sequences, length)`` from 0 to ``n_symbols - 1``.
        start: As in `word_probabilities`.
        skip: So many first symbols of each are heard, not scored.

    Returns:
        Array ``(n_sequences,)``, bits a symbol, at most 0.

    Raises:
        TypeError: If the records are no integers.
        ValueError: If a symbol is out of range or has probability 0; names the record
            and the place, both from 0. Or if an argument is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> log_likelihood(square_and_diamond(), [[0, 2, 2], [1, 1, 1]]).round(3)
        array([-1.667, -1.333])
    """
    process = check_process(process)
    records = check_symbols(records, process.n_symbols, skip)
    root = start_root(process, start)
    memory = np.broadcast_to(root, (len(records), *root.shape))
    total = np.zeros(len(records))
    for t, symbols in enumerate(records.T):
        memory = process.kraus[symbols] @ memory
        p = (np.abs(memory) ** 2).sum(axis=(1, 2))
        _check_possible(p, symbols, t)
        memory = memory / np.sqrt(p)[:, None, None]
        if t >= skip:
            total += np.log2(p)
    return total / (records.shape[1] - skip)


def _check_possible(p: NDArray, symbols: NDArray, place: int) -> None:
    """Say so when a record cannot have gone on like that."""
    never = np.flatnonzero(~(p > NEVER))
    if never.size:
        record = never[0]
        raise ValueError(
            "Argument `records` must be possible, but symbol "
            f"{symbols[record]} of record {record} has probability 0 at place {place}."
        )
