"""Split conformal intervals: ranks by hand, coverage by simulation."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from qlstm.forecasting import (
    SINE_PROTOCOLS,
    conformal_intervals,
    coverage,
    noisy_sine,
    prepare,
)
from qlstm.forecasting.baselines import Autoregression
from qlstm.forecasting.conformal import KINDS, Intervals, _quantile


@pytest.mark.parametrize(
    "n, alpha, rank",
    [
        (9, 0.1, 9),
        (10, 0.1, 10),
        (19, 0.1, 18),
        (99, 0.1, 90),
        (4, 0.2, 4),
        (5, 0.5, 3),
    ],
)
def test_the_rank_by_hand(n, alpha, rank):
    shuffled = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    assert _quantile(shuffled, alpha) == rank


@pytest.mark.parametrize("n", range(9, 60))
def test_the_rank_is_the_smallest_that_holds(n):
    """k of n + 1 exchangeable values: the new one is under the k-th with k/(n+1)."""
    rank = _quantile(np.arange(1.0, n + 1), 0.1)
    assert rank / (n + 1) >= 0.9 - 1e-12 > (rank - 1) / (n + 1)


def test_symmetric_and_asymmetric_by_hand():
    residuals = [-1.0, 3.0, 0.5]
    found = conformal_intervals([10.0, 20.0], residuals, alpha=0.5)
    np.testing.assert_array_equal(found.lower, [9.0, 19.0])
    np.testing.assert_array_equal(found.upper, [11.0, 21.0])
    assert found[2:] == (0.5, 3)
    found = conformal_intervals([10.0], residuals, alpha=0.5, kind="asymmetric")
    assert (found.lower, found.upper) == (9.0, 13.0)


def test_asymmetric_bounds_may_both_lie_above():
    found = conformal_intervals([0.0], np.arange(1.0, 101), kind="asymmetric")
    assert (found.lower, found.upper) == (5, 96)


@pytest.mark.parametrize("kind", KINDS)
def test_coverage_on_exchangeable_data(kind):
    rng = np.random.default_rng(0)
    n, m, runs = 50, 20, 600
    share = np.empty(runs)
    for k in range(runs):
        draws = rng.exponential(size=n + m) - 0.3
        new = draws[n:]
        intervals = conformal_intervals(np.zeros(m), draws[:n], kind=kind)
        share[k] = np.mean((intervals.lower <= new) & (new <= intervals.upper))
        if k < 10:  # its range of chance takes long, and is the same for all
            found = coverage(intervals, new)
            assert found.share == share[k]
    rank = (
        46 if kind == "symmetric" else 47
    )  # ceil(51 * 0.9), 51 - 2 (51 - ceil(48.45))
    exact = rank / (n + 1)
    spread = stats.betabinom(m, rank, n + 1 - rank).std() / m
    assert abs(share.mean() - exact) < 4 * spread / np.sqrt(runs)
    assert np.mean((found.low <= share) & (share <= found.high)) > 0.93
    if kind == "symmetric":
        assert share.std() == pytest.approx(spread, rel=0.06)


def test_noisy_sine_of_two_thousand_points():
    protocol = dataclasses.replace(
        SINE_PROTOCOLS["strict"], train_share=0.3, val_share=0.35
    )
    shares, within = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = prepare(noisy_sine(protocol, rng, n_points=2000), protocol, rng)
        model = Autoregression().fit(data.train.inputs, data.train.targets, rng=None)
        residuals = data.validation.targets - model.predict(data.validation.inputs)
        intervals = conformal_intervals(model.predict(data.test.inputs), residuals)
        found = coverage(intervals, data.test.targets)
        shares.append(found.share)
        within.append(found.low <= found.share <= found.high)
        assert 0.33 < found.mean_width < 0.43  # 2 * 1.645 sigma, and a little
    assert 0.89 < np.mean(shares) < 0.91
    assert np.mean(np.abs(np.array(shares) - 0.9) < 0.03) > 0.8
    assert np.mean(within) > 0.85
    assert 0.87 < shares[0] < 0.93


def test_coverage_by_hand():
    intervals = Intervals(np.array([0.0, 0.0]), np.array([1.0, 3.0]), 0.1, 19)
    found = coverage(intervals, [1.0, -0.1])
    assert (found.share, found.mean_width, found.n) == (0.5, 2.0, 2)
    # the number inside is beta-binomial(2, 18, 2): P(0) = 1/70, P(1) = 12/70
    assert (found.low, found.high) == (0.5, 1.0)


def test_the_range_of_chance_by_counting():
    """Inside: new values below the k-th of n, all orders being equally likely."""
    n, m, k = 9, 20, 9
    ways = [math.comb(k - 1 + j, j) * math.comb(n - k + m - j, m - j) for j in range(m)]
    ways.append(math.comb(k - 1 + m, m))
    below = np.cumsum(ways) / math.comb(n + m, m)
    assert below[-1] == pytest.approx(1)
    found = coverage(conformal_intervals(np.zeros(m), np.ones(n)), np.zeros(m))
    assert found.low == np.argmax(below >= 0.025) / m == 0.6
    assert found.high == np.argmax(below >= 0.975) / m == 1


@pytest.mark.parametrize("alpha", [0, 1, -0.5, np.nan])
def test_alpha_is_a_share(alpha):
    with pytest.raises(ValueError, match="`alpha` must be between 0 and 1, but is"):
        conformal_intervals([0.0], [1.0], alpha=alpha)


def test_too_few_residuals():
    with pytest.raises(
        ValueError, match="at least 9 values for a tail of 0.1, but hol"
    ):
        conformal_intervals([0.0], np.ones(8))
    conformal_intervals([0.0], np.ones(9))
    with pytest.raises(ValueError, match="at least 19 values for a tail of 0.05, but "):
        conformal_intervals([0.0], np.ones(18), kind="asymmetric")
    conformal_intervals([0.0], np.ones(19), kind="asymmetric")


def test_what_is_refused():
    with pytest.raises(ValueError, match="`kind` must be one of symmetric, asymmetric"):
        conformal_intervals([0.0], np.ones(9), kind="other")
    for residuals in (np.ones((3, 3)), [np.nan] * 10):
        with pytest.raises(ValueError, match="`residuals` must be (one-dim|finite)"):
            conformal_intervals([0.0], residuals)
    intervals = conformal_intervals([0.0], np.ones(9))
    for targets in ([], [1.0, 2.0]):
        with pytest.raises(ValueError, match="have the intervals' shape"):
            coverage(intervals, targets)
    with pytest.raises(ValueError, match="`targets` must be finite"):
        coverage(intervals, [np.nan])


def test_nothing_has_to_lie_inside():
    found = conformal_intervals([0.0], [1, 2, 3, 400], alpha=1 - 1e-10)
    assert (found.lower, found.upper) == (0, 0)
    assert coverage(found, [1.0]) == (0, 0, 1, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_share_asks_for_too_much(kind):
    with pytest.raises(ValueError, match="`residuals` must hold at least 4.49.*e.307"):
        conformal_intervals([0.0], [1.0, 2.0], alpha=5e-324, kind=kind)


def test_intervals_of_numbers_that_are_none():
    masked = np.ma.masked_equal([1.0, 2.0, 3.0], 2.0)
    good = conformal_intervals([1, 2, 3], np.arange(9), alpha=0.5)
    for call in (
        lambda: conformal_intervals(masked, np.ones(9), alpha=0.5),
        lambda: conformal_intervals([0.0], masked, alpha=0.5),
        lambda: coverage(good, masked),
        lambda: coverage(good._replace(lower=masked), [1, 2, 3]),
    ):
        with pytest.raises(
            ValueError, match="must be finite, but sample 1 holds a mas"
        ):
            call()
    with pytest.raises(ValueError, match="`predictions` must be finite"):
        conformal_intervals([np.nan], np.ones(9), alpha=0.5)
    with pytest.raises(TypeError, match="`alpha` must be an array of real numbers"):
        conformal_intervals([0.0], np.ones(9), alpha=0.5j)
