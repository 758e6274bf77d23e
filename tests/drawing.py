"""Figures without what takes most of their time: a layout, ticks, and many pixels."""

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine


def draw_fast(monkeypatch):
    """Panels and titles stay where they stand, axes have no ticks; the rest is drawn."""
    set_dpi = Figure.set_dpi
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda self, figure: None)
    monkeypatch.setattr(Axes, "_update_title_position", lambda self, renderer: None)
    monkeypatch.setattr(Axis, "_update_ticks", lambda self: [])
    monkeypatch.setattr(Figure, "set_dpi", lambda self, dpi: set_dpi(self, dpi / 3))
