"""A univariate time series and the record of where it came from."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from qlstm.forecasting.checks import check_series

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
ABSOLUTE_ZERO = -273.15
"""In degC."""


@dataclass(frozen=True, eq=False)
class Series:
    """A univariate time series and where it came from.

    Args:
        values: Array `(n,)` of float64 in `unit`, NaN or masked where the source has a
            gap.
        dates: Array `(n,)` of datetime64[D], or datetime64[s] when the source holds
            times of day; None for a synthetic series.
        name: What the values are, such as "daily mean temperature".
        unit: "degC", or "" when unknown.
        provenance: JSON-serialisable record of the source: `source`, the file name,
            station or dataset, `column`, `first_date`, `last_date`, `rows`, `gaps`,
            `frequency`, and attribution and library version where known.

    Raises:
        ValueError: If `values` is not a float64 vector, holds infinity or, in degC, a
            value below absolute zero, or `dates` differs in length.

    Example:
        >>> import numpy as np
        >>> series = Series(np.array([1.5, np.nan]), None, "depth", "m", {})
        >>> series.gaps
        1
        >>> series.sha256[:12]
        'dae023df8df0'
    """

    values: np.ndarray
    dates: np.ndarray | None
    name: str
    unit: str
    provenance: dict

    def __post_init__(self):
        shape, dtype = np.shape(self.values), getattr(self.values, "dtype", None)
        if len(shape) != 1 or dtype != np.float64:
            raise ValueError(
                "Argument `values` must be a float64 array of shape (n,), "
                f"but it has shape {shape} and dtype {dtype}."
            )
        if self.dates is not None and np.shape(self.dates) != shape:
            raise ValueError(
                f"Argument `dates` must have shape {shape} as `values`, "
                f"but it has shape {np.shape(self.dates)}."
            )
        object.__setattr__(self, "values", check_series("values", self.values))
        cold = self.values[self.values < ABSOLUTE_ZERO]
        if self.unit == "degC" and cold.size:
            raise ValueError(
                "Argument `values` must not lie below absolute zero, "
                f"{ABSOLUTE_ZERO} degC, but {cold.size} of them do, such as "
                f"{cold[0]:.10g}: if it marks missing values, make them gaps (nan in "
                "an array, an empty cell or --missing for a file)."
            )

    @property
    def gaps(self) -> int:
        """Number of missing values."""
        return int(np.isnan(self.values).sum())

    @property
    def sha256(self) -> str:
        """Digest of the values, see `sha256_of_values`."""
        return sha256_of_values(self.values)


def sha256_of_values(values: np.ndarray) -> str:
    """Hexadecimal digest of a series as little-endian float64, one NaN for all.

    NaN has many bit patterns; all are written as one, so equal series agree.

    Args:
        values: float64 array ``(n,)``, NaN where the source has a gap.

    Returns:
        The sha256, 64 hexadecimal digits.
    """
    values = np.where(np.isnan(values), np.nan, values)
    return hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()


def span(values: np.ndarray, dates: np.ndarray) -> dict:
    """First and last date (ISO), rows and gaps: the part every provenance shares."""
    return {
        "first_date": str(dates[0]),
        "last_date": str(dates[-1]),
        "rows": len(values),
        "gaps": int(np.isnan(values).sum()),
    }


def check_type(argument: str, value: object, kinds: tuple, wanted: str) -> None:
    """Say so when a value is of another type; a truth value is no number."""
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(
            f"Argument `{argument}` must be {wanted}, but its type is "
            f"{type(value).__name__}."
        )


def parse_day(value: date | str | None, argument: str) -> date | None:
    """Return `value` as a date; None stays None.

    Raises:
        TypeError: If `value` is neither a date nor a string (a datetime is no date).
        ValueError: If the string is not a calendar day written YYYY-MM-DD.
    """
    if value is None:
        return None
    wanted = "a datetime.date or a string 'YYYY-MM-DD'"
    kinds = () if isinstance(value, datetime) else (date, str)
    check_type(argument, value, kinds, wanted)
    if isinstance(value, date):
        return value
    try:
        # fromisoformat alone would also take '20240510' and '2024-W19-5'.
        if not _ISO_DAY.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(
            f"Argument `{argument}` must be {wanted}, but it is {value!r}."
        ) from None


def parse_days(
    start: date | str | None, end: date | str | None
) -> tuple[date | None, date | None]:
    """Both ends of a range of days, the first not after the last."""
    first, last = parse_day(start, "start"), parse_day(end, "end")
    if first is not None and last is not None and first > last:
        raise ValueError(
            f"Argument `start` must not be after `end`, but {first} is after {last}."
        )
    return first, last
