"""The gates of a step in the order they are applied, taken from the engine's parts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qlstm.cell import circuit_angles
from qlstm.params import QLSTMConfig, QLSTMParams, param_shapes, stack_params
from qlstm.upload import ENCODING_GATE
from qsim.circuits import layer_gates


class Gate(NamedTuple):
    """One gate of the circuit."""

    name: str
    """``"RX"``, ``"RY"``, ``"RZ"`` or ``"CNOT"``."""
    wires: tuple[int, ...]
    """The wire that turns, or control and target."""
    angle: float | None = None
    """In radians; None for a CNOT and for a rotation by the input."""
    symbol: str = ""
    """The angle's name as a formula, without its dollars."""


class Layer(NamedTuple):
    """A layer, and which stage it belongs to."""

    stage: int
    """0 for U_en, 1 for U_dis."""
    rings: list[list[Gate]]
    """Gates in order; several lists act on different wires, side by side."""


def step_layers(config: QLSTMConfig, params: QLSTMParams | None = None) -> list[Layer]:
    """The layers of ``U_dis U_en``, in the order they are applied.

    Args:
        config: The configuration.
        params: Checked parameters; without them all angles are 0.

    Returns:
        ``2 * n_layers`` layers; those of an inverse disentangler are undone.
    """
    shape = param_shapes(config).entangler
    zeros = np.zeros((1, 2 * config.n_layers, config.n_wires))
    angles = zeros
    if params is not None:
        angles = circuit_angles(stack_params([params]), config)
    names = _names(shape, config)
    layers = []
    for row, (values, symbols) in enumerate(zip(angles[0], names, strict=True)):
        rings = _layer(values, symbols, config)
        if config.encoding == "angle":
            rings[0] = _uploads(row, config) + rings[0]
        layers.append(Layer(row // config.n_layers, rings))
    if config.disentangler == "inverse":
        first, second = layers[: config.n_layers], layers[config.n_layers :]
        layers = first + [_undone(layer) for layer in reversed(second)]
    return layers


def _names(shape: tuple[int, int], config: QLSTMConfig) -> list[list[str]]:
    """Names of the angles as `circuit_angles` orders them: it sorts numbers for us."""
    number = 1.0 + np.arange(2 * np.prod(shape)).reshape(2, *shape)
    blank = [np.zeros(s) for s in param_shapes(config)]
    blank[2:4] = number
    order = circuit_angles(stack_params([type(param_shapes(config))(*blank)]), config)[
        0
    ]
    names = []
    for row in order.astype(int) - 1:
        stage, layer, wire = np.unravel_index(row, (2, *shape))
        letters = np.where(stage, r"\delta", r"\varepsilon")
        names.append(
            [
                f"{letter}_{{{n + 1},{w}}}"
                for letter, n, w in zip(letters, layer, wire, strict=True)
            ]
        )
    return names


def _layer(values: NDArray, symbols: list[str], config: QLSTMConfig) -> list:
    """One ring over all wires, or one in each register."""
    n, wires = config.n_system, range(config.n_wires)
    parts = [wires[:n], wires[n:]] if config.cut == "separate" else [wires]
    rings = []
    for part in parts:
        gates = []
        for name, _, local in layer_gates(
            values[part.start : part.stop], config.rotation
        ):
            own = tuple(part[w] for w in local)
            turns = len(own) == 1
            angle = float(values[own[0]]) if turns else None
            gates.append(Gate(name, own, angle, symbols[own[0]] if turns else ""))
        rings.append(gates)
    return rings


def _uploads(row: int, config: QLSTMConfig) -> list[Gate]:
    """The input's rotations before a layer."""
    name, _ = ENCODING_GATE[config.rotation]
    first = row * config.n_system
    return [
        Gate(name, (w,), None, rf"\varphi_{{{first + w}}}")
        for w in range(config.n_system)
    ]


def _undone(layer: Layer) -> Layer:
    """The adjoint: gates from last to first, rotations the other way round."""
    rings = [
        [
            gate
            if gate.angle is None
            else gate._replace(angle=-gate.angle, symbol="-" + gate.symbol)
            for gate in reversed(ring)
        ]
        for ring in layer.rings
    ]
    return layer._replace(rings=rings)
