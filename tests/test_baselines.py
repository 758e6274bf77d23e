"""Persistence and autoregression."""

import numpy as np
import pytest

from qlstm import make_windows
from qlstm.baselines import Autoregression, fit_autoregression, persistence


def ar2(rng, n, noise):
    """``x_t = 0.3 + 1.2 x_{t-1} - 0.5 x_{t-2} + noise``, a stable process."""
    x = np.zeros(n)
    x[:2] = 1.0, 0.5
    for t in range(2, n):
        x[t] = 0.3 + 1.2 * x[t - 1] - 0.5 * x[t - 2] + noise * rng.normal()
    return x


def test_persistence_repeats_the_last_value():
    windows = make_windows(np.arange(20.0) ** 2, 4)
    np.testing.assert_array_equal(persistence(windows.inputs)[1:], windows.targets[:-1])


def test_persistence_takes_the_first_feature():
    inputs = np.arange(24.0).reshape(2, 4, 3)
    np.testing.assert_array_equal(persistence(inputs), [9, 21])


def test_a_process_without_noise_is_recovered_exactly():
    windows = make_windows(ar2(np.random.default_rng(0), 40, 0.0), 2)
    model = fit_autoregression(windows.inputs, windows.targets)
    np.testing.assert_allclose(model.coefficients, [-0.5, 1.2], atol=1e-9)
    assert model.intercept == pytest.approx(0.3, abs=1e-9)
    np.testing.assert_allclose(model.predict(windows.inputs), windows.targets)


def test_a_noisy_process_is_recovered_nearly():
    windows = make_windows(ar2(np.random.default_rng(1), 20_000, 1.0), 5)
    model = fit_autoregression(windows.inputs, windows.targets)
    expected = [0, 0, 0, -0.5, 1.2]  # oldest first; the error is 1 / sqrt(20 000)
    np.testing.assert_allclose(model.coefficients, expected, atol=0.03)


@pytest.mark.parametrize("n_features", [1, 2])
def test_least_squares_is_optimal(n_features):
    """Residuals are orthogonal to every regressor; any other model errs more."""
    rng = np.random.default_rng(2)
    inputs, targets = rng.normal(size=(50, 4, n_features)), rng.normal(size=50)
    model = fit_autoregression(inputs, targets)
    assert model.coefficients.shape == (4 * n_features,)
    residuals = targets - model.predict(inputs)
    np.testing.assert_allclose(residuals @ inputs.reshape(50, -1), 0, atol=1e-12)
    assert residuals.sum() == pytest.approx(0, abs=1e-12)
    for _ in range(5):
        nudge = rng.normal(size=4 * n_features)
        other = Autoregression(model.coefficients + 0.1 * nudge, model.intercept)
        worse = targets - other.predict(inputs)
        assert (worse**2).sum() > (residuals**2).sum()


def test_fewer_windows_than_coefficients_give_the_least_norm():
    rng = np.random.default_rng(3)
    inputs, targets = rng.normal(size=(3, 10, 1)), rng.normal(size=3)
    model = fit_autoregression(inputs, targets)
    np.testing.assert_allclose(model.predict(inputs), targets)
    design = np.column_stack([inputs[:, :, 0], np.ones(3)])
    expected = np.linalg.pinv(design) @ targets
    np.testing.assert_allclose([*model.coefficients, model.intercept], expected)
