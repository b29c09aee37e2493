"""What the tests of files of orders share: rows of such a file, and what was read of them."""

from collections.abc import Callable
from typing import Any

from duckdb import DuckDBPyConnection

from winback.imports.files import FileAccount

Load = Callable[..., FileAccount]
HEADER = "customer_id,order_id,ordered_at,amount"


def orders(connection: DuckDBPyConnection, columns: str = "order_id, customer_id, amount_minor") -> list[Any]:
    return connection.execute(f"SELECT {columns} FROM orders ORDER BY order_id").fetchall()


def rejects(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute("SELECT line, problem FROM rejects ORDER BY line").fetchall()


def rows(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *lines, ""])
