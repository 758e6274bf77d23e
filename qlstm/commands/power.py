"""``qlstm power``: how much entanglement a model's circuits, or a gate, can make."""

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.commands.parser import Parser, positive_int, seed_int
from qlstm.commands.saved import load_cell
from qlstm.insight import stage_unitaries
from qlstm.progress import Progress
from qlstm.tables import format_table
from qsim import CNOT, entanglement

EXAMPLE = """
example:
  qlstm power --gate CNOT
  qlstm power model.npz
"""
GATES = {
    "CNOT": CNOT,
    "CZ": entanglement.CZ,
    "SWAP": entanglement.SWAP,
    "ISWAP": entanglement.ISWAP,
    "DCNOT": entanglement.DCNOT,
}
HEADER = ["unitary", "dims", "K", "E_up", "at most", "E_down", "e_p", "largest"]
KEY = (
    "In ebits, but for e_p. K: Schmidt strength, made from two maximally entangled "
    "pairs. E_up: entangling power, the most that any input gains, with ancillas as "
    "large as the registers: found by a search, and proved to be at most the number "
    "beside it. E_down: disentangling power, the most that any input loses. e_p: mean "
    "linear entropy made from products. largest: what any unitary of these sizes can "
    "make."
)


class Powers(NamedTuple):
    """What is measured of one unitary, in ebits but for `mean`."""

    name: str
    dims: tuple[int, int]
    strength: float
    """K."""
    up: float
    """Found by a search; a lower bound of E_up."""
    upper: float
    """Proved upper bound of E_up."""
    down: float
    """Found by a search."""
    mean: float
    """e_p."""
    reached: str
    """How many starts of the search ended at the best."""

    @property
    def row(self) -> list[str]:
        """A line of the table."""
        largest = 2 * np.log2(min(self.dims))
        numbers = (self.strength, self.up, self.upper, self.down, self.mean, largest)
        size = f"{self.dims[0]}x{self.dims[1]}"
        return [self.name, size, *(f"{value + 0.0:.4f}" for value in numbers)]


def add(subparsers: "argparse._SubParsersAction[Parser]") -> Parser:
    """Add the parser of this subcommand.

    Args:
        subparsers: Those of `qlstm`.
    """
    words = "Measure the entangling power of a model's circuits, or of a gate."
    parser = subparsers.add_parser(
        "power", help=words, description=words, epilog=EXAMPLE
    )
    option = parser.add_argument
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        nargs="?",
        help="a saved model, or forecaster with one: its two stages, and the step",
    )
    source.add_argument("--gate", choices=list(GATES), help="a gate of two qubits")
    source.add_argument(
        "--weyl",
        type=float,
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="exp(-i (X XX + Y YY + Z ZZ)), in multiples of pi/4",
    )
    option("--number", type=positive_int, help="which model of a forecaster's several")
    option("--starts", type=positive_int, help="starts of a search; None: as it pays")
    option("--seed", type=seed_int, default=0, help="seed of the starts")
    option("--json", action="store_true", help="print JSON in the place of text")
    return parser


def run(options: argparse.Namespace) -> None:
    """Measure and print.

    Args:
        options: The parsed options of `add`.
    """
    unitaries, dims = _unitaries(options)
    progress, found = Progress(), []
    for name, unitary in unitaries.items():
        progress.show(f"searching {name} ...")
        found.append(_measure(name, unitary, dims, options))
    progress.clear()
    if options.json:
        print(json.dumps([_content(one) for one in found], indent=1))
        return
    print(format_table(HEADER, [one.row for one in found]))
    reached = ", ".join(f"{one.name} {one.reached}" for one in found)
    print(f"\n{textwrap.fill(KEY, 80)}")
    note = f"Starts of the search that ended at the best: {reached}."
    print(f"\n{textwrap.fill(note, 80)}")


def _unitaries(
    options: argparse.Namespace,
) -> tuple[dict[str, NDArray], tuple[int, int]]:
    """What is measured, by name, and the two dimensions."""
    if options.file is None and options.number is not None:
        raise ValueError("Option --number goes with FILE.")
    if options.gate is not None:
        return {options.gate: GATES[options.gate]}, (2, 2)
    if options.weyl is not None:
        if not np.isfinite(options.weyl).all():
            raise ValueError(f"Option --weyl must be finite, but is {options.weyl}.")
        gate = entanglement.canonical_gate(*(np.pi / 4 * np.array(options.weyl)))
        return {"exp(-i ...)": gate}, (2, 2)
    params, config = load_cell(options.file, options.number)
    if config.cut != "entangled":
        raise ValueError(
            f"FILE must hold a cell whose registers meet, but {options.file} has the "
            f"cut {config.cut!r}."
        )
    u_en, u_dis = stage_unitaries(params, config)
    stages = {"U_en": u_en, "U_dis": u_dis, "step": u_dis @ u_en}
    return stages, (config.system_dim, config.ancilla_dim)


def _measure(
    name: str, unitary: NDArray, dims: tuple[int, int], options: argparse.Namespace
) -> Powers:
    """Every number of one unitary; both searches get the same draws."""

    def search(what: Any) -> Any:
        rng = np.random.default_rng(options.seed)
        return what(unitary, dims, n_starts=options.starts, rng=rng)

    up = search(entanglement.entangling_power)
    capacity = entanglement.log_negativity_capacity(unitary, dims)
    return Powers(
        name,
        dims,
        entanglement.schmidt_strength(unitary, dims),
        up.value,
        min(up.upper_bound, capacity.upper_bound),
        search(entanglement.disentangling_power).value,
        entanglement.mean_entangling_power(unitary, dims),
        f"{up.n_reached} of {up.n_starts}",
    )


def _content(one: Powers) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "unitary": one.name,
        "dims": list(one.dims),
        "schmidt_strength": one.strength,
        "entangling_power": [one.up, one.upper],
        "disentangling_power": one.down,
        "mean_entangling_power": one.mean,
        "starts_reached": one.reached,
    }
