"""The trigger library and the sequence outline: what starts a message, when, with what, and what ends it."""

from winback.briefs.facts import AccountFacts, SegmentFacts
from winback.briefs.ideas import ideas_for
from winback.briefs.sections import Block, Paragraph, Section, Table
from winback.briefs.stages import Stage
from winback.briefs.timing import is_by_hand, sequence
from winback.briefs.tools import BY_NAME
from winback.briefs.wording import UNKNOWN, days, limit_words, stricter

_IN_RHYTHM = frozenset({Stage.ACTIVE, Stage.BEST, Stage.APART})
_FASTEST = 14
"""Days: thresholds are never below (winback.features.rhythm)."""


def triggers(account: AccountFacts, rows: tuple[SegmentFacts, ...]) -> Section:
    """Of the segments that a trigger makes sense for: whoever is late, new, or named by somebody."""
    rows = tuple(row for row in rows if row.stage not in _IN_RHYTHM and (not row.leave_alone or row.stage is Stage.NEW))
    if not rows:
        return Section("triggers", "Win-back triggers", (Paragraph("No segment is to be written to now."),))
    table = Table(
        ("Segment", "Signal", "When, here", "Offer kind", "Channel", "Limit"),
        "llllll",
        tuple(_trigger(row, account) for row in rows),
    )
    stop = (
        "Every trigger stops on a purchase, an unsubscribe, a complaint or a hard bounce. It starts again only once "
        "the customer has bought and fallen silent anew."
    )
    blocks: list[Block] = [table, Paragraph(stop)]
    return Section("triggers", "Win-back triggers", tuple(blocks))


def outline(account: AccountFacts, rows: tuple[SegmentFacts, ...]) -> Section:
    lines = tuple(
        (row.name, f"{touch.day}", _label(touch.channel), touch.purpose, touch.subject)
        for row in rows
        for touch in sequence(row, account)
    )
    if not lines:
        blocks: tuple[Block, ...] = (
            Paragraph("No message is outlined: the contact limit that is stated allows none."),
        )
        return Section("sequence", "Sequence outline", blocks)
    table = Table(("Segment", "Day", "Channel", "Purpose", "Subject idea"), "lrlll", lines)
    note = (
        "Day 0 is the trigger, or the launch. Touches are a third of the segment's usual gap apart, further where the "
        "contact limit asks for it; who buys leaves."
    )
    return Section("sequence", "Sequence outline", (table, Paragraph(note)))


def channel_words(row: SegmentFacts, account: AccountFacts) -> str:
    """The channels for a segment, the first one first: those at hand that its idea uses and its limit allows."""
    ideas = ideas_for(row.stage, account)
    limit = stricter(row.limit, account.contact_limit)
    allowed = limit.channels if limit is not None else None
    names = ["person"] if is_by_hand(row) and ideas.uses("person") else []
    for channel in account.channels:
        barred = allowed is not None and channel.name not in allowed
        if channel.is_usable and ideas.uses(channel.name) and not barred and channel.name in BY_NAME:
            names.append(channel.name)
    return ", then ".join(_label(name) for name in dict.fromkeys(names)) or UNKNOWN


def _trigger(row: SegmentFacts, account: AccountFacts) -> tuple[str, ...]:
    ideas = ideas_for(row.stage, account)
    limit = stricter(row.limit, account.contact_limit)
    return (
        row.name,
        ideas.signal,
        _when(row, account),
        ideas.offer_kind,
        channel_words(row, account),
        limit_words(limit),
    )


def _when(row: SegmentFacts, account: AccountFacts) -> str:
    late = row.late_after_days or (account.late_after.value if account.late_after else None)
    gap = account.gap.value if account.gap else None
    if row.stage is Stage.NEW:
        words = UNKNOWN if gap is None else f"within {days(gap)}, the usual gap"
    elif row.stage is Stage.GONE:
        words = "with the season, not by a day"
    elif late is None:
        words = "day not known: no purchase cycle is"
    elif row.stage is Stage.ONCE:
        words = f"ask from day {gap or max(late // 2, 1)}; late from day {late}"
    elif row.stage in (Stage.LOST, Stage.LOST_BEST):
        words = f"from day {round((account.bands.lost_after if account.bands else 1) * late)}"
    elif row.stage in (Stage.SLIPPING, Stage.SLIPPING_BEST):
        words = f"day {late}" if account.bands is None else f"own day; half of them by day {late}"
    else:
        words = f"not before day {max(_FASTEST, late // 2)}"
    return words


def _label(channel: str) -> str:
    return "By hand" if channel == "person" else BY_NAME[channel].label
