"""What `experiments.speed` prints: a table for each section, from its rows alone."""

from typing import Any

from experiments.speed.runs import SECTIONS, Row
from qlstm.commands import format_table


def headline(versions: dict[str, str]) -> str:
    """What was installed."""
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"{told}; one thread; median (first to third quartile)"


def section(name: str, rows: list[Row]) -> str:
    """The first line of the section's description, and its table."""
    header = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(row.get(key, "")) for key in header] for row in rows]
    title = SECTIONS[name].__doc__.splitlines()[0]
    return f"{name}: {title}\n\n{format_table(header, cells)}\n"


def _cell(value: Any) -> str:
    """Words as they are, numbers with three digits, quartiles around their median."""
    if isinstance(value, list):
        low, median, high = map(_number, value)
        return f"{median} ({low} to {high})"
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
