"""How briefs say figures and who is meant. What is unknown is said in words, never as a number."""

from collections.abc import Iterable, Sequence

from winback.briefs.facts import AccountFacts, Fact, Limit, SegmentFacts, Source
from winback.money import NO_CURRENCY, exponent
from winback.pages.figures import count, money, percent, whole_money

UNKNOWN = "not known"
TOO_FEW = "too few to show"
_LONGEST_EXACT = 1_000


def amount(minor: int | None, currency: str) -> str:
    """Small amounts exactly, larger ones in whole units; `not known` for none."""
    if minor is None:
        return UNKNOWN
    if abs(minor) >= _LONGEST_EXACT * 10 ** exponent(currency):
        return whole_money(minor, currency)
    return money(minor, currency).removesuffix(f" {NO_CURRENCY}")


def share(value: float | None, digits: int = 0) -> str:
    return UNKNOWN if value is None else percent(value, digits)


def number(value: int | None) -> str:
    return UNKNOWN if value is None else count(value)


def days(value: int | None) -> str:
    return UNKNOWN if value is None else "1 day" if value == 1 else f"{count(value)} days"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def size(row: SegmentFacts) -> str:
    if row.hidden:
        return TOO_FEW
    return "size not known" if row.customers is None else f"{count(row.customers)} customers"


def size_and_value(row: SegmentFacts, account: AccountFacts) -> str:
    value = f", {amount(row.net_minor, account.currency)} to date" if row.net_minor is not None else ""
    return f"{row.name} ({size(row)}{value})"


def late(row: SegmentFacts, account: AccountFacts) -> str:
    """When a customer of the segment is late."""
    if row.late_after_days is not None:
        return f"median {days(row.late_after_days)}" if account.source is Source.ORDERS else days(row.late_after_days)
    if account.late_after is not None:
        return f"{days(account.late_after.value)} (whole account)"
    return UNKNOWN


def limit_words(limit: Limit | None) -> str:
    if limit is None:
        return UNKNOWN
    channels = f", {' and '.join(limit.channels)} only" if limit.channels else ""
    return f"at most {limit.at_most} in {days(limit.days)}{channels}"


def by_email(row: SegmentFacts) -> str:
    """How many of the segment can be written to, where that is known."""
    reach = row.reach.get("email")
    if reach is None or row.customers is None:
        return ""
    return f", about {count(round(row.customers * reach))} of them by e-mail"


def stricter(one: Limit | None, other: Limit | None) -> Limit | None:
    """The rule that allows fewer messages a day; of equal ones that of the shorter time."""
    if one is None or other is None:
        return one or other
    chosen = min(one, other, key=lambda limit: (limit.at_most / limit.days, limit.days))
    return Limit(chosen.at_most, chosen.days, one.channels or other.channels)


def fact_words(fact: Fact[int] | None, words: str) -> str:
    """A figure as `words` with where it is from, unless from orders."""
    if fact is None:
        return UNKNOWN
    origin = "" if fact.source is Source.ORDERS else f" ({fact.source}{f': {fact.how}' if fact.how else ''})"
    return f"{words}{origin}"


def ten(value: float) -> str:
    """A share as people say it: `34 of 100`."""
    return f"{count(round(100 * value))} of 100"


def top_share(tiers: dict[str, int], names: Iterable[str]) -> float | None:
    """The share of some tiers among the known ones; None where none is known."""
    total = sum(tiers.values())
    return sum(tiers.get(name, 0) for name in names) / total if total else None
