"""The levers of lifetime value, ranked by what one point of each is worth with this account's own figures.

One point is one customer of a hundred who would stay away and does not, or one percent of an amount. It compares levers
and promises nothing: it says what moving one is worth, not what moves it. Windows are half a year. Revenue and margin
stand apart; margin is told only where a margin is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from winback.briefs.facts import AccountFacts, Certainty, Fact, SegmentFacts, Source
from winback.briefs.stages import LAPSED, Stage
from winback.briefs.wording import amount, listed, share, ten, top_share
from winback.pages.figures import count, percent

SETTLED_DAYS = 365
"""Days of history below which no certainty is high: nobody has been seen for a year."""
_HALF_YEAR = 182
_ORDER_VALUE = "Average order value"
_IN_RHYTHM = (Stage.BEST, Stage.ACTIVE)


@dataclass(frozen=True)
class Lever:
    """Money in minor units; `revenue_minor` None: not known; `touches_minor` is what the point is a hundredth of."""

    name: str
    finding: str
    point: str
    touches_minor: int | None
    revenue_minor: int | None
    margin_minor: int | None
    certainty: Certainty
    why: str


class _Told(NamedTuple):
    name: str
    finding: str
    point: str


def levers(account: AccountFacts) -> list[Lever]:
    """All that can be told, those with money first, the largest first; the others in the order in which they stand."""
    most = Certainty.HIGH
    if account.history_days is not None and account.history_days < SETTLED_DAYS:
        most = Certainty.MEDIUM
    found = [replace(lever, certainty=lever.certainty.at_most(most)) for lever in _all(account)]
    return sorted(found, key=lambda lever: -max(lever.revenue_minor or 0, lever.margin_minor or 0))


def half_year(account: AccountFacts) -> Fact[int] | None:
    """Purchases of half a year: as ordered, else value to date by days, else of stated customers by their frequency."""
    if account.recent_minor is not None:
        return account.recent_minor
    if account.net_minor is not None and account.history_days:
        part = min(1.0, _HALF_YEAR / account.history_days)
        return Fact(round(account.net_minor * part), Source.ASSUMED, "value to date, by days")
    order, yearly, again = account.average_order, account.purchases_per_year, account.repeat_rate
    if order is None or yearly is None or again is None or account.customers is None:
        return None
    bought = round(account.customers * again.value * order.value * yearly.value / 2)
    return Fact(bought, Source.ASSUMED, "who bought again x orders a year x average order")


def _all(account: AccountFacts) -> Iterator[Lever]:
    yield _repeat_rate(account)
    yield from _win_back(account)
    yield from _retention(account)
    yield _order_value(account)
    yield _margin_mix(account)
    yield _return_rate(account)
    yield _acquisition(account)


def _repeat_rate(account: AccountFacts) -> Lever:
    once, order = account.bought_once, account.average_order
    part = f" ({percent(once.value / account.customers, 0)})" if once and account.customers else ""
    finding = f"{count(once.value)} customers{part} bought once" if once else "how many bought once is not known"
    told = [row for row in account.filled if row.bought_once is not None]
    near = once.value if once else None
    if once and told:
        reachable = [row for row in told if row.stage is not Stage.GONE]
        near = round(sum((row.bought_once or 0) * _staying_away(row) for row in reachable))
        finding += f", {count(sum(row.bought_once or 0 for row in reachable))} of them not long gone"
    return _lever(
        account,
        _Told("Repeat rate", finding, "1 of 100 of those who would stay away buys a second time"),
        near * order.value if near is not None and order else None,
        _worst(once, order),
        _origin(once, order),
    )


def _win_back(account: AccountFacts) -> Iterator[Lever]:
    rows = [row for row in account.worked if row.stage in LAPSED - {Stage.ONCE, Stage.GONE} and row.customers]
    if not rows:
        return
    spent = [_returning(row, account) for row in rows]
    base = round(sum(each or 0 for each in spent)) if all(each is not None for each in spent) else None
    finding = f"{count(sum(row.customers or 0 for row in rows))} in {listed([row.name for row in rows])}"
    measured = all(row.returning_minor for row in rows)
    yield _lever(
        account,
        _Told("Win-back", finding, "1 of 100 of those who would stay away comes back"),
        base,
        Certainty.MEDIUM if measured else Certainty.LOW,
        "by what those who return spend in 91 days" if measured else "by one average order each",
    )


def _staying_away(row: SegmentFacts) -> float:
    """The share that does not come by itself; all, where the organic return is not known."""
    return 1 - row.returns_alone.share if row.returns_alone is not None else 1.0


def _returning(row: SegmentFacts, account: AccountFacts) -> float | None:
    order = account.average_order.value if account.average_order else None
    each = row.returning_minor or row.average_order_minor or order
    return None if each is None or row.customers is None else row.customers * _staying_away(row) * each


def _retention(account: AccountFacts) -> Iterator[Lever]:
    rows = [row for row in account.filled if row.stage in _IN_RHYTHM and not row.hidden]
    if not rows:
        return
    people, recent = sum(row.customers or 0 for row in rows), [row.recent_minor for row in rows]
    base = None
    if all(each is not None for each in recent):
        base = round(sum((row.recent_minor or 0) * _staying_away(row) for row in rows))
    part = account.share_of_value(rows)
    held = f", {share(part)} of the value" if part is not None else ""
    churn = f"; churn stated as {share(account.churn.value)}" if account.churn else ""
    told = f"{count(people)} customers in rhythm{held}{churn}" if people else f"customers in rhythm: not known{churn}"
    yield _lever(
        account,
        _Told("Retention", told, "1 of 100 of those who would stay away is kept"),
        base,
        Certainty.MEDIUM,
        "by who bought within 91 days before" if base is not None else "what they purchase is not known",
    )


def _order_value(account: AccountFacts) -> Lever:
    """Of those in rhythm who order less than the account's average, where that is known; else of everybody."""
    order, base = account.average_order, half_year(account)
    point = "1 % more per order, half a year"
    rows = [row for row in account.filled if row.stage in _IN_RHYTHM and row.recent_minor is not None]
    if order is not None and rows:
        small = [row for row in rows if (row.average_order_minor or 0) < order.value]
        told = [f"{row.name} {amount(row.average_order_minor, account.currency)}" for row in small]
        finding = (
            f"average order {amount(order.value, account.currency)}; below it: {listed(told) or 'no segment in rhythm'}"
        )
        base_minor = sum(row.recent_minor or 0 for row in small)
        return _lever(account, _Told(_ORDER_VALUE, finding, point), base_minor, Certainty.HIGH, "from orders")
    finding = f"average order {amount(order.value, account.currency)}" if order else "average order not known"
    why = base.how or _origin(order) if base else "orders a year are not known"
    return _lever(account, _Told(_ORDER_VALUE, finding, point), base.value if base else None, _worst(order, base), why)


def _margin_mix(account: AccountFacts) -> Lever:
    base, margin = half_year(account), account.margin
    repeat = top_share(account.discounts, ("repeat",))
    habit = f"; {ten(repeat)} buy at a discount as a rule" if repeat is not None else ""
    if margin is None:
        finding, why = f"margin not known{habit}", "no cost is known: send it first"
        return Lever("Margin mix", finding, "1 point of margin", None, None, None, Certainty.LOW, why)
    worth = round(base.value / 100) if base else None
    return Lever(
        "Margin mix",
        f"margin {share(margin.value)}{habit}",
        "1 point of margin, half a year",
        None,
        None,
        worth,
        margin.certainty.at_most(base.certainty) if base else Certainty.LOW,
        f"margin {margin.source}",
    )


def _return_rate(account: AccountFacts) -> Lever:
    base, rate = half_year(account), account.return_rate
    if rate is None:
        why = "either nothing comes back, or returns are not sent"
        return Lever(
            "Return rate", "no return on record", "1 point fewer returned", None, None, None, Certainty.LOW, why
        )
    return _lever(
        account,
        _Told("Return rate", f"{share(rate.value, 1)} of sales come back", "1 point fewer returned, half a year"),
        base.value if base else None,
        rate.certainty.at_most(base.certainty) if base else Certainty.LOW,
        f"return rate {rate.source}; handling cost not counted",
    )


def _acquisition(account: AccountFacts) -> Lever:
    rows = account.acquisition
    first = top_share(account.discounts, ("acquisition one-shot",))
    if len(rows) > 1:
        best, worst = (pick(rows, key=lambda row: row.net_minor / row.customers) for pick in (max, min))
        finding = (
            f"{best.channel}: {amount(round(best.net_minor / best.customers), account.currency)} per customer to date; "
            f"{worst.channel}: {amount(round(worst.net_minor / worst.customers), account.currency)}"
        )
        return Lever(
            "Acquisition quality",
            finding,
            "budget moved by value per customer",
            sum(row.net_minor for row in rows),
            None,
            None,
            Certainty.MEDIUM,
            "older channels had longer to earn; cost per customer is not known",
        )
    bought = f"{ten(first)} came for one discounted order and stayed away" if first else "origin of customers not known"
    why = "acquisition channel is not sent" if account.source is Source.ORDERS else "nothing is stated of it"
    return Lever(
        "Acquisition quality", bought, "budget moved by value per customer", None, None, None, Certainty.LOW, why
    )


def _lever(account: AccountFacts, told: _Told, base: int | None, certainty: Certainty, why: str) -> Lever:
    revenue = round(base / 100) if base is not None else None
    margin = round(revenue * account.margin.value) if revenue is not None and account.margin is not None else None
    return Lever(*told, base, revenue, margin, certainty if base is not None else Certainty.LOW, why)


def _worst(*facts: Fact[int] | None) -> Certainty:
    certainty = Certainty.HIGH
    for fact in facts:
        certainty = certainty.at_most(fact.certainty if fact is not None else Certainty.LOW)
    return certainty


def _origin(*facts: Fact[int] | None) -> str:
    if any(fact is None for fact in facts):
        return "a figure is missing"
    return " and ".join(dict.fromkeys(fact.source for fact in facts if fact is not None))
