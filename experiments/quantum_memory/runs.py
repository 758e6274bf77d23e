"""Which learners are trained on which records, and one such run."""

from typing import Any, NamedTuple

import numpy as np

from experiments.quantum_memory.evenodd import learn_evenodd
from experiments.quantum_memory.learners import (
    TOLERANCE,
    draw_data,
    learn,
    make_process,
)
from experiments.quantum_memory.ways import WAYS
from qlstm.processes import fit_machine_to_words, machine_excess, word_probabilities
from qlstm.sweeps import RunFolder

Config = dict[str, Any]

SQUARE = "square and diamond"
CLOCKS = {
    "clock (.8, .5)": {"name": "qubit clock", "s": 0.8, "alpha": 0.5},
    "clock (.7, .9)": {"name": "qubit clock", "s": 0.7, "alpha": 0.9},
    "clock (4/5, pi/6)": {"name": "qubit clock", "s": 0.8, "alpha": np.pi / 6},
}
PUBLISHED = "published clock"
PROCESSES: dict[str, Config] = {
    SQUARE: {"name": SQUARE},
    **CLOCKS,
    PUBLISHED: {"name": "probability clock"},
}
"""By the name that tables have."""
SHORT = (SQUARE, "clock (.8, .5)", "clock (.7, .9)")
"""Of the learning curves and the ways of training."""
CELL, SEPARATE = "one qubit, the cell", "the same, no gate across the cut"
LAYERS = {SQUARE: 3}
"""Layers of a stage of the cell, where it is not one."""
WORDS = {SQUARE: 4}
"""Symbols of the longest word whose moments the cell learns, where it is not five."""


class Sizes(NamedTuple):
    """How much is computed."""

    seeds: int
    """Of data and starts, for the cell and machines of as many states as bits."""
    few: int
    """The same for what is slow."""
    ways: int
    """Sets of data for the ways of training."""
    n_sequences: int
    """Training records."""
    length: int
    """Symbols of a record."""
    held_out: int
    """Records that are kept back."""
    skip: int
    """First symbols of those, which are heard and not scored."""
    starts: int
    """Of each learner on the square and the diamond."""
    clock_starts: int
    """On the clocks."""
    way_starts: int
    """Of each way of training on each set of data."""
    word_starts: int
    """Of machines on exact probabilities of words."""
    word_bits: int
    """Bits of the words that those are fitted to."""
    long_bits: int
    """Bits of the words that they are judged on."""
    states: tuple[int, ...]
    """Of machines on every seed."""
    more_states: tuple[int, ...]
    """Of machines on a few, clocks only."""
    n_steps: int
    """Of Adam."""
    epochs: int
    """Of the networks."""
    curve: tuple[int, ...]
    """Training records along the learning curves."""
    published: Config
    """The protocol in the literature."""
    evenodd: Config
    """Records to learn EVENODD from."""


FULL = Sizes(
    seeds=50, few=10, ways=3, n_sequences=400, length=40, held_out=1000, skip=10,
    starts=8, clock_starts=16, way_starts=24,
    word_starts=16, word_bits=14, long_bits=20,
    states=(1, 2, 3, 4), more_states=(5, 6, 7, 8), n_steps=800, epochs=100,
    curve=(25, 100, 400, 1600),
    published={"n_sequences": 20, "length": 3000, "held_out": 10, "skip": 1000},
    evenodd={"n_sequences": 60, "length": 20, "held_out": 200},
)  # fmt: skip
QUICK = Sizes(
    seeds=2, few=1, ways=1, n_sequences=40, length=20, held_out=100, skip=5,
    starts=1, clock_starts=1, way_starts=1,
    word_starts=2, word_bits=6, long_bits=12,
    states=(1, 2, 3), more_states=(5,), n_steps=5, epochs=4,
    curve=(20, 40),
    published={"n_sequences": 3, "length": 400, "held_out": 2, "skip": 100},
    evenodd={"n_sequences": 20, "length": 12, "held_out": 20},
)  # fmt: skip


class Row(NamedTuple):
    """A learner on a process: one line of a table."""

    part: str
    """``held out``, ``published``, ``ways``, ``curves``, ``words`` or ``evenodd``."""
    process: str
    learner: str
    at: int
    """Training records in ``curves``, states in ``words``; else 0."""
    configs: list[Config]
    """A run each, in the order of the seeds."""


class Outcome(NamedTuple):
    """A row, and what its runs gave."""

    row: Row
    results: list[Config]


def make_rows(sizes: Sizes, first_seed: int) -> list[Row]:
    """Every line of every table."""

    def seeded(config: Config, n: int) -> list[Config]:
        return [config | {"seed": seed} for seed in range(first_seed, first_seed + n)]

    rows = []
    for process, learner, n in _held_out(sizes):
        config = _config(process, learner, sizes)
        name = learner_name(learner)
        rows.append(Row("held out", process, name, 0, seeded(config, n)))
    for process in (SQUARE, PUBLISHED):
        for learner in _published(process, sizes):
            config = _config(process, learner, sizes) | {"data": sizes.published}
            name = learner_name(learner)
            row = Row("published", process, name, 0, seeded(config, sizes.few))
            rows.append(row)
    for process in SHORT:
        for way, label in WAYS.items():
            options = {"way": way, "n_starts": sizes.way_starts}
            options |= {"n_layers": LAYERS.get(process, 1), "n_steps": sizes.n_steps}
            options |= {"word_length": WORDS.get(process, 5)}
            config = _config(process, {"name": "way"} | options, sizes)
            rows.append(Row("ways", process, label, 0, seeded(config, sizes.ways)))
    for process in SHORT:
        for learner in _curves(process, sizes):
            for n in sizes.curve:
                config = _config(process, learner, sizes, n)
                runs, name = seeded(config, sizes.few), learner_name(learner)
                rows.append(Row("curves", process, name, n, runs))
    rows += _word_rows(sizes, first_seed)
    options = {"name": "evenodd", "k": 2, "n_layers": 4}
    config = options | {"n_starts": sizes.clock_starts} | sizes.evenodd
    row = Row("evenodd", "EVENODD, k = 2", CELL, 0, seeded(config, sizes.seeds))
    return [*rows, row]


def _config(
    process: str, learner: Config, sizes: Sizes, n_sequences: int | None = None
) -> Config:
    """A run, but for its seed."""
    n = sizes.n_sequences if n_sequences is None else n_sequences
    data = {"n_sequences": n, "length": sizes.length, "held_out": sizes.held_out}
    spec = PROCESSES[process]
    return {"process": spec, "data": data | {"skip": sizes.skip}, "learner": learner}


def _held_out(sizes: Sizes) -> list[tuple[str, Config, int]]:
    """Process, learner and number of seeds, on records of the standard size."""
    found = []
    for process in (SQUARE, *CLOCKS):
        learners = [cell(process, sizes)]
        if process == SQUARE:
            learners.append(learners[0] | {"cut": "separate"})
        learners += [machine(k, process, sizes) for k in sizes.states]
        found += [(process, learner, sizes.seeds) for learner in learners]
        more = sizes.more_states if process in CLOCKS else ()
        few = [machine(k, process, sizes) for k in more]
        few += [network(kind, sizes) for kind in ("rnn", "lstm")]
        found += [(process, learner, sizes.few) for learner in few]
    return found


def _published(process: str, sizes: Sizes) -> list[Config]:
    """Learners on the protocol of the literature: machines see counts of words."""
    states, words = ((2, 3, 4), 5) if process == SQUARE else ((2, 4, 7), 10)
    machines = [machine(k, process, sizes) | {"words": words} for k in states]
    return [cell(process, sizes), *machines]


def _curves(process: str, sizes: Sizes) -> list[Config]:
    """Learners of the learning curves."""
    machines = [machine(k, process, sizes) for k in sizes.states if k > 1]
    return [cell(process, sizes), *machines, network("rnn", sizes)]


def _word_rows(sizes: Sizes, first_seed: int) -> list[Row]:
    """Machines on exact probabilities, as on records without end."""
    rows = []
    for process, spec in PROCESSES.items():
        more = sizes.more_states if process != SQUARE else ()
        for k in (*sizes.states, *more):
            config = {"name": "words", "process": spec, "n_states": k}
            bits = 2 if process == SQUARE else 1
            config |= {"length": sizes.word_bits // bits}
            config |= {"longest": sizes.long_bits // bits}
            config |= {"n_starts": sizes.word_starts, "seed": first_seed}
            rows.append(Row("words", process, states_name(k), k, [config]))
    return rows


def starts_of(process: str, sizes: Sizes) -> int:
    """Starts of each learner on a process."""
    return sizes.starts if process == SQUARE else sizes.clock_starts


def cell(process: str, sizes: Sizes) -> Config:
    """The cell as a learner."""
    return {
        "name": "cell",
        "n_layers": LAYERS.get(process, 1),
        "n_starts": starts_of(process, sizes),
        "word_length": WORDS.get(process, 5),
    }


def machine(n_states: int, process: str, sizes: Sizes) -> Config:
    """A classical machine as a learner."""
    n_starts = 1 if n_states == 1 else starts_of(process, sizes)
    return {"name": "machine", "n_states": n_states, "n_starts": n_starts}


def network(kind: str, sizes: Sizes) -> Config:
    """A network of four units as a learner."""
    return {"name": "network", "kind": kind, "n_hidden": 4, "epochs": sizes.epochs}


def learner_name(learner: Config) -> str:
    """What tables call a learner."""
    if learner["name"] == "cell":
        return SEPARATE if "cut" in learner else CELL
    if learner["name"] == "machine":
        return states_name(learner["n_states"])
    return f"{learner['kind'].upper()} of {learner['n_hidden']} units"


def states_name(n_states: int) -> str:
    """What tables call a machine."""
    return f"{n_states} classical state{'s' * (n_states > 1)}"


def run(config: Config) -> Config:
    """Draw the records, learn from them, and judge: one run of the study.

    Args:
        config: The ``process``, how much ``data``, the ``learner`` and the ``seed``; or
            by the ``name`` of another kind of run, ``words`` or ``evenodd``.

    Returns:
        The fields of `Learned`, of `evenodd.Found`, or of a fit to words, as JSON takes
        them; a gap that is infinite is None.
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
    gaps = [gap if np.isfinite(gap) else None for gap in found["gaps"]]
    return found | {"gaps": gaps}


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
    error = float(error) if np.isfinite(error) else None
    return {"excess": float(value), "error": error, "all": lost}


def read(rows: list[Row], files: RunFolder) -> list[Outcome]:
    """The finished runs of every row."""
    return [
        Outcome(row, [files.load(config)["result"] for config in row.configs])
        for row in rows
    ]
