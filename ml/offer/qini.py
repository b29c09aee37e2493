"""Whether customers are ranked by what an arm changes for them: the Qini curve.

Customers in the order of their predicted uplift, largest first: the curve says how much the arm brings, per customer of
all, when the first share of them gets it. Ranked at random it is a straight line. The coefficient is the area between
curve and line (Radcliffe 2007, "Using control groups to target on predicted lift"), which is the rank-weighted
average effect with Qini weights of Yadlowsky, Fleming, Shah, Brunskill and Wager (JASA 120, 2025); effects are
doubly robust scores, so it holds for logged data too. Interval: percentile bootstrap over customers.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from ml.offer.logged import Array, Indices

POINTS = 21


@dataclass(frozen=True)
class Qini:
    """`curve`: gain per customer at `shares` of the customers; `coefficient` 0: no better than any order."""

    shares: tuple[float, ...]
    curve: tuple[float, ...]
    coefficient: float
    low: float
    high: float


def qini(effect: Array, predicted: Array, customer: Indices, fold: Indices, *, seed: int, draws: int = 500) -> Qini:
    """`effect` (n,) scores of one arm against the control, `predicted` (n,) uplifts by models of other folds.

    Ranks are taken within folds, for the models of two folds differ in level. Ties share a place on the curve.
    """
    place = np.empty(len(effect))
    for number in np.unique(fold):
        rows = fold == number
        place[rows] = rankdata(-predicted[rows]) / rows.sum()
    order = np.argsort(place, kind="stable")
    ranked, scores, clusters = place[order], effect[order], customer[order]
    groups = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    ones = np.ones(len(effect))
    at, reached = _curve(scores, ones, groups)
    shares = np.linspace(0, 1, POINTS)
    random = np.random.default_rng(seed)
    customers = int(customer.max()) + 1
    present = np.unique(clusters)
    areas = np.empty(draws)
    for draw in range(draws):
        drawn = np.bincount(random.choice(present, len(present)), minlength=customers).astype(np.float64)
        areas[draw] = _area(*_curve(scores, drawn[clusters], groups))
    low, high = np.quantile(areas, [0.025, 0.975])
    return Qini(
        tuple(float(share) for share in shares),
        tuple(float(gain) for gain in np.interp(shares, at, reached)),
        _area(at, reached),
        float(low),
        float(high),
    )


def _curve(scores: Array, weights: Array, groups: Indices) -> tuple[Array, Array]:
    """(share of customers, gain per customer of all) at the end of each group of ties, from (0, 0) on."""
    total = weights.sum()
    at = np.cumsum(np.add.reduceat(weights, groups)) / total
    reached = np.cumsum(np.add.reduceat(weights * scores, groups)) / total
    return np.concatenate([[0.0], at]), np.concatenate([[0.0], reached])


def _area(at: Array, reached: Array) -> float:
    return float(np.trapezoid(reached - reached[-1] * at, at))
