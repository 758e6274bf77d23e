"""The gates of a step, one by one, as the definition of a layer lists them.

They come from `qsim.layer_gates`. The kernels and Kraus operators that train have no
part in it, and must come to the same states.
"""

from typing import NamedTuple

from numpy.typing import NDArray

from qlstm.params import QLSTMConfig, QLSTMParams
from qlstm.upload import ENCODING_GATE
from qsim import layer_gates

STAGES = ("entangler", "disentangler")


class Gate(NamedTuple):
    """One gate of a step."""

    name: str
    """RX, RY or CNOT."""
    wires: tuple[int, ...]
    """Its wire, or for a CNOT control and target, counted from 0."""
    angle: float | None
    """The angle that is applied, in radians; None for a CNOT."""
    matrix: NDArray
    """``(2, 2)`` or ``(4, 4)``."""
    stage: str
    """One of `STAGES`."""
    layer: int
    """Layer of the stage, from 1, in the order in which layers are applied."""
    source: str
    """Where the angle comes from, ``"entangler"``, ``"disentangler"`` or ``"input"``;
    empty for a CNOT."""
    index: tuple[int, ...]
    """Its entry there, ``(row, wire)`` of the parameters, or ``(k,)`` of the input's
    angles."""
    sign: int
    """-1 if the parameter is applied with the other sign, as an inverse does."""


def step_gates(params: QLSTMParams, values: NDArray, config: QLSTMConfig) -> list[Gate]:
    """The gates of a step, in order.

    Args:
        params: The parameters of one model.
        values: The encoded input; its angles ``(2 * n_layers * n_system,)`` are gates
            with angle encoding, amplitudes are not.
        config: The configuration.

    Returns:
        The gates of U_en, then of U_dis.
    """
    order, gates, uploads = range(config.n_layers), [], iter(())
    if config.encoding == "angle":
        uploads = iter(values.reshape(-1, config.n_system))
    for stage in STAGES:
        rows = order if stage == "entangler" else order[::-1]
        for layer, row in enumerate(rows, start=1):
            index = (layer - 1) + (stage == "disentangler") * config.n_layers
            for angles in [next(uploads)] if config.encoding == "angle" else []:
                gates += _upload(angles, stage, layer, index, config)
            gates += _layer(getattr(params, stage)[row], stage, layer, row, config)
    return gates


def _upload(
    angles: NDArray, stage: str, layer: int, index: int, config: QLSTMConfig
) -> list[Gate]:
    """The rotations of the system wires that bring the input in, before a layer."""
    name, rotation = ENCODING_GATE[config.rotation]
    first = index * config.n_system
    return [
        Gate(name, (w,), float(t), rotation(t), stage, layer, "input", (first + w,), 1)
        for w, t in enumerate(angles)
    ]


def _layer(
    angles: NDArray, stage: str, layer: int, row: int, config: QLSTMConfig
) -> list[Gate]:
    """The rotations of a layer and its ring, or two rings; undone by an inverse."""
    registers, gates = [range(config.n_wires)], []
    if config.cut == "separate":
        registers = [range(config.n_system), range(config.n_system, config.n_wires)]
    for wires in registers:
        for name, matrix, on in layer_gates(angles[list(wires)], config.rotation):
            on = tuple(wires[w] for w in on)
            if len(on) == 1:
                angle, index = float(angles[on[0]]), (row, on[0])
                gate = Gate(name, on, angle, matrix, stage, layer, stage, index, 1)
            else:
                gate = Gate(name, on, None, matrix, stage, layer, "", (), 1)
            gates.append(gate)
    gates.sort(key=lambda gate: len(gate.wires))  # rotations first; rings commute
    if stage == "disentangler" and config.disentangler == "inverse":
        gates = [_undone(gate) for gate in reversed(gates)]
    return gates


def _undone(gate: Gate) -> Gate:
    """The gate that takes this one back."""
    if gate.angle is None:
        return gate
    return gate._replace(angle=-gate.angle, matrix=gate.matrix.conj().T, sign=-1)


def wire_name(wire: int, config: QLSTMConfig) -> str:
    """``s1``, ``s2``, ... of the system, ``a1``, ``a2``, ... of the ancilla."""
    if wire < config.n_system:
        return f"s{wire + 1}"
    return f"a{wire - config.n_system + 1}"


def wires_text(gate: Gate, config: QLSTMConfig) -> str:
    """A gate's wire, or control and target, such as ``s1 -> s2``."""
    return " -> ".join(wire_name(wire, config) for wire in gate.wires)


def gate_name(gate: Gate, config: QLSTMConfig) -> str:
    """A gate with its angle and its wires, such as ``RY(0.3000) on s1``."""
    wires = wires_text(gate, config)
    if gate.angle is None:
        return f"{gate.name} {wires}"
    return f"{gate.name}({round(gate.angle, 4) + 0.0:.4f}) on {wires}"
