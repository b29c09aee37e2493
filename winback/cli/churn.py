"""`winback churn`: whether who will buy nothing can be told from a file of orders, and by what."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console

from winback.cli.orders_file import (
    CurrencyOption,
    MapOption,
    OrdersOption,
    Refuse,
    check_currency,
    limits,
    mapping_of,
    only_currency,
    reasons_of,
    refusal,
    refuse_empty,
)
from winback.imports.files import UnreadableFile, load_orders
from winback.instants import parse_instant
from winback.pages.figures import count

app = typer.Typer(help="Who will buy nothing: train on a file's orders, and judge by what happened.")
_refuse: Refuse = refusal("winback churn evaluate")
EXAMPLE = (
    "[bold]Example[/bold]: who bought nothing within 91 days, by the model and by each baseline:\n\n"
    "winback churn evaluate --orders export.csv --out churn "
    "--map customer_id=Email,order_id=Name,ordered_at=Created,amount=Total"
)
_FIGURES, _PAGE = "churn.json", "churn.html"


@app.callback()
def _root() -> None:
    """Who will buy nothing: train on a file's orders, and judge by what happened."""


@app.command(epilog=EXAMPLE)
def evaluate(
    *,
    orders: OrdersOption,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    horizon: Annotated[int, typer.Option(min=7, max=730, help="Days within which a purchase is looked for.")] = 91,
    until: Annotated[
        str | None,
        typer.Option(help="First day (UTC) that the file does not cover. Default: the day after its last order."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help=f"Folder for {_FIGURES} and {_PAGE}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help=f"Print {_FIGURES}, and nothing else, to stdout.")] = False,
) -> None:
    """Train on earlier orders, forecast later ones, and compare with six baselines: for all, lapsed or not, new."""
    from ml.churn import evaluate as evaluation  # noqa: PLC0415 scikit-learn loads here alone
    from ml.churn.page import churn_page  # noqa: PLC0415
    from winback.features.examples import TooLittleHistory  # noqa: PLC0415

    columns = mapping_of(mapping or [], _refuse)
    check_currency(currency, _refuse)
    if not orders.is_file():
        _refuse(f"--orders: there is no file {orders}")
    if out is not None and out.exists() and not out.is_dir():
        _refuse(f"--out: {out} is a file; name a folder")
    console = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        duckdb.connect(config=limits(scratch)) as connection,
        console.status("Reading the orders") as status,
    ):
        connection.execute("SET enable_progress_bar = false")  # it would write into --json
        try:
            rows = load_orders(connection, orders, mapping=columns, default_currency=currency, scratch=Path(scratch))
        except UnreadableFile as error:
            _refuse(f"--orders: {error}")
        if rows.rejected and not rows.accepted:
            _refuse(f"--orders: none of the {count(rows.read)} rows was accepted ({reasons_of(rows)})")
        if not rows.read:
            refuse_empty(orders, Path(scratch), _refuse)
        only_currency(connection, currency, _refuse)
        end = _end(connection, until)
        try:
            result = evaluation.evaluate(
                connection,
                name=orders.name,
                first=evaluation.first_purchase(connection),
                until=end,
                horizon_days=horizon,
                report=lambda doing: status.update(f"Forecasting as of {doing}"),
            )
        except (TooLittleHistory, ValueError) as problem:
            _refuse(f"--orders: {problem}")
    text = json.dumps(result, indent=1, allow_nan=False) + "\n"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / _FIGURES).write_text(text)
        (out / _PAGE).write_text(churn_page(result))
    if as_json:
        typer.echo(text, nl=False)
        return
    typer.echo(evaluation.table(result))
    if rows.rejected:
        console.print(f"{count(rows.rejected)} of {count(rows.read)} rows were rejected: {reasons_of(rows)}")
    if out is not None:
        console.print(f"Written: {out / _FIGURES}, {out / _PAGE}")


def _end(connection: duckdb.DuckDBPyConnection, until: str | None) -> datetime:
    if until is not None:
        try:
            return parse_instant(until)
        except ValueError as error:
            _refuse(f"--until: {until!r} {error}")
    ((last,),) = connection.execute("SELECT max(ordered_at) FROM orders").fetchall()
    if last is None:
        _refuse("--orders: the file has no order")
    day = last.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    end: datetime = day + timedelta(days=1)
    return end
