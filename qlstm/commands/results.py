"""What a command leaves: a JSON file, figures, and a line that says where."""

import importlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from qlstm.files import atomic_path, passing_folder, write_json
from qlstm.forecasting import Series

FIGURES = (".pdf", ".svg", ".png")
"""Endings of figures."""
ROOM = 2**20
"""Bytes that must be free for a file; most are smaller."""


def check_results(folder: Path, *names: str) -> None:
    """Raise before the work what `write_results` would raise after it; leave nothing.

    Args:
        folder: Where to.
        names: Of the files, as `write_results` takes them.

    Raises:
        OSError: If a file cannot be written there, or there is no room.
        ValueError: If figures cannot be drawn.
    """
    with passing_folder(folder):
        for name in names:
            with suppress(_Checked), atomic_path(folder / name) as temporary:
                temporary.write_bytes(bytes(ROOM))
                raise _Checked
    if any(name.lower().endswith(FIGURES) for name in names):
        importlib.import_module("qlstm.plots")  # refuses an unknown backend


class _Checked(Exception):
    """The end of a block that must not replace a file."""


def write_results(folder: Path, files: dict[str, Any]) -> None:
    """Write JSON files and figures, and print where.

    Args:
        folder: Where to; made if missing.
        files: What to write by the name of the file: JSON under a name that ends with
            ``.json``, a matplotlib figure under any other.
    """
    for name, content in files.items():
        if name.endswith(".json"):
            write_json(folder / name, content)
        else:
            from qlstm.plots import save_figure  # matplotlib is slow to import

            save_figure(folder / name, content)
    print(f"\nWrote {', '.join(str(folder / name) for name in files)}.")


def series_record(series: Series) -> dict[str, Any]:
    """A series and where it came from, as JSON takes it."""
    return {
        "name": series.name,
        "unit": series.unit,
        "sha256": series.sha256,
        "provenance": series.provenance,
        "values": [None if np.isnan(v) else float(v) for v in series.values],
    }
