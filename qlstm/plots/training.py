"""What a study shows of its trained models: loss above, predictions below."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from qlstm.forecasting import Dataset, Forecast, persistence
from qlstm.plots.style import BLUE, GREY, ORANGE, new_figure, plain

MOST_POINTS = 50
"""Test points that are drawn; of more, the last."""
THIN = (("-.", BLUE), ("--", GREY))
"""Lines of forecasts that all panels share."""


def plot_forecasts(
    dataset: Dataset,
    forecasts: list[Forecast],
    title: str,
    unit: str = "",
    *,
    references: Sequence[Forecast] = (),
    dates: NDArray | None = None,
) -> Figure:
    """Loss per epoch above, test predictions below: a column for each model.

    In the manner of the paper's Figs. 4 and 5, with what they leave out: the epochs in
    which the collapse rule changed branches, and persistence.

    Args:
        dataset: The data the models were trained on.
        forecasts: Trained models, one a column.
        title: Title of the figure.
        unit: Unit of the series.
        references: Forecasts drawn as thin lines in every column, at most two.
        dates: The date of each of the dataset's values, in the place of numbers; not
            used for test points in random order.

    Returns:
        The figure. Of more than 50 test points it shows the last 50.
    """
    width, height = 5.2 * max(len(forecasts), 1.25), 6.6
    figure, axes = new_figure(2, len(forecasts), figsize=(width, height), layout=None)
    # margins in inches; a constrained layout measures every text, as long as drawing
    figure.subplots_adjust(
        left=0.8 / width,
        right=1 - 0.7 / width,
        bottom=0.55 / height,
        top=1 - 0.75 / height,
        wspace=1.5 / (width / len(forecasts) - 1.5),
        hspace=0.85 / (height / 2 - 1.1),
    )
    figure.suptitle(plain(title), y=1 - 0.12 / height, va="top")
    for above, below, forecast in zip(*axes, forecasts, strict=True):
        _plot_loss(above, forecast)
        _plot_predictions(below, dataset, forecast, unit, (references, dates))
    for row in axes:  # columns are compared, so they share a scale
        low = min(ax.get_ylim()[0] for ax in row)
        high = max(ax.get_ylim()[1] for ax in row)
        for ax in row:
            ax.set_ylim(low, high)
    return figure


def _plot_loss(ax: Axes, forecast: Forecast) -> None:
    """Training loss on a logarithmic axis; branch switches on a second one."""
    loss = forecast.history["loss"]
    epochs = np.arange(1, len(loss) + 1)
    ax.plot(epochs, loss, color=BLUE, label="training loss", zorder=3)
    if "val_loss" in forecast.history:
        ax.plot(
            epochs, forecast.history["val_loss"], color=ORANGE, label="validation loss"
        )
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel="epoch", ylabel="loss (MSE)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    name = plain(forecast.name)
    ax.set_title(f"{name}: loss {loss[0]:.3g} to {loss[-1]:.3g}", fontsize=11)
    ax.patch.set_visible(False)  # the bars lie behind
    handles, labels = ax.get_legend_handles_labels()
    switches = forecast.history.get("branch_switches")
    if switches is not None:
        right = ax.twinx()
        right.set_zorder(ax.get_zorder() - 1)
        bars = right.bar(epochs, switches, width=1.0, color="#d0d0d0")
        right.set_ylabel("branch switches in the epoch", color=GREY)
        right.set_ylim(0, 2 * max([*switches, 1]))  # the bars keep to the lower half
        right.yaxis.set_major_locator(MaxNLocator(integer=True))
        right.tick_params(axis="y", colors=GREY)
        handles, labels = [*handles, bars], [*labels, "branch switches"]
    ax.legend(handles, labels, loc="upper right", fontsize=11)


def _plot_predictions(
    ax: Axes,
    dataset: Dataset,
    forecast: Forecast,
    unit: str,
    beside: tuple[Sequence[Forecast], NDArray | None],
) -> None:
    """True values, predictions, and persistence and others as thin lines."""
    references, dates = beside
    if (np.diff(dataset.test.index) < 0).any():  # a random split has no time axis
        dates = None
    test, inverse, unit = dataset.test, dataset.scaler.inverse, plain(unit)
    points = np.arange(1, len(test.targets) + 1)
    if dates is not None:
        points = dates[test.index]
    of, shown = len(points), slice(-MOST_POINTS, None)
    true, last = inverse(test.targets), inverse(persistence(test.inputs))
    for values, line, look in (
        (true, "o-", {"color": "black", "ms": 3, "lw": 1.4, "label": "true"}),
        (
            forecast.test_predictions, "s--",
            {"color": ORANGE, "ms": 3, "lw": 1.4, "label": "predicted"},
        ),
        (last, ":", {"color": GREY, "lw": 1.0, "label": "persistence"}),
    ):  # fmt: skip
        ax.plot(points[shown], values[shown], line, **look)
    for reference, (line, color) in zip(references, THIN, strict=False):
        values = reference.test_predictions[shown]
        name = plain(reference.name)
        ax.plot(points[shown], values, line, color=color, lw=1.2, label=name)
    if dates is None:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        ax.xaxis.set_major_locator(AutoDateLocator(maxticks=6))
        ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
    label = "test point" if dates is None else "date"
    label += f" (the last {MOST_POINTS} of {of})" if of > MOST_POINTS else ""
    ax.set(xlabel=label, ylabel=f"value ({unit})" if unit else "value")
    squared = f" {unit}²" if unit else ""
    skill = "undefined" if np.isnan(forecast.skill) else f"{forecast.skill:+.2f}"
    ax.set_title(
        f"test MSE {forecast.test.mse:.3g}{squared}; skill {skill} (persistence: 0)",
        fontsize=11,
    )
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.5 * (high - low))  # the legend stands above the lines
    ax.legend(loc="upper center", ncols=2, fontsize=11)
