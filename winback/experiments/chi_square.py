"""Pearson's chi-square test of counts against shares, through the regularised incomplete gamma function.

NIST Digital Library of Mathematical Functions: 8.11.4 (series), 8.9.2 (continued fraction, by Lentz's method).
"""

from collections.abc import Sequence
from math import exp, fsum, lgamma, log

_TINY = 1e-300
_TERMS = 10_000


def goodness_of_fit(counts: Sequence[int], shares: Sequence[float]) -> float:
    """p value of counts that are expected in proportion to the shares (> 0, of sum 1); 1 where nothing was counted."""
    total = sum(counts)
    if not total or len(counts) < 2:
        return 1.0
    distance = fsum((count - total * share) ** 2 / (total * share) for count, share in zip(counts, shares, strict=True))
    return chi_square_tail(distance, len(counts) - 1)


def chi_square_tail(value: float, freedom: int) -> float:
    """Probability of a chi-square with `freedom` degrees (>= 1) of at least `value`."""
    return upper_gamma(freedom / 2, value / 2)


def upper_gamma(a: float, x: float) -> float:
    """Regularised Q(a, x) for a > 0."""
    if x <= 0:
        return 1.0
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:  # there the series converges fast, elsewhere the fraction
        term = total = 1 / a
        for n in range(1, _TERMS):
            term *= x / (a + n)
            total += term
            if term < total * 1e-16:
                break
        return max(0.0, 1 - front * total)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    fraction = d
    for n in range(1, _TERMS):
        step = -n * (n - a)
        b += 2
        d = 1 / (step * d + b or _TINY)
        c = b + step / c or _TINY
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction
