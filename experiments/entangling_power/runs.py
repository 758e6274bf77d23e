"""What `experiments.entangling_power` measures: gates, lines, ensembles, a map."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import qsim
from qlstm.commands import Progress
from qsim import entanglement

MARGIN = 1e-6
"""Smaller differences count as none, of values found and of proved ends alike."""
DRAWS, QUICK_DRAWS = 100, 3
FIXED_ANGLE = 0.5
"""The angles that the map of K does not vary: the mean of the initial ones, U(0, 1)."""
PI_4 = np.pi / 4


class Gate(NamedTuple):
    """A row of the table of gates."""

    name: str
    unitary: NDArray
    dims: tuple[int, int] = (2, 2)
    ancillas: tuple[int, int] | None = None


def named_gates() -> list[Gate]:
    """The landmarks, two families, two cuts of the CNOT ring, one gate both ways."""
    ring = entanglement.cnot_ring(4)
    return [
        Gate("CNOT", qsim.CNOT),
        Gate("CZ", entanglement.CZ),
        Gate("iSWAP", entanglement.ISWAP),
        Gate("DCNOT", entanglement.DCNOT),
        Gate("SWAP", entanglement.SWAP),
        Gate("sqrt SWAP", entanglement.unitary_power(entanglement.SWAP, 0.5)),
        Gate("sqrt iSWAP", entanglement.unitary_power(entanglement.ISWAP, 0.5)),
        Gate("local", np.kron(qsim.HADAMARD, qsim.RX(0.3))),
        Gate("exp(-.3i ZZ)", entanglement.canonical_gate(0, 0, 0.3)),
        Gate("exp(-.2i (XX+YY+ZZ))", entanglement.canonical_gate(0.2, 0.2, 0.2)),
        Gate("CNOT ring, 0,1:2,3", entanglement.across_cut(ring, [0, 1]), (4, 4)),
        Gate("CNOT ring, 0,2:1,3", entanglement.across_cut(ring, [0, 2]), (4, 4)),
        Gate("qubit-qutrit, up", entanglement.QUBIT_QUTRIT, (2, 3)),
        Gate("qubit-qutrit, down", entanglement.QUBIT_QUTRIT.T, (2, 3), (5, 5)),
    ]


def measure_gates(starts: int, seed: int) -> list[dict[str, Any]]:
    """Every row of the table of gates."""
    rows, progress = [], Progress()
    for k, gate in enumerate(named_gates()):
        progress.show(f"gates: {gate.name}")
        rows.append(measure_gate(gate, starts, np.random.default_rng([seed, 0, k])))
    progress.clear()
    return rows


def measure_gate(gate: Gate, starts: int, rng: np.random.Generator) -> dict[str, Any]:
    """Every number of one row; searches with few dimensions get three times the starts.

    "Down" is the power of the adjoint.
    """
    _, u, dims, ancillas = gate
    ancillas = ancillas or dims

    def search(inputs: str, sizes: tuple[int, int] | None) -> float:
        return entanglement.entangling_power(
            u, dims, ancillas=sizes, inputs=inputs, n_starts=3 * starts, rng=rng
        ).value

    interval = entanglement.entangling_power_bounds(
        u, dims, ancillas=ancillas, n_starts=starts, rng=rng
    )
    capacity = entanglement.log_negativity_capacity(u, dims)
    test = entanglement.maximality(u, dims)
    weyl = None
    if dims == (2, 2):
        weyl = (entanglement.weyl_coordinates(u) / PI_4).tolist()
    return {
        "name": gate.name,
        "dims": dims,
        "ancillas": ancillas,
        "K": entanglement.schmidt_strength(u, dims),
        "LN": capacity.value,
        "e_p": entanglement.mean_entangling_power(u, dims),
        "E_0_unassisted": search("product", (1, 1)),
        "E_0_assisted": search("product", ancillas),
        "E_unassisted": search("arbitrary", (1, 1)),
        "E_assisted": interval.lower,
        "certified": [interval.lower, interval.upper],
        "n_reached": interval.n_reached,
        "weyl_over_pi_4": weyl,
        "maximality_residual": test.residual,
        "is_maximal": test.is_maximal,
    }


def binary_entropy(p: NDArray) -> NDArray[np.float64]:
    """``h(p) = -p log2 p - (1 - p) log2 (1 - p)``, of any array of probabilities."""
    return _entropy(np.stack([p, 1 - p]))


def _entropy(p: NDArray) -> NDArray[np.float64]:
    """Shannon entropy, in bits, of the first axis."""
    logs = np.log2(p, out=np.zeros_like(p), where=p > 0)
    return -(p * logs).sum(axis=0)


def ising_lines(a: NDArray) -> dict[str, NDArray[np.float64]]:
    """Closed forms for ``exp(-i a ZZ)``, a from 0 to pi/4.

    ``E_up`` is the best of one family of inputs: proved from below only.
    """
    phi = np.linspace(0, np.pi / 2, 20001)[:, None]
    gain = binary_entropy(np.cos(phi + a) ** 2) - binary_entropy(np.cos(phi) ** 2)
    strength, capacity = binary_entropy(np.cos(a) ** 2), np.log2(1 + np.sin(2 * a))
    return {"K": strength, "E_0": strength, "E_up": gain.max(axis=0), "LN": capacity}


def heisenberg_lines(a: NDArray) -> dict[str, NDArray[np.float64]]:
    """Closed forms for ``exp(-i a (XX+YY+ZZ)) = e^(ia) (cos 2a - i sin 2a SWAP)``."""
    each = np.sin(2 * a) ** 2 / 4  # weight of XX, of YY and of ZZ
    p = np.stack([1 - 3 * each, each, each, each])
    return {
        "K": _entropy(p),
        "E_0_unassisted": binary_entropy(np.cos(2 * a) ** 2),
        "LN": 2 * np.log2(np.sqrt(p).sum(axis=0)),
    }


LINES = {
    "ising": (
        "exp(-i a ZZ): every line has a closed form",
        lambda a: entanglement.canonical_gate(0, 0, a),
        ising_lines,
    ),
    "heisenberg": (
        "exp(-i a (XX+YY+ZZ)), from the identity to SWAP",
        lambda a: entanglement.canonical_gate(a, a, a),
        heisenberg_lines,
    ),
}


def measure_lines(n_points: int, starts: int, seed: int) -> dict[str, Any]:
    """K, E_0, E_up and its upper bound along each line, beside the closed forms."""
    lines, progress = {}, Progress()
    angles = np.linspace(0, PI_4, n_points)
    for k, (line, (_, gate_at, closed)) in enumerate(LINES.items()):
        progress.show(f"sandwich: {line}")
        rng = np.random.default_rng([seed, 1, k])
        points = [measure_point(gate_at(a), starts, rng) for a in angles]
        columns = zip(*points, strict=True)
        lines[line] = {
            "a": angles.tolist(),
            "found": dict(zip(("K", "E_0", "E_up", "upper"), columns, strict=True)),
            "closed": {key: values.tolist() for key, values in closed(angles).items()},
        }
    progress.clear()
    return lines


def measure_point(
    gate: NDArray, starts: int, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """The strength, the two powers that are searched for, and the bound above them."""
    product = entanglement.entangling_power(
        gate, (2, 2), inputs="product", n_starts=3 * starts, rng=rng
    )
    power = entanglement.entangling_power_bounds(gate, (2, 2), n_starts=starts, rng=rng)
    strength = entanglement.schmidt_strength(gate, (2, 2))
    return strength, product.value, power.lower, power.upper


class Ensemble(NamedTuple):
    """Random circuits on 2+2 wires."""

    name: str
    rotation: str
    n_layers: int
    largest: float = 2 * np.pi
    inverse: bool = False

    def draw(self, rng: np.random.Generator) -> NDArray:
        """One matrix ``(16, 16)``; no rotation means Haar."""
        if not self.rotation:
            return entanglement.haar_unitary(16, rng)
        angles = rng.uniform(0, self.largest, (self.n_layers, 4))
        matrix = qsim.circuit_matrix(angles, self.rotation)
        return matrix.conj().T if self.inverse else matrix


RY_TURN, RY_UNIT = "RY, 2 layers, [0, 2 pi]", "RY, 2 layers, [0, 1]"
INVERSE_TURN, INVERSE_UNIT = f"inverse {RY_TURN}", f"inverse {RY_UNIT}"
RX_FLAT, HAAR = "RX, 2 layers, [0, 2 pi]", "Haar 16 x 16"
ENSEMBLES = [
    Ensemble(RY_TURN, "RY", 2),
    Ensemble(RY_UNIT, "RY", 2, 1.0),
    Ensemble(INVERSE_TURN, "RY", 2, inverse=True),
    Ensemble(INVERSE_UNIT, "RY", 2, 1.0, inverse=True),
    Ensemble("RY, 4 layers, [0, 2 pi]", "RY", 4),
    Ensemble(RX_FLAT, "RX", 2),
    Ensemble("RX, 4 layers, [0, 2 pi]", "RX", 4),
    Ensemble("RX, 1 layer, [0, 2 pi]", "RX", 1),
    Ensemble("RY, 1 layer, [0, 2 pi]", "RY", 1),
    Ensemble(HAAR, "", 0),
]


def measure_circuits(
    n_draws: int, starts: int, seed: int
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    """Both powers of random circuits, and of the qubit-qutrit gate."""
    draws: dict[str, list[dict[str, Any]]] = {}
    progress = Progress()
    for k, ensemble in enumerate(ENSEMBLES):
        rng = np.random.default_rng([seed, 2, k])
        draws[ensemble.name] = []
        for draw in range(n_draws):
            progress.show(f"circuits: {ensemble.name}, draw {draw + 1} of {n_draws}")
            pair = measure_pair(ensemble.draw(rng), (4, 4), starts, rng)
            draws[ensemble.name].append(pair)
    rng = np.random.default_rng([seed, 3])
    gate = measure_pair(entanglement.QUBIT_QUTRIT, (2, 3), starts, rng, (5, 5))
    progress.clear()
    return draws, gate


def measure_pair(
    unitary: NDArray,
    dims: tuple[int, int],
    starts: int,
    rng: np.random.Generator,
    down_ancillas: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Both powers of one unitary with their certified intervals, K and e_p."""
    up = entanglement.entangling_power_bounds(unitary, dims, n_starts=starts, rng=rng)
    down = entanglement.entangling_power_bounds(
        unitary.conj().T, dims, ancillas=down_ancillas, n_starts=starts, rng=rng
    )
    return {
        "K": entanglement.schmidt_strength(unitary, dims),
        "e_p": entanglement.mean_entangling_power(unitary, dims),
        "up": [up.lower, up.upper],
        "down": [down.lower, down.upper],
        "n_reached": [up.n_reached, down.n_reached],
    }


def summarize(draws: list[dict[str, Any]]) -> dict[str, Any]:
    """Means, ranges and counts of the draws of one ensemble."""
    up, down = ends(draws)
    difference = down[:, 0] - up[:, 0]
    return {
        "K": float(np.mean([draw["K"] for draw in draws])),
        "e_p": float(np.mean([draw["e_p"] for draw in draws])),
        "E_up": _spread(up[:, 0]),
        "E_down": _spread(down[:, 0]),
        "difference": _spread(difference),
        "width": float(np.mean([up[:, 1] - up[:, 0], down[:, 1] - down[:, 0]])),
        "down_over_up": int((difference > MARGIN).sum()),
        "up_over_down": int((difference < -MARGIN).sum()),
        "down_over_up_proved": int((down[:, 0] > up[:, 1] + MARGIN).sum()),
        "up_over_down_proved": int((up[:, 0] > down[:, 1] + MARGIN).sum()),
        "n_draws": len(draws),
    }


def ends(pairs: list[dict[str, Any]]) -> NDArray[np.float64]:
    """What was found and what is proved, of power up and down: ``(2, n, 2)``."""
    return np.array([[pair[key] for pair in pairs] for key in ("up", "down")])


def _spread(values: NDArray) -> dict[str, float]:
    """Mean, smallest and largest."""
    pairs = (("mean", values.mean()), ("min", values.min()), ("max", values.max()))
    return {name: float(value) for name, value in pairs}


def measure_map(n_points: int) -> dict[str, Any]:
    """K over the second layer's angles on wires 0 and 1, for RY and RX."""
    grid = np.linspace(0, 2 * np.pi, n_points)
    content: dict[str, Any] = {
        "angles": grid.tolist(),
        "axes": "K[rotation][i][j]: wire 1 has angles[i], wire 0 has angles[j]",
        "first_layer": [FIXED_ANGLE] * 4,
        "second_layer_wires_2_and_3": [FIXED_ANGLE] * 2,
        "K": {},
    }
    for rotation in ("RY", "RX"):
        angles = np.full((2, 4), FIXED_ANGLE)
        values = np.empty((n_points, n_points))
        for i, j in np.ndindex(values.shape):
            angles[1, :2] = grid[j], grid[i]
            circuit = qsim.circuit_matrix(angles, rotation)
            values[i, j] = entanglement.schmidt_strength(circuit, (4, 4))
        content["K"][rotation] = values.tolist()
    return content
