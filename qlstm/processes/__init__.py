"""Symbolic sequences: processes with a quantum memory, and what it is worth."""

from qlstm.processes.bounds import MemoryBound, classical_memory_bound, memory_rank
from qlstm.processes.examples import (
    probability_clock,
    qubit_clock,
    square_and_diamond,
    tetrahedron,
    trine,
)
from qlstm.processes.process import (
    Process,
    check_process,
    log_likelihood,
    sample,
    stationary_state,
    word_matrix,
    word_probabilities,
)

__all__ = [
    "MemoryBound",
    "Process",
    "check_process",
    "classical_memory_bound",
    "log_likelihood",
    "memory_rank",
    "probability_clock",
    "qubit_clock",
    "sample",
    "square_and_diamond",
    "stationary_state",
    "tetrahedron",
    "trine",
    "word_matrix",
    "word_probabilities",
]
