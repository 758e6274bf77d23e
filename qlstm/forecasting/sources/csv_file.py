"""A time series from a column of a CSV file: what is blank or named is a gap."""

from collections.abc import Sequence
from datetime import date
from os import PathLike

import numpy as np

from qlstm.checks import check_choice
from qlstm.forecasting.sources.csv_table import (
    SEPARATORS,
    CsvTable,
    find_column,
    find_decimal,
    parse_column,
    parse_number,
    parse_times,
    plain,
    read_table,
    shown,
)
from qlstm.forecasting.sources.series import Series, check_type, parse_days, span

DATE_COLUMNS = ("date", "time", "Date/Time", "Date/Time (LST)")
DATE_COLUMNS += ("Date/Heure", "Date/Heure (HNL)")
VALUE_COLUMNS = ("tavg", "temp", "Mean Temp (°C)", "Temp moy. (°C)")
CSV_OPTIONS = ("missing", "separator", "decimal")
"""Options of `load_csv` that say how a file is written."""

_STATION_COLUMNS = ("Climate ID", "ID climatologique")
_MEANS = {"1 day": "daily mean temperature", "1 month": "monthly mean temperature"}
_SPARSEST = 100  # grid steps per row; beyond it a mistyped year would fill the memory


def load_csv(
    path: str | PathLike,
    *,
    column: str | None = None,
    date_column: str | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    missing: str | float | Sequence[str | float] = (),
    separator: str | None = None,
    decimal: str | None = None,
) -> Series:
    """Load one column of a CSV file as a time series.

    Rows are sorted by date. Dates that lie on a grid of the commonest step get a NaN
    for each missing step; others stay as they are, with the frequency "irregular"
    (as do dates so sparse that over 99 % of the grid would be gaps).

    Args:
        path: UTF-8 or Windows-1252 file (with or without a byte order mark) whose
            first line names the columns; Environment Canada's bulk downloads, English
            or French, daily or monthly, are read as they come.
        column: Name of the value column; None takes the first present of `tavg`,
            `temp`, `Mean Temp (°C)` and `Temp moy. (°C)`, all in degrees Celsius.
        date_column: Name of the date column; None takes the first present of `date`,
            `time`, `Date/Time`, `Date/Time (LST)` and the French `Date/Heure`. Dates
            are YYYY-MM-DD or YYYY/MM/DD, with or without a time HH:MM or HH:MM:SS;
            or all are months YYYY-MM, which stand for their first day.
        start: First day to keep, a date or "YYYY-MM-DD"; None keeps all.
        end: Last day to keep, inclusive.
        missing: A value that marks a gap, such as -9999 or "NA", or several. A number
            marks every cell of that value, however it is written.
        separator: What stands between cells: "," ";" "|" or "tab"; None takes the
            comma, semicolon or tab of the header.
        decimal: What begins the decimals, "." or ","; None takes the one that the
            column has. Thousands are not marked.

    Returns:
        The series, its dates datetime64[D], or datetime64[s] when there are times
        other than midnight.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If an argument is of a wrong type.
        ValueError: If the file is not a CSV table, the columns are not there, a date
            cannot be read or comes twice, a cell is neither a gap nor a finite number,
            its separator or its decimals are not clear, or nothing is left between
            `start` and `end`.

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
    (series,) = load_csv_columns(
        path,
        (column,),
        date_column=date_column,
        start=start,
        end=end,
        missing=missing,
        separator=separator,
        decimal=decimal,
    )
    return series


def load_csv_columns(
    path: str | PathLike,
    columns: Sequence[str | None],
    *,
    date_column: str | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    missing: str | float | Sequence[str | float] = (),
    separator: str | None = None,
    decimal: str | None = None,
) -> tuple[Series, ...]:
    """Load several columns of a CSV file as time series on the same dates.

    Args:
        path: As in `load_csv`.
        columns: Names of the value columns, each as in `load_csv`.
        date_column: As in `load_csv`.
        start: As in `load_csv`.
        end: As in `load_csv`.
        missing: As in `load_csv`, in every column.
        separator: As in `load_csv`.
        decimal: As in `load_csv`, in every column.

    Returns:
        A series for each column.

    Raises:
        FileNotFoundError: As in `load_csv`.
        TypeError: As in `load_csv`.
        ValueError: As in `load_csv`, for any of the columns.

    Example:
        >>> import tempfile, pathlib
        >>> text = "date,flow,rain\\n2024-05-10,12,0\\n2024-05-11,,3"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "river.csv")
        ...     _ = path.write_text(text)
        ...     flow, rain = load_csv_columns(path, ("flow", "rain"))
        >>> flow.values.tolist(), rain.values.tolist()
        ([12.0, nan], [0.0, 3.0])
    """
    first, last = parse_days(start, end)
    marks = _marks(missing)
    if separator is not None:
        check_choice("separator", separator, tuple(SEPARATORS))
    if decimal is not None:
        check_choice("decimal", decimal, (".", ","))
    table = read_table(path, SEPARATORS.get(separator))
    date_at = find_column(table, date_column, DATE_COLUMNS, "date_column")
    places = [find_column(table, own, VALUE_COLUMNS, "column") for own in columns]
    times = parse_times(table, date_at)
    values = np.column_stack(
        [_parse_values(table, at, marks, decimal) for at in places]
    )
    times, values = _sorted_by_time(table, times, values)
    times, values, frequency = _fill_grid(times, values)
    times, values = _clip(table, times, values, first, last)
    found = []
    for at, own in zip(places, values.T, strict=True):
        if np.isnan(own).all():
            raise ValueError(
                f"Argument `path` must hold a number in column "
                f"{shown(table.header[at])}, but {table.name} has only blank cells "
                f"from {times[0].astype('M8[D]')} to {times[-1].astype('M8[D]')}."
            )
        series = _describe(table, table.header[at], times, own.copy(), frequency)
        if marks:
            series.provenance["missing"] = sorted(marks)
        found.append(series)
    return tuple(found)


def _marks(missing: str | float | Sequence[str | float]) -> set[str]:
    """The marks of gaps as text."""
    kinds = (str, int, float, np.integer, np.floating)
    marks = missing
    if isinstance(missing, kinds) or not isinstance(missing, (list, tuple)):
        marks = [missing]
    for mark in marks:
        check_type("missing", mark, kinds, "a number, a text or a list of them")
    return {str(mark).strip() for mark in marks}


def _parse_values(
    table: CsvTable, at: int, marks: set[str], decimal: str | None
) -> np.ndarray:
    """Numbers of one column, NaN where it is blank or has a mark."""
    numbers = {_number(mark) for mark in marks} - {None}

    def is_gap(text: str) -> bool:
        return text in marks or bool(numbers) and _number(text) in numbers

    decimal = decimal or find_decimal(table, at, is_gap)

    def parse(text: str) -> float:
        return np.nan if is_gap(text) else parse_number(text, decimal)

    return np.array(parse_column(table, at, parse), np.float64)


def _number(text: str) -> float | None:
    """A cell's or a mark's value, with decimals of either kind; None for a word."""
    for decimal in ".,":
        try:
            return parse_number(text, decimal)
        except ValueError:
            pass
    return None


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
    offsets = (times - times[0]).astype(np.int64)  # seconds or months
    steps, counts = np.unique(np.diff(offsets), return_counts=True)
    step = int(steps[np.argmax(counts)])
    n_grid = int(offsets[-1]) // step + 1
    if (offsets % step).any() or n_grid > _SPARSEST * len(times):
        return times, values, "irregular"
    filled = np.full((n_grid, *values.shape[1:]), np.nan)
    filled[offsets // step] = values
    name = _step_name(step, "s" if times.dtype == "M8[s]" else "M")
    return times[0] + step * np.arange(n_grid), filled, name


def _step_name(step: int, kind: str) -> str:
    """A step in the largest unit that fits, such as "1 day" or "15 minutes"."""
    units = {"M": ((1, "month"),)}
    units["s"] = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    size, unit = next((size, unit) for size, unit in units[kind] if step % size == 0)
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
    known = plain(column) in map(plain, VALUE_COLUMNS)
    provenance = {
        "source": "csv",
        "file": table.name,
        "column": column,
        **span(values, dates),
        "frequency": frequency,
    }
    if set(map(plain, _STATION_COLUMNS)) & set(map(plain, table.header)):
        provenance["attribution"] = "Environment and Climate Change Canada"
    return Series(
        values=values,
        dates=dates,
        name=_MEANS.get(frequency, column) if known else column,
        unit="degC" if known or "(°C)" in column else "",
        provenance=provenance,
    )
