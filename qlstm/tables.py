"""Tables in plain text and in LaTeX, and the numbers in them."""

import math
import re


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


LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "°": r"\textdegree{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}
"""What LaTeX reads as a command, and how it is written as text."""


def latex_text(text: str) -> str:
    """A text that LaTeX prints as it stands; a number's minus becomes a minus.

    Example:
        >>> print(latex_text("-5 % of x_1"), latex_text("1-3"))
        $-$5 \\% of x\\_1 1-3
    """
    found = "".join(LATEX.get(mark, mark) for mark in text)
    return re.sub(r"(^|(?<=[\s(\[]))-(?=[\d.])", "$-$", found)


def latex_table(header: list[str], rows: list[list[str]], caption: str = "") -> str:
    """The table of `format_table` for LaTeX, with nothing but the standard classes.

    Args:
        header: Titles of the columns.
        rows: Cells, as many in each row as there are titles.
        caption: What stands above it.

    Returns:
        A ``table`` with a ``tabular``, and a newline at the end.

    Example:
        >>> print(latex_table(["model", "MSE"], [["AR(10)", "0.05"]]), end="")
        \\begin{table}
        \\centering
        \\begin{tabular}{lr}
        \\hline
        model & MSE \\\\
        \\hline
        AR(10) & 0.05 \\\\
        \\hline
        \\end{tabular}
        \\end{table}
    """
    lines = [" & ".join(map(latex_text, row)) + r" \\" for row in [header, *rows]]
    parts = [r"\begin{table}", r"\centering"]
    parts += [rf"\caption{{{latex_text(caption)}}}"] if caption else []
    parts += [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\hline"]
    parts += [lines[0], r"\hline", *lines[1:], r"\hline"]
    return "\n".join([*parts, r"\end{tabular}", r"\end{table}", ""])


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
