"""Refreshing from the refresh before: only customers whose orders changed are computed from orders, the others carried.

A customer's history (winback/features/histories.sql) says nothing of the moment but that orders at or after it do not
exist. So it stays true until an order of the customer's comes, changes or moves, or was in the future and no longer is.
What depends on the moment and on the account is computed for everybody, from the histories.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from winback.features.premium import PremiumCuts
from winback.features.statements import histories_fingerprint
from winback.instants import parse_instant
from winback.segmentation.order_files import COLUMNS, OrderFiles, count_versions, read_files
from winback.segmentation.snapshot import read_sql


class Coverage(BaseModel):
    """What a file of histories rests on, beside which it lies: whether the next refresh may carry them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: str
    files: dict[str, str] = Field(description="every order file by its key, and its ETag")
    currency: str
    foreign_orders: bool = Field(description="some orders were in other currencies: their amounts hang on rates")
    trend_category: str | None
    premium: PremiumCuts
    made_by: str = Field(description="fingerprint of the statements that made the histories")

    def carries_to(self, now: "Coverage") -> bool:
        """Whether histories of this are right for `now`, but for customers whose orders changed."""
        same = ("currency", "trend_category", "premium", "made_by")
        return (
            parse_instant(self.as_of) <= parse_instant(now.as_of)
            and all(getattr(self, name) == getattr(now, name) for name in same)
            and self.files.items() <= now.files.items()
            and not self.foreign_orders
        )


@dataclass(frozen=True)
class Work:
    """How much of the account a refresh read."""

    orders_read: int
    customers_recomputed: int
    customers_carried: int


def full_work(connection: duckdb.DuckDBPyConnection) -> Work:
    """After `open_orders` and build_snapshot."""
    return _work(connection, "SELECT count(*) FROM stated_orders", "SELECT 0")


def incremental_work(connection: duckdb.DuckDBPyConnection) -> Work:
    """After `open_touched_orders` and build_snapshot."""
    return _work(connection, "SELECT count(*) FROM touched_orders", "SELECT count(*) FROM carried_histories")


def _work(connection: duckdb.DuckDBPyConnection, orders: str, carried: str) -> Work:
    read, customers, kept = (
        connection.execute(text).fetchall()[0][0] for text in (orders, "SELECT count(*) FROM facts", carried)
    )
    return Work(orders_read=read, customers_recomputed=customers - kept, customers_carried=kept)


def statements_fingerprint() -> str:
    """Changes when histories would be made otherwise."""
    texts = (histories_fingerprint(), read_sql("order_versions"), str(COLUMNS))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def open_touched_orders(
    connection: duckdb.DuckDBPyConnection,
    *,
    covered: OrderFiles,
    fresh: OrderFiles,
    histories: Path,
    since: datetime,
    as_of: datetime,
    currency: str,
) -> bool:
    """Creates `orders` of the touched customers alone, and `carried_histories` of the others.

    `histories` covers the orders of `covered` before `since`. False when some order is in another currency than the
    account's: then nothing may be carried, and all files have to be opened instead.
    """
    read_files(connection, covered).create_view("covered_files", replace=True)
    read_files(connection, fresh).create_view("fresh_files", replace=True)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE meantime AS SELECT ?::TIMESTAMP AS since, ?::TIMESTAMP AS as_of",
        [_plain(since), _plain(as_of)],
    )
    connection.execute(read_sql("touched_orders"))
    rows = connection.table("touched_orders")
    rows.create_view("other_files", replace=True)
    rows.project("*, 0::BIGINT AS row_number").filter("FALSE").create_view("largest_file", replace=True)
    if count_versions(connection, currency=currency).foreign:
        return False
    connection.execute("ALTER VIEW orders RENAME TO orders_of_all")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW orders AS "
        "FROM orders_of_all SEMI JOIN touched_customers ON orders_of_all.customer_id = touched_customers.customer_key"
    )
    connection.read_parquet(str(histories)).create_view("histories_before", replace=True)
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW carried_histories AS FROM histories_before "
        "ANTI JOIN touched_customers ON histories_before.customer_id = touched_customers.customer_key"
    )
    return True


def forget_touched_orders(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the connection as it was before `open_touched_orders`, for all files to be opened."""
    for view in ("carried_histories", "orders", "orders_of_all"):
        connection.execute(f"DROP VIEW IF EXISTS {view}")


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
