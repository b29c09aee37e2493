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
    model_input: bool = False
    """Whether the churn model may read it: a number that is not an identity, and not derived from the rubric."""


FEATURES: tuple[Feature, ...] = (
    Feature("customer_id", "VARCHAR", "id", "the store's id of the customer"),
    Feature("purchases", "INTEGER", "purchases", "F: days with at least one purchase", model_input=True),
    Feature("orders", "BIGINT", "orders", "orders of any amount, returns included", model_input=True),
    Feature("net_minor", "BIGINT", "minor units", "M: gross_minor - returns_minor", model_input=True),
    Feature("gross_minor", "BIGINT", "minor units", "sum of the amounts of purchases", model_input=True),
    Feature(
        "returns_minor", "BIGINT", "minor units", "sum of returned amounts, as a positive number", model_input=True
    ),
    Feature("first_purchase_at", "TIMESTAMP", "UTC", "first purchase; null with returns only", nullable=True),
    Feature("last_purchase_at", "TIMESTAMP", "UTC", "last purchase; null with returns only", nullable=True),
    Feature("silence_days", "INTEGER", "days", "from the day of the last purchase to that of as_of", True, True),
    Feature("tenure_days", "INTEGER", "days", "from the day of the first purchase to that of as_of", True, True),
    Feature("span_days", "INTEGER", "days", "from the day of the first to that of the last purchase", True, True),
    Feature("average_purchase_minor", "DOUBLE", "minor units", "gross_minor / purchases", True, True),
    Feature("mean_gap_days", "DOUBLE", "days", "span_days / gap_count; null with one purchase", True, True),
    Feature("gap_log_mean", "DOUBLE", "ln days", "mean natural logarithm of the gaps in days", True, True),
    Feature("gap_count", "INTEGER", "gaps", "gaps between purchases: purchases - 1, at least 0", model_input=True),
    Feature("purchases_last_91_days", "INTEGER", "purchases", "on the 91 days before as_of's, or on it", False, True),
    Feature("purchases_last_182_days", "INTEGER", "purchases", "on the 182 days before as_of's, or on it", False, True),
    Feature("lapse_days", "INTEGER", "days", "L: own lapse threshold, shrunk to the account's rhythm", False, True),
    Feature("base_lapse_days", "INTEGER", "days", "L0: the threshold where no gap is known", False, True),
    Feature("silence_ratio", "DOUBLE", "silences per threshold", "r: silence_days / lapse_days", True, True),
    Feature("only_category", "BOOLEAN", "", "every line of every purchase is of the account's trend category"),
)

MODEL_INPUTS: tuple[str, ...] = tuple(feature.name for feature in FEATURES if feature.model_input)
