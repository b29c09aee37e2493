"""The feature contract: name, type, unit and meaning of every column of `facts`, in order.

Rules, models and endpoints read facts by these names. All of them look only at orders before `as_of` (exclusive). A
purchase is an order of amount >= 0; those of one UTC day are one purchase. Returns (amount < 0) reduce value only.
"""

from dataclasses import dataclass
from typing import Literal

Type = Literal["VARCHAR", "INTEGER", "BIGINT", "DOUBLE", "TIMESTAMP", "BOOLEAN"]


@dataclass(frozen=True)
class Feature:
    name: str
    type: Type
    unit: str
    definition: str
    nullable: bool = False
    scored: bool = False
    """Whether the parts to score carry it: counts and whole days, no money, for accounts differ in currency."""


FEATURES: tuple[Feature, ...] = (
    Feature("customer_id", "VARCHAR", "id", "the store's id of the customer; in the cloud its customer key"),
    Feature("purchases", "INTEGER", "purchases", "F: days with at least one purchase", scored=True),
    Feature("orders", "BIGINT", "orders", "orders of any amount, returns included"),
    Feature("net_minor", "BIGINT", "minor units", "M: gross_minor - returns_minor"),
    Feature("gross_minor", "BIGINT", "minor units", "sum of the amounts of purchases"),
    Feature("returns_minor", "BIGINT", "minor units", "sum of returned amounts, as a positive number"),
    Feature("first_purchase_at", "TIMESTAMP", "UTC", "first purchase; null with returns only", True),
    Feature("last_purchase_at", "TIMESTAMP", "UTC", "last purchase; null with returns only", True),
    Feature("silence_days", "INTEGER", "days", "from the day of the last purchase to that of as_of", True, True),
    Feature("tenure_days", "INTEGER", "days", "from the day of the first purchase to that of as_of", True, True),
    Feature("span_days", "INTEGER", "days", "from the day of the first to that of the last purchase", True, True),
    Feature("average_purchase_minor", "DOUBLE", "minor units", "gross_minor / purchases", True),
    Feature("mean_gap_days", "DOUBLE", "days", "span_days / gap_count; null with one purchase", True),
    Feature("gap_log_mean", "DOUBLE", "ln days", "mean natural logarithm of the gaps in days", True),
    Feature("gap_count", "INTEGER", "gaps", "gaps between purchases: purchases - 1, at least 0"),
    Feature("purchases_last_91_days", "INTEGER", "purchases", "on the 91 days before as_of's, or on it", scored=True),
    Feature("purchases_last_182_days", "INTEGER", "purchases", "on the 182 days before as_of's, or on it", scored=True),
    Feature("lapse_days", "INTEGER", "days", "L: own lapse threshold, shrunk to the account's rhythm"),
    Feature("base_lapse_days", "INTEGER", "days", "L0: the threshold where no gap is known"),
    Feature("silence_ratio", "DOUBLE", "silences per threshold", "r: silence_days / lapse_days", True),
    Feature("only_category", "BOOLEAN", "", "every line of every purchase is of the account's trend category"),
)

SCORED: tuple[str, ...] = tuple(feature.name for feature in FEATURES if feature.scored)
"""Names of the features in each row of the parts that refresh_score sends to the churn endpoint."""
