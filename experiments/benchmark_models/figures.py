"""The figure: test errors of every model."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from experiments.benchmark_models.report import Row, by_error
from experiments.benchmark_models.runs import AR, PERSISTENCE
from experiments.comparison.strips import Strip, draw_strips, plain_numbers
from qlstm.plots import ORANGE


def draw(rows: list[Row], floor: float | None) -> Figure:
    """Test errors of every model on a logarithmic axis.

    Args:
        rows: One a model; the medians of AR(10) and of persistence are lines.
        floor: Variance of the noise, or None.

    Returns:
        The figure.
    """
    rows = by_error(rows)
    medians = {row.label: row.test_mse["median"] for row in rows}
    dashed = {"color": "black", "ls": "--", "lw": 1}
    dotted = {"color": "black", "ls": ":", "lw": 1.2}
    lines = {
        f"{AR}, median": (medians[AR], dashed),
        f"{PERSISTENCE}, median": (medians[PERSISTENCE], dotted),
    }
    if floor is not None:
        style = {"color": ORANGE, "lw": 1.5, "zorder": 2}
        lines[f"variance of the noise, {floor:.2g}"] = floor, style
    figure, ax = draw_strips(
        [
            Strip(f"{r.label} ({r.n_params})", r.kind, r.values["test_mse"])
            for r in rows
        ],
        lines,
        "Who forecasts better than an autoregression? A point is a seed",
        height=1.6 + 0.3 * len(rows),
        scale="log",
    )
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    plain_numbers(ax)
    ax.set_xlabel("test MSE, units of the series squared")
    ax.set_ylabel("model (trained numbers)")
    return figure
