"""A CSV file as a table of text, and its cells as numbers and dates, read strictly.

The file is read with the standard library, since `pandas.read_csv` turns words such as
"NA", "null" and "None" into gaps, and forgets the line numbers that an error needs.
What is not UTF-8 is taken for Windows-1252: numbers and dates are ASCII in both. What
the header or a whole column leaves open is an error that names the option to give.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qlstm.forecasting.sources.series import check_type

SEPARATORS = {",": ",", ";": ";", "\t": "\t", "|": "|", "tab": "\t", "\\t": "\t"}
"""Separators as a caller may write them."""

_GUESSED = (",", ";", "\t")
_SHOWN = 40  # characters of a cell, and columns, that a message shows
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?",
    re.ASCII,
)
_SEP_LINE = re.compile(r'"?sep=([,;|\t])"?(?=[\r\n])')  # Excel's, before the header
_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})", re.ASCII)


class CsvTable(NamedTuple):
    """A CSV file as text: its name, header, cells, and each row's line number."""

    name: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    separator: str


def read_table(path: str | PathLike, separator: str | None) -> CsvTable:
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
    text = _decode(path)
    excel = _SEP_LINE.match(text)
    if excel:
        separator, text = separator or excel[1], text[excel.end() :]
    try:
        if separator is None:
            separator = _find_separator(path.name, text)
        rows, lines = _read_rows(text, separator)
    except csv.Error as error:
        raise ValueError(
            f"Argument `path` must name a CSV file, but {path.name} is not one: "
            f"{error}."
        ) from None
    return _checked_table(path.name, rows, lines, separator)


def _decode(path: Path) -> str:
    """The file's text, from UTF-8 or else Windows-1252."""
    content = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            problem = f"the byte 0x{content[error.start]:02x}: {error.reason}"
            continue
        if "\0" not in text:
            return text
        problem = "NUL bytes"
        break
    raise ValueError(
        f"Argument `path` must name a UTF-8 text file (or Windows-1252), but "
        f"{path.name} has {problem}."
    )


def _find_separator(name: str, text: str) -> str:
    """The one separator that the header has, or the only one that fits all rows."""
    text = text.lstrip("\r\n")  # there may be many
    found = [mark for mark in _GUESSED if _splits(text, mark)]
    if len(found) > 1:
        fitting = [mark for mark in found if _fits(text, mark)]
        if len(fitting) != 1:
            raise ValueError(
                "Argument `separator` must say what stands between cells, but the "
                f"header of {name} has {' and '.join(map(repr, found))}."
            )
        found = fitting
    return found[0] if found else ","


def _splits(text: str, separator: str) -> bool:
    """Whether the header has several cells."""
    try:
        return len(next(_rows(text, separator), ())) > 1
    except csv.Error:
        return False


def _fits(text: str, separator: str) -> bool:
    """Whether all rows have as many cells."""
    try:
        return len({len(row) for row in _rows(text, separator)}) == 1
    except csv.Error:
        return False


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    """Rows that are not blank."""
    reader = csv.reader(io.StringIO(text, ""), delimiter=separator, strict=True)
    return (row for row in reader if row and any(cell.strip() for cell in row))


def _read_rows(text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """Stripped cells of each row that is not blank, and the line it starts at."""
    rows, lines, line = [], [], 1
    reader = csv.reader(io.StringIO(text, ""), delimiter=separator, strict=True)
    for row in reader:
        if row and any(cell.strip() for cell in row):
            rows.append([cell.strip() for cell in row])
            lines.append(line)
        line = reader.line_num + 1  # a quoted cell may hold line breaks
    return rows, lines


def _checked_table(
    name: str, rows: list[list[str]], lines: list[int], separator: str
) -> CsvTable:
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
    return CsvTable(name, header, rows, lines, separator)


def find_column(
    table: CsvTable, wanted: str | None, defaults: tuple[str, ...], argument: str
) -> int:
    """Position of the wanted column, or of the first default that is present."""
    if wanted is not None:
        found = [i for i, name in enumerate(table.header) if name == wanted]
        missing = f"but {wanted!r} is not one of them"
    else:
        names = [plain(name) for name in table.header]
        default = next((plain(d) for d in defaults if plain(d) in names), None)
        found = [i for i, name in enumerate(names) if name == default]
        missing = f"but none is {', '.join(defaults)}: choose one with `{argument}`"
    if not found:
        columns = ", ".join(map(shown, table.header[:_SHOWN]))
        columns += ", ..." if len(table.header) > _SHOWN else ""
        raise ValueError(
            f"Argument `{argument}` must be a column of {table.name} ({columns}), "
            f"{missing}."
        )
    if len(found) > 1:
        raise ValueError(
            f"Argument `{argument}` must name one column, but {table.name} has "
            f"{len(found)} called {shown(table.header[found[0]])}."
        )
    return found[0]


def plain(name: str) -> str:
    """A column's name without what files write in several ways: case and spaces."""
    return "".join(name.casefold().split())


def shown(text: str) -> str:
    """A cell as a message shows it."""
    return repr(text[:_SHOWN])


def parse_column(table: CsvTable, at: int, parse: Callable[[str], object]) -> list:
    """Cells of one column, parsed; an error names the row, the column and the text."""
    cells = []
    for row, line in zip(table.rows, table.lines):
        try:
            cells.append(parse(row[at]))
        except ValueError as error:
            raise ValueError(
                f"Argument `path` must hold {error} in column "
                f"{shown(table.header[at])}, but {table.name} row {line} has "
                f"{shown(row[at])}."
            ) from None
    return cells


def find_decimal(table: CsvTable, at: int, is_gap: Callable[[str], bool]) -> str:
    """What begins the decimals of a column: "." or ",", unless it may be thousands."""
    cells = [
        (row[at], line)
        for row, line in zip(table.rows, table.lines)
        if not is_gap(row[at])
    ]
    commas = [(cell, line) for cell, line in cells if "," in cell]
    dots = [(cell, line) for cell, line in cells if "." in cell]
    if commas and dots:
        return "."  # and what has a comma is no number
    if not commas and table.separator == ",":
        return "."
    found = commas or dots
    if found and all(_THOUSANDS.fullmatch(cell) for cell, _ in found):
        cell, line = found[0]
        raise ValueError(
            "Argument `decimal` must say what begins decimals in column "
            f"{shown(table.header[at])}, '.' or ',', but is not given, and "
            f"{table.name} row {line} has {shown(cell)}, which may be thousands."
        )
    return "," if commas else "."


def parse_number(text: str, decimal: str = ".") -> float:
    """A finite number, or NaN for a blank cell; `float` alone would take 'nan'."""
    if not text:
        return np.nan
    infinite = _INFINITE.fullmatch(text)
    if decimal == ",":
        text = text.replace(".", " ").replace(",", ".")  # a dot is refused
    if not infinite and not _NUMBER.fullmatch(text):
        raise ValueError("numbers or blank cells (`missing` names other gaps)")
    if infinite or np.isinf(float(text)):
        raise ValueError("finite numbers")
    return float(text)


def parse_times(table: CsvTable, at: int) -> np.ndarray:
    """A column of days or times as datetime64[s], or one of months as datetime64[M]."""
    if _MONTH.fullmatch(table.rows[0][at]):
        return np.array(parse_column(table, at, parse_month), "datetime64[M]")
    return np.array(parse_column(table, at, parse_time), "datetime64[s]")


def parse_month(text: str) -> date:
    """The first day of a month."""
    match = _MONTH.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        return date(int(match[1]), int(match[2]), 1)
    except ValueError:
        raise ValueError("months YYYY-MM") from None


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
