"""Pictures over the steps of one window: ledger, Bloch vectors, dependence."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from qlstm.insight import GradientMemory, Trace
from qlstm.plots.style import (
    BLUE,
    GREY,
    INK,
    LARGE,
    ORANGE,
    SMALL,
    axes_for,
    check_sequence,
    column_for,
    finite,
)
from qsim.entanglement import bloch_vectors
from qsim.entanglement.density import entropy_of_probabilities

WIRES = ((BLUE, "o-"), (ORANGE, "s--"), (GREY, "^:"), (INK, "D-."))
"""Colour and line of each memory wire; a fifth begins again."""


def plot_ledger(
    trace: Trace, *, sequence: int = 0, figure: Figure | None = None
) -> Figure:
    """The ledger of one sequence: entanglement, outcomes, margin, output.

    Args:
        trace: What `qlstm.insight.trace` returned.
        sequence: Which of its sequences, from 0.
        figure: Figure to draw into; without it, a new one.

    Returns:
        The figure: four panels over the steps.

    Raises:
        TypeError: If `figure` is none.
        ValueError: If there is no such sequence.

    Example:
        >>> from qlstm import QLSTMConfig, init_params
        >>> from qlstm.insight import trace
        >>> config, rng = QLSTMConfig(), np.random.default_rng(0)
        >>> ledger = trace(init_params(config, rng), rng.normal(size=(1, 5, 1)), config)
        >>> len(plot_ledger(ledger).axes)
        4
    """
    check_sequence(sequence, len(trace.readout))
    figure, axes = column_for(figure, 4, (7.5, 8.4))
    s_en, s_out = trace.S_en[sequence], trace.S_out[sequence]
    entropy = entropy_of_probabilities(trace.outcome_probabilities[sequence])
    steps = np.arange(1, len(s_en) + 1)
    axes[0].plot(steps, s_en, "o-", color=BLUE, label="after $U_{en}$")
    axes[0].plot(steps, s_out, "s--", color=ORANGE, label="after $U_{dis}$")
    axes[0].legend(fontsize=SMALL, ncols=2, loc="upper right")
    axes[0].set_ylim(0, 1.45 * max(s_en.max(), s_out.max(), 0.1))
    axes[1].plot(steps, entropy, "^-", color=INK)
    axes[2].bar(steps, trace.margin[sequence], 0.6, color=GREY)
    axes[3].plot(steps, trace.readout[sequence], "D-", color=BLUE)
    labels = (
        "entanglement\n(ebits)",
        "outcome\nentropy (bits)",
        "margin of the\nlikeliest",
        "output y",
    )
    for ax, label in zip(axes, labels, strict=True):
        ax.set_ylabel(label, fontsize=SMALL)
    axes[1].set_ylim(0, 1.15 * np.log2(trace.outcome_probabilities.shape[2]))
    _over_steps(axes[-1], "step")
    figure.align_ylabels(axes)
    forgotten = float((s_en - s_out).sum())
    verb, of = ("takes back", "of") if forgotten > 0 else ("adds", "to")
    figure.suptitle(
        f"$U_{{dis}}$ {verb} {abs(forgotten):.2f} {of} {s_en.sum():.2f} ebits "
        f"over {len(steps)} step(s)",
        fontsize=LARGE,
    )
    return figure


def plot_bloch(
    trace: Trace, *, sequence: int = 0, figure: Figure | None = None
) -> Figure:
    """Bloch vectors of the memory's wires over the steps, one panel a component.

    Args:
        trace: What `qlstm.insight.trace` returned, of any rule.
        sequence: Which of its sequences, from 0.
        figure: Figure to draw into; without it, a new one.

    Returns:
        The figure: panels for ``<X>``, ``<Y>`` and ``<Z>``, and one for the length,
        which is 1 where a wire has a state of its own.

    Raises:
        TypeError: If `figure` is none.
        ValueError: If there is no such sequence.

    Example:
        A memory that is reset stays at the north pole:

        >>> from qlstm import QLSTMConfig, init_params
        >>> from qlstm.insight import trace
        >>> config, rng = QLSTMConfig(memory="reset"), np.random.default_rng(0)
        >>> ledger = trace(init_params(config, rng), rng.normal(size=(1, 2, 1)), config)
        >>> plot_bloch(ledger).axes[2].lines[0].get_ydata()
        array([1., 1., 1.])
    """
    check_sequence(sequence, len(trace.readout))
    memories = np.concatenate(
        [trace.memory_before[sequence][:1], trace.memory_after[sequence]]
    )
    vectors = memory_vectors(memories)
    lengths = np.linalg.norm(vectors, axis=-1)
    figure, axes = column_for(figure, 4, (7.5, 8.0))
    panels = (*np.moveaxis(vectors, -1, 0), lengths)
    for ax, values, label in zip(
        axes, panels, ("⟨X⟩", "⟨Y⟩", "⟨Z⟩", "length"), strict=True
    ):
        for wire, line in enumerate(values.T):
            color, style = WIRES[wire % len(WIRES)]
            ax.plot(line, style, color=color, label=f"memory wire {wire}")
        ax.axhline(0, color=INK, lw=0.6)
        ax.set_ylabel(label, fontsize=SMALL)
        ax.set_ylim(-1.15 if label != "length" else -0.08, 1.15)
    _over_steps(axes[-1], "memory after step (0: before the first)")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, fontsize=SMALL, ncols=4, loc="outside lower center")
    short = int((lengths[1:].min(axis=1) < 0.99).sum())
    figure.suptitle(
        f"Bloch vectors of the memory: after {short} of {len(lengths) - 1} step(s) "
        "a wire\nhas no state of its own (length below 1)",
        fontsize=LARGE,
    )
    return figure


def memory_vectors(memories: NDArray) -> NDArray[np.float64]:
    """Bloch vectors of every wire, ``(n, n_wires, 3)``, of vectors or matrices."""
    n, dim = memories.shape[:2]
    n_wires = dim.bit_length() - 1
    if memories.ndim == 2:
        return bloch_vectors(memories.reshape(n, *(2,) * n_wires))
    values, vectors = np.linalg.eigh(memories)
    states = vectors.mT.reshape(n * dim, *(2,) * n_wires)
    parts = bloch_vectors(states).reshape(n, dim, n_wires, 3)
    return (values[:, :, None, None] * parts).sum(axis=1)


def plot_dependence(
    memory: GradientMemory,
    *,
    sequence: int = 0,
    feature: int = 0,
    output: int = 0,
    inputs: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Which inputs of a window its last output depends on: ``dy_T / dx_t``.

    Args:
        memory: What `qlstm.insight.gradient_memory` returned.
        sequence: Which of its sequences, from 0.
        feature: Which value of an input, from 0.
        output: Which output, from 0.
        inputs: The inputs, ``(n_steps,)``, written below the steps.
        ax: Axes to draw into; without them, those of a new figure.

    Returns:
        The axes: a bar a step, up (plain) or down (hatched).

    Raises:
        TypeError: If `ax` are no axes.
        ValueError: If there is no such sequence, feature or output, or `inputs` does
            not fit.

    Example:
        >>> slopes = np.array([[[0.1], [-0.4]]])
        >>> ax = plot_dependence(GradientMemory(np.array([0.4, 0.1]), slopes))
        >>> print(ax.get_title())
        The last output depends most on x_2: dy/dx = -0.400
    """
    gradients = np.asarray(memory.gradients)
    gradients = gradients[..., None] if gradients.ndim == 3 else gradients
    check_sequence(sequence, len(gradients))
    for name, value, n in (
        ("feature", feature, gradients.shape[2]),
        ("output", output, gradients.shape[3]),
    ):
        if value not in range(n):
            raise ValueError(
                f"Argument `{name}` must lie in 0..{n - 1}, but is {value}."
            )
    slopes = gradients[sequence, :, feature, output]
    steps = np.arange(1, len(slopes) + 1)
    ax = axes_for(ax, max(6.6, 1.6 + 0.62 * len(steps)), 3.8)
    for up, color, hatch, label in (
        (True, BLUE, "", "y rises with x"),
        (False, ORANGE, "///", "y falls with x"),
    ):
        chosen = (slopes >= 0) == up
        ax.bar(
            steps[chosen], slopes[chosen], 0.7, color=color, hatch=hatch,
            edgecolor=INK, lw=0.8, label=label,
        )  # fmt: skip
    ax.axhline(0, color=INK, lw=0.8)
    ticks = [f"$x_{{{t}}}$" for t in steps]
    if inputs is not None:
        given = finite("inputs", inputs, "n_steps")
        if len(given) != len(steps):
            raise ValueError(
                f"Argument `inputs` must have shape ({len(steps)},), "
                f"but has {given.shape}."
            )
        ticks = [f"{tick}\n{x:.2f}" for tick, x in zip(ticks, given, strict=True)]
    ax.set_xticks(steps, ticks)
    ax.tick_params(labelsize=SMALL)
    ax.set_xlabel("input, in order of time", fontsize=SMALL)
    ax.set_ylabel("slope dy/dx of the last output", fontsize=SMALL)
    ax.margins(y=0.3)
    ax.legend(fontsize=SMALL, ncols=2, loc="upper left")
    k = int(np.abs(slopes).argmax())
    ax.set_title(
        f"The last output depends most on x_{k + 1}: dy/dx = {slopes[k]:.3f}",
        fontsize=LARGE,
    )
    return ax


def _over_steps(ax: Axes, label: str) -> None:
    """The axis that all panels share; there is no half step."""
    ax.set_xlabel(label, fontsize=SMALL)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for each in ax.figure.axes:
        each.tick_params(labelsize=SMALL)
