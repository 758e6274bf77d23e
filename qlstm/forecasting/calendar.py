"""Dates after the end of a series."""

import re

import numpy as np
from numpy.typing import NDArray

_STEP = re.compile(r"(\d+) (business day|second|minute|hour|day|week|month|year)s?")
_CODES = {"second": "s", "minute": "m", "hour": "h", "day": "D", "week": "W"}


def continue_dates(
    dates: NDArray | None, frequency: str, horizon: int
) -> NDArray | None:
    """The dates that follow.

    Args:
        dates: Dates ``(n,)``, datetime64; None if there are none.
        frequency: Their step, such as "1 day", "15 minutes", "3 months" or "1 business
            day" (Monday to Friday); any other has no dates to come.
        horizon: How many.

    Returns:
        ``(horizon,)`` in the type of `dates`, or None. A month's last day is followed
        by months' last days; another day of the month stays, or is the last one there.

    Example:
        >>> continue_dates(np.array(["2024-01-31"], "M8[D]"), "1 month", 2)
        array(['2024-02-29', '2024-03-31'], dtype='datetime64[D]')
        >>> continue_dates(np.array(["2024-05-10"], "M8[D]"), "1 business day", 2)
        array(['2024-05-13', '2024-05-14'], dtype='datetime64[D]')
    """
    match = _STEP.fullmatch(frequency)
    if dates is None or not len(dates) or match is None:
        return None
    count, unit, last = int(match[1]), match[2], dates[-1]
    ahead = count * np.arange(1, horizon + 1)
    if unit == "business day":
        return np.busday_offset(last.astype("M8[D]"), ahead).astype(dates.dtype)
    if unit in _CODES:
        return last + ahead.astype(f"m8[{_CODES[unit]}]")
    return _months_later(dates, ahead * (12 if unit == "year" else 1))


def _months_later(dates: NDArray, ahead: NDArray[np.intp]) -> NDArray:
    """The last date so many months later, on the day of the month of all dates."""
    months = dates.astype("M8[M]")
    days = (dates.astype("M8[D]") - months.astype("M8[D]")).astype(int)
    lengths = ((months + 1).astype("M8[D]") - months.astype("M8[D]")).astype(int)
    time = dates[-1] - dates[-1].astype("M8[D]")
    then = months[-1] + ahead
    longest = ((then + 1).astype("M8[D]") - then.astype("M8[D]")).astype(int)
    at_the_end = (days == lengths - 1).all()
    day = longest - 1 if at_the_end else np.minimum(days.max(), longest - 1)
    return (then.astype("M8[D]") + day + time).astype(dates.dtype)
