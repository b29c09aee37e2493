"""docs/costs.md, from the price table and the counted run: the benchmark campaign_cost writes it, a test compares."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from winback.costs import prices
from winback.costs.bills import SIZES, Month, bill, total
from winback.costs.counted import LAUNCH_MESSAGES, Counted


def costs_page(counted: Counted) -> str:
    own = prices.price("ses_email").of(1_000_000)
    months = [Month(customers) for customers in SIZES]
    return "\n".join(
        [
            "# What Winback costs",
            "",
            "Written by `python -m bench campaign_cost` from winback/costs/prices.toml and winback/costs/counted.json;",
            "`winback cost` prints the same, for any number of customers. How it is counted, and why Send events are",
            "left out: docs/decisions/2026-11-22-campaign-cost.md. Texts are not in it: a launch's dry run prices its",
            "own, by the country of each number and the parts of each text.",
            "",
            f"Counted on {counted.counted_on}: {counted.how}.",
            f"List prices of {prices.region()}, read on {prices.read_on()}, in US dollars; no free tiers, no taxes.",
            "",
            *(f"- {text}" for text in counted.assumed),
            "",
            f"## A million e-mails, beyond the {own:,.2f} that SES takes for them",
            "",
            f"In launches of {LAUNCH_MESSAGES:,} messages; one month's storage in, import and refresh out.",
            "",
            *_millions(counted),
            "",
            "## What was counted",
            "",
            *_causes(counted),
            "",
            "## A month",
            "",
            *(f"- of {month.customers:,} customers: {'; '.join(month.in_words())}" for month in months),
            "",
            *_months(counted, months),
            "",
            "## The prices",
            "",
            *_prices(),
            "",
        ]
    )


def _millions(counted: Counted) -> Iterable[str]:
    rows = counted.per_million_messages()
    services = list(dict.fromkeys(service for row in rows.values() for service in row))
    sums = {service: sum((row.get(service, Decimal(0)) for row in rows.values()), Decimal(0)) for service in services}
    yield from _table(
        ["", *services, "all"],
        [
            [
                name,
                *(_cents(row[service]) if service in row else "" for service in services),
                _cents(_sum(row.values())),
            ]
            for name, row in rows.items()
        ]
        + [["**all**", *(_cents(sums[service]) for service in services), f"**{_cents(_sum(sums.values()))}**"]],
    )


def _causes(counted: Counted) -> Iterable[str]:
    yield from _table(
        ["cause", "does", "for each", "units of it"],
        [
            [
                cause.name,
                cause.does,
                cause.measure.replace("_", " and "),
                ", ".join(f"{units / cause.count:.3g} {name}" for name, units in cause.units.items()),
            ]
            for cause in counted.causes
        ],
        numbers=False,
    )


def _months(counted: Counted, months: Sequence[Month]) -> Iterable[str]:
    bills = [bill(counted, month) for month in months]
    yield from _table(
        ["", *(f"{month.customers:,} customers" for month in months)],
        [[lines[0].cause, *(_cents(line.dollars) for line in lines)] for lines in zip(*bills, strict=True)]
        + [["**all**", *(f"**{_cents(total(lines))}**" for lines in bills)]],
    )


def _prices() -> Iterable[str]:
    yield from _table(
        ["price", "service", "dollars", "for", "source"],
        [
            [
                name,
                price.service,
                str(price.amount),
                f"{price.per:,} of {price.unit}{f' ({price.note})' if price.note else ''}",
                price.source,
            ]
            for name, price in prices.prices().items()
        ],
        numbers=False,
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> Iterable[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"| --- |{' ---: |' * (len(heads) - 1) if numbers else ' --- |' * (len(heads) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _sum(dollars: Iterable[Decimal]) -> Decimal:
    return sum(dollars, Decimal(0))


def _cents(dollars: Decimal) -> str:
    return f"{dollars:,.2f}"
