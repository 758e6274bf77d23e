"""A CSV file as a table of text, and its cells as numbers and dates, read strictly.

The file is read with the standard library, since `pandas.read_csv` turns words such as
"NA", "null" and "None" into gaps, and forgets the line numbers that an error needs.
"""

import csv
import re
from collections.abc import Callable
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qlstm.forecasting.sources.series import check_type

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?",
    re.ASCII,
)


class CsvTable(NamedTuple):
    """A CSV file as text: its name, header, cells, and each row's line number."""

    name: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]


def read_table(path: str | PathLike) -> CsvTable:
    """The file as text; blank lines are skipped but counted."""
    check_type("path", path, (str, PathLike), "a path")
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"Argument `path` must name a CSV file, but {path} does not exist."
        )
    if path.is_dir():
        raise ValueError(
            f"Argument `path` must name a CSV file, but {path} is a directory."
        )
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows, lines = _read_rows(file)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"Argument `path` must name a UTF-8 text file, but {path.name} has the "
            f"byte 0x{error.object[error.start]:02x}: {error.reason}."
        ) from None
    except csv.Error as error:
        raise ValueError(
            f"Argument `path` must name a CSV file, but {path.name} is not one: "
            f"{error}."
        ) from None
    return _checked_table(path.name, rows, lines)


def _read_rows(file) -> tuple[list[list[str]], list[int]]:
    """Stripped cells of each row that is not blank, and the line it starts at."""
    rows, lines, line = [], [], 1
    reader = csv.reader(file, strict=True)
    for row in reader:
        if any(cell.strip() for cell in row):
            rows.append([cell.strip() for cell in row])
            lines.append(line)
        line = reader.line_num + 1  # a quoted cell may hold line breaks
    return rows, lines


def _checked_table(name: str, rows: list[list[str]], lines: list[int]) -> CsvTable:
    """A table with at least one row, each as long as the header."""
    if len(rows) < 2:
        state = "has a header but no rows" if rows else "is empty"
        raise ValueError(
            f"Argument `path` must name a CSV file with data, but {name} {state}."
        )
    header, rows, lines = rows[0], rows[1:], lines[1:]
    for row, line in zip(rows, lines):
        if len(row) != len(header):
            raise ValueError(
                f"Argument `path` must have {len(header)} cells in every row as in its "
                f"header, but {name} row {line} has {len(row)}."
            )
    return CsvTable(name, header, rows, lines)


def find_column(
    table: CsvTable, wanted: str | None, defaults: tuple[str, ...], argument: str
) -> int:
    """Position of the wanted column, or of the first default that is present."""
    if wanted is not None:
        found = [i for i, name in enumerate(table.header) if name == wanted]
        missing = f"but {wanted!r} is not one of them"
    else:
        names = [name.casefold() for name in table.header]
        default = next((d.casefold() for d in defaults if d.casefold() in names), None)
        found = [i for i, name in enumerate(names) if name == default]
        missing = f"but none is {', '.join(defaults)}: choose one with `{argument}`"
    if not found:
        columns = ", ".join(repr(name) for name in table.header)
        raise ValueError(
            f"Argument `{argument}` must be a column of {table.name} ({columns}), "
            f"{missing}."
        )
    if len(found) > 1:
        raise ValueError(
            f"Argument `{argument}` must name one column, but {table.name} has "
            f"{len(found)} called {table.header[found[0]]!r}."
        )
    return found[0]


def parse_column(table: CsvTable, at: int, parse: Callable[[str], object]) -> list:
    """Cells of one column, parsed; an error names the row, the column and the text."""
    cells = []
    for row, line in zip(table.rows, table.lines):
        try:
            cells.append(parse(row[at]))
        except ValueError as error:
            raise ValueError(
                f"Argument `path` must hold {error} in column {table.header[at]!r}, "
                f"but {table.name} row {line} has {row[at][:40]!r}."
            ) from None
    return cells


def parse_number(text: str) -> float:
    """A finite number, or NaN for a blank cell; `float` alone would take 'nan'."""
    if not text:
        return np.nan
    infinite = _INFINITE.fullmatch(text)
    if not infinite and not _NUMBER.fullmatch(text):
        raise ValueError("numbers or blank cells")
    if infinite or np.isinf(float(text)):
        raise ValueError("finite numbers")
    return float(text)


def parse_time(text: str) -> datetime:
    """A date with or without a time; the year comes first, so nothing is guessed."""
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        year, _, *rest = match.groups(default="0")
        return datetime(int(year), *(int(part) for part in rest))
    except ValueError:
        raise ValueError("dates YYYY-MM-DD, with or without HH:MM:SS,") from None
