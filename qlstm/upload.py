"""The circuit of angle encoding: the input turns the system wires before every layer.

``K_i = <i|_sys L_2 E_2(x) ... L_1 E_1(x) |0>_sys`` with the entangling layers ``L`` and
the rotations ``E`` of the system wires, about another axis than the layers' own. Every
step has its own circuit, so there is no one matrix; its Kraus operators come from
pushing the memory's basis states through. Derivations: docs/gradients.md, section 4.

States are ``(n_models, n_steps * batch * d_a, dim)``: for each input, where each basis
state of the memory went.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qlstm.params import QLSTMConfig
from qsim import RX, RY
from qsim.gates import GENERATORS
from qsim.kernels import Kernel, layer_kernel

ENCODING_GATE = {"RX": ("RY", RY), "RY": ("RX", RX)}
"""The rotation that uploads, by the rotation of the layers: the other of the two."""


def upload_kraus(
    values: NDArray, angles: NDArray, config: QLSTMConfig
) -> tuple[NDArray, tuple[list[Kernel], NDArray]]:
    """Every step's Kraus operators.

    Args:
        values: Angles ``(n_steps, n_models, batch, 2 * n_layers * n_system)``.
        angles: The layers' angles, ``(n_models, 2 * n_layers, n_wires)``.
        config: The configuration.

    Returns:
        Kraus operators ``(n_steps, n_models, batch, d_s, d_a, d_a)``, and what the
        backward pass undoes: the layers, and the last states.
    """
    kernels = _kernels(angles, angles.shape[1], config)
    states = _push(values, kernels, config)
    return _as_kraus(states, values, config), (kernels, states)


def upload_kraus_backward(
    grad_kraus: NDArray,
    values: NDArray,
    angles: NDArray,
    built: tuple[list[Kernel], NDArray],
    config: QLSTMConfig,
) -> tuple[NDArray, NDArray]:
    """Undo layers and uploads; the columns of K are states.

    Args:
        grad_kraus: Gradient of the Kraus operators, in their shape.
        values: As in `upload_kraus`.
        angles: As in `upload_kraus`.
        built: What it returned.
        config: The configuration.

    Returns:
        Gradients of the layers' angles and of the uploads.
    """
    (kernels, states), (n_steps, n_models, batch, _) = built, values.shape
    n_layers, n_system, dim = angles.shape[1], config.n_system, 2**config.n_wires
    gates = _gates(values, n_layers, config)
    generators = _generators(config.rotation, n_system)
    grad = grad_kraus.swapaxes(0, 1).reshape(n_models, -1, dim, config.ancilla_dim)
    grad = grad.swapaxes(2, 3).reshape(states.shape)
    grad_angles = np.zeros(angles.shape)
    grad_values = np.zeros((n_models, n_steps * batch, n_layers, n_system))
    for layer in reversed(range(n_layers)):
        pair, turned = kernels[layer].forward_backward(states, grad)
        grad_angles[:, layer] = turned[:, 0]
        pair = _by_system(kernels[layer].leave(pair), config)
        states, grad = pair[:, : batch * n_steps], pair[:, batch * n_steps :]
        overlap = _system_rows(grad).conj() @ _system_rows(states).mT
        overlap = overlap.reshape(*overlap.shape[:2], -1)
        grad_values[:, :, layer] = (overlap @ generators).real
        undo = gates[:, :, layer].conj().swapaxes(2, 3)[:, :, None]
        states, grad = (
            (undo @ part).reshape(n_models, -1, dim) for part in (states, grad)
        )
    grad_values = grad_values.reshape(n_models, n_steps, batch, -1)
    return grad_angles, grad_values.swapaxes(0, 1)


def upload_entangler_kraus(
    values: NDArray, angles: NDArray, config: QLSTMConfig
) -> NDArray:
    """The same as the Kraus operators of `upload_kraus` after U_en alone."""
    kernels = _kernels(angles, config.n_layers, config)
    return _as_kraus(_push(values, kernels, config), values, config)


def _kernels(angles: NDArray, n_layers: int, config: QLSTMConfig) -> list[Kernel]:
    """The first layers, one by one."""
    layers = range(n_layers)
    return [layer_kernel(angles[:, n : n + 1], config.rotation) for n in layers]


def _push(values: NDArray, kernels: list[Kernel], config: QLSTMConfig) -> NDArray:
    """The states after these layers."""
    n_steps, n_models, batch, _ = values.shape
    d_a, dim = config.ancilla_dim, 2**config.n_wires
    states = np.zeros((n_models, n_steps * batch, d_a, dim))
    states[:, :, np.arange(d_a), np.arange(d_a)] = 1.0  # |0> (x) |j>
    gates = _gates(values, 2 * config.n_layers, config)
    for layer, kernel in enumerate(kernels):
        turned = gates[:, :, layer, None] @ _by_system(states, config)
        states = kernel.forward(turned.reshape(n_models, -1, dim))
    return states.reshape(n_models, -1, dim)


def _gates(values: NDArray, n_layers: int, config: QLSTMConfig) -> NDArray:
    """The uploads as matrices, ``(n_models, inputs, layers, d_s, d_s)``."""
    n_system = config.n_system
    _, gate = ENCODING_GATE[config.rotation]
    shape = (values.shape[1], -1, n_layers, n_system)
    turns = gate(values.swapaxes(0, 1).reshape(shape))
    product = turns[:, :, :, 0]
    for wire in range(1, n_system):
        product = product[..., :, None, :, None] * turns[..., wire, None, :, None, :]
        product = product.reshape(*turns.shape[:3], 2 ** (wire + 1), -1)
    return product


@cache
def _generators(rotation: str, n_system: int) -> NDArray:
    """The generator of each system wire's upload, one a column, ``(d_s d_s, n)``."""
    name, _ = ENCODING_GATE[rotation]
    each = [
        np.kron(
            np.kron(np.eye(2**w), GENERATORS[name]), np.eye(2 ** (n_system - 1 - w))
        )
        for w in range(n_system)
    ]
    return np.array(each).reshape(n_system, -1).T


def _system_rows(states: NDArray) -> NDArray:
    """What `_by_system` returned as ``(n_models, inputs, d_s, d_a d_a)``."""
    d_s = states.shape[3]
    return states.swapaxes(2, 3).reshape(*states.shape[:2], d_s, -1)


def _by_system(states: NDArray, config: QLSTMConfig) -> NDArray:
    """The states as ``(n_models, inputs, d_a, d_s, d_a)``."""
    d_s, d_a = config.system_dim, config.ancilla_dim
    return states.reshape(len(states), -1, d_a, d_s, d_a)


def _as_kraus(states: NDArray, values: NDArray, config: QLSTMConfig) -> NDArray:
    """Column j of K is where the memory's basis state j went."""
    n_steps, n_models, batch, _ = values.shape
    kraus = np.moveaxis(_by_system(states, config), 2, -1)
    return kraus.reshape(n_models, n_steps, batch, *kraus.shape[2:]).swapaxes(0, 1)
