"""Orders of a few made-up or of all real customers, and what they segment into."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.unit.filling import insert
from winback.features import FEATURES, PRIOR
from winback.segmentation.rubric import Bands, Rubric
from winback.segmentation.rubric_calibration import thresholds_from
from winback.segmentation.rubric_file import default_settings, read_rubric_file
from winback.segmentation.snapshot import apply_rubric, build_snapshot

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

_ONE_PURCHASE = {
    "purchases": 1,
    "orders": 1,
    "purchase_orders": 1,
    "net_minor": 1_000,
    "gross_minor": 1_000,
    "returns_minor": 0,
    "last_purchase_at": datetime(2025, 12, 1),
    "silence_days": 30,
    "tenure_days": 30,
    "lapse_days": 60,
    "base_lapse_days": 112,
    "gap_count": 0,
    "seasonal": False,
    "only_category": False,
    "first_order_discounted": False,
}

Segmented = dict[str, dict[str, Any]]


def order(customer: str, at: datetime, amount: int, category: str | None = None, discount: int = 0) -> tuple[Any, ...]:
    lines = None if category is None else [{"sku": "s", "category": category, "quantity": 1, "price_minor": amount}]
    return (customer, at.astimezone(UTC).replace(tzinfo=None), amount, lines, discount)


def fill(connection: duckdb.DuckDBPyConnection, orders: Sequence[tuple[Any, ...]]) -> None:
    """Replaces the relation `orders`."""
    connection.execute(f"CREATE OR REPLACE TABLE orders ({_COLUMNS})")
    rows = [
        (str(number), customer, at, amount, discount, lines)
        for number, (customer, at, amount, lines, discount) in enumerate(orders)
    ]
    insert(connection, "orders", rows)


def rubric_with(as_of: datetime, bands: Bands | None = None, overrides: str = "", **cuts: int) -> Rubric:
    """The shipped settings and what a rubric file's text overrides, with what calibration would have found."""
    settings = read_rubric_file(overrides).settings if overrides else default_settings()
    rubric = Rubric.of(as_of, PRIOR, thresholds_from(cuts, settings, "EUR"), settings, history_days=100)
    return rubric if bands is None else rubric.model_copy(update={"bands": bands})


def ruled(connection: duckdb.DuckDBPyConnection, rubric: Rubric, *facts: dict[str, Any]) -> list[dict[str, Any]]:
    """What the rules make of facts, in their order; what one leaves out is that of a single purchase, or null."""
    columns = {feature.name: feature.type for feature in FEATURES}
    connection.execute(
        f"CREATE OR REPLACE TABLE facts ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
    )
    rows = [{**_ONE_PURCHASE, **row, "customer_id": f"{number:05d}"} for number, row in enumerate(facts)]
    unknown = {name for row in rows for name in row} - columns.keys()
    assert not unknown, unknown
    insert(connection, "facts", [[row.get(name) for name in columns] for row in rows])
    apply_rubric(connection, rubric)
    return [row for _, row in sorted(rows_by_customer(connection, "snapshot").items())]


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
    **more: Any,
) -> tuple[Segmented, Rubric]:
    """The snapshot by customer, and the rubric that was applied."""
    fill(connection, orders)
    applied = build_snapshot(connection, as_of=as_of, rubric=rubric, trend_category=trend_category, **more)
    return rows_by_customer(connection, "snapshot"), applied


def fill_with_cdnow(connection: duckdb.DuckDBPyConnection) -> None:
    """All of CDNOW's purchases as the relation `orders`."""
    fill(connection, [])
    connection.execute(_READ_CDNOW, [str(CDNOW)])
