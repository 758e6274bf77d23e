"""EVENODD learnt from records: pulses that are counted, and steps that read."""

import time
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.quantum_memory.learners import or_infinite
from qlstm import QLSTMConfig, QLSTMParams
from qlstm.insight import trace
from qlstm.processes import evenodd_cell, fit_records, record_log_loss

PULSE, ANSWERS = 3, (0, 1)
"""The outcome that a pulse has, and those of a reading: even, odd."""
MOST = 3
"""Blocks of ``2**k`` pulses from one reading to the next, at most."""


class Exam(NamedTuple):
    """Sequences of pulses and readings, and what should be written."""

    inputs: NDArray[np.float64]
    """0 for a pulse, 1 to read: ``(n_sequences, length, 1)``."""
    records: NDArray[np.int64]
    """``(n_sequences, length)``."""


def draw_exam(n: int, length: int, k: int, rng: np.random.Generator) -> Exam:
    """Readings after random numbers of pulses, each a multiple of ``2**k``.

    The answer is about all pulses since the start, as a reading does not reset.
    """
    inputs = np.zeros((n, length, 1))
    records = np.full((n, length), PULSE)
    for row, written in zip(inputs, records, strict=True):
        place, blocks = 0, 0
        while True:
            more = rng.integers(1, MOST + 1)
            place, blocks = place + more * 2**k, blocks + more
            if place >= length:
                break
            row[place], written[place] = 1, ANSWERS[blocks % 2]
            place += 1
    return Exam(inputs, records)


def right_answers(params: QLSTMParams, config: QLSTMConfig, exam: Exam) -> float:
    """Share of the readings that the cell answers right under `collapse`."""
    steps = trace(params, exam.inputs, replace(config, memory="collapse"))
    read = exam.inputs[..., 0] == 1
    return float((steps.outcome[read] == exam.records[read]).mean())


class Found(NamedTuple):
    """What the starts of one seed came to."""

    log_losses: list[float]
    """On the training records, bits a symbol."""
    gaps: list[float]
    """Log-loss on longer sequences; the truth's is 0, all outcomes are certain."""
    right: float
    """Of the start with the lowest training loss: share of right answers on them."""
    seconds: float
    """Process time of the training."""


def learn_evenodd(
    k: int,
    n_sequences: int,
    length: int,
    held_out: int,
    n_layers: int,
    n_starts: int,
    rng: np.random.Generator,
) -> Found:
    """Learn from sequences by their likelihood, judge on ones five times as long."""
    _, config, _ = evenodd_cell(k)
    config = replace(config, n_layers=n_layers)
    training, exam = (
        draw_exam(n, steps, k, own)
        for n, steps, own in zip(
            (n_sequences, held_out), (length, 5 * length), rng.spawn(2), strict=True
        )
    )
    before = time.process_time()
    found = fit_records(
        training.records, config, n_starts=n_starts, rng=rng, inputs=training.inputs
    )
    seconds = time.process_time() - before
    bits = [
        or_infinite(
            partial(record_log_loss, params, config, exam.records, inputs=exam.inputs)
        )
        for params in found.starts
    ]
    right = right_answers(found.params, config, exam)
    losses = [float(loss) for loss in found.log_losses]
    return Found(losses, bits, right, seconds)
