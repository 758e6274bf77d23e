"""Clocks: jobs in turn, medians with quartiles, exponents of growth."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

Job = Callable[[], object]
"""What is timed."""
Quartiles = list[float]
"""The first quartile, the median, the third."""
LEAST_ROUNDS = 3
"""Rounds that are timed whatever they take."""


def interleaved(
    jobs: dict[str, Job], rounds: int, seconds: float = math.inf
) -> dict[str, list[float]]:
    """Seconds of each job, one of each in every round, after a round to warm up.

    Args:
        jobs: What to time, by name.
        rounds: The most rounds.
        seconds: How long to go on; the round that is begun is finished.

    Returns:
        A time for each job and round.
    """
    found = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    begin = time.perf_counter()
    for done in range(rounds):
        if done >= LEAST_ROUNDS and time.perf_counter() - begin > seconds:
            break
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            found[name].append(time.perf_counter() - start)
    return found


def quartiles(seconds: Sequence[float], per: float = 1.0) -> Quartiles:
    """Quartiles of times that are shared by `per` pieces of work."""
    return [float(t) / per for t in np.quantile(seconds, [0.25, 0.5, 0.75])]


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The slope of ``log time`` against ``log size``, by least squares.

    Args:
        sizes: Two or more sizes.
        times: How long each took.

    Returns:
        k of ``time ~ size^k``.

    Example:
        >>> round(exponent([1, 2, 4], [3, 12, 48]), 6)
        2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
