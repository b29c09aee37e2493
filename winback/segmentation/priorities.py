"""Which segments deserve the effort: four tiers by cohort size x value per customer x likely conversion lift.

Cohort size x value per customer is the segment's net value to date. The likely lift is measured where launches with a
holdout have told it, and otherwise an assumption of the rubric, marked as such. What a campaign adds is put beside what
comes back by itself, because only the first is its doing.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from winback.segmentation.measured_lift import MeasuredLift
from winback.segmentation.names import Segment
from winback.segmentation.organic_return import FEWEST_CUSTOMERS, OrganicReturn, SegmentReturn
from winback.segmentation.rubric_settings import RubricSettings, SegmentPolicy
from winback.segmentation.totals import SegmentTotals


class PriorityTier(StrEnum):
    HEADLINE = "Headline"
    SECONDARY = "Secondary"
    LIGHT_TOUCH = "Light touch"
    LEAVE_ALONE = "Leave alone"


class ContactPolicy(BaseModel):
    """At most `at_most` messages in `days` days, on `channels` only (null: any that the customer agreed to)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_most: int
    days: int
    channels: tuple[str, ...] | None


class Expected(BaseModel):
    """What contacting the whole segment once would add to what happens anyway. An estimate, never a promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purchasers: float = Field(description="customers x lift")
    value_each_minor: int = Field(description="what one of them purchases")
    value_each_from: Literal["organic return", "average purchase"]
    net_minor: int = Field(description="purchasers x value each")
    net_low_minor: int | None = Field(default=None, description="with the low end of a measured lift")
    net_high_minor: int | None = None
    margin_minor: int | None = Field(default=None, description="net_minor at the segment's margin; null: costs unknown")


class Priority(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    segment: Segment
    tier: PriorityTier
    rank: int | None = Field(description="by score_minor among the segments that campaigns may address")
    customers: int | None = Field(description="null: too few to be shown")
    net_minor: int | None
    average_net_minor: int | None
    lift: float = Field(description="share of the contacted who purchase and otherwise would not have")
    lift_from: Literal["assumed", "measured"]
    measured: MeasuredLift | None = Field(description="also one that is too small to tell, and then is not used")
    score_minor: int | None = Field(description="customers x value per customer x lift: only to rank by")
    organic: SegmentReturn | None = Field(description="who came back without a launch of their own to thank for it")
    expected: Expected | None = Field(description="null for nobody, and for segments to leave alone")
    leave_alone: str = Field(description="why, or empty")
    contact: ContactPolicy


def prioritise(
    segments: Sequence[SegmentTotals],
    settings: RubricSettings,
    *,
    organic: OrganicReturn | None = None,
    lifts: Mapping[Segment, MeasuredLift] | None = None,
) -> list[Priority]:
    """Every segment once: by tier, then by score.

    Of the segments with at least `secondary_share` of the highest score, the first `headline` are Headline and the
    others Secondary; the rest, empty ones too, and whoever may be contacted at most once in
    `light_touch_days`, is Light touch. Leave alone is what the rubric gives a reason for, what launches measurably
    harmed, and what comes back by itself anyway (`leave_alone_above`).
    """
    measured = lifts or {}
    returns = {row.segment: row for row in organic.segments} if organic is not None else {}
    drafts = [_draft(row, settings, returns.get(row.segment), measured.get(row.segment)) for row in segments]
    order = {row.segment: position for position, row in enumerate(segments)}
    ranked = sorted(
        (draft for draft in drafts if not draft.leave_alone),
        key=lambda draft: (-(draft.score_minor or 0), order[draft.segment]),
    )
    tiers = _tiers(ranked, settings)
    placed = [
        draft.model_copy(update={"rank": rank, "tier": tiers[draft.segment]})
        for rank, draft in enumerate(ranked, start=1)
    ]
    alone = [draft for draft in drafts if draft.leave_alone]
    levels = list(PriorityTier)
    return sorted([*placed, *alone], key=lambda row: levels.index(row.tier))


def _draft(
    row: SegmentTotals, settings: RubricSettings, organic: SegmentReturn | None, measured: MeasuredLift | None
) -> Priority:
    policy = settings.segments[row.segment]
    used = measured if measured is not None and measured.tells else None
    # No more can be won than does not come back anyway.
    most = 1 - organic.share if organic is not None and organic.share is not None else 1.0
    lift = used.estimate if used is not None else min(policy.assumed_lift, most)
    reason = _reason(policy, organic, used, settings.priorities.leave_alone_above)
    return Priority(
        segment=row.segment,
        tier=PriorityTier.LEAVE_ALONE if reason else PriorityTier.LIGHT_TOUCH,
        rank=None,
        customers=row.customers,
        net_minor=row.net_minor,
        average_net_minor=row.average_net_minor,
        lift=lift,
        lift_from="measured" if used is not None else "assumed",
        measured=measured,
        score_minor=max(0, round(row.net_minor * lift)),
        organic=organic,
        expected=None if reason or not row.customers else _expected(row, lift, organic, used),
        leave_alone=reason,
        contact=ContactPolicy(at_most=policy.at_most, days=policy.days, channels=policy.channels),
    )


def _reason(policy: SegmentPolicy, organic: SegmentReturn | None, used: MeasuredLift | None, above: float) -> str:
    """Why to leave the segment alone; empty when there is none. What was measured goes before what is assumed."""
    if used is not None and used.estimate < 0:
        interval = f"{-100 * used.high:.1f} to {-100 * used.low:.1f}"
        return f"Of 100 contacted, {-100 * used.estimate:.1f} fewer purchased than held out ({interval}, 95 %)."
    if policy.leave_alone or used is not None:
        return policy.leave_alone
    if organic is not None and organic.share is not None and organic.low is not None and organic.low >= above:
        return f"{100 * organic.share:.0f} of 100 came back by themselves: there is little left to win."
    return ""


def _expected(
    row: SegmentTotals, lift: float, organic: SegmentReturn | None, measured: MeasuredLift | None
) -> Expected:
    """What a returning customer of the segment purchased in the window; of too few, an average purchase stands in."""
    if organic is not None and organic.returned >= FEWEST_CUSTOMERS:
        each, origin = organic.purchased_minor / organic.returned, "organic return"
    else:
        each, origin = max(0, row.net_minor) / row.purchases if row.purchases else 0.0, "average purchase"
    net = row.customers * lift * each
    margin = None
    if row.margin_minor is not None and row.margin_net_minor:
        margin = round(net * row.margin_minor / row.margin_net_minor)
    return Expected(
        purchasers=round(row.customers * lift, 1),
        value_each_minor=round(each),
        value_each_from="organic return" if origin == "organic return" else "average purchase",
        net_minor=round(net),
        net_low_minor=round(row.customers * measured.low * each) if measured is not None else None,
        net_high_minor=round(row.customers * measured.high * each) if measured is not None else None,
        margin_minor=margin,
    )


def _tiers(ranked: Iterable[Priority], settings: RubricSettings) -> dict[Segment, PriorityTier]:
    tiers: dict[Segment, PriorityTier] = {}
    rules, first, headlines = settings.priorities, 0, 0
    for row in ranked:
        score = row.score_minor or 0
        often = row.contact.at_most * rules.light_touch_days > row.contact.days
        if score <= 0 or not often:
            tiers[row.segment] = PriorityTier.LIGHT_TOUCH
            continue
        first = first or score
        if score < rules.secondary_share * first:
            tiers[row.segment] = PriorityTier.LIGHT_TOUCH
        elif headlines < rules.headline:
            headlines += 1
            tiers[row.segment] = PriorityTier.HEADLINE
        else:
            tiers[row.segment] = PriorityTier.SECONDARY
    return tiers
