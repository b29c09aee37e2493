"""What an account's own figures say about how to speak to a segment: one sentence a finding, the strongest first."""

from collections.abc import Iterator

from winback.briefs.facts import AccountFacts, SegmentFacts
from winback.briefs.stages import LAPSED, Stage
from winback.briefs.timing import BY_HAND_BELOW
from winback.briefs.wording import days, ten, top_share
from winback.pages.figures import percent, points, span

_MOST = 3
_MOSTLY = 0.5
_MARKED = 1.3
"""Times the account's own share from which on a segment differs."""
_PREMIUM = ("active", "lapsed", "mixed")
_USUAL_DISCOUNT = 0.1
"""What an offer costs is shown for ten percent off, or for the limit that the notes set, if that is lower."""


def insights(row: SegmentFacts, account: AccountFacts) -> list[str]:
    found = [
        *_lift(row),
        *_returns(row),
        *(_habits(row, account) if (row.customers or 0) >= BY_HAND_BELOW else ()),
        *_late(row),
    ]
    return found[:_MOST]


def offer_cost(account: AccountFacts) -> str:
    """What a discount takes of the margin, where the margin is known."""
    margin = account.margin
    if margin is None or margin.value <= 0:
        return ""
    limit = account.discount_limit
    off = min(_USUAL_DISCOUNT, limit.value) if limit is not None else _USUAL_DISCOUNT
    if off <= 0:
        return ""
    if off >= margin.value:
        return f"{percent(off, 0)} off would sell at or below cost: the margin is {percent(margin.value, 0)}."
    return (
        f"{percent(off, 0)} off takes {percent(off / margin.value, 0)} of an order's margin: it takes "
        f"{percent(margin.value / (margin.value - off) - 1, 0)} more orders to earn the same."
    )


def _returns(row: SegmentFacts) -> Iterator[str]:
    if row.returns_alone is not None and row.stage in LAPSED and row.returns_alone.share >= _MOSTLY:
        share = percent(row.returns_alone.share, 0)
        yield f"{share} come back unasked in 91 days: wait longer than the trigger says, and write to the rest."


def _lift(row: SegmentFacts) -> Iterator[str]:
    if row.lift is None:
        return
    interval = span(points(row.lift.low), points(row.lift.high))
    told = f"{points(row.lift.estimate)} ({interval}, 95 %)" if row.lift.tells else f"too small to tell ({interval})"
    yield f"Your launches with a holdout: {told}."


def _habits(row: SegmentFacts, account: AccountFacts) -> Iterator[str]:
    """What tells the segment from the account; what is true of everybody says nothing of it."""
    repeat, usual = top_share(row.discounts, ("repeat",)), top_share(account.discounts, ("repeat",))
    never = top_share(row.discounts, ("never",))
    if repeat is not None and usual is not None and repeat >= max(_MARKED * usual, 0.2):
        yield f"{ten(repeat)} buy at a discount as a rule ({ten(usual)} of all): another one is their normal price."
    elif never is not None and never >= _MOSTLY:
        yield f"{ten(never)} never used a discount: do not teach them now."
    bought, of_all = top_share(row.premium, _PREMIUM), top_share(account.premium, _PREMIUM)
    if bought is not None and of_all is not None and bought >= max(_MARKED * of_all, 0.3):
        yield f"{ten(bought)} have bought premium ({ten(of_all)} of all): lead with that end of the range."
    narrow, widely = top_share(row.breadth, ("narrow",)), top_share(account.breadth, ("narrow",))
    if (
        narrow is not None
        and widely is not None
        and narrow >= min(_MARKED * widely, 0.9)
        and row.stage is not Stage.ONCE
    ):
        yield f"{ten(narrow)} keep to few categories ({ten(widely)} of all): show a second one."
    asleep = top_share(row.engagement, ("low", "very low"))
    if asleep is not None and asleep >= _MOSTLY:
        yield f"{ten(asleep)} hardly open or click: test the channel before the offer."


def _late(row: SegmentFacts) -> Iterator[str]:
    if row.silence_days is not None and row.late_after_days is not None and row.silence_days > row.late_after_days:
        gap = f", against a usual gap of {days(row.gap_days)}" if row.gap_days else ""
        yield f"Half have been silent for {days(row.silence_days)} or more{gap}."
