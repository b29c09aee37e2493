"""What a campaign over some customers might reach, cost and return: arithmetic on stated inputs, never a promise.

A lift is the share of the contacted who purchase and otherwise would not have. Where launches with a holdout measured
it, the figures have their interval; elsewhere the rubric's assumption stands in, is marked as one, and has a range from
nothing to ASSUMED_UP_TO times itself. Ranges of segments are added end to end, as if all were off the same way, because
what one campaign got wrong it mostly got wrong everywhere.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.experiments.power import smallest_detectable_effect

ASSUMED_UP_TO = 3.0
CAUTIOUS_RATE = 0.5
"""Of customers of whom no return rate is known: the rate at which an effect is hardest to tell."""

Basis = Literal["measured", "assumed"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Part):
    estimate: float
    low: float
    high: float

    def times(self, factor: float) -> "Range":
        return Range(estimate=self.estimate * factor, low=self.low * factor, high=self.high * factor)


class Group(_Part):
    """The selected customers of one segment."""

    segment: str
    customers: int
    reachable: int = Field(description="with consent to the channel; suppression and frequency caps not yet looked at")
    value_each_minor: float | None = Field(description="an average purchase of the reachable; null without any")
    margin_share: float | None = Field(description="margin / net of those whose costs are known; null of nobody")


class Lift(Range):
    basis: Basis
    launches: int = Field(description="that measured it; 0 where it is assumed")


class Plan(_Part):
    """`price` in major units of `price_currency`, for one message."""

    channel: str
    messages: int
    price: Decimal
    price_currency: str
    price_source: str
    holdout_share: float


class Cost(_Part):
    messages: int
    price_per_message: str
    total: str
    currency: str
    price_source: str


class GroupReturn(_Part):
    segment: str
    customers: int
    reachable: int
    treated: int
    lift: Lift
    told: Literal["assumed", "more", "fewer", "too small to tell"] = Field(
        description="what the measured lift says: nothing sure where its interval includes zero"
    )
    extra_purchasers: Range
    revenue_minor: Range


class Simulation(_Part):
    channel: str
    customers: int
    reachable: int
    treated: int
    held_out: int
    cost: Cost
    basis: Literal["measured", "assumed", "measured in part"]
    extra_purchasers: Range
    revenue_minor: Range = Field(description="net revenue of the extra purchasers' first purchases")
    margin_minor: Range | None = Field(description="of that; null: costs are not known for every segment")
    after_cost_minor: Range | None = Field(description="margin less cost; null: no margin, or another currency")
    untreated_rate: float = Field(description="share expected to purchase without a message")
    smallest_detectable_effect: float | None = Field(description="of rates, that arms of these sizes find; null: never")
    verdict: Literal["large enough to tell", "too small to tell"] = Field(
        description="whether arms of these sizes would mostly find the estimated lift"
    )
    segments: list[GroupReturn]
    notes: list[str]


def assumed(lift: float) -> Lift:
    return Lift(estimate=lift, low=0.0, high=min(1.0, ASSUMED_UP_TO * lift), basis="assumed", launches=0)


def simulate(
    groups: Sequence[Group],
    lifts: Mapping[str, Lift],
    plan: Plan,
    *,
    currency: str,
    decimals: int,
    untreated_rates: Mapping[str, float],
) -> Simulation:
    """`lifts` has every segment of `groups`; `decimals` are those of the account's `currency`."""
    rows = [_group_return(group, lifts[group.segment], plan.holdout_share) for group in groups]
    reachable = sum(row.reachable for row in rows)
    treated = sum(row.treated for row in rows)
    rate = _untreated_rate(groups, untreated_rates)
    detectable = smallest_detectable_effect(treated, reachable - treated, rate)
    extra = _sum([row.extra_purchasers for row in rows])
    margin = _margin(rows, groups)
    cost = plan.price * plan.messages * treated
    bases = {row.lift.basis for row in rows if row.reachable}
    basis: Literal["measured", "assumed", "measured in part"] = "assumed"
    if "measured" in bases:
        basis = "measured" if len(bases) == 1 else "measured in part"
    too_small = detectable is None or extra.estimate < detectable * treated
    return Simulation(
        channel=plan.channel,
        customers=sum(row.customers for row in rows),
        reachable=reachable,
        treated=treated,
        held_out=reachable - treated,
        cost=Cost(
            messages=plan.messages * treated,
            price_per_message=format(plan.price, "f"),
            total=str(cost.quantize(Decimal("0.01"))),
            currency=plan.price_currency,
            price_source=plan.price_source,
        ),
        basis=basis,
        extra_purchasers=extra,
        revenue_minor=_sum([row.revenue_minor for row in rows]),
        margin_minor=margin,
        after_cost_minor=_less(margin, float(cost.scaleb(decimals))) if plan.price_currency == currency else None,
        untreated_rate=rate,
        smallest_detectable_effect=detectable,
        verdict="too small to tell" if too_small else "large enough to tell",
        segments=rows,
        notes=_notes(rows, plan, currency, detectable, margin),
    )


def _group_return(group: Group, lift: Lift, holdout_share: float) -> GroupReturn:
    treated = group.reachable - round(group.reachable * holdout_share)
    extra = Range(estimate=lift.estimate, low=lift.low, high=lift.high).times(treated)
    return GroupReturn(
        segment=group.segment,
        customers=group.customers,
        reachable=group.reachable,
        treated=treated,
        lift=lift,
        told=_told(lift),
        extra_purchasers=extra,
        revenue_minor=extra.times(group.value_each_minor or 0.0),
    )


def _told(lift: Lift) -> Literal["assumed", "more", "fewer", "too small to tell"]:
    if lift.basis == "assumed":
        return "assumed"
    if lift.low <= 0 <= lift.high:
        return "too small to tell"
    return "more" if lift.estimate > 0 else "fewer"


def _untreated_rate(groups: Sequence[Group], known: Mapping[str, float]) -> float:
    everybody = sum(group.reachable for group in groups)
    if not everybody:
        return CAUTIOUS_RATE
    return sum(group.reachable * known.get(group.segment, CAUTIOUS_RATE) for group in groups) / everybody


def _margin(rows: Sequence[GroupReturn], groups: Sequence[Group]) -> Range | None:
    shares = [group.margin_share for group in groups]
    if not rows or any(share is None for share, row in zip(shares, rows, strict=True) if row.reachable):
        return None
    return _sum([row.revenue_minor.times(share or 0.0) for share, row in zip(shares, rows, strict=True)])


def _sum(ranges: Sequence[Range]) -> Range:
    return Range(
        estimate=sum(each.estimate for each in ranges),
        low=sum(min(each.low, each.high) for each in ranges),
        high=sum(max(each.low, each.high) for each in ranges),
    )


def _less(found: Range | None, cost: float) -> Range | None:
    if found is None:
        return None
    return Range(estimate=found.estimate - cost, low=found.low - cost, high=found.high - cost)


def _notes(
    rows: Sequence[GroupReturn], plan: Plan, currency: str, detectable: float | None, margin: Range | None
) -> list[str]:
    notes = ["An estimate from stated inputs, no promise: another season, message or audience may show another effect."]
    if assumptions := [row.segment for row in rows if row.lift.basis == "assumed" and row.reachable]:
        notes.append(
            f"Assumed, not measured, for {', '.join(assumptions)}: no launch with a holdout has told their lift yet. "
            f"The range from nothing to {ASSUMED_UP_TO:g} times the assumption is ours too."
        )
    notes.append(
        "Reach counts consent alone: suppressed addresses, frequency caps and those who purchase first go off it."
    )
    notes.append(
        "An extra purchaser is taken to make one average purchase; later purchases and discounts are left out."
    )
    if margin is None:
        notes.append("Margin is not told: the costs of goods are not known for every segment.")
    if plan.price_currency != currency:
        notes.append(f"Cost is in {plan.price_currency} and value in {currency}: they are not set against each other.")
    if detectable is None:
        notes.append("Without customers in both arms the launch could not tell any effect.")
    else:
        notes.append(
            f"A launch of this size mostly tells effects from {100 * detectable:.1f} percentage points; smaller true "
            "ones will read as too small to tell."
        )
    return notes
