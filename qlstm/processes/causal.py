"""Causal states: pasts with the same future are one. The memory of other models.

Some word leaves the memory in one pure state, whatever came before: its operator has
rank one, and it occurs again and again. From there the words are followed, symbol by
symbol, and states that no future tells apart are merged.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.processes.bounds import span
from qlstm.processes.process import Process, branches, check_process, stationary_state
from qsim.entanglement import entropy
from qsim.entanglement.density import entropy_of_probabilities

CUT = 1e-14
"""What leads out of the states in a step with less is cut off: it goes to the first."""
MAX_STATES = 512
"""Most causal states that are followed."""
SAME = 1e-9
"""Futures whose probabilities differ by less are the same."""
SYNC = 4
"""Most symbols of a word that leaves the memory in one state."""


class CausalStates(NamedTuple):
    """A process as a machine whose next state is known from the symbol."""

    emit: NDArray[np.float64]
    """Probability of symbol i in state j, ``(n_states, n_symbols)``."""
    move: NDArray[np.int64]
    """The state that follows, in the same shape; 0 where the symbol never comes."""
    weights: NDArray[np.float64]
    """Stationary probability of each state, ``(n_states,)``."""


def causal_states(process: Process) -> CausalStates:
    """The causal states of a process, as its words lead to them.

    There may be countably many, as of a clock. States are followed until a step leads
    out of them with a probability below 1e-14 in all; that is cut off.

    Args:
        process: The process.

    Returns:
        `CausalStates` (emit, move, weights).

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
        ValueError: As `causal_states`.

    References:
        Shalizi and Crutchfield, J. Stat. Phys. 104, 817 (2001).

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> round(statistical_complexity(square_and_diamond()), 9)
        2.0
    """
    return float(entropy_of_probabilities(causal_states(process).weights))


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
    emit, move, weights = causal_states(process)
    root, overlap = np.sqrt(emit), np.ones((len(emit), len(emit)))
    for _ in range(100_000):
        terms = (
            np.outer(a, a) * overlap[np.ix_(to, to)]
            for a, to in zip(root.T, move.T, strict=True)
        )
        before, overlap = overlap, sum(terms)
        np.fill_diagonal(overlap, 1.0)
        if np.abs(overlap - before).max() < 1e-15:
            break
    side = np.sqrt(weights)
    gram = side[:, None] * overlap * side  # it has the eigenvalues of the mean
    return float(entropy(gram[None])[0])


def _synchronized(process: Process) -> NDArray:
    """The memory behind the first word that leaves one, a vector ``(dim,)``."""
    sigma, operators = stationary_state(process), np.eye(process.dim)[None]
    for length in range(1, SYNC + 1):
        operators = process.kraus @ operators[:, None]
        operators = operators.reshape(-1, process.dim, process.dim)
        p = np.trace(branches(process, length, sigma), axis1=1, axis2=2).real
        left, singular, _ = np.linalg.svd(operators)
        pure = (singular[:, 1:] < 1e-12 * singular[:, :1]).all(axis=1) & (p > 1e-12)
        if pure.any():
            return left[np.argmax(pure), :, 0]
    raise ValueError(
        "Argument `process` must have causal states that close, but no word of up to "
        f"{SYNC} symbols leaves its memory in one state."
    )


def _follow(process: Process, first: NDArray) -> CausalStates:
    """The states that words lead to from a memory, until nearly nothing leads out."""
    seen = span(Process(process.kraus.conj().mT), np.eye(process.dim)).conj()

    def future(memory: NDArray) -> NDArray:
        return (seen @ np.outer(memory, memory.conj()).ravel()).real

    memories, futures = [first], np.array([future(first)])
    emit, move = np.zeros((2, 1, process.n_symbols))
    move, followed = move.astype(np.int64), np.array([False])
    flow = np.ones(1)
    while flow.sum() >= CUT:
        for state in np.flatnonzero(flow >= CUT / len(flow)):
            ends = process.kraus @ memories[state]
            emit[state], followed[state] = np.vecdot(ends, ends).real, True
            for symbol in np.flatnonzero(emit[state] > 1e-24):
                memory = ends[symbol] / np.linalg.norm(ends[symbol])
                same = np.abs(futures - future(memory)).max(axis=1) < SAME
                at = int(np.argmax(same)) if same.any() else len(memories)
                move[state, symbol] = at
                if at == len(memories):
                    memories.append(memory)
                    futures = np.vstack([futures, future(memory)])
        emit, move = (_lengthen(rows, len(memories)) for rows in (emit, move))
        followed = _lengthen(followed, len(memories))
        found = _close(emit, move, followed)
        flow = np.bincount(
            move[followed].ravel(),
            (found.weights[:, None] * emit[followed]).ravel(),
            minlength=len(memories),
        )
        flow[followed] = 0.0
        _check_few(len(found.weights), flow.sum())
    return found


def _lengthen(rows: NDArray, length: int) -> NDArray:
    """Rows with zeros behind them."""
    return np.concatenate(
        [rows, np.zeros((length - len(rows), *rows.shape[1:]), rows.dtype)]
    )


def _close(emit: NDArray, move: NDArray, followed: NDArray) -> CausalStates:
    """The states that were followed as a machine; what leads out goes to the first."""
    order = np.cumsum(followed) - 1
    move = np.where(followed[move], order[move], 0)[followed]
    emit = emit[followed] / emit[followed].sum(axis=1, keepdims=True)
    return CausalStates(emit, move, _stationary(emit, move))


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
