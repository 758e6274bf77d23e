"""Machines fitted by Baum's and Welch's iteration, all starts at once.

The expected number of times that an edge is used is ``T d log P / dT``. So one
iteration is a gradient, times the probabilities, and normalized; the likelihood cannot
fall. The gradient comes by reverse mode along blocks of a few symbols: ``T_w`` of every
word w of a block is worked out once, ``d log P / dT_w`` summed over all places where w
stands, and pulled back to the edges at the end. Derivations: docs/gradients.md, section
11.

Arrays have a leading axis of machines: starts ``(n, k)``, edges ``(n, n_symbols, k,
k)``.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_rng, check_size, check_symbols
from qlstm.processes.machines import Machine, check_sums
from qsim.numbers import as_number

BLOCK = 64
"""Most words of a block; products of so few symbols do not underflow."""
TINY = 1e-40
"""A probability that is set to 0: what uses it is as good as never seen."""
LONGER = 1.3
"""By how much a step grows after one that was better."""
STEPS = 2000
"""Most iterations, where nothing else is given."""


class MachineFit(NamedTuple):
    """What every start came to; `machine` is the best of them on the training data."""

    machines: list[Machine]
    """One for each start."""
    log_losses: NDArray[np.float64]
    """Their log-loss on the training data, ``(n_starts,)``, bits a symbol."""
    iterations: NDArray[np.int64]
    """Iterations of each, ``(n_starts,)``."""

    @property
    def best(self) -> int:
        """The number of the best start."""
        return int(self.log_losses.argmin())

    @property
    def machine(self) -> Machine:
        """The best machine: the least log-loss on the training data."""
        return self.machines[self.best]


def fit_machine(
    records: ArrayLike,
    n_symbols: int,
    n_states: int,
    *,
    n_starts: int = 8,
    rng: np.random.Generator,
    tolerance: float = 1e-8,
    max_iterations: int = STEPS,
) -> MachineFit:
    """Fit machines to records, from random starts.

    It maximizes ``sum_n log2 P(record n)``; the start is fitted, too.

    Args:
        records: Integers ``(n_sequences, length)`` from 0 to ``n_symbols - 1``; equal
            ones are worked out once.
        n_symbols: Number of symbols.
        n_states: States of a machine.
        n_starts: Random starts.
        rng: Source of randomness for the starts.
        tolerance: A start stops when an iteration gains less, in bits a symbol.
        max_iterations: Most iterations of a start.

    Returns:
        A `MachineFit` (machines, log_losses, iterations) with all starts.

    Raises:
        TypeError: If the records are no integers, a size is none, or `rng` is no
            generator.
        ValueError: If a symbol is out of range, or an argument is wrong.

    References:
        Baum, Petrie, Soules, Weiss, Ann. Math. Statist. 41, 164 (1970). Rabiner, Proc.
        IEEE 77, 257 (1989): the scaling. Salakhutdinov, Roweis, "Adaptive overrelaxed
        bound optimization methods", ICML 2003: the longer steps.

    Example:
        >>> records = np.array([[0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0]])
        >>> fit = fit_machine(records, 2, 2, rng=np.random.default_rng(0))
        >>> round(float(fit.log_losses.min()), 4)  # one bit, then none
        0.1667
        >>> fit.machine.edges.round(3) + 0
        array([[[0., 1.],
                [0., 0.]],
        <BLANKLINE>
               [[0., 0.],
                [1., 0.]]])
    """
    check_size("n_symbols", n_symbols)
    records = check_symbols(records, n_symbols)
    data = RecordCounts(records, n_symbols)
    return _fit(data, n_symbols, n_states, n_starts, rng, tolerance, max_iterations)


def fit_machine_to_words(
    words: ArrayLike,
    n_states: int,
    *,
    n_starts: int = 8,
    rng: np.random.Generator,
    tolerance: float = 1e-8,
    max_iterations: int = STEPS,
) -> MachineFit:
    """Fit machines to the probabilities of all words of one length.

    It maximizes ``sum_w P(w) log2 Q(w)``, as on records of that length without end.

    Args:
        words: ``P(w)``, an axis of n_symbols for each symbol of w, as
            `word_probabilities` gives them; counts over their sum will do, too.
        n_states: States of a machine.
        n_starts: Random starts.
        rng: Source of randomness for the starts.
        tolerance: A start stops when an iteration gains less, in bits a symbol.
        max_iterations: Most iterations of a start.

    Returns:
        A `MachineFit` (machines, log_losses, iterations) with all starts.

    Raises:
        TypeError: If the words are no real numbers, a size is none, or `rng` is no
            generator.
        ValueError: If the axes differ, the words are no probabilities, or an argument
            is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond, word_probabilities
        >>> words = word_probabilities(square_and_diamond(), 3)
        >>> rng = np.random.default_rng(0)
        >>> fit = fit_machine_to_words(words, 1, n_starts=1, rng=rng)
        >>> fit.machine.edges.ravel().round(6), fit.log_losses.round(6)
        (array([0.25, 0.25, 0.25, 0.25]), array([2.]))
    """
    words = as_real("words", words)
    if words.ndim == 0 or len(set(words.shape)) > 1 or words.size == 0:
        raise ValueError(
            "Argument `words` must have an axis of n_symbols for each symbol of a word,"
            f" but has shape {words.shape}."
        )
    check_sums("words", words.ravel())
    data = WordCounts(words[None])
    return _fit(data, len(words), n_states, n_starts, rng, tolerance, max_iterations)


def _fit(
    data: "Counts",
    n_symbols: int,
    n_states: int,
    n_starts: int,
    rng: np.random.Generator,
    tolerance: float,
    max_iterations: int,
) -> MachineFit:
    """Check what both have in common, draw the starts, and iterate."""
    check_size("n_states", n_states)
    check_size("n_starts", n_starts)
    check_size("max_iterations", max_iterations)
    check_rng(rng)
    if not 0 <= as_number("tolerance", tolerance, finite=False) < np.inf:
        raise ValueError(
            f"Argument `tolerance` must be at least 0 and finite, but is {tolerance}."
        )
    first = random_machines(rng, n_starts, n_symbols, n_states)
    start, edges, gains, iterations = baum_welch(
        data, *first, tolerance, max_iterations
    )
    machines = [Machine(*each) for each in zip(start, edges, strict=True)]
    return MachineFit(machines, -gains, iterations)


def random_machines(
    rng: np.random.Generator, n: int, n_symbols: int, n_states: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts ``(n, k)``, edges ``(n, n_symbols, k, k)``, uniform in their simplex."""
    start = rng.dirichlet(np.ones(n_states), n)
    edges = rng.dirichlet(np.ones(n_symbols * n_states), (n, n_states))
    edges = edges.reshape(n, n_states, n_symbols, n_states)
    return start, np.ascontiguousarray(edges.swapaxes(1, 2))


class Counts(Protocol):
    """What machines are fitted to."""

    def gradient(
        self, start: NDArray, edges: NDArray, which: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Log-likelihood in nats a symbol ``(n,)``, its gradients by start and edges.

        `which` numbers the machines, for data that differ between them.
        """


def baum_welch(
    data: Counts, start: NDArray, edges: NDArray, tolerance: float, max_iterations: int
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Iterate until each machine gains less than `tolerance` bits a symbol.

    Steps are longer than Baum's and Welch's while that pays; where the likelihood would
    fall, the plain step is taken in their place. So it never falls, and a machine stops
    behind a plain step only.

    Returns:
        Starts, edges, log-likelihoods ``(n,)`` in bits a symbol, iterations ``(n,)``.
    """
    best, plain, trial = ([start.copy(), edges.copy()] for _ in range(3))
    value, stride = np.full(len(start), -np.inf), np.ones(len(start))
    iterations, running = np.zeros(len(start), dtype=int), np.arange(len(start))
    for _ in range(max_iterations):
        with np.errstate(invalid="ignore", divide="ignore"):
            new, *grads = data.gradient(*trial, running)
            pairs = zip((best, plain), (trial, maximize(*trial, *grads)), strict=True)
        gain = new - value[running]
        better = gain >= 0  # not so if a long step has excluded a record
        value[running[better]] = new[better]
        for kept, found in pairs:
            for array, rows in zip(kept, found, strict=True):
                array[running[better]] = rows[better]
        small = ~(gain >= tolerance * np.log(2))
        stops = small & (stride[running] == 1)
        stride[running] = np.where(small, 1.0, stride[running] * LONGER)
        iterations[running] += 1
        running = running[~stops]
        if not len(running):
            break
        rows = (array[running] for array in (*best, *plain))
        trial = stretch(*rows, stride[running])
    return *best, value / np.log(2), iterations


def maximize(
    start: NDArray, edges: NDArray, grad_start: NDArray, grad_edges: NDArray
) -> tuple[NDArray, NDArray]:
    """Baum's and Welch's step: in proportion to the counts; unused rows stay."""
    first, counts = start * grad_start, edges * grad_edges
    total = counts.sum(axis=(1, 3))[:, None, :, None]
    new = np.divide(counts, total, out=edges.copy(), where=total > 0)
    return first / first.sum(axis=1, keepdims=True), new


def stretch(
    start: NDArray, edges: NDArray, new_start: NDArray, new_edges: NDArray, by: NDArray
) -> list[NDArray]:
    """A longer step, ``x (new / x)^by``, normalized (docs/gradients.md, eq. 35)."""
    found, pairs = [], ((start, new_start, 1), (edges, new_edges, (1, 3)))
    for x, new, axes in pairs:
        power = by.reshape(-1, *(1,) * (x.ndim - 1))
        ratio = np.divide(new, x, out=np.zeros(x.shape), where=x > 0)
        longer = x * ratio**power
        longer = longer / longer.sum(axis=axes, keepdims=True)
        found.append(np.where(longer > TINY, longer, 0.0))
    return found


class WordCounts:
    """The probabilities of all words of one length, the same for all machines or not.

    A word is cut in the middle, ``P(uv) = (pi T_u) (T_v 1)``, so its sum over all words
    is a product of matrices.
    """

    def __init__(self, words: NDArray[np.float64]) -> None:
        """Words are ``(n or 1, n_symbols, ..., n_symbols)``."""
        self.length = words.ndim - 1
        self.halves = self.length // 2, self.length - self.length // 2
        rows = words.shape[1] ** self.halves[0]
        self.weights = words.reshape(len(words), rows, -1) / self.length

    def gradient(
        self, start: NDArray, edges: NDArray, which: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """As in `Counts`."""
        weights = self.weights if len(self.weights) == 1 else self.weights[which]
        words = products(edges, self.halves[1])
        first, last = (words[length] for length in self.halves)
        alpha = (start[:, None, None] @ first)[:, :, 0]  # pi T_u, (n, n_u, k)
        beta = last.sum(axis=-1)  # T_v 1, (n, n_v, k)
        p = alpha @ beta.mT
        seen = weights > 0
        share = np.divide(weights, p, out=np.zeros(p.shape), where=seen)
        logs = np.log(p, out=np.zeros(p.shape), where=seen)
        grad_alpha, grad_beta = share @ beta, share.mT @ alpha
        grads = [None] * len(words)
        grads[self.halves[1]] = np.broadcast_to(grad_beta[..., None], last.shape)
        ends = start[:, None, :, None] * grad_alpha[:, :, None]
        same = self.halves[0] == self.halves[1]
        grads[self.halves[0]] = grads[self.halves[1]] + ends if same else ends
        grad_start = (first @ grad_alpha[..., None])[..., 0].sum(axis=1)
        value = (weights * logs).sum(axis=(1, 2))
        return value, grad_start, products_backward(grads, words, edges)


class RecordCounts:
    """Records, cut into blocks of a few symbols; equal records are worked out once."""

    def __init__(
        self, records: NDArray[np.int64], n_symbols: int, most: int = BLOCK
    ) -> None:
        """Records ``(n_sequences, length)``, in blocks of at most so many words."""
        unique, counts = np.unique(records, axis=0, return_counts=True)
        self.weights = counts / records.size
        self.block = block_length(n_symbols, unique.shape[1], most)
        rest = unique.shape[1] % self.block
        cuts = range(rest, unique.shape[1], self.block)
        pieces = [unique[:, :rest]] if rest else []
        pieces += [unique[:, cut : cut + self.block] for cut in cuts]
        self.lengths = [piece.shape[1] for piece in pieces]
        self.words = [_number(piece, n_symbols) for piece in pieces]
        # where each word of a whole block stands, for the sum over its places
        places = np.concatenate(self.words[bool(rest) :])
        self.order = np.argsort(places, kind="stable")
        ends = np.cumsum(np.bincount(places, minlength=n_symbols**self.block))
        self.runs = [
            (w, slice(a, b))
            for w, (a, b) in enumerate(zip([0, *ends[:-1]], ends, strict=True))
            if a < b
        ]

    def gradient(
        self, start: NDArray, edges: NDArray, which: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """As in `Counts`: forward and backward over the blocks, both scaled.

        ``a_(j+1) = a_j T_w / c_j``, ``b_j = T_w b_(j+1) / c_j``, w the block's word,
        and ``d log P / dT_w = a_j b_(j+1) / c_j``, summed over its places.
        """
        words = products(edges, self.block)
        by_row = [None if w is None else _rows_first(w) for w in words]
        blocks = list(zip(self.lengths, self.words, strict=True))
        shape = (start.shape[1], len(start), len(self.weights))
        states = np.empty((len(blocks) + 1, *shape))  # (n_blocks + 1, k, n, n_records)
        states[0] = start.T[:, :, None]
        scales = np.empty((len(blocks), *shape[1:]))
        for j, (length, word) in enumerate(blocks):
            states[j + 1] = _apply(states[j], by_row[length], word)
            scales[j] = states[j + 1].sum(axis=0)
            states[j + 1] /= scales[j]
        ends = np.empty(states.shape)
        ends[-1] = 1.0
        for j in range(len(blocks) - 1, -1, -1):
            length, word = blocks[j]
            ends[j + 1] /= scales[j]
            ends[j] = _apply(ends[j + 1], by_row[length].swapaxes(0, 1), word)
        grad_start = (ends[0] @ self.weights).T
        states[:-1] *= self.weights
        grads = self._sum_places(states[:-1], ends[1:], words)
        value = np.log(scales).sum(axis=0) @ self.weights
        return value, grad_start, products_backward(grads, words, edges)

    def _sum_places(
        self, states: NDArray, ends: NDArray, words: list[NDArray]
    ) -> list[NDArray | None]:
        """``sum a_j b_(j+1)`` over the places of each word, in the shapes of words."""
        grads = [None] * len(words)
        if self.lengths[0] != self.block:  # the rest, one block at the beginning
            grads[self.lengths[0]] = np.zeros(words[self.lengths[0]].shape)
            left, right = (np.moveaxis(a[0], 0, -1) for a in (states, ends))
            for w in np.unique(self.words[0]):
                at = self.words[0] == w
                found = left[:, at].mT @ right[:, at]
                grads[self.lengths[0]][:, w] = found
            states, ends = states[1:], ends[1:]
        left, right = (
            np.moveaxis(a, 0, 2).reshape(*a.shape[1:3], -1)[..., self.order]
            for a in (states, ends)
        )  # (k, n, places), a word's places side by side
        left, right = left.swapaxes(0, 1), right.transpose(1, 2, 0)
        grads[self.block] = np.zeros(words[self.block].shape)
        for w, run in self.runs:
            grads[self.block][:, w] = left[..., run] @ right[:, run]
        return grads


def block_length(n_symbols: int, length: int, most: int) -> int:
    """Symbols of a block: with at most so many words, at most all."""
    block = 1
    while block < min(length, 8) and n_symbols ** (block + 1) <= most:
        block += 1
    return block


def _number(words: NDArray[np.int64], n_symbols: int) -> NDArray[np.int64]:
    """The numbers of words ``(n, length)``, in the order of their digits."""
    return words @ n_symbols ** np.arange(words.shape[1] - 1, -1, -1)


def _rows_first(words: NDArray) -> NDArray:
    """``T_w`` with its own axes first: ``(k, k, n, n_words)``."""
    return np.ascontiguousarray(words.transpose(2, 3, 0, 1))


def _apply(rows: NDArray, words: NDArray, at: NDArray) -> NDArray:
    """``sum_a x[a] T_w[a, b]`` in each place, its word's number in `at`."""
    found = rows[0] * words[0].take(at, axis=-1)
    for row, word in zip(rows[1:], words[1:], strict=True):
        found += row * word.take(at, axis=-1)
    return found


def products(edges: NDArray, length: int) -> list[NDArray]:
    """``T_w`` of all words of 0, 1, ... `length` symbols: ``(n, n_words, k, k)`` each.

    ``T_(w i) = T_w T_i``
    """
    n, _, k, _ = edges.shape
    found = [np.broadcast_to(np.eye(k), (n, 1, k, k))]
    for _ in range(length):
        longer = found[-1][:, :, None] @ edges[:, None]
        found.append(longer.reshape(n, -1, k, k))
    return found


def products_backward(
    grads: list[NDArray | None], words: list[NDArray], edges: NDArray
) -> NDArray[np.float64]:
    """Pull gradients with respect to ``T_w`` back to the edges.

    ``grad_T_i += T_w^T grad_T_(w i)``, ``grad_T_w += sum_i grad_T_(w i) T_i^T``

    Args:
        grads: For each length those by its words, or None.
        words: What `products` returned.
        edges: What it was given.
    """
    n, n_symbols, k, _ = edges.shape
    grad_edges, grad = np.zeros(edges.shape), 0.0
    for length in range(len(words) - 1, 0, -1):
        if grads[length] is not None:
            grad = grad + grads[length]
        parts = grad.reshape(n, -1, n_symbols, k, k)
        grad_edges += (words[length - 1].mT[:, :, None] @ parts).sum(axis=1)
        grad = (parts @ edges.mT[:, None]).sum(axis=2)
    return grad_edges
