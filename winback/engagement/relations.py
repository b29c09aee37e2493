"""Opens an account's engagement and customer files of the lake as the relations `touches` and `profiles`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from winback.engagement.sql import statement
from winback.imports.parquet_staging import glob_literal
from winback.imports.sql import literal

ENGAGEMENT_COLUMNS = {
    "customer_key": "VARCHAR",
    "kind": "VARCHAR",
    "channel": "VARCHAR",
    "at": "TIMESTAMP",
    "touch_id": "VARCHAR",
    "by_machine": "BOOLEAN",
    "hour_weight": "DOUBLE",
}
"""What is read of a touch. Files of stores, and older ones, lack the last."""

_CONSENT = 'STRUCT(state VARCHAR, "at" TIMESTAMP)'
CUSTOMER_COLUMNS = {
    "customer_key": "VARCHAR",
    "consent": f"STRUCT(email {_CONSENT}, sms {_CONSENT}, push {_CONSENT})",
    "acquisition_channel": "VARCHAR",
    "created_at": "TIMESTAMP",
    "received_at": "TIMESTAMP",
}
"""What is read of a customer in the lake (docs/data-model.md). Names and addresses are not."""


def open_touches(
    connection: DuckDBPyConnection, *, parquet: Sequence[Path], json_lines: Sequence[Path], as_of: datetime
) -> None:
    """Creates the table `touches` (customer_id, kind, channel, "at" TIMESTAMP, by_machine BOOLEAN, hour_weight
    DOUBLE) of the engagement files: each touch before `as_of` once, empty without any. Its `customer_id` is the
    customer key.

    Raises ValueError when `as_of` has no time zone.
    """
    moment = _moment(as_of)
    _open(connection, "engagement_files", ENGAGEMENT_COLUMNS, parquet, json_lines)
    connection.execute(statement("touches"), {"as_of": moment})
    connection.execute("DROP VIEW engagement_files")


def open_profiles(connection: DuckDBPyConnection, *, json_lines: Sequence[Path], as_of: datetime) -> None:
    """Creates the table `profiles` (customer_id, email_consent, sms_consent, push_consent, acquisition_channel,
    created_at TIMESTAMP) of the customer files: what was stated before `as_of`. Its `customer_id` is the customer key.

    After `open_touches` with the same `as_of`: who unsubscribed since the last statement has denied. Raises ValueError
    when `as_of` has no time zone.
    """
    moment = _moment(as_of)
    _open(connection, "customer_files", CUSTOMER_COLUMNS, (), json_lines)
    connection.execute(statement("profiles"), {"as_of": moment})
    connection.execute("DROP VIEW customer_files")


def _moment(as_of: datetime) -> datetime:
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    return as_of.astimezone(UTC).replace(tzinfo=None)


def _open(
    connection: DuckDBPyConnection,
    view: str,
    columns: Mapping[str, str],
    parquet: Sequence[Path],
    json_lines: Sequence[Path],
) -> None:
    """Creates a view of the files' rows, empty without any. Folders named `key=value` add no columns."""
    names = ", ".join(f'"{name}"' for name in columns)
    empty = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns.items())
    parts = [f"SELECT {empty} WHERE FALSE"]
    if parquet:
        files = f"read_parquet({_listed(parquet)}, hive_partitioning = false, union_by_name = true)"
        rows = f"SELECT {empty} WHERE FALSE UNION ALL BY NAME SELECT * FROM {files}"  # noqa: S608 quoted
        parts.append(f"SELECT {names} FROM ({rows})")  # noqa: S608
    if json_lines:
        typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())
        parts.append(
            f"SELECT {names} FROM read_json({_listed(json_lines)}, format = 'newline_delimited', "  # noqa: S608 quoted
            f"columns = {{{typed}}}, hive_partitioning = false)"
        )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {' UNION ALL '.join(parts)}")


def _listed(paths: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(glob_literal(path)) for path in paths) + "]"
