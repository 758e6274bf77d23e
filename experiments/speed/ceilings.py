"""What this machine can do: products, copies, gathers, calls."""

from typing import NamedTuple

import numpy as np

from experiments.speed.ours import complex_normal
from experiments.speed.timing import Job

REPEATS = 200
"""Of what is too short for a clock."""
LARGE = 512
"""Side of a large matrix."""


class Ceiling(NamedTuple):
    """A job, and how much of what it does."""

    job: Job
    work: float
    unit: str
    """Of the work in a second."""


def ceilings() -> dict[str, Ceiling]:
    """The jobs by name."""
    return {
        "products 16 x 16, complex": squares(complex_normal(16, 16), REPEATS),
        "products 16 x 16, real": squares(complex_normal(16, 16).real, REPEATS),
        f"product {LARGE} x {LARGE}, complex": squares(complex_normal(LARGE, LARGE)),
        f"product {LARGE} x {LARGE}, real": squares(complex_normal(LARGE, LARGE).real),
        **memory(np.ones(2**20, dtype=complex)),
        "calls on 20 numbers": calls(np.ones((5, 4))),
    }


def squares(matrix: np.ndarray, repeats: int = 1) -> Ceiling:
    """A matrix times itself: ``2 n^3`` operations, four times that if complex."""
    matrix = np.ascontiguousarray(matrix)
    work = 2e-9 * len(matrix) ** 3 * repeats * (4 if np.iscomplexobj(matrix) else 1)
    return Ceiling(lambda: [matrix @ matrix for _ in range(repeats)], work, "Gflop/s")


def memory(state: np.ndarray) -> dict[str, Ceiling]:
    """Bytes read and written: in order, and as a ring of CNOTs, nearly, orders them."""
    out, order = np.empty_like(state), np.arange(state.size)
    order ^= order >> 1
    traffic = 2e-9 * state.nbytes

    def gather() -> None:
        state.take(order, out=out, mode="clip")  # other modes copy once more

    size = f"{state.nbytes >> 20} MB"
    return {
        f"copy of {size}": Ceiling(lambda: np.copyto(out, state), traffic, "GB/s"),
        f"gather of {size}": Ceiling(gather, traffic, "GB/s"),
    }


def calls(tiny: np.ndarray) -> Ceiling:
    """Additions of arrays that are too small to matter."""
    return Ceiling(
        lambda: [tiny + tiny for _ in range(REPEATS)], 1e-6 * REPEATS, "million/s"
    )
