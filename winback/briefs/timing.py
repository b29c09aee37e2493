"""When to write: touches spaced by the rhythm of those who are written to, within the contact limits."""

from dataclasses import dataclass, replace
from math import ceil

from winback.briefs.facts import AccountFacts, SegmentFacts
from winback.briefs.ideas import ideas_for
from winback.briefs.stages import LAPSED, Stage

CLOSEST, FURTHEST = 4, 21
"""Days between two touches: never closer, never further by the rhythm alone."""
UNKNOWN_SPACING = 10
BY_HAND_BELOW = 30
"""Customers: a smaller segment is worked by a person, and its rates mean nothing."""


@dataclass(frozen=True)
class Touch:
    day: int
    channel: str
    subject: str
    purpose: str


def is_by_hand(row: SegmentFacts) -> bool:
    few = row.customers is not None and row.customers < BY_HAND_BELOW
    return row.stage is Stage.LOST_BEST or (few and row.stage in LAPSED)


def spacing(row: SegmentFacts, account: AccountFacts) -> int:
    """A third of the usual gap, within bounds; further apart where the contact limit would be broken."""
    gap = row.gap_days or (account.gap.value if account.gap else None)
    wait = UNKNOWN_SPACING if gap is None else min(max(round(gap / 3), CLOSEST), FURTHEST)
    touches = len(ideas_for(row.stage, account).subjects)
    for limit in (row.limit, account.contact_limit):
        if limit is not None and limit.at_most and min(touches, ceil(limit.days / wait)) > limit.at_most:
            wait = ceil(limit.days / limit.at_most)
    return wait


def sequence(row: SegmentFacts, account: AccountFacts) -> tuple[Touch, ...]:
    """E-mail first; a person first where a segment is worked by hand; the last touch by SMS where that is at hand."""
    limits = [limit for limit in (row.limit, account.contact_limit) if limit is not None]
    if any(limit.at_most == 0 for limit in limits):
        return ()
    ideas, wait = ideas_for(row.stage, account), spacing(row, account)
    planned = zip(ideas.subjects, ideas.steps, strict=True)
    touches = [Touch(n * wait, "email", subject, step) for n, (subject, step) in enumerate(planned)]
    if is_by_hand(row) and ideas.uses("person"):
        touches[0] = replace(touches[0], channel="person", subject="a call or a card")
    sms = next((channel for channel in account.channels if channel.name == "sms"), None)
    may_text = all(limit.channels is None or "sms" in limit.channels for limit in limits)
    if len(touches) > 1 and ideas.uses("sms") and sms is not None and sms.available and may_text:
        touches[-1] = replace(touches[-1], channel="sms")
    return tuple(touches)
