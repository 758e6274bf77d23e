"""Causal states: pasts with the same future are one. The memory of other models.

Some word leaves the memory in one pure state, whatever came before: its operator has
rank one, and it occurs again and again. From there the words are followed, symbol by
symbol, and states that no future tells apart are merged.
"""

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spsolve

from qlstm.processes.bounds import span
from qlstm.processes.process import Process, check_process, start_root
from qsim.entanglement import entropy
from qsim.entanglement.density import entropy_of_probabilities

CUT = 1e-14
"""What leads out of the states in a step with less is cut off: it goes to the first."""
MAX_STATES = 512
"""Most causal states that are followed."""
SAME = 1e-9
"""Futures whose probabilities differ by less are not told apart."""
EQUAL = 1e-13
"""Futures that differ by less are equal but for rounding."""
SYNC = 4
"""Most symbols of a word that leaves the memory in one state."""
MAX_ROOTS = 2**16
"""Most words that are looked through for one."""


class CausalStates(NamedTuple):
    """A process as a machine whose next state is known from the symbol."""

    emit: NDArray[np.float64]
    """Probability of symbol i in state j, ``(n_states, n_symbols)``."""
    move: NDArray[np.int64]
    """The state that follows, in the same shape; 0 where the symbol never comes."""
    weights: NDArray[np.float64]
    """Stationary probability of each state, ``(n_states,)``."""
    blurred: float
    """Stationary probability of states that stand for others, too, whose futures are
    not the same but differ by less than 1e-9."""


def causal_states(process: Process) -> CausalStates:
    """The causal states of a process, as its words lead to them.

    There may be countably many, as of a clock. States are followed until a step leads
    out of them with a probability below 1e-14 in all; that is cut off. States may come
    nearer to each other without end: those within 1e-9 are one here, and `blurred` says
    how much of the time that is.

    Args:
        process: The process.

    Returns:
        `CausalStates` (emit, move, weights, blurred).

    Raises:
        ValueError: If no word of up to four symbols leaves the memory in one state, if
            the states do not close, or if the process is wrong.

    Example:
        >>> from qlstm.processes import trine
        >>> causal_states(trine()).emit.round(4)
        array([[0.6667, 0.1667, 0.1667],
               [0.1667, 0.6667, 0.1667],
               [0.1667, 0.1667, 0.6667]])
    """
    process = check_process(process)
    return _follow(process, _synchronized(process))


def statistical_complexity(process: Process) -> float:
    """The memory of the smallest machine whose next state is known from the symbol.

    ``C_mu = H(weights of the causal states)``

    Args:
        process: The process.

    Returns:
        Bits.

    Raises:
        ValueError: As `causal_states`, and if it visits states that come nearer to each
            other without end: their number counts here, and it is not seen.

    References:
        Shalizi and Crutchfield, J. Stat. Phys. 104, 817 (2001).

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> round(statistical_complexity(square_and_diamond()), 9)
        2.0
    """
    found = causal_states(process)
    if found.blurred > SAME:
        raise ValueError(
            "Argument `process` must have causal states that can be told apart, but "
            f"{found.blurred:.3g} of the time it is in some that differ by less than "
            f"{SAME:g}."
        )
    return float(entropy_of_probabilities(found.weights))


def simulator_entropy(process: Process) -> float:
    """The memory of the canonical q-simulator, which has positive amplitudes.

    ``U |s_j> |0> = sum_i sqrt(P(i|j)) |s_(j,i)> |i>``: the entropy of the mean of the
    ``|s_j><s_j|``. Their overlaps solve
    ``c_jk = sum_i sqrt(P(i|j) P(i|k)) c_(j,i)(k,i)``, ``c_jj = 1``.

    Args:
        process: The process.

    Returns:
        Bits, from the excess entropy to `statistical_complexity`.

    Raises:
        ValueError: As `causal_states`.

    References:
        Binder, Thompson and Gu, Phys. Rev. Lett. 120, 240502 (2018).

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> round(simulator_entropy(square_and_diamond()), 4)
        1.2018
    """
    found = causal_states(process)
    side = np.sqrt(found.weights)
    gram = side[:, None] * _overlaps(found) * side  # it has the mean's eigenvalues
    return float(entropy(gram[None])[0])


def _overlaps(states: CausalStates) -> NDArray[np.float64]:
    """``c_jk`` of the canonical simulator: one linear equation a pair, j below k."""
    n_states = len(states.weights)
    j, k = np.triu_indices(n_states, 1)
    number = np.zeros((n_states, n_states), dtype=np.int64)
    number[j, k] = number[k, j] = np.arange(len(j))
    equations = [sparse.eye_array(len(j), format="csr")]
    known = np.zeros(len(j))
    for p, to in zip(states.emit.T, states.move.T, strict=True):
        factor, after = np.sqrt(p[j] * p[k]), number[to[j], to[k]]
        met = to[j] == to[k]
        known += np.where(met, factor, 0.0)
        factor = np.where(met, 0.0, factor)
        rows = (factor, (np.arange(len(j)), after))
        equations.append(-sparse.csr_array(rows, shape=(len(j), len(j))))
    overlap = np.eye(n_states)
    if len(j):
        overlap[j, k] = overlap[k, j] = spsolve(sum(equations[1:], equations[0]), known)
    return overlap


def _synchronized(process: Process) -> NDArray:
    """The memory behind the first word that leaves one, a vector ``(dim,)``."""
    roots = start_root(process, None)[None]
    for length in range(1, SYNC + 1):
        if process.n_symbols**length > MAX_ROOTS:
            break
        roots = process.kraus @ roots[:, None]
        roots = roots.reshape(-1, process.dim, process.dim)
        left, singular, _ = np.linalg.svd(roots)
        pure = (singular[:, 1:] < 1e-12 * singular[:, :1]).all(axis=1)
        pure &= singular[:, 0] > 1e-6
        if pure.any():
            return left[np.argmax(pure), :, 0]
    raise ValueError(
        "Argument `process` must have causal states that close, but no word of up to "
        f"{SYNC} symbols leaves its memory in one state."
    )


def _follow(process: Process, first: NDArray) -> CausalStates:
    """The states that words lead to from a memory, until nearly nothing leads out."""
    tree = _Tree(process, first)
    flow = np.ones(1)
    while flow.sum() >= CUT:
        todo = deque(np.flatnonzero(flow >= CUT / len(flow)))
        enough = 1.25 * len(flow)  # so many, until the flow is worked out anew
        while todo and len(tree.memories) <= enough:
            todo.extend(tree.follow(int(todo.popleft())))
        found, flow = tree.close()
        _check_few(len(found.weights), flow.sum())
    return found


class _Tree:
    """States that were reached, and of those that were followed what comes next."""

    def __init__(self, process: Process, first: NDArray) -> None:
        effects = span(Process(process.kraus.conj().mT), np.eye(process.dim))
        self.process, self.seen = process, effects.conj()
        self.memories, self.futures = [first], self.future(first)[None]
        self.emit: list[NDArray | None] = [None]
        self.move: list[NDArray] = [np.zeros(process.n_symbols, dtype=np.int64)]
        self.near: set[int] = set()

    def future(self, memory: NDArray) -> NDArray:
        """What a memory says about all that may come."""
        return (self.seen @ np.outer(memory, memory.conj()).ravel()).real

    def follow(self, state: int) -> list[int]:
        """Write each symbol in a state; return the states that are new."""
        ends, before = self.process.kraus @ self.memories[state], len(self.memories)
        self.emit[state] = np.vecdot(ends, ends).real
        for symbol in np.flatnonzero(self.emit[state] > 1e-24):
            memory = ends[symbol] / np.linalg.norm(ends[symbol])
            self.move[state][symbol] = self.number(memory)
        return list(range(before, len(self.memories)))

    def number(self, memory: NDArray) -> int:
        """The state that a memory is in; a new one if its future was not seen yet."""
        future = self.future(memory)
        off = np.abs(self.futures - future).max(axis=1)
        at = int(np.argmin(off))
        if off[at] < SAME:
            if off[at] > EQUAL:
                self.near.add(at)
            return at
        self.memories.append(memory)
        self.futures = np.vstack([self.futures, future])
        self.emit.append(None)
        self.move.append(np.zeros_like(self.move[0]))
        return len(self.memories) - 1

    def close(self) -> tuple[CausalStates, NDArray]:
        """The followed states as a machine, and what flows to each of the others."""
        followed = np.array([p is not None for p in self.emit])
        emit = np.array([p for p in self.emit if p is not None])
        move = np.array(self.move)[followed]
        found = _close(emit, move, followed, self.near)
        moved = (found.weights[:, None] * emit).ravel()
        flow = np.bincount(move.ravel(), moved, minlength=len(followed))
        return found, np.where(followed, 0.0, flow)


def _close(
    emit: NDArray, move: NDArray, followed: NDArray, near: set[int]
) -> CausalStates:
    """A machine of the states that were followed; what leads out goes to the first."""
    order = np.cumsum(followed) - 1
    move = np.where(followed[move], order[move], 0)
    emit = emit / emit.sum(axis=1, keepdims=True)
    weights = _stationary(emit, move)
    blurred = weights[order[[k for k in near if followed[k]]]].sum()
    return CausalStates(emit, move, weights, float(blurred))


def _check_few(n_states: int, flow: float) -> None:
    """Say so when the states do not come to an end."""
    if n_states > MAX_STATES:
        raise ValueError(
            "Argument `process` must have causal states that close, but behind "
            f"{MAX_STATES} states words still lead to new ones, with probability "
            f"{flow:.1g} in a step."
        )


def _stationary(emit: NDArray, move: NDArray) -> NDArray[np.float64]:
    """Stationary probabilities of the states."""
    n_states = len(emit)
    step = np.zeros((n_states, n_states))  # from column to row
    for p, to in zip(emit.T, move.T, strict=True):
        np.add.at(step, (to, np.arange(n_states)), p)
    # one equation is a copy of the others; the sum takes its place
    equations = step - np.eye(n_states)
    equations[0] = 1.0
    weights = np.linalg.solve(equations, np.eye(n_states)[0])
    return np.maximum(weights, 0.0)
