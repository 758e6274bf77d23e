"""Small forecasters for tests of everything that takes one."""

import numpy as np

from qlstm.forecasting.baselines import Autoregression


class AR:
    """Least squares on a whole window; records what it was given."""

    n_params = 0

    def __init__(self):
        self.calls = []

    def fit(self, inputs, targets, *, rng, validation=None):
        """Fit and remember the data."""
        self.calls.append((inputs, targets, validation, rng))
        return Autoregression().fit(inputs, targets, rng=None)


class Joint:
    """Least squares for several steps at once."""

    def fit(self, inputs, targets, *, rng, validation=None):
        """Solve for a matrix."""
        fitted = Joint()
        fitted.weights = np.linalg.lstsq(self._design(inputs), targets)[0]
        return fitted

    def predict(self, inputs):
        """All steps: ``(n, horizon)``."""
        return self._design(inputs) @ self.weights

    @staticmethod
    def _design(inputs):
        return np.column_stack([inputs[:, :, 0], np.ones(len(inputs))])


class Persistence:
    """The last value seen."""

    def fit(self, inputs, targets, *, rng, validation=None):
        """Nothing to learn."""
        return self

    def predict(self, inputs):
        """Repeat it: ``(n, 1)``."""
        return inputs[:, -1]


class Noise:
    """A forecast that depends on the generator it was given."""

    def fit(self, inputs, targets, *, rng, validation=None):
        """Draw one number."""
        fitted = Noise()
        fitted.value = rng.normal()
        return fitted

    def predict(self, inputs):
        """That number."""
        return np.full(len(inputs), self.value)
