"""Machines that are not trained, only read out: the cell, and echo state networks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.memory.controls.readout import state_variables
from qlstm import QLSTMConfig, init_params
from qlstm.insight import trace


def cell_states(
    series: NDArray, config: QLSTMConfig, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The memory of a cell with random angles along a series.

    Args:
        series: Inputs in [-1, 1], ``(n_steps,)``.
        config: The cell, with the rule `mixed`.
        rng: Source of the cell's parameters.

    Returns:
        `state_variables` of the memory after each step, ``(n_steps, n_features)``.
    """
    params = init_params(config, rng)
    return state_variables(trace(params, series[None, :, None], config).memory_after[0])


class EchoState(NamedTuple):
    """A network with random weights: ``h' = (1 - a) h + a tanh(W h + w x + b)``."""

    recurrent: NDArray[np.float64]
    """W, ``(n, n)``."""
    inputs: NDArray[np.float64]
    """w, ``(n,)``."""
    bias: NDArray[np.float64]
    """b, ``(n,)``."""
    leak: float
    """The share a of the state that is new."""

    def states(
        self, series: NDArray, first: NDArray | float = 0.0
    ) -> NDArray[np.float64]:
        """The state after each step, ``(..., n_steps, n)``.

        Args:
            series: Inputs ``(..., n_steps)``.
            first: The state before them, ``(n,)`` or one number for all nodes.
        """
        state = np.full((*series.shape[:-1], len(self.bias)), first, dtype=float)
        found = []
        for x in np.moveaxis(series, -1, 0):
            drive = state @ self.recurrent.T + x[..., None] * self.inputs + self.bias
            state = (1 - self.leak) * state + self.leak * np.tanh(drive)
            found.append(state)
        return np.stack(found, axis=-2)


def echo_state(
    n_nodes: int,
    rng: np.random.Generator,
    radius: float = 0.9,
    leak: float = 1.0,
    scale: float = 0.5,
) -> EchoState:
    """A network of usual size of weights; nothing in it is chosen by a result.

    Args:
        n_nodes: Nodes, and so features.
        rng: Source of the weights.
        radius: Spectral radius of W.
        leak: See `EchoState`.
        scale: Input weights and biases are uniform in ``[-scale, scale)``.

    Returns:
        An `EchoState`.

    References:
        Jaeger, "The echo state approach", GMD report 148 (2001).
    """
    recurrent = rng.normal(size=(n_nodes, n_nodes))
    recurrent *= radius / np.abs(np.linalg.eigvals(recurrent)).max()
    inputs, bias = rng.uniform(-scale, scale, (2, n_nodes))
    return EchoState(recurrent, inputs, bias, leak)
