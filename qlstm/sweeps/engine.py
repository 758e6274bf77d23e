"""Many runs of one function, each done once: started again, a sweep goes on.

A run is a configuration, which is JSON, and `run(config)`, which returns JSON. This
file knows nothing about models, but that memory rules of the user's own travel with
each run; docs/sweeps.md describes the files.
"""

import functools
import itertools
import json
import math
import operator
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import nullcontext
from typing import Any, NamedTuple

from qlstm.checks import check_size
from qlstm.files import canonical_json
from qlstm.registry import user_rules
from qlstm.sweeps.attempt import Config, Run, Together, attempt_runs, failure
from qlstm.sweeps.files import DamagedRunError, Record, RunFolder, run_key
from qlstm.sweeps.workers import ExecutorError, ProcessWorkers, worker_died

AHEAD = 4096
"""Runs that are looked through to find those of one kind."""


class Tally(NamedTuple):
    """How far a sweep has come."""

    total: int
    """Runs asked for; 0 while the number is unknown."""
    skipped: int = 0
    """Runs that had finished before, or were asked for twice."""
    finished: int = 0
    """Runs that finished now."""
    failed: int = 0
    """Runs that failed now."""
    deaths: int = 0
    """Attempts that were lost with their worker."""
    damaged: int = 0
    """Damaged run files that were found."""

    @property
    def left(self) -> int:
        """Runs that are neither skipped, finished nor failed."""
        return max(0, self.total - self.skipped - self.finished - self.failed)


class _Task(NamedTuple):
    """A run that is to be done."""

    key: str
    config: str
    """As JSON, since a run may change what it is given."""
    attempt: int = 1


def expand_grid(grid: Any) -> list[Any]:
    """Every combination of the lists in a nested dict.

    A list holds alternatives, which may be dicts with lists of their own; a list that
    is itself a value stands in a list of one. The last key varies fastest.

    Args:
        grid: A dict; or a list of them, for one grid after the other.

    Returns:
        Configurations without alternatives.

    Raises:
        ValueError: If a list of alternatives is empty.

    Example:
        >>> grid = {"model": {"name": "lstm", "units": [2, 4]}, "seed": [0, 1]}
        >>> for config in expand_grid(grid):
        ...     print(config)
        {'model': {'name': 'lstm', 'units': 2}, 'seed': 0}
        {'model': {'name': 'lstm', 'units': 2}, 'seed': 1}
        {'model': {'name': 'lstm', 'units': 4}, 'seed': 0}
        {'model': {'name': 'lstm', 'units': 4}, 'seed': 1}
        >>> expand_grid({"sizes": [[1, 2]]})
        [{'sizes': [1, 2]}]
    """
    if isinstance(grid, list):
        if not grid:
            raise ValueError("A list in a grid must hold a value, but is empty.")
        nested = [expand_grid(v) if isinstance(v, dict) else [v] for v in grid]
        return list(itertools.chain.from_iterable(nested))
    if not isinstance(grid, dict):
        return [grid]
    choices = itertools.product(*map(expand_grid, grid.values()))
    return [dict(zip(grid, values, strict=True)) for values in choices]


def run_sweep(
    run: Run,
    configs: Iterable[Config],
    folder: str | os.PathLike,
    executor: Executor | None = None,
    *,
    together: Together | None = None,
    retries: int = 2,
    window: int | None = None,
    callback: Callable[[Tally], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Tally:
    """Do every run that has not finished, and keep each as a file of its own.

    A run that raises is recorded as failed, and the others go on. A run whose worker
    dies is done again, at most `retries` times. Stopped at any moment, even by SIGKILL,
    the sweep goes on when it is called again: finished runs are skipped, failed ones
    tried again, damaged files done again.

    Args:
        run: Takes a configuration and returns a dict, both JSON. For processes, it is
            a function of a module that they can import.
        configs: The configurations. Two that are equal are one run.
        folder: Where the files are; made if missing, and locked meanwhile.
        executor: Where runs are done; None for `ProcessWorkers()`.
        together: How several runs are done in one call, if they can be. They are
            recorded, skipped and done again one by one all the same.
        retries: How often a run is done again because its worker died.
        window: Most calls that are submitted at a time; None for four each worker, and
            at least 64.
        callback: Called with the `Tally` at the start and after each change.
        say: Called with one line about each failure, death and damaged file; None
            prints it on standard error.

    Returns:
        The last `Tally`.

    Raises:
        BlockingIOError: If another sweep uses the folder.
        TypeError: If a configuration is not JSON, or a count is not an integer.
        ValueError: If a configuration holds NaN or infinity, or a count is too small.
        ExecutorError: If workers cannot start, or the executor breaks or gives up.

    Example:
        >>> import tempfile
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> def square(config):
        ...     return {"y": config["x"] ** 2}
        >>> configs = expand_grid({"x": [1, 2, 3]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with ThreadPoolExecutor(1) as executor:
        ...         first = run_sweep(square, configs, folder, executor)
        ...         again = run_sweep(square, configs, folder, executor)
        >>> first.finished, again.finished, again.skipped
        (3, 0, 3)
    """
    check_size("retries + 1", retries + 1)
    check_size("window", 1 if window is None else window)
    files = RunFolder(folder)
    own = nullcontext(executor) if executor is not None else ProcessWorkers()
    with files.locked(), own as workers:
        if window is None:
            window = max(64, 4 * getattr(workers, "n_workers", 0))
        say = say or functools.partial(print, file=sys.stderr)
        sweep = _Sweep(run, together, files, workers, retries, callback, say)
        return sweep.do(configs, window)


class _Sweep:
    """One call of `run_sweep`."""

    def __init__(self, run, together, files, executor, retries, callback, say) -> None:
        """Nothing is done yet."""
        self.run, self.together = run, together
        self.files, self.executor = files, executor
        self.retries, self.callback, self.say = retries, callback, say
        self.rules, self.tally = user_rules(), Tally(0)
        self.again: deque[_Task] = deque()
        self.pending: dict[Future, list[_Task]] = {}

    def do(self, configs: Iterable[Config], window: int) -> Tally:
        """Keep up to `window` calls submitted until there are none."""
        self.count(total=operator.length_hint(configs))
        batches = self.batches(self.unfinished(configs))
        try:
            while True:
                while len(self.pending) < window:
                    batch = [self.again.popleft()] if self.again else next(batches, [])
                    if not batch:
                        break
                    self.submit(batch)
                if not self.pending:
                    return self.tally
                for future in wait(self.pending, return_when=FIRST_COMPLETED).done:
                    self.settle(self.pending.pop(future), future)
        finally:
            for future in self.pending:
                future.cancel()

    def batches(self, tasks: Iterator[_Task]) -> Iterator[list[_Task]]:
        """Runs that are done in one call: alone, or with others of their kind.

        A worker must not wait while another one has many runs in a call, so the runs at
        hand are divided among all workers.
        """
        if self.together is None:
            yield from ([task] for task in tasks)
            return
        n_workers = getattr(self.executor, "n_workers", 1)
        while block := list(itertools.islice(tasks, AHEAD)):
            kinds: dict[Any, list[_Task]] = {}
            for task in block:
                kind = self.together.kind(json.loads(task.config))
                kinds.setdefault(kind, []).append(task)
            for (_, most), alike in kinds.items():
                size = max(1, min(most, math.ceil(len(block) / n_workers)))
                for first in range(0, len(alike), size):
                    yield alike[first : first + size]

    def unfinished(self, configs: Iterable[Config]) -> Iterator[_Task]:
        """The runs to do, found one by one."""
        seen = set()
        for config in configs:
            key, finished = run_key(config), False
            try:
                finished = key in seen or self.files.load_finished(config) is not None
            except DamagedRunError as error:
                self.say(f"{error} It is done again.")
                self.count(damaged=1)
            seen.add(key)
            if finished:
                self.count(skipped=1)
            else:
                yield _Task(key, canonical_json(config))

    def submit(self, batch: list[_Task]) -> None:
        """Hand runs to the executor."""
        configs = [task.config for task in batch]
        try:
            future = self.executor.submit(
                attempt_runs, self.run, self.together, configs, self.rules
            )
        except BrokenExecutor as error:
            raise ExecutorError(
                f"The executor must survive its workers, but is broken ({error}); "
                "`ProcessWorkers` does. Finished runs are kept; start again to go on."
            ) from error
        self.pending[future] = batch

    def settle(self, batch: list[_Task], future: Future) -> None:
        """Record runs, or have them done again, each by itself."""
        if future.cancelled():
            raise ExecutorError(
                "The executor must keep its runs, but cancelled one: is its scheduler "
                "gone? Finished runs are kept; start again to go on."
            )
        error = future.exception()
        if isinstance(error, ExecutorError):
            raise error
        if error is None:
            for task, outcome in zip(batch, future.result(), strict=True):
                self.record(task, outcome)
            return
        for task in batch:
            if not worker_died(error):  # on the way to the worker or back
                self.record(task, failure(error))
            elif task.attempt <= self.retries:
                self.say(f"The worker died in run {task.key}, which is done again.")
                self.again.append(task._replace(attempt=task.attempt + 1))
                self.count(deaths=1)
            else:
                text = f"the worker died in each of {task.attempt} attempts"
                self.count(deaths=1)
                self.record(task, failure(error) | {"error": text})

    def record(self, task: _Task, outcome: Record) -> None:
        """Write the file of a run that finished or failed."""
        trace = outcome.pop("traceback", "")
        config = json.loads(task.config)
        record = {"config": config, "attempt": task.attempt} | outcome
        if "error" in outcome:
            self.files.save_failure(task.key, record, trace)
            self.say(f"Run {task.key} failed: {outcome['error']}")
            self.count(failed=1)
        else:
            self.files.save_run(task.key, record)
            self.count(finished=1)

    def count(self, **more: int) -> None:
        """Add to the tally and show it."""
        sums = {name: getattr(self.tally, name) + n for name, n in more.items()}
        self.tally = self.tally._replace(**sums)
        if self.callback is not None:
            self.callback(self.tally)
