"""Expected purchases of a customer that may stop after each of them.

Fader, Hardie and Lee 2005, equation 10, write it with a Gaussian hypergeometric function,

    (a + b - 1) / (a - 1) * (1 - (A / (A + t))^R * 2F1(R, b; a + b - 1; t / (A + t))),

which divides by zero at a = 1 and a + b = 1, loses its digits near them and for large R. The same number is a mixture
of positive terms: how many purchases K the customer would make in t if it never stopped is negative binomial with
shape R and t / (A + t), and of those K the expected number before it stops is S_K = sum over j < K of (b)_j / (a +
b)_j. Summing P(K) S_K from K = 0 upwards loses no digits for any parameters, and needs no special function.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import hyp2f1

Vector = NDArray[np.float64]
_PRECISION = 1e-12
_HUGE = 1e200
_CHECKED_EVERY = 16
_MOST_TERMS = 30_000
_POLE = 1e-6  # this near to one of its poles the closed form loses its digits


def expected_until_stopped(shape: Vector, rate: Vector, a: float, b: Vector, ahead: Vector | float) -> Vector:
    """Purchases in `ahead` units of time of a customer whose rate of purchases is gamma(`shape`, `rate`) and whose
    probability to stop after each is beta(`a`, `b`). Rows are customers; all but `a` may differ by row."""
    shape, rate, b, ahead = (
        np.array(column, dtype=float) for column in np.broadcast_arrays(shape, rate, b, np.asarray(ahead, dtype=float))
    )
    odds = ahead / rate
    result = np.zeros(shape.shape)
    # Terms fall by at least a factor of t / (A + t) each once past the mean, so about 30 (1 + t / A) more are needed.
    terms = (shape + 30) * (1 + odds)
    slow = (terms > _MOST_TERMS) & (abs(a - 1) > _POLE) & (abs(a + b - 1) > _POLE)
    result[slow] = _closed_form(shape[slow], odds[slow], a, b[slow])
    rows = np.flatnonzero(~slow & (ahead > 0))
    result[rows] = _sum_up(shape[rows], odds[rows] / (1 + odds[rows]), a, b[rows])
    return result


def _sum_up(shape: Vector, z: Vector, a: float, b: Vector) -> Vector:
    """Unnormalised terms: their own sum normalises them, so that nothing underflows for a large shape."""
    result = np.empty(len(shape))
    rows = np.arange(len(shape))
    term, terms = np.ones(len(shape)), np.ones(len(shape))
    made, sum_made, next_made = np.zeros(len(shape)), np.zeros(len(shape)), np.ones(len(shape))
    number = 0
    while len(rows):
        term = term * (z * (shape + number) / (number + 1))
        made = made + next_made
        next_made = next_made * ((b + number) / (a + b + number))
        terms = terms + term
        sum_made = sum_made + term * made
        number += 1
        if number % _CHECKED_EVERY:
            continue
        falls = z * (shape + number) / (number + 1)
        # What is left is less than a geometric series; the purchases made grow by less than one a term.
        rest = np.where(falls < 1, 1 - falls, 1.0)
        left = term * (made + 1 / rest) * falls / rest
        done = (falls < 1) & (left <= _PRECISION * sum_made)
        if done.any():
            result[rows[done]] = sum_made[done] / terms[done]
            keep = ~done
            rows, shape, z, b = rows[keep], shape[keep], z[keep], b[keep]
            term, terms, made, sum_made, next_made = (
                term[keep], terms[keep], made[keep], sum_made[keep], next_made[keep]
            )  # fmt: skip
        large = terms > _HUGE
        if large.any():
            scale = np.where(large, 1 / _HUGE, 1.0)
            term, terms, sum_made = term * scale, terms * scale, sum_made * scale
    return result


def _closed_form(shape: Vector, odds: Vector, a: float, b: Vector) -> Vector:
    """For the rare row that would need too many terms: a horizon of thousands of a customer's time scales."""
    with np.errstate(over="ignore", invalid="ignore"):
        inner = np.exp(-shape * np.log1p(odds)) * hyp2f1(shape, b, a + b - 1, odds / (1 + odds))
    value: Vector = (a + b - 1) / (a - 1) * (1 - inner)
    return value
