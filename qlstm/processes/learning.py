"""The cell learnt from records: moments of short words first, then the likelihood.

From a random start the likelihood alone mostly ends where classical machines of a few
states are. So each start goes through phases, each to the end of its L-BFGS-B: first
the moments, whose squares have no walls, then the log-loss of the records. Among the
starts the training log-loss chooses.

Starts go one by one: SciPy's L-BFGS-B takes one problem at a time, with a line search
of its own. A start takes some tenths of a second on 400 records of 40 symbols.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from qlstm.adam import flatten, unflatten
from qlstm.checks import check_rng, check_size, check_symbols
from qlstm.params import QLSTMConfig, QLSTMParams, init_params
from qlstm.processes.floors import cell_floored_loss, scored
from qlstm.processes.moments import moment_loss, word_frequencies, word_loss
from qlstm.processes.operators import check_start
from qlstm.processes.process import check_axes
from qlstm.processes.records import (
    Records,
    check_record_inputs,
    listen,
    listen_backward,
    loss_of,
    prepare_records,
)

PHASES = ("moments", "words", "floored", "likelihood")
"""What may be minimized, one after another."""
ON_WORDS = ("moments", "words")
"""Phases that see short words, in the stationary memory."""
FLOORS = (0.3, 0.1, 0.03, 0.01, 0.003)
"""Under the probabilities, one after another, in the phase ``"floored"``."""
WORDS = 256
"""Most words of the longest length, unless that is chosen."""
Objective = Callable[[QLSTMParams], tuple[float, QLSTMParams]]


class RecordFit(NamedTuple):
    """What was learnt from records, from every start."""

    params: QLSTMParams
    """Those of the start with the lowest log-loss on the training records."""
    log_loss: float
    """Theirs, bits a symbol."""
    starts: list[QLSTMParams]
    """Where each start ended."""
    log_losses: NDArray[np.float64]
    """Of each start on the training records, bits a symbol, ``(n_starts,)``."""
    moment_losses: NDArray[np.float64]
    """Of each start, ``(n_starts,)``; nan where inputs change."""
    iterations: NDArray[np.int64]
    """Of each start and phase, ``(n_starts, n_phases)``."""
    evaluations: NDArray[np.int64]
    """Values with gradients, ``(n_starts, n_phases)``."""


def random_start(
    config: QLSTMConfig, rng: np.random.Generator, with_inputs: bool
) -> QLSTMParams:
    """Angles all around the circle, a projection in any direction.

    Args:
        config: The configuration.
        rng: Source of randomness.
        with_inputs: Whether the weights matter; else they are 0.
    """
    params, turn = init_params(config, rng), 2 * np.pi
    entangler = rng.uniform(0, turn, params.entangler.shape)
    disentangler = rng.uniform(0, turn, params.disentangler.shape)
    weight = rng.normal(size=params.proj_weight.shape) * with_inputs
    bias = rng.normal(size=params.proj_bias.shape)
    if config.encoding == "angle":
        bias = rng.uniform(0, turn, params.proj_bias.shape)
    return params._replace(
        proj_weight=weight,
        proj_bias=bias,
        entangler=entangler,
        disentangler=disentangler,
    )


def fit_records(
    records: ArrayLike,
    config: QLSTMConfig,
    *,
    n_starts: int,
    rng: np.random.Generator,
    inputs: ArrayLike | None = None,
    skip: int = 0,
    start: str | None = None,
    phases: Sequence[str] | None = None,
    word_length: int | None = None,
    max_iterations: int = 300,
) -> RecordFit:
    """Learn a process from its records, from many random starts.

    Args:
        records: Training records, integers ``(n_sequences, length)`` from 0 to
            ``2**n_system - 1``.
        config: The configuration (see `record_log_loss`).
        n_starts: Number of random starts. Each has a generator of its own, so more of
            them leave the first ones as they are.
        rng: Source of randomness.
        inputs: As in `record_log_loss`.
        skip: As in `record_log_loss`.
        start: Memory before the first symbol, as in `record_log_loss`; without it
            ``"stationary"``, and ``"first"`` where inputs change.
        phases: What is minimized, one after another, each of ``"moments"`` (the squared
            error of the frequencies of short words), ``"words"`` (their likelihood),
            ``"floored"`` (the likelihood of the records, where each symbol is a fair
            die with a probability that is lowered from .3 to .003) and
            ``"likelihood"`` (that of the records). Without them moments, then
            likelihood; where inputs change, likelihood alone, and of the others only
            ``"floored"`` can be had.
        word_length: Symbols of the longest word; without it the longest with at most
            256 words.
        max_iterations: Most iterations of L-BFGS-B in a phase.

    Returns:
        A `RecordFit`; the training log-loss has chosen its `params`, nothing else has
        been looked at.

    Raises:
        TypeError: If the records or a size are no integers, or `rng` is no generator.
        ValueError: If a symbol is out of range, a phase is unknown or needs a constant
            input, records are shorter than the words or of one symbol, or an argument
            is wrong.

    References:
        Zhu, Byrd, Lu, Nocedal, "Algorithm 778: L-BFGS-B", ACM TOMS 23, 550 (1997).

    Example:
        >>> from qlstm.processes import qubit_clock, sample
        >>> rng = np.random.default_rng(0)
        >>> records = sample(qubit_clock(0.7, 0.9), 100, 20, rng)
        >>> config = QLSTMConfig(n_system=1, n_ancilla=1, n_layers=1, rotation="RY")
        >>> found = fit_records(records, config, n_starts=2, rng=rng)
        >>> found.log_losses.shape, found.iterations.shape
        ((2,), (2, 2))
    """
    check_size("n_starts", n_starts)
    check_size("max_iterations", max_iterations)
    check_rng(rng)
    symbols = check_symbols(records, config.system_dim, skip)
    x = check_record_inputs(inputs, symbols, config)
    ready = prepare_records(symbols, x, config, skip, None)
    constant = len(ready.x) == 1
    if start is None:
        start = "stationary" if constant else "first"
    check_start(start, len(ready.x))
    phases = _check_phases(phases, constant)
    length = _check_length(word_length, symbols, config.system_dim, constant)
    words = _frequencies(symbols, config.system_dim, length) if constant else None
    objectives = _objectives(config, ready, start, words)
    if "floored" in phases:
        single = prepare_records(symbols, x, config, skip, 1)
        objectives["floored"] = _floored(config, single, start)
    runs = []
    for own in rng.spawn(n_starts):
        first = random_start(config, own, inputs is not None)
        runs.append(_descend(first, [objectives[p] for p in phases], max_iterations))
    return _best(runs, objectives)


def _check_phases(phases: Sequence[str] | None, constant: bool) -> tuple[str, ...]:
    """The phases, checked."""
    if phases is None:
        return ("moments", "likelihood") if constant else ("likelihood",)
    one = isinstance(phases, str) or not np.iterable(phases)
    phases = (phases,) if one else tuple(phases)
    if not phases or not all(isinstance(p, str) and p in PHASES for p in phases):
        raise ValueError(
            f"Argument `phases` must hold some of {', '.join(PHASES)}, but is {phases}."
        )
    if not constant and set(phases) & set(ON_WORDS):
        raise ValueError(
            "Argument `phases` must hold 'floored' or 'likelihood' where inputs "
            f"change, but is {phases}."
        )
    return phases


def _check_length(
    length: int | None, symbols: NDArray, n_symbols: int, constant: bool
) -> int:
    """Symbols of the longest word; say so where records are too short to show any."""
    longest = symbols.shape[1]
    if longest < 2:
        raise ValueError(
            "Argument `records` must be at least 2 symbols long, for one symbol shows "
            f"no memory, but has shape {symbols.shape}."
        )
    if length is None:
        return min(longest, max(1, int(np.log(WORDS) / np.log(n_symbols))))
    check_axes(n_symbols, length, "word_length")
    if not constant:
        raise ValueError(
            "Argument `word_length` must be None where inputs change, for no words are "
            f"counted, but is {length}."
        )
    if length > longest:
        raise ValueError(
            f"Argument `word_length` must be at most {longest}, the length of the "
            f"records, but is {length}."
        )
    return length


def _frequencies(
    symbols: NDArray, n_symbols: int, length: int
) -> list[NDArray[np.float64]]:
    """Frequencies of words up to a length, flat."""
    lengths = range(1, length + 1)
    return [word_frequencies(symbols, n, n_symbols).ravel() for n in lengths]


def _objectives(
    config: QLSTMConfig, records: Records, start: str, words: list[NDArray] | None
) -> dict[str, list[Objective]]:
    """What each phase minimizes, one after another: values with gradients."""
    likelihood = partial(_likelihood, config=config, records=records, start=start)
    found: dict[str, list[Objective]] = {"likelihood": [likelihood]}
    if words is not None:
        options = {"config": config, "x": records.x, "frequencies": words}
        found["moments"] = [partial(moment_loss, **options)]
        found["words"] = [partial(word_loss, **options)]
    return found


def _floored(config: QLSTMConfig, records: Records, start: str) -> list[Objective]:
    """The likelihood with each of the floors, of records with words of one letter."""
    options = {"config": config, "x": records.x, "records": scored(records)}
    options["start"] = start
    return [partial(cell_floored_loss, **options, floor=floor) for floor in FLOORS]


def record_objective(
    records: ArrayLike,
    config: QLSTMConfig,
    *,
    inputs: ArrayLike | None = None,
    skip: int = 0,
    start: str = "first",
) -> Objective:
    """`record_loss_and_grad` of the same records again and again, for an optimizer.

    What does not depend on the parameters is worked out once, which takes as long as
    some ten gradients. On its way an optimizer may pass where a record is impossible:
    a probability counts as 1e-60 at least, in the place of an error.

    Args:
        records: As in `record_log_loss`.
        config: As in `record_log_loss`.
        inputs: As in `record_log_loss`.
        skip: As in `record_log_loss`.
        start: As in `record_log_loss`.

    Returns:
        A function of checked parameters that returns the log-loss, bits a symbol, and
        its gradient in the layout of the parameters.

    Raises:
        TypeError: As in `record_log_loss`.
        ValueError: As in `record_log_loss`.

    Example:
        >>> from qlstm import adam_init, adam_update, init_params
        >>> from qlstm.processes import sample, square_and_diamond
        >>> rng = np.random.default_rng(0)
        >>> records = sample(square_and_diamond(), 50, 20, rng)
        >>> config = QLSTMConfig(n_system=2, n_ancilla=1, rotation="RY")
        >>> objective = record_objective(records, config)
        >>> params = init_params(config, rng)
        >>> state = adam_init(params)
        >>> for _ in range(20):
        ...     loss, grads = objective(params)
        ...     params, state = adam_update(params, grads, state, learning_rate=0.05)
        >>> round(loss, 1)
        2.0
    """
    symbols = check_symbols(records, config.system_dim, skip)
    x = check_record_inputs(inputs, symbols, config)
    ready = prepare_records(symbols, x, config, skip, None)
    check_start(start, len(ready.x))
    return partial(_likelihood, config=config, records=ready, start=start)


def _likelihood(
    params: QLSTMParams, config: QLSTMConfig, records: Records, start: str
) -> tuple[float, QLSTMParams]:
    """The log-loss of prepared records, and its gradient."""
    run = listen(params, config, records, start)
    return loss_of(run, records), listen_backward(run, records, params, config)


class _Descent(NamedTuple):
    """Where a start ended, and what that took in each phase."""

    params: QLSTMParams
    iterations: list[int]
    evaluations: list[int]


def _descend(
    params: QLSTMParams, phases: list[list[Objective]], max_iterations: int
) -> _Descent:
    """L-BFGS-B on one objective after another, phase by phase."""
    like = params
    x = flatten(type(like)(*(array[None] for array in like)))[0]
    iterations, evaluations = [], []
    options = {"maxiter": max_iterations}
    for phase in phases:
        steps, calls = 0, 0
        for objective in phase:

            def at(
                x: NDArray, objective: Objective = objective
            ) -> tuple[float, NDArray]:
                loss, grads = objective(unflatten(x, like))
                return loss, np.concatenate([np.ravel(grad) for grad in grads])

            found = minimize(at, x, jac=True, method="L-BFGS-B", options=options)
            x, steps, calls = found.x, steps + found.nit, calls + found.nfev
        iterations.append(steps)
        evaluations.append(calls)
    return _Descent(unflatten(x, like), iterations, evaluations)


def _best(runs: list[_Descent], objectives: dict[str, list[Objective]]) -> RecordFit:
    """Every start's losses; the lowest on the training records is taken."""
    starts = [run.params for run in runs]
    likelihood = objectives["likelihood"][0]
    (moments,) = objectives.get("moments", [lambda params: (np.nan, params)])
    log_losses = np.array([likelihood(params)[0] for params in starts])
    moment_losses = np.array([moments(params)[0] for params in starts])
    best = int(np.nanargmin(log_losses))
    return RecordFit(
        starts[best],
        float(log_losses[best]),
        starts,
        log_losses,
        moment_losses,
        np.array([run.iterations for run in runs]),
        np.array([run.evaluations for run in runs]),
    )
