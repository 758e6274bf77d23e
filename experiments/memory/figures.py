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

from experiments.memory.runs import TRAINED, Circuit, Curves, Found, Run, by_model
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
    "probabilities, shuffled targets": ("#b8860b", "-."),
}
"""Colour and line of each memory rule and each trained model."""
BANDS = ("collapse", "probabilities", "mixed")
"""Rules whose spread is drawn; more would hide each other."""
SHADES = ("#08306b", "#3f8fc4", "#9ecae1", "#deebf7")
"""Four outcomes or basis states, from dark to light."""


def draw_all(found: Found, follows: list[Correlation]) -> dict[str, Figure]:
    """Every figure by the name of its file."""
    ledgers = {
        f"memory_ledger_{rotation}.png": draw_ledger(both, rotation)
        for rotation, both in found.ledgers.items()
    }
    return ledgers | {
        "memory_curves.png": draw_curves(found.circuits, found.curves),
        "memory_training.png": draw_training(found.runs),
        "memory_errors.png": draw_errors(found.runs, follows, found.baselines),
    }


def _count(ax: Axes, xlabel: str, title: str = "", **labels: str) -> None:
    """Labels of a panel over steps or epochs, of which there are no halves."""
    ax.set(xlabel=xlabel, **labels)
    ax.set_title(title, fontsize=11)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend_below(figure: Figure, ax: Axes, ncols: int = 5) -> None:
    """One legend for all panels, of what one of them shows."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, ncols=ncols, loc="outside lower center", fontsize=11)


def draw_ledger(ledgers: dict[str, Trace], rotation: str) -> Figure:
    """What happens in each step of one window: a column before, one after training."""
    figure, axes = new_figure(3, 2, figsize=(11, 9.5))
    figure.suptitle(
        f"{rotation}, collapse: how much each step entangles, which outcome it shows, "
        "what memory it leaves\n(lines and bars: the first test window; shaded: the "
        "middle 80 % of all test windows)",
        fontsize=13,
    )
    for column, (name, ledger) in zip(axes.T, ledgers.items(), strict=True):
        steps = np.arange(1, ledger.margin.shape[1] + 1)
        _draw_entropies(column[0], steps, ledger)
        column[0].set_title(
            f"{name}\nmean S_en {ledger.S_en.mean():.2f}, "
            f"S_out {ledger.S_out.mean():.2f} ebits",
            fontsize=11,
        )
        _stack(column[1], steps, ledger.outcome_probabilities[0], "outcome")
        column[1].plot(
            steps, ledger.margin[0], "o-", color=ORANGE, ms=6, mec="white", lw=2,
            label="margin of the\nlikeliest outcome",
        )  # fmt: skip
        _stack(column[2], steps, np.abs(ledger.memory_after[0]) ** 2, "basis state")
        _count(column[2], "step")
    labels = (
        "entanglement (ebits)",
        "probability of the\nsystem's outcomes",
        "memory populations\nafter the step",
    )
    for (left, right), label in zip(axes, labels, strict=True):
        left.set_ylabel(label, fontsize=11)
        right.sharey(left)
        right.tick_params(labelleft=False)
        right.legend(fontsize=11, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _draw_entropies(ax: Axes, steps: NDArray, ledger: Trace) -> None:
    """S_en and S_out of a window, and the spread over all."""
    for values, colour, line, label in (
        (ledger.S_en, BLUE, "o-", "S_en, after U_en"),
        (ledger.S_out, ORANGE, "s-", "S_out, after U_dis"),
    ):
        low, high = np.quantile(values, [0.1, 0.9], axis=0)
        ax.fill_between(steps, low, high, color=colour, alpha=0.2, lw=0)
        ax.plot(steps, values[0], line, color=colour, ms=4, label=label)
    ax.bar(steps, ledger.forgotten[0], width=0.5, color="#d0d0d0", label="forgotten")
    ax.axhline(0, color="black", lw=0.6)


def _stack(ax: Axes, steps: NDArray, shares: NDArray, name: str) -> None:
    """Bars of shares that add up to 1, one bar a step: ``(n_steps, n)``."""
    bottom = np.zeros(len(shares))
    for k, share in enumerate(shares.T):
        colour = SHADES[k % len(SHADES)]
        ax.bar(
            steps, share, 0.8, bottom, color=colour, edgecolor="white", lw=0.5,
            label=f"{name} {k}",
        )  # fmt: skip
        bottom = bottom + share


def draw_curves(circuits: list[Circuit], curves: list[Curves]) -> Figure:
    """Four questions to the memory, a row for each rotation."""
    size = (5 * len(circuits) + 1, 13)
    figure, axes = new_figure(4, len(circuits), figsize=size)
    figure.suptitle(
        "Four questions to the memory: what moves it need not be known to it\n"
        "(initial parameters, random inputs; mean over draws,\n"
        "shaded: standard deviation over the draws, for three rules)",
        fontsize=13,
    )
    panels = (
        ("forgetting", "sensitive to one input", "mean trace distance D_k", 0.6),
        (None, "entanglement with the past", "I(R : ancilla) (bits)", None),
        ("capacity", "read off linearly", "held-out R² of x(T-k)", 1.05),
        ("information", "known at all", "Holevo information (bits)", 0.5),
    )
    for row, circuit in zip(axes.T, circuits, strict=True):
        rules = [c for c in curves if c.rotation == circuit.rotation]
        for ax, (field, title, label, top) in zip(row, panels, strict=True):
            if field is None:
                _curve(ax, circuit.retention, "mixed")
            else:
                for rule in rules:
                    _curve(ax, getattr(rule, field), rule.memory)
                ax.set_ylim(-0.1 if field == "capacity" else -0.02, top)
            xlabel = "lag k (steps)" if field else "steps k"
            _count(ax, xlabel, f"{circuit.rotation}: {title}", ylabel=label)
            ax.set_xlim(-0.3, 8.3)
            ax.axhline(0, color="black", lw=0.6)
    _legend_below(figure, axes[0, 0], 3)
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
    figure, axes = new_figure(4, len(rotations), figsize=(5 * len(rotations) + 1, 13))
    figure.suptitle(
        "What training does to entanglement in a step, and to the step's power\n"
        "(median over the seeds, shaded: the middle half;\n"
        "dashes and dashes with dots: trained on shuffled targets)",
        fontsize=13,
    )
    panels = {
        "S_en": "entanglement\nafter U_en (ebits)",
        "S_out": "entanglement\nafter U_dis (ebits)",
        "K_dis": "Schmidt strength\nof U_dis (ebits)",
        "K_step": "Schmidt strength\nof the step (ebits)",
    }
    trained = by_model([r for r in runs if r.history])
    for row, rotation in zip(axes.T, rotations, strict=True):
        for ax, (key, label) in zip(row, panels.items(), strict=True):
            for (its_rotation, model), mine in trained.items():
                if its_rotation == rotation:
                    values = [[r.start[key], *r.history[key]] for r in mine]
                    _band(ax, np.array(values), model)
            _count(ax, "epoch", f"{rotation}: {key}", ylabel=label)
        for ax in row[2:]:
            ax.set_ylim(1.9, 4.05)
        if min(r.end["K_dis"] for r in runs if r.rotation == rotation) > 4 - CONSTANT:
            row[2].text(
                0.5, 0.5, "4 ebits, the largest\nthere is", ha="center",
                transform=row[2].transAxes,
            )  # fmt: skip
        row[1].sharey(row[0])
    _legend_below(figure, axes[0, 0], 2)
    return figure


def _band(ax: Axes, values: NDArray, model: str) -> None:
    """Median and quartiles over seeds, ``(seeds, epochs + 1)``, from epoch 0."""
    colour, line = STYLES[model]
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    epochs = np.arange(values.shape[1])
    if "shuffled" not in model:
        ax.fill_between(epochs, low, high, color=colour, alpha=0.18, lw=0)
    ax.plot(epochs, middle, line.lstrip("osx"), color=colour, lw=1.5, label=model)


def draw_errors(
    runs: list[Run], follows: list[Correlation], baselines: dict[str, float]
) -> Figure:
    """Test errors against entanglement, and what is left of the memory."""
    rotations = list(dict.fromkeys(r.rotation for r in runs))
    figure, axes = new_figure(len(rotations), 3, figsize=(14, 4.4 * len(rotations)))
    figure.suptitle(
        "Test error against entanglement: each point is a trained model, rho is "
        "Spearman's\n(right: slope of the output against older inputs; under "
        "collapse it is blind to changes of branch)"
    )
    panels = {
        "S_out": "S_out after training (ebits)",
        "forgotten": "forgotten, S_en - S_out (ebits)",
    }
    groups = by_model(runs)
    for row, rotation in zip(axes, rotations, strict=True):
        for ax, (quantity, label) in zip(row, panels.items(), strict=False):
            for model in (*TRAINED, "reset"):
                mine = groups[rotation, model]
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
            of_panel = [
                c for c in follows if (c.rotation, c.quantity) == (rotation, quantity)
            ]
            rho = [f"{c.model} {c.rho:+.2f}" for c in of_panel if c.rho is not None]
            ax.set_title(f"{rotation}, rho: {', '.join(rho)}", fontsize=11)
        for model in TRAINED:
            _slopes(
                row[2], np.array([r.gradient for r in groups[rotation, model]]), model
            )
        row[2].set(yscale="log", ylim=(1e-6, 3))
        title, label = f"{rotation}: slope against the past", "mean |dy / dx(T-k)|"
        _count(row[2], "lag k (steps)", title, ylabel=label)
    _legend_below(figure, axes[0, 0])
    return figure


def _slopes(ax: Axes, norms: NDArray, model: str) -> None:
    """``|dy/dx|`` over the lags, a thin line each run, the median thick."""
    colour, line = STYLES[model]
    lags = np.arange(norms.shape[1])
    ax.plot(lags, norms.T, color=colour, lw=0.5, alpha=0.5)
    ax.plot(lags, np.median(norms, axis=0), line, color=colour, ms=5, label=model)
