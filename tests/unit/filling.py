"""Rows of Python for a table of DuckDB, all in one statement: a statement a row is what many tests would wait for."""

from collections.abc import Sequence
from typing import Any

import duckdb


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """`rows` have a value for each column of the table, in its order."""
    if rows:
        columns = ", ".join(f"unnest(?::{kind}[])" for kind in connection.table(table).types)
        connection.execute(
            f"INSERT INTO {table} SELECT {columns}", [list(column) for column in zip(*rows, strict=True)]
        )
