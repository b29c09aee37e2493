"""Parts of the launch report beside its main comparison: tests, channels, paths, offers, and the forecast held against
what happened. Rates are shares of 1, money minor units of the account's currency, instants ISO 8601 UTC.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.campaigns.launch import Instant
from winback.experiments.statistics import Verdict


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChannelCost(Part):
    messages: int = Field(description="that the provider took")
    total: str | None = Field(description="at list prices, in the report's cost currency; null: not known")
    basis: str


class VariantArm(Part):
    """Treated customers of one variant. `mean` is a rate where the outcome is one of yes and no, else minor units."""

    variant: str
    customers: int
    mean: float | None


class VariantComparison(Part):
    """One variant less the control, in the outcome's own unit. The verdict is corrected by Holm's method."""

    variant: str
    difference: float | None
    low: float | None
    high: float | None
    adjusted_p_value: float | None
    verdict: Verdict
    smallest_detectable: float | None
    steady: bool = Field(default=True, description="false: amounts too skewed for the size, one customer can decide")


class TestedOutcome(Part):
    outcome: Literal["purchased", "clicked", "revenue"]
    arms: tuple[VariantArm, ...]
    comparisons: tuple[VariantComparison, ...]


class TestedExperiment(Part):
    """Everyone assigned a variant counts, contacted or not. The control is the first variant."""

    experiment: str
    step: str | None = Field(description="name of the step that it tests; null: every step")
    control: str
    expected_shares: dict[str, float]
    customers: dict[str, int]
    sample_ratio_p_value: float
    plausible: bool = Field(description="false below p = 0.001: the variants are not comparable, find out why first")
    outcomes: tuple[TestedOutcome, ...]


class BranchTaken(Part):
    branch: int
    on: str
    then: int = Field(description="customers who went that way")
    otherwise: int
    forecast: float | None = Field(description="share of `then` that the dry run expected")
    forecast_low: float | None
    forecast_high: float | None


class Redemptions(Part):
    """A redemption: an order of a customer who was given the code names it, within its days. Each code counts at most
    once, under the first that holds of `redeemed, outside_days, by_held_out, by_others`; a shared one once a customer.
    """

    customers: int = Field(description="to whom a message brought its code, or may have")
    delivered: int = Field(description="of these, those whom such a message reached")
    redeemed: int
    redeemed_of_delivered: int = Field(description="customers")
    rate: float | None = Field(description="redeemed_of_delivered / delivered")
    rate_low: float | None = Field(description="95 % interval (Wilson)")
    rate_high: float | None
    orders: int = Field(description="with redeemed codes: a code that the shop takes twice has two")
    discount_minor: int = Field(description="taken off these orders in all, for whatever reason, where they state it")
    discount_unknown: int = Field(description="of these orders, those that state none in the account's currency")
    cost_minor: int | None = Field(
        description="that discount, if the offer is one, and the offer's fixed cost an order"
    )
    still_valid: int = Field(description="customers who had not redeemed theirs by observed_until, and still could")
    outside_days: int = Field(description="used by whom they were given to, but not within their days")
    by_held_out: int = Field(description="used by customers who were held out: the offer leaked into the comparison")
    by_others: int = Field(description="used by anybody else")


class OfferGiven(Part):
    offer_id: str
    name: str
    sends: int = Field(description="messages with it that a sender took in hand")
    customers: int
    worst_minor: int = Field(description="what all of them could cost, were each redeemed at its most")
    has_codes: bool = Field(default=True, description="without any, nobody can tell whether an order redeemed it")
    redemptions: Redemptions | None = Field(default=None, description="null: not known")


class OffersGiven(Part):
    budget_minor: int
    worst_minor: int
    offers: tuple[OfferGiven, ...]
    orders_state_codes: bool = Field(
        default=False,
        description="whether any order since the launch's start says which codes it was paid with, or none",
    )
    redeemed: int | None = Field(default=None, description="codes, of offers with any; null: not known")
    cost_minor: int | None = Field(default=None, description="of all offers given; null: not known of one")


class Pause(Part):
    paused_at: Instant
    resumed_at: Instant | None
    because: str | None = Field(description="the guardrail; null: a person's own reasons")


class ForecastLine(Part):
    """What the dry run said beside what happened. `inside`: whether it lies within the range; null without both."""

    name: str
    unit: Literal["messages", "customers", "dollars", "money"]
    basis: str = Field(description="counted, known, measured, assumed: what the forecast rests on")
    estimate: float | None
    low: float | None
    high: float | None
    actual: float | None
    actual_low: float | None = Field(default=None, description="95 % interval of what was measured")
    actual_high: float | None = None
    inside: bool | None
