"""The same model in JAX, by hand: loss, Adam, one call, a scan, many models at once.

It is imported only where JAX is installed (see `experiments.speed.peers`). The circuit
is one matrix an update, the steps are unrolled, and all numbers have 64 bits.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlstm import QLSTMConfig, QLSTMParams
from qsim import circuit_matrix

jax.config.update("jax_enable_x64", True)


class State(NamedTuple):
    """A model in training."""

    params: QLSTMParams
    first: QLSTMParams
    second: QLSTMParams
    step: jax.Array


def init(params: QLSTMParams) -> State:
    """A model before its first step."""
    params = jax.tree.map(jnp.asarray, params)
    zeros = jax.tree.map(jnp.zeros_like, params)
    return State(params, zeros, zeros, jnp.zeros((), int))


def layers(angles: jax.Array, rotation: str) -> jax.Array:
    """The matrix of entangling layers: Kronecker products, then the CNOTs as one
    permutation of the rows."""
    n_layers, n_wires = angles.shape
    c, s = jnp.cos(angles / 2), jnp.sin(angles / 2)
    low, high = (-1j * s, -1j * s) if rotation == "RX" else (-s, s)
    gates = jnp.stack([c + 0 * low, low, high, c + 0 * low], -1)
    gates = gates.reshape(n_layers, n_wires, 2, 2)
    rotations = gates[:, 0]
    for w in range(1, n_wires):
        gate = gates[:, w, None, :, None, :]
        rotations = rotations[:, :, None, :, None] * gate
        rotations = rotations.reshape(n_layers, 2 ** (w + 1), -1)
    cnots = circuit_matrix(np.zeros((1, n_wires)), "RY").argmax(axis=1)
    matrix, *rest = rotations[:, cnots]
    for layer in rest:
        matrix = layer @ matrix
    return matrix


def squared(z: jax.Array) -> jax.Array:
    """``|z|^2``, with a gradient at 0."""
    return z.real**2 + z.imag**2 if jnp.iscomplexobj(z) else z**2


def next_memory(branches: jax.Array, memory: str) -> jax.Array:
    """The rules `collapse` and `probabilities`."""
    if memory == "collapse":
        kept = squared(branches).sum(-1).argmax(-1)
        h = jnp.take_along_axis(branches, kept[:, None, None], 1)[:, 0]
    else:
        h = squared(branches).sum(1)
    return h / jnp.sqrt(squared(h).sum(-1, keepdims=True))


def loss(
    params: QLSTMParams, inputs: jax.Array, targets: jax.Array, config: QLSTMConfig
) -> jax.Array:
    """The mean squared error of the last step's ``<Z>``."""
    a = inputs @ params.proj_weight + params.proj_bias
    u = a / jnp.sqrt((a**2).sum(-1, keepdims=True))
    angles = jnp.concatenate([params.entangler, params.disentangler[::-1]])
    matrix = layers(angles, config.rotation).T
    batch, n_steps, _ = inputs.shape
    shape = (batch, config.system_dim, config.ancilla_dim)
    h = jnp.zeros((batch, config.ancilla_dim)).at[:, 0].set(1.0)
    for t in range(n_steps):
        psi = (u[:, t, :, None] * h[:, None, :]).reshape(batch, -1)
        branches = (psi @ matrix).reshape(shape)
        h = next_memory(branches, config.memory)  # the last one is optimized away
    signs = 1 - 2 * (np.arange(config.system_dim) % 2)
    y = squared(branches).sum(-1) @ signs
    return ((y - targets) ** 2).mean()


def update(
    state: State, data: tuple[jax.Array, jax.Array], config: QLSTMConfig
) -> tuple[State, jax.Array]:
    """Loss, gradient and Adam on one minibatch, as `qlstm.adam_update` has it."""
    value, grads = jax.value_and_grad(loss)(state.params, *data, config)
    k = state.step + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state.first, grads)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, state.second, grads)
    rate, scale = 0.01 / (1 - 0.9**k), 1 - 0.999**k
    params = jax.tree.map(
        lambda x, m, v: x - rate * m / (jnp.sqrt(v / scale) + 1e-8),
        state.params,
        first,
        second,
    )
    return State(params, first, second, k), value


def stepper(config: QLSTMConfig, many: bool = False) -> Callable:
    """A jitted call for one minibatch; with `many`, of a state that holds models."""
    step = partial(update, config=config)
    return jax.jit(jax.vmap(step, (0, None)) if many else step)


def scanner(config: QLSTMConfig, many: bool = False) -> Callable:
    """A jitted call for minibatches in a row, which have a first axis for them."""

    def scan(state: State, data: tuple[jax.Array, jax.Array]) -> tuple:
        return jax.lax.scan(partial(update, config=config), state, data)

    return jax.jit(jax.vmap(scan, (0, None)) if many else scan)
