"""Records of a process, and who learns it: the cell, machines, networks.

A learner returns what each of its starts came to: the log-loss on the training records,
which chooses among them, and the excess on records that were kept back.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.quantum_memory.ways import train
from qlstm import QLSTMConfig
from qlstm.forecasting.baselines import fit_network
from qlstm.processes import (
    Process,
    fit_machine,
    fit_machine_to_words,
    fit_records,
    log_likelihood,
    machine_log_likelihood,
    probability_clock,
    qubit_clock,
    record_log_loss,
    sample,
    square_and_diamond,
    word_frequencies,
)

KINDS: dict[str, Callable[..., Process]] = {
    "square and diamond": square_and_diamond,
    "qubit clock": qubit_clock,
    "probability clock": probability_clock,
}
"""What writes the records."""
TOLERANCE = 1e-6
"""Bits a symbol that an iteration of Baum and Welch must gain."""
PIECE = 40
"""Symbols that long records are cut into, to train on."""


class Data(NamedTuple):
    """Records of a process."""

    process: Process
    train: NDArray[np.int64]
    """Training records, ``(n_sequences, length)``."""
    held_out: NDArray[np.int64]
    """The same, for the judge alone."""
    skip: int
    """So many first symbols of each record kept back are heard, not scored."""
    truth: float
    """Log-loss of the process itself on the records kept back, bits a symbol."""


class Learned(NamedTuple):
    """Every start of a learner."""

    log_losses: list[float]
    """On the training records, bits a symbol."""
    gaps: list[float]
    """Log-loss above the truth's on the records kept back; inf where some record is
    said to be impossible."""
    n_parameters: int
    """Trained numbers."""
    seconds: float
    """Process time of the training, all starts."""


def make_process(spec: dict[str, Any]) -> Process:
    """The process of a configuration."""
    options = dict(spec)
    return KINDS[options.pop("name")](**options)


def draw_data(spec: dict[str, Any], process: Process, rng: np.random.Generator) -> Data:
    """Records of a process: independent, each in the stationary state at its start.

    Args:
        spec: ``n_sequences`` and ``length`` to train on, in pieces of `PIECE` where
            they are longer; ``held_out`` records that are kept back, and ``skip``, the
            first symbols of those, which are heard and not scored.
        process: What writes them.
        rng: Source of randomness; more training records leave the others as they are.
    """
    length, skip = spec["length"], spec["skip"]
    first, second = rng.spawn(2)
    records = sample(process, spec["n_sequences"], length, first)
    held_out = sample(process, spec["held_out"], length, second)
    if length > PIECE:
        whole = length - length % PIECE
        records = records[:, :whole].reshape(-1, PIECE)
    truth = -log_likelihood(process, held_out, skip=skip).mean()
    return Data(process, records, held_out, skip, float(truth))


def learn(learner: dict[str, Any], data: Data, rng: np.random.Generator) -> Learned:
    """Train a learner, by the name in its configuration."""
    options = dict(learner)
    return LEARNERS[options.pop("name")](data, rng, **options)


def cell_config(process: Process, n_layers: int, cut: str = "entangled") -> QLSTMConfig:
    """The paper's circuit with RY, one qubit of memory, a wire for each bit written."""
    n_system = (process.n_symbols - 1).bit_length()
    return QLSTMConfig(
        n_system=n_system, n_ancilla=1, n_layers=n_layers, rotation="RY", cut=cut
    )


def learn_cell(
    data: Data,
    rng: np.random.Generator,
    n_layers: int,
    n_starts: int,
    word_length: int,
    cut: str = "entangled",
) -> Learned:
    """The cell: moments of short words first, then the likelihood of the records."""
    config, before = cell_config(data.process, n_layers, cut), time.process_time()
    found = fit_records(
        data.train, config, n_starts=n_starts, rng=rng, word_length=word_length
    )
    seconds, options = time.process_time() - before, {"start": "stationary"}
    options |= {"skip": data.skip}
    bits = [
        or_infinite(partial(record_log_loss, params, config, data.held_out, **options))
        for params in found.starts
    ]
    n_parameters = 2 * n_layers * config.n_wires + config.n_system  # the bias
    return learned(found.log_losses, bits, data, n_parameters, seconds)


def learn_machine(
    data: Data,
    rng: np.random.Generator,
    n_states: int,
    n_starts: int,
    words: int | None = None,
) -> Learned:
    """A classical machine: Baum and Welch on the records, or on counts of words."""
    n_symbols, before = data.process.n_symbols, time.process_time()
    options = {"n_starts": n_starts, "rng": rng, "tolerance": TOLERANCE}
    if words is None:
        found = fit_machine(data.train, n_symbols, n_states, **options)
    else:
        counts = word_frequencies(data.train, words, n_symbols)
        found = fit_machine_to_words(counts, n_states, **options)
    seconds = time.process_time() - before
    bits = [
        -machine_log_likelihood(machine, data.held_out, skip=data.skip).mean()
        for machine in found.machines
    ]
    n_parameters = n_states - 1 + n_states * (n_states * n_symbols - 1)
    return learned(found.log_losses, bits, data, n_parameters, seconds)


def learn_network(
    data: Data, rng: np.random.Generator, kind: str, n_hidden: int, epochs: int
) -> Learned:
    """A recurrent network, one start."""
    before, n_symbols = time.process_time(), data.process.n_symbols
    network = fit_network(
        data.train, n_symbols, kind=kind, n_hidden=n_hidden, rng=rng, epochs=epochs
    )
    seconds = time.process_time() - before
    bits = -network.log_likelihood(data.held_out, skip=data.skip).mean()
    losses = [-network.log_likelihood(data.train).mean()]
    return learned(losses, [bits], data, network.n_params, seconds)


def learn_way(
    data: Data,
    rng: np.random.Generator,
    way: str,
    n_starts: int,
    n_layers: int,
    n_steps: int,
    word_length: int,
) -> Learned:
    """One qubit by one of the ways of training."""
    config, options = cell_config(data.process, n_layers), {"n_steps": n_steps}
    options |= {"word_length": word_length}
    found = train(way, data.train, config, n_starts, rng, **options)
    bits = [or_infinite(partial(f.bits, data.held_out, data.skip)) for f in found]
    losses = [each.log_loss for each in found]
    return learned(losses, bits, data, 0, sum(f.seconds for f in found))


LEARNERS: dict[str, Callable[..., Learned]] = {
    "cell": learn_cell,
    "machine": learn_machine,
    "network": learn_network,
    "way": learn_way,
}
"""By the name in a configuration."""


def or_infinite(bits: Callable[[], float]) -> float:
    """A log-loss; infinite where a record has probability 0."""
    try:
        return bits()
    except ValueError as error:
        if "probability 0" not in str(error):
            raise
        return np.inf


def learned(
    log_losses: list[float] | NDArray,
    bits: list[float],
    data: Data,
    n_parameters: int,
    seconds: float,
) -> Learned:
    """Losses as plain numbers, and above the truth's."""
    losses = [float(loss) for loss in log_losses]
    gaps = [float(own - data.truth) for own in bits]
    return Learned(losses, gaps, n_parameters, seconds)
