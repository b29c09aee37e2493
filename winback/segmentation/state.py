"""A customer's place in a snapshot, as it is stored beside the customer's profile."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from winback.instants import format_instant


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
    churn_reasons: list[dict[str, Any]] | None
    """`feature` and `effect` of what moved it most when it was last written, as a model gave them; None without one."""
    premium_tier: str
    discount_tier: str
    breadth_tier: str
    engagement_tier: str
    behaviour: str
    # What explains the place (explanations.EXPLAINED). It changes with the customer's orders and the rubric alone: the
    # silence, which changes daily, is counted from last_purchase_at when it is read.
    net_minor: int
    purchase_orders: int
    last_purchase_at: datetime
    """UTC, without a zone, as DuckDB gives it."""
    median_gap_days: int | None
    lapse_days: int
    seasonal: bool
    season_month: int | None
    predicted_value_minor: int | None
    """What purchases within 365 days are expected to be worth; None where it is not known."""
    value_source: str

    def attributes(self) -> dict[str, Any]:
        """Attributes of the stored item by name, without the key; None where nothing is known."""
        known = {name: value for name, value in vars(self).items() if name != "customer_key"}
        known["churn_reasons"] = self.churn_reasons or None
        return {**known, "last_purchase_at": format_instant(self.last_purchase_at.replace(tzinfo=UTC))}
