"""Sphinx: ``sphinx-build -W docs docs/_build`` makes these pages and the API's."""

from importlib.metadata import version as installed_version

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
