"""Six ways to train one qubit on records.

Four are phases of `fit_records`. The others are Adam: on the paper's circuit, and on
any Kraus operators, as the polar factor of a free complex matrix.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm import (
    QLSTMConfig,
    QLSTMParams,
    adam_init,
    adam_update,
    init_params,
)
from qlstm.processes import (
    Process,
    fit_records,
    log_likelihood,
    process_loss_and_grad,
    record_log_loss,
    record_objective,
)

WAYS = {
    "adam": "Adam, likelihood",
    "isometry": "Adam, likelihood, no circuit",
    "likelihood": "L-BFGS, likelihood",
    "floored": "L-BFGS, floor lowered",
    "words": "L-BFGS, words first",
    "moments": "L-BFGS, moments first",
}
"""By the name in a configuration: what tables call it."""
PHASES = {
    "likelihood": ("likelihood",),
    "floored": ("floored", "likelihood"),
    "words": ("words", "likelihood"),
    "moments": ("moments", "likelihood"),
}
"""Of `fit_records`."""
RATE = 0.05
"""Adam's first step size; it falls to 0 along a cosine."""
Numbers = tuple[NDArray[np.float64], ...]
"""What is trained, a NamedTuple of arrays."""


class Trained(NamedTuple):
    """Where a start ended."""

    bits: Callable[[NDArray, int], float]
    """Log-loss of records behind so many first symbols, from the stationary memory."""
    log_loss: float
    """On the training records, bits a symbol."""
    seconds: float
    """Process time; for phases of `fit_records` the mean of all starts."""


def train(
    way: str,
    records: NDArray,
    config: QLSTMConfig,
    n_starts: int,
    rng: np.random.Generator,
    *,
    n_steps: int,
    word_length: int,
) -> list[Trained]:
    """Train a memory of the cell's size by one of the `WAYS`.

    Args:
        way: A key of `WAYS`.
        records: Training records, ``(n_sequences, length)``.
        config: The cell's configuration.
        n_starts: Random starts; each has a generator of its own.
        rng: Source of randomness.
        n_steps: Of Adam, on all records.
        word_length: Symbols of the longest word, where words count.

    Returns:
        What each start came to.
    """
    if way in PHASES:
        return _fit(records, config, n_starts, rng, PHASES[way], word_length)
    learn = {"adam": _adam_circuit, "isometry": _adam_isometry}[way]
    return [learn(records, config, n_steps, own) for own in rng.spawn(n_starts)]


def _fit(
    records: NDArray,
    config: QLSTMConfig,
    n_starts: int,
    rng: np.random.Generator,
    phases: tuple[str, ...],
    word_length: int,
) -> list[Trained]:
    """Ways that `fit_records` knows."""
    before, options = time.process_time(), {"phases": phases, "rng": rng}
    options |= {"n_starts": n_starts, "word_length": word_length}
    found = fit_records(records, config, **options)
    seconds = (time.process_time() - before) / n_starts
    return [
        Trained(partial(cell_bits, params, config), float(loss), seconds)
        for params, loss in zip(found.starts, found.log_losses, strict=True)
    ]


def _adam_circuit(
    records: NDArray, config: QLSTMConfig, n_steps: int, rng: np.random.Generator
) -> Trained:
    """Adam on the circuit's parameters, from angles all around the circle."""
    before = time.process_time()
    objective = record_objective(records, config, start="stationary")
    params = adam(objective, circuit_start(config, rng), n_steps)
    seconds, bits = time.process_time() - before, partial(cell_bits, params, config)
    return Trained(bits, bits(records, 0), seconds)


def _adam_isometry(
    records: NDArray, config: QLSTMConfig, n_steps: int, rng: np.random.Generator
) -> Trained:
    """Adam on any Kraus operators."""
    before, d = time.process_time(), config.ancilla_dim
    shape = (config.system_dim * d, d)
    first = Free(*rng.normal(size=(2, *shape)))
    free = adam(lambda free: isometry_loss(free, records), first, n_steps)
    seconds = time.process_time() - before
    bits = partial(process_bits, operators(free)[0])
    return Trained(bits, bits(records, 0), seconds)


def adam(
    objective: Callable[[Numbers], tuple[float, Numbers]], start: Numbers, n_steps: int
) -> Numbers:
    """So many steps on all records."""
    found, state = start, adam_init(start)
    for step in range(n_steps):
        rate = RATE * (1 + np.cos(np.pi * step / n_steps)) / 2
        found, state = adam_update(found, objective(found)[1], state, float(rate))
    return found


def circuit_start(config: QLSTMConfig, rng: np.random.Generator) -> QLSTMParams:
    """Angles all around the circle, a bias in any direction; weights play no part."""
    params = init_params(config, rng)
    entangler, disentangler = rng.uniform(0, 2 * np.pi, (2, *params.entangler.shape))
    return params._replace(
        proj_weight=np.zeros_like(params.proj_weight),
        proj_bias=rng.normal(size=params.proj_bias.shape),
        entangler=entangler,
        disentangler=disentangler,
    )


def cell_bits(
    params: QLSTMParams, config: QLSTMConfig, records: NDArray, skip: int
) -> float:
    """What records cost the cell."""
    return record_log_loss(params, config, records, skip=skip, start="stationary")


def process_bits(process: Process, records: NDArray, skip: int) -> float:
    """What records cost a process."""
    return -float(log_likelihood(process, records, skip=skip).mean())


# -- the free isometry -------------------------------------------------------------


class Free(NamedTuple):
    """A complex matrix ``Z``, ``(n_symbols * dim, dim)``."""

    real: NDArray[np.float64]
    imaginary: NDArray[np.float64]


class Polar(NamedTuple):
    """``Z = U P`` with U an isometry, from ``Z = W diag(s) V^dag``."""

    factor: NDArray
    """U, in the shape of Z."""
    left: NDArray
    """W."""
    values: NDArray[np.float64]
    """s."""
    right: NDArray
    """``V^dag``."""


def polar_factor(matrix: NDArray) -> Polar:
    """The nearest isometry to a matrix with at least as many rows as columns."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return Polar(left @ right, left, values, right)


def polar_backward(grad: NDArray, polar: Polar) -> NDArray:
    """The gradient for the matrix from that for its polar factor.

    ``dU = W [(D - D^dag)_ij / (s_i + s_j)] V^dag + (1 - W W^dag) dZ V s^-1 V^dag``,
    ``D = W^dag dZ V``; this is its adjoint.
    """
    _, left, values, right = polar
    turned = grad @ right.conj().T
    inner = left.conj().T @ turned
    outer = (turned - left @ inner) / values
    inner = (inner - inner.conj().T) / (values[:, None] + values)
    return (left @ inner + outer) @ right


def operators(free: Free) -> tuple[Process, Polar]:
    """The Kraus operators that the polar factor is cut into."""
    polar = polar_factor(free.real + 1j * free.imaginary)
    d = polar.factor.shape[1]
    return Process(polar.factor.reshape(-1, d, d)), polar


def isometry_loss(free: Free, records: NDArray) -> tuple[float, Free]:
    """The log-loss of records, and its gradient for the free matrix."""
    process, polar = operators(free)
    loss, grad = process_loss_and_grad(process, records)
    back = polar_backward(grad.reshape(polar.factor.shape), polar)
    return loss, Free(back.real, back.imag)
