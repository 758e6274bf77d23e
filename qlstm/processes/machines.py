"""Classical machines: hidden Markov models of few states that emit on their edges.

A machine in state a writes symbol i and goes to b with probability ``T_i[a, b]``, so a
word has the probability ``P(i_1 ... i_L) = pi T_(i_1) ... T_(i_L) 1``
(docs/quantum_memory.md, section 2). `fit_machine` finds the numbers.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_symbols
from qlstm.processes.information import Estimate, entropy_rate
from qlstm.processes.process import (
    Process,
    check_axes,
    check_process,
    word_probabilities,
)

COMPLETE = 1e-9
"""How far probabilities may be off a sum of 1, and below 0."""
FIXED = 1e-10
"""A singular value below this is 0: the state that belongs to it stays as it is."""


ROUNDING = 1e-15
"""A word's probability that may be rounding alone."""


class Machine(NamedTuple):
    """A hidden Markov model that emits on its edges."""

    start: NDArray[np.float64]
    """``pi``, the probabilities of the first state, ``(n_states,)``."""
    edges: NDArray[np.float64]
    """``T_i[a, b]``, write i and go from a to b, ``(n_symbols, n_states, n_states)``;
    summed over i and b they are 1."""

    @property
    def n_symbols(self) -> int:
        """Number of symbols."""
        return self.edges.shape[0]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return self.edges.shape[-1]


def check_machine(machine: Machine) -> Machine:
    """Return the machine with float64 arrays, or say why it is none.

    Args:
        machine: A `Machine`.

    Returns:
        A `Machine` of float64.

    Raises:
        TypeError: If it is no `Machine`, or holds no real numbers.
        ValueError: If shapes do not fit, a probability is negative or not finite, or
            they do not sum to 1 for the start and for every state.

    Example:
        >>> check_machine(Machine([1], [[[0.5]], [[0.5]]])).n_symbols
        2
    """
    if not isinstance(machine, Machine):
        raise TypeError(
            f"Argument `machine` must be a Machine, but is {machine!r:.60}."
        )
    start = as_real("machine.start", machine.start)
    edges = as_real("machine.edges", machine.edges)
    if edges.ndim != 3 or edges.shape[1] != edges.shape[2] or 0 in edges.shape:
        raise ValueError(
            "Argument `machine.edges` must have shape (n_symbols, n_states, n_states), "
            f"none of them 0, but has {edges.shape}."
        )
    if start.shape != edges.shape[2:]:
        raise ValueError(
            f"Argument `machine.start` must have shape ({edges.shape[2]},), one number "
            f"for each state, but has {start.shape}."
        )
    check_sums("machine.start", start)
    check_sums("machine.edges", edges.sum(axis=0), edges)
    return Machine(start, edges)


def check_sums(name: str, rows: NDArray, parts: NDArray | None = None) -> None:
    """Say so when the last axis of `rows`, with its `parts`, has no probabilities."""
    least = (rows if parts is None else parts).min()
    off = np.abs(rows.sum(axis=-1) - 1).max()
    if not (least >= 0 and off <= COMPLETE):
        raise ValueError(
            f"Argument `{name}` must hold probabilities that sum to 1, but the least "
            f"is {least:.3g} and a sum is off 1 by {off:.3g}."
        )


def stationary_start(machine: Machine) -> NDArray[np.float64]:
    """The probabilities of the states that a step leaves as they are.

    ``pi = pi sum_i T_i``

    Args:
        machine: The machine; its start does not matter.

    Returns:
        Array ``(n_states,)``.

    Raises:
        ValueError: If there is more than one, or the machine is wrong.

    Example:
        >>> coin = Machine([1, 0], [[[0, 0.5], [0, 1]], [[0.5, 0], [0, 0]]])
        >>> stationary_start(coin).round(6) + 0
        array([0., 1.])
    """
    edges = check_machine(machine).edges
    step = edges.sum(axis=0).T - np.eye(edges.shape[-1])
    _, singular, right = np.linalg.svd(step)
    n_fixed = int((singular < FIXED).sum())
    if n_fixed > 1:
        raise ValueError(
            "Argument `machine` must have one stationary state, but has "
            f"{n_fixed} independent ones."
        )
    found = np.abs(right[-1])  # all of one sign, but for rounding
    return found / found.sum()


def machine_word_probabilities(machine: Machine, length: int) -> NDArray[np.float64]:
    """The probability of every word, from the machine's start.

    ``P(i_1 ... i_L) = pi T_(i_1) ... T_(i_L) 1``

    Args:
        machine: The machine.
        length: Symbols of a word, L.

    Returns:
        Array ``(n_symbols,) * length``: entry ``[i_1, ..., i_L]`` is that of the word.

    Raises:
        TypeError: If `length` is no integer.
        ValueError: If the words are too many, or the machine is wrong.

    Example:
        >>> coin = Machine([1], [[[0.75]], [[0.25]]])
        >>> machine_word_probabilities(coin, 2)
        array([[0.5625, 0.1875],
               [0.1875, 0.0625]])
    """
    machine = check_machine(machine)
    check_axes(machine.n_symbols, length)
    found = machine.start[None]
    for _ in range(length):  # (n_words, 1, k) by each symbol's edges
        found = (found[:, None, None] @ machine.edges).reshape(-1, machine.n_states)
    return found.sum(axis=1).reshape((machine.n_symbols,) * length)


def machine_log_likelihood(
    machine: Machine, records: ArrayLike, skip: int = 0
) -> NDArray[np.float64]:
    """How likely each record is, in bits a symbol; minus that is its log-loss.

    ``log2 P(i_(skip+1) ... i_L | i_1 ... i_skip) / (L - skip)``

    Args:
        machine: The machine; it begins in its start.
        records: Integers ``(n_sequences, length)`` from 0 to ``n_symbols - 1``.
        skip: So many first symbols of each are heard, not scored.

    Returns:
        Array ``(n_sequences,)``, bits a symbol, at most 0; minus infinity for a record
        that the machine cannot write.

    Raises:
        TypeError: If the records are no integers.
        ValueError: If a symbol is out of range, or an argument is wrong.

    Example:
        >>> coin = Machine([1], [[[0.75]], [[0.25]]])
        >>> machine_log_likelihood(coin, [[0, 0, 1], [1, 1, 1]]).round(3)
        array([-0.943, -2.   ])
    """
    machine = check_machine(machine)
    records = check_symbols(records, machine.n_symbols, skip)
    states = np.tile(machine.start, (len(records), 1, 1))  # rows, (n, 1, k)
    total = np.zeros(len(records))
    for t, symbols in enumerate(records.T):
        states = states @ machine.edges[symbols]
        p = states.sum(axis=(1, 2))
        states = states / np.where(p > 0, p, 1.0)[:, None, None]
        if t >= skip:
            total += _log2(p)
        else:
            total[p == 0] = -np.inf
    return total / (records.shape[1] - skip)


def machine_excess(machine: Machine, process: Process, length: int) -> Estimate:
    """What a machine loses on a process in the long run, above the entropy rate.

    ``- sum_w P(w) log2 Q(i_L | i_1 ... i_(L-1)) - h``

    Q is the machine from its start. For the error, the machine may be in any state a
    before the word: ``Q(i | v)`` lies between the least and the greatest of ``(T_v T_i
    1)_a / (T_v 1)_a``, over the states that can write v. This holds for whatever came
    before, so in the long run (docs/gradients.md, eq. 36).

    Args:
        machine: The machine.
        process: The process, in its stationary state.
        length: Symbols of a word, L; longer ones make the error smaller.

    Returns:
        An `Estimate` (value, error), bits a symbol. The error is infinite where some
        state excludes what the process may write, though the start may not.

    Raises:
        TypeError: If `length` is no integer.
        ValueError: If the two differ in their symbols, the words are too many, or an
            argument is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> coin = Machine([1], np.full((4, 1, 1), 0.25))
        >>> value, error = machine_excess(coin, square_and_diamond(), 3)
        >>> round(value, 9), error < 1e-9
        (0.5, True)
    """
    machine, process = check_machine(machine), check_process(process)
    if machine.n_symbols != process.n_symbols:
        raise ValueError(
            "Arguments `machine` and `process` must have as many symbols, but have "
            f"{machine.n_symbols} and {process.n_symbols}."
        )
    check_axes(machine.n_symbols, length)
    p = word_probabilities(process, length).reshape(-1, machine.n_symbols)
    before, after = _ends(machine, length - 1), _ends(machine, length)
    after = after.reshape(*p.shape, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        given = after / before[:, None]  # nan in states that cannot write v
        value = (after @ machine.start) / (before @ machine.start)[:, None]
    can = before[:, None] > 0
    greatest = np.where(can, given, 0.0).max(axis=-1)
    least = np.where(can, given, np.inf).min(axis=-1)
    least = np.where(np.isinf(least), 0.0, least)
    rate = entropy_rate(process, length)
    low, middle, high = (_loss(p, q) for q in (greatest, np.nan_to_num(value), least))
    error = max(high - middle, middle - low, 0.0) if np.isfinite(middle) else np.inf
    return Estimate(middle - rate.value, error + rate.error)


def _ends(machine: Machine, length: int) -> NDArray[np.float64]:
    """``T_v 1`` of every word v, in the order of the words: ``(n_words, k)``."""
    found = np.ones((1, machine.n_states))
    for _ in range(length):  # the new symbol comes first
        found = (found @ machine.edges.mT).reshape(-1, machine.n_states)
    return found


def _loss(p: NDArray, q: NDArray) -> float:
    """``- sum p log2 q``, over what can happen.

    Rounding gives an impossible word some 1e-20: it costs nothing to exclude it.
    """
    seen = (p > ROUNDING) | (q > 0)
    return float(-(p[seen] @ _log2(q[seen])))


def _log2(p: NDArray) -> NDArray[np.float64]:
    """Minus infinity at 0, without a warning."""
    with np.errstate(divide="ignore"):
        return np.log2(p)
