"""What an import writes into the lake, and what is new beside what the lake holds already."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from winback.accounts.channels import ChannelName
from winback.customers import Consent, ConsentState, Customer, OpenCase
from winback.imports.parquet_staging import glob_literal
from winback.imports.sql import literal, statement

_KNOWN = {"order_id": "VARCHAR", "fingerprint": "VARCHAR", "received_at": "TIMESTAMP"}
_ROWS_AT_A_TIME = 10_000


def set_known_orders_aside(
    connection: DuckDBPyConnection,
    *,
    parquet: Sequence[Path],
    json_lines: Sequence[Path],
    salt: str,
    received_at: datetime,
) -> int:
    """Makes the view `new_orders`: those of the file that the lake files lack, or whose latest version there differs.

    After `load_orders`. Returns how many rows of the file the others were. `salt` is the account's, for customer keys.
    """
    connection.execute("SET VARIABLE key_salt = $salt", {"salt": salt})
    connection.execute("SET VARIABLE received_at = $at", {"at": received_at.astimezone(UTC).replace(tzinfo=None)})
    columns = ", ".join(f"{name} {kind}" for name, kind in _KNOWN.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE lake_orders ({columns})")
    names = ", ".join(_KNOWN)
    if parquet:
        connection.execute(
            f"INSERT INTO lake_orders SELECT {names} FROM read_parquet($paths, hive_partitioning = false) "  # noqa: S608 ours
            "WHERE order_id IN (SELECT orders.order_id FROM orders)",
            {"paths": [glob_literal(path) for path in parquet]},
        )
    if json_lines:
        connection.execute(
            f"INSERT INTO lake_orders SELECT {names} FROM read_json($paths, format = 'newline_delimited', "  # noqa: S608 ours
            "columns = $columns, hive_partitioning = false)",
            {"paths": [glob_literal(path) for path in json_lines], "columns": _KNOWN},
        )
    connection.execute(statement("known_orders"))
    ((rows,),) = connection.execute(
        "SELECT coalesce(sum(coalesce(len(lines), 1)), 0) FROM orders SEMI JOIN known_orders USING (order_id)"
    ).fetchall()
    return int(rows)


def write_orders(connection: DuckDBPyConnection, path: Path) -> int:
    """Writes `new_orders` as Parquet, in the order of the file; returns how many. Without any, writes nothing."""
    ((orders,),) = connection.execute("SELECT count(*) FROM orders ANTI JOIN known_orders USING (order_id)").fetchall()
    if orders:
        connection.execute(
            f"COPY (FROM new_orders) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
        )
    return int(orders)


def restated_orders(connection: DuckDBPyConnection) -> list[str]:
    """Ids of `new_orders` that the lake holds with other content."""
    found = connection.execute("SELECT order_id FROM new_orders SEMI JOIN lake_orders USING (order_id)").fetchall()
    return [order_id for (order_id,) in found]


def write_rejects(connection: DuckDBPyConnection, path: Path) -> None:
    """JSON Lines, gzip: `line, field, problem, reason, row`."""
    connection.execute(f"COPY (FROM rejects ORDER BY line) TO {literal(str(path))} (FORMAT json, COMPRESSION gzip)")


def latest_purchases(connection: DuckDBPyConnection, since: datetime) -> dict[str, datetime]:
    """Customer key -> time of its latest new purchase (returns are none) at or after `since`."""
    found = connection.execute(
        "SELECT customer_key, max(ordered_at) FROM new_orders WHERE ordered_at >= $since AND amount_minor >= 0 "
        "GROUP BY customer_key",
        {"since": since.astimezone(UTC).replace(tzinfo=None)},
    ).fetchall()
    return {customer: moment.replace(tzinfo=UTC) for customer, moment in found}


def read_customers(connection: DuckDBPyConnection) -> Iterator[list[Customer]]:
    """The table `customers`, some thousands at a time. It is checked already and is not checked again."""
    cursor = connection.cursor()
    cursor.execute("SET TimeZone = 'UTC'")
    cursor.execute("SELECT * EXCLUDE (fingerprint) FROM customers")
    names = [column[0] for column in cursor.description or []]
    while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
        yield [_customer(dict(zip(names, row, strict=True))) for row in rows]


def _customer(row: dict[str, Any]) -> Customer:
    at, source = _aware(row.pop("consent_at")), row.pop("consent_source")
    states = {channel: row.pop(f"{channel}_consent") for channel in ChannelName}
    consent = {
        channel: Consent.model_construct(state=ConsentState(state), at=at, source=source)
        for channel, state in states.items()
        if state is not None
    }
    cases = row.pop("open_cases")
    row["open_cases"] = None if cases is None else tuple(OpenCase(case) for case in cases)
    return Customer.model_construct(**{**row, "created_at": _aware(row["created_at"]), "consent": consent})


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
