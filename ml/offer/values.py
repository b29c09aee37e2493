"""What a policy would have brought, judged on rows that another policy decided. Runs in the training container.

A policy is a matrix (n, k): with which probability it gives each row each arm. All values are per row, after costs.
Inverse propensity scoring (Horvitz and Thompson, JASA 47, 1952), self-normalised too (Hajek; Swaminathan and Joachims,
NeurIPS 2015), and doubly robust (Dudik, Langford and Li, ICML 2011, equation 1). Standard errors are clustered by
customer and intervals hold 95 % by Student's t with customers - 1 degrees; the policy counts as given.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import t

if __package__:
    from ml.offer.learners import clustered_mean
    from ml.offer.logged import Array, Indices, Logged, effective_size
else:  # run by the container, where neighbours are modules of their own
    from learners import clustered_mean  # type: ignore[import-not-found,no-redef]
    from logged import Array, Indices, Logged, effective_size  # type: ignore[import-not-found,no-redef]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    value: float
    low: float
    high: float
    error: float

    def row(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class PolicyValue:
    """`effective_rows`: Kish's size of the rows that agree with the policy, by their weights."""

    doubly_robust: Estimate
    ips: Estimate
    self_normalised: Estimate
    effective_rows: float
    shares: tuple[float, ...]
    """Of the rows, what the policy gives each arm."""


def net_scores(data: Logged, scores: Array) -> Array:
    """`learners.pseudo_outcomes` less the cost of each arm: (n, k)."""
    return scores - data.cost


def one_arm(data: Logged, index: int) -> Array:
    """Gives the arm to everybody who may have it, and the control to the others."""
    chosen = np.where(data.eligible[:, index], index, 0)
    return chosen_arms(chosen, len(data.arms))


def best_single(data: Logged, scores: Array, known: Sequence[bool]) -> int:
    """Index of the arm whose giving to everybody is worth most, among those of which enough is `known`."""
    means = [
        float((one_arm(data, index) * scores).sum(axis=1).mean()) if enough else -np.inf
        for index, enough in enumerate(known)
    ]
    return int(np.argmax(means))


def at_random(data: Logged) -> Array:
    """Each arm that a row may have with the same probability."""
    return np.asarray(data.eligible / data.eligible.sum(axis=1, keepdims=True))


def chosen_arms(chosen: Indices, arms: int) -> Array:
    return np.eye(arms)[chosen]


def best_arms(data: Logged, uplifts: Array) -> Indices:
    """(n,) arm of the largest uplift after costs among those open to each row; of equal ones the first."""
    gain = np.where(data.eligible, uplifts - (data.cost - data.cost[0]), -np.inf)
    return np.asarray(gain.argmax(axis=1))


def interval(mean: float, error: float, customers: int, comparisons: int = 1) -> Estimate:
    """`comparisons`: of how many such intervals all shall hold together (Bonferroni)."""
    tail = (1 - CONFIDENCE) / 2 / comparisons
    reach = float(t.ppf(1 - tail, customers - 1)) if customers > 1 else float("inf")
    return Estimate(mean, mean - reach * error, mean + reach * error, error)


def mean_interval(values: Array, customer: Indices, comparisons: int = 1) -> Estimate:
    mean, error = clustered_mean(values, customer)
    return interval(mean, error, len(np.unique(customer)), comparisons)


def policy_value(data: Logged, policy: Array, scores: Array) -> PolicyValue:
    """`scores`: `net_scores` of models that did not see the rows."""
    weights = policy[np.arange(len(data)), data.arm] / data.propensity
    return PolicyValue(
        doubly_robust=mean_interval((policy * scores).sum(axis=1), data.customer),
        ips=mean_interval(weights * data.net, data.customer),
        self_normalised=_ratio(weights, data.net, data.customer),
        effective_rows=effective_size(weights),
        shares=tuple(float(share) for share in policy.mean(axis=0)),
    )


def gain(data: Logged, policy: Array, over: Array, scores: Array, comparisons: int = 1) -> Estimate:
    """Doubly robust value of one policy less another's, paired by row."""
    return mean_interval(((policy - over) * scores).sum(axis=1), data.customer, comparisons)


def _ratio(weights: Array, rewards: Array, customer: Indices) -> Estimate:
    total = float(weights.sum())
    if total == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"))
    mean = float(weights @ rewards) / total
    _, error = clustered_mean(weights * (rewards - mean) / (total / len(weights)), customer)
    return interval(mean, error, len(np.unique(customer)))
