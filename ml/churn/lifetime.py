"""BG/NBD and MBG/NBD by maximum likelihood, as baselines of a training job.

The product's own fit is winback.predictions.lifetime, with intervals and for millions of customers; a container has
none of it. This one finds the parameters alone; a test holds the two against each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

Array = NDArray[np.float64]

FEWEST_REPEATERS = 30
PARAMETERS = ("r", "alpha", "a", "b")
_BOUND = 9.0  # of the parameters' logarithms


@dataclass(frozen=True)
class Histories:
    """Different (x, t_x, T) in weeks, and how many customers have each."""

    x: Array
    t_x: Array
    age: Array
    customers: Array

    @classmethod
    def count(cls, x: Array, t_x: Array, age: Array) -> "Histories":
        different, customers = np.unique(np.column_stack([x, t_x, age]), axis=0, return_counts=True)
        return cls(different[:, 0], different[:, 1], different[:, 2], customers.astype(np.float64))


def fit(histories: Histories, *, modified: bool) -> dict[str, float] | None:
    """Parameters of BG/NBD, or of MBG/NBD where `modified`; None below 30 repeat buyers or without a maximum.

    Log-likelihood: Fader, Hardie and Lee 2005, Marketing Science 24(2), equation 6; in MBG/NBD (Batislam, Denizel and
    Filiztekin 2007) a customer has x + 1 chances to stop instead of x.
    """
    if histories.customers[histories.x > 0].sum() < FEWEST_REPEATERS:
        return None
    x, t_x, age, customers = histories.x, histories.t_x, histories.age, histories.customers
    chances = x + 1 if modified else x
    once = chances > 0
    total = customers.sum()

    def loss(logs: Array) -> float:
        r, alpha, a, b = np.exp(logs)
        never = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + age)
        lasting = gammaln(a + b) - gammaln(a + b + chances) + gammaln(b + chances) - gammaln(b)
        stopped = np.log(a) - np.log(np.where(once, b + chances - 1, 1.0))
        stopped = np.where(once, stopped + (r + x) * (np.log(alpha + age) - np.log(alpha + t_x)), -np.inf)
        return -float(customers @ (never + lasting + np.logaddexp(0.0, stopped))) / float(total)

    length = float(customers @ age / total)
    starts = [(1.0, length, 1.0, 1.0), (0.5, 0.2 * length, 0.5, 3.0)]
    found = [
        minimize(loss, np.log(start), method="L-BFGS-B", bounds=[(-_BOUND, _BOUND)] * 4, options={"ftol": 1e-12})
        for start in starts
    ]
    best = min(found, key=lambda result: float(result.fun))
    if not np.isfinite(best.fun):
        return None
    return dict(zip(PARAMETERS, (float(f"{value:.9g}") for value in np.exp(best.x)), strict=True))
