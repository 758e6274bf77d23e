"""Sphinx: ``sphinx-build -W docs docs/_build`` makes these pages and the API's."""

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from qlstm.explorer import explorer_page

project = "qlstm"
author = "The qlstm developers"
release = version = installed_version("qlstm")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
html_theme = "alabaster"
suppress_warnings = ["toc.not_included"]  # index.md links the pages itself


def write_explorer(app: Any, error: Exception | None) -> None:
    """Put the explorer's page beside the others."""
    if error is None and app.builder.name == "html":
        page = Path(app.outdir, "explorer.html")
        page.write_text(explorer_page(), encoding="utf-8")


def setup(app: Any) -> None:
    """What Sphinx calls."""
    app.connect("build-finished", write_explorer)
