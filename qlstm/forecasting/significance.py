"""Is the difference between two forecasts more than chance? Over time, over seeds."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qlstm.checks import as_real, check_choice, check_size
from qlstm.forecasting.checks import (
    ROUNDING,
    check_finite,
    check_share,
    exponent,
    rescale,
)

ALTERNATIVES = ("two-sided", "less", "greater")


class LossTest(NamedTuple):
    """Result of `diebold_mariano`."""

    statistic: float
    """Corrected statistic; positive if the first forecast loses more."""
    p_value: float
    """Probability of such a statistic between equally good forecasts."""
    mean_difference: float
    """Mean of first minus second loss, in units of the losses."""
    n: int
    """Number of targets."""
    n_lags: int
    """Autocovariances in the variance of the mean."""


class SeedTest(NamedTuple):
    """Result of `paired_wilcoxon`."""

    statistic: float
    """Wilcoxon's W, as SciPy defines it."""
    p_value: float
    """1 if no pair differs by more than rounding."""
    median_difference: float
    """Median of first minus second."""
    n: int
    """Number of pairs."""
    smallest_p: float
    """The smallest p that the pairs that differ can give, all of one sign. If none
    does, that of all pairs."""


class EquivalenceTest(NamedTuple):
    """Result of `two_one_sided_tests`."""

    p_value: float
    """The larger of the two one-sided p values."""
    p_lower: float
    """Of the test that the mean difference lies above ``-margin``."""
    p_upper: float
    """Of the test that it lies below ``margin``."""
    mean_difference: float
    """Mean of first minus second."""
    low: float
    """Lower end of the confidence interval of the mean at ``1 - 2 level``."""
    high: float
    """Its upper end."""
    n: int
    """Number of pairs."""
    margin: float
    """The largest difference that counts as none."""
    level: float
    """Level of each test."""

    @property
    def is_equivalent(self) -> bool:
        """Whether both tests reject, and so the interval lies inside the margin."""
        return self.p_value < self.level


class Quartiles(NamedTuple):
    """Result of `quartiles`."""

    median: float
    q1: float
    """Lower quartile."""
    q3: float
    """Upper quartile."""


class SeedSummary(NamedTuple):
    """One row of `summarize_seeds`."""

    name: str
    n: int
    """Number of seeds."""
    median: float
    q1: float
    """Lower quartile."""
    q3: float
    """Upper quartile."""
    difference: float
    """Median of the paired differences from the reference."""
    p_value: float
    """Of the paired Wilcoxon test against the reference; nan for itself."""
    p_holm: float
    """The same, corrected for the number of rows; nan for the reference."""


def diebold_mariano(
    losses: ArrayLike,
    reference_losses: ArrayLike,
    *,
    horizon: int = 1,
    n_lags: int | None = None,
    alternative: str = "two-sided",
) -> LossTest:
    """Test whether two forecasts of the same targets lose the same, on average.

    With the loss differential ``d_t`` of mean ``m``, its autocovariances ``g_j``, the
    number of lags ``L`` and ``h = L + 1``: ``V = g_0 + 2 sum_(j<=L) (1 - j/h) g_j``
    (Newey-West, Bartlett weights) and
    ``S = m / sqrt(V / n) * sqrt((n + 1 - 2 h + h (h - 1) / n) / n)``,
    which is compared with Student's t of ``n - 1`` degrees of freedom (the correction
    of Harvey, Leybourne and Newbold). With no lags it is the paired t test.

    Args:
        losses: Loss of the first forecast at each target ``(n,)``, in order of time:
            squared errors, absolute errors, or any other.
        reference_losses: Those of the second.
        horizon: Steps ahead; a good forecast h steps ahead errs alike for h steps.
        n_lags: L. None takes the larger of ``horizon - 1`` and
            ``floor(4 (n / 100)^(2/9))``, the second for forecasts that are not good;
            ``horizon - 1`` is the textbook's.
        alternative: ``"two-sided"``, ``"less"`` (the first loses less) or
            ``"greater"``.

    Returns:
        A `LossTest`. Differences within rounding count as none: p is 1. A constant
        difference has the statistic +-inf.

    Raises:
        ValueError: If the losses are not two finite series of one length, there are
            fewer than ``2 (L + 1)`` of them, or `alternative` is unknown.
        TypeError: If `horizon` or `n_lags` is not an integer.

    References:
        Diebold and Mariano, "Comparing predictive accuracy", Journal of Business and
        Economic Statistics 13 (1995), 253. Harvey, Leybourne and Newbold, "Testing the
        equality of prediction mean squared errors", International Journal of
        Forecasting 13 (1997), 281. Newey and West, Econometrica 55 (1987), 703.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> good, bad = rng.normal(0, 1, 200) ** 2, rng.normal(0, 2, 200) ** 2
        >>> found = diebold_mariano(good, bad, alternative="less")
        >>> found.mean_difference < 0, found.p_value < 0.001
        (True, True)
    """
    from scipy.stats import t

    check_choice("alternative", alternative, ALTERNATIVES)
    check_size("horizon", horizon)
    first, second = _paired("losses", losses, "reference_losses", reference_losses)
    n = len(first)
    if n_lags is None:
        n_lags = max(horizon - 1, min(int(4 * (n / 100) ** (2 / 9)), n // 2 - 1))
    check_size("n_lags + 1", n_lags + 1)
    h = n_lags + 1
    if n < 2 * h:
        raise ValueError(
            f"Argument `losses` must hold at least {2 * h} values for {n_lags} lags, "
            f"but holds {n}."
        )
    e = max(exponent(first), exponent(second))  # squares are neither 0 nor infinite
    first, second = np.ldexp(first, -e), np.ldexp(second, -e)
    difference = first - second
    scaled_mean = float(difference.mean())
    mean = rescale("losses - reference_losses", scaled_mean, e)
    if np.abs(difference).max() <= ROUNDING * np.abs(first).max():
        return LossTest(0.0, 1.0, mean, n, n_lags)
    statistic = float(loss_statistic(difference, n_lags))
    p_value = {
        "two-sided": 2 * t.sf(abs(statistic), n - 1),
        "less": t.cdf(statistic, n - 1),
        "greater": t.sf(statistic, n - 1),
    }[alternative]
    return LossTest(statistic, float(p_value), mean, n, n_lags)


def loss_statistic(differences: NDArray[np.float64], n_lags: int) -> NDArray:
    """Corrected statistics of `diebold_mariano`, of series along the last axis.

    Args:
        differences: Loss differentials ``(..., n)``, finite, of a scale whose squares
            are neither 0 nor infinite.
        n_lags: Autocovariances in the variance of the mean.

    Returns:
        ``(...,)``; +-inf where a difference is constant, nan where it is 0.
    """
    n, h = differences.shape[-1], n_lags + 1
    variance = _long_run_variance(differences, n_lags) / n
    correction = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(differences.mean(axis=-1), np.sqrt(variance)) * correction


def two_one_sided_tests(
    values: ArrayLike, reference: ArrayLike, margin: float, *, level: float = 0.05
) -> EquivalenceTest:
    """Test whether paired numbers, such as errors over seeds, are equivalent.

    A test that finds no difference does not show that there is none. Here the
    hypotheses to be rejected are the differences: with the mean m of the n paired
    differences and their standard deviation s,
    ``t_lower = (m + margin) / (s / sqrt(n))`` must be large and
    ``t_upper = (m - margin) / (s / sqrt(n))`` small, by Student's t of ``n - 1``
    degrees of freedom. Both reject at `level` just where the confidence interval of the
    mean at ``1 - 2 level`` lies inside ``(-margin, margin)``.

    Errors are skewed, and what matters is their ratio: pass logarithms, and as margin
    that of the largest ratio that counts as none.

    Args:
        values: One number a seed ``(n,)``.
        reference: The reference's, for the same seeds in the same order.
        margin: The largest difference that counts as none, in units of the values.
            Choose it before looking at the values.
        level: Level of each test.

    Returns:
        An `EquivalenceTest`.

    Raises:
        TypeError: If something is not a real number.
        ValueError: If the arguments are not two finite series of one length, there are
            fewer than two pairs, the margin is not positive, or the level is not
            between 0 and 1/2.

    References:
        Schuirmann, "A comparison of the two one-sided tests procedure and the power
        approach for assessing the equivalence of average bioavailability", Journal of
        Pharmacokinetics and Biopharmaceutics 15 (1987), 657.

    Example:
        Equal but for noise of 1, and of 100 pairs the mean is known to about 0.1:

        >>> rng = np.random.default_rng(0)
        >>> ours = rng.normal(size=100)
        >>> theirs = ours + rng.normal(size=100)
        >>> for margin in (0.5, 0.05):
        ...     print(two_one_sided_tests(ours, theirs, margin).is_equivalent)
        True
        False
    """
    from scipy.stats import t

    first, second = _paired("values", values, "reference", reference)
    check_finite("margin", margin)
    check_share("2 level", 2 * level)
    if np.ndim(margin) or margin <= 0:
        raise ValueError(f"Argument `margin` must be positive, but is {margin}.")
    n = len(first)
    if n < 2:
        raise ValueError(
            f"Argument `values` must hold at least 2 pairs, but holds {n}."
        )
    e = max(exponent(first), exponent(second))  # squares are neither 0 nor infinite
    difference, edge = np.ldexp(first, -e) - np.ldexp(second, -e), np.ldexp(margin, -e)
    mean, error = difference.mean(), difference.std(ddof=1) / np.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = np.array([mean + edge, mean - edge]) / error
    p_lower, p_upper = float(t.sf(lower, n - 1)), float(t.cdf(upper, n - 1))
    if error == 0:  # a constant difference is certain; on the edge it is no less
        p_lower, p_upper = float(mean <= -edge), float(mean >= edge)
    half = t.ppf(1 - level, n - 1) * error
    ends = (
        rescale("values - reference", float(x), e)
        for x in (mean, mean - half, mean + half)
    )
    p_value = max(p_lower, p_upper)
    margin, level = float(margin), float(level)
    return EquivalenceTest(p_value, p_lower, p_upper, *ends, n, margin, level)


def paired_wilcoxon(values: ArrayLike, reference: ArrayLike) -> SeedTest:
    """Wilcoxon's signed-rank test of paired numbers, such as test errors over seeds.

    It asks whether the differences are symmetric about 0, without assuming a normal
    distribution. It needs pairs: the same seed, hence the same data, on both sides.

    Args:
        values: One number a seed ``(n,)``.
        reference: The reference's, for the same seeds in the same order.

    Returns:
        A `SeedTest`, two-sided; exact where SciPy's is. Pairs that differ by no more
        than rounding are left out. With n others p is never below ``2 / 2^n``: five
        seeds cannot show anything at the 5 % level.

    Raises:
        ValueError: If the arguments are not two finite series of one length.

    References:
        Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1
        (1945), 80.

    Example:
        >>> ours, theirs = [0.1, 0.3, 0.2, 0.4, 0.1], [0.2, 0.5, 0.5, 0.8, 0.6]
        >>> found = paired_wilcoxon(ours, theirs)
        >>> found.p_value, found.smallest_p
        (0.0625, 0.0625)
    """
    from scipy.stats import wilcoxon

    first, second = _paired("values", values, "reference", reference)
    with np.errstate(over="ignore"):
        difference = check_finite("values - reference", first - second)
    size = np.maximum(np.abs(first), np.abs(second))
    difference = np.where(np.abs(difference) <= ROUNDING * size, 0.0, difference)
    n, median = len(difference), float(np.median(difference))
    differing = difference[difference != 0]
    smallest = min(1.0, 2.0 ** (1 - (len(differing) or n)))
    if not len(differing):
        return SeedTest(0.0, 1.0, median, n, smallest)
    found = wilcoxon(differing)
    p_value = max(float(found.pvalue), smallest)  # SciPy approximates with ties
    return SeedTest(float(found.statistic), p_value, median, n, smallest)


def summarize_seeds(
    table: Mapping[str, ArrayLike], reference: str
) -> tuple[SeedSummary, ...]:
    """Median and quartiles over seeds, and a paired test against a reference.

    Args:
        table: For each name one number a seed, all for the same seeds in one order.
        reference: The name that the others are compared with.

    Returns:
        A `SeedSummary` for each name, in the order of the table. `p_holm` is corrected
        for the number of comparisons by `holm`.

    Raises:
        ValueError: If the reference is not in the table, or a row is not finite or of
            another length.

    Example:
        >>> table = {"model": [0.1, 0.2, 0.4], "persistence": [0.3, 0.3, 0.5]}
        >>> for row in summarize_seeds(table, "persistence"):
        ...     print(row.name, row.median, row.p_value)
        model 0.2 0.25
        persistence 0.3 nan
    """
    check_choice("reference", reference, tuple(table))
    rows = []
    for name, values in table.items():
        label = f"table[{name!r}]"
        values, base = _paired(label, values, "reference", table[reference])
        median, q1, q3 = quartiles(values)
        test = paired_wilcoxon(values, base)
        p = np.nan if name == reference else test.p_value
        rows.append(
            SeedSummary(name, test.n, median, q1, q3, test.median_difference, p, np.nan)
        )
    corrected = holm([row.p_value for row in rows])
    return tuple(
        row._replace(p_holm=float(p)) for row, p in zip(rows, corrected, strict=True)
    )


def quartiles(values: ArrayLike) -> Quartiles:
    """Median and quartiles, by linear interpolation between the sorted values.

    Args:
        values: ``(n,)``, not empty.

    Returns:
        `Quartiles`, in the units of the values.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If one is not finite, or there is none.

    Example:
        >>> quartiles([4.0, 1.0, 2.0, 3.0, 8.0])
        Quartiles(median=3.0, q1=2.0, q3=4.0)
    """
    values = check_finite("values", values)
    if values.size == 0:
        raise ValueError("Argument `values` must not be empty, but is.")
    return Quartiles(*np.percentile(values, [50, 25, 75]).tolist())


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down correction: each bounds the chance of any false finding so far.

    Args:
        p_values: ``(n,)``; nan stays nan and does not count.

    Returns:
        Corrected p values ``(n,)``, at most 1.

    Raises:
        TypeError: If the values are not real numbers.
        ValueError: If they are no series, or one is not between 0 and 1.

    References:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
        Journal of Statistics 6 (1979), 65.

    Example:
        >>> holm([0.02, 0.01, 0.5])
        array([0.04, 0.03, 0.5 ])
    """
    p_values = as_real("p_values", p_values)
    if p_values.ndim != 1 or ((p_values < 0) | (p_values > 1)).any():
        raise ValueError(
            "Argument `p_values` must be a series of numbers between 0 and 1, but is "
            f"{p_values}."
        )
    order = np.argsort(p_values)  # nan last
    count = int((~np.isnan(p_values)).sum())
    factors = count - np.arange(count)
    corrected = np.full(len(p_values), np.nan)
    raised = np.maximum.accumulate(factors * p_values[order[:count]])
    corrected[order[:count]] = np.minimum(raised, 1)
    return corrected


def _long_run_variance(series: NDArray[np.float64], n_lags: int) -> NDArray:
    """Newey-West estimates of n times the variance of the mean, ``(...,)``, from 0."""
    centred = series - series.mean(axis=-1, keepdims=True)

    def product(a: NDArray, b: NDArray) -> NDArray:
        return (a[..., None, :] @ b[..., :, None])[..., 0, 0]

    total = product(centred, centred)
    for lag in range(1, n_lags + 1):
        weight = 1 - lag / (n_lags + 1)
        total = total + 2 * weight * product(centred[..., lag:], centred[..., :-lag])
    return np.maximum(total, 0.0) / series.shape[-1]


def _paired(
    name: str, values: ArrayLike, other_name: str, others: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two finite series of one length, or a message."""
    first, second = check_finite(name, values), check_finite(other_name, others)
    if first.ndim != 1 or first.shape != second.shape or len(first) == 0:
        raise ValueError(
            f"Arguments `{name}` and `{other_name}` must be series of one length and "
            f"not empty, but have shapes {first.shape} and {second.shape}."
        )
    return first, second
