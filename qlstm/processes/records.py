"""How likely the cell finds records of symbols, and the gradient of that.

The memory collapses onto the observed outcomes of the system register,

    P(i_1 ... i_L) = tr( K_(i_L) ... K_(i_1) sigma K_(i_1)^dag ... K_(i_L)^dag ),

and the log-loss is ``-log2 P`` a symbol. Nothing is drawn and nothing jumps, whatever
the configuration's rule. Equal records and equal inputs are worked out once, and equal
short words: a product of a few Kraus operators is one operator, which many places of
many records share. So a record is a few steps long. Derivations: docs/gradients.md,
section 10.

Records carry ``A_t``, ``(d, r, n_records)``, with ``P = tr A M A^dag``: r is 1 where
the memory starts in the first basis state; from a mixed one A starts as its
eigenvectors, and M has their weights. Their axis is the last: many small products are
then a few long ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_symbols
from qlstm.params import QLSTMConfig, QLSTMParams, check_inputs, check_params
from qlstm.processes.operators import (
    Built,
    FixedPoint,
    build,
    build_backward,
    check_constant,
    check_start,
    fixed_point,
    fixed_point_backward,
    transfers,
    transfers_backward,
)
from qlstm.processes.process import NEVER

FLOOR = 1e-60
"""What a probability counts as, at least, while an optimizer is on its way."""
TINY = 1e-14
"""A weight of a mixed memory that is 0 but for rounding."""
MAX_WORD = 16
"""Longest word that is worked out once."""


class Groups(NamedTuple):
    """Rows that are summed up, by a key; reduceat in the place of a slow scatter."""

    order: NDArray[np.int64]
    """Rows, equal keys together."""
    starts: NDArray[np.int64]
    """Where a new key begins."""
    keys: NDArray[np.int64]
    """The keys, ascending."""


class Letter(NamedTuple):
    """How the words of one length go on from those that are a letter shorter."""

    parents: NDArray[np.int64]
    letters: NDArray[np.int64]
    by_parent: Groups
    by_letter: Groups


class Records(NamedTuple):
    """Records made ready: what does not depend on the parameters."""

    x: NDArray[np.float64]
    """Different inputs, ``(n_inputs, n_features)``."""
    words: list[Letter]
    """Of the words that occur, letter by letter; a letter is an input and a symbol."""
    ids: NDArray[np.int64]
    """Words of each record, ``(n_blocks, n_records)``."""
    by_word: Groups
    """The same, by their words."""
    weights: NDArray[np.float64]
    """Share of each record in the loss, nats to bits a symbol, ``(n_records,)``."""
    first: NDArray[np.int64]
    """Where a record stands among those that were given."""
    heard: int
    """Blocks that are not scored."""
    block: int
    """Letters of a word."""


def group(keys: NDArray) -> Groups:
    """Sort rows by their keys."""
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    return Groups(order, starts, found)


def sum_groups(rows: NDArray, groups: Groups, n: int) -> NDArray:
    """The sum of the rows of each key, ``(n, ...)``."""
    total = np.zeros((n, *rows.shape[1:]), rows.dtype)
    total[groups.keys] = np.add.reduceat(rows[groups.order], groups.starts)
    return total


def prepare_records(
    records: NDArray, x: NDArray, config: QLSTMConfig, skip: int, block: int | None
) -> Records:
    """Find what is equal.

    Args:
        records: Checked records, ``(n_sequences, length)``.
        x: Inputs, ``(1, n_features)`` or ``(n_sequences, length, n_features)``.
        config: The configuration.
        skip: So many first symbols are heard, not scored.
        block: Letters of a word; without it the longest such that no more words occur
            than records.
    """
    n_sequences, length = records.shape
    inputs, which = np.unique(x.reshape(-1, x.shape[-1]), axis=0, return_inverse=True)
    which = np.broadcast_to(which.reshape(x.shape[:-1]), records.shape)
    letters = which * config.system_dim + records
    letters, first, counts = np.unique(
        letters, axis=0, return_index=True, return_counts=True
    )
    nothing = len(inputs) * config.system_dim  # the letter that fills up
    if block is None:
        block = _choose_block(letters, skip)
    parts = [_fill(part, block, nothing) for part in np.split(letters, [skip], axis=1)]
    rows = np.concatenate(parts, axis=1).reshape(-1, block)
    words, ids = np.unique(rows, axis=0, return_inverse=True)
    ids = np.ascontiguousarray(ids.reshape(len(letters), -1).T)
    weights = -counts / (n_sequences * (length - skip) * np.log(2))
    heard = parts[0].shape[1] // block
    by_word = group(ids.ravel())
    return Records(inputs, _tree(words), ids, by_word, weights, first, heard, block)


def _choose_block(letters: NDArray, skip: int) -> int:
    """Letters of a word: the most such that no more words occur than records."""
    longest = min(MAX_WORD, letters.shape[1] - skip)
    for block in range(2, longest + 1):
        n_blocks = letters.shape[1] // block
        rows = letters[:, letters.shape[1] - n_blocks * block :].reshape(-1, block)
        if len(np.unique(rows, axis=0)) > len(letters):
            return block - 1
    return longest


def _fill(letters: NDArray, block: int, nothing: int) -> NDArray:
    """Fill up at the end to whole words."""
    missing = -letters.shape[1] % block
    return np.pad(letters, ((0, 0), (0, missing)), constant_values=nothing)


def _tree(words: NDArray) -> list[Letter]:
    """The beginnings of sorted words, letter by letter."""
    levels, of_word = [], np.zeros(len(words), np.int64)
    for n in range(1, words.shape[1] + 1):
        prefixes, at, back = np.unique(
            words[:, :n], axis=0, return_index=True, return_inverse=True
        )
        parents, letters = of_word[at], prefixes[:, -1]
        levels.append(Letter(parents, letters, group(parents), group(letters)))
        of_word = back.reshape(-1)
    return levels


class Start(NamedTuple):
    """The memory before the first symbol: ``sigma = V diag(m) V^dag``."""

    vectors: NDArray
    """V, ``(d, r)``."""
    weights: NDArray
    """m, ``(r,)``; a diagonal keeps a probability 0 far below rounding of sigma."""
    point: FixedPoint | None
    """Where it came from, if it is the stationary one."""


class Listening(NamedTuple):
    """A forward pass over records."""

    built: Built
    letters: NDArray
    """Their operators, ``(n_letters, d, d)``; the last one is the identity."""
    levels: list[NDArray]
    """Operators of the words' beginnings, ``(n_words, d, d)`` by length."""
    start: Start
    states: list[NDArray]
    """A before each block and behind the last, ``(d, r, n_records)``."""
    p: NDArray[np.float64]
    """Of each block, given those before, ``(n_blocks, n_records)``."""


def listen(
    params: QLSTMParams, config: QLSTMConfig, records: Records, start: str
) -> Listening:
    """Run the cell over prepared records: ``A_t = O_t A_(t-1) / sqrt(p_t)``."""
    built = build(params, records.x, config)
    kraus = built.kraus.reshape(-1, *built.kraus.shape[2:])
    letters = np.concatenate([kraus, np.eye(kraus.shape[-1])[None]])
    levels = [letters[records.words[0].letters]]
    for level in records.words[1:]:
        levels.append(letters[level.letters] @ levels[-1][level.parents])
    begin = _begin(built.kraus, start)
    operators = _last(levels[-1])
    wide = (*begin.vectors.shape, records.ids.shape[1])
    states, found = [np.broadcast_to(begin.vectors[..., None], wide)], []
    for ids in records.ids:
        grown = _product(operators[..., ids], states[-1])
        weighed = _weighed(grown, begin.weights)
        p = np.maximum((weighed * grown.conj()).real.sum(axis=(0, 1)), FLOOR)
        states.append(grown / np.sqrt(p))
        found.append(p)
    return Listening(built, letters, levels, begin, states, np.array(found))


def _begin(kraus: NDArray, start: str) -> Start:
    """The first basis state, or the stationary memory."""
    d = kraus.shape[-1]
    if start == "first":
        return Start(np.eye(d)[:, :1], np.ones(1), None)
    point = fixed_point(transfers(kraus[0]).sum(axis=0))
    weights, vectors = np.linalg.eigh(point.sigma.reshape(d, d))
    return Start(vectors, np.where(weights > TINY, weights, 0.0), point)


def _last(matrices: NDArray) -> NDArray:
    """Matrices ``(n, d, d)`` as ``(d, d, n)``."""
    return np.ascontiguousarray(np.moveaxis(matrices, 0, -1))


def _product(first: NDArray, second: NDArray) -> NDArray:
    """Products of matrices ``(d, d, n)`` and ``(d, r, n)``."""
    return np.einsum("ijn,jkn->ikn", first, second)


def _weighed(states: NDArray, weights: NDArray) -> NDArray:
    """``A M`` of states ``(d, r, n)``."""
    return states * weights[:, None]


def listen_backward(
    run: Listening, records: Records, params: QLSTMParams, config: QLSTMConfig
) -> QLSTMParams:
    """The gradient of the log-loss; no norm has a gradient of its own.

    ``log P`` depends on the product of all operators alone. So ``G = 2 A M / P`` behind
    the last one, ``grad_O_t = G_t A_(t-1)^dag / sqrt(p_t)``, ``G_(t-1) = O_t^dag G_t /
    sqrt(p_t)`` (docs/gradients.md, eq. 25a); what was heard counts with the other sign,
    from where it ends.
    """
    weights, share = run.start.weights, records.weights
    operators = _last(run.levels[-1].conj().mT)
    grad = 2 * share * _weighed(run.states[-1], weights)
    grads = []
    for t in range(len(records.ids) - 1, -1, -1):
        if t == records.heard - 1:
            grad = grad - 2 * share * _weighed(run.states[t + 1], weights)
        grad = grad / np.sqrt(run.p[t])
        grads.append(np.einsum("ikn,jkn->ijn", grad, run.states[t].conj()))
        grad = _product(operators[..., records.ids[t]], grad)
    grads = np.moveaxis(np.concatenate(grads[::-1], axis=-1), -1, 0)
    grad_words = sum_groups(grads, records.by_word, len(run.levels[-1]))
    grad_kraus = _words_backward(grad_words, run, records)[:-1]
    grad_kraus = grad_kraus.reshape(run.built.kraus.shape)
    if run.start.point is not None:
        grad_kraus = grad_kraus + _start_backward(run, records)
    return build_backward(grad_kraus, run.built, params, config)


def _words_backward(grad: NDArray, run: Listening, records: Records) -> NDArray:
    """From the words' operators to their letters' (docs/gradients.md, eq. 25b)."""
    total, n_letters = np.zeros_like(run.letters), len(run.letters)
    for n in range(len(records.words) - 1, 0, -1):
        level, before = records.words[n], run.levels[n - 1]
        of_letter = grad @ before[level.parents].conj().mT
        total = total + sum_groups(of_letter, level.by_letter, n_letters)
        grad = run.letters[level.letters].conj().mT @ grad
        grad = sum_groups(grad, level.by_parent, len(before))
    return total + sum_groups(grad, records.words[0].by_letter, n_letters)


def _start_backward(run: Listening, records: Records) -> NDArray:
    """``grad_sigma = sum (A_L^dag A_L - A_skip^dag A_skip)``, through the fixed point.

    Before the first symbol there is no second term.
    """
    grad = _effects(run.states[-1], records.weights)
    if records.heard:
        grad = grad - _effects(run.states[records.heard], records.weights)
    kraus, vectors = run.built.kraus[0], run.start.vectors
    grad = vectors @ grad @ vectors.conj().T
    of_channel = fixed_point_backward(grad.ravel(), run.start.point)
    of_symbols = np.broadcast_to(of_channel, (len(kraus), *of_channel.shape))
    return transfers_backward(of_symbols, kraus)[None]


def _effects(states: NDArray, share: NDArray) -> NDArray:
    """``sum_n share_n A_n^dag A_n``, ``(r, r)``."""
    return np.einsum("ijn,ikn->jk", states.conj(), share * states)


def loss_of(run: Listening, records: Records) -> float:
    """The log-loss, bits a symbol."""
    return float(np.log(run.p[records.heard :]).sum(axis=0) @ records.weights)


class Checked(NamedTuple):
    """Checked arguments, and the records made ready."""

    params: QLSTMParams
    records: Records
    symbols: NDArray[np.int64]
    x: NDArray[np.float64]


def _check(
    params: QLSTMParams,
    config: QLSTMConfig,
    records: ArrayLike,
    inputs: ArrayLike | None,
    skip: int,
    start: str,
) -> Checked:
    """Check all that the public functions are given."""
    params = check_params(params, config)
    symbols = check_symbols(records, config.system_dim, skip)
    x = check_record_inputs(inputs, symbols, config)
    few = int(np.log(len(symbols)) / np.log(config.system_dim))  # not searched for once
    few = max(1, min(few, MAX_WORD, symbols.shape[1] - skip))
    ready = prepare_records(symbols, x, config, skip, few)
    check_start(start, len(ready.x))
    return Checked(params, ready, symbols, x)


def check_record_inputs(
    inputs: ArrayLike | None, symbols: NDArray, config: QLSTMConfig
) -> NDArray[np.float64]:
    """Inputs ``(n_sequences, length, n_features)``, or ``(1, n_features)`` if constant.

    Args:
        inputs: As in `record_log_loss`.
        symbols: Checked records.
        config: The configuration.
    """
    if inputs is not None:
        inputs = as_real("inputs", inputs)
    if inputs is None or inputs.ndim < 2:
        return check_constant(inputs, config, "inputs")
    shape = (*symbols.shape, config.n_features)
    if inputs.shape != shape:
        raise ValueError(
            f"Argument `inputs` must have shape {shape}, an input for each symbol, or "
            f"{shape[2:]}, a constant one, but has {inputs.shape}."
        )
    return check_inputs(inputs, config)


def _listen_checked(
    checked: Checked, config: QLSTMConfig, skip: int, start: str
) -> tuple[Listening, Records]:
    """Listen; where a word is all but impossible, again symbol by symbol."""
    params, ready, symbols, x = checked
    run = listen(params, config, ready, start)
    if run.p.min() > NEVER:
        return run, ready
    ready = prepare_records(symbols, x, config, skip, 1)
    run = listen(params, config, ready, start)
    never = np.argwhere(~(run.p.T > NEVER))
    if len(never):
        row, place = min(never, key=lambda found: (ready.first[found[0]], found[1]))
        record = ready.first[row]
        raise ValueError(
            "Argument `records` must be possible, but symbol "
            f"{symbols[record, place]} of record {record} has probability 0 at place "
            f"{place}."
        )
    return run, ready


def record_log_loss(
    params: QLSTMParams,
    config: QLSTMConfig,
    records: ArrayLike,
    *,
    inputs: ArrayLike | None = None,
    skip: int = 0,
    start: str = "first",
) -> float:
    """The log-loss of records, the memory collapsed onto what was observed.

    ``-mean log2 P(i_(skip+1) ... i_L | i_1 ... i_skip) / (L - skip)``

    Args:
        params: The parameters.
        config: The configuration; any encoding, rotation, disentangler and cut. Memory
            rule, readout and loss play no part.
        records: Outcomes of the system register, integers ``(n_sequences, length)``
            from 0 to ``2**n_system - 1``.
        inputs: The input of every step, ``(n_sequences, length, n_features)``; or one
            for all, ``(n_features,)``; without it zeros, so that the bias acts alone.
        skip: So many first symbols of each are heard, not scored.
        start: Memory before the first symbol: ``"first"``, the first basis state, or
            ``"stationary"``, the memory that the cell leaves as it is at a constant
            input. Where there are several, the mean over a long run that starts
            maximally mixed.

    Returns:
        The mean over the records, in bits a symbol.

    Raises:
        TypeError: If the records are no integers, or numbers are none.
        ValueError: If a symbol is out of range or has probability 0; names the record
            and the place, both from 0. Or if shapes do not fit, or an argument is
            wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond_cell
        >>> params, config, _ = square_and_diamond_cell()
        >>> records, start = [[0, 2, 2], [1, 1, 1]], "stationary"
        >>> round(record_log_loss(params, config, records, start=start), 6)
        1.5
    """
    checked = _check(params, config, records, inputs, skip, start)
    return loss_of(*_listen_checked(checked, config, skip, start))


def record_loss_and_grad(
    params: QLSTMParams,
    config: QLSTMConfig,
    records: ArrayLike,
    *,
    inputs: ArrayLike | None = None,
    skip: int = 0,
    start: str = "first",
) -> tuple[float, QLSTMParams]:
    """The log-loss of records and its gradient, by reverse mode.

    Args:
        params: As in `record_log_loss`.
        config: As in `record_log_loss`.
        records: As in `record_log_loss`.
        inputs: As in `record_log_loss`.
        skip: As in `record_log_loss`.
        start: As in `record_log_loss`; the gradient goes through the stationary memory.

    Returns:
        The log-loss, bits a symbol, and its gradient in the layout of the parameters,
        bits a symbol and radian for angles.

    Raises:
        TypeError: As in `record_log_loss`.
        ValueError: As in `record_log_loss`.

    Example:
        >>> from qlstm.processes import clock_cell, qubit_clock, sample
        >>> params, config, _ = clock_cell(0.8, 0.5)
        >>> records = sample(qubit_clock(0.8, 0.5), 100, 20, np.random.default_rng(0))
        >>> loss, grads = record_loss_and_grad(params, config, records, skip=10)
        >>> round(loss, 3), grads.entangler.shape
        (0.648, (1, 2))
    """
    checked = _check(params, config, records, inputs, skip, start)
    run, ready = _listen_checked(checked, config, skip, start)
    return loss_of(run, ready), listen_backward(run, ready, checked.params, config)
