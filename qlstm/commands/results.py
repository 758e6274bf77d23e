"""What a command leaves: a JSON file, figures, and a line that says where."""

from pathlib import Path
from typing import Any

import numpy as np

from qlstm.files import write_json
from qlstm.forecasting import Series


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
