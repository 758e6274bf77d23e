"""Tables in plain text."""


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
