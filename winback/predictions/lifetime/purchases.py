"""BG/NBD and MBG/NBD: when customers purchase, and when they stop for good.

While alive a customer purchases at random at its own rate, gamma distributed over customers with shape r and rate
alpha; after a purchase it stops with its own probability, beta distributed with a and b. In BG/NBD (Fader, Hardie and
Lee 2005, "Counting your customers the easy way", Marketing Science 24(2)) it can stop after repeat purchases only, so
whoever bought once is alive for certain. In MBG/NBD (Batislam, Denizel and Filiztekin 2007, IJRM 24(3); Hoppe and
Wagner 2007, Marketing JRM 3(2)) it can stop after the first one too. With n chances to stop, n = x in the one and x + 1
in the other, both have the same formulas.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln, polygamma

from winback.predictions.lifetime.fitting import Estimate, Likelihood, NotIdentified, Point, by_logs, maximise
from winback.predictions.lifetime.histories import Histories
from winback.predictions.lifetime.series import expected_until_stopped

Vector = NDArray[np.float64]
PARAMETERS = ("r", "alpha", "a", "b")
FEWEST_REPEATERS = 10
"""Repeat buyers without whom nothing is fitted: four parameters would follow single customers."""
_TRIAL_ROWS = 10_000
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.5, 0.2, 0.5, 3.0), (2.0, 3.0, 0.2, 5.0))
"""r, alpha as a share of the mean T, a, b."""


class Kind(StrEnum):
    BG_NBD = "bg-nbd"
    MBG_NBD = "mbg-nbd"

    @property
    def first_chances(self) -> int:
        """Chances to stop after the first purchase."""
        return 1 if self is Kind.MBG_NBD else 0


@dataclass(frozen=True)
class PurchaseModel:
    """`r`, `alpha` (in units of time), `a` and `b`, all positive."""

    kind: Kind
    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def at(cls, kind: Kind, logs: Sequence[float] | Vector) -> "PurchaseModel":
        r, alpha, a, b = (float(value) for value in np.exp(np.asarray(logs)))
        return cls(kind, r, alpha, a, b)

    def log_dead_odds(self, repeats: Vector, recency: Vector, age: Vector) -> Vector:
        """Log odds that the customer has stopped; minus infinity where it had no chance to.

        BG/NBD: the second term of the likelihood over the first (2005, equation 6).
        """
        chances = repeats + self.kind.first_chances
        with np.errstate(divide="ignore"):
            log_odds: Vector = np.where(
                chances > 0,
                np.log(self.a)
                - np.log(np.maximum(self.b + chances - 1, 1e-300))
                + (self.r + repeats) * (np.log(self.alpha + age) - np.log(self.alpha + recency)),
                -np.inf,
            )
        return log_odds

    def p_alive(self, repeats: Vector, recency: Vector, age: Vector) -> Vector:
        """Probability that the customer still buys (BG/NBD: Fader, Hardie and Lee 2008, "Computing P(alive) using the
        BG/NBD model"; MBG/NBD: Hoppe and Wagner 2007). Units of time as alpha's."""
        alive: Vector = expit(-self.log_dead_odds(repeats, recency, age))
        return alive

    def expected_while_alive(self, repeats: Vector, age: Vector, ahead: Vector | float) -> Vector:
        """Purchases in the next `ahead` units of a customer that is alive at its T (2005, equation 10 without
        P(alive)); it may stop on the way."""
        return expected_until_stopped(
            self.r + repeats, self.alpha + age, self.a, self.b + repeats + self.kind.first_chances, ahead
        )

    def expected(self, repeats: Vector, recency: Vector, age: Vector, ahead: Vector | float) -> Vector:
        """Purchases in the next `ahead` units given the history (2005, equation 10)."""
        return self.p_alive(repeats, recency, age) * self.expected_while_alive(repeats, age, ahead)

    def expected_of_new(self, ahead: Vector | float) -> Vector:
        """Repeat purchases of a new customer within `ahead` units (2005, equation 9; for MBG/NBD the customer may have
        stopped at once)."""
        ahead = np.atleast_1d(np.asarray(ahead, dtype=float))
        first = self.kind.first_chances
        alive = self.b / (self.a + self.b) if first else 1.0
        of_alive = expected_until_stopped(
            np.full(len(ahead), self.r),
            np.full(len(ahead), self.alpha),
            self.a,
            np.full(len(ahead), self.b + first),
            ahead,
        )
        return alive * of_alive


def log_likelihood(kind: Kind, histories: Histories) -> Likelihood:
    """The log-likelihood of the histories, with its derivatives.

    Fader, Hardie and Lee 2005, equation 6, in logarithms throughout: x, t_x and T enter by tables of their values, and
    only one logistic a row is left.
    """
    weight = histories.customers.astype(float)
    total = float(weight.sum())
    x, t, big_t = histories.repeats, histories.recency_days, histories.age_days
    counts = np.arange(int(x.max(initial=0)) + 1, dtype=float)
    days = np.arange(int(big_t.max(initial=0)) + 1) / histories.unit_days
    chances = counts + kind.first_chances
    by_x = np.bincount(x, weights=weight, minlength=len(counts))
    has_chance = chances > 0
    own_count = counts[x]

    def at(logs: Vector, *, with_hessian: bool = False) -> Point:
        r, alpha, a, b = (float(number) for number in np.exp(logs))
        log_days = np.log(alpha + days)
        log_big_t = log_days[big_t]
        ratio = log_big_t - log_days[t]
        shape = r + own_count
        never = np.where(has_chance, b + chances - 1, 1.0)
        log_odds = np.where(has_chance, np.log(a) - np.log(never), -np.inf)[x] + shape * ratio
        dead = expit(log_odds)
        terms = gammaln(r + counts) - gammaln(r) + gammaln(a + b) - gammaln(a + b + chances) + gammaln(b + chances)
        value = (
            total * (r * np.log(alpha) - gammaln(b))
            + by_x @ terms
            + weight @ (np.logaddexp(0.0, log_odds) - shape * log_big_t)
        )
        dead_weight = weight * dead
        dead_by_x = np.bincount(x, weights=dead_weight, minlength=len(counts))
        inverse = 1 / (alpha + days)
        inverse_big_t = inverse[big_t]
        inverse_ratio = inverse_big_t - inverse[t]  # the derivative of `ratio` by alpha
        both = by_x @ (digamma(a + b) - digamma(a + b + chances))
        inverse_never = np.where(has_chance, 1 / never, 0.0)
        gradient = np.array(
            [
                by_x @ (digamma(r + counts) - digamma(r))
                + total * np.log(alpha)
                - weight @ log_big_t
                + dead_weight @ ratio,
                total * r / alpha - (weight * shape) @ inverse_big_t + (dead_weight * shape) @ inverse_ratio,
                both + dead_by_x.sum() / a,
                both + by_x @ (digamma(b + chances) - digamma(b)) - dead_by_x @ inverse_never,
            ]
        )
        if not with_hessian:
            return by_logs((r, alpha, a, b), float(value), gradient, None)
        # log(1 + odds) has the second derivatives dead * D'' + dead * (1 - dead) * D' D', D the logarithm of the odds.
        spread = dead_weight * (1 - dead)
        by_alpha = shape * inverse_ratio
        slopes = np.stack([ratio, by_alpha, np.full(len(x), 1 / a), -inverse_never[x]])
        hessian = (slopes * spread) @ slopes.T
        squares = inverse * inverse
        same = by_x @ (polygamma(1, a + b) - polygamma(1, a + b + chances))
        hessian[0, 0] += by_x @ (polygamma(1, r + counts) - polygamma(1, r))
        cross = total / alpha - weight @ inverse_big_t + dead_weight @ inverse_ratio
        hessian[0, 1] += cross
        hessian[1, 0] += cross
        hessian[1, 1] += (
            -total * r / alpha**2
            + (weight * shape) @ squares[big_t]
            - (dead_weight * shape) @ (squares[big_t] - squares[t])
        )
        hessian[2:, 2:] += same
        hessian[2, 2] -= dead_by_x.sum() / a**2
        hessian[3, 3] += by_x @ (polygamma(1, b + chances) - polygamma(1, b)) + dead_by_x @ inverse_never**2
        return by_logs((r, alpha, a, b), float(value), gradient, hessian)

    return at


def fit_purchases(kind: Kind, histories: Histories) -> Estimate:
    """Maximum likelihood from several starts. Raises NotIdentified when too few customers bought again, NotConverged
    when no start leads to a maximum."""
    if histories.repeaters < FEWEST_REPEATERS:
        raise NotIdentified(
            f"{histories.repeaters} of {histories.total} customers bought again: when customers come back cannot be "
            f"told from fewer than {FEWEST_REPEATERS}"
        )
    length = float(histories.customers @ histories.age) / histories.total
    starts = [(r, share * max(length, 0.1), a, b) for r, share, a, b in _STARTS]
    some = histories.some(_TRIAL_ROWS)
    trial = log_likelihood(kind, some) if len(some.repeats) < len(histories.repeats) else None
    return maximise(PARAMETERS, log_likelihood(kind, histories), starts, trial=trial)


def purchase_model(kind: Kind, estimate: Estimate) -> PurchaseModel:
    return PurchaseModel(kind, *estimate.values)
