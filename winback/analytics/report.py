"""The launch report: what `report.json` holds. Rates are shares of 1, money minor units, instants ISO 8601 UTC.

`SCHEMA_VERSION` rises when a field changes its meaning or goes away; new fields leave it.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.analytics.report_parts import (
    BranchTaken,
    ChannelCost,
    ForecastLine,
    OffersGiven,
    Pause,
    TestedExperiment,
)
from winback.campaigns.launch import Instant, LaunchState
from winback.experiments.statistics import Verdict

SCHEMA_VERSION: Literal[1] = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReasonCount(_Part):
    reason: str
    count: int


class SampleRatio(_Part):
    """Whether the arms have the sizes that the assignment should have given."""

    expected_holdout_share: float
    observed_holdout_share: float | None
    p_value: float | None
    plausible: bool = Field(description="false below p = 0.001: the arms are not comparable, find out why first")


class Customers(_Part):
    candidates: int
    excluded: int
    exclusions: tuple[ReasonCount, ...] = Field(description="customers by reason; a customer may have several")
    treated: int
    held_out: int
    never_held_out: int = Field(default=0, description="treated ones of excluded tiers: left out of the comparison")
    sample_ratio: SampleRatio


class LedgerStep(_Part):
    """Planned sends of one step, or all of them, each by its one final outcome."""

    planned: int
    complained: int
    bounced_hard: int
    bounced_soft: int
    delivered: int
    accepted: int
    skipped: int
    failed: int
    unknown: int
    due: int

    @property
    def handed_over(self) -> int:
        """Sends that the provider took."""
        return self.complained + self.bounced_hard + self.bounced_soft + self.delivered + self.accepted


class Ledger(LedgerStep):
    difference: int = Field(description="planned less the sum of the outcomes; 0 when the ledger balances")
    balanced: bool
    skipped_reasons: tuple[ReasonCount, ...] = Field(description="sends by reason; a send may have several")
    failed_reasons: tuple[ReasonCount, ...] = Field(
        default=(), description="sends that failed, or of which nobody knows, by the error; each has one"
    )
    steps: dict[int, LedgerStep]
    channels: dict[str, LedgerStep] = Field(
        default_factory=dict, description="`none`: planned, but no channel was open to the customer"
    )


class Funnel(_Part):
    """Sends that reached a stage, whatever happened to them later."""

    planned: int
    handed_over: int
    arrived: int
    opened: int = Field(description="by a person")
    opened_by_machines_only: int
    clicked: int = Field(description="by a person")
    clicked_by_bots_only: int
    unsubscribed: int
    complained: int


class ChannelFunnel(Funnel):
    channel: str
    engaged: int = Field(description="opened or clicked by a person")


class Arm(_Part):
    customers: int
    returned: int = Field(description="customers with at least one purchase from assignment to observed_until")
    rate: float | None = Field(description="returned / customers, everyone assigned counted, contacted or not")


class Effect(_Part):
    """Treated less held out."""

    difference: float
    low: float
    high: float
    p_value: float | None


class Comparison(_Part):
    label: str
    treated: Arm
    held_out: Arm
    effect: Effect | None
    verdict: Verdict
    smallest_detectable_effect: float | None = Field(
        description="true increase that arms of these sizes find in 80 % of launches, at the holdout's rate"
    )
    adjusted_p_value: float | None = Field(
        default=None, description="of segments: by Holm's method over all of them; the verdict heeds it"
    )


class RevenueArm(_Part):
    customers: int
    revenue_minor: int
    per_customer_minor: float | None


class Revenue(_Part):
    """Net revenue (orders less returns) of everyone assigned, in the account's currency. Margin stands apart."""

    currency: str
    treated: RevenueArm
    held_out: RevenueArm
    effect: Effect | None = Field(description="difference per assigned customer, minor units")
    verdict: Verdict
    steady: bool = Field(description="false: too few customers for so skewed amounts, one large order can decide")
    capped: Effect | None = Field(
        default=None, description="the difference with each customer's revenue capped at cap_minor, a steadier mean"
    )
    cap_minor: int | None = Field(default=None, description="the 99 % quantile of customers' revenue but for zeros")
    capped_verdict: Verdict | None = None
    hangs_on: int | None = Field(
        default=None, description="without so many of the largest customers the verdict would be another"
    )
    orders_in_other_currencies: int = Field(description="count as purchases, not as revenue")
    margin_minor: int | None = Field(default=None, description="null: not known, no cost of goods was imported")


class AttributedStep(_Part):
    orders: int
    revenue_minor: int


class Attribution(_Part):
    """What last touch credits: purchases within `days` of the first open or click by a person of each message, the
    latest such message before the order. A second click of one message is no touch. It says nothing about cause.
    """

    days: int
    orders: int
    customers: int
    revenue_minor: int
    share_of_treated: float | None
    after_click: int = Field(description="orders whose last touch was a click")
    steps: dict[int, AttributedStep]


class Cost(_Part):
    emails: int = Field(description="sends that the provider took")
    price_per_thousand: str
    total: str
    currency: str
    prices_of: str
    channels: dict[str, ChannelCost] = Field(default_factory=dict)
    aws_estimate: str | None = Field(default=None, description="the rest of AWS, from counted calls at list prices")


class Week(_Part):
    """Cumulative rate of both arms up to the end of the week since assignment; week 0 is the assignment."""

    week: int
    treated: float | None
    held_out: float | None


class Check(_Part):
    name: str
    text: str
    holds: bool
    violations: int


# What an offer may cost, or how often somebody is written to, says nothing about how the arms compare.
_BESIDE_THE_COMPARISON = frozenset({"caps", "approved_offers", "codes", "offer_budget"})


def comparison_holds(checks: Iterable[Check]) -> bool:
    return all(check.holds for check in checks if check.name not in _BESIDE_THE_COMPARISON)


class LaunchReport(_Part):
    schema_version: Literal[1] = SCHEMA_VERSION
    account_id: str
    launch_id: str
    campaign_id: str
    campaign_name: str
    snapshot_id: str
    state: LaunchState
    interim: bool = Field(description="the evaluation window was not over at observed_until: figures will change")
    computed_at: Instant
    assigned_at: Instant
    observed_until: Instant = Field(description="exclusive")
    evaluation_ends_at: Instant
    headline: str
    primary: Literal["win-back", "conversion"] = Field(
        description="win-back: of customers lapsed at assignment; conversion: of the others, where too few were lapsed"
    )
    main: Comparison
    lapsed: Comparison | None = Field(
        default=None,
        description="customers lapsed at assignment, if any, where they are too few for the main comparison",
    )
    not_lapsed: Comparison | None = Field(description="conversion of customers not lapsed at assignment, if any")
    segments: tuple[Comparison, ...]
    weeks: tuple[Week, ...]
    revenue: Revenue
    attribution: Attribution
    customers: Customers
    funnel: Funnel
    ledger: Ledger
    cost: Cost
    checks: tuple[Check, ...]
    channels: tuple[ChannelFunnel, ...] = ()
    experiments: tuple[TestedExperiment, ...] = ()
    branches: tuple[BranchTaken, ...] = ()
    offers: OffersGiven | None = None
    pauses: tuple[Pause, ...] = ()
    forecast: tuple[ForecastLine, ...] = ()

    @property
    def trustworthy(self) -> bool:
        """Whether the arms are comparable and no rule is broken that the comparison rests on."""
        return self.customers.sample_ratio.plausible and comparison_holds(self.checks)
