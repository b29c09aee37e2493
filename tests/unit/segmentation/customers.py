"""Orders of a few made-up or of all real customers, and what they segment into."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from winback.segmentation.rubric import Rubric
from winback.segmentation.snapshot import build_snapshot

CDNOW = Path(__file__).parents[3] / "build/datasets/lifetimes/datasets/CDNOW_master.txt"
_COLUMNS = (
    "order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT, discount_minor BIGINT, "
    "lines STRUCT(sku VARCHAR, category VARCHAR, quantity BIGINT, price_minor BIGINT)[]"
)
_READ_CDNOW = """
    INSERT INTO orders
    WITH words AS (
        SELECT row_number() OVER () AS number, regexp_split_to_array(trim(line), '\\s+') AS word
        FROM read_csv(?, columns = {'line': 'VARCHAR'}, header = FALSE, skip = 1, delim = '|')
    )
    SELECT number::VARCHAR, word[1], strptime(word[2], '%Y%m%d'), round(word[4]::DECIMAL(18, 2) * 100)::BIGINT, 0, NULL
    FROM words
"""

Segmented = dict[str, dict[str, Any]]


def order(customer: str, at: datetime, amount: int, category: str | None = None) -> tuple[Any, ...]:
    lines = None if category is None else [{"sku": "s", "category": category, "quantity": 1, "price_minor": amount}]
    return (customer, at.astimezone(UTC).replace(tzinfo=None), amount, lines)


def fill(connection: duckdb.DuckDBPyConnection, orders: Sequence[tuple[Any, ...]]) -> None:
    """Replaces the relation `orders`."""
    connection.execute(f"CREATE OR REPLACE TABLE orders ({_COLUMNS})")
    rows = [(str(n), customer, at, amount, 0, lines) for n, (customer, at, amount, lines) in enumerate(orders)]
    if rows:
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", rows)


def rows_by_customer(connection: duckdb.DuckDBPyConnection, table: str) -> Segmented:
    cursor = connection.execute(f"FROM {table}")
    names = [column[0] for column in cursor.description or []]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def segmented(
    connection: duckdb.DuckDBPyConnection,
    orders: Sequence[tuple[Any, ...]],
    as_of: datetime,
    rubric: Rubric | None = None,
    trend_category: str | None = None,
) -> tuple[Segmented, Rubric]:
    """The snapshot by customer, and the rubric that was applied."""
    fill(connection, orders)
    applied = build_snapshot(connection, as_of=as_of, rubric=rubric, trend_category=trend_category)
    return rows_by_customer(connection, "snapshot"), applied


def fill_with_cdnow(connection: duckdb.DuckDBPyConnection) -> None:
    """All of CDNOW's purchases as the relation `orders`."""
    fill(connection, [])
    connection.execute(_READ_CDNOW, [str(CDNOW)])
