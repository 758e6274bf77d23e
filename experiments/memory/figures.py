"""The figures of `experiments.memory`."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullFormatter,
    StrMethodFormatter,
)
from numpy.typing import NDArray

from experiments.memory.runs import Circuit, Curves, Run
from experiments.memory.statistics import CONSTANT, Correlation
from qlstm.insight import Trace
from qlstm.plots import BLUE, GREY, ORANGE, new_figure

STYLES = {
    "collapse": (BLUE, "o-"),
    "probabilities": (ORANGE, "s-"),
    "mixed": ("black", "^-"),
    "marginals": ("#f4c27a", "v--"),
    "sampled": ("#9ec5e3", "D--"),
    "reset": (GREY, "x:"),
    "collapse, shuffled targets": ("#7fb3d5", "--"),
    "probabilities, shuffled targets": ("#f4c27a", "--"),
}
"""Colour and line of each memory rule and each trained model."""
BANDS = ("collapse", "probabilities", "mixed")
"""Rules whose spread is drawn; more would hide each other."""
SHADES = ("#08306b", "#3f8fc4", "#9ecae1", "#deebf7")
"""Four outcomes or basis states, from dark to light."""


def draw_ledger(ledgers: dict[str, Trace], rotation: str) -> Figure:
    """What happens in each step of one window: a column before, one after training."""
    figure, axes = new_figure(3, 2, figsize=(11, 9))
    figure.suptitle(
        f"{rotation} collapse, first test window: what each step entangles, what it "
        "keeps\n(lines and bars: this window; shaded: the middle 80 % of all test windows)"
    )
    for column, (name, ledger) in enumerate(ledgers.items()):
        _draw_entropies(axes[0, column], ledger)
        axes[0, column].set_title(
            f"{name}: S_en {ledger.S_en.mean():.2f}, S_out {ledger.S_out.mean():.2f} "
            "ebits in the mean",
            fontsize=11,
        )
        _stack(axes[1, column], ledger.outcome_probabilities[0], "outcome")
        steps = np.arange(1, ledger.margin.shape[1] + 1)
        axes[1, column].plot(
            steps, ledger.margin[0], "o-", color=ORANGE, ms=6, mec="white", lw=2,
            label="margin of the\nlikeliest outcome",
        )  # fmt: skip
        populations = np.abs(ledger.memory_after[0]) ** 2
        _stack(axes[2, column], populations, "basis state")
        axes[2, column].set_xlabel("step")
        axes[2, column].xaxis.set_major_locator(MaxNLocator(integer=True))
    for row, label in enumerate(
        ("entanglement (ebits)", "probability of the\nsystem's outcomes", "memory populations\nafter the step")
    ):  # fmt: skip
        axes[row, 0].set_ylabel(label)
        axes[row, 1].sharey(axes[row, 0])
        axes[row, 1].legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _draw_entropies(ax: Axes, ledger: Trace) -> None:
    """S_en and S_out of a window, and the spread over all."""
    steps = np.arange(1, ledger.S_en.shape[1] + 1)
    for values, colour, line, label in (
        (ledger.S_en, BLUE, "o-", "S_en, after U_en"),
        (ledger.S_out, ORANGE, "s-", "S_out, after U_dis"),
    ):
        low, high = np.quantile(values, [0.1, 0.9], axis=0)
        ax.fill_between(steps, low, high, color=colour, alpha=0.2, lw=0)
        ax.plot(steps, values[0], line, color=colour, ms=4, label=label)
    ax.bar(steps, ledger.forgotten[0], width=0.5, color="#d0d0d0", label="forgotten")
    ax.axhline(0, color="black", lw=0.6)


def _stack(ax: Axes, shares: NDArray, name: str) -> None:
    """Bars of shares that add up to 1, one bar a step: ``(n_steps, n)``."""
    steps, bottom = np.arange(1, len(shares) + 1), np.zeros(len(shares))
    for k, share in enumerate(shares.T):
        colour = SHADES[k % len(SHADES)]
        ax.bar(
            steps, share, 0.8, bottom, color=colour, edgecolor="white", lw=0.5,
            label=f"{name} {k}",
        )  # fmt: skip
        bottom = bottom + share


def draw_curves(circuits: list[Circuit], curves: list[Curves]) -> Figure:
    """Four questions to the memory, a row for each rotation."""
    figure, axes = new_figure(len(circuits), 4, figsize=(16, 4.4 * len(circuits)))
    figure.suptitle(
        "Sensitive is not knowing: one changed input moves a collapsed memory for long, "
        "but after four steps no rule knows what it was\n(initial parameters, random "
        "inputs; mean over draws of the parameters, shaded: standard deviation, for three "
        "rules)"
    )
    for row, circuit in zip(axes, circuits, strict=True):
        mine = [c for c in curves if c.rotation == circuit.rotation]
        for ax, field, label in zip(
            row[[0, 2, 3]],
            ("forgetting", "capacity", "information"),
            ("mean trace distance D_k", "held-out R² of x(T-k)", "Holevo information (bits)"),
            strict=True,
        ):  # fmt: skip
            for c in mine:
                _curve(ax, getattr(c, field), c.memory)
            ax.set(xlabel="lag k (steps)", ylabel=label)
        row[0].set_title(f"{circuit.rotation}: sensitive to one input", fontsize=11)
        row[2].set_title(f"{circuit.rotation}: read off linearly", fontsize=11)
        row[3].set_title(f"{circuit.rotation}: known at all", fontsize=11)
        row[3].set_ylim(-0.02, 0.5)
        row[2].set_ylim(-0.1, 1.05)
        row[0].set_ylim(-0.02, 0.6)
        _curve(row[1], circuit.retention, "mixed")
        row[1].set(xlabel="steps k", ylabel="I(R : ancilla) (bits)")
        row[1].set_title(f"{circuit.rotation}: entanglement with the past", fontsize=11)
        for ax in row:
            ax.set_xlim(-0.3, 8.3)
            ax.axhline(0, color="black", lw=0.6)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 2].legend(fontsize=9)
    return figure


def _curve(ax: Axes, values: NDArray, memory: str) -> None:
    """Mean and standard deviation over draws, ``(draws, lags)``."""
    colour, line = STYLES[memory]
    mean, spread = values.mean(axis=0), values.std(axis=0)
    lags = np.arange(len(mean))
    if memory in BANDS:
        low, high = mean - spread, mean + spread
        ax.fill_between(lags, low, high, color=colour, alpha=0.15, lw=0)
    ax.plot(lags, mean, line, color=colour, ms=4, lw=1.3, label=memory)


def draw_training(runs: list[Run]) -> Figure:
    """Entanglement over the epochs, a row for each rotation."""
    rotations = list(dict.fromkeys(r.rotation for r in runs))
    figure, axes = new_figure(len(rotations), 3, figsize=(14, 4.4 * len(rotations)))
    figure.suptitle(
        "What training does to entanglement: small shifts in a wide spread, and with RX "
        "none at all in the strength K\n(median over the seeds, shaded: the middle half; "
        "dashed: trained on shuffled targets)"
    )
    panels = {
        "S_en": "entanglement after U_en (ebits)",
        "S_out": "entanglement after U_dis (ebits)",
        "K_dis": "Schmidt strength of U_dis (ebits)",
    }
    for row, rotation in zip(axes, rotations, strict=True):
        for ax, (key, label) in zip(row, panels.items(), strict=True):
            for model in dict.fromkeys(r.model for r in runs if r.history):
                mine = [r for r in runs if (r.rotation, r.model) == (rotation, model)]
                values = np.array([[r.start[key], *r.history[key]] for r in mine])
                _band(ax, values, model)
            ax.set(xlabel="epoch", ylabel=label)
            ax.set_title(f"{rotation}: {key}", fontsize=11)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        row[2].set_ylim(3.0, 4.05)
        if min(r.end["K_dis"] for r in runs if r.rotation == rotation) > 4 - CONSTANT:
            row[2].text(
                0.5, 0.5, "4 ebits, the maximum,\nat every angle", ha="center",
                transform=row[2].transAxes,
            )  # fmt: skip
        row[1].sharey(row[0])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=5, loc="outside lower center", fontsize=9)
    return figure


def _band(ax: Axes, values: NDArray, model: str) -> None:
    """Median and quartiles over seeds, ``(seeds, epochs + 1)``, from epoch 0."""
    colour, line = STYLES[model]
    line = line.lstrip("osx")
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    epochs = np.arange(values.shape[1])
    if "shuffled" not in model:
        ax.fill_between(epochs, low, high, color=colour, alpha=0.18, lw=0)
    ax.plot(epochs, middle, line, color=colour, lw=1.5, label=model)


def draw_errors(
    runs: list[Run], found: list[Correlation], baselines: dict[str, float]
) -> Figure:
    """Test errors against entanglement, and what is left of the memory."""
    rotations = list(dict.fromkeys(r.rotation for r in runs))
    figure, axes = new_figure(len(rotations), 3, figsize=(14, 4.4 * len(rotations)))
    figure.suptitle(
        "Does the test error follow entanglement? Each point is a trained model, rho is "
        "Spearman's\n(right: slope of the output against older inputs; under collapse it "
        "is blind to changes of branch)"
    )
    models = ("collapse", "probabilities", "reset")
    for row, rotation in zip(axes, rotations, strict=True):
        for ax, quantity, label in zip(
            row[:2],
            ("S_out", "forgotten"),
            ("S_out after training (ebits)", "forgotten, S_en - S_out (ebits)"),
            strict=True,
        ):
            for model in models:
                mine = [r for r in runs if (r.rotation, r.model) == (rotation, model)]
                colour, line = STYLES[model]
                ax.plot(
                    [r.end[quantity] for r in mine], [r.test_mse for r in mine],
                    line[0], color=colour, ms=5, label=model,
                )  # fmt: skip
            for (name, mse), style in zip(baselines.items(), (":", "--"), strict=True):
                ax.axhline(mse, color="black", lw=0.9, ls=style, label=name)
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
            ax.set(xlabel=label, ylabel="test MSE")
            rho = ", ".join(
                f"{c.model} {c.rho:+.2f}"
                for c in found
                if (c.rotation, c.quantity) == (rotation, quantity)
                and c.rho is not None
            )
            ax.set_title(f"{rotation}, rho: {rho}", fontsize=11)
        _draw_gradients(row[2], runs, rotation, models)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=5, loc="outside lower center", fontsize=9)
    return figure


def _draw_gradients(
    ax: Axes, runs: list[Run], rotation: str, models: tuple[str, ...]
) -> None:
    """``|dy/dx|`` over the lags, a thin line each run, the median thick."""
    for model in models[:2]:
        colour, line = STYLES[model]
        norms = np.array(
            [r.gradient for r in runs if (r.rotation, r.model) == (rotation, model)]
        )
        lags = np.arange(norms.shape[1])
        ax.plot(lags, norms.T, color=colour, lw=0.5, alpha=0.5)
        ax.plot(lags, np.median(norms, axis=0), line, color=colour, ms=5, label=model)
    ax.set_yscale("log")
    ax.set_ylim(1e-6, 3)
    ax.set(xlabel="lag k (steps)", ylabel="mean |dy / dx(T-k)|")
    ax.set_title(f"{rotation}: slope against the past", fontsize=11)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
