"""One run of the study, and how finished ones are read."""

from typing import NamedTuple

import numpy as np

from experiments.quantum_memory.evenodd import learn_evenodd
from experiments.quantum_memory.learners import (
    TOLERANCE,
    draw_data,
    learn,
    make_process,
)
from experiments.quantum_memory.rows import Config, Row
from qlstm.processes import fit_machine_to_words, machine_excess, word_probabilities
from qlstm.sweeps import RunFolder


class Outcome(NamedTuple):
    """A row, and what its runs gave."""

    row: Row
    results: list[Config]


def run(config: Config) -> Config:
    """Draw the records, learn from them, and judge: one run of the study.

    Args:
        config: The ``process``, how much ``data``, the ``learner`` and the ``seed``; or
            by the ``name`` of another kind of run, ``words`` or ``evenodd``.

    Returns:
        The fields of `Learned`, of `evenodd.Found`, or of a fit to words, as JSON takes
        them; what is infinite is None.
    """
    rng = np.random.default_rng(config["seed"])
    options = {k: v for k, v in config.items() if k not in ("name", "seed")}
    kind = config.get("name")
    if kind == "words":
        return _fit_words(**options, rng=rng)
    if kind == "evenodd":
        found = learn_evenodd(**options, rng=rng)._asdict()
    else:
        of_data, of_learner = rng.spawn(2)
        data = draw_data(config["data"], make_process(config["process"]), of_data)
        found = learn(config["learner"], data, of_learner)._asdict()
        found["truth"] = data.truth
    return found | {"gaps": [or_none(gap) for gap in found["gaps"]]}


def or_none(value: float) -> float | None:
    """A number as JSON takes it."""
    return float(value) if np.isfinite(value) else None


def _fit_words(
    process: Config,
    n_states: int,
    length: int,
    longest: int,
    n_starts: int,
    rng: np.random.Generator,
) -> Config:
    """Fit machines to exact words; of all starts, the least loss in the long run."""
    truth = make_process(process)
    words = word_probabilities(truth, length)
    options = {"n_starts": n_starts, "rng": rng, "tolerance": TOLERANCE / 10}
    machines = fit_machine_to_words(words, n_states, **options).machines
    lost = [machine_excess(each, truth, longest - 4).value for each in machines]
    value, error = machine_excess(machines[int(np.argmin(lost))], truth, longest)
    found = {"excess": or_none(value), "error": or_none(error)}
    return found | {"all": [or_none(each) for each in lost]}


def read(rows: list[Row], files: RunFolder) -> list[Outcome]:
    """The finished runs of every row."""
    return [
        Outcome(row, [files.load(config)["result"] for config in row.configs])
        for row in rows
    ]
