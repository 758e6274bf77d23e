"""The tree of branches: which outcomes there are, and how likely each record is."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_size
from qlstm.insight import trace
from qlstm.params import QLSTMConfig, QLSTMParams, check_inputs
from qlstm.plots.style import BLUE, GREY, INK, SMALL, axes_for

MOST_LEAVES = 64
"""Records that can be told from each other."""


class BranchTree(NamedTuple):
    """Records of outcomes and their probabilities, level by level."""

    levels: list[dict[tuple[int, ...], float]]
    """For each number of steps the records that are followed, and their probability."""
    pruned: float
    """Probability of all records that are not followed to the last level."""
    kept: tuple[int, ...]
    """The record that the rule keeps; empty if it is drawn."""


def branch_tree(
    params: QLSTMParams,
    window: ArrayLike,
    config: QLSTMConfig,
    *,
    n_steps: int = 3,
    least: float = 0.02,
) -> BranchTree:
    """All records of the first steps of a window whose probability is not small.

    Args:
        params: The parameters.
        window: Inputs ``(n_steps, n_features)``.
        config: The configuration, with a rule that keeps one outcome.
        n_steps: Steps that are followed.
        least: Records of a smaller probability are left out with all that follow.

    Returns:
        A `BranchTree`.

    Raises:
        TypeError: If `n_steps` is no integer.
        ValueError: If the rule keeps no outcome, the window is too short or wrong,
            `least` is not in (0, 1), or too many records are left.

    Example:
        >>> from qlstm import init_params
        >>> config, rng = QLSTMConfig(), np.random.default_rng(0)
        >>> params, window = init_params(config, rng), rng.normal(size=(2, 1))
        >>> tree = branch_tree(params, window, config, n_steps=2)
        >>> round(sum(tree.levels[-1].values()) + tree.pruned, 12)
        1.0
    """
    check_size("n_steps", n_steps)
    inputs = check_inputs(np.asarray(window)[None], config, "window")
    if inputs.shape[1] < n_steps:
        raise ValueError(
            f"Argument `window` must have at least {n_steps} steps, "
            f"but has {inputs.shape[1]}."
        )
    if not config.rule.keeps:
        raise ValueError(
            "Argument `config` must have a memory rule that keeps an outcome, but "
            f"memory {config.memory!r} keeps none."
        )
    if not 0 < least < 1:
        raise ValueError(f"Argument `least` must lie in (0, 1), but is {least}.")
    levels = [{(): 1.0}]
    for t in range(1, n_steps + 1):
        records = np.array(list(levels[-1]), dtype=np.int64)
        records = records.reshape(len(levels[-1]), t - 1)
        born = _born(params, inputs[:, :t], config, records)
        before = np.array(list(levels[-1].values()))[:, None]
        levels.append(
            {
                (*map(int, record), i): float(p)
                for record, row in zip(records, before * born, strict=True)
                for i, p in enumerate(row)
                if p >= least
            }
        )
        if len(levels[-1]) > MOST_LEAVES:
            raise ValueError(
                f"Argument `least` must leave at most {MOST_LEAVES} records, but "
                f"{least} leaves {len(levels[-1])} after {t} steps."
            )
    pruned = max(0.0, 1.0 - sum(levels[-1].values()))
    return BranchTree(levels, pruned, _kept(params, inputs[:, :n_steps], config))


def _born(
    params: QLSTMParams, inputs: NDArray, config: QLSTMConfig, records: NDArray
) -> NDArray[np.float64]:
    """Probabilities of the last step's outcomes behind each record."""
    if not len(records):
        return np.zeros((0, config.system_dim))
    windows = np.repeat(inputs, len(records), axis=0)
    rng = np.random.default_rng(0)  # drawn behind the last step, and not looked at
    ledger = trace(params, windows, config, rng, records)
    return ledger.outcome_probabilities[:, -1]


def _kept(params: QLSTMParams, inputs: NDArray, config: QLSTMConfig) -> tuple[int, ...]:
    """The record of a rule that does not draw."""
    if config.rule.draws:
        return ()
    return tuple(map(int, trace(params, inputs, config).outcome[0]))


def plot_branches(
    params: QLSTMParams,
    window: ArrayLike,
    config: QLSTMConfig,
    *,
    n_steps: int = 3,
    least: float = 0.02,
    ax: Axes | None = None,
) -> Axes:
    """The tree of outcomes over a few steps, with the probability of each record.

    Args:
        params: The parameters.
        window: Inputs ``(n_steps, n_features)``.
        config: The configuration, with a rule that keeps one outcome.
        n_steps: Steps that are followed.
        least: Records of a smaller probability are left out; the title says how much
            they are together.
        ax: Axes to draw into; without them, those of a new figure.

    Returns:
        The axes; the record that the rule keeps is thick.

    Raises:
        TypeError: If `ax` are no axes or `n_steps` is no integer.
        ValueError: As in `branch_tree`.

    Example:
        >>> from qlstm import init_params
        >>> config, rng = QLSTMConfig(n_system=1), np.random.default_rng(0)
        >>> ax = plot_branches(init_params(config, rng), [[0.5], [0.1]], config,
        ...                    n_steps=2)
        >>> ax.get_xlabel()
        'step'
    """
    tree = branch_tree(params, window, config, n_steps=n_steps, least=least)
    places = _places(tree.levels)
    rows = max(places.values()) + 1
    ax = axes_for(ax, 2.2 + 2.1 * n_steps, 1.5 + 0.3 * max(rows, 6))
    for level in tree.levels[1:]:
        for record, p in level.items():
            _edge(ax, record, p, places, tree.kept[: len(record)] == record)
    ax.plot(0, -places[()], "o", color=INK, ms=7)
    ax.set(xlim=(-0.15, n_steps + 0.75), ylim=(-rows + 0.3, 0.7), yticks=[])
    ax.set_xticks(range(1, n_steps + 1))
    ax.tick_params(labelsize=SMALL)
    ax.set_xlabel("step", fontsize=SMALL)
    ax.spines[["left", "right", "top"]].set_visible(False)
    of_kept = _title_of_kept(tree)
    ax.set_title(
        f"{of_kept}{len(tree.levels[-1])} records shown, all others together "
        f"{tree.pruned:.3f}",
        fontsize=SMALL,
    )
    return ax


def _title_of_kept(tree: BranchTree) -> str:
    """What the kept record is worth."""
    if not tree.kept:
        return ""
    p = tree.levels[-1].get(tree.kept)
    value = f"has probability {p:.3f}" if p else "is too small to be shown"
    record = ", ".join(map(str, tree.kept))
    return f"The record that is kept (thick: {record}) {value}\n"


def _places(levels: list[dict]) -> dict[tuple[int, ...], float]:
    """Heights: what ends gets a line of its own, what goes on the mean of its own."""
    places, line = {}, 0

    def place(record: tuple[int, ...]) -> float:
        nonlocal line
        depth = len(record) + 1
        below = levels[depth] if depth < len(levels) else {}
        own = [place(longer) for longer in below if longer[:-1] == record]
        if own:
            places[record] = float(np.mean(own))
        else:
            places[record], line = float(line), line + 1
        return places[record]

    place(())
    return places


def _edge(
    ax: Axes, record: tuple[int, ...], p: float, places: dict, kept: bool
) -> None:
    """A line from the record without its last outcome, and what it says."""
    before = len(record) - 1
    x = [before + 0.42 * (before > 0), before + 1]
    y = [-places[record[:-1]], -places[record]]
    color = BLUE if kept else GREY
    ax.plot(x, y, color=color, lw=3.5 if kept else 1.2, zorder=2 + kept)
    ax.plot(x[1], y[1], "o", color=color, ms=8 if kept else 4, zorder=4)
    ax.annotate(
        f"{record[-1]}: {p:.3f}", (x[1], y[1]), (8, 0), textcoords="offset points",
        va="center", fontsize=SMALL, weight="bold" if kept else "normal", zorder=5,
        bbox={"fc": "white", "ec": "none", "pad": 0.6}, gid=f"record {record}",
    )  # fmt: skip
