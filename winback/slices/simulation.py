"""What a campaign over some customers might reach, cost and return: arithmetic on stated inputs, never a promise.

A lift is the share of the contacted who purchase and otherwise would not have. Where launches with a holdout measured
it, the figures have their interval; elsewhere the rubric's assumption stands in, is marked as one, and has a range from
nothing to ASSUMED_UP_TO times itself. Ranges of segments are added end to end, as if all were off the same way, because
what one campaign got wrong it mostly got wrong everywhere.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, Self

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


class Amounts(_Part):
    """Minor units, rounded: money is whole."""

    estimate: int
    low: int
    high: int

    @classmethod
    def of(cls, found: Range) -> Self:
        return cls(estimate=round(found.estimate), low=round(found.low), high=round(found.high))

    def times(self, factor: float) -> "Amounts":
        return Amounts.of(Range(**self.model_dump()).times(factor))


class Group(_Part):
    """The selected customers of one segment."""

    segment: str
    customers: int
    reachable: int = Field(description="with consent to the channel; suppression and frequency caps not yet looked at")
    value_each_minor: float | None = Field(description="an average purchase of the reachable; null without any")
    margin_share: float | None = Field(description="margin / net of the orders whose costs are known; null of none")


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
    """Null figures: suppressed, too few to show."""

    segment: str
    customers: int | None
    reachable: int | None
    treated: int | None
    lift: Lift
    told: Literal["assumed", "more", "fewer", "too small to tell"] = Field(
        description="what the measured lift says: nothing sure where its interval includes zero"
    )
    extra_purchasers: Range | None
    revenue_minor: Amounts | None


class _Row(NamedTuple):
    group: Group
    lift: Lift
    treated: int
    extra_purchasers: Range
    revenue_minor: Amounts


class Simulation(_Part):
    channel: str
    customers: int
    reachable: int
    treated: int
    held_out: int
    cost: Cost
    basis: Literal["measured", "assumed", "measured in part"]
    extra_purchasers: Range
    revenue_minor: Amounts = Field(description="net revenue of the extra purchasers' first purchases")
    margin_minor: Amounts | None = Field(description="of that; null: costs are not known for every segment")
    after_cost_minor: Amounts | None = Field(description="margin less cost; null: no margin, or another currency")
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
    hidden: Collection[str] = (),
) -> Simulation:
    """`lifts` has every segment of `groups`; `decimals` are those of the account's `currency`; `hidden` segments count
    in all totals, without figures of their own.
    """
    rows = [_row(group, lifts[group.segment], plan.holdout_share) for group in groups]
    reachable = sum(group.reachable for group in groups)
    treated = sum(row.treated for row in rows)
    rate = _untreated_rate(groups, untreated_rates)
    detectable = smallest_detectable_effect(treated, reachable - treated, rate)
    extra = _sum([row.extra_purchasers for row in rows])
    margin = _margin(rows)
    cost = plan.price * plan.messages * treated
    bases = {row.lift.basis for row in rows if row.group.reachable}
    basis: Literal["measured", "assumed", "measured in part"] = "assumed"
    if "measured" in bases:
        basis = "measured" if len(bases) == 1 else "measured in part"
    too_small = detectable is None or extra.estimate < detectable * treated
    return Simulation(
        channel=plan.channel,
        customers=sum(group.customers for group in groups),
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
        revenue_minor=_sum_amounts([row.revenue_minor for row in rows]),
        margin_minor=margin,
        after_cost_minor=_less(margin, round(cost.scaleb(decimals))) if plan.price_currency == currency else None,
        untreated_rate=rate,
        smallest_detectable_effect=detectable,
        verdict="too small to tell" if too_small else "large enough to tell",
        segments=[_group_return(row, hidden=row.group.segment in hidden) for row in rows],
        notes=_notes(rows, plan, currency, detectable, margin),
    )


def _row(group: Group, lift: Lift, holdout_share: float) -> _Row:
    treated = group.reachable - round(group.reachable * holdout_share)
    extra = Range(estimate=lift.estimate, low=lift.low, high=lift.high).times(treated)
    return _Row(group, lift, treated, extra, Amounts.of(extra.times(group.value_each_minor or 0.0)))


def _group_return(row: _Row, *, hidden: bool) -> GroupReturn:
    return GroupReturn(
        segment=row.group.segment,
        customers=None if hidden else row.group.customers,
        reachable=None if hidden else row.group.reachable,
        treated=None if hidden else row.treated,
        lift=row.lift,
        told=_told(row.lift),
        extra_purchasers=None if hidden else row.extra_purchasers,
        revenue_minor=None if hidden else row.revenue_minor,
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


def _margin(rows: Sequence[_Row]) -> Amounts | None:
    if not rows or any(row.group.margin_share is None for row in rows if row.group.reachable):
        return None
    return _sum_amounts([row.revenue_minor.times(row.group.margin_share or 0.0) for row in rows])


def _sum(ranges: Sequence[Range]) -> Range:
    return Range(
        estimate=sum(each.estimate for each in ranges),
        low=sum(min(each.low, each.high) for each in ranges),
        high=sum(max(each.low, each.high) for each in ranges),
    )


def _sum_amounts(ranges: Sequence[Amounts]) -> Amounts:
    return Amounts.of(_sum([Range(**each.model_dump()) for each in ranges]))


def _less(found: Amounts | None, cost: int) -> Amounts | None:
    if found is None:
        return None
    return Amounts(estimate=found.estimate - cost, low=found.low - cost, high=found.high - cost)


def _notes(
    rows: Sequence[_Row], plan: Plan, currency: str, detectable: float | None, margin: Amounts | None
) -> list[str]:
    notes = ["An estimate from stated inputs, no promise: another season, message or audience may show another effect."]
    if assumptions := [row.group.segment for row in rows if row.lift.basis == "assumed" and row.group.reachable]:
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
