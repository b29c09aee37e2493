"""Offers whose true effects are known: what a policy brings can be worked out instead of estimated."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.offer.logged import Logged, logged

ARMS = ("nothing", "coupon", "points")


@dataclass(frozen=True)
class World:
    """`effects` (n, 3): what each arm changes for each customer; `drawn_with` (n,): probability of the arm given."""

    features: Any
    effects: Any
    arm: Any
    reward: Any
    drawn_with: Any

    @property
    def oracle(self) -> float:
        """The best that any policy can bring over nothing, per customer."""
        return float(self.effects.max(axis=1).mean())

    def true_gain(self, chosen: Any) -> float:
        """What a choice (n,) of arms brings over nothing."""
        return float(self.effects[np.arange(len(chosen)), chosen].mean())

    def randomised(self, **more: Any) -> Logged:
        return logged(ARMS, self.features, self.arm, self.reward, propensity=None, **more)

    def recorded(self, **more: Any) -> Logged:
        return logged(ARMS, self.features, self.arm, self.reward, propensity=self.drawn_with, **more)


def world(seed: int, size: int, *, varies: bool = True, confounded: bool = False, noise: float = 2.0) -> World:
    """The coupon helps where the first feature is high and harms elsewhere, points where the second is.

    Confounded: those who buy much anyway (the third feature) get the coupon far more often than others.
    """
    random = np.random.default_rng(seed)
    features = random.normal(size=(size, 4))
    coupon = np.where(features[:, 0] > 0, 2.0, -1.0) if varies else np.full(size, 0.8)
    points = np.where(features[:, 1] > 0, 1.5, -1.0) if varies else np.full(size, 0.2)
    effects = np.column_stack([np.zeros(size), coupon, points])
    if confounded:
        coupon_share = np.where(features[:, 2] > 0, 0.7, 0.1)
        shares = np.column_stack([(1 - coupon_share) / 2, coupon_share, (1 - coupon_share) / 2])
    else:
        shares = np.full((size, 3), 1 / 3)
    place = random.random(size)
    arm = (place[:, None] >= shares.cumsum(axis=1)[:, :2]).sum(axis=1)
    rows = np.arange(size)
    reward = 2 * features[:, 2] + effects[rows, arm] + noise * random.normal(size=size)
    return World(features, effects, arm, reward, shares[rows, arm])
