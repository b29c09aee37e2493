"""What notes tell a brief: as facts of their own, or beside those of orders. Unknowns become stated assumptions."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from winback.briefs.facts import (
    AccountFacts,
    Assumption,
    Certainty,
    Channel,
    Fact,
    Limit,
    SegmentFacts,
    Source,
)
from winback.briefs.notes import NotedSegment, Notes
from winback.briefs.reading import Reading
from winback.briefs.stages import LAPSED, WORKED_FIRST, Stage, stage_of
from winback.briefs.tools import ALWAYS_SHOWN, BY_NAME, GATED_BY_WINBACK, SENT_BY_WINBACK, TOOLS, channels_in, tools_in
from winback.money import NO_CURRENCY, exponent
from winback.pages.figures import count

LATE_CYCLES, LOST_CYCLES = 2, 4
"""Without orders, a silence of so many usual gaps counts as late, and as lost. A rule of thumb: from orders Winback
takes each customer's own rhythm (docs/decisions, lapse threshold)."""

_Value = TypeVar("_Value")
_USUAL: tuple[tuple[str, Stage, str], ...] = (
    ("New customers", Stage.NEW, "bought for the first time lately"),
    ("Active customers", Stage.ACTIVE, "in their rhythm"),
    ("Best customers", Stage.BEST, "in their rhythm, and among the top fifth by spend"),
    ("Slipping", Stage.SLIPPING, "late by their usual rhythm"),
    ("Bought once", Stage.ONCE, "one purchase, and late for a second"),
    ("Lost", Stage.LOST, "silent for far longer than usual"),
)
"""Stages that every shop has, where notes name fewer than three segments."""
_MEANT_FOR_THEM = {
    Stage.BEST: "They buy anyway: thanks and early access, no discount.",
    Stage.ACTIVE: "They buy in their rhythm: a reminder would be credited with purchases that come anyway.",
    Stage.NEW: "Their first purchase is fresh: a welcome, no win-back.",
    Stage.APART: "Another audience, another conversation.",
}
_LIMITS = {
    Stage.SLIPPING_BEST: Limit(4, 30),
    Stage.SLIPPING: Limit(3, 30),
    Stage.LOST_BEST: Limit(2, 60),
    Stage.LOST: Limit(1, 60, ("email",)),
    Stage.ONCE: Limit(1, 60, ("email",)),
    Stage.GONE: Limit(1, 91, ("email",)),
    Stage.NEW: Limit(4, 30),
}
_USUAL_LIMIT = Limit(2, 30)


def facts_of_notes(reading: Reading) -> AccountFacts:
    """Facts from notes alone. A share of customers becomes a number where the customers are known."""
    notes = reading.notes
    currency = notes.currency or NO_CURRENCY
    gap = Fact(notes.purchase_cycle_days, Source.STATED) if notes.purchase_cycle_days else _gap_of_frequency(notes)
    late = _known(notes.lapsed_after_days) or _cycles(gap, LATE_CYCLES)
    lost = _cycles(gap, LOST_CYCLES) if notes.lapsed_after_days is None else _twice(late)
    segments = tuple(sorted(_segments(notes, currency, late, lost), key=_order))
    account = AccountFacts(
        source=Source.STATED,
        basis="From notes, not from orders: every figure is as stated, and certainty is medium at most.",
        currency=currency,
        segments=segments,
        customers=notes.customers,
        gap=gap,
        late_after=late,
        lost_after=lost,
        purchases_per_year=_known(float(notes.purchases_per_year)) if notes.purchases_per_year else None,
        bought_once=_bought_once(notes, segments),
    )
    return with_notes(account, reading)


def with_notes(account: AccountFacts, reading: Reading) -> AccountFacts:
    """The account with what the notes add: figures that orders do not tell, channels, goals and limits.

    Where orders tell a figure, it stays.
    """
    notes, currency = reading.notes, account.currency
    if notes.currency not in (None, currency) and account.source is Source.ORDERS:
        notes = notes.model_copy(update={"average_order_value": None})
    rule = notes.contact_rule
    added = replace(
        account,
        business=", ".join(
            filter(None, [notes.business, notes.kind if not _says(notes.business, notes.kind) else None])
        ),
        average_order=account.average_order or _known(_minor(notes.average_order_value, currency)),
        margin=account.margin or _percent(notes.gross_margin_percent),
        return_rate=account.return_rate or _percent(notes.return_rate_percent),
        repeat_rate=account.repeat_rate or _percent(notes.repeat_rate_percent),
        churn=account.churn or _percent(notes.churn_percent),
        channels=channels_of(notes, account.channels),
        goals=notes.goals,
        constraints=notes.constraints,
        discount_limit=_percent(notes.largest_discount_percent),
        contact_limit=Limit(rule.messages, rule.days) if rule else None,
        remarks=notes.remarks,
        understood=reading.understood,
        not_understood=reading.not_understood,
    )
    assumed = _assumptions(added) if account.source is Source.STATED else ()
    return replace(added, assumptions=(*account.assumptions, *assumed))


def channels_of(notes: Notes, known: Sequence[Channel] = ()) -> tuple[Channel, ...]:
    """E-mail, SMS, push and WeChat always, others when they are named; with tools and reach."""
    named = list(dict.fromkeys(channel for words in notes.channels for channel in channels_in(words)))
    without = {channel for words in notes.without_channels for channel in channels_in(words)}
    tools = [tool for words in notes.channels for tool in tools_in(words)]
    others = [words for words in notes.channels if not channels_in(words)]
    stated = notes.opt_in.model_dump()
    measured = {channel.name: channel.reach for channel in known}
    rows = []
    for name in dict.fromkeys((*ALWAYS_SHOWN, *named)):
        serving = tuple(tool for tool in dict.fromkeys(tools) if name in TOOLS[tool])
        available = False if name in without and name not in named else True if name in named else None
        reach = measured.get(name) or _percent(stated.get(f"{name}_percent"))
        rows.append(Channel(name, BY_NAME[name].label, serving, available, reach))
    return (*rows, *(Channel("other", words, (), True) for words in others))


def handling(channel: Channel) -> str:
    """Who sends on a channel."""
    tools = ", ".join(channel.tools)
    if channel.available is False:
        return "not available"
    if channel.name in SENT_BY_WINBACK:
        return f"Winback sends; {tools} can take the list instead" if tools else "Winback sends"
    if channel.name in GATED_BY_WINBACK:
        where = f"list to {tools}" if tools else "list to your tool"
        return f"{where}; consent and limits are kept here" if channel.available else "not connected: list export only"
    if channel.available:
        return f"list to {tools}, worked there" if tools else "call list or export, worked by a person"
    return "not connected: call list or export"


def _segments(notes: Notes, currency: str, late: Fact[int] | None, lost: Fact[int] | None) -> Iterable[SegmentFacts]:
    rows = [_segment(row, notes, currency, late, lost) for row in notes.segments]
    yield from rows
    if len(rows) >= 3:
        return
    told = {row.stage for row in rows}
    for name, stage, meaning in _USUAL:
        if stage not in told:
            yield SegmentFacts(
                name,
                stage,
                Certainty.LOW,
                "nothing is noted of it",
                meaning=meaning,
                late_after_days=late.value if late and stage in LAPSED else None,
                reach=_reach(notes),
                leave_alone=_MEANT_FOR_THEM.get(stage, ""),
                limit=_LIMITS.get(stage, _USUAL_LIMIT),
            )


def _segment(
    row: NotedSegment, notes: Notes, currency: str, late: Fact[int] | None, lost: Fact[int] | None
) -> SegmentFacts:
    stage = _by_silence(stage_of(row.name), row.silent_days, lost)
    customers = row.customers
    if customers is None and row.share_percent is not None and notes.customers is not None:
        customers = _rounded(notes.customers * row.share_percent / 100)
    average = _minor(row.average_order_value, currency)
    missing = [
        word
        for word, value in (("size", customers), ("average order", average), ("definition", row.definition))
        if not value
    ]
    certainty = Certainty.MEDIUM if len(missing) <= 1 and customers else Certainty.LOW
    return SegmentFacts(
        name=row.name,
        stage=stage,
        certainty=certainty,
        why_certain=f"stated; not known: {', '.join(missing)}" if missing else "stated, not counted",
        meaning=row.definition or "",
        customers=customers,
        average_order_minor=average,
        late_after_days=row.silent_days or (late.value if late and stage in LAPSED else None),
        reach=_reach(notes),
        leave_alone=_MEANT_FOR_THEM.get(stage, ""),
        limit=_LIMITS.get(stage, _USUAL_LIMIT),
    )


def _by_silence(stage: Stage, silent_days: int | None, lost: Fact[int] | None) -> Stage:
    """People say lapsed of the late and of the lost: the silence tells which, where it and the rhythm are known."""
    if silent_days is None or lost is None:
        return stage
    if stage is Stage.LOST and silent_days < lost.value:
        return Stage.SLIPPING
    if stage is Stage.LOST_BEST and silent_days < lost.value:
        return Stage.SLIPPING_BEST
    return Stage.LOST if stage is Stage.SLIPPING and silent_days >= lost.value else stage


def _reach(notes: Notes) -> dict[str, float]:
    stated = notes.opt_in.model_dump(exclude_none=True)
    return {name.removesuffix("_percent"): float(value) / 100 for name, value in stated.items()}


def _order(row: SegmentFacts) -> tuple[bool, int, int]:
    """Who may be addressed first, in the stages' order; of one stage the larger first."""
    return bool(row.leave_alone), WORKED_FIRST.index(row.stage), -(row.customers or 0)


def _assumptions(account: AccountFacts) -> Iterable[Assumption]:
    low, medium = Certainty.LOW, Certainty.MEDIUM
    if account.late_after is None:
        yield Assumption("No purchase cycle is known, so no day is named from which on somebody is late", low)
    elif account.late_after.source is Source.ASSUMED:
        yield Assumption(f"Late after {count(account.late_after.value)} days: {account.late_after.how}", low)
    if account.customers is None and not any(row.customers for row in account.segments):
        yield Assumption("No number of customers is known: segments are ranked by stage, not by size", low)
    if account.average_order is None:
        yield Assumption("No average order is known: levers are ranked by what usually moves, not by money", low)
    elif any(row.average_order_minor is None and row.customers for row in account.segments):
        yield Assumption("Segments without an average order of their own are taken to order like the account", low)
    if account.margin is None:
        yield Assumption("No margin is known: nothing is said of what an offer costs", low)
    if not any(channel.reach for channel in account.channels):
        yield Assumption("No opt-in rate is known: every number of customers is before consent", low)
    elif any(channel.reach for channel in account.channels):
        yield Assumption("Opt-in rates hold for every segment alike; lapsed customers usually opt in less", low)
    if any(row.leave_alone or row.limit for row in account.segments):
        yield Assumption("Contact limits per segment are those that Winback ships with", medium)


def _gap_of_frequency(notes: Notes) -> Fact[int] | None:
    if notes.purchases_per_year is None:
        return None
    days = max(1, _rounded(Decimal(365) / notes.purchases_per_year))
    return Fact(days, Source.ASSUMED, f"a year divided by {notes.purchases_per_year:f} purchases")


def _cycles(gap: Fact[int] | None, cycles: int) -> Fact[int] | None:
    return Fact(cycles * gap.value, Source.ASSUMED, f"{cycles} usual gaps of {gap.value} days") if gap else None


def _twice(fact: Fact[int] | None) -> Fact[int] | None:
    return Fact(2 * fact.value, Source.ASSUMED, f"twice {fact.value} days") if fact else None


def _bought_once(notes: Notes, segments: Iterable[SegmentFacts]) -> Fact[int] | None:
    named = [row.customers for row in segments if row.stage is Stage.ONCE and row.customers]
    if named:
        return Fact(sum(named), Source.STATED)
    if notes.customers is None or notes.repeat_rate_percent is None:
        return None
    once = _rounded(notes.customers * (100 - notes.repeat_rate_percent) / 100)
    return Fact(once, Source.STATED, "customers less those who bought again")


def _known(value: _Value | None) -> Fact[_Value] | None:
    return None if value is None else Fact(value, Source.STATED)


def _percent(value: Decimal | None) -> Fact[float] | None:
    return None if value is None else Fact(float(value) / 100, Source.STATED)


def _minor(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else _rounded(amount.scaleb(exponent(currency)))


def _rounded(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))


def _says(business: str | None, kind: str | None) -> bool:
    """Whether the kind adds nothing: most are brands."""
    return kind == "brand" or bool(business and kind and kind.split()[0] in business.lower())
