"""The orders of a file, as the commands about churn read them; what they cannot use is refused in words."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from winback.cli.orders_file import (
    Refuse,
    check_currency,
    limits,
    mapping_of,
    only_currency,
    reasons_of,
    refuse_empty,
)
from winback.imports.files import FileAccount, UnreadableFile, load_orders
from winback.instants import parse_instant
from winback.pages.figures import count

HorizonOption = Annotated[int, typer.Option(min=7, max=730, help="Days within which a purchase is looked for.")]
UntilOption = Annotated[
    str | None,
    typer.Option(help="First day (UTC) that the file does not cover. Default: the day after its last order."),
]


@dataclass(frozen=True)
class ReadOrders:
    """A connection with the table `orders`, and the first moment that they do not cover."""

    connection: duckdb.DuckDBPyConnection
    rows: FileAccount
    until: datetime
    scratch: Path
    """A folder for copies, removed with the connection."""


@contextmanager
def read_orders(
    orders: Path, *, mapping: list[str] | None, currency: str | None, until: str | None, refuse: Refuse
) -> Iterator[ReadOrders]:
    columns = mapping_of(mapping or [], refuse)
    check_currency(currency, refuse)
    if not orders.is_file():
        refuse(f"--orders: there is no file {orders}")
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config=limits(folder)) as connection:
        scratch = Path(folder)
        connection.execute("SET enable_progress_bar = false")  # it would write into --json
        try:
            rows = load_orders(connection, orders, mapping=columns, default_currency=currency, scratch=scratch)
        except UnreadableFile as error:
            refuse(f"--orders: {error}")
        if rows.rejected and not rows.accepted:
            refuse(f"--orders: none of the {count(rows.read)} rows was accepted ({reasons_of(rows)})")
        if not rows.read:
            refuse_empty(orders, scratch, refuse)
        only_currency(connection, currency, refuse)
        yield ReadOrders(connection, rows, _end(connection, until, refuse), scratch)


def _end(connection: duckdb.DuckDBPyConnection, until: str | None, refuse: Refuse) -> datetime:
    if until is not None:
        try:
            return parse_instant(until)
        except ValueError as error:
            refuse(f"--until: {until!r} {error}")
    ((last,),) = connection.execute("SELECT max(ordered_at) FROM orders").fetchall()
    if last is None:
        refuse("--orders: the file has no order")
    day = last.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    end: datetime = day + timedelta(days=1)
    return end
