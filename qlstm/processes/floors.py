"""The log-loss of records for any Kraus operators, with a floor under probabilities.

With probability f a symbol is a fair die that leaves the memory as it is: ``T_i``
becomes ``(1 - f) T_i + f / n_symbols``, and so does the probability of a symbol, given
those before it. None costs more than ``log2(n_symbols / f)`` bits: the walls of the
likelihood are lower. Derivation: docs/gradients.md, section 10.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_symbols
from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.processes.operators import (
    build,
    build_backward,
    fixed_point,
    fixed_point_backward,
    transfers,
    transfers_backward,
)
from qlstm.processes.process import Process, check_process
from qlstm.processes.records import FLOOR, Records
from qsim.numbers import as_number


class Scored(NamedTuple):
    """Records as they are scored, symbol by symbol."""

    letters: NDArray[np.int64]
    """Input times n_symbols, plus symbol, as numbers, ``(length, n_records)``."""
    weights: NDArray[np.float64]
    """Share of each record in the loss, nats to bits a symbol, below 0."""
    heard: int
    """First symbols that are not scored."""


def scored(records: Records) -> Scored:
    """The same of records that were prepared with words of one letter."""
    letters = records.words[0].letters[records.ids]
    return Scored(letters, records.weights, records.heard)


def floored_loss(
    kraus: NDArray, records: Scored, floor: float, start: str
) -> tuple[float, NDArray]:
    """The log-loss of records, each ``T_i`` as ``(1 - f) T_i + f / n_symbols``.

    Args:
        kraus: Kraus operators of each input, ``(n_inputs, n_symbols, d, d)``.
        records: What is scored.
        floor: f, from 0 to below 1.
        start: ``"first"`` or ``"stationary"``, as in `record_log_loss`; no floor moves
            a stationary memory.

    Returns:
        The loss, bits a symbol, and the gradient in the shape of the operators.
    """
    d = kraus.shape[-1]
    operators = kraus.reshape(-1, d, d)
    matrices = transfers(operators)
    mixed = (1 - floor) * matrices + floor / kraus.shape[1] * np.eye(d * d)
    if start == "first":
        memories, p = _forward(mixed, np.eye(d * d)[0], records.letters)
        grad, _ = _backward(mixed, memories, p, records)
    else:
        point = fixed_point(matrices.sum(axis=0))
        memories, p = _forward(mixed, point.sigma, records.letters)
        grad, grad_sigma = _backward(mixed, memories, p, records)
    grad = (1 - floor) * grad
    if start != "first":
        grad = grad + fixed_point_backward(grad_sigma, point)
    loss = float(np.log(p[records.heard :]).sum(axis=0) @ records.weights)
    return loss, transfers_backward(grad, operators).reshape(kraus.shape)


def _forward(
    matrices: NDArray, sigma: NDArray, letters: NDArray
) -> tuple[list[NDArray], NDArray]:
    """``R_t = T R_(t-1) / p_t``, each ``(d^2, n_records)``, and ``p_t``."""
    d = round(len(sigma) ** 0.5)
    memory = np.broadcast_to(sigma[:, None], (d * d, letters.shape[1]))
    memories, p, by_last = [memory], [], np.moveaxis(matrices, 0, -1)
    for at in letters:
        grown = np.einsum("ijn,jn->in", by_last[..., at], memory)
        p.append(np.maximum(grown[:: d + 1].sum(axis=0).real, FLOOR))
        memory = grown / p[-1]
        memories.append(memory)
    return memories, np.array(p)


def _backward(
    matrices: NDArray, memories: list[NDArray], p: NDArray, records: Scored
) -> tuple[NDArray, NDArray]:
    """Gradients for the matrices and the first memory (docs/gradients.md, eq. 29b)."""
    d = round(len(memories[0]) ** 0.5)
    share = np.eye(d).ravel()[:, None] * records.weights
    grad, grads = share.astype(memories[-1].dtype), []
    by_last = np.ascontiguousarray(np.moveaxis(matrices.conj().mT, 0, -1))
    for t in range(len(p) - 1, -1, -1):
        if t == records.heard - 1:
            grad = grad - share
        grad = grad / p[t]
        grads.append(grad)
        grad = np.einsum("ijn,jn->in", by_last[..., records.letters[t]], grad)
    behind = np.concatenate(grads[::-1], axis=1)
    before = np.concatenate(memories[:-1], axis=1).conj()
    flat = records.letters.ravel()
    places = [np.flatnonzero(flat == i) for i in range(len(matrices))]
    of_letters = [behind[:, at] @ before[:, at].T for at in places]
    return np.array(of_letters), grad.sum(axis=1)


def cell_floored_loss(
    params: QLSTMParams,
    config: QLSTMConfig,
    x: NDArray,
    records: Scored,
    floor: float,
    start: str,
) -> tuple[float, QLSTMParams]:
    """The same of a cell, and the gradient for its parameters.

    Args:
        params: The parameters.
        config: The configuration.
        x: Different inputs, ``(n_inputs, n_features)``.
        records: As in `floored_loss`.
        floor: As in `floored_loss`.
        start: As in `floored_loss`.
    """
    built = build(params, x, config)
    loss, grad = floored_loss(built.kraus, records, floor, start)
    return loss, build_backward(grad, built, params, config)


def process_loss_and_grad(
    process: Process, records: ArrayLike, *, skip: int = 0, floor: float = 0.0
) -> tuple[float, NDArray]:
    """The log-loss of records under a process, and its gradient for the operators.

    ``- mean log2 P(i_(skip+1) ... i_L | i_1 ... i_skip) / (L - skip)``, from the
    stationary memory, each symbol with probability `floor` a fair die

    For those who train Kraus operators without a circuit. The gradient takes each entry
    for free; what keeps ``sum K^dag K = 1`` is up to the caller. Impossible records are
    not refused, as an optimizer may pass by: their probability is rounding, and 1e-60
    at least; `log_likelihood` names them.

    Args:
        process: The process.
        records: Integers ``(n_sequences, length)`` from 0 to ``n_symbols - 1``.
        skip: So many first symbols of each are heard, not scored.
        floor: From 0 to below 1; a die leaves the memory as it is.

    Returns:
        The loss, bits a symbol, and its gradient ``(n_symbols, dim, dim)``: real part
        for the real parts, imaginary part for the imaginary ones.

    Raises:
        TypeError: If the records are no integers, or numbers are none.
        ValueError: If a symbol is out of range, or an argument is wrong.

    Example:
        >>> from qlstm.processes import square_and_diamond
        >>> records = [[0, 2, 2], [1, 1, 1]]
        >>> loss, grad = process_loss_and_grad(square_and_diamond(), records)
        >>> round(loss, 6), grad.shape
        (1.5, (4, 2, 2))
    """
    process = check_process(process)
    records = check_symbols(records, process.n_symbols, skip)
    if not 0 <= as_number("floor", floor) < 1:
        raise ValueError(
            f"Argument `floor` must be at least 0 and below 1, but is {floor}."
        )
    share = -1 / (records[:, skip:].size * np.log(2))
    ready = Scored(records.T, np.full(len(records), share), skip)
    loss, grad = floored_loss(process.kraus[None], ready, floor, "stationary")
    return loss, grad[0]
