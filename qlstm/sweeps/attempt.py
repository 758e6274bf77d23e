"""What a worker does: a run, or several of one kind at a time."""

import json
import time
import traceback
import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from qlstm.files import canonical_json, versions
from qlstm.registry import load_rules
from qlstm.sweeps.files import Record

Config = dict[str, Any]
Run = Callable[[Config], Config]


class Together(NamedTuple):
    """How several runs are done in one call, each with the result it has alone."""

    run: Callable[[list[Config]], list[Config]]
    """Takes the configurations of runs of one kind, and returns their results."""
    kind: Callable[[Config], tuple[Hashable, int]]
    """What runs must have in common to be done together, and how many at most."""


def attempt_runs(
    run: Run,
    together: Together | None,
    configs: Sequence[str],
    rules: list[tuple[str, str, str]],
) -> list[Record]:
    """Do runs of one kind in a worker, in one call if there are several.

    If that call fails, they are done one by one, so that a run that fails does so
    alone. The seconds of a call are shared evenly by its runs.

    Args:
        run: As in `attempt_run`.
        together: How several are done.
        configs: Their configurations as JSON.
        rules: As in `attempt_run`.

    Returns:
        For each what `attempt_run` returns.
    """
    if together is None or len(configs) == 1:
        return [attempt_run(run, config, rules) for config in configs]
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")  # two runs may say the same
            load_rules(rules)
            results = together.run([json.loads(config) for config in configs])
            outcomes = [
                {"result": json.loads(canonical_json(result))}
                for _, result in zip(configs, results, strict=True)
            ]
    except (Exception, SystemExit):  # noqa: BLE001 - each says by itself what is wrong
        return [attempt_run(run, config, rules) for config in configs]
    seconds = (time.perf_counter() - start) / len(configs)
    return [
        outcome | _circumstances(_said(caught, k), seconds)
        for k, outcome in enumerate(outcomes)
    ]


def _said(caught: list[warnings.WarningMessage], k: int) -> list[Any]:
    """The warnings that are meant for a run: its own, and those for all."""
    return [w for w in caught if getattr(w.message, "model", None) in (None, k)]


def attempt_run(run: Run, config: str, rules: list[tuple[str, str, str]]) -> Record:
    """Do a run in a worker, and return its result or its error with the time it took.

    Its warnings go into the record, not to standard error. They are caught for the
    whole process, so a process should do one run at a time.

    Args:
        run: The function.
        config: Its configuration as JSON.
        rules: What `user_rules` gave where the sweep began; a rule that is not known
            here is imported first.

    Returns:
        `result` or `error` and `traceback`; `warnings`, `seconds` and `versions`.
    """
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            load_rules(rules)
            result = run(json.loads(config))
        if not isinstance(result, dict):
            raise TypeError(
                f"A run must return a dict, but its type is {type(result).__name__}."
            )
        outcome = {"result": json.loads(canonical_json(result))}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the run's own affair
        outcome = failure(error)
    return outcome | _circumstances(caught, time.perf_counter() - start)


def _circumstances(caught: list[Any], seconds: float) -> Record:
    """What stands in a record beside the result."""
    said = [f"{w.category.__name__}: {w.message}" for w in caught]
    return {
        "warnings": list(dict.fromkeys(said)),
        "seconds": seconds,
        "versions": versions("qlstm", "numpy", "scipy"),
    }


def failure(error: BaseException) -> Record:
    """An error's type and message in one line, and Python's traceback."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return {"error": line, "traceback": "".join(traceback.format_exception(error))}
