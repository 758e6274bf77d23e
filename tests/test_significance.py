"""Tests of significance: SciPy, a plain second implementation, and their size."""

import numpy as np
import pytest
from scipy import signal, stats

from qlstm.forecasting import (
    diebold_mariano,
    paired_wilcoxon,
    summarize_seeds,
    two_one_sided_tests,
)
from qlstm.forecasting.significance import holm, loss_statistic, quartiles


def plain_diebold_mariano(d, n_lags):
    """The statistic once more, sum by sum."""
    n, h = len(d), n_lags + 1
    mean = sum(d) / n
    total = 0.0
    for s in range(n):
        for t in range(n):
            if abs(s - t) <= n_lags:
                total += (1 - abs(s - t) / h) * (d[s] - mean) * (d[t] - mean)
    variance_of_mean = total / n**2
    factor = (n + 1 - 2 * h + h * (h - 1) / n) / n
    return mean / variance_of_mean**0.5 * factor**0.5


def moving_average(rng, n, order):
    """Noise that correlates over `order` steps."""
    noise = rng.normal(size=n + order)
    return np.convolve(noise, np.ones(order + 1), "valid")


# Diebold and Mariano


@pytest.mark.parametrize("horizon", [1, 2, 5])
@pytest.mark.parametrize("n_lags", [None, 0, 1, 7])
def test_agrees_with_a_plain_implementation(horizon, n_lags):
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 40)) ** 2
    found = diebold_mariano(first, second, horizon=horizon, n_lags=n_lags)
    lags = max(horizon - 1, 3) if n_lags is None else n_lags  # 4 (0.4)^(2/9) = 3.26
    assert (found.n, found.n_lags) == (40, lags)
    wanted = plain_diebold_mariano(first - second, lags)
    assert found.statistic == pytest.approx(wanted, rel=1e-12)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(wanted), 39))
    assert found.mean_difference == pytest.approx(first.mean() - second.mean())


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_without_lags_it_is_the_paired_t_test(alternative):
    rng = np.random.default_rng(1)
    first, second = rng.exponential(size=(2, 25))
    found = diebold_mariano(first, second, n_lags=0, alternative=alternative)
    wanted = stats.ttest_rel(first, second, alternative=alternative)
    assert found.statistic == pytest.approx(wanted.statistic, rel=1e-12)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-12)


def test_changing_sides_changes_the_sign():
    rng = np.random.default_rng(0)
    first, second = rng.exponential(size=(2, 60))
    there, back = diebold_mariano(first, second), diebold_mariano(second, first)
    assert there.statistic == -back.statistic and there.p_value == back.p_value
    less = diebold_mariano(first, second, alternative="less").p_value
    greater = diebold_mariano(first, second, alternative="greater").p_value
    assert less + greater == pytest.approx(1)
    assert there.p_value == pytest.approx(2 * min(less, greater))


def rejections(draw, count=2000, **options):
    """Share of series between equal forecasts that the 5 % level rejects.

    All at once, and the first of them by the public function, too.
    """
    rng = np.random.default_rng(0)
    series = np.array([draw(rng) for _ in range(count)])
    n = series.shape[1]
    one_by_one = [diebold_mariano(d, np.zeros(n), **options) for d in series[:20]]
    statistics = loss_statistic(series, one_by_one[0].n_lags)
    p = 2 * stats.t.sf(np.abs(statistics), n - 1)
    found = [test.p_value for test in one_by_one]
    np.testing.assert_allclose(p[:20], found, rtol=1e-9)
    return np.mean(p < 0.05)


@pytest.mark.parametrize("n", [20, 100])
def test_its_size_is_five_percent_on_independent_losses(n):
    share = rejections(lambda rng: rng.normal(size=n))
    assert abs(share - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_its_size_on_dependent_losses():
    def ar1(rng, rho=0.5):
        d = rng.normal(size=200)
        d[0] /= np.sqrt(1 - rho**2)
        return signal.lfilter([1], [1, -rho], d)

    assert rejections(ar1, n_lags=0) > 0.2  # what a paired t test would do
    short = rejections(ar1)
    assert 0.05 < short < 0.12  # Newey-West, short of lags: still liberal
    assert rejections(ar1, n_lags=14) < short


def test_a_long_horizon_needs_lags():
    def draw(rng):
        return moving_average(rng, 200, order=5)

    assert rejections(draw, n_lags=0) > 0.3
    assert rejections(draw, horizon=6) < 0.15


def test_it_finds_a_better_forecast():
    rng = np.random.default_rng(0)
    better = [
        diebold_mariano(
            rng.normal(size=50) ** 2, rng.normal(0, 2, 50) ** 2, alternative="less"
        ).p_value
        for _ in range(200)
    ]
    assert np.mean(np.array(better) < 0.05) > 0.9


def test_equal_losses_are_no_evidence():
    losses = np.random.default_rng(0).exponential(size=30)
    for other in (losses, losses * (1 + 1e-15), losses + 1e-14):
        found = diebold_mariano(losses, other, alternative="less")
        assert (found.statistic, found.p_value) == (0, 1)
    assert diebold_mariano(np.zeros(9), np.zeros(9)).p_value == 1


def test_a_constant_difference_is_certain():
    found = diebold_mariano(np.zeros(10), np.ones(10), alternative="less")
    assert (found.statistic, found.p_value) == (-np.inf, 0)


@pytest.mark.parametrize("n, lags", [(2, 0), (4, 1), (18, 2), (100, 4), (1000, 6)])
def test_lags_grow_slowly_with_the_series(n, lags):
    rng = np.random.default_rng(0)
    assert diebold_mariano(*rng.normal(size=(2, n))).n_lags == lags


# Wilcoxon


@pytest.mark.parametrize("n", [4, 12, 60])
def test_wilcoxon_is_scipys(n):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(2, n))
    found, wanted = paired_wilcoxon(a, b), stats.wilcoxon(a, b)
    assert (found.statistic, found.p_value) == (wanted.statistic, wanted.pvalue)
    assert found.median_difference == np.median(a - b)
    assert (found.n, found.smallest_p) == (n, 2 / 2**n)


@pytest.mark.parametrize("n", [1, 3, 5, 10])
def test_the_smallest_p_is_that_of_one_sign(n):
    found = paired_wilcoxon(np.arange(1.0, n + 1), np.zeros(n))
    assert found.p_value == pytest.approx(found.smallest_p, rel=1e-12)
    assert found.p_value >= 0.05 or n > 5


def test_equal_seeds_are_no_evidence():
    assert paired_wilcoxon([1.0, 2.0], [1.0, 2.0]) == (0, 1, 0, 2, 0.5)


# The table of seeds


def test_summary_by_hand():
    table = {
        "ours": [4.0, 1.0, 3.0, 2.0, 5.0],
        "base": [5.0, 3.0, 6.0, 6.0, 10.0],
    }
    ours, base = summarize_seeds(table, "base")
    assert ours[:6] == ("ours", 5, 3.0, 2.0, 4.0, -3.0)
    assert ours.p_value == ours.p_holm == 0.0625
    assert base[:6] == ("base", 5, 6.0, 5.0, 6.0, 0.0)
    assert np.isnan(base.p_value) and np.isnan(base.p_holm)


def test_the_difference_is_the_median_of_pairs():
    rows = summarize_seeds({"a": [1.0, 5.0, 9.0], "b": [2.0, 1.0, 12.0]}, "b")
    assert rows[0].difference == -1.0  # of -1, 4, -3; the medians differ by 3


def test_holm_by_hand():
    found = holm(np.array([0.04, np.nan, 0.01, 0.03, 0.9]))
    np.testing.assert_allclose(found, [0.09, np.nan, 0.04, 0.09, 0.9])
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]


def test_many_models_are_corrected_for():
    rng = np.random.default_rng(0)
    base = rng.normal(size=12)
    table = {f"model {k}": base + rng.normal(-0.5, 1, 12) for k in range(5)}
    rows = summarize_seeds(table | {"base": base}, "base")[:-1]
    p = np.array([row.p_value for row in rows])
    corrected = np.array([row.p_holm for row in rows])
    assert corrected[p.argmin()] == pytest.approx(min(1, 5 * p.min()))
    assert (corrected >= p).all() and (np.diff(corrected[p.argsort()]) >= 0).all()


# Errors


@pytest.mark.parametrize("function", [diebold_mariano, paired_wilcoxon])
@pytest.mark.parametrize("a, b", [([1.0], [1.0, 2.0]), ([], []), ([[1.0]], [[1.0]])])
def test_pairs_must_match(function, a, b):
    with pytest.raises(ValueError, match="must be series of one length and not empty"):
        function(a, b)


@pytest.mark.parametrize("function", [diebold_mariano, paired_wilcoxon])
def test_pairs_must_be_finite(function):
    for a, b in (([np.nan, 1.0], [1.0, 2.0]), ([1.0, 2.0], [np.inf, 1.0])):
        with pytest.raises(ValueError, match="must be finite"):
            function(a, b)


def test_what_diebold_mariano_refuses():
    a, b = np.zeros(5), np.ones(5)
    with pytest.raises(ValueError, match="`losses` must hold at least 6 values for 2 "):
        diebold_mariano(a, b, horizon=3)
    with pytest.raises(ValueError, match="`alternative` must be one of two-sided, les"):
        diebold_mariano(a, b, alternative="more")
    with pytest.raises(ValueError, match="`horizon` must be at least 1, but is 0"):
        diebold_mariano(a, b, horizon=0)
    with pytest.raises(ValueError, match=r"`n_lags \+ 1` must be at least 1, but is 0"):
        diebold_mariano(a, b, n_lags=-1)
    with pytest.raises(
        TypeError, match=r"`n_lags \+ 1` must be an integer, but is 2.5"
    ):
        diebold_mariano(a, b, n_lags=1.5)


def test_what_the_summary_refuses():
    with pytest.raises(ValueError, match="`reference` must be one of a, but is 'b'"):
        summarize_seeds({"a": [1.0]}, "b")
    with pytest.raises(ValueError, match=r"`table\['b'\]` and `reference` must be ser"):
        summarize_seeds({"a": [1.0], "b": [1.0, 2.0]}, "a")


def test_pairs_equal_up_to_rounding_do_not_differ():
    a = np.random.default_rng(0).normal(size=20)
    for factor in (1 + 2.2e-16, 1 - 1e-15):
        found = paired_wilcoxon(a * factor, a)
        assert found.p_value == 1 and found.median_difference == 0
    assert paired_wilcoxon(a * a * (1 + 1e-9), a * a).p_value < 1e-5


def test_equal_pairs_take_no_part_in_the_smallest_p():
    found = paired_wilcoxon([1, 2, 3, 4, 5, 6, 7], [1, 2, 0, 0, 0, 0, 0])
    assert (found.p_value, found.smallest_p, found.n) == (0.0625, 0.0625, 7)
    tied = paired_wilcoxon(np.ones(6), np.zeros(6))
    assert tied.p_value >= tied.smallest_p == 2 / 2**6


@pytest.mark.parametrize("power", [-1000, -650, 650, 1000])
def test_diebold_mariano_has_no_scale(power):
    first, second = np.random.default_rng(0).normal(size=(2, 40)) ** 2
    wanted = diebold_mariano(first, second)
    found = diebold_mariano(np.ldexp(first, power), np.ldexp(second, power))
    assert found[:2] == pytest.approx(wanted[:2], rel=1e-9)
    assert found.mean_difference == np.ldexp(wanted.mean_difference, power)


def test_a_masked_seed_is_refused():
    masked = np.ma.masked_equal([1.0, 2.0, 3.0, 4.0], 2.0)
    for function in (diebold_mariano, paired_wilcoxon):
        with pytest.raises(ValueError, match="sample 1 holds a masked entry"):
            function(masked, np.zeros(4))
    with pytest.raises(ValueError, match="`values` .* sample 1 holds a masked entry"):
        quartiles(masked)
    with pytest.raises(ValueError, match="`values - reference` must be finite"):
        paired_wilcoxon([1.7e308], [-1.7e308])


def test_what_quartiles_and_holm_refuse():
    with pytest.raises(ValueError, match="`values` must not be empty"):
        quartiles([])
    with pytest.raises(TypeError, match="`values` must be an array of real numbers"):
        quartiles(["1"])
    for bad in ([0.1, 2.0], [-0.1], [[0.1]], [np.inf]):
        with pytest.raises(
            ValueError, match="`p_values` must be a series of numbers b"
        ):
            holm(bad)
    with pytest.raises(TypeError, match="`p_values` must be an array of real numbers"):
        holm([1j])


# Equivalence


@pytest.mark.parametrize("margin", [0.05, 0.3, 2.0])
def test_two_one_sided_tests_are_scipys(margin):
    rng = np.random.default_rng(0)
    ours = rng.normal(size=30)
    theirs = ours + rng.normal(0.1, 0.5, 30)
    found = two_one_sided_tests(ours, theirs, margin, level=0.1)
    lower = stats.ttest_rel(ours, theirs - margin, alternative="greater")
    upper = stats.ttest_rel(ours, theirs + margin, alternative="less")
    wanted = [max(lower.pvalue, upper.pvalue), lower.pvalue, upper.pvalue]
    np.testing.assert_allclose(found[:3], wanted, rtol=1e-9)
    interval = stats.ttest_rel(ours, theirs).confidence_interval(0.8)
    np.testing.assert_allclose([found.low, found.high], interval, rtol=1e-9)
    assert found.mean_difference == pytest.approx(np.mean(ours - theirs))
    inside = -margin < found.low and found.high < margin
    assert found.is_equivalent == inside == (margin > 0.3)
    assert found[-3:] == (30, margin, 0.1)


def test_its_size_at_the_margin_is_the_level():
    """True difference at the edge: equivalence is claimed in 5 % of cases, not more."""
    rng = np.random.default_rng(0)
    claims = [
        two_one_sided_tests(rng.normal(1, 1, 40), np.zeros(40), 1.0).is_equivalent
        for _ in range(2000)
    ]
    assert abs(np.mean(claims) - 0.05) < 0.015


def test_no_evidence_of_a_difference_is_none_of_equivalence():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=8)
    assert paired_wilcoxon(noise, np.zeros(8)).p_value > 0.1
    assert not two_one_sided_tests(noise, np.zeros(8), 0.3).is_equivalent


def test_a_constant_difference_lies_inside_or_not():
    ours = np.arange(5.0)
    assert two_one_sided_tests(ours, ours, 0.1)[:3] == (0, 0, 0)
    assert two_one_sided_tests(ours + 1, ours, 2).is_equivalent
    outside = two_one_sided_tests(ours + 1, ours, 0.5)
    assert (outside.p_lower, outside.p_upper, outside.low) == (0, 1, 1)
    assert not two_one_sided_tests(ours - 1, ours, 1).is_equivalent


@pytest.mark.parametrize("power", [-700, 700])
def test_equivalence_has_no_scale(power):
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(2, 20))
    wanted = two_one_sided_tests(ours, theirs, 0.5)
    scaled = [np.ldexp(x, power) for x in (ours, theirs, 0.5)]
    found = two_one_sided_tests(*scaled)
    assert found[:3] == wanted[:3]
    assert found.high == np.ldexp(wanted.high, power)


def test_what_equivalence_refuses():
    with pytest.raises(ValueError, match="`margin` must be positive, but is 0"):
        two_one_sided_tests([1, 2], [1, 3], 0)
    with pytest.raises(ValueError, match="`margin` must be finite, but is nan"):
        two_one_sided_tests([1, 2], [1, 3], np.nan)
    with pytest.raises(ValueError, match="`2 level` must be between 0 and 1, but is 1"):
        two_one_sided_tests([1, 2], [1, 3], 1, level=0.5)
    with pytest.raises(ValueError, match="`values` must hold at least 2 pairs, but h"):
        two_one_sided_tests([1], [1], 1)
    with pytest.raises(ValueError, match="`values` and `reference` must be series of"):
        two_one_sided_tests([1, 2], [1], 1)
