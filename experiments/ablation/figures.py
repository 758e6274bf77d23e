"""The figure: what each change does to the skill."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from experiments.ablation.report import Row
from experiments.comparison.strips import Strip, draw_strips, plain_numbers


def draw(rows: Sequence[Row], base: str) -> Figure:
    """What each change does to the skill.

    Args:
        rows: All but the full model's.
        base: Name of the full model.

    Returns:
        The figure.
    """
    figure, ax = draw_strips(
        [Strip(row.label, row.kind, row.differences) for row in rows],
        {"the full model": (0.0, {"color": "black", "ls": "--", "lw": 1})},
        f"Which part earns the skill? One change to the {base} cell, a point is a seed",
        height=1.8 + 0.36 * len(rows),
    )
    scale = ""
    ends = np.concatenate([row.differences for row in rows])
    if np.ptp(ends) > 4:  # a few seeds that fail must not flatten all the others
        scale = "; logarithmic beyond 1"
        ax.set_xscale("symlog", linthresh=1, linscale=1.5)
        ticks = [sign * k for sign in (-1, 1) for k in (0.5, 1, 2, 5, 10, 20)]
        low, high = ends.min(), ends.max()
        ax.set_xticks([0, *(t for t in ticks if low <= t <= high)])
        plain_numbers(ax)
    ax.set_xlabel(f"skill minus that of the full model, same seed{scale}")
    ax.set_ylabel("what is changed")
    return figure
