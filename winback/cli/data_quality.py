"""`winback data-quality`: a file of orders in, what is missing in it and what that would unlock out."""

import json
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from winback.cli.orders_file import (
    AsOfOption,
    CurrencyOption,
    MapOption,
    OrdersOption,
    Refuse,
    refusal,
    segmented_orders,
)
from winback.pages.figures import count, percent
from winback.segmentation.data_quality import Gap, Rows, assess, measure

EXAMPLE = (
    "[bold]Example[/bold]: what would help most, as of the new year:\n\n"
    "winback data-quality --orders export.csv --as-of 2026-01-01 "
    "\\\n  --map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total"
)
_refuse: Refuse = refusal("winback data-quality")


def data_quality(
    *,
    orders: OrdersOption,
    as_of: AsOfOption,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON, and nothing else.")] = False,
) -> None:
    """Show what is missing in the data, and which analysis each missing field would unlock, most helpful first."""
    with segmented_orders(
        orders, as_of=as_of, mapping=mapping, currency=currency, trend_category=None, refuse=_refuse
    ) as segmented:
        rows = Rows.of_rejects(segmented.rows.read, segmented.rows.rejects_by_reason)
        counts = measure(segmented.connection)
        gaps = assess(counts, [rows])
    if as_json:
        typer.echo(json.dumps({"gaps": [gap.model_dump(mode="json") for gap in gaps]}, indent=1))
    else:
        _show(gaps, counts.customers, Console())


def _show(gaps: list[Gap], customers: int, console: Console) -> None:
    title = f"What would help: {count(len(gaps))} gaps in the data of {count(customers)} customers"
    table = Table(title=title, box=SIMPLE_HEAD, show_lines=True)
    for name, right in (
        ("Field", False),
        ("Missing", True),
        ("Weight", True),
        ("Score", True),
        ("What is missing", False),
    ):
        table.add_column(name, justify="right" if right else "left", no_wrap=right)
    table.add_column("What it would unlock, and how to send it")
    for gap in gaps:
        unlocks = "\n".join(f"- {each}" for each in gap.unlocks)
        table.add_row(
            escape(gap.field),
            percent(gap.share_missing, 0),
            str(gap.weight),
            f"{gap.score:.1f}",
            escape(gap.missing),
            escape(f"{unlocks}\nSend: {gap.supply}"),
        )
    console.print(table)
    console.print(
        "Score: the share of the data that lacks the field, times its weight (1 to 10: how much the field unlocks). "
        "Consent, engagement and acquisition channel do not come in a file of orders: they are missing here by nature.",
        markup=False,
        highlight=False,
    )
