"""Symbolic sequences: processes with a quantum memory, and what it is worth."""

from qlstm.processes.baum_welch import MachineFit, fit_machine, fit_machine_to_words
from qlstm.processes.bounds import MemoryBound, classical_memory_bound, memory_rank
from qlstm.processes.causal import (
    CausalStates,
    causal_states,
    simulator_entropy,
    statistical_complexity,
)
from qlstm.processes.circuits import (
    ExactCell,
    cell_process,
    clock_cell,
    evenodd_cell,
    evenodd_inputs,
    probability_clock_cell,
    square_and_diamond_cell,
)
from qlstm.processes.examples import (
    probability_clock,
    qubit_clock,
    square_and_diamond,
    tetrahedron,
    trine,
)
from qlstm.processes.floors import process_loss_and_grad
from qlstm.processes.information import (
    Estimate,
    entropy_rate,
    excess_entropy,
    memory_entropies,
    memory_entropy,
    past_future_information,
)
from qlstm.processes.learning import RecordFit, fit_records, record_objective
from qlstm.processes.machines import (
    Machine,
    check_machine,
    machine_excess,
    machine_log_likelihood,
    machine_word_probabilities,
    stationary_start,
)
from qlstm.processes.moments import moment_loss_and_grad, word_frequencies
from qlstm.processes.process import (
    Process,
    check_process,
    log_likelihood,
    sample,
    stationary_state,
    word_matrix,
    word_probabilities,
)
from qlstm.processes.records import record_log_loss, record_loss_and_grad

__all__ = [
    "CausalStates",
    "Estimate",
    "ExactCell",
    "Machine",
    "MachineFit",
    "MemoryBound",
    "Process",
    "RecordFit",
    "causal_states",
    "cell_process",
    "check_machine",
    "check_process",
    "classical_memory_bound",
    "clock_cell",
    "entropy_rate",
    "evenodd_cell",
    "evenodd_inputs",
    "excess_entropy",
    "fit_machine",
    "fit_machine_to_words",
    "fit_records",
    "log_likelihood",
    "machine_excess",
    "machine_log_likelihood",
    "machine_word_probabilities",
    "memory_entropies",
    "memory_entropy",
    "memory_rank",
    "moment_loss_and_grad",
    "past_future_information",
    "probability_clock",
    "probability_clock_cell",
    "process_loss_and_grad",
    "qubit_clock",
    "record_log_loss",
    "record_loss_and_grad",
    "record_objective",
    "sample",
    "simulator_entropy",
    "square_and_diamond",
    "square_and_diamond_cell",
    "stationary_start",
    "stationary_state",
    "statistical_complexity",
    "tetrahedron",
    "trine",
    "word_frequencies",
    "word_matrix",
    "word_probabilities",
]
