"""A forecast beside its history."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real
from qlstm.plots.style import BLUE, INK, LARGE, ORANGE, SMALL, axes_for, plain


def plot_forecast(
    history: ArrayLike,
    forecast: ArrayLike,
    *,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    level: float | None = None,
    unit: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A forecast with its interval beside what was measured.

    Args:
        history: What was measured, ``(n,)``, with gaps as nan; a pandas series brings
            its index, dates for example. It may go on through the forecast.
        forecast: The forecast, ``(m,)``; a pandas series as well, or an array, which
            then follows the history's last step.
        lower: Lower ends of intervals, ``(m,)``.
        upper: Upper ends.
        level: Their coverage, such as 0.9, for the legend.
        unit: Unit of the series.
        title: Title; without it, how long the forecast is.
        ax: Axes to draw into; without them, those of a new figure.

    Returns:
        The axes.

    Raises:
        TypeError: If a series is not of numbers, or `ax` are no axes.
        ValueError: If shapes do not fit, one end of the intervals is missing, the two
            are the wrong way round, `level` is no share, or only one of the series has
            an index of its own.

    Example:
        >>> ax = plot_forecast([1.0, 2.0, 3.0], [4.0], unit="°C")
        >>> ax.get_ylabel(), ax.get_title()
        ('value (°C)', 'Forecast of 1 step(s)')
    """
    past, ahead = _line("history", history), _line("forecast", forecast)
    times, times_ahead = _times(history, forecast, len(past), len(ahead))
    band = _interval(lower, upper, level, len(ahead))
    ax = axes_for(ax, 8.0, 4.2)
    ax.plot(times, past, "o-", color=INK, ms=3, lw=1.2, label="measured")
    if band is not None:
        name = "interval" if level is None else f"{100 * level:g} % interval"
        if len(ahead) > 1:
            ax.fill_between(
                times_ahead, *band, color=ORANGE, alpha=0.3, lw=0, label=name
            )
        else:
            ax.vlines(times_ahead, *band, color=ORANGE, lw=4, alpha=0.5, label=name)
    ax.plot(times_ahead, ahead, "s--", color=BLUE, ms=4, lw=1.6, label="forecast")
    if np.issubdtype(np.asarray(times).dtype, np.datetime64):
        locator = AutoDateLocator(maxticks=8)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        ax.set_xlabel("date", fontsize=SMALL)
    else:
        ax.set_xlabel("step", fontsize=SMALL)
    ax.set_ylabel(f"value ({plain(unit)})" if unit else "value", fontsize=SMALL)
    ax.tick_params(labelsize=SMALL)
    ax.xaxis.get_offset_text().set_fontsize(SMALL)
    ax.legend(fontsize=SMALL, ncols=3, loc="upper center")
    ax.margins(y=0.25)
    ax.set_title(plain(title) or f"Forecast of {len(ahead)} step(s)", fontsize=LARGE)
    return ax


def _line(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """A series of numbers, or what is off."""
    array = as_real(name, values)
    if array.ndim != 1 or not len(array):
        raise ValueError(
            f"Argument `{name}` must have shape (n,), n at least 1, "
            f"but has {array.shape}."
        )
    return array


def _times(history: ArrayLike, forecast: ArrayLike, n: int, m: int) -> tuple:
    """Where both stand: their own indices, or steps from 1."""
    own = [getattr(series, "index", None) for series in (history, forecast)]
    own = [None if callable(index) else index for index in own]
    if all(index is None for index in own):
        return np.arange(1, n + 1), np.arange(n + 1, n + m + 1)
    if any(index is None for index in own):
        raise ValueError(
            "Arguments `history` and `forecast` must both have an index or both none, "
            "but only one has."
        )
    return tuple(np.asarray(index) for index in own)


def _interval(
    lower: ArrayLike | None, upper: ArrayLike | None, level: float | None, m: int
) -> tuple[NDArray, NDArray] | None:
    """Both ends, checked, or None."""
    if (lower is None) != (upper is None):
        raise ValueError(
            "Arguments `lower` and `upper` must be given together, but one is missing."
        )
    if level is not None and not 0 < level < 1:
        raise ValueError(f"Argument `level` must lie in (0, 1), but is {level}.")
    if lower is None:
        return None
    low, high = _line("lower", lower), _line("upper", upper)
    if len(low) != m or len(high) != m:
        raise ValueError(
            f"Arguments `lower` and `upper` must have shape ({m},), but have "
            f"{low.shape} and {high.shape}."
        )
    if (low > high).any():
        raise ValueError(
            "Argument `lower` must not exceed `upper`, but does at step "
            f"{int((low > high).argmax())}."
        )
    return low, high
