"""Numbers, kets and wires as the cells of tables."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qlstm.insight.blocks import Table
from qlstm.insight.moments import Memory
from qlstm.insight.step_gates import wire_name
from qlstm.params import QLSTMConfig
from qlstm.tables import number_text

ZERO = 1e-20
"""A probability that is 0 but for rounding."""
DUST = 1e-12
"""A number that is 0 but for rounding."""


def number(value: float) -> str:
    """Four decimals, powers of ten where these fail; never a negative zero.

    Example:
        >>> number(0.30554), number(-1e-17), number(2e-5)
        ('0.3055', '0.0000', '2.000e-05')
    """
    return number_text(_clean(value))


def plain(value: float) -> str:
    """As short as a number can be said, for a sentence.

    Example:
        >>> plain(0.6), plain(-2.0), plain(1 / 3)
        ('0.6', '-2', '0.3333')
    """
    return f"{_clean(value):.4g}"


def _clean(value: float) -> float:
    """A Python number, 0 where it is dust."""
    return 0.0 if abs(value) < DUST else float(value)


def chance(p: float) -> str:
    """A probability.

    Example:
        >>> chance(0.25), chance(1e-7)
        ('0.2500', '< 0.0001')
    """
    p = float(p)
    return "< 0.0001" if ZERO < p < 5e-5 else f"{max(p, 0.0):.4f}"


def amplitudes(values: NDArray) -> list[str]:
    """Amplitudes: real ones as such, if all are.

    Example:
        >>> amplitudes(np.array([0.6, -0.8 + 0j]))
        ['0.6000', '-0.8000']
        >>> amplitudes(np.array([0.6, -0.8j]))
        ['0.6000+0.0000i', '0.0000-0.8000i']
    """
    values = np.asarray(values)
    parts = [_four(values.real), _four(values.imag)]
    if (np.abs(values.imag) < DUST).all():
        return [f"{real:.4f}" for real in parts[0]]
    return [f"{re:.4f}{im:+.4f}i" for re, im in zip(*parts, strict=True)]


def _four(values: NDArray) -> list[float]:
    """Rounded to four decimals, without negative zeros."""
    return [round(float(value), 4) + 0.0 for value in values]


def degrees(values: NDArray) -> list[str]:
    """Phases in degrees, above -180 and up to 180.

    Example:
        >>> degrees(np.array([1, -1, -1j]))
        ['0.0', '180.0', '-90.0']
    """
    angles = np.degrees(np.angle(values)).round(1) + 0.0
    return [f"{180.0 if a == -180 else float(a):.1f}" for a in angles]


def ket(index: int, n_wires: int) -> str:
    """A ket of one register.

    Example:
        >>> ket(2, 2)
        '|10>'
    """
    return f"|{index:0{n_wires}b}>"


def vector_table(caption: str, state: NDArray, names: Sequence[str]) -> Table:
    """Kets of a vector with probability, amplitude and phase."""
    state = np.where(np.abs(state) ** 2 > ZERO, state, 0)
    state = np.where(np.abs(state.imag) < DUST, state.real, state)
    p = np.abs(state) ** 2
    kept = np.flatnonzero(p > ZERO)
    columns = [
        [names[k] for k in kept],
        [chance(p[k]) for k in kept],
        amplitudes(state[kept]),
        degrees(state[kept]),
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    header = ["ket", "probability", "amplitude", "phase"]
    return Table(caption + left_out(len(p) - len(kept)), header, rows)


def population_table(caption: str, p: NDArray, names: Sequence[str]) -> Table:
    """Kets of a density matrix with their populations."""
    kept = np.flatnonzero(p > ZERO)
    rows = [[names[k], chance(p[k])] for k in kept]
    caption += left_out(len(p) - len(kept))
    return Table(caption, ["ket", "population"], rows)


def left_out(count: int) -> str:
    """How many kets of probability zero a table leaves out."""
    if count == 0:
        return ""
    return f", {count} ket{'s' * (count > 1)} of probability zero left out"


def joint_names(config: QLSTMConfig) -> list[str]:
    """Kets of both registers, the system first."""
    return [
        ket(i, config.n_system) + ket(j, config.n_ancilla)
        for i in range(config.system_dim)
        for j in range(config.ancilla_dim)
    ]


def memory_table(caption: str, memory: Memory, config: QLSTMConfig) -> Table:
    """A memory's kets, or its populations."""
    names = [ket(j, config.n_ancilla) for j in range(config.ancilla_dim)]
    if memory.state.ndim == 2:
        return population_table(caption, memory.populations, names)
    return vector_table(caption, memory.state, names)


def wire_table(bloch: NDArray, wires: Sequence[int], config: QLSTMConfig) -> Table:
    """Each wire by itself: probabilities and Bloch vector."""
    rows = [
        [
            wire_name(wire, config),
            *(chance(_clean((1 + sign * arrow[2]) / 2)) for sign in (1, -1)),
            *(number(part) for part in (*arrow, np.linalg.norm(arrow))),
        ]
        for wire, arrow in zip(wires, bloch, strict=True)
    ]
    header = ["wire", "P(0)", "P(1)", "x", "y", "z", "length"]
    return Table("Each wire by itself, and its Bloch vector", header, rows)
