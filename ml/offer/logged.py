"""What was given to whom, with which probability, and what came of it: the data that offers are learned from.

Runs in the training container: numpy alone.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

SMALLEST_PROPENSITY = 0.01
"""Smaller ones are raised to this, lest one row count more than a hundred others. It biases, so it is said."""
_ALARM = 5.0  # standard errors between what propensities say and how often an arm was given
_ALARM_SHARE = 0.1


class UnusableData(ValueError):
    """Nothing honest can be said from these rows; the message says why and what would help."""


@dataclass(frozen=True)
class Logged:
    """Rows of decisions and their rewards; `n` rows, `k` arms of which the first is the control, `d` features."""

    arms: tuple[str, ...]
    features: Array
    """(n, d), complete."""
    arm: Indices
    """(n,) index of the arm that was given."""
    reward: Array
    """(n,) before costs."""
    propensity: Array
    """(n,) with which the given arm was drawn, within (0, 1]."""
    customer: Indices
    """(n,) number of the row's customer from 0 on; a customer's rows stay together in folds and draws."""
    cost: Array
    """(k,) of giving each arm once, in the reward's unit."""
    eligible: Mask
    """(n, k) arms that had a chance; the control and the given one always."""
    clipped: int = 0
    """Rows whose propensity was raised to SMALLEST_PROPENSITY."""

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def net(self) -> Array:
        """(n,) reward less the cost of the arm that was given."""
        return self.reward - self.cost[self.arm]

    def rows(self, chosen: Indices | Mask) -> "Logged":
        return replace(
            self,
            features=self.features[chosen],
            arm=self.arm[chosen],
            reward=self.reward[chosen],
            propensity=self.propensity[chosen],
            customer=self.customer[chosen],
            eligible=self.eligible[chosen],
        )


def logged(
    arms: tuple[str, ...],
    features: Array,
    arm: Indices,
    reward: Array,
    *,
    propensity: Array | None,
    customer: Indices | None = None,
    cost: Array | None = None,
    eligible: Mask | None = None,
) -> Logged:
    """Checked rows. `propensity` None: the arms were given at random to all alike, so that shares are propensities.

    Raises UnusableData: fewer than two arms, no row of the control, a constant reward, propensities outside (0, 1] or
    ones that cannot be those of these arms.
    """
    size, number = len(arm), len(arms)
    counts = np.bincount(arm, minlength=number)
    if number < 2 or np.count_nonzero(counts) < 2:
        raise UnusableData("there is only one arm: expected rows of the control and of at least one other arm")
    if counts[0] == 0:
        raise UnusableData(f"no row has the control {arms[0]!r}: expected some, for all is measured against it")
    if float(np.ptp(reward)) == 0:
        raise UnusableData(f"the reward is {reward[0]:g} in every row: nothing can be learned from a constant")
    open_to = np.ones((size, number), dtype=bool) if eligible is None else eligible.copy()
    open_to[np.arange(size), arm] = True
    open_to[:, 0] = True
    raised = 0
    if propensity is None:
        drawn_with = counts[arm] / size
    else:
        outside = ~((propensity > 0) & (propensity <= 1))
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            raise UnusableData(
                f"{int(outside.sum())} propensities are not within (0, 1], first {propensity[first]:g} in row "
                f"{first + 1}: expected the probability with which the row's own arm was drawn"
            )
        raised = int((propensity < SMALLEST_PROPENSITY).sum())
        drawn_with = np.maximum(propensity, SMALLEST_PROPENSITY)
        _check_propensities(arms, arm, propensity)
    return Logged(
        arms=arms,
        features=features,
        arm=arm,
        reward=reward,
        propensity=drawn_with,
        customer=np.arange(size) if customer is None else np.unique(customer, return_inverse=True)[1],
        cost=np.zeros(number) if cost is None else cost,
        eligible=open_to,
        clipped=raised,
    )


def mean_weight(arm: Indices, propensity: Array, index: int) -> tuple[float, float]:
    """(mean, standard error) over all rows of 1 / propensity where the arm was given, else 0.

    Its expectation is the share of rows to whom the arm was open: 1 where it was open to all.
    """
    weights = np.where(arm == index, 1 / propensity, 0.0)
    return float(weights.mean()), float(weights.std(ddof=1) / np.sqrt(len(weights)))


def effective_size(weights: Array) -> float:
    """Kish's effective sample size: (sum w)^2 / sum w^2; 0 without any weight."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _check_propensities(arms: tuple[str, ...], arm: Indices, propensity: Array) -> None:
    for index, name in enumerate(arms):
        mean, error = mean_weight(arm, propensity, index)
        if mean - 1 > max(_ALARM * error, _ALARM_SHARE):
            raise UnusableData(
                f"the propensities cannot be those of arm {name!r}: 1 / propensity over its rows adds up to {mean:.2f} "
                "times the number of all rows, expected at most 1: record the probability of the row's own arm"
            )
