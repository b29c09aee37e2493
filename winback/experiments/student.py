"""Student's t distribution, through the regularised incomplete beta function.

NIST Digital Library of Mathematical Functions, 8.17.22 (the continued fraction, evaluated by Lentz's method).
"""

from math import exp, lgamma, log, log1p, sqrt

_TINY = 1e-300


def t_quantile(probability: float, freedom: float) -> float:
    """The value that Student's t with `freedom` degrees (> 0, not only whole) stays below with this probability.

    Raises ValueError unless the probability lies between 0 and 1.
    """
    if not 0 < probability < 1:
        raise ValueError(f"probability {probability} is not between 0 and 1")
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    low, high = 0.0, 1.0
    while t_cumulative(high, freedom) < probability:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_cumulative(middle, freedom) < probability else (low, middle)
    return high


def t_cumulative(value: float, freedom: float) -> float:
    """Probability of a t at most `value`."""
    square = value * value
    if square < freedom:  # of the two equal forms the one whose argument rounds to nothing near 1
        tail = (1 - incomplete_beta(0.5, freedom / 2, square / (freedom + square))) / 2
    else:
        tail = incomplete_beta(freedom / 2, 0.5, freedom / (freedom + square)) / 2
    return tail if value < 0 else 1 - tail


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised I_x(a, b)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast below its mean only
        return 1 - incomplete_beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    # Some sqrt(max(a, b)) terms are needed.
    for m in range(1, 200 + 10 * int(sqrt(max(a, b)))):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
