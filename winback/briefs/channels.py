"""The channel matrix: what is at hand, how many it reaches, whom it suits."""

from winback.briefs.facts import AccountFacts, Channel, SegmentFacts
from winback.briefs.ideas import Ideas, ideas_for
from winback.briefs.sections import Section, Table
from winback.briefs.stated import handling
from winback.briefs.timing import is_by_hand
from winback.briefs.tools import BY_NAME
from winback.briefs.wording import UNKNOWN, share

_MOST_NAMED = 4
_TO_AGREE = "to be agreed"


def matrix(account: AccountFacts) -> Section:
    rows = tuple(_channel(channel, account) for channel in account.channels)
    columns = ("Channel", "State", "Opt-in", "Segments", "Good for", "Weak at")
    return Section("channels", "Channels", (Table(columns, "llrlll", rows).without_empty_columns(UNKNOWN),))


def ideas_by_channel(row: SegmentFacts, account: AccountFacts) -> list[tuple[str, str]]:
    """(channel, idea), a person first where the segment is worked by hand; what is not at hand says so."""
    ideas = ideas_for(row.stage, account)
    told = [("By hand", f"{ideas.person}.")] if is_by_hand(row) and ideas.uses("person") else []
    for channel in account.channels:
        if channel.available is False or channel.name not in BY_NAME or not ideas.uses(channel.name):
            continue
        if channel.is_usable:
            told.append((channel.label, f"{ideas.on(channel.name)}."))
        elif channel.name in ("sms", "push"):
            told.append((f"{channel.label}, once connected", f"{ideas.on(channel.name)}."))
    return told


def _channel(channel: Channel, account: AccountFacts) -> tuple[str, ...]:
    kind = BY_NAME.get(channel.name)
    reach = share(channel.reach.value) if channel.reach else UNKNOWN
    if kind is None:
        return (channel.label, handling(channel), reach, _TO_AGREE, _TO_AGREE, _TO_AGREE)
    suited = "none now" if channel.available is False else _suited(channel, account)
    return (channel.label, handling(channel), reach, suited, kind.good_for, kind.weak_at)


def _suited(channel: Channel, account: AccountFacts) -> str:
    """The segments that the channel suits, by what is meant for them and by their contact limit."""
    rows = [row for row in account.filled if not row.hidden]
    fits = [row for row in rows if _fits(row, channel, ideas_for(row.stage, account))]
    if len(fits) == len(rows) and len(rows) > 2:
        return "all"
    others = [row.name for row in rows if row not in fits]
    if fits and len(others) <= 2 < len(fits):
        return f"all but {' and '.join(others)}"
    names = [row.name for row in fits]
    shown = (
        names if len(names) <= _MOST_NAMED else [*names[: _MOST_NAMED - 1], f"{len(names) - _MOST_NAMED + 1} others"]
    )
    return ", ".join(shown) or "none"


def _fits(row: SegmentFacts, channel: Channel, ideas: Ideas) -> bool:
    limited = row.limit.channels if row.limit is not None else None
    return ideas.uses(channel.name) and (limited is None or channel.name in limited)
