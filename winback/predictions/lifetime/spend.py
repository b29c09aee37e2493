"""Gamma-Gamma: what a purchase of a customer is worth on average.

A customer's purchases are gamma distributed with shape p and its own rate; the rates are gamma distributed over
customers with shape q and rate gamma (Fader and Hardie 2013, "The Gamma-Gamma model of monetary value"). It takes the
value of a purchase to be independent of how often the customer buys. Purchases of nothing have no place in it and are
left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from winback.predictions.lifetime.fitting import Estimate, NotIdentified, Objective, maximise
from winback.predictions.lifetime.histories import distinct

Vector = NDArray[np.float64]
PARAMETERS = ("p", "q", "gamma")
FEWEST_CUSTOMERS = 10
_STARTS = ((6.0, 4.0, 3.0), (1.0, 2.0, 1.0), (20.0, 10.0, 10.0))
"""p, q, and gamma as a share of the mean value over p."""


@dataclass(frozen=True)
class SpendModel:
    """`p` and `q` without a unit, `gamma` in the amounts'."""

    p: float
    q: float
    gamma: float

    @classmethod
    def at(cls, logs: Sequence[float] | Vector) -> "SpendModel":
        p, q, gamma = (float(value) for value in np.exp(np.asarray(logs)))
        return cls(p, q, gamma)

    @property
    def population_mean(self) -> float:
        """There is one for q > 1 alone, which `fit_spend` sees to (Fader and Hardie 2013, equation 3)."""
        return self.p * self.gamma / (self.q - 1)

    def expected_value(self, paid: Vector, spent: Vector) -> Vector:
        """A customer's mean value of a purchase, given that `paid` of them came to `spent` in total: a mean of its own
        and the population's (Fader and Hardie 2013, equation 5). Without any it is the population's."""
        mean = self.population_mean
        value: Vector = (self.p * spent + (self.q - 1) * mean) / (self.p * paid + self.q - 1)
        return value


def log_likelihood(paid: NDArray[np.int64], spent: Vector) -> Objective:
    """Of the customers' `spent` over `paid` purchases, both positive, as a function of the parameters' logarithms
    (Fader and Hardie 2013, equation 1a), with its gradient. It is the density of the mean value spent / paid."""
    counts = distinct(paid)
    values = counts.values.astype(float)
    by_count = np.bincount(counts.place, minlength=len(values)).astype(float)
    number = float(len(paid))
    n = paid.astype(float)
    log_mean, log_spent = np.log(spent / n), np.log(spent)
    n_log_spent, sum_log_mean = float(n @ log_spent), float(log_mean.sum())

    def objective(logs: Vector) -> tuple[float, Vector]:
        p, q, gamma = (float(value) for value in np.exp(logs))
        log_both = np.log(gamma + spent)
        inverse = 1 / (gamma + spent)
        both, n_both = float(log_both.sum()), float(n @ log_both)
        value = (
            by_count @ (gammaln(p * values + q) - gammaln(p * values))
            + number * (q * np.log(gamma) - gammaln(q))
            + p * n_log_spent
            - sum_log_mean
            - p * n_both
            - q * both
        )
        by_p = by_count @ (values * (digamma(p * values + q) - digamma(p * values))) + n_log_spent - n_both
        by_q = by_count @ digamma(p * values + q) + number * (np.log(gamma) - digamma(q)) - both
        by_gamma = number * q / gamma - p * float(n @ inverse) - q * float(inverse.sum())
        return float(value), np.array([by_p * p, by_q * q, by_gamma * gamma])

    return objective


def fit_spend(paid: NDArray[np.int64], spent: Vector) -> Estimate:
    """From the customers with at least one purchase of more than nothing: how many of those, and their sum.

    Raises NotIdentified when there are too few, when all paid the same, or when the fit has no mean; NotConverged when
    no start leads to a maximum.
    """
    if len(paid) < FEWEST_CUSTOMERS:
        raise NotIdentified(
            f"{len(paid)} customers have a purchase whose value counts: what purchases are worth cannot be told from "
            f"fewer than {FEWEST_CUSTOMERS}"
        )
    if (paid < 1).any() or not (spent > 0).all():
        raise ValueError("every customer needs at least one purchase of more than nothing")
    means = spent / paid
    if np.ptp(means) <= 1e-9 * float(means.mean()):
        raise NotIdentified("every customer's purchases are worth the same: nothing differs that could be modelled")
    typical = float(means.mean())
    # In units of a typical purchase, so that the search is the same for yen and for dinars.
    starts = [(p, q, share / p) for p, q, share in _STARTS]
    estimate = maximise(PARAMETERS, log_likelihood(paid, spent / typical), starts)
    p, q, gamma = estimate.values
    if q <= 1:
        raise NotIdentified(f"the value of purchases differs too much to have a mean (Gamma-Gamma q = {q:.3g} <= 1)")
    return replace(
        estimate,
        values=(p, q, gamma * typical),
        log_likelihood=estimate.log_likelihood - len(paid) * float(np.log(typical)),
    )


def spend_model(estimate: Estimate) -> SpendModel:
    return SpendModel(*estimate.values)
