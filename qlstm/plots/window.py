"""The cell unrolled over a window, with the numbers of a `Trace`."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from numpy.typing import ArrayLike

from qlstm.insight import Trace
from qlstm.params import QLSTMConfig
from qlstm.plots.style import (
    INK,
    LARGE,
    PALE_BLUE,
    SMALL,
    axes_for,
    check_sequence,
    finite,
    plain,
)

A_ROW = 5
"""Cells in a row."""
MOST_STEPS = 20
"""What can be read."""
STEP, ROW = 3.4, 3.6


def draw_window(
    trace: Trace,
    config: QLSTMConfig,
    *,
    inputs: ArrayLike | None = None,
    sequence: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a window, unrolled: a cell a step, five in a row, memory handed on.

    Args:
        trace: What `qlstm.insight.trace` returned, of at most 20 steps.
        config: Its configuration: what crosses a step is the rule's.
        inputs: The inputs of the sequence, ``(n_steps, n_features)``, to write their
            numbers.
        sequence: Which of the trace's sequences, from 0.
        ax: Axes to draw into; without them, those of a new figure.

    Returns:
        The axes.

    Raises:
        TypeError: If `ax` are no axes.
        ValueError: If there is no such sequence, it is too long, or `inputs` does not
            fit.

    Example:
        >>> from qlstm import init_params
        >>> from qlstm.insight import trace
        >>> config, rng = QLSTMConfig(), np.random.default_rng(0)
        >>> inputs = rng.normal(size=(1, 3, 1))
        >>> ledger = trace(init_params(config, rng), inputs, config)
        >>> print(draw_window(ledger, config).get_title().splitlines()[0])
        3 steps: only the memory goes from one to the next
    """
    check_sequence(sequence, len(trace.readout))
    n_steps = trace.readout.shape[1]
    if n_steps > MOST_STEPS:
        raise ValueError(
            f"Argument `trace` must have at most {MOST_STEPS} steps to be drawn, "
            f"but has {n_steps}."
        )
    if inputs is not None:
        inputs = finite("inputs", inputs, "n_steps", "n_features")
        if len(inputs) != n_steps:
            raise ValueError(
                f"Argument `inputs` must have {n_steps} steps, but has {len(inputs)}."
            )
    columns, rows = min(n_steps, A_ROW), -(-n_steps // A_ROW)
    width, height = STEP * columns + 2.2, ROW * rows
    ax = axes_for(ax, 0.62 * width, 0.62 * height + 0.8)
    ax.set(xlim=(-1.5, width - 1.5), ylim=(-height + 1.8, 1.8), aspect="equal")
    ax.axis("off")
    for t in range(n_steps):
        x, y = STEP * (t % A_ROW), -ROW * (t // A_ROW)
        value = None if inputs is None else inputs[t]
        _cell(ax, (x, y), t, trace.readout[sequence, t], value)
        _memory(ax, (x, y), t, trace, config, sequence, t == n_steps - 1)
    ax.text(-0.1, 0, "$h_0$", ha="right", va="center", fontsize=LARGE)
    title = f"{n_steps} steps: only the memory goes from one to the next"
    ax.set_title(f"{title}\nrule: {_rule(config)}", fontsize=LARGE)
    return ax


def _rule(config: QLSTMConfig) -> str:
    """What crosses a step."""
    name = plain(config.memory)
    if not config.rule.keeps:
        kind = "a state vector" if config.rule.pure else "a density matrix"
        return f"{name} (on the arrow: {kind}, no outcome is kept)"
    return f"{name} (on the arrow: the outcome i that is kept, its probability p)"


def _cell(
    ax: Axes, place: tuple[float, float], t: int, y: float, value: ArrayLike | None
) -> None:
    """A box, its input from below, its output above."""
    x0, y0 = place
    style = "round,pad=0,rounding_size=0.12"
    box = FancyBboxPatch(
        (x0 + 0.35, y0 - 0.6), 1.2, 1.2, boxstyle=style, fc=PALE_BLUE, ec=INK, lw=1.2
    )
    ax.add_patch(box)
    middle = x0 + 0.95
    ax.text(middle, y0, f"step\n{t + 1}", ha="center", va="center", fontsize=SMALL)
    _arrow(ax, (middle, y0 - 1.1), (middle, y0 - 0.6))
    _arrow(ax, (middle, y0 + 0.6), (middle, y0 + 1.1))
    name = f"$x_{{{t + 1}}}$"
    if value is not None:
        name += " = " + ", ".join(f"{v:.2f}" for v in value[:2])
        name += ", ..." if np.size(value) > 2 else ""
    ax.text(middle, y0 - 1.2, name, ha="center", va="top", fontsize=SMALL)
    output = f"$y_{{{t + 1}}}$ = {y:.3f}"
    ax.text(middle, y0 + 1.2, output, ha="center", va="bottom", fontsize=SMALL)


def _memory(
    ax: Axes,
    place: tuple[float, float],
    t: int,
    trace: Trace,
    config: QLSTMConfig,
    sequence: int,
    last: bool,
) -> None:
    """The arrow to the next step, and what is on it."""
    x0, y0 = place
    end = x0 + STEP + 0.35
    if t % A_ROW == 0:
        _arrow(ax, (x0 - 0.05, y0), (x0 + 0.35, y0))
    if last or t % A_ROW == A_ROW - 1:
        end = x0 + 2.95
        mark = f"$h_{{{t + 1}}}$"
        ax.text(end + 0.1, y0, mark, ha="left", va="center", fontsize=LARGE)
    if t and t % A_ROW == 0:
        ax.text(x0 - 0.1, y0, f"$h_{{{t}}}$", ha="right", va="center", fontsize=LARGE)
    _arrow(ax, (x0 + 1.55, y0), (end, y0))
    if config.rule.keeps:
        outcome = int(trace.outcome[sequence, t])
        p = trace.outcome_probabilities[sequence, t, outcome]
        middle = (x0 + 1.55 + end) / 2
        ax.text(middle, y0 + 0.1, f"i = {outcome}", ha="center", fontsize=SMALL)
        ax.text(
            middle, y0 - 0.12, f"p = {p:.2f}", ha="center", va="top", fontsize=SMALL
        )


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A straight arrow."""
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)
