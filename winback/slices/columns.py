"""The columns that a condition may name: docs/data-model.md "The snapshot's columns", as a marketer's values see them.

Money columns lose `_minor` from their name, because a condition states money in major units of the account's currency.
"""

from dataclasses import dataclass
from enum import StrEnum

from winback.segmentation.behaviours import Behaviour
from winback.segmentation.grid import Status, ValueTier
from winback.segmentation.names import Family, Segment
from winback.segmentation.overlays import BreadthTier, DiscountTier, EngagementTier, PremiumTier


class Kind(StrEnum):
    """How a column's values are written in a condition."""

    MONEY = "money"  # decimal number of major units, at most the currency's decimals
    WHOLE = "whole"  # whole number: purchases, orders, days
    NUMBER = "number"
    DATE = "date"  # YYYY-MM-DD, a UTC day; a moment of the snapshot counts as the day it lies on
    FLAG = "flag"
    TEXT = "text"


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    meaning: str
    values: tuple[str, ...] = ()
    """All values that a text column can have; empty where it is free text."""

    @property
    def stored(self) -> str:
        """Its name in the snapshot."""
        return f"{self.name}_minor" if self.kind is Kind.MONEY else self.name


_CONSENT = ("granted", "denied", "unknown")

_COLUMNS = (
    Column("segment", Kind.TEXT, "the one segment", tuple(Segment)),
    Column("family", Kind.TEXT, "the segment's family", tuple(Family)),
    Column("value_tier", Kind.TEXT, "the playbook grid's value axis", tuple(ValueTier)),
    Column("status", Kind.TEXT, "the playbook grid's status axis", tuple(Status)),
    Column("premium_tier", Kind.TEXT, "overlay: full-price premium goods", tuple(PremiumTier)),
    Column("discount_tier", Kind.TEXT, "overlay: use of discounts", tuple(DiscountTier)),
    Column("breadth_tier", Kind.TEXT, "overlay: distinct categories", tuple(BreadthTier)),
    Column("engagement_tier", Kind.TEXT, "overlay: opens, clicks and visits", tuple(EngagementTier)),
    Column("behaviour", Kind.TEXT, "the purchase behaviour", tuple(Behaviour)),
    Column("recency_band", Kind.TEXT, "silence against the own threshold", ("Active", "Slip", "Gone", "Long")),
    Column("frequency_band", Kind.TEXT, "purchases", ("Once", "Repeat", "Frequent")),
    Column("monetary_band", Kind.TEXT, "net value", ("Regular", "High")),
    Column("recency_score", Kind.WHOLE, "1 to 5, 5 best"),
    Column("frequency_score", Kind.WHOLE, "1 to 5, 5 best"),
    Column("monetary_score", Kind.WHOLE, "1 to 5, 5 best"),
    Column("lapsed", Kind.FLAG, "silent for longer than the own threshold"),
    Column("newly_lapsed", Kind.FLAG, "lapsed, and not so in the latest snapshot before"),
    Column("purchases", Kind.WHOLE, "days with at least one purchase"),
    Column("orders", Kind.WHOLE, "orders of any amount, returns included"),
    Column("purchase_orders", Kind.WHOLE, "orders of an amount of at least 0"),
    Column("net", Kind.MONEY, "purchases less returns"),
    Column("gross", Kind.MONEY, "sum of purchases"),
    Column("returns", Kind.MONEY, "sum of returned amounts, as a positive number"),
    Column("margin", Kind.MONEY, "net less cost of goods, of orders whose cost is known; unknown without costs"),
    Column("costed_net", Kind.MONEY, "net of the orders whose cost is known"),
    Column("average_purchase", Kind.MONEY, "gross / purchases"),
    Column("average_order", Kind.MONEY, "gross / purchase orders"),
    Column("return_rate", Kind.NUMBER, "returns / gross, a share of 1"),
    Column("first_purchase_at", Kind.DATE, "day of the first purchase"),
    Column("last_purchase_at", Kind.DATE, "day of the last purchase"),
    Column("silence_days", Kind.WHOLE, "days since the last purchase"),
    Column("tenure_days", Kind.WHOLE, "days since the first purchase"),
    Column("span_days", Kind.WHOLE, "days from the first to the last purchase"),
    Column("mean_gap_days", Kind.NUMBER, "mean days between purchases"),
    Column("median_gap_days", Kind.WHOLE, "median days between purchases"),
    Column("gap_log_mean", Kind.NUMBER, "mean natural logarithm of the gaps in days"),
    Column("gap_log_spread", Kind.NUMBER, "standard deviation of those logarithms"),
    Column("gap_count", Kind.WHOLE, "gaps between purchases"),
    Column("purchases_last_91_days", Kind.WHOLE, "purchases of the last 91 days"),
    Column("purchases_last_182_days", Kind.WHOLE, "purchases of the last 182 days"),
    Column("lapse_days", Kind.WHOLE, "the own lapse threshold"),
    Column("base_lapse_days", Kind.WHOLE, "the threshold where no gap is known"),
    Column("silence_ratio", Kind.NUMBER, "silence days / lapse days"),
    Column("season_month", Kind.WHOLE, "first of the densest three months, 1 to 12"),
    Column("season_share", Kind.NUMBER, "share of purchases in those months, of 1"),
    Column("season_years", Kind.WHOLE, "years with a purchase in those months"),
    Column("seasonal", Kind.FLAG, "buys in one season"),
    Column("discounted_orders", Kind.WHOLE, "orders with a discount"),
    Column("discount_share", Kind.NUMBER, "share of orders with a discount, of 1"),
    Column("first_order_discounted", Kind.FLAG, "the first order had a discount"),
    Column("premium_orders", Kind.WHOLE, "orders with premium goods"),
    Column("premium_share", Kind.NUMBER, "share of orders with premium goods, of 1"),
    Column("last_premium_at", Kind.DATE, "day of the last order with premium goods"),
    Column("categories", Kind.WHOLE, "distinct categories bought"),
    Column("lines_per_order", Kind.NUMBER, "attach rate"),
    Column("only_category", Kind.FLAG, "buys nothing but the account's trend category"),
    Column("sends_182_days", Kind.WHOLE, "messages sent in the last 182 days"),
    Column("opens_182_days", Kind.WHOLE, "opens by a person in the last 182 days"),
    Column("clicks_182_days", Kind.WHOLE, "clicks by a person in the last 182 days"),
    Column("visits_182_days", Kind.WHOLE, "store visits in the last 182 days"),
    Column("days_since_last_send", Kind.WHOLE, "days since the last message"),
    Column("engagement", Kind.NUMBER, "0 to 1"),
    Column("email_consent", Kind.TEXT, "consent to e-mail", _CONSENT),
    Column("sms_consent", Kind.TEXT, "consent to SMS", _CONSENT),
    Column("push_consent", Kind.TEXT, "consent to push messages", _CONSENT),
    Column("acquisition_channel", Kind.TEXT, "where the customer came from, as the store names it"),
    Column("acquired_at", Kind.DATE, "day of the acquisition"),
    Column("churn_probability", Kind.NUMBER, "of no purchase in the next 91 days, 0 to 1"),
    Column(
        "score_source", Kind.TEXT, "where the probability is from", ("endpoint", "last_scores", "heuristic", "none")
    ),
    Column("model_id", Kind.TEXT, "the model that gave it"),
    Column("scored_at", Kind.DATE, "day of the facts that the model was given"),
    Column("p_alive", Kind.NUMBER, "probability that the customer still buys at all, 0 to 1"),
    Column("expected_purchases_365_days", Kind.NUMBER, "purchases expected in the next 365 days"),
    Column("predicted_value", Kind.MONEY, "what purchases of the next 365 days are expected to be worth today"),
    Column("predicted_value_low", Kind.MONEY, "lower bound of it, as far as the fit's parameters are uncertain"),
    Column("predicted_value_high", Kind.MONEY, "upper bound of it"),
    Column("predicted_margin", Kind.MONEY, "margin of the predicted value"),
    Column("value_source", Kind.TEXT, "where the predicted value is from", ("model", "segment", "none")),
)

COLUMNS: dict[str, Column] = {column.name: column for column in _COLUMNS}
"""By the name that a condition uses. Nothing else of a snapshot can be named."""
