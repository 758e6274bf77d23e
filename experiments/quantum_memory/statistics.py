"""What the runs come to: medians, counts, intervals, certificates, tests."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from experiments.quantum_memory.learners import make_process
from experiments.quantum_memory.rows import (
    CELL,
    PROCESSES,
    PUBLISHED,
    SQUARE,
    states_name,
)
from experiments.quantum_memory.runs import (
    Outcome,
)
from qlstm.forecasting import holm, paired_wilcoxon
from qlstm.processes import (
    cell_process,
    classical_memory_bound,
    clock_cell,
    probability_clock_cell,
    square_and_diamond_cell,
    word_probabilities,
)

SOLVED, SUCCESS = 0.002, 0.003
"""Bits a symbol above the truth: a seed is solved, a start succeeds."""
CELLS: dict[str, Callable] = {
    SQUARE: square_and_diamond_cell,
    "qubit clock": clock_cell,
    "probability clock": probability_clock_cell,
}
"""Circuits in closed form, by the name of the process."""
EXACT = {SQUARE: 6}
"""Symbols of the words on which circuit and process are compared, if they are not 8."""
LITERATURE = {
    SQUARE: {"truth": 0.252, CELL: 0.250, states_name(2): 0.095},
    PUBLISHED: {
        "truth": 0.163,
        CELL: 0.163,
        states_name(2): 0.083,
        states_name(4): 0.145,
        states_name(7): 0.163,
    },
}
"""Description accuracy as published for learnt models of a quantum memory of dimension
2 and for hidden Markov models (Srinivasan, Gordon, Boots, 2017)."""


class Summary(NamedTuple):
    """A learner on a process, over the seeds: bits a symbol above the truth."""

    process: str
    learner: str
    at: int
    n_parameters: int
    n_starts: int
    """Of each seed."""
    gaps: list[float]
    """Of the start that the training log-loss chose, an entry each seed; may be inf."""
    median: float
    low: float
    high: float
    """Quartiles."""
    n_solved: int
    """Seeds whose gap is under `SOLVED`."""
    n_success: int
    """Starts of all seeds that end under `SUCCESS`."""
    seconds: float
    """A start's process time, the mean."""


def summarize(outcome: Outcome) -> Summary:
    """Medians over the seeds, and counts."""
    row, results = outcome
    every = [finite_gaps(result) for result in results]
    chosen = [
        gaps[int(np.argmin(result["log_losses"]))]
        for gaps, result in zip(every, results, strict=True)
    ]
    n_starts = len(every[0])
    low, median, high = cuts(chosen)
    return Summary(
        row.process,
        row.learner,
        row.at,
        results[0].get("n_parameters", 0),
        n_starts,
        [float(gap) for gap in chosen],
        median,
        low,
        high,
        int(sum(gap < SOLVED for gap in chosen)),
        int(sum((gaps < SUCCESS).sum() for gaps in every)),
        sum(result["seconds"] for result in results) / (n_starts * len(results)),
    )


def finite_gaps(result: dict[str, Any]) -> NDArray[np.float64]:
    """The gap of each start; infinite where JSON has null."""
    return np.array([np.inf if g is None else g for g in result["gaps"]])


def cuts(values: Iterable[float]) -> tuple[float, float, float]:
    """Quartiles of values that may be infinite: means of two of them, at most."""
    ordered = sorted(values)

    def cut(share: float) -> float:
        place = share * len(ordered)
        last = int(np.ceil(place)) - 1
        if place != int(place):
            return float(ordered[last])
        return float((ordered[last] + ordered[last + 1]) / 2)

    return cut(0.25), cut(0.5), cut(0.75)


def share(found: int, n: int) -> tuple[float, float, float]:
    """A share of trials with Wilson's interval, 95 %."""
    low, high = binomtest(found, n).proportion_ci(method="wilson")
    return found / n, float(low), float(high)


def part(outcomes: list[Outcome], name: str) -> list[Outcome]:
    """The rows of one part."""
    return [outcome for outcome in outcomes if outcome.row.part == name]


def against_cell(found: list[Summary]) -> dict[str, float]:
    """Corrected p of the cell against each machine, over the seeds that both have."""
    ours = next(one.gaps for one in found if one.learner == CELL)
    machines = [o for o in found if "states" in o.learner]
    p_values = []
    for one in machines:
        n = len(one.gaps)
        pair = np.array([ours[:n], one.gaps])
        largest = np.abs(pair[np.isfinite(pair)]).max(initial=1.0)
        pair[np.isinf(pair)] = 2 * largest  # ranks alone count
        p_values.append(paired_wilcoxon(*pair).p_value)
    names = [one.learner for one in machines]
    return dict(zip(names, map(float, holm(p_values)), strict=True))


def exact_difference(process: str) -> float:
    """Largest difference of a word's probability between circuit and process."""
    spec = dict(PROCESSES[process])
    circuit = CELLS[spec.pop("name")](**spec)
    length = EXACT.get(process, 8)
    ours = word_probabilities(cell_process(*circuit), length)
    truth = word_probabilities(make_process(PROCESSES[process]), length)
    return float(np.abs(ours - truth).max())


def accuracies(outcome: Outcome, process: str) -> NDArray[np.float64]:
    """Description accuracy of the chosen start, by seed."""
    return true_accuracies(outcome, process) - shortfalls(outcome, process)


def shortfalls(outcome: Outcome, process: str) -> NDArray[np.float64]:
    """What is missing to the accuracy of the process itself, by seed."""
    bits = np.log2(make_process(PROCESSES[process]).n_symbols)
    return np.array(summarize(outcome).gaps) / bits


def true_accuracies(outcome: Outcome, process: str) -> NDArray[np.float64]:
    """The same of the process itself, on the same records."""
    bits = np.log2(make_process(PROCESSES[process]).n_symbols)
    return 1 - np.array([result["truth"] for result in outcome.results]) / bits


def certificate(process: str, n_states: int) -> float:
    """The best of the certificates of short words, bits a symbol."""
    truth = make_process(PROCESSES[process])
    lengths = range(2, 5 if process == SQUARE else 9)
    bounds = (classical_memory_bound(truth, n_states, n) for n in lengths)
    return max(bound.excess_log_loss for bound in bounds)


def published_excess(process: str) -> dict[str, float]:
    """Published accuracies as bits a symbol above the truth."""
    stated = LITERATURE.get(process, {})
    bits = np.log2(make_process(PROCESSES[process]).n_symbols)
    return {name: bits * (stated["truth"] - da) for name, da in stated.items()}
