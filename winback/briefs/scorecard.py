"""The first sections of a CRM brief: how customers are cut, and how each segment does."""

from winback.briefs.facts import AccountFacts, SegmentFacts, Source
from winback.briefs.sections import Block, Paragraph, Section, Table
from winback.briefs.stages import LAPSED, Stage
from winback.briefs.wording import (
    TOO_FEW,
    UNKNOWN,
    amount,
    days,
    fact_words,
    listed,
    number,
    share,
    ten,
    top_share,
)
from winback.pages.figures import count, percent, span

_AWAKE = ("very high", "high")
_ASLEEP = ("low", "very low")
_RISKS = ((0.15, "very high"), (0.35, "high"), (0.6, "medium"), (1.1, "low"))
"""Risk by the share that comes back unasked within 91 days, up to each."""
_ASSUMED_RISKS = {
    Stage.SLIPPING_BEST: "high",
    Stage.SLIPPING: "high",
    Stage.LOST_BEST: "very high",
    Stage.LOST: "very high",
    Stage.ONCE: "very high",
    Stage.GONE: "very high",
    Stage.NEW: "medium",
    Stage.DISCOUNT: "medium",
    Stage.RETURNING_GOODS: "medium",
    Stage.ACTIVE: "low",
    Stage.BEST: "low",
}


def framework(account: AccountFacts) -> Section:
    rows = (
        ("Recency", *_recency(account)),
        ("Frequency", *_frequency(account)),
        ("Value", *_value(account)),
        ("Engagement", *_engagement(account)),
    )
    blocks: list[Block] = [Table(("Signal", "Cut", "This account"), "lll", rows)]
    named = [row for row in account.segments if row.meaning]
    if account.source is Source.STATED and named:
        told = "; ".join(f"{row.name}: {row.meaning}" for row in named)
        blocks.append(Paragraph(f"Segments as noted: {told}."))
    return Section("framework", "How customers are cut", tuple(blocks))


def scorecard(account: AccountFacts) -> Section:
    rows = tuple(_score(row, account) for row in account.filled)
    certainties = {(row.certainty, row.why_certain) for row in account.filled}
    columns = (
        "Segment",
        "Customers",
        "Value to date",
        "Average order",
        "Silent / late after",
        "Churn risk",
        "Engaged",
        "E-mail reach",
        "Certainty",
    )
    table = Table(columns, "lrrrrlrrl", rows)
    shown = table.without_empty_columns(UNKNOWN)
    if len(certainties) == 1:
        shown = Table(shown.columns[:-1], shown.align[:-1], tuple(row[:-1] for row in shown.rows))
    blocks: list[Block] = [shown]
    if account.source is Source.ORDERS:
        words = (f"{level}: {why}" for level, why in sorted(certainties))
        blocks.append(Paragraph(f"Certainty {'; '.join(words)}."))
    missing = [name for name in columns[:-1] if name not in shown.columns]
    if missing:
        blocks.append(Paragraph(f"Not known of any segment: {listed([name.lower() for name in missing])}."))
    if any(row.returns_alone for row in account.segments):
        blocks.append(
            Paragraph(
                "Risk goes by who bought within 91 days without a launch to thank for it (95 % interval): the bar that "
                "a campaign has to clear. Silence and lateness are medians."
            )
        )
    empty = [row.name for row in account.segments if not row.is_filled]
    if empty:
        blocks.append(Paragraph(f"Nobody is in {listed(empty)}."))
    return Section("scorecard", "Segment health", tuple(blocks))


def risk(row: SegmentFacts) -> str:
    if row.returns_alone is None:
        assumed = _ASSUMED_RISKS.get(row.stage)
        return UNKNOWN if assumed is None else f"{assumed} (assumed)"
    level = next(word for most, word in _RISKS if row.returns_alone.share < most)
    interval = span(percent(row.returns_alone.low, 0), percent(row.returns_alone.high, 0))
    share_alone = percent(row.returns_alone.share, 0)
    if row.stage not in LAPSED:
        return f"in rhythm: {share_alone} buy unasked ({interval})"
    return f"{level}: {share_alone} return unasked ({interval})"


def engaged(tiers: dict[str, int]) -> str:
    awake, asleep = top_share(tiers, _AWAKE), top_share(tiers, _ASLEEP)
    return UNKNOWN if awake is None else f"{share(awake)} high, {share(asleep)} low"


def _score(row: SegmentFacts, account: AccountFacts) -> tuple[str, ...]:
    if row.hidden:
        return (row.name, TOO_FEW, *[UNKNOWN] * 6, row.certainty)
    part = account.share_of_customers([row])
    value = account.share_of_value([row])
    silence = f"{count(row.silence_days)} / {count(row.late_after_days)} days" if row.silence_days is not None else None
    return (
        row.name,
        number(row.customers) if part is None else f"{count(row.customers)} ({share(part)})",
        UNKNOWN if row.net_minor is None else f"{amount(row.net_minor, account.currency)} ({share(value)})",
        amount(row.average_order_minor, account.currency),
        silence or (f"late after {days(row.late_after_days)}" if row.late_after_days else UNKNOWN),
        risk(row),
        engaged(row.engagement),
        share(row.reach.get("email")),
        f"{row.certainty}: {row.why_certain}" if account.source is Source.STATED else row.certainty,
    )


def _recency(account: AccountFacts) -> tuple[str, str]:
    if account.bands is None:
        late_words = fact_words(account.late_after, f"late after {days(_of(account.late_after))}")
        lost_words = fact_words(account.lost_after, f"lost after {days(_of(account.lost_after))}")
        return "silence against a usual gap", f"{late_words}; {lost_words}"
    bands = account.bands.recency
    cut = (
        f"silence against each customer's own threshold; {days(_of(account.late_after))} where no gap is known; lost "
        f"beyond {account.bands.lost_after:g} times that"
    )
    parts = (
        ("in rhythm", bands.get("Active", 0)),
        ("slipping", bands.get("Slip", 0)),
        ("lost", bands.get("Gone", 0) + bands.get("Long", 0)),
    )
    return cut, ", ".join(f"{count(part)} {name}" for name, part in parts)


def _frequency(account: AccountFacts) -> tuple[str, str]:
    gap = f"usual gap {days(account.gap.value)}" if account.gap else "usual gap not known"
    if account.bands is None:
        repeat = f"; {ten(account.repeat_rate.value)} bought again" if account.repeat_rate else ""
        return "once, repeat, frequent", f"{gap}{repeat}"
    bands = account.bands.frequency
    counted = [f"{count(bands.get(band, 0))} {band.lower()}" for band in ("Once", "Repeat", "Frequent")]
    cut = f"once; repeat; frequent from {count(account.bands.frequent_purchases)} purchases"
    return cut, f"{', '.join(counted)}; {gap}"


def _value(account: AccountFacts) -> tuple[str, str]:
    average = _of(account.average_order)
    order = f"average order {amount(average, account.currency)}"
    if account.bands is None:
        return "top fifth by spend against the rest", order
    high = account.bands.monetary.get("High", 0)
    return (
        f"high from {amount(account.bands.high_value_minor, account.currency)} net to date",
        f"{count(high)} high; {order}",
    )


def _engagement(account: AccountFacts) -> tuple[str, str]:
    if account.engagement:
        return "opens, clicks and visits of 182 days, five tiers", engaged(account.engagement)
    known = [
        f"{channel.label} opt-in {share(channel.reach.value)}"
        for channel in account.channels
        if channel.reach is not None
    ]
    if known:
        return "opt-in stands in for engagement", ", ".join(known)
    return "opens, clicks and visits, five tiers", f"{UNKNOWN}: no message or visit on record"


def _of(fact: "object | None") -> int | None:
    value = getattr(fact, "value", None)
    return value if isinstance(value, int) else None
