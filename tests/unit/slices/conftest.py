from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pytest

from winback.slices.columns import COLUMNS, Kind
from winback.slices.condition import Condition
from winback.slices.problems import parse_condition

TYPES = {
    Kind.MONEY: "BIGINT",
    Kind.WHOLE: "INTEGER",
    Kind.NUMBER: "DOUBLE",
    Kind.DATE: "TIMESTAMP",
    Kind.FLAG: "BOOLEAN",
    Kind.TEXT: "VARCHAR",
}
Fill = Callable[[str, dict[str, str], Sequence[dict[str, Any]]], None]
SNAPSHOT_TYPES = {"customer_key": "VARCHAR"} | {column.stored: TYPES[column.kind] for column in COLUMNS.values()}
TOUCH_TYPES = {
    "customer_id": "VARCHAR",
    "kind": "VARCHAR",
    "channel": "VARCHAR",
    "at": "TIMESTAMP",
    "by_machine": "BOOLEAN",
}


@pytest.fixture(scope="session")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        yield opened


@pytest.fixture(scope="session")
def fill(connection: duckdb.DuckDBPyConnection) -> Fill:
    """Makes a table of typed rows; absent values are NULL."""

    def make(name: str, types: dict[str, str], rows: Sequence[dict[str, Any]]) -> None:
        columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
        connection.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
        if rows:
            marks = ", ".join("?" * len(types))
            values = [[row.get(column) for column in types] for row in rows]
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", values)

    return make


@pytest.fixture(scope="session")
def condition() -> Callable[[Any], Condition]:
    return parse_condition
