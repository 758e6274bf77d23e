"""Pictures of the cell and of what it does, drawn with matplotlib's object interface.

Each function takes an ``ax=`` or a ``figure=`` to draw into, and makes its own without.
`save_figure` writes SVG, PDF and PNG.
"""

from qlstm.plots.branches import BranchTree, branch_tree, plot_branches
from qlstm.plots.circuit import draw_circuit
from qlstm.plots.series import plot_forecast
from qlstm.plots.states import plot_amplitudes, plot_registers
from qlstm.plots.steps import plot_bloch, plot_dependence, plot_ledger
from qlstm.plots.style import BLUE, GREY, ORANGE, new_figure, save_figure
from qlstm.plots.training import plot_forecasts
from qlstm.plots.window import draw_window

__all__ = [
    "BLUE",
    "GREY",
    "ORANGE",
    "BranchTree",
    "branch_tree",
    "draw_circuit",
    "draw_window",
    "new_figure",
    "plot_amplitudes",
    "plot_bloch",
    "plot_branches",
    "plot_dependence",
    "plot_forecast",
    "plot_forecasts",
    "plot_ledger",
    "plot_registers",
    "save_figure",
]
