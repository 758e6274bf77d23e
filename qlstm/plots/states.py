"""Pictures of one state: its amplitudes, and its two registers as a table."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import check_choice
from qlstm.plots.style import INK, LARGE, SMALL, axes_for
from qsim.entanglement import entanglement_entropy, schmidt_coefficients
from qsim.numbers import as_numbers

MOST_KETS = 32
"""Bars that can be read."""
SHOWN = 5e-4
"""Amplitudes of less are 0 to three digits."""


def plot_amplitudes(
    state: ArrayLike,
    *,
    n_system: int | None = None,
    height: str = "probability",
    ax: Axes | None = None,
) -> Axes:
    """Bars of probability or magnitude; the phase as colour, and as a number on top.

    Args:
        state: Amplitudes, of norm 1, in any shape; at most 32.
        n_system: Wires of the system register, to write kets of both registers.
        height: ``"probability"``, ``|amplitude|^2``, or ``"magnitude"``.
        ax: Axes to draw into; without them, those of a new figure.

    Returns:
        The axes.

    Raises:
        TypeError: If the state is no array of numbers.
        ValueError: If it is too large, not of norm 1, or has no number of wires.

    Example:
        >>> ax = plot_amplitudes(np.array([1, 0, 0, 1j]) / np.sqrt(2))
        >>> [text.get_text() for text in ax.texts]
        ['0', 'π/2']
    """
    check_choice("height", height, ("probability", "magnitude"))
    amplitudes = _state("state", state, MOST_KETS).ravel()
    kets = ket_labels(len(amplitudes), n_system)
    tall = np.abs(amplitudes) ** (2 if height == "probability" else 1)
    ax = axes_for(ax, max(4.8, 1.2 + 0.5 * len(kets)), 3.6)
    turn = np.angle(amplitudes) / (2 * np.pi) % 1
    colors = colormaps["twilight"](turn)
    ax.bar(range(len(kets)), tall, 0.75, color=colors, edgecolor=INK, lw=0.8)
    for k, (value, amplitude) in enumerate(zip(tall, amplitudes, strict=True)):
        if abs(amplitude) >= SHOWN:
            label = phase_label(amplitude)
            ax.annotate(
                label, (k, value), (0, 3), textcoords="offset points", ha="center",
                fontsize=SMALL, rotation=90 if len(label) > 3 else 0,
            )  # fmt: skip
    ax.set_xticks(range(len(kets)), kets, rotation=90 if len(kets) > 8 else 0)
    ax.tick_params(labelsize=SMALL)
    ax.set_ylabel(
        "probability" if height == "probability" else "|amplitude|", fontsize=SMALL
    )
    ax.margins(y=0.25)
    count = int((np.abs(amplitudes) >= SHOWN).sum())
    of = (
        f"{count} of {len(kets)} kets are not 0; phase in radians on top, and as colour"
    )
    ax.set_title(of, fontsize=LARGE if len(kets) > 8 else SMALL)
    return ax


def plot_registers(state: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """The joint state as a table: rows are the system's kets, columns the memory's.

    A table of rank 1 is a product state. The title says the rank, the Schmidt
    coefficients and the entanglement in ebits.

    Args:
        state: Amplitudes ``(d_s, d_a)``, powers of 2 from 2 to 8, of norm 1.
        ax: Axes to draw into; without them, those of a new figure.

    Returns:
        The axes.

    Raises:
        TypeError: If the state is no array of numbers.
        ValueError: If its shape is another one, or it is not of norm 1.

    Example:
        >>> ax = plot_registers(np.eye(2) / np.sqrt(2))
        >>> print(ax.get_title())
        rank 2: entangled, 1.000 ebits
        Schmidt coefficients 0.707, 0.707
    """
    table = _state("state", state, 64)
    if table.ndim != 2 or not all(n in (2, 4, 8) for n in table.shape):
        raise ValueError(
            "Argument `state` must have shape (d_s, d_a), powers of 2 from 2 to 8, "
            f"but has {table.shape}."
        )
    d_s, d_a = table.shape
    ax = axes_for(ax, 1.6 + 0.95 * d_a, 1.7 + 0.6 * d_s)
    ax.imshow(np.abs(table) ** 2, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), amplitude in np.ndenumerate(table):
        dark = abs(amplitude) ** 2 > 0.5
        ax.text(
            column, row, amplitude_label(amplitude), ha="center", va="center",
            fontsize=SMALL, color="white" if dark else INK,
        )  # fmt: skip
    ax.set_xticks(range(d_a), ket_labels(d_a), fontsize=SMALL)
    ax.set_yticks(range(d_s), ket_labels(d_s), fontsize=SMALL)
    ax.set_xlabel("memory (ancilla register)", fontsize=SMALL)
    ax.set_ylabel("system", fontsize=SMALL)
    ax.set_title(_rank_title(table), fontsize=SMALL)
    return ax


def _rank_title(table: NDArray) -> str:
    """Rank, Schmidt coefficients and ebits."""
    n_s, n_a = (n.bit_length() - 1 for n in table.shape)
    state = table.reshape(1, *(2,) * (n_s + n_a))
    schmidt = schmidt_coefficients(state, range(n_s))[0]
    ebits = entanglement_entropy(state, range(n_s))[0]
    rank = max(1, int((schmidt > SHOWN).sum()))
    kind = "a product" if rank == 1 else "entangled"
    numbers = ", ".join(f"{c:.3f}" for c in schmidt)
    return (
        f"rank {rank}: {kind}, {abs(ebits):.3f} ebits\nSchmidt coefficients {numbers}"
    )


def ket_labels(dim: int, n_system: int | None = None) -> list[str]:
    """Labels of basis states, of one register or of two."""
    n = dim.bit_length() - 1
    if n_system is None:
        return [f"|{k:0{n}b}⟩" for k in range(dim)]
    if n_system not in range(1, n):
        raise ValueError(
            f"Argument `n_system` must lie in 1..{n - 1} for {n} wires, "
            f"but is {n_system!r}."
        )
    bits = [f"{k:0{n}b}" for k in range(dim)]
    return [f"|{b[:n_system]}⟩|{b[n_system:]}⟩" for b in bits]


def phase_label(amplitude: complex) -> str:
    """The phase in radians, as a multiple of pi."""
    share = np.angle(amplitude) / np.pi
    if abs(share) < 5e-3:
        return "0"
    names = {0.5: "π/2", -0.5: "-π/2", 1.0: "π", -1.0: "π"}
    for value, name in names.items():
        if abs(share - value) < 5e-3:
            return name
    return f"{share:.2f}π"


def amplitude_label(amplitude: complex) -> str:
    """An amplitude to three digits, on two lines if it is complex."""
    real, imag = (
        round(float(part), 3) + 0.0 for part in (amplitude.real, amplitude.imag)
    )
    if imag == 0:
        return f"{real:.3f}" if real else "0"
    return f"{imag:.3f}i" if real == 0 else f"{real:.3f}\n{imag:+.3f}i"


def _state(name: str, state: ArrayLike, most: int) -> NDArray:
    """A vector of norm 1, or what is off."""
    array = as_numbers(name, state)
    size = array.size
    if size < 2 or size & (size - 1) or size > most:
        raise ValueError(
            f"Argument `{name}` must hold 2, 4, ... or {most} amplitudes, "
            f"but holds {size}."
        )
    norm = np.linalg.norm(array)
    if not abs(norm - 1) < 1e-6:
        raise ValueError(f"Argument `{name}` must have norm 1, but has {norm:.6g}.")
    return array
