from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from winback.rates.files import RatesFile, read_rates
from winback.rates.quotes import Quote


@pytest.fixture
def connection() -> Iterator[DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as connection:
        yield connection


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., RatesFile]:
    """Reads a file of that content."""

    def from_content(content: str | bytes, **options: Any) -> RatesFile:
        path = tmp_path / "rates"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_rates(path, **options)

    return from_content


def quote(day: str, currency: str, base: str, rate: str) -> Quote:
    return Quote(date.fromisoformat(day), currency, base, Decimal(rate))


def create_orders(connection: DuckDBPyConnection, rows: Sequence[tuple[str, datetime, int, str]]) -> None:
    """The table `orders` of (order_id, ordered_at, amount_minor, currency), as a file of lines with costs makes it."""
    connection.execute(
        "CREATE OR REPLACE TABLE orders (order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, "
        "amount_minor BIGINT, currency VARCHAR, discount_minor BIGINT, cost_minor BIGINT, "
        "lines STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT, cost_minor BIGINT)[])"
    )
    values: list[Any] = []
    for order_id, at, amount, currency in rows:
        lines = [
            {"sku": "a", "category": "c", "quantity": Decimal(1), "price_minor": amount - 7, "cost_minor": None},
            {"sku": "b", "category": None, "quantity": None, "price_minor": 7, "cost_minor": 3},
        ]
        values += [order_id, f"customer of {order_id}", at, amount, currency, abs(amount) // 3, None, lines]
    if rows:
        connection.execute(f"INSERT INTO orders VALUES {', '.join(['(?, ?, ?, ?, ?, ?, ?, ?)'] * len(rows))}", values)
