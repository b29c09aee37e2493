"""`winback recommendations evaluate`: would recommended items have been in the customers' next orders?"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from winback.cli.orders_file import (
    CurrencyOption,
    MapOption,
    OrdersOption,
    Refuse,
    loaded_orders,
    moment_of,
    refusal,
)
from winback.pages.figures import count
from winback.recommendations.learning import SETTINGS, Ranker, item_of
from winback.segmentation.snapshot import build_snapshot

EXAMPLE = (
    "[bold]Example[/bold]: order lines with categories, judged at three moments four weeks apart:\n\n"
    "winback recommendations evaluate --orders lines.csv \\\n"
    "  --map customer_id=Email,order_id=Name,ordered_at=Created \\\n"
    "  --map amount=Price,category=Type,sku=SKU"
)
_MOMENTS = 3

app = typer.Typer(
    help="What to recommend to a customer next, and whether it would have been right.", no_args_is_help=True
)


@app.callback()
def _root() -> None:
    """What to recommend to a customer next, and whether it would have been right."""


@app.command(epilog=EXAMPLE)
def evaluate(
    *,
    orders: OrdersOption,
    mapping: MapOption = None,
    as_of: Annotated[
        list[str] | None,
        typer.Option(help="Moment (UTC) to recommend at, exclusive; may be repeated. Default: the last three windows."),
    ] = None,
    currency: CurrencyOption = None,
    card: Annotated[Path | None, typer.Option(help="Write the model card here; it is about Complete Journey.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON, and nothing else.")] = False,
) -> None:
    """Hit rate at 5 by time: one of five recommended categories (or products) was in the customer's next order."""
    refuse = refusal("winback recommendations evaluate")
    moments = [moment_of(text, refuse) for text in as_of or []]
    if card is not None and not card.parent.is_dir():
        refuse(f"--card: there is no folder {card.parent}")
    with loaded_orders(
        orders, mapping=mapping, currency=currency, refuse=refuse, empty_is_fine=False, doing="Reading orders"
    ) as loaded:
        found = _judge(loaded.connection, moments, loaded.currency, refuse)
    if card is not None:
        from winback.recommendations.card import render  # noqa: PLC0415 numpy loads in half a second

        card.write_text(render(found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _show(found, Console())


def _judge(
    connection: duckdb.DuckDBPyConnection, moments: list[datetime], currency: str, refuse: Refuse
) -> dict[str, Any]:
    from winback.recommendations.evaluation import judge  # noqa: PLC0415 numpy loads in half a second
    from winback.recommendations.verdicts import document  # noqa: PLC0415

    ((first, last),) = connection.execute("SELECT min(ordered_at), max(ordered_at) FROM orders").fetchall()
    window = timedelta(days=SETTINGS.window_days)
    if not moments:
        end = (last + timedelta(days=1)).replace(hour=0, minute=0, second=0, tzinfo=UTC)
        moments = [end - window * back for back in range(_MOMENTS, 0, -1)]
    for moment in moments:
        if moment - 2 * window < first.replace(tzinfo=UTC) or moment > last.replace(tzinfo=UTC):
            refuse(
                f"--as-of: {moment:%Y-%m-%d} leaves no eight weeks of orders before it, or none after: "
                f"the file's orders are from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
            )
    item, _ = item_of(connection, max(moments))
    if item is None:
        refuse("--orders: no order has lines with a category or a sku; map them with --map category=COL,sku=COL")
    cuts = []
    for moment in sorted(moments):
        with Console(stderr=True).status(f"Recommending as of {moment:%Y-%m-%d}"):
            build_snapshot(connection, as_of=moment, currency=currency)
            cut = judge(connection, moment, item, SETTINGS, segments="snapshot")
        if not cut.customers:
            refuse(f"--as-of: no known customer ordered in the {SETTINGS.window_days} days after {moment:%Y-%m-%d}")
        cuts.append(cut)
    return document(cuts, item, SETTINGS)


def _show(found: dict[str, Any], console: Console) -> None:
    from winback.recommendations.verdicts import NAMES, sentence  # noqa: PLC0415 numpy loads in half a second

    names = {"category": "categories", "sku": "products"}
    table = Table(
        title=f"Hit rate at {found['most']}: next orders with one of {found['most']} {names[found['item']]}, "
        f"{count(found['orders'])} orders of {count(found['customers'])} customers"
    )
    table.add_column("Recommends")
    for moment in found["moments"]:
        table.add_column(moment["as_of"][:10], justify="right")
    table.add_column("All", justify="right")
    table.add_column("Model's lead, 95 %", justify="right")
    against = {one["baseline"]: one for one in found["against"]}
    for ranker in Ranker:
        rates = [f"{moment['hit_rates'][ranker]:.1%}" for moment in found["moments"]]
        one, lead = against.get(ranker), ""
        if one is not None:
            lead = f"{one['difference'] * 100:+.1f} ({one['low'] * 100:+.1f} to {one['high'] * 100:+.1f})"
        table.add_row(NAMES[ranker], *rates, f"{found['rankers'][ranker]['hit_rate']:.1%}", lead)
    console.print(table)
    console.print(sentence(found), soft_wrap=True)
