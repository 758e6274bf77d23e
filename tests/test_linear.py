"""Autoregression and ridge regression against closed forms."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import linalg, optimize

from qlstm.forecasting import make_windows
from qlstm.forecasting.baselines import Autoregression, Ridge
from qlstm.forecasting.baselines.linear import PENALTIES, Linear, fit_ridge


def fitted(forecaster, inputs, targets):
    """The forecaster after its fit, which draws no random numbers."""
    return forecaster.fit(inputs, targets, rng=np.random.default_rng(0))


def ar2(rng, n, noise):
    """``x_t = 0.3 + 1.2 x_{t-1} - 0.5 x_{t-2} + noise``, a stable process."""
    x = np.zeros(n)
    x[:2] = 1.0, 0.5
    for t in range(2, n):
        x[t] = 0.3 + 1.2 * x[t - 1] - 0.5 * x[t - 2] + noise * rng.normal()
    return x


def test_a_process_without_noise_is_recovered_exactly():
    windows = make_windows(ar2(np.random.default_rng(0), 40, 0.0), 6)
    model = fitted(Autoregression(p=2), *windows[:2])
    np.testing.assert_allclose(model.linear.weight[:, 0], [-0.5, 1.2], atol=1e-9)
    np.testing.assert_allclose(model.linear.bias, [0.3], atol=1e-9)
    np.testing.assert_allclose(model.predict(windows.inputs), windows.targets)


def test_a_noisy_process_is_recovered_nearly():
    windows = make_windows(ar2(np.random.default_rng(1), 20_000, 1.0), 5)
    model = fitted(Autoregression(), *windows[:2])
    expected = [0, 0, 0, -0.5, 1.2]  # oldest first; the error is 1 / sqrt(20 000)
    np.testing.assert_allclose(model.linear.weight[:, 0], expected, atol=0.03)


@pytest.mark.parametrize("p", [None, 3])
@pytest.mark.parametrize("n_features", [1, 2])
def test_least_squares_is_optimal(n_features, p):
    """Residuals are orthogonal to every regressor; any other model errs more."""
    rng = np.random.default_rng(2)
    inputs, targets = rng.normal(size=(50, 4, n_features)), rng.normal(size=50)
    model = fitted(Autoregression(p), inputs, targets)
    lags = p or 4
    assert model.n_params == lags * n_features + 1
    assert model.linear.weight.shape == (lags * n_features, 1)
    residuals = targets - model.predict(inputs)
    rows = inputs[:, 4 - lags :].reshape(50, -1)
    np.testing.assert_allclose(residuals @ rows, 0, atol=1e-12)
    assert residuals.sum() == pytest.approx(0, abs=1e-12)
    for _ in range(5):
        nudge = 0.1 * rng.normal(size=model.linear.weight.shape)
        other = Linear(model.linear.weight + nudge, model.linear.bias)
        worse = targets - replace(model, linear=other).predict(inputs)
        assert (worse**2).sum() > (residuals**2).sum()


def test_fewer_windows_than_coefficients_give_the_least_norm():
    rng = np.random.default_rng(3)
    inputs, targets = rng.normal(size=(3, 10, 1)), rng.normal(size=3)
    model = fitted(Autoregression(), inputs, targets)
    np.testing.assert_allclose(model.predict(inputs), targets)
    design = np.column_stack([inputs[:, :, 0], np.ones(3)])
    expected = np.linalg.pinv(design) @ targets
    found = np.append(model.linear.weight, model.linear.bias)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("forecaster", [Autoregression(p=3), Ridge(), Ridge(0.3)])
def test_leads_are_fitted_one_by_one(forecaster):
    """Direct forecasts: a column of targets gives what it gives alone."""
    rng = np.random.default_rng(4)
    inputs, targets = rng.normal(size=(40, 5, 2)), rng.normal(size=(40, 3))
    together = fitted(forecaster, inputs, targets)
    assert together.n_params == 3 * ((6 if forecaster == Autoregression(3) else 10) + 1)
    if forecaster == Ridge():  # leads share the penalty
        forecaster = Ridge(together.penalty)
    for k in range(3):
        alone = fitted(forecaster, inputs, targets[:, k])
        np.testing.assert_allclose(
            together.predict(inputs)[:, k], alone.predict(inputs), rtol=0, atol=1e-13
        )


def test_p_must_fit_into_the_window():
    text = "`p` must be at most the 4 steps of a window, but is 5"
    with pytest.raises(ValueError, match=text):
        fitted(Autoregression(p=5), np.ones((6, 4, 1)), np.ones(6))
    with pytest.raises(ValueError, match="`p` must be at least 1, but is 0"):
        Autoregression(p=0)
    with pytest.raises(TypeError, match="`p` must be an integer, but is True"):
        Autoregression(p=True)


def ridge_data(seed=5, n=30, n_outputs=2):
    """Features of very different size, and targets."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) * [1.0, 30.0, 0.01, 5.0] + [0.0, 100.0, 1.0, -7.0]
    return x, rng.normal(size=(n, n_outputs)) + 3.0


def standardized(x):
    """Columns of mean 0 and standard deviation 1."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


@pytest.mark.parametrize("penalty", [0.01, 1.0, 300.0])
def test_ridge_solves_the_normal_equations(penalty):
    x, y = ridge_data()
    linear, used = fit_ridge(x, y, penalty)
    assert used == penalty
    z = standardized(x)
    gram = z.T @ z + penalty * np.eye(4)
    weight = linalg.solve(gram, z.T @ (y - y.mean(axis=0)), assume_a="pos")
    expected = z @ weight + y.mean(axis=0)
    np.testing.assert_allclose(linear(x), expected, rtol=0, atol=1e-11)


def test_ridge_minimizes_its_objective():
    """SciPy's minimizer, with a constant of its own, finds nothing lower."""
    x, y = ridge_data(n_outputs=1)
    z = standardized(x)

    def objective(v):
        return ((y[:, 0] - z @ v[1:] - v[0]) ** 2).sum() + 2.5 * (v[1:] ** 2).sum()

    best = optimize.minimize(objective, np.zeros(5), tol=1e-12)
    linear, _ = fit_ridge(x, y, 2.5)
    np.testing.assert_allclose(linear(x)[:, 0], z @ best.x[1:] + best.x[0], atol=1e-5)


def test_no_penalty_is_least_squares_even_where_columns_repeat():
    x, y = ridge_data()
    x = np.column_stack([x, x[:, 0], np.full(len(x), 2.0)])
    design = np.column_stack([x, np.ones(len(x))])
    expected = design @ np.linalg.lstsq(design, y)[0]
    linear, _ = fit_ridge(x, y, 0.0)
    np.testing.assert_allclose(linear(x), expected, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(linear.weight[-1], 0)


def test_a_large_penalty_leaves_the_mean():
    x, y = ridge_data()
    predicted = fit_ridge(x, y, 1e12)[0](x)
    np.testing.assert_allclose(predicted, np.tile(y.mean(axis=0), (30, 1)), atol=1e-8)


def test_units_do_not_matter():
    x, y = ridge_data()
    plain, penalty = fit_ridge(x, y, None)
    moved, same = fit_ridge(3.0 * x + 40.0, 1.8 * y + 32.0, None)
    assert penalty == same
    np.testing.assert_allclose(moved(3.0 * x + 40.0), 1.8 * plain(x) + 32.0)


def left_out_error(z, y, penalty):
    """Squared error of fits that leave each row out in turn."""
    total = 0.0
    for k in range(len(z)):
        rows, goals = np.delete(z, k, axis=0), np.delete(y, k, axis=0)
        mean, level = rows.mean(axis=0), goals.mean(axis=0)
        gram = (rows - mean).T @ (rows - mean) + penalty * np.eye(z.shape[1])
        weight = np.linalg.solve(gram, (rows - mean).T @ (goals - level))
        total += (((z[k] - mean) @ weight + level - y[k]) ** 2).sum()
    return total


def test_the_penalty_has_the_least_error_left_out():
    """The formula equals fits without each row, the scale held fixed; few rows matter."""
    chosen = set()
    for seed in range(30):
        x, noise = ridge_data(seed, n=9)
        z = standardized(x)
        y = noise + z[:, :2]
        best = min(PENALTIES, key=partial(left_out_error, z, y))
        assert fit_ridge(x, y, None)[1] == best
        chosen.add(best)
    assert len(chosen) > 4


def test_the_forecaster_uses_the_whole_window():
    rng = np.random.default_rng(7)
    inputs, targets = rng.normal(size=(30, 3, 2)), rng.normal(size=30)
    model = fitted(Ridge(), inputs, targets)
    linear, penalty = fit_ridge(inputs.reshape(30, 6), targets[:, None], None)
    assert (model.penalty, model.n_params) == (penalty, 7)
    np.testing.assert_array_equal(
        model.predict(inputs), linear(inputs.reshape(30, 6))[:, 0]
    )


@pytest.mark.parametrize("penalty", [-1.0, np.inf, np.nan])
def test_a_penalty_is_a_number_that_can_be_used(penalty):
    text = f"`penalty` must be None, or finite and at least 0, but is {penalty}"
    with pytest.raises(ValueError, match=text):
        Ridge(penalty)


def test_one_window_chooses_no_penalty():
    inputs, targets = np.ones((1, 3, 1)), np.ones(1)
    with pytest.raises(ValueError, match="`penalty` must be given where there is one"):
        fitted(Ridge(), inputs, targets)
    assert fitted(Ridge(1.0), inputs, targets).predict(inputs) == [1.0]
