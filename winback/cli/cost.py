"""`winback cost`: what a campaign and a month cost in AWS list prices, from counted calls."""

import json
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from winback.costs import prices
from winback.costs.bills import SIZES, Line, Month, bill, total
from winback.costs.counted import LAUNCH_MESSAGES, Counted, counted
from winback.pages.figures import count

EXAMPLE = (
    "[bold]Example[/bold]: a million e-mails, and the month of a shop of 40,000 customers:\n\n"
    "winback cost --customers 40000"
)

_SMALL = Decimal("0.5")  # services below it share a column


def cost(
    *,
    customers: Annotated[
        list[int] | None, typer.Option(min=1, help="Customers of a deployment whose month to show. May be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """What a million messages cost beside the messages themselves, and what a month costs. Asks no cloud."""
    table, months = counted(), [Month(number) for number in customers or SIZES]
    if as_json:
        typer.echo(json.dumps(figures(table, months), indent=2))
        return
    console = Console()
    console.print(_millions(table))
    for month in months:
        console.print(_month(month, bill(table, month)))
    console.print(f"Counted on {table.counted_on}: {table.how}.")
    for text in table.assumed:
        console.print(f"Assumed: {text}", style="dim")
    console.print(f"List prices of {prices.region()}, read on {prices.read_on()}, without free tiers and taxes.")


def figures(table: Counted, months: list[Month]) -> dict[str, Any]:
    millions = table.per_million_messages()
    return {
        "currency": prices.currency(),
        "region": prices.region(),
        "prices_of": prices.read_on(),
        "counted_on": table.counted_on,
        "how": table.how,
        "assumed": list(table.assumed),
        "per_million_messages": {
            "causes": {
                name: {service: _fine(dollars) for service, dollars in row.items()} for name, row in millions.items()
            },
            "total": _fine(sum((sum(row.values(), Decimal(0)) for row in millions.values()), Decimal(0))),
        },
        "months": [
            {
                "customers": month.customers,
                "messages": month.messages,
                "assumed": list(month.in_words()),
                "lines": {line.cause: _fine(line.dollars) for line in bill(table, month)},
                "total": _fine(total(bill(table, month))),
            }
            for month in months
        ],
    }


def _millions(table: Counted) -> Table:
    rows = table.per_million_messages()
    totals: dict[str, Decimal] = {}
    for row in rows.values():
        for service, dollars in row.items():
            totals[service] = totals.get(service, Decimal(0)) + dollars
    services = sorted((name for name, dollars in totals.items() if dollars >= _SMALL), key=lambda name: -totals[name])
    own = _cents(prices.price("ses_email").of(1_000_000))
    shown = Table(
        title=f"Dollars for a million e-mails beyond the e-mails' own {own}",
        caption=f"launches of {count(LAUNCH_MESSAGES)} messages; import and refresh are in the month's bill",
        show_footer=True,
    )
    shown.add_column("", "all", no_wrap=True)
    for service in services:
        shown.add_column(service, _cents(totals[service]), justify="right", no_wrap=True)
    whole = sum(totals.values(), Decimal(0))
    shown.add_column("other", _cents(whole - sum(totals[service] for service in services)), justify="right")
    shown.add_column("all", _cents(whole), justify="right")
    for name, row in rows.items():
        everything = sum(row.values(), Decimal(0))
        cells = [row.get(service, Decimal(0)) for service in services]
        shown.add_row(name, *(_cents(dollars) for dollars in [*cells, everything - sum(cells), everything]))
    return shown


def _month(month: Month, lines: tuple[Line, ...]) -> Table:
    shown = Table(
        title=f"A month of {count(month.customers)} customers", caption="; ".join(month.in_words()), show_footer=True
    )
    shown.add_column("", "all")
    shown.add_column("for", "")
    shown.add_column("$", _cents(total(lines)), justify="right")
    for line in lines:
        shown.add_row(line.cause, line.does, _cents(line.dollars))
    return shown


def _cents(dollars: Decimal) -> str:
    return f"{dollars:,.2f}"


def _fine(dollars: Decimal) -> str:
    return str(dollars.quantize(Decimal("0.0001")))
