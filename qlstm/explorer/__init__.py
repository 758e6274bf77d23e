"""The page to touch: a cell with its real arithmetic, as one HTML file."""

from qlstm.explorer.page import explorer_page

__all__ = ["explorer_page"]
