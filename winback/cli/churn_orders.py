"""The orders of a file, as the commands about churn read them; what they cannot use is refused in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from winback.cli.orders_file import Refuse, loaded_orders
from winback.imports.files import FileAccount
from winback.instants import parse_instant

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
    with loaded_orders(orders, mapping=mapping, currency=currency, refuse=refuse) as loaded:
        yield ReadOrders(loaded.connection, loaded.rows, _end(loaded.connection, until, refuse), loaded.scratch)


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
