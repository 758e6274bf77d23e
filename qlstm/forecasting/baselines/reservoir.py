"""A quantum cell that is never trained, with a linear readout that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qlstm.checks import check_rng, check_size
from qlstm.forecasting.base import Fitted, OfCell
from qlstm.forecasting.baselines.linear import Linear, check_penalty, fit_ridge
from qlstm.forecasting.examples import Examples
from qlstm.insight.trace import trace
from qlstm.params import CHUNK, QLSTMConfig, QLSTMParams, init_params


@dataclass(frozen=True, eq=False)
class FittedReservoir(Fitted):
    """A random cell and the readout fitted to it, which has the trained numbers."""

    params: QLSTMParams
    """Of the cell, as they were drawn."""
    config: QLSTMConfig
    readout: Linear
    """From the probabilities of the last steps."""
    steps: int
    """Steps that are read out."""
    penalty: float
    """Ridge penalty that was used."""
    draw_seed: int
    """Seed of the draws of the rule `sampled`; no other uses it."""

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Forecast checked windows: ``(n, n_outputs)``."""
        rng = np.random.default_rng(self.draw_seed)
        return self.readout(
            reservoir_features(self.params, inputs, self.config, self.steps, rng)
        )


@dataclass(frozen=True)
class Reservoir(OfCell):
    """The quantum cell with its initial parameters, and a ridge on what it shows.

    The features are the probabilities of all outcomes of all wires at the last steps:
    what hardware measures, in one basis.

    Args:
        config: The cell; one feature, the default, stands for as many as there are.
        penalty: As in `Ridge`.
        readout_steps: Steps that are read out, the last ones.

    Raises:
        TypeError: If `readout_steps` is not an integer.
        ValueError: If it is not positive, or the penalty cannot be used.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.uniform(-1, 1, (50, 5, 1))
        >>> model = Reservoir(QLSTMConfig(memory="probabilities"))
        >>> fitted = model.fit(inputs, inputs[:, -1, 0], rng=rng)
        >>> errors = fitted.predict(inputs) - inputs[:, -1, 0]
        >>> fitted.n_params, bool(errors.std() < 0.2)
        (17, True)
    """

    penalty: float | None = None
    readout_steps: int = 1

    def __post_init__(self) -> None:
        check_penalty(self.penalty)
        check_size("readout_steps", self.readout_steps)

    def _fit(
        self, examples: Examples, rng: np.random.Generator, validation: Examples | None
    ) -> FittedReservoir:
        """Draw the cell that the quantum model starts from, and fit the readout."""
        check_rng(rng)
        layout, steps = examples.layout, self.readout_steps
        if steps > layout.n_steps:
            raise ValueError(
                f"Argument `readout_steps` must be at most the {layout.n_steps} steps "
                f"of a window, but is {steps}."
            )
        init_rng, draw_rng = rng.spawn(2)
        config = self._config(layout)
        params = init_params(config, init_rng)
        seed = int(draw_rng.integers(2**63))
        draws = np.random.default_rng(seed)
        features = reservoir_features(params, examples.inputs, config, steps, draws)
        readout, penalty = fit_ridge(features, examples.targets, self.penalty)
        return FittedReservoir(
            layout, readout.n_params, params, config, readout, steps, penalty, seed
        )


def reservoir_features(
    params: QLSTMParams,
    inputs: NDArray,
    config: QLSTMConfig,
    steps: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Outcome probabilities of all wires at the last steps, oldest first.

    Args:
        params: The cell's parameters.
        inputs: Windows ``(n, n_steps, n_features)``.
        config: The cell's configuration.
        steps: Steps to show.
        rng: Source of the draws of `sampled`.

    Returns:
        float64 array ``(n, steps * 2**n_wires)``; each step's add up to 1.
    """
    chunks = []
    for first in range(0, len(inputs), CHUNK):
        ledger = trace(params, inputs[first : first + CHUNK], config, rng=rng)
        states = ledger.state_out[:, -steps:]
        if config.memory == "mixed":
            p = np.diagonal(states, axis1=-2, axis2=-1).real
        else:
            p = np.abs(states) ** 2
        chunks.append(p.reshape(len(p), -1))
    return np.concatenate(chunks)
