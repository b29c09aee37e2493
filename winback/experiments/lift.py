"""Relative lift over the control, with intervals that agree with those of the difference.

An interval of a ratio holds each ratio r for which `first - r * second` has an interval that includes zero. With the
hybrid score limits of proportions that is MOVER-R (Donner and Zou 2012, *Statistical Methods in Medical Research* 21,
347-359, equation 9), with Welch's limits of means it is Fieller's (1954, *JRSS B* 16, 175-185). So the lift's interval
leaves out zero exactly when the difference's does. The delta method's would be symmetric, which ratios are not.
"""

from dataclasses import dataclass
from math import sqrt

from winback.experiments.power import CONFIDENCE
from winback.experiments.statistics import (
    Moments,
    Proportion,
    standard_error_of_means,
    welch_freedom,
    wilson_interval,
)
from winback.experiments.student import t_quantile


@dataclass(frozen=True)
class RelativeLift:
    """`first / second - 1`. `high` is None where the data set no upper bound, for the control may be next to zero."""

    estimate: float
    low: float
    high: float | None
    method: str


def lift_of_proportions(first: Proportion, second: Proportion, confidence: float = CONFIDENCE) -> RelativeLift | None:
    """None when a group is empty or the second has no success: then there is nothing to relate to."""
    if not first.trials or not second.successes:
        return None
    p1, p2 = first.successes / first.trials, second.successes / second.trials
    low1, high1 = wilson_interval(first, confidence)
    low2, high2 = wilson_interval(second, confidence)
    product = p1 * p2
    upper = high2 * (2 * p2 - high2)  # negative where the control's rate is known badly; the root below stays real
    lower_root = sqrt(max(product**2 - low1 * (2 * p1 - low1) * upper, 0.0))
    # The usual (product - root) / upper, extended so that nothing cancels and `upper` may be zero.
    low = low1 * (2 * p1 - low1) / (product + lower_root) if product else 0.0
    lower = low2 * (2 * p2 - low2)
    high = (product + sqrt(max(product**2 - high1 * (2 * p1 - high1) * lower, 0.0))) / lower
    return RelativeLift(p1 / p2 - 1, low - 1, high - 1, "MOVER-R")


def lift_of_means(first: Moments, second: Moments, confidence: float = CONFIDENCE) -> RelativeLift | None:
    """None unless the second mean is above zero beyond doubt, and each group has two members: a ratio to a mean that
    may be zero or negative says nothing.
    """
    if first.n < 2 or second.n < 2 or second.mean <= 0:
        return None
    estimate = first.mean / second.mean - 1
    if standard_error_of_means(first, second) == 0:
        return RelativeLift(estimate, estimate, estimate, "Fieller") if estimate == 0 else None
    t = t_quantile((1 + confidence) / 2, welch_freedom(first, second))
    a = second.mean**2 - t * t * second.variance / second.n
    if a <= 0:
        return None
    b = first.mean * second.mean
    c = first.mean**2 - t * t * first.variance / first.n
    root = sqrt(max(b * b - a * c, 0.0))
    return RelativeLift(estimate, (b - root) / a - 1, (b + root) / a - 1, "Fieller")
