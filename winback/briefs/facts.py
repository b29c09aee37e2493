"""What is known of an account when a brief is written, from where, and how sure it is. What is unknown is None."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from winback.briefs.stages import Stage

Value = TypeVar("Value")


class Certainty(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    def at_most(self, other: "Certainty") -> "Certainty":
        levels = list(Certainty)
        return max(self, other, key=levels.index)


class Source(StrEnum):
    ORDERS = "from orders"
    STATED = "stated"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Fact(Generic[Value]):
    """One figure of the account. `how` says what it was made of, where that is not plain."""

    value: Value
    source: Source
    how: str = ""

    @property
    def certainty(self) -> Certainty:
        levels = {Source.ORDERS: Certainty.HIGH, Source.STATED: Certainty.MEDIUM, Source.ASSUMED: Certainty.LOW}
        return levels[self.source]


@dataclass(frozen=True)
class Return:
    """Share of customers of a segment who purchased within 91 days without a launch to thank for it; 95 % interval."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Lift:
    """Measured by launches with a holdout; shares of one."""

    estimate: float
    low: float
    high: float
    tells: bool


@dataclass(frozen=True)
class Limit:
    """At most so many messages in so many days; `channels` None: any that the customer agreed to."""

    at_most: int
    days: int
    channels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class SegmentFacts:
    """Money in minor units. `hidden`: too few customers to be shown, nothing else is told of them."""

    name: str
    stage: Stage
    certainty: Certainty
    why_certain: str
    meaning: str = ""
    customers: int | None = None
    hidden: bool = False
    net_minor: int | None = None
    average_order_minor: int | None = None
    lapsed: int | None = None
    bought_once: int | None = None
    margin_share: float | None = None
    gap_days: int | None = None
    silence_days: int | None = None
    late_after_days: int | None = None
    returns_alone: Return | None = None
    """None: not measured, or too few to tell."""
    lift: Lift | None = None
    returning_minor: int | None = None
    """What one who comes back purchases in 91 days."""
    recent_minor: int | None = None
    """Purchases of the last 182 days, each customer's at its own average."""
    reach: dict[str, float] = field(default_factory=dict)
    """Share that consents, by channel; a channel of which nothing is known is absent."""
    engagement: dict[str, int] = field(default_factory=dict)
    discounts: dict[str, int] = field(default_factory=dict)
    premium: dict[str, int] = field(default_factory=dict)
    breadth: dict[str, int] = field(default_factory=dict)
    """Customers by tier of the overlay, the unknown ones left out; empty where nothing is known."""
    priority: str | None = None
    leave_alone: str = ""
    limit: Limit | None = None

    @property
    def is_filled(self) -> bool:
        return self.hidden or self.customers is None or self.customers > 0


@dataclass(frozen=True)
class Channel:
    name: str
    """`email`, `sms`, `push`, `wechat` ..."""
    label: str
    tools: tuple[str, ...] = ()
    available: bool | None = None
    """None: nobody said."""
    reach: Fact[float] | None = None

    @property
    def is_usable(self) -> bool:
        """Named as available; e-mail, which Winback sends itself, unless it is said not to be."""
        return bool(self.available) or (self.name == "email" and self.available is None)


@dataclass(frozen=True)
class CampaignLine:
    """The playbook's cells that share a campaign."""

    campaign: str
    priority: str
    timing: str
    cells: int
    customers: int
    net_minor: int
    hidden: bool


@dataclass(frozen=True)
class GapLine:
    name: str
    missing: str
    unlocks: str
    supply: str
    score: float


@dataclass(frozen=True)
class AcquisitionLine:
    """Customers of one acquisition channel, by the store's own word for it."""

    channel: str
    customers: int
    bought_once: int
    net_minor: int


@dataclass(frozen=True)
class Bands:
    """How many customers are in each band, and where it is cut."""

    recency: dict[str, int]
    frequency: dict[str, int]
    monetary: dict[str, int]
    lost_after: float
    frequent_purchases: int
    high_value_minor: int


@dataclass(frozen=True)
class Assumption:
    text: str
    certainty: Certainty


@dataclass(frozen=True)
class AccountFacts:
    source: Source
    """ORDERS or STATED: what the segments are from."""
    basis: str
    currency: str
    segments: tuple[SegmentFacts, ...] = ()
    """In the order of work: who is addressed first, then who is left alone."""
    business: str = ""
    customers: int | None = None
    net_minor: int | None = None
    lapsed: int | None = None
    history_days: int | None = None
    average_order: Fact[int] | None = None
    gap: Fact[int] | None = None
    """Typical days between purchases."""
    late_after: Fact[int] | None = None
    """Silence in days after which a customer of unknown rhythm is late."""
    lost_after: Fact[int] | None = None
    margin: Fact[float] | None = None
    return_rate: Fact[float] | None = None
    repeat_rate: Fact[float] | None = None
    churn: Fact[float] | None = None
    purchases_per_year: Fact[float] | None = None
    bought_once: Fact[int] | None = None
    recent_minor: Fact[int] | None = None
    """Purchases of 182 days."""
    bands: Bands | None = None
    behaviours: dict[str, int] = field(default_factory=dict)
    engagement: dict[str, int] = field(default_factory=dict)
    discounts: dict[str, int] = field(default_factory=dict)
    premium: dict[str, int] = field(default_factory=dict)
    breadth: dict[str, int] = field(default_factory=dict)
    acquisition: tuple[AcquisitionLine, ...] = ()
    campaigns: tuple[CampaignLine, ...] = ()
    gaps: tuple[GapLine, ...] = ()
    channels: tuple[Channel, ...] = ()
    goals: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    discount_limit: Fact[float] | None = None
    contact_limit: Limit | None = None
    remarks: tuple[str, ...] = ()
    understood: tuple[tuple[str, str], ...] = ()
    """(what was taken, the words that it was taken from)"""
    not_understood: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def worked(self) -> tuple[SegmentFacts, ...]:
        """Segments that campaigns may address, first ones first."""
        return tuple(row for row in self.segments if row.is_filled and not row.leave_alone and not row.hidden)

    @property
    def left_alone(self) -> tuple[SegmentFacts, ...]:
        return tuple(row for row in self.segments if row.is_filled and row.leave_alone and not row.hidden)

    @property
    def filled(self) -> tuple[SegmentFacts, ...]:
        return tuple(row for row in self.segments if row.is_filled)

    def share_of_value(self, rows: Iterable[SegmentFacts]) -> float | None:
        return _share([row.net_minor for row in rows], self.net_minor)

    def share_of_customers(self, rows: Iterable[SegmentFacts]) -> float | None:
        return _share([row.customers for row in rows], self.customers)


def _share(parts: Sequence[int | None], whole: int | None) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) / whole if known and len(known) == len(parts) and whole is not None and whole > 0 else None
