"""Orders, touches and profiles of a few made-up customers, and their facts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from tests.unit.filling import insert
from winback.features import Calibration, compute_facts

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)

_ORDERS = (
    "customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT, discount_minor BIGINT, cost_minor BIGINT, "
    "lines STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT, cost_minor BIGINT)[]"
)
_TOUCHES = 'customer_id VARCHAR, kind VARCHAR, channel VARCHAR, "at" TIMESTAMP, by_machine BOOLEAN'
_PROFILES = (
    "customer_id VARCHAR, email_consent VARCHAR, sms_consent VARCHAR, push_consent VARCHAR, "
    "acquisition_channel VARCHAR, created_at TIMESTAMP"
)

Row = tuple[Any, ...]
Facts = dict[str, dict[str, Any]]


def at(days_ago: float) -> datetime:
    """The moment that many days before AS_OF, as the relations hold it: UTC without a zone."""
    return (AS_OF - timedelta(days=days_ago)).replace(tzinfo=None)


def line(category: str | None, price: int, quantity: float = 1, cost: int | None = None) -> dict[str, Any]:
    return {"sku": "s", "category": category, "quantity": quantity, "price_minor": price, "cost_minor": cost}


def order(
    customer: str,
    days_ago: float,
    amount: int = 1_000,
    *,
    discount: int | None = 0,
    cost: int | None = None,
    lines: list[dict[str, Any]] | None = None,
) -> Row:
    return (customer, at(days_ago), amount, discount, cost, lines)


def touch(customer: str, kind: str, days_ago: float, *, by_machine: bool | None = False) -> Row:
    return (customer, kind, "email", at(days_ago), by_machine)


@dataclass(frozen=True)
class Relations:
    """What an account has; None: the relation does not exist."""

    orders: Sequence[Row] = ()
    touches: Sequence[Row] | None = None
    profiles: Sequence[Row] | None = None
    missing: Sequence[str] = field(default=())
    """Columns that `orders` does not have."""

    def put(self, connection: duckdb.DuckDBPyConnection) -> None:
        _put(connection, "orders", _ORDERS, self.orders)
        for column in self.missing:
            connection.execute(f"ALTER TABLE orders DROP COLUMN {column}")
        for name, columns, rows in (("touches", _TOUCHES, self.touches), ("profiles", _PROFILES, self.profiles)):
            connection.execute(f"DROP TABLE IF EXISTS {name}")
            if rows is not None:
                _put(connection, name, columns, rows)


def facts_of(
    connection: duckdb.DuckDBPyConnection, relations: Relations, *, as_of: datetime = AS_OF, **arguments: Any
) -> tuple[Facts, Calibration]:
    relations.put(connection)
    calibration = compute_facts(connection, as_of=as_of, **arguments)
    return read_facts(connection), calibration


def read_facts(connection: duckdb.DuckDBPyConnection) -> Facts:
    cursor = connection.execute("FROM facts")
    names = [column[0] for column in cursor.description or []]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def _put(connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Sequence[Row]) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
    insert(connection, name, rows)
