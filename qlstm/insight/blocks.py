"""Headings, sentences and tables, and how they are written: as text and as HTML."""

import html
import re
import textwrap
from typing import NamedTuple

from qlstm.tables import format_table

FIXED = "\u00a0"
"""A space where no line may end."""
COLUMNS = 80
"""Most columns of the text."""
STYLE = (
    ".qlstm-explain{color:inherit;max-width:46rem;line-height:1.5}"
    ".qlstm-explain div{overflow-x:auto;margin:0 0 1em}"
    ".qlstm-explain table{border-collapse:collapse;color:inherit;"
    "background:transparent;font-variant-numeric:tabular-nums}"
    ".qlstm-explain caption{text-align:left;font-style:italic}"
    ".qlstm-explain :is(th,td){padding:.1em .7em;text-align:right;color:inherit;"
    "background:transparent;white-space:nowrap;font-family:monospace}"
    ".qlstm-explain :is(th,td):first-child{text-align:left}"
    ".qlstm-explain thead th{border-bottom:1px solid currentColor}"
)
"""Colours are those of the page around it, light or dark."""
PAGE_STYLE = "font-family:sans-serif;max-width:46rem;margin:1rem auto;padding:0 1rem"


class Table(NamedTuple):
    """A caption, and cells that are already text."""

    caption: str
    header: list[str]
    rows: list[list[str]]


class Block(NamedTuple):
    """A heading, what there is to say, and what there is to see."""

    level: int
    """1 for the whole, 2 for a step, 3 for a part of it."""
    heading: str
    sentences: list[str]
    """A paragraph each."""
    tables: list[Table]


def as_text(blocks: list[Block]) -> str:
    """The blocks as plain ASCII text.

    Args:
        blocks: The blocks.

    Returns:
        Lines of at most 80 columns, unless a table is wider, without a newline at the
        end.

    Example:
        >>> table = Table("Squares", ["n", "n^2"], [["2", "4"], ["3", "9"]])
        >>> print(as_text([Block(3, "Numbers", ["Two of them."], [table])]))
        -- Numbers --
        Two of them.
        <BLANKLINE>
        Squares:
          n  n^2
          ------
          2    4
          3    9
    """
    text = "\n\n".join(map(_block_text, blocks)).replace(FIXED, " ")
    return text.encode("ascii", "backslashreplace").decode()


def _block_text(block: Block) -> str:
    """One block."""
    marks = {1: "=", 2: "-"}
    heading = f"-- {block.heading} --"
    if block.level in marks:
        heading = f"{block.heading}\n{marks[block.level] * len(block.heading)}"
    parts = ["\n".join([heading, *map(_wrapped, block.sentences)])]
    for table in block.tables:
        cells = textwrap.indent(format_table(table.header, table.rows), "  ")
        parts.append(f"{_wrapped(table.caption + ':')}\n{cells}")
    return "\n\n".join(parts)


def _wrapped(sentence: str) -> str:
    """A paragraph in lines."""
    return textwrap.fill(sentence, COLUMNS, break_on_hyphens=False)


def as_html(blocks: list[Block]) -> str:
    """The blocks as one HTML element, with a small style of its own.

    Args:
        blocks: The blocks.

    Returns:
        A section; what it shows is escaped, and it loads nothing.
    """
    inside = "\n".join(map(_block_html, blocks))
    return (
        f'<section class="qlstm-explain">\n<style>{STYLE}</style>\n{inside}\n</section>'
    )


def as_page(title: str, section: str) -> str:
    """A section as a page of its own.

    Args:
        title: Its title.
        section: What `as_html` returned.

    Returns:
        The page, with its last newline.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n"
        f'<body style="{PAGE_STYLE}">\n<main>\n{section}\n</main>\n'
        "</body>\n</html>\n"
    )


def _block_html(block: Block) -> str:
    """One block."""
    level = block.level
    lines = [f"<h{level}>{html.escape(block.heading)}</h{level}>"]
    lines += [f"<p>{_marked(sentence)}</p>" for sentence in block.sentences]
    return "\n".join(lines + [_table_html(table) for table in block.tables])


def _marked(sentence: str) -> str:
    """Escaped, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentence))


def _table_html(table: Table) -> str:
    """One table, in a box that scrolls by itself on a narrow screen."""
    caption = html.escape(table.caption)
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in table.header)
    rows = [
        f'<tr><th scope="row">{html.escape(first)}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in table.rows
    ]
    return (
        f'<div role="region" tabindex="0" aria-label="{caption}"><table>'
        f"<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )
