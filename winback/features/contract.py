"""The feature contract: name, type, unit and meaning of every column of `facts`, in order.

Rules, models and endpoints read facts by these names. All of them look only at what was before `as_of` (exclusive). A
purchase is an order of amount >= 0; those of one UTC day are one purchase. Returns (amount < 0) reduce value only.
"Purchase orders" are single orders of amount >= 0, however many a day has.
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
    """Whether models read it, and so the parts to score carry it: nothing in money, for accounts differ in currency."""


FEATURES: tuple[Feature, ...] = (
    Feature("customer_id", "VARCHAR", "id", "the store's id of the customer; in the cloud its customer key"),
    # What the orders say.
    Feature("purchases", "INTEGER", "purchases", "F: days with at least one purchase", scored=True),
    Feature("orders", "BIGINT", "orders", "orders of any amount, returns included"),
    Feature("purchase_orders", "BIGINT", "orders", "orders of amount >= 0"),
    Feature("net_minor", "BIGINT", "minor units", "M: gross_minor - returns_minor"),
    Feature("gross_minor", "BIGINT", "minor units", "sum of the amounts of purchases"),
    Feature("returns_minor", "BIGINT", "minor units", "sum of returned amounts, as a positive number"),
    Feature(
        "margin_minor",
        "BIGINT",
        "minor units",
        "sum of amount - cost over all orders, returns included, whose cost is known: the order's own, else the sum of "
        "its lines' when each is known. Signs are the store's: the cost of goods that came back is negative. Orders of "
        "unknown cost are left out; null when that is all of them",
        True,
    ),
    Feature(
        "costed_net_minor",
        "BIGINT",
        "minor units",
        "sum of the amounts that margin_minor is of: all orders, returns included, whose cost is known; null with it",
        True,
    ),
    Feature("first_purchase_at", "TIMESTAMP", "UTC", "first purchase; null with returns only", True),
    Feature("last_purchase_at", "TIMESTAMP", "UTC", "last purchase; null with returns only", True),
    Feature("silence_days", "INTEGER", "days", "from the day of the last purchase to that of as_of", True, True),
    Feature("tenure_days", "INTEGER", "days", "from the day of the first purchase to that of as_of", True, True),
    Feature("span_days", "INTEGER", "days", "from the day of the first to that of the last purchase", True, True),
    Feature("average_purchase_minor", "DOUBLE", "minor units", "gross_minor / purchases", True),
    Feature("average_order_minor", "DOUBLE", "minor units", "gross_minor / purchase_orders", True),
    Feature("return_rate", "DOUBLE", "share", "returns_minor / gross_minor; null when nothing was paid", True, True),
    # The rhythm.
    Feature("mean_gap_days", "DOUBLE", "days", "span_days / gap_count; null with one purchase", True),
    Feature("median_gap_days", "INTEGER", "days", "least gap that half of the gaps do not exceed", True, True),
    Feature("gap_log_mean", "DOUBLE", "ln days", "mean natural logarithm of the gaps in days", True, True),
    Feature("gap_log_spread", "DOUBLE", "ln days", "standard deviation (n - 1) of the gaps' logarithms", True, True),
    Feature("gap_count", "INTEGER", "gaps", "gaps between purchases: purchases - 1, at least 0"),
    Feature("purchases_last_91_days", "INTEGER", "purchases", "on the 91 days before as_of's, or on it", scored=True),
    Feature("purchases_last_182_days", "INTEGER", "purchases", "on the 182 days before as_of's, or on it", scored=True),
    Feature(
        "lapse_days",
        "INTEGER",
        "days",
        "L: own lapse threshold, shrunk to the account's rhythm; with seasons",
        scored=True,
    ),
    Feature("base_lapse_days", "INTEGER", "days", "L0: the threshold where no gap is known"),
    Feature("silence_ratio", "DOUBLE", "silences per threshold", "r: silence_days / lapse_days", True),
    # The months of purchases.
    Feature(
        "season_month",
        "INTEGER",
        "month 1 to 12",
        "first of the three consecutive months (December goes on to January) that hold most purchases of all years; of "
        "equal ones the earliest in the year; null below 4 purchases or 365 days from the first to the last",
        True,
    ),
    Feature("season_share", "DOUBLE", "share", "share of the purchases that lie in the season", True, True),
    Feature("season_years", "INTEGER", "years", "different years (of the season's start) with a purchase in it", True),
    Feature("seasonal", "BOOLEAN", "", "evidence enough for a yearly habit; docs/decisions, lapse threshold"),
    # Discounts and lines.
    Feature(
        "discounted_orders",
        "BIGINT",
        "orders",
        "purchase orders with a discount; null when no order of the account has one",
        True,
    ),
    Feature("discount_share", "DOUBLE", "share", "discounted_orders / purchase_orders", True, True),
    Feature("first_order_discounted", "BOOLEAN", "", "a purchase order of the first day had a discount", True),
    Feature(
        "premium_orders",
        "BIGINT",
        "orders",
        "purchase orders whose dearest line's price per piece, or without lines whose amount, reaches the account's "
        "premium cut; null where the account has no cut",
        True,
    ),
    Feature("premium_share", "DOUBLE", "share", "premium_orders / purchase_orders", True, True),
    Feature("last_premium_at", "TIMESTAMP", "UTC", "last premium order", True),
    Feature(
        "categories", "BIGINT", "categories", "different ones of purchase lines; null without any known", True, True
    ),
    Feature("lines_per_order", "DOUBLE", "lines", "mean over the purchase orders that have lines", True, True),
    Feature("only_category", "BOOLEAN", "", "every line of every purchase is of the account's trend category"),
    # Touches.
    Feature("sends_182_days", "BIGINT", "messages", "sent on the 182 days before as_of's, or on it"),
    Feature("opens_182_days", "BIGINT", "messages", "opened by a person, same days; a machine's never count"),
    Feature("clicks_182_days", "BIGINT", "messages", "clicked by a person, same days"),
    Feature("visits_182_days", "BIGINT", "days", "of the same days, those with a store event such as a visit or cart"),
    Feature("days_since_last_send", "INTEGER", "days", "from the day of the last message sent, of any time", True),
    Feature(
        "engagement",
        "DOUBLE",
        "0 to 1",
        "share of the 182 days' contacts that the customer took up: (clicks + half of the opens beyond clicks + visits "
        "+ 1/2) / (messages + visits + 1), where messages = the greatest of sends, opens and clicks; null without any",
        True,
        True,
    ),
    # Profiles.
    Feature("email_consent", "VARCHAR", "granted, denied, unknown", "as the profile states it"),
    Feature("sms_consent", "VARCHAR", "granted, denied, unknown", "as the profile states it"),
    Feature("push_consent", "VARCHAR", "granted, denied, unknown", "as the profile states it"),
    Feature("acquisition_channel", "VARCHAR", "", "as the profile states it", True),
    Feature("acquired_at", "TIMESTAMP", "UTC", "creation of the profile or first purchase, whichever is earlier", True),
)

SCORED: tuple[str, ...] = tuple(feature.name for feature in FEATURES if feature.scored)
"""Names of the features in each row of the parts that refresh_score sends to the churn endpoint."""
