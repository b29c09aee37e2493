"""What would help: what is missing in an account's data, and which analysis each missing field would unlock, ranked.

A gap's score is the share of the data that lacks the field times its weight. Weights say how much the field unlocks,
from 1 to 10: 10 where nothing can be sent without it, 8 and 9 where whole analyses or whole customers are missing, 5
to 7 where an overlay or a decision is, below where one is made better. They are ours, in one place (`FIELDS`), and
order a list; they measure nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import duckdb

TWO_YEARS = 730
"""Days after which a season comes for the third time, which is what the fact `seasonal` asks for."""


class Rows(BaseModel):
    """What became of imported rows, and of orders in other currencies; zeros where nothing is known of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    read: int = Field(default=0, ge=0)
    rejected: int = Field(default=0, ge=0)
    without_customer: int = Field(default=0, ge=0, description="of the rejected")
    orders_in_other_currencies: int = Field(default=0, ge=0)
    orders_without_rate: int = Field(default=0, ge=0, description="of those in other currencies: left out")

    @classmethod
    def of_rejects(cls, read: int, rejects_by_reason: dict[str, int]) -> "Rows":
        """From an import's account of its rows: reasons read `customer_id: missing`."""
        nobody = sum(number for reason, number in rejects_by_reason.items() if reason.startswith("customer_id:"))
        return cls(read=read, rejected=sum(rejects_by_reason.values()), without_customer=nobody)


class Counts(BaseModel):
    """Customers with a purchase, and of how many of them something is not known (data_quality.sql)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int = Field(ge=0)
    orders: int = Field(ge=0)
    without_lines: int = Field(ge=0)
    lines_without_category: int = Field(ge=0)
    without_cost: int = Field(ge=0)
    without_discounts: int = Field(ge=0)
    with_returns: int = Field(ge=0)
    without_email_consent: int = Field(ge=0)
    without_other_consent: int = Field(ge=0)
    without_acquisition_channel: int = Field(ge=0)
    without_engagement: int = Field(ge=0)
    without_visits: int = Field(ge=0)
    at_midnight: int = Field(ge=0)
    history_days: int = Field(ge=0)


class Gap(BaseModel):
    """One missing field. `score` orders the list; the higher, the more it would help."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    missing: str
    share_missing: float = Field(ge=0, le=1)
    weight: int = Field(ge=1, le=10)
    score: float = Field(ge=0, le=10)
    unlocks: tuple[str, ...]
    supply: str = Field(description="how to send it")


@dataclass(frozen=True)
class _Field:
    name: str
    weight: int
    unlocks: tuple[str, ...]
    supply: str
    share: Callable[[Counts, Rows], tuple[int, int]]
    """(missing, of all)"""
    words: str
    """What is missing; {some} is `all 100` or `25 of 100`."""


def _of_customers(attribute: str) -> Callable[[Counts, Rows], tuple[int, int]]:
    return lambda counts, _: (getattr(counts, attribute), counts.customers)


_ORDERS = "orders:batch, or a column of the orders file"
_PROFILES = "customers:batch, or a column of the customers file"

FIELDS: tuple[_Field, ...] = (
    _Field(
        "consent to e-mail",
        10,
        ("Sending anything: nothing leaves without consent", "How many a campaign can reach, before it is made"),
        f"email_consent (granted or denied, with time and source): {_PROFILES}",
        _of_customers("without_email_consent"),
        "Nobody knows whether {some} customers consent to e-mail",
    ),
    _Field(
        "order lines",
        9,
        (
            "Breadth overlay: who buys across the range and who in one corner of it",
            "Lines per order, and what is bought together: cross-sell, bundles, recommendations",
            "The Trend Audience, and any slice by product or category",
            "Premium by price per piece, instead of by the size of the order",
        ),
        f"lines with sku, category, quantity and price: {_ORDERS}",
        _of_customers("without_lines"),
        "{some} customers have no order with its lines",
    ),
    _Field(
        "exchange rates",
        9,
        ("Value, segment and grid cell of whoever buys in another currency",),
        "daily rates as a file of kind rates (European Central Bank or Bank of England format)",
        lambda counts, rows: (rows.orders_without_rate, counts.orders + rows.orders_without_rate),
        "{some} orders are left out: no rate is known for their currency and day",
    ),
    _Field(
        "customer of each row",
        8,
        ("Purchases that now belong to nobody: rhythm, value and segment of who made them",),
        "customer_id on every row; a guest's e-mail address can stand for it",
        lambda _, rows: (rows.without_customer, rows.read),
        "{some} imported rows name no customer that can be read, and were rejected",
    ),
    _Field(
        "costs",
        8,
        (
            "Margin beside revenue, for customers, segments and campaigns",
            "Priorities and offers by what is earned instead of by what is taken",
        ),
        f"cost of the order or of each line: {_ORDERS}",
        _of_customers("without_cost"),
        "{some} customers have no purchase of which the cost is known",
    ),
    _Field(
        "discounts",
        7,
        (
            "Discount overlay: who never needs one, and who only comes for one",
            "Deal Seekers among the archetypes",
            "Which offers give away margin on purchases that come anyway",
        ),
        f"discount of the order: {_ORDERS}",
        _of_customers("without_discounts"),
        "{some} customers have no order of which a discount is known: either you give none, or it is not sent",
    ),
    _Field(
        "two years of history",
        7,
        (
            "Seasons: who buys every Christmas is not lapsed in June",
            "Rhythms of those who buy once a year, and this year against the last",
        ),
        "older orders, as a file: they count from the refresh after their import",
        lambda counts, _: (max(0, TWO_YEARS - counts.history_days) if counts.customers else 0, TWO_YEARS),
        "{some} days are missing: a yearly habit shows after two years, when its season comes for the third time",
    ),
    _Field(
        "categories",
        6,
        ("Breadth overlay", "Category offers of the playbook", "The Trend Audience"),
        f"category of each line: {_ORDERS}",
        _of_customers("lines_without_category"),
        "{some} customers have order lines, but none with a category",
    ),
    _Field(
        "engagement",
        6,
        (
            "Engagement overlay: who reads and does not buy, who buys and does not read",
            "Send time per customer",
            "A silence that is real, against one that only the till sees",
        ),
        "campaigns sent from here, or a file of kind events with sends, opens and clicks of the tool before",
        _of_customers("without_engagement"),
        "{some} customers have neither a message nor a visit of the last half year on record",
    ),
    _Field(
        "rows that fit",
        5,
        ("Whatever the rejected rows say: a gap in an export reads as silence of its customers",),
        "the rejected rows' lines, fields and reasons: mend them in the source and import again",
        lambda _, rows: (rows.rejected - rows.without_customer, rows.read),
        "{some} imported rows were rejected for other reasons",
    ),
    _Field(
        "store visits and carts",
        4,
        ("Win-back triggers from a visit or a cart left behind", "Coming back before buying again"),
        "a file of kind events: visited, carted, subscribed",
        _of_customers("without_visits"),
        "{some} customers have no visit to the store of the last half year on record",
    ),
    _Field(
        "acquisition channel",
        4,
        ("What a customer of each channel is worth in the end", "Whether the one-off buyers come from one campaign"),
        f"acquisition_channel: {_PROFILES}",
        _of_customers("without_acquisition_channel"),
        "Nobody knows where {some} customers came from",
    ),
    _Field(
        "returns",
        4,
        ("Net value instead of gross: who keeps what was bought", "Return rate, per customer and segment"),
        f"returns as orders of negative amount: {_ORDERS}",
        lambda counts, _: (0 if counts.with_returns else counts.customers, counts.customers),
        "Not one return is known of {some} customers: either nothing ever comes back, or it is not sent",
    ),
    _Field(
        "consent to text messages or push",
        3,
        ("Campaigns on a second channel", "The call list: consent to text messages opens the phone"),
        f"sms_consent, push_consent and phone: {_PROFILES}",
        _of_customers("without_other_consent"),
        "Nobody knows whether {some} customers consent to text messages or push",
    ),
    _Field(
        "time of day",
        3,
        ("Send time from the hour of purchases", "The order of two purchases of one day"),
        f"ordered_at with its time: {_ORDERS}",
        _of_customers("at_midnight"),
        "{some} customers have their first and last purchase at midnight: dates were sent, no times",
    ),
)


def measure(connection: "duckdb.DuckDBPyConnection") -> Counts:
    """From the table `facts` that `build_snapshot` makes; the orders are not read again."""
    text = files("winback.segmentation").joinpath("data_quality.sql").read_text(encoding="utf-8")
    cursor = connection.execute(text)
    names = [column[0] for column in cursor.description or []]
    (row,) = cursor.fetchall()
    return Counts.model_validate(dict(zip(names, map(int, row), strict=True)))


def assess(counts: Counts, rows: Iterable[Rows] = (), *, hidden_below: int = 0) -> list[Gap]:
    """What is missing, what would help most first; nothing for an account without customers.

    `rows`: of each import that counts, and of the conversion of currencies. Two fields of equal score stand in the
    order of FIELDS. What fewer than `hidden_below` lack is no gap, and what fewer than that have, nearly all lack.
    """
    added = _added(rows)
    gaps = [gap for field in FIELDS if (gap := _gap(field, counts, added, hidden_below)) is not None]
    return sorted(gaps, key=lambda gap: -gap.score)


def _gap(field: _Field, counts: Counts, rows: Rows, hidden_below: int) -> Gap | None:
    missing, of_all = field.share(counts, rows)
    if missing <= 0 or of_all <= 0 or missing < min(hidden_below, of_all):
        return None
    some = f"all {of_all:,}" if missing == of_all else f"{missing:,} of {of_all:,}"
    if 0 < of_all - missing < hidden_below:
        missing, some = of_all, f"nearly all {of_all:,}"
    share = missing / of_all
    words = field.words.format(some=some)
    return Gap(
        field=field.name,
        missing=f"{words[0].upper()}{words[1:]}.",
        share_missing=round(share, 4),
        weight=field.weight,
        score=round(share * field.weight, 3),
        unlocks=field.unlocks,
        supply=field.supply,
    )


def _added(rows: Iterable[Rows]) -> Rows:
    total = dict.fromkeys(Rows.model_fields, 0)
    for one in rows:
        for name, value in one.model_dump().items():
            total[name] += value
    return Rows(**total)
