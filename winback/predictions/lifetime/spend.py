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
from scipy.special import digamma, gammaln, polygamma

from winback.predictions.lifetime.fitting import Estimate, Likelihood, NotIdentified, Point, by_logs, maximise

Vector = NDArray[np.float64]
PARAMETERS = ("p", "q", "gamma")
FEWEST_CUSTOMERS = 10
_TRIAL_ROWS = 10_000
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


def log_likelihood(paid: NDArray[np.int64], spent: Vector) -> Likelihood:
    """Of the customers' `spent` over `paid` purchases, both positive, with its derivatives (Fader and Hardie 2013,
    equation 1a). It is the density of the mean value spent / paid."""
    values = np.arange(int(paid.max(initial=0)) + 1, dtype=float)[1:]
    by_count = np.bincount(paid, minlength=len(values) + 1)[1:].astype(float)
    number = float(len(paid))
    n = paid.astype(float)
    log_spent = np.log(spent)
    n_log_spent, sum_log_mean = float(n @ log_spent), float((log_spent - np.log(n)).sum())

    def at(logs: Vector, *, with_hessian: bool = False) -> Point:
        p, q, gamma = (float(value) for value in np.exp(logs))
        together = gamma + spent
        log_both, inverse = np.log(together), 1 / together
        both, n_both = float(log_both.sum()), float(n @ log_both)
        sum_inverse, n_inverse = float(inverse.sum()), float(n @ inverse)
        value = (
            by_count @ (gammaln(p * values + q) - gammaln(p * values))
            + number * (q * np.log(gamma) - gammaln(q))
            + p * n_log_spent
            - sum_log_mean
            - p * n_both
            - q * both
        )
        gradient = np.array(
            [
                by_count @ (values * (digamma(p * values + q) - digamma(p * values))) + n_log_spent - n_both,
                by_count @ digamma(p * values + q) + number * (np.log(gamma) - digamma(q)) - both,
                number * q / gamma - p * n_inverse - q * sum_inverse,
            ]
        )
        if not with_hessian:
            return by_logs((p, q, gamma), float(value), gradient, None)
        curved = polygamma(1, p * values + q)
        by_p_q = by_count @ (values * curved)
        by_q_gamma = number / gamma - sum_inverse
        hessian = np.array(
            [
                [by_count @ (values**2 * (curved - polygamma(1, p * values))), by_p_q, -n_inverse],
                [by_p_q, by_count @ curved - number * polygamma(1, q), by_q_gamma],
                [
                    -n_inverse,
                    by_q_gamma,
                    -number * q / gamma**2 + float((p * n + q) @ (inverse * inverse)),
                ],
            ]
        )
        return by_logs((p, q, gamma), float(value), gradient, hessian)

    return at


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
    every = slice(None, None, max(1, len(paid) // _TRIAL_ROWS))
    trial = log_likelihood(paid[every], spent[every] / typical) if every.step > 1 else None
    estimate = maximise(PARAMETERS, log_likelihood(paid, spent / typical), starts, trial=trial)
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
