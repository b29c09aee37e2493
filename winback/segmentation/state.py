"""A customer's place in a snapshot, as it is stored beside the customer's profile."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentState:
    customer_key: str
    segment: str
    family: str
    value_tier: str
    status: str
    lapsed: bool
    churn_probability: float | None
    """Probability of no purchase in the next 91 days; None without a score."""
    score_source: str
