"""Draw the clock's hazard: ``python docs/draw_qubit_clock.py [folder]``.

With ``--table``: print what fitted machines lose, in half a minute.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qlstm.plots import BLUE, GREY, ORANGE, new_figure, save_figure
from qlstm.processes import Process, probability_clock, qubit_clock

N_SILENCES, N_SHOWN = 80, 25
CLOCK = qubit_clock(0.8, np.pi / 6)


class Renewal(NamedTuple):
    """A classical machine that a click resets."""

    start: NDArray[np.float64]
    """Probabilities of the states after a click, ``(k,)``."""
    silence: NDArray[np.float64]
    """From state to state without a click, ``(k, k)``."""
    click: NDArray[np.float64]
    """Probability of a click, ``(k,)``."""


def survival(clock: Process) -> NDArray[np.float64]:
    """Phi(n), n silences after a click, for n from 0 to `N_SILENCES`."""
    memory, found = np.array([1.0, 0.0]), []
    for _ in range(N_SILENCES + 1):
        found.append(memory @ memory)
        memory = clock.kraus[0] @ memory
    return np.array(found)


def states(machine: Renewal) -> tuple[NDArray, NDArray]:
    """``start T^n`` and ``T^n click``, rows n below `N_SILENCES`."""
    ahead, back = [machine.start], [machine.click]
    for _ in range(N_SILENCES - 1):
        ahead.append(ahead[-1] @ machine.silence)
        back.append(machine.silence @ back[-1])
    return np.array(ahead), np.array(back)


def fit(target: NDArray, n_states: int, seed: int, n_steps: int = 1500) -> Renewal:
    """Baum and Welch's steps, with the exact probabilities of n silences and a click.

    ``target`` are these probabilities, ``(N_SILENCES,)``.
    """
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(n_states + 1, 0.7), size=n_states)
    start = rng.dirichlet(np.ones(n_states))
    machine = Renewal(start, rows[:, :-1], rows[:, -1])
    later = np.arange(N_SILENCES)[:, None] + np.arange(N_SILENCES) + 1
    for _ in range(n_steps):
        ahead, back = states(machine)
        weight = target / (ahead @ machine.click)
        padded = np.append(weight, np.zeros(N_SILENCES))
        silence = (ahead.T @ (padded[later] @ back)) * machine.silence
        click = (weight @ ahead) * machine.click
        start = machine.start * (weight @ back)
        total = silence.sum(axis=1) + click
        machine = Renewal(start / start.sum(), silence / total[:, None], click / total)
    return machine


def excess(machine: Renewal, clock: Process) -> float:
    """What the machine loses in the long run, in bits a symbol."""
    true = intervals(clock)
    ahead, _ = states(machine)
    lost = true @ np.log2(true / (ahead @ machine.click))
    return float(lost / survival(clock).sum())


def hazards(machine: Renewal) -> NDArray[np.float64]:
    """The machine's probability of a click, given n silences since the last one."""
    ahead, _ = states(machine)
    return (ahead @ machine.click) / ahead.sum(axis=1)


def intervals(clock: Process) -> NDArray[np.float64]:
    """Probabilities of n silences and a click, after a click."""
    phi = survival(clock)
    return phi[:-1] - phi[1:]


def machines() -> list[Renewal]:
    """The fitted machines of 1, 2 and 3 states; the seeds are those of good fits."""
    return [
        fit(intervals(CLOCK), n_states, seed, n_steps)
        for n_states, seed, n_steps in ((1, 0, 2), (2, 0, 400), (3, 0, 1500))
    ]


def print_table() -> None:
    """What the best of four fits loses, by clock and number of states."""
    print("excess log-loss in bits a symbol: best of 4 starts (all)")
    for name, clock in (("this", CLOCK), ("published", probability_clock())):
        for n_states in (1, 2, 3, 4, 5, 7):
            lost = [
                excess(fit(intervals(clock), n_states, seed, 900 * n_states), clock)
                for seed in range(4)
            ]
            every = " ".join(f"{value:.4f}" for value in sorted(lost))
            print(f"{name:9} clock, {n_states} states: {min(lost):.4f} ({every})")


def draw() -> Figure:
    """The hazard of the clock, and those of the machines."""
    phi = survival(CLOCK)
    n = np.arange(N_SHOWN)
    figure, axes = new_figure(1, 1, figsize=(8.4, 4.6))
    ax = axes[0, 0]
    ax.plot(
        n, (1 - phi[1:] / phi[:-1])[:N_SHOWN], "o-", color=BLUE, lw=2, ms=5,
        label="the clock, one qubit",
    )  # fmt: skip
    styles = ((":", GREY, "s"), ("--", ORANGE, "^"), ("-", ORANGE, "D"))
    for machine, (line, color, marker) in zip(machines(), styles, strict=True):
        k = len(machine.click)
        label = f"{k} classical state{'s' * (k > 1)}, fitted"
        ax.plot(
            n, hazards(machine)[:N_SHOWN], line, marker=marker, color=color, lw=1.6,
            ms=4, label=label,
        )  # fmt: skip
    ax.set_title(
        "The clock goes on swinging; fitted machines come to rest", fontsize=12
    )
    ax.set(
        xlabel="silent steps since the last click",
        ylabel="probability of a click in the next step",
        ylim=(0, 0.5),
        xlim=(-0.5, N_SHOWN - 0.5),
    )
    ax.legend(loc="upper center", ncols=2, fontsize=9)
    return figure


def main(folder: Path) -> None:
    """Write ``qubit_clock.png`` into the folder."""
    save_figure(folder / "qubit_clock.png", draw())


if __name__ == "__main__":
    default = Path(__file__).parent / "figures"
    if sys.argv[1:] == ["--table"]:
        print_table()
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
