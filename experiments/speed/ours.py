"""What this library does when it is timed: jobs, from public names alone."""

import numpy as np
from numpy.typing import NDArray

from experiments.speed.timing import Job
from qlstm import (
    QLSTMConfig,
    QLSTMParams,
    adam_init,
    adam_update,
    fit,
    fit_many,
    init_params,
    loss_and_grad,
)
from qsim import (
    entangling_layer,
    entangling_layers,
    expval_z,
    layers_expval_z,
    zero_state,
)

BATCH, N_STEPS = 5, 10
"""The paper's minibatch: sequences, and steps of each."""


def windows(n: int, n_steps: int = N_STEPS) -> tuple[NDArray, NDArray]:
    """Sequences ``(n, n_steps, 1)`` and targets ``(n,)``, the same at every call."""
    rng = np.random.default_rng(n)
    return rng.uniform(-1, 1, (n, n_steps, 1)), rng.uniform(-1, 1, n)


def starts(config: QLSTMConfig, n: int) -> list[QLSTMParams]:
    """Initial parameters of n models."""
    return [init_params(config, rng) for rng in np.random.default_rng(1).spawn(n)]


def minibatch(config: QLSTMConfig, batch: int = BATCH, n_steps: int = N_STEPS) -> Job:
    """Loss, gradient and Adam of one model on one minibatch."""
    inputs, targets = windows(batch, n_steps)
    params = starts(config, 1)[0]
    state = adam_init(params)

    def step() -> None:
        _, grads = loss_and_grad(params, inputs, targets, config)
        adam_update(params, grads, state)

    return step


def one_by_one(config: QLSTMConfig, n_models: int, n_batches: int) -> Job:
    """An epoch of `fit` for each of n models."""
    models, (inputs, targets) = starts(config, n_models), windows(BATCH * n_batches)
    options = {"epochs": 1, "batch_size": BATCH}

    def train() -> None:
        for params in models:
            rng = np.random.default_rng(0)
            fit(params, inputs, targets, config, rng=rng, **options)

    return train


def together(config: QLSTMConfig, n_models: int, n_batches: int) -> Job:
    """An epoch of `fit_many` for n models."""
    models, (inputs, targets) = starts(config, n_models), windows(BATCH * n_batches)
    options = {"epochs": 1, "batch_size": BATCH}

    def train() -> None:
        rngs = [np.random.default_rng(0) for _ in models]
        fit_many(models, inputs, targets, config, rngs=rngs, **options)

    return train


def value(angles: NDArray) -> NDArray:
    """``<Z>`` of wire 0 after layers of RX."""
    return expval_z(entangling_layers(zero_state(angles.shape[1]), angles), 0)


def value_by_gates(angles: NDArray) -> NDArray:
    """The same by the definition of a layer, one gate after the other."""
    state = zero_state(angles.shape[1])
    for row in angles:
        state = entangling_layer(state, row)
    return expval_z(state, 0)


def gradient(angles: NDArray) -> NDArray:
    """Its gradient, with the value, which comes in the same pass."""
    return layers_expval_z(angles, 0)[1]


# -- floors: the least that the same work takes ------------------------------------


def unit(repeats: int) -> Job:
    """Products ``(5, 16) @ (16, 16)``, complex: small, so one call of NumPy each."""
    left, right = complex_normal(BATCH, 16), complex_normal(16, 16)
    return lambda: [left @ right for _ in range(repeats)]


def products(config: QLSTMConfig, n_states: int, n_models: int = 1) -> Job:
    """Every state times the cell's matrix: forward, backward, the matrix's gradient."""
    dim = 2**config.n_wires
    states, matrix = complex_normal(n_models, n_states, dim), complex_normal(dim, dim)
    matrix = np.repeat(matrix[None], n_models, axis=0)
    if config.rotation == "RY":
        states, matrix = states.real.copy(), matrix.real.copy()
    across = states.swapaxes(1, 2)
    return lambda: (states @ matrix, states @ matrix, across @ states)


def passes(shape: tuple[int, ...], n: int, rotation: str = "RX") -> Job:
    """Copies of states, n times: each is read once and written once."""
    source = np.ones(shape, dtype=float if rotation == "RY" else complex)
    room = np.empty(source.size + 256, dtype=source.dtype)
    target = room[128:-128].reshape(shape)  # equal offsets in a page make copies slow

    def copy() -> None:
        for _ in range(n):
            np.copyto(target, source)

    return copy


def complex_normal(*shape: int) -> NDArray[np.complex128]:
    """Complex normal numbers, the same at every call."""
    rng = np.random.default_rng(0)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)
