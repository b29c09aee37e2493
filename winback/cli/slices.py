"""`winback slice`: a file of orders and a condition in, whom it selects out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from winback.cli.orders_file import (
    CurrencyOption,
    MapOption,
    Refuse,
    SegmentedOrders,
    TrendOption,
    moment_of,
    refusal,
    segmented_orders,
)
from winback.money import NO_CURRENCY, Money
from winback.pages.figures import count, decimal, money, percent
from winback.slices.condition import Condition
from winback.slices.preview import Preview, ground_of, preview
from winback.slices.problems import ConditionRefused, parse_condition
from winback.slices.recipes import shipped_recipes
from winback.slices.requests import HIDDEN_BELOW
from winback.slices.schema import condition_schema

EXAMPLE = (
    "[bold]Example[/bold]: the shipped recipes with their customers; then one of them more closely:\n\n"
    "winback slice --list --orders export.csv --as-of 2026-01-01 "
    "\\\n  --map customer_id=Email,order_id=Name,...\n\n"
    "winback slice --recipe slipping-vips-wide --orders export.csv \\\n  --as-of 2026-01-01 --map ...\n\n"
    "A condition of your own is a JSON file; winback slice --schema prints what it may hold."
)
_refuse: Refuse = refusal("winback slice")


def preview_slice(
    *,
    orders: Annotated[
        Path | None, typer.Option(help="CSV, JSON Lines or Parquet file of orders or order lines; may be gzip or zstd.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Date or time (UTC) to judge from, exclusive: later orders do not exist yet.")
    ] = None,
    condition: Annotated[Path | None, typer.Option(help="JSON file of a condition.")] = None,
    recipe: Annotated[str | None, typer.Option(help="A shipped slice; --list names them.")] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Show the shipped slices; with --orders also whom they select.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of conditions.")] = False,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    trend_category: TrendOption = None,
    hidden_below: Annotated[
        int,
        typer.Option(
            "--hide-below", min=0, help="Hide the figures of parts with fewer customers, for a table that is passed on."
        ),
    ] = HIDDEN_BELOW,
    with_ids: Annotated[bool, typer.Option("--with-ids", help="Name some of the customers.")] = False,
    salt: Annotated[
        str | None, typer.Option(help="Key salt of the account: names some of them by its pseudonyms.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")] = False,
) -> None:
    """Show whom a condition selects, what they are worth, and how they differ from everybody."""
    if schema:
        typer.echo(condition_schema(), nl=False)
        return
    if sum((listing, condition is not None, recipe is not None)) != 1:
        _refuse("name one of --condition FILE, --recipe NAME, --list or --schema")
    if listing and orders is None:
        _show_recipes(dict.fromkeys(shipped_recipes()), None, as_json=as_json)
        return
    if with_ids and salt is not None:
        _refuse("--with-ids and --salt are two ways to name customers; choose one")
    trees = _trees(condition, recipe)
    if orders is None or as_of is None:
        _refuse("--orders and --as-of say whom to look for")
    with segmented_orders(
        orders, as_of=as_of, mapping=mapping, currency=currency, trend_category=trend_category, refuse=_refuse
    ) as segmented:
        key = "substr(sha256(? || ':' || customer_id), 1, 32)" if salt is not None else "customer_id"
        segmented.connection.execute(
            f"CREATE TEMP TABLE customers AS SELECT {key} AS customer_key, * EXCLUDE (customer_id) FROM snapshot",  # noqa: S608
            [salt] if salt is not None else [],
        )
        found = {
            name: _preview(segmented, tree, moment=as_of, hidden_below=hidden_below, only=not listing)
            for name, tree in trees.items()
        }
    if listing:
        _show_recipes(found, segmented.summary.currency, as_json=as_json)
    else:
        (result,) = found.values()
        assert isinstance(result, Preview)
        named = with_ids or salt is not None
        _show(result if named else result.model_copy(update={"sample": []}), as_json=as_json)


def _trees(path: Path | None, recipe: str | None) -> dict[str, Condition]:
    if path is not None:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            _refuse(f"--condition: cannot read {path}: {error.strerror or error}")
        except (ValueError, RecursionError) as error:
            _refuse(f"--condition: {path} is not JSON: {error}")
        try:
            return {str(path): parse_condition(content)}
        except ConditionRefused as error:
            _refuse("--condition: " + "\n  ".join([f"{path} does not fit:", *map(str, error.problems)]))
    shipped = shipped_recipes()
    if recipe is not None and recipe not in shipped:
        _refuse(f"--recipe: there is no {recipe!r}; there are {', '.join(shipped)}")
    return {name: one.condition for name, one in shipped.items() if recipe in (None, name)}


def _preview(
    segmented: SegmentedOrders, tree: Condition, *, moment: str, hidden_below: int, only: bool
) -> Preview | ConditionRefused:
    """What a recipe of the list lacks is part of the answer; what the one that was asked for lacks is a refusal."""
    ground = ground_of(
        segmented.connection, as_of=moment_of(moment, _refuse), currency=segmented.summary.currency, slices={}
    )
    try:
        return preview(segmented.connection, tree, ground, as_of=segmented.summary.as_of, hidden_below=hidden_below)
    except ConditionRefused as refused:
        if only:
            _refuse("\n  ".join(["the condition cannot be asked of these orders:", *map(str, refused.problems)]))
        return refused


def _show_recipes(
    found: Mapping[str, Preview | ConditionRefused | None], currency: str | None, *, as_json: bool
) -> None:
    shipped = shipped_recipes()
    if as_json:
        listed = []
        for name, result in found.items():
            described = shipped[name].model_dump(mode="json")
            if isinstance(result, Preview):
                described["selected"] = {**result.selected.model_dump(mode="json"), "currency": currency}
            elif result is not None:
                described["problems"] = [str(problem) for problem in result.problems]
            listed.append(described)
        typer.echo(json.dumps(listed, indent=1, ensure_ascii=False))
        return
    table = Table(title="Shipped slices", box=SIMPLE_HEAD, show_lines=True)
    table.add_column("Who, and why", ratio=1)
    if currency is not None:
        table.add_column("Customers", justify="right", no_wrap=True)
        unit = "" if currency == NO_CURRENCY else f" ({currency})"
        table.add_column(f"Net value{unit}", justify="right", no_wrap=True)
    for name, result in found.items():
        recipe = shipped[name]
        words = f"[bold]{name}[/bold]: {escape(recipe.title)}. [dim]{escape(recipe.why)}[/dim]"
        if isinstance(result, ConditionRefused):
            lacks = "; ".join(dict.fromkeys(problem.problem.removeprefix("is ") for problem in result.problems))
            table.add_row(f"{words} [red]Not to be told from these orders: {escape(lacks)}.[/red]", "", "")
        elif result is not None:
            value = Money(result.selected.net_minor, result.currency).amount
            table.add_row(words, count(result.selected.customers), f"{value:,}")
        else:
            table.add_row(words)
    Console().print(table)


def _show(found: Preview, *, as_json: bool) -> None:
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    console = Console()
    everybody, selected = found.universe, found.selected
    console.print(
        f"{count(selected.customers)} of {count(everybody.customers)} customers ({percent(found.share)}) "
        f"as of {found.as_of[:10]} (exclusive), with {money(selected.net_minor, found.currency)} net value "
        f"({percent(found.net_share)} of all): {money(selected.average_minor, found.currency)} each",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="Among them, against everybody", box=SIMPLE_HEAD)
    for heading in ("Part", "Customers", "Share", "Everybody's", "Ratio", ""):
        table.add_column(heading, justify="left" if heading in ("Part", "") else "right")
    dimension = ""
    for part in found.representation:
        if part.dimension != dimension:
            dimension = part.dimension
            table.add_section()
            table.add_row(f"[bold]{dimension}[/bold]")
        table.add_row(
            f"  {escape(part.value or 'not known')}",
            count(part.customers),
            percent(part.share),
            percent(part.universe_share),
            decimal(part.ratio),
            part.mark or "",
        )
    console.print(table)
    if found.missing:
        console.print(f"Not known of these customers: {', '.join(found.missing)}", highlight=False)
    if found.sample:
        console.print(f"Some of them: {', '.join(found.sample)}", markup=False, highlight=False, soft_wrap=True)
