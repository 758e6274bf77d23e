"""Tables in plain text, and the numbers in them."""

import math


def format_table(header: list[str], rows: list[list[str]]) -> str:
    """A table in plain text: the first column to the left, numbers to the right.

    Args:
        header: Titles of the columns.
        rows: Cells, as many in each row as there are titles.

    Returns:
        Lines, without a newline at the end.

    Example:
        >>> print(format_table(["model", "MSE"], [["persistence", "0.05"]]))
        model         MSE
        -----------------
        persistence  0.05
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [
                cell.rjust(width)
                for cell, width in zip(row[1:], widths[1:], strict=True)
            ]
        ).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def number_text(value: float, digits: int = 4) -> str:
    """A number for a table: fixed decimals, or powers of ten where these fail.

    Args:
        value: The number.
        digits: Decimals from 0.001 (for 4) to a million, and significant digits beyond.

    Returns:
        The text.

    Example:
        >>> number_text(0.0358), number_text(0.0), number_text(12.5)
        ('0.0358', '0.0000', '12.5000')
        >>> number_text(1.234e-4), number_text(1887172981313616740352.0)
        ('1.234e-04', '1.887e+21')
    """
    if value == 0 or 10.0 ** (1 - digits) <= abs(value) < 1e6:
        return f"{value:.{digits}f}"
    return f"{value:.{digits - 1}e}"


def skill_text(value: float | None, digits: int = 3) -> str:
    """A skill, or a difference of skills, with its sign; "-" where it is undefined.

    Example:
        >>> skill_text(0.25), skill_text(float("nan")), skill_text(-3.2e9)
        ('+0.250', '-', '-3.200e+09')
    """
    if value is None or math.isnan(value):
        return "-"
    return f"{value:+.{digits}{'f' if abs(value) < 1e6 else 'e'}}"
