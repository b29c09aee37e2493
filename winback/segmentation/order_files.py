"""Opens an account's order files, as the lake holds them, as the relation `orders` of latest versions."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from winback.segmentation.snapshot import read_sql

COLUMNS = {
    "order_id": "VARCHAR",
    "customer_key": "VARCHAR",
    "ordered_at": "TIMESTAMP",
    "amount_minor": "BIGINT",
    "currency": "VARCHAR",
    "discount_minor": "BIGINT",
    "lines": "STRUCT(sku VARCHAR, category VARCHAR, quantity DECIMAL(18, 3), price_minor BIGINT)[]",
    "fingerprint": "VARCHAR",
    "received_at": "TIMESTAMP",
}
"""What is read of an order in the lake (docs/data-model.md). The store's own customer id may be personal and is not."""

_SINGLE_VERSIONS = """CREATE OR REPLACE TEMP VIEW counted_orders AS
    FROM largest_file UNION ALL BY NAME FROM other_files"""
_LATEST_VERSIONS = """CREATE OR REPLACE TEMP VIEW counted_orders AS
    FROM largest_file ANTI JOIN repeated_orders USING (order_id)
    UNION ALL BY NAME
    FROM other_files ANTI JOIN repeated_orders USING (order_id)
    UNION ALL BY NAME
    FROM latest_versions"""
_IN_CURRENCY = """CREATE OR REPLACE TEMP VIEW orders AS
    SELECT * RENAME (customer_key AS customer_id) FROM counted_orders
    WHERE currency = getvariable('account_currency')"""


def open_orders(
    connection: duckdb.DuckDBPyConnection,
    *,
    parquet: Sequence[Path],
    json_lines: Sequence[Path],
    currency: str,
) -> int:
    """Creates the view `orders`: latest versions in `currency`; its `customer_id` is the customer key.

    Returns how many orders were left out because they are in another currency. The files must stay readable as long
    as the view is used; each Parquet file holds an order_id at most once.
    """
    by_size = sorted(parquet, key=lambda path: path.stat().st_size, reverse=True)
    _open(connection, "largest_file", by_size[:1], [])
    _open(connection, "other_files", by_size[1:], json_lines)
    connection.execute(read_sql("order_versions"))
    repeated = connection.execute("SELECT count(*) FROM repeated_orders").fetchall()[0][0]
    connection.execute(_LATEST_VERSIONS if repeated else _SINGLE_VERSIONS)
    connection.execute("SET VARIABLE account_currency = ?", [currency])
    connection.execute(_IN_CURRENCY)
    left_out: int = connection.execute(
        "SELECT count(*) FROM counted_orders WHERE currency <> getvariable('account_currency')"
    ).fetchall()[0][0]
    return left_out


def _open(
    connection: duckdb.DuckDBPyConnection, name: str, parquet: Sequence[Path], json_lines: Sequence[Path]
) -> None:
    """Creates the view `name` over all the files, empty without any. Folders named `key=value` add no columns."""
    empty = f"{name}_of_no_file"
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {empty} ({columns})")
    relation = connection.table(empty)
    if parquet:
        files = connection.read_parquet([str(path) for path in parquet], union_by_name=True)
        relation = relation.union(files.project(", ".join(COLUMNS)))
    if json_lines:
        files = connection.read_json(
            [str(path) for path in json_lines],  # type: ignore[arg-type]  # a list works; the stub is narrower
            format="newline_delimited",
            columns=dict(COLUMNS),
        )
        relation = relation.union(files.project(", ".join(COLUMNS)))
    relation.create_view(name)
