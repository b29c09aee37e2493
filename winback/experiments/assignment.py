"""Who is held out and who gets which variant: pure functions of (salt, customer).

A customer's place is a hash, so it does not depend on order, time, audience size or who else takes part, and it can be
recomputed by anyone who holds the salt (Kohavi, Tang and Xu 2020, *Trustworthy Online Controlled Experiments*, ch. 4
and 19: deterministic assignment by hashing the unit with the experiment's id). The salt names campaign and purpose, so
assignments of different campaigns, and the holdout and each experiment of one, are independent of each other.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from winback.identifiers import CampaignId, CustomerKey

_BITS = 53  # a float holds 53 bits exactly


class Arm(StrEnum):
    TREATMENT = "treatment"
    HOLDOUT = "holdout"


def assignment_salt(campaign_id: CampaignId, purpose: str) -> str:
    """Salt of one purpose (`holdout`, `experiment:{name}`) of one campaign: the same in every launch of it.

    It need not be secret: customer keys are hashes under the account's secret already.
    """
    return f"{campaign_id}:{purpose}"


def unit_interval(salt: str, customer_key: CustomerKey) -> float:
    """The customer's place in [0, 1): the first 53 bits of SHA-256 over `salt:customer_key`."""
    digest = hashlib.sha256(f"{salt}:{customer_key}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> (64 - _BITS)) * 2.0**-_BITS


def arm(salt: str, customer_key: CustomerKey, holdout_share: float) -> Arm:
    """`holdout` for the lowest `holdout_share` of the interval: raising the share moves nobody back to treatment.

    Raises ValueError when the share is not within 0..1.
    """
    if not 0 <= holdout_share <= 1:
        raise ValueError(f"holdout share {holdout_share} is not within 0 and 1")
    return Arm.HOLDOUT if unit_interval(salt, customer_key) < holdout_share else Arm.TREATMENT


def variant(salt: str, customer_key: CustomerKey, weights: Mapping[str, int]) -> str:
    """One of the names of `weights`, in proportion to them and in their order.

    Raises ValueError when no weight is positive or one is negative.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ValueError("variant weights must be whole numbers from 0, at least one above 0")
    place = int(unit_interval(salt, customer_key) * 2**_BITS) * total >> _BITS
    for name, weight in weights.items():
        if place < weight:
            return name
        place -= weight
    raise AssertionError("place lies below the total of the weights")
