"""Which learners are trained on which records: every line of every table."""

from typing import Any, NamedTuple

import numpy as np

from experiments.quantum_memory.ways import WAYS

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


def make_rows(sizes: Sizes, first_seed: int) -> list[Row]:
    """Every line of every table."""
    parts = [_held_out, _published, _ways, _curves, _words, _evenodd]
    return [row for rows in parts for row in rows(sizes, first_seed)]


def _held_out(sizes: Sizes, first: int) -> list[Row]:
    """Learners on records of the standard size."""
    rows = []
    for process in (SQUARE, *CLOCKS):
        learners = [cell(process, sizes)]
        if process == SQUARE:
            learners.append(learners[0] | {"cut": "separate"})
        learners += [machine(k, process, sizes) for k in sizes.states]
        more = sizes.more_states if process in CLOCKS else ()
        few = [machine(k, process, sizes) for k in more]
        few += [network(kind, sizes) for kind in ("rnn", "lstm")]
        for n, group in ((sizes.seeds, learners), (sizes.few, few)):
            for learner in group:
                runs = _seeded(_config(process, learner, sizes), first, n)
                rows.append(Row("held out", process, learner_name(learner), 0, runs))
    return rows


def _published(sizes: Sizes, first: int) -> list[Row]:
    """Learners on the protocol of the literature; machines see counts of words."""
    rows = []
    for process, states, words in ((SQUARE, (2, 3, 4), 5), (PUBLISHED, (2, 4, 7), 14)):
        machines = [machine(k, process, sizes) | {"words": words} for k in states]
        for learner in (cell(process, sizes), *machines):
            config = _config(process, learner, sizes) | {"data": sizes.published}
            runs = _seeded(config, first, sizes.few)
            rows.append(Row("published", process, learner_name(learner), 0, runs))
    return rows


def _ways(sizes: Sizes, first: int) -> list[Row]:
    """Ways of training on the same records."""
    rows = []
    for process in SHORT:
        for way, label in WAYS.items():
            options = {"way": way, "n_starts": sizes.way_starts}
            options |= {"n_layers": LAYERS.get(process, 1), "n_steps": sizes.n_steps}
            options |= {"word_length": WORDS.get(process, 5)}
            config = _config(process, {"name": "way"} | options, sizes)
            runs = _seeded(config, first, sizes.ways)
            rows.append(Row("ways", process, label, 0, runs))
    return rows


def _curves(sizes: Sizes, first: int) -> list[Row]:
    """Learners on more and on fewer records."""
    rows = []
    for process in SHORT:
        machines = [machine(k, process, sizes) for k in sizes.states if k > 1]
        for learner in (cell(process, sizes), *machines, network("rnn", sizes)):
            for n in sizes.curve:
                config = _config(process, learner, sizes, n)
                runs = _seeded(config, first, sizes.few)
                rows.append(Row("curves", process, learner_name(learner), n, runs))
    return rows


def _words(sizes: Sizes, first: int) -> list[Row]:
    """Machines on exact probabilities, as on records without end."""
    rows = []
    for process, spec in PROCESSES.items():
        more = sizes.more_states if process != SQUARE else ()
        for k in (*sizes.states, *more):
            config = {"name": "words", "process": spec, "n_states": k}
            bits = 2 if process == SQUARE else 1
            config |= {"length": sizes.word_bits // bits}
            config |= {"longest": sizes.long_bits // bits}
            config |= {"n_starts": sizes.word_starts, "seed": first}
            rows.append(Row("words", process, states_name(k), k, [config]))
    return rows


def _evenodd(sizes: Sizes, first: int) -> list[Row]:
    """EVENODD from sequences."""
    config = {"name": "evenodd", "k": 2, "n_layers": 4}
    config |= {"n_starts": sizes.clock_starts} | sizes.evenodd
    runs = _seeded(config, first, sizes.seeds)
    return [Row("evenodd", "EVENODD, k = 2", CELL, 0, runs)]


def _seeded(config: Config, first: int, n: int) -> list[Config]:
    """The same for each seed."""
    return [config | {"seed": seed} for seed in range(first, first + n)]


def _config(
    process: str, learner: Config, sizes: Sizes, n_sequences: int | None = None
) -> Config:
    """A run, but for its seed."""
    n = sizes.n_sequences if n_sequences is None else n_sequences
    data = {"n_sequences": n, "length": sizes.length, "held_out": sizes.held_out}
    spec = PROCESSES[process]
    return {"process": spec, "data": data | {"skip": sizes.skip}, "learner": learner}


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
