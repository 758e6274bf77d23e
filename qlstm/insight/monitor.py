"""Stub until the core's own monitor is merged: take the core's file instead."""

import numpy as np
from numpy.typing import NDArray

from qlstm.insight.trace import entanglement_means
from qlstm.params import QLSTMConfig, QLSTMParams


class EntanglementMonitor:
    """Entanglement in a step, for `fit`: ``monitor([params, ...]) -> [numbers, ...]``."""

    def __init__(
        self,
        inputs: NDArray,
        config: QLSTMConfig,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Keep what is measured on."""
        self.inputs, self.config, self.rng = inputs, config, rng

    def __call__(self, models: list[QLSTMParams]) -> list[dict[str, float]]:
        """S_en, S_out, K_en and K_dis of each model."""
        return [
            entanglement_means(params, self.inputs, self.config, self.rng)
            for params in models
        ]
