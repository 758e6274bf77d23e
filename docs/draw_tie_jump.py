"""Draw the jumps of the collapse rule: ``python docs/draw_tie_jump.py [folder]``."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qlstm import QLSTMConfig, QLSTMParams, init_params
from qlstm.plots import BLUE, ORANGE, new_figure, save_figure
from qsim import collapse, entangling_layers, expval_z, probabilities

INK = "#1a1a1a"
SEED, N_STEPS, N_POINTS = 0, 4, 400
CONFIG = QLSTMConfig(rotation="RY", memory="collapse")


class Point(NamedTuple):
    """What one value of the angle gives."""

    output: float
    """``y`` of the last step."""
    outcomes: tuple[int, ...]
    """The likeliest outcome of each step but the last."""
    margin: float
    """The smallest gap between the two likeliest outcomes of a step."""


def model() -> tuple[QLSTMParams, NDArray[np.float64]]:
    """The parameters and one sequence ``(n_steps, n_features)``."""
    rng = np.random.default_rng(SEED)
    params = init_params(CONFIG, rng)
    return params, rng.uniform(-1, 1, (N_STEPS, CONFIG.n_features))


def run(angle: float) -> Point:
    """The sequence, with the entangler's first angle set to `angle`."""
    params, sequence = model()
    params.entangler[0, 0] = angle
    angles = np.concatenate([params.entangler, params.disentangler[::-1]])
    system = range(CONFIG.n_system)
    h = np.zeros(CONFIG.ancilla_dim)
    h[0] = 1.0
    outcomes, margins = [], []
    for t, x in enumerate(sequence):
        a = x @ params.proj_weight + params.proj_bias
        joint = np.kron(a / np.linalg.norm(a), h)
        psi = entangling_layers(
            joint.reshape(1, *(2,) * CONFIG.n_wires), angles, CONFIG.rotation
        )
        if t < N_STEPS - 1:
            second, first = np.sort(probabilities(psi, system)[0])[-2:]
            after = collapse(psi, system)
            h = after.state.ravel()
            margins.append(first - second)
            outcomes.append(int(after.outcomes[0]))
    y = expval_z(psi, CONFIG.n_system - 1)[0]
    return Point(float(y), tuple(outcomes), float(min(margins)))


def find_tie(low: float, high: float) -> tuple[float, float]:
    """Halve an interval whose ends have different outcomes until it is a tie."""
    start = run(low).outcomes
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if run(middle).outcomes == start else (low, middle)
    return low, high


def sweep() -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """A turn of the angle, cut at every tie: its smooth pieces, and the ties.

    A piece is an array ``(points, 3)``: angle, output and margin. A tie is an array
    ``(3,)``: its angle, and the output before and after it.
    """
    grid = np.linspace(0, 2 * np.pi, N_POINTS)
    points = [run(angle) for angle in grid]
    pieces, piece, ties = [], [], []
    for k, (angle, point) in enumerate(zip(grid, points, strict=True)):
        if k and point.outcomes != points[k - 1].outcomes:
            low, high = find_tie(grid[k - 1], angle)
            before, after = run(low), run(high)
            pieces.append(np.array([*piece, (low, before.output, before.margin)]))
            piece = [(high, after.output, after.margin)]
            ties.append(np.array([low, before.output, after.output]))
        piece.append((angle, point.output, point.margin))
    return [*pieces, np.array(piece)], ties


def draw() -> Figure:
    """The output against one angle above, the outcome margin below."""
    pieces, ties = sweep()
    figure, axes = new_figure(2, 1, figsize=(8, 5.6))
    above, below = axes[:, 0]
    figure.suptitle(
        f"Collapse rule: the output jumps where two outcomes tie, {len(ties)} times "
        "in a turn",
        fontsize=12,
    )
    for piece in pieces:  # one line a piece, so that no line bridges a jump
        above.plot(piece[:, 0], piece[:, 1], color=BLUE, lw=2)
        below.plot(piece[:, 0], piece[:, 2], color=BLUE, lw=1.6)
    marker = {
        "ls": "",
        "marker": "o",
        "ms": 5,
        "color": ORANGE,
        "mec": INK,
        "zorder": 3,
    }
    for angle, *ends in ties:
        above.plot([angle, angle], ends, **marker)
        below.plot([angle], [0], **marker, clip_on=False)
    above.plot([], [], **marker, label="the two ends of a jump")
    below.plot([], [], **marker, label="a tie")
    above.sharex(below)
    above.tick_params(labelbottom=False)
    above.set(ylabel="output $y$ (no unit)", ylim=(-0.42, 0.52))
    above.legend(loc="upper left", fontsize=9)
    below.set(
        xlabel="first angle of the entangler (rad)",
        ylabel="outcome margin\n(probability)",
        xlim=(0, 2 * np.pi),
    )
    below.set_ylim(bottom=0)
    below.legend(loc="upper left", fontsize=9)
    below.set_xticks(np.pi / 2 * np.arange(5), ["0", "π/2", "π", "3π/2", "2π"])
    return figure


def main(folder: Path) -> None:
    """Write ``tie_jump.png`` into the folder."""
    save_figure(folder / "tie_jump.png", draw())


if __name__ == "__main__":
    default = Path(__file__).parent / "figures"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
