"""Opens an account's order files, as the lake holds them: the relation `orders`, latest versions in one currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from winback.rates.conversion import LINES, Conversion, convert_stated_orders, state_orders
from winback.rates.lake_files import open_rates
from winback.segmentation.snapshot import read_sql

COLUMNS = {
    "order_id": "VARCHAR",
    "customer_key": "VARCHAR",
    "ordered_at": "TIMESTAMP",
    "amount_minor": "BIGINT",
    "currency": "VARCHAR",
    "discount_minor": "BIGINT",
    "cost_minor": "BIGINT",
    "lines": LINES,
    "fingerprint": "VARCHAR",
    "received_at": "TIMESTAMP",
}
"""What is read of an order in the lake (docs/data-model.md). The store's own customer id may be personal and is not."""

_GREW = {"cost_minor", "lines"}
"""Older files lack the first, and in the structs of the second its `cost_minor`: NULL, nothing is known of it."""

_NAMES = ", ".join(COLUMNS)

_SINGLE_VERSIONS = f"""CREATE OR REPLACE TEMP VIEW counted_orders AS
    SELECT {_NAMES} FROM largest_file
    UNION ALL
    SELECT {_NAMES} FROM other_files"""  # noqa: S608 ours
_LATEST_VERSIONS = f"""CREATE OR REPLACE TEMP VIEW counted_orders AS
    SELECT {_NAMES} FROM largest_file ANTI JOIN superseded_rows USING (row_number)
    UNION ALL
    SELECT {_NAMES} FROM other_files ANTI JOIN repeated_orders USING (order_id)
    UNION ALL
    SELECT {_NAMES} FROM latest_versions"""  # noqa: S608 ours
_ORDERS = """CREATE OR REPLACE TEMP VIEW orders AS SELECT * FROM stated_orders"""


@dataclass(frozen=True)
class OrderFiles:
    """Files of one account's orders, by their format; a Parquet file holds an order_id at most once."""

    parquet: tuple[Path, ...] = ()
    json_lines: tuple[Path, ...] = ()

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "OrderFiles":
        given = tuple(paths)
        return cls(
            tuple(path for path in given if path.suffix == ".parquet"),
            tuple(path for path in given if path.name.endswith(".jsonl.gz")),
        )


def open_orders(
    connection: duckdb.DuckDBPyConnection,
    *,
    parquet: Sequence[Path],
    json_lines: Sequence[Path],
    currency: str,
    rates: Sequence[Path] = (),
) -> Conversion:
    """Creates the view `orders`: latest versions, in `currency`; its `customer_id` is the customer key.

    Orders in other currencies are converted by `rates`, the account's files of exchange rates (docs/data-model.md);
    returns how many were, and how many were left out, and why. The files must stay readable as long as the view is
    used; each Parquet file holds an order_id at most once. `orders` has winback.rates.conversion.ORDER_COLUMNS.
    """
    by_size = sorted(parquet, key=lambda path: path.stat().st_size, reverse=True)
    _open_largest(connection, by_size[:1])
    read_files(connection, OrderFiles(tuple(by_size[1:]), tuple(json_lines))).create_view("other_files", replace=True)
    return count_versions(connection, currency=currency, rates=rates)


def count_versions(connection: duckdb.DuckDBPyConnection, *, currency: str, rates: Sequence[Path] = ()) -> Conversion:
    """Creates `orders` from the relations `largest_file` and `other_files`, as `open_orders` describes it."""
    connection.execute(read_sql("order_versions"))
    repeated = connection.execute("SELECT count(*) FROM repeated_orders").fetchall()[0][0]
    connection.execute(_LATEST_VERSIONS if repeated else _SINGLE_VERSIONS)
    state_orders(connection, "counted_orders", customer="customer_key")
    foreign = connection.execute(
        "SELECT 1 FROM counted_orders WHERE currency <> $currency LIMIT 1", {"currency": currency}
    ).fetchall()
    if not foreign:
        connection.execute(_ORDERS)
        return Conversion(currency=currency)
    open_rates(connection, rates)
    return convert_stated_orders(connection, currency)


def _open_largest(connection: duckdb.DuckDBPyConnection, parquet: Sequence[Path]) -> None:
    """Creates the view `largest_file`, empty without a file, with the number of each row."""
    if parquet:
        rows = connection.read_parquet(str(parquet[0]), file_row_number=True)
    else:
        rows = _nothing(connection).project("*, 0::BIGINT AS file_row_number")
    rows.project(f"{_projection(rows)}, file_row_number AS row_number").create_view("largest_file", replace=True)


def read_files(connection: duckdb.DuckDBPyConnection, files: OrderFiles) -> duckdb.DuckDBPyRelation:
    """All rows with `COLUMNS`; none without a file. Folders named `key=value` add no columns."""
    relation = _nothing(connection)
    if files.parquet:
        rows = connection.read_parquet([str(path) for path in files.parquet], union_by_name=True)
        relation = relation.union(rows.project(_projection(rows)))
    if files.json_lines:
        rows = connection.read_json(
            [str(path) for path in files.json_lines],  # type: ignore[arg-type]  # a list works; the stub is narrower
            format="newline_delimited",
            columns=dict(COLUMNS),
        )
        relation = relation.union(rows.project(_NAMES))
    return relation


def count_lines(connection: duckdb.DuckDBPyConnection, files: OrderFiles) -> int:
    """Order lines of the files, in all versions of their orders."""
    ((lines,),) = read_files(connection, files).aggregate("coalesce(sum(len(lines)), 0)::BIGINT").fetchall()
    counted: int = lines
    return counted


def _projection(rows: duckdb.DuckDBPyRelation) -> str:
    """`COLUMNS` of files that may be older than some of them; to cast a struct adds the fields that it lacks."""
    return ", ".join(
        f"CAST({name if name in rows.columns else 'NULL'} AS {kind}) AS {name}" if name in _GREW else name
        for name, kind in COLUMNS.items()
    )


def _nothing(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS no_orders ({columns})")
    return connection.table("no_orders")
