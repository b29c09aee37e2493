"""`winback rates check`: do daily exchange rates put anyone into another segment than yearly averages would?"""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from winback.cli.orders_file import (
    AsOfOption,
    MapOption,
    OrdersOption,
    TrendOption,
    loaded_orders,
    moment_of,
    refusal,
)
from winback.pages.figures import count, percent
from winback.rates.conversion import Conversion
from winback.segmentation.rate_check import CUT_OFFS, RateCheck, check_rates

EXAMPLE = (
    "[bold]Example[/bold]: an export with orders in several currencies, and the European Central Bank's rates:\n\n"
    "winback rates check --orders export.csv --rates eurofxref-hist.zip \\\n"
    "  --currency GBP --as-of 2026-01-01"
)
RatesOption = Annotated[
    list[Path],
    typer.Option(
        help="Exchange rates: the ECB's eurofxref-hist.csv or .zip, the Bank of England's CSV, "
        "or day,currency,rate,base. May be repeated; of a day's rates the last file's count."
    ),
]

app = typer.Typer(help="Exchange rates of orders in several currencies.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Exchange rates of orders in several currencies."""


@app.command(epilog=EXAMPLE)
def check(
    *,
    orders: OrdersOption,
    rates: RatesOption,
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the account's currency, such as GBP.")],
    as_of: AsOfOption,
    mapping: MapOption = None,
    trend_category: TrendOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Compare daily rates with yearly averages: who changes segment or cell, and who could."""
    refuse = refusal("winback rates check")
    moment = moment_of(as_of, refuse)
    console = Console()
    with loaded_orders(
        orders, mapping=mapping, currency=currency, rates=rates, refuse=refuse, empty_is_fine=False
    ) as loaded:
        assert loaded.conversion is not None, "rates and a currency are given"
        if not loaded.conversion.foreign and not as_json:
            console.print(f"All orders are in {currency}: there is nothing to convert.")
            return
        result = check_rates(loaded.connection, loaded.conversion, as_of=moment, trend_category=trend_category)
    if as_json:
        typer.echo(json.dumps({**result.model_dump(mode="json"), "bound": result.bound}, indent=1))
    else:
        _show(console, result)


def describe(conversion: Conversion) -> list[str]:
    """Sentences about what was converted and what was left out."""
    converted, left_out = count(conversion.converted), count(conversion.left_out)
    lines = [f"Orders in other currencies: {converted} converted to {conversion.currency}, {left_out} left out"]
    for foreign in conversion.foreign:
        parts = [f"{count(foreign.converted)} converted"]
        if foreign.carried:
            parts.append(f"{count(foreign.carried)} of them by a rate more than a week old")
        parts += [f"{count(orders)} left out ({reason})" for reason, orders in foreign.left_out.items()]
        lines.append(f"  {foreign.currency}: {', '.join(parts)}")
    return lines


def _show(console: Console, result: RateCheck) -> None:
    for line in describe(result.conversion):
        console.print(line)
    table = Table(title="Largest deviation of a day's rate from its year's average")
    for heading in ("Currency", "Day", "Deviation"):
        table.add_column(heading)
    for deviation in result.deviations:
        table.add_row(deviation.currency, deviation.day.isoformat(), f"{deviation.share:+.2%}")
    console.print(table)
    table = Table(title="Customers whose net value is within the bound of a cut-off")
    for heading in ("Cut-off", "Minor units", "Customers", "Share"):
        table.add_column(heading)
    for cut_off in result.cut_offs:
        share = percent(cut_off.within_bound / result.customers if result.customers else None)
        table.add_row(CUT_OFFS[cut_off.name], count(cut_off.minor), count(cut_off.within_bound), share)
    console.print(table)
    for title, moves in (("segment", result.segment_moves), ("cell", result.cell_moves)):
        table = Table(title=f"Customers in another {title} by yearly averages")
        for heading in ("By daily rates", "By yearly averages", "Customers"):
            table.add_column(heading)
        for move in moves:
            table.add_row(move.before, move.after, count(move.customers))
        console.print(table)
    share = percent(result.moved / result.customers if result.customers else None)
    console.print(
        f"Of {count(result.customers)} customers {count(result.moved)} ({share}) are in another segment or cell by "
        f"yearly averages; nobody but the {count(result.within_bound)} within the bound of a cut-off can be. "
        f"With cut-offs calibrated on the yearly averages it is {count(result.moved_when_recalibrated)}."
    )
