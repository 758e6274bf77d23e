"""A time series from a column of a CSV file: only a blank cell is a gap."""

from datetime import date
from os import PathLike

import numpy as np

from qlstm.forecasting.sources.csv_table import (
    CsvTable,
    find_column,
    parse_column,
    parse_number,
    parse_time,
    read_table,
)
from qlstm.forecasting.sources.series import Series, parse_days, span

DATE_COLUMNS = ("date", "time", "Date/Time", "Date/Time (LST)")
VALUE_COLUMNS = ("tavg", "temp", "Mean Temp (°C)")

_SPARSEST = 100  # grid steps per row; beyond it a mistyped year would fill the memory


def load_csv(
    path: str | PathLike,
    *,
    column: str | None = None,
    date_column: str | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
) -> Series:
    """Load one column of a CSV file as a time series.

    Rows are sorted by date. Dates that lie on a grid of the commonest step get a NaN
    for each missing step; others stay as they are, with the frequency "irregular"
    (as do dates so sparse that over 99 % of the grid would be gaps).

    Args:
        path: UTF-8 file (with or without a byte order mark) whose first line names the
            columns; Environment Canada's bulk downloads are read as they come.
        column: Name of the value column; None takes the first present of `tavg`,
            `temp` and `Mean Temp (°C)`, all three in degrees Celsius.
        date_column: Name of the date column; None takes the first present of `date`,
            `time`, `Date/Time` and `Date/Time (LST)`. Dates are YYYY-MM-DD or
            YYYY/MM/DD, with or without a time HH:MM or HH:MM:SS.
        start: First day to keep, a date or "YYYY-MM-DD"; None keeps all.
        end: Last day to keep, inclusive.

    Returns:
        The series, its dates datetime64[D], or datetime64[s] when there are times
        other than midnight.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If `path`, `start` or `end` is of a wrong type.
        ValueError: If the file is not a UTF-8 CSV table, the columns are not there, a
            date cannot be read or comes twice, a cell is neither blank nor a finite
            number, or nothing is left between `start` and `end`.

    Example:
        >>> import tempfile, pathlib
        >>> text = "date,tavg\\n2024-05-10,12\\n2024-05-11,\\n2024-05-13,9"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "week.csv")
        ...     _ = path.write_text(text)
        ...     series = load_csv(path)
        >>> series.values.tolist()
        [12.0, nan, nan, 9.0]
        >>> series.provenance["gaps"], series.provenance["frequency"]
        (2, '1 day')
    """
    first, last = parse_days(start, end)
    table = read_table(path)
    date_at = find_column(table, date_column, DATE_COLUMNS, "date_column")
    value_at = find_column(table, column, VALUE_COLUMNS, "column")
    times = np.array(parse_column(table, date_at, parse_time), "datetime64[s]")
    values = np.array(parse_column(table, value_at, parse_number), np.float64)

    times, values = _sorted_by_time(table, times, values)
    times, values, frequency = _fill_grid(times, values)
    times, values = _clip(table, times, values, first, last)
    if np.isnan(values).all():
        raise ValueError(
            f"Argument `path` must hold a number in column "
            f"{table.header[value_at]!r}, but {table.name} has only blank cells "
            f"from {times[0].astype('M8[D]')} to {times[-1].astype('M8[D]')}."
        )
    return _describe(table, table.header[value_at], times, values, frequency)


def _sorted_by_time(
    table: CsvTable, times: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Times and values in order of time, each time once."""
    order = np.argsort(times, kind="stable")
    times = times[order]
    (twice,) = np.nonzero(times[1:] == times[:-1])
    if twice.size:
        i = twice[0]
        when = str(times[i]).removesuffix("T00:00:00")
        raise ValueError(
            f"Argument `path` must hold each date once, but {table.name} has {when} "
            f"in rows {table.lines[order[i]]} and {table.lines[order[i + 1]]}."
        )
    return times, values[order]


def _fill_grid(
    times: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray, str]:
    """Times and values with missing steps as NaN, and the name of the step."""
    if len(times) < 2:
        return times, values, "irregular"
    offsets = (times - times[0]).astype(np.int64)  # seconds
    steps, counts = np.unique(np.diff(offsets), return_counts=True)
    step = int(steps[np.argmax(counts)])
    n_grid = int(offsets[-1]) // step + 1
    if (offsets % step).any() or n_grid > _SPARSEST * len(times):
        return times, values, "irregular"
    filled = np.full(n_grid, np.nan)
    filled[offsets // step] = values
    return times[0] + step * np.arange(n_grid), filled, _step_name(step)


def _step_name(step: int) -> str:
    """Seconds in the largest unit that fits, such as "1 day" or "15 minutes"."""
    units = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    size, unit = next((size, unit) for size, unit in units if step % size == 0)
    count = step // size
    return f"{count} {unit}{'s' if count > 1 else ''}"


def _clip(
    table: CsvTable,
    times: np.ndarray,
    values: np.ndarray,
    first: date | None,
    last: date | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Times and values from the first to the last day, both inclusive."""
    days = times.astype("datetime64[D]")
    keep = np.ones(len(days), dtype=bool)
    if first is not None:
        keep &= days >= np.datetime64(first)
    if last is not None:
        keep &= days <= np.datetime64(last)
    if not keep.any():
        raise ValueError(
            f"Arguments `start` and `end` must leave at least one row, but "
            f"{table.name} runs from {days[0]} to {days[-1]}."
        )
    return times[keep], values[keep]


def _describe(
    table: CsvTable, column: str, times: np.ndarray, values: np.ndarray, frequency: str
) -> Series:
    """The series with its name, unit and provenance."""
    days = times.astype("datetime64[D]")
    dates = days if (days == times).all() else times
    known = column.casefold() in (name.casefold() for name in VALUE_COLUMNS)
    provenance = {
        "source": "csv",
        "file": table.name,
        "column": column,
        **span(values, dates),
        "frequency": frequency,
    }
    if "Climate ID" in table.header:
        provenance["attribution"] = "Environment and Climate Change Canada"
    return Series(
        values=values,
        dates=dates,
        name="daily mean temperature" if known and frequency == "1 day" else column,
        unit="degC" if known or "(°C)" in column else "",
        provenance=provenance,
    )
