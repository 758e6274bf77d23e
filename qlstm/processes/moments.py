"""How often short words occur, and how far a cell's own words are from that.

The squared error of word probabilities has no walls: where a cell gives a word that was
seen a probability near 0, the likelihood is all but infinite, and the square is not.
So the moments find the place, and the likelihood of the records does the rest.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_size, check_symbols
from qlstm.params import QLSTMConfig, QLSTMParams, check_params
from qlstm.processes.machines import check_sums
from qlstm.processes.operators import (
    build,
    build_backward,
    check_constant,
    fixed_point,
    fixed_point_backward,
    transfers,
    transfers_backward,
)
from qlstm.processes.process import check_axes

WORD_FLOOR = 1e-12
"""What the probability of a word counts as, at least, in its logarithm."""


class Writing(NamedTuple):
    """A forward pass over all words, shorter ones first."""

    transfers: NDArray
    """``T_i``, ``(n_symbols, d^2, d^2)``."""
    memories: list[NDArray]
    """``R_w`` behind every word, row by row, ``(n_symbols**l, d^2)``, l = 0 ... L."""
    probabilities: list[NDArray[np.float64]]
    """``P(w) = tr R_w``, ``(n_symbols**l,)``, l = 1 ... L."""


def word_frequencies(
    records: ArrayLike, length: int, n_symbols: int
) -> NDArray[np.float64]:
    """How often each word occurs, wherever in the records.

    ``f(w) = count of w / number of windows``, a window at every place

    Args:
        records: Integers ``(n_sequences, record_length)`` from 0 to ``n_symbols - 1``.
        length: Symbols of a word, L.
        n_symbols: Number of symbols.

    Returns:
        Array ``(n_symbols,) * length``, as from `word_probabilities`; sums to 1.

    Raises:
        TypeError: If the records or a size are no integers.
        ValueError: If a symbol is out of range, records are shorter than the words, or
            there are too many words.

    Example:
        >>> word_frequencies([[0, 1, 1, 0, 1]], 2, n_symbols=2)
        array([[0.  , 0.5 ],
               [0.25, 0.25]])
    """
    check_size("n_symbols", n_symbols)
    check_axes(n_symbols, length)
    records = check_symbols(records, n_symbols)
    n_windows = records.shape[1] - length + 1
    if n_windows < 1:
        raise ValueError(
            f"Argument `length` must be at most {records.shape[1]}, the length of the "
            f"records, but is {length}."
        )
    words = np.zeros((len(records), n_windows), np.int64)
    for k in range(length):
        words = words * n_symbols + records[:, k : k + n_windows]
    counts = np.bincount(words.ravel(), minlength=n_symbols**length)
    return (counts / counts.sum()).reshape((n_symbols,) * length)


def write(channels: NDArray, memory: NDArray, length: int) -> Writing:
    """The words up to a length: ``R_(wi) = T_i R_w``, one product a length.

    Args:
        channels: ``T_i``, ``(n_symbols, d^2, d^2)``.
        memory: Before the first symbol, row by row, ``(d^2,)``.
        length: Symbols of the longest.
    """
    n = channels.shape[-1]
    stacked = channels.reshape(-1, n).T  # columns (i, entry)
    trace = np.eye(round(n**0.5)).ravel()
    memories = [memory[None]]
    for _ in range(length):
        memories.append((memories[-1] @ stacked).reshape(-1, n))
    return Writing(channels, memories, [(m @ trace).real for m in memories[1:]])


def write_backward(
    grad_probabilities: Sequence[NDArray], run: Writing
) -> tuple[NDArray, NDArray]:
    """Go back through the words (docs/gradients.md, eq. 29).

    ``grad_T_i = sum_w grad_R_(wi) R_w^dag``; ``grad_R_w = sum_i T_i^dag grad_R_(wi)``.

    Args:
        grad_probabilities: Gradient of each length's probabilities.
        run: What `write` returned.

    Returns:
        Gradients of the ``T_i`` and of the first memory, in their shapes.
    """
    n_symbols, n, _ = run.transfers.shape
    stacked, trace = run.transfers.reshape(-1, n), np.eye(round(n**0.5)).ravel()
    grad_channels, grad = np.zeros_like(stacked), 0.0
    for of_words, before in zip(
        reversed(grad_probabilities), reversed(run.memories[:-1]), strict=True
    ):
        grad = grad + of_words[:, None] * trace
        grad = grad.reshape(len(before), n_symbols * n)
        grad_channels = grad_channels + grad.T @ before.conj()
        grad = grad @ stacked.conj()
    return grad_channels.reshape(run.transfers.shape), grad[0]


def moment_loss(
    params: QLSTMParams,
    config: QLSTMConfig,
    x: NDArray,
    frequencies: Sequence[NDArray],
) -> tuple[float, QLSTMParams]:
    """The loss of `moment_loss_and_grad`, and its gradient, without checks.

    Args:
        params: The parameters.
        config: The configuration.
        x: The input, ``(1, n_features)``.
        frequencies: Of words of 1, 2, ... L symbols, flat.
    """

    def squares(found: list[NDArray]) -> tuple[float, list[NDArray]]:
        off = [p - f for p, f in zip(found, frequencies, strict=True)]
        sizes = [f @ f for f in frequencies]
        loss = sum(d @ d / size for d, size in zip(off, sizes, strict=True))
        return loss, [2 * d / size for d, size in zip(off, sizes, strict=True)]

    return _loss_of_words(params, config, x, len(frequencies), squares)


def word_loss(
    params: QLSTMParams,
    config: QLSTMConfig,
    x: NDArray,
    frequencies: Sequence[NDArray],
) -> tuple[float, QLSTMParams]:
    """``-sum_w f(w) log2 P(w) / L`` over the longest words, and its gradient.

    Args:
        params: The parameters.
        config: The configuration.
        x: The input, ``(1, n_features)``.
        frequencies: As in `moment_loss`.
    """
    f, length = frequencies[-1], len(frequencies)

    def log_loss(found: list[NDArray]) -> tuple[float, list[NDArray]]:
        p = np.maximum(found[-1], WORD_FLOOR)
        zeros = [np.zeros_like(shorter) for shorter in found[:-1]]
        return -(f @ np.log2(p)) / length, [*zeros, -f / (p * np.log(2) * length)]

    return _loss_of_words(params, config, x, length, log_loss)


def _loss_of_words(
    params: QLSTMParams,
    config: QLSTMConfig,
    x: NDArray,
    length: int,
    loss_and_grad: Callable[[list[NDArray]], tuple[float, list[NDArray]]],
) -> tuple[float, QLSTMParams]:
    """A loss of the words in the stationary memory, and its gradient."""
    built = build(params, x, config)
    channels = transfers(built.kraus[0])
    point = fixed_point(channels.sum(axis=0))
    run = write(channels, point.sigma, length)
    loss, grads = loss_and_grad(run.probabilities)
    grad_channels, grad_sigma = write_backward(grads, run)
    grad_channels = grad_channels + fixed_point_backward(grad_sigma, point)
    grad_kraus = transfers_backward(grad_channels, built.kraus[0])
    return float(loss), build_backward(grad_kraus[None], built, params, config)


def moment_loss_and_grad(
    params: QLSTMParams,
    config: QLSTMConfig,
    frequencies: Sequence[ArrayLike],
    *,
    x: ArrayLike | None = None,
) -> tuple[float, QLSTMParams]:
    """How far the cell's words are from those that occur, and the gradient of that.

    ``sum_l |P_l - f_l|^2 / |f_l|^2``, with ``P_l`` the probabilities of all words of l
    symbols in the cell's stationary memory (see `record_log_loss`), ``f_l`` their
    frequencies

    Args:
        params: The parameters.
        config: The configuration (see `record_log_loss`).
        frequencies: ``f_1, f_2, ..., f_L``, each as from `word_frequencies` or
            `word_probabilities`.
        x: The input of every step, ``(n_features,)``; without it zeros, so that the
            bias acts alone.

    Returns:
        The loss, which has no unit, and its gradient in the layout of the parameters.

    Raises:
        TypeError: If numbers are none.
        ValueError: If a shape does not fit, a value is not finite, or frequencies do
            not sum to 1.

    Example:
        >>> from qlstm.processes import clock_cell, qubit_clock, word_probabilities
        >>> clock = qubit_clock(0.8, 0.5)
        >>> words = [word_probabilities(clock, n) for n in range(1, 5)]
        >>> loss, _ = moment_loss_and_grad(*clock_cell(0.8, 0.5)[:2], words)
        >>> round(loss, 12)
        0.0
    """
    params = check_params(params, config)
    if not np.iterable(frequencies):
        raise TypeError(
            "Argument `frequencies` must be a sequence of arrays, but is "
            f"{frequencies!r:.60}."
        )
    flat = []
    for n, of_length in enumerate(frequencies, start=1):
        name, shape = f"frequencies[{n - 1}]", (config.system_dim,) * n
        of_length = as_real(name, of_length)
        if of_length.shape != shape:
            raise ValueError(
                f"Argument `{name}` must have shape {shape}, but has {of_length.shape}."
            )
        flat.append(of_length.ravel())
        check_sums(name, flat[-1])
    if not flat:
        raise ValueError("Argument `frequencies` must hold a length, but is empty.")
    return moment_loss(params, config, check_constant(x, config), flat)
