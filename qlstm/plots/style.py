"""The look of figures, and their files: no window, no global state, same bits."""

import os

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from qlstm.checks import as_real
from qlstm.files import atomic_path

BLUE, ORANGE, GREY = "#1f5f99", "#e08214", "#777777"
"""Dark, middle and light in greyscale."""
INK, PALE_BLUE, PALE_ORANGE = "#1a1a1a", "#dbe7f3", "#fbe3c4"
SMALL, LARGE = 11, 13
"""Font sizes, in points at the saved size."""
METADATA = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""What matplotlib would add to a file, taken out: it changes from run to run."""
TEXT = {"svg.fonttype": "none", "svg.hashsalt": "qlstm", "pdf.fonttype": 42}
"""Text stays text, and names inside an SVG are the same every time."""


def new_figure(rows: int, columns: int, **options) -> tuple[Figure, np.ndarray]:
    """A figure on the Agg canvas and its axes, always an array ``(rows, columns)``."""
    figure = Figure(**{"layout": "constrained"} | options)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def save_figure(path: str | os.PathLike, figure: Figure) -> None:
    """Write a figure beside its target and rename it; the same bits every time.

    Args:
        path: The file; its suffix chooses the format: ``.png``, ``.svg`` or ``.pdf``.
        figure: The figure.

    Raises:
        ValueError: If the suffix is another one.
    """
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in METADATA:
        raise ValueError(
            f"Argument `path` must end with {', '.join(METADATA)}, "
            f"but is {os.fspath(path)!r}."
        )
    figure.set_dpi(150)
    with atomic_path(path) as temporary, rc_context(TEXT):
        if suffix == ".png" and isinstance(figure.canvas, FigureCanvasAgg):
            # `savefig` draws twice, the first time for the layout alone
            figure.canvas.print_png(temporary, metadata=METADATA[suffix])
        else:
            figure.savefig(temporary, format=suffix[1:], metadata=METADATA[suffix])


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes to draw into: those given, or those of a new figure, in inches."""
    if ax is None:
        return new_figure(1, 1, figsize=(width, height))[1][0, 0]
    if not isinstance(ax, Axes):
        raise TypeError(f"Argument `ax` must be matplotlib Axes, but is {ax!r}.")
    return ax


def column_for(figure: Figure | None, rows: int, size: tuple[float, float]) -> tuple:
    """The figure to draw into, and its panels one below the other, on one axis."""
    if figure is None:
        figure = Figure(layout="constrained", figsize=size)
        FigureCanvasAgg(figure)
    elif not hasattr(figure, "subplots"):
        raise TypeError(
            f"Argument `figure` must be a matplotlib Figure, but is {figure!r}."
        )
    return figure, figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]


def plain(text: str) -> str:
    """A text of the user's as it stands: no dollar begins a formula."""
    return text.replace("$", r"\$")


def finite(name: str, values: object, *shape: int | str) -> np.ndarray:
    """Return `values` as float64 of this many axes, or say what is off."""
    array = as_real(name, values)
    if array.ndim != len(shape) or 0 in array.shape:
        wanted = ", ".join(map(str, shape)) + "," * (len(shape) == 1)
        raise ValueError(
            f"Argument `{name}` must have shape ({wanted}), none of them 0, "
            f"but has {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"Argument `{name}` must be finite, but holds nan or inf.")
    return array


def check_sequence(sequence: int, batch: int) -> None:
    """Say so when there is no such sequence."""
    is_integer = isinstance(sequence, (int, np.integer))
    if not is_integer or not 0 <= sequence < batch:
        raise ValueError(
            f"Argument `sequence` must be an integer in 0..{batch - 1}, "
            f"but is {sequence!r}."
        )
