"""Statistics of a randomised comparison, from counts and moments; nothing but the standard library.

Tests are two-sided and intervals hold 95 % unless an argument says otherwise. An interval says which effects the data
are compatible with; none of these functions promises a rate.

Sources: Newcombe 1998, *Statistics in Medicine* 17, 873-890 (interval of a difference, method 10); Wilson 1927, *JASA*
22, 209-212; Fisher's exact test, two-sided by the least likely tables (Agresti 2013, *Categorical Data Analysis*, ch.
3.5); Welch 1947, *Biometrika* 34, 28-35; Kohavi, Deng, Longbotham and Xu 2014, *Seven Rules of Thumb for Web
Site Experimenters*, rule 7 (when a skewed mean is near normal); Fabijan et al. 2019, *Diagnosing Sample Ratio
Mismatch in Online Controlled Experiments*.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import erfc, exp, fsum, lgamma, log, log1p, sqrt
from statistics import NormalDist

from winback.experiments.power import CONFIDENCE
from winback.experiments.student import t_cumulative, t_quantile

ERROR = 0.05  # 1 - CONFIDENCE, which is not exactly that in binary
# Splitting errors show as tiny p values; at 5 % one sound launch in twenty would raise the alarm.
SAMPLE_RATIO_ALARM = 0.001
# Newcombe's interval excludes zero for 2 of 2 against 0 of 2, and for a rare event that one customer of 500 had and
# none of 5,000: below these sizes the exact test decides.
EXACT_BELOW = 100  # customers of the smaller group
EXACT_BELOW_EVENTS = 5  # expected of the rarer outcome in the smaller group: Cochran's rule
_EXACT_UP_TO = 10_000  # beyond, the chi-square approximation of the binomial test is as good
_NORMAL = NormalDist()


class Verdict(StrEnum):
    """What a difference between treated and held out says."""

    MORE = "more"
    FEWER = "fewer"
    TOO_SMALL = "too small to tell"
    NO_COMPARISON = "no comparison"


@dataclass(frozen=True)
class Proportion:
    """`successes` of `trials`. Raises ValueError unless 0 <= successes <= trials."""

    successes: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials:
            raise ValueError(f"{self.successes} of {self.trials} is not a proportion")

    @property
    def rate(self) -> float | None:
        """None without trials."""
        return self.successes / self.trials if self.trials else None


@dataclass(frozen=True)
class Moments:
    """Size, mean, sample variance (n - 1; 0 where n < 2) and skewness (None if unknown) of one group."""

    n: int
    mean: float
    variance: float
    skewness: float | None = None


@dataclass(frozen=True)
class Difference:
    """First minus second, with its interval, all in the unit of the input (shares of one, minor units)."""

    estimate: float
    low: float
    high: float
    p_value: float | None = None
    exact: bool = False
    """The p value is that of an exact test, because a group is too small, or the event too rare, for the interval."""
    standard_error: float | None = None

    @property
    def includes_zero(self) -> bool:
        return self.low <= 0 <= self.high


@dataclass(frozen=True)
class RatioCheck:
    """Whether the groups have the sizes that the assignment should have given."""

    expected_share: float
    observed_share: float | None
    p_value: float | None

    @property
    def plausible(self) -> bool:
        return self.p_value is None or self.p_value >= SAMPLE_RATIO_ALARM


def verdict(difference: Difference | None) -> Verdict:
    """`TOO_SMALL` when the interval includes zero, or when the test finds p >= 0.05: where they disagree, near 5 % or
    in small groups (two of two against none of two), neither is enough. `NO_COMPARISON` without a difference.
    """
    if difference is None:
        return Verdict.NO_COMPARISON
    refuted = difference.p_value is not None and difference.p_value >= ERROR
    if difference.includes_zero or refuted:
        return Verdict.TOO_SMALL
    return Verdict.MORE if difference.estimate > 0 else Verdict.FEWER


def wilson_interval(observed: Proportion, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of one proportion (Wilson 1927). Without trials it is all of 0..1."""
    if not observed.trials:
        return 0.0, 1.0
    z = _critical(confidence)
    n, p = observed.trials, observed.successes / observed.trials
    centre = p + z * z / (2 * n)
    spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if observed.successes == 0 else (centre - spread) / scale
    high = 1.0 if observed.successes == n else (centre + spread) / scale
    return low, high


def difference_of_proportions(
    first: Proportion, second: Proportion, confidence: float = CONFIDENCE
) -> Difference | None:
    """Newcombe's hybrid score interval (1998, method 10) with a two-sided p value.

    The p value is Fisher's (`exact`) where a group has fewer than `EXACT_BELOW` members, or fewer than
    `EXACT_BELOW_EVENTS` of the rarer outcome are expected in the smaller one; else that of the pooled z test, which
    near 5 % may fall on the other side than the interval. The standard error is the unpooled one. None when a group is
    empty.
    """
    if not first.trials or not second.trials:
        return None
    p1, p2 = first.successes / first.trials, second.successes / second.trials
    low1, high1 = wilson_interval(first, confidence)
    low2, high2 = wilson_interval(second, confidence)
    delta = p1 - p2
    exact = _is_small(first, second)
    return Difference(
        estimate=delta,
        low=delta - sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2),
        high=delta + sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2),
        p_value=fisher_p_value(first, second) if exact else _pooled_p_value(first, second),
        exact=exact,
        standard_error=sqrt(p1 * (1 - p1) / first.trials + p2 * (1 - p2) / second.trials),
    )


def fisher_p_value(first: Proportion, second: Proportion) -> float:
    """Fisher's exact test, two-sided: the probability of all tables with these margins at most as likely as this one.

    It takes as many steps as the smaller group, or the successes of both, has members. Without trials it is 1.
    """
    small, large = sorted((first, second), key=lambda group: group.trials)
    successes, total = small.successes + large.successes, small.trials + large.trials

    def log_probability(k: int) -> float:
        ways = _log_choose(small.trials, k) + _log_choose(large.trials, successes - k)
        return ways - _log_choose(total, successes)

    possible = range(max(0, successes - large.trials), min(small.trials, successes) + 1)
    return _as_unlikely(map(log_probability, possible), log_probability(small.successes))


def sample_ratio_check(first: int, second: int, expected_second_share: float) -> RatioCheck:
    """Does the second group's share of all fit the assignment? Exact binomial up to 10,000, else chi-square (1 df).

    A share of exactly 0 or 1 leaves nothing to test: p is 1 when the counts agree with it, else 0.
    """
    total = first + second
    if not total:
        return RatioCheck(expected_second_share, None, None)
    if expected_second_share in (0, 1):
        p_value = float(second == total * expected_second_share)
    elif total <= _EXACT_UP_TO:
        p_value = _binomial_p_value(second, total, expected_second_share)
    else:
        expected = total * expected_second_share
        chi_square = (second - expected) ** 2 / expected + (second - expected) ** 2 / (total - expected)
        p_value = erfc(sqrt(chi_square / 2))
    return RatioCheck(expected_second_share, second / total, p_value)


def difference_of_means(first: Moments, second: Moments, confidence: float = CONFIDENCE) -> Difference | None:
    """Welch's interval: unequal variances, Student's t with Satterthwaite's degrees of freedom.

    Two equal constants differ by exactly 0. None when a group has fewer than two members, or when two constants differ:
    nothing says how far the next one would lie. Revenue has a heavy tail, so ask
    `mean_is_steady` too.
    """
    if first.n < 2 or second.n < 2:
        return None
    error, delta = standard_error_of_means(first, second), first.mean - second.mean
    if error == 0:
        return Difference(0.0, 0.0, 0.0, p_value=1.0, standard_error=0.0) if delta == 0 else None
    freedom = welch_freedom(first, second)
    reach = t_quantile((1 + confidence) / 2, freedom) * error
    p_value = min(1.0, 2 * t_cumulative(-abs(delta) / error, freedom))
    return Difference(delta, delta - reach, delta + reach, p_value=p_value, standard_error=error)


def standard_error_of_means(first: Moments, second: Moments) -> float:
    """Of the difference; both groups have members."""
    return sqrt(first.variance / first.n + second.variance / second.n)


def welch_freedom(first: Moments, second: Moments) -> float:
    """Satterthwaite's degrees of freedom; both groups have two members at least, and one of them varies."""
    part1, part2 = first.variance / first.n, second.variance / second.n
    whole = part1 + part2
    # Shares, because squares of the parts underflow where outcomes are tiny.
    return 1 / ((part1 / whole) ** 2 / (first.n - 1) + (part2 / whole) ** 2 / (second.n - 1))


def mean_is_steady(group: Moments) -> bool:
    """Whether the mean of so skewed a quantity is near normal at this size: n >= 355 x skewness^2 (Kohavi et al. 2014).

    Where it is not, one large order can move the mean and Welch's interval is only a rough guide.
    """
    return group.skewness is not None and group.n >= 355 * group.skewness**2


def _is_small(first: Proportion, second: Proportion) -> bool:
    smaller, trials = min(first.trials, second.trials), first.trials + second.trials
    successes = first.successes + second.successes
    rarer = min(successes, trials - successes)
    return smaller < EXACT_BELOW or smaller * rarer < EXACT_BELOW_EVENTS * trials


def _critical(confidence: float) -> float:
    return _NORMAL.inv_cdf((1 + confidence) / 2)


def _pooled_p_value(first: Proportion, second: Proportion) -> float:
    n1, n2 = first.trials, second.trials
    pooled = (first.successes + second.successes) / (n1 + n2)
    error = sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    if error == 0:
        return 1.0
    return erfc(abs(first.successes / n1 - second.successes / n2) / error / sqrt(2))


def _binomial_p_value(successes: int, trials: int, share: float) -> float:
    """Two-sided exact: the probability of all counts at most as likely as the observed one."""

    def log_probability(k: int) -> float:
        return _log_choose(trials, k) + k * log(share) + (trials - k) * log1p(-share)

    return _as_unlikely(map(log_probability, range(trials + 1)), log_probability(successes))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _as_unlikely(log_probabilities: Iterable[float], observed: float) -> float:
    """Total probability of what is at most as likely as the observed."""
    limit = observed + 1e-7  # equally likely counts differ by rounding
    return min(1.0, fsum(exp(p) for p in log_probabilities if p <= limit))
