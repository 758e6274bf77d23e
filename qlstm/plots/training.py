"""What a study shows of its trained models: loss above, predictions below."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from qlstm.forecasting import Dataset, Forecast, persistence
from qlstm.plots.style import BLUE, GREY, ORANGE, new_figure, plain


def plot_forecasts(
    dataset: Dataset, forecasts: list[Forecast], title: str, unit: str = ""
) -> Figure:
    """Loss per epoch above, test predictions below: a column for each model.

    In the manner of the paper's Figs. 4 and 5, with what they leave out: the epochs in
    which the collapse rule changed branches, and persistence.

    Args:
        dataset: The data the models were trained on.
        forecasts: Trained models, one a column.
        title: Title of the figure.
        unit: Unit of the series.

    Returns:
        The figure.
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
        _plot_predictions(below, dataset, forecast, unit)
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
    ax.legend(handles, labels, loc="upper right", fontsize=9)


def _plot_predictions(
    ax: Axes, dataset: Dataset, forecast: Forecast, unit: str
) -> None:
    """True values, predictions, and persistence as a thin line."""
    test, inverse, unit = dataset.test, dataset.scaler.inverse, plain(unit)
    points = np.arange(1, len(test.targets) + 1)
    ax.plot(
        points, inverse(test.targets), "o-", color="black", ms=3, lw=1.4, label="true"
    )
    ax.plot(
        points, forecast.test_predictions, "s--", color=ORANGE, ms=3, lw=1.4,
        label="predicted",
    )  # fmt: skip
    ax.plot(
        points, inverse(persistence(test.inputs)), ":", color=GREY, lw=1.0,
        label="persistence",
    )  # fmt: skip
    ax.set(xlabel="test point", ylabel=f"value ({unit})" if unit else "value")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    squared = f" {unit}²" if unit else ""
    skill = "undefined" if np.isnan(forecast.skill) else f"{forecast.skill:+.2f}"
    ax.set_title(
        f"test MSE {forecast.test.mse:.3g}{squared}, skill against persistence {skill}",
        fontsize=11,
    )
    ax.margins(y=0.22)
    ax.legend(loc="upper center", ncols=3, fontsize=9)
