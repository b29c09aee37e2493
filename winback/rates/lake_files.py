"""Rates in the lake: what an import adds to them, and all of them as one table."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from winback.imports.parquet_staging import glob_literal
from winback.imports.sql import literal

_COLUMNS = "day DATE, currency VARCHAR, base VARCHAR, rate DECIMAL(18, 9), received_at TIMESTAMP"
_LATEST = """SELECT day, currency, base, rate FROM lake_rates
    QUALIFY row_number() OVER (PARTITION BY day, currency, base ORDER BY received_at DESC, rate DESC) = 1"""


def open_rates(connection: DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Makes the table `rates(day DATE, currency, base, rate DECIMAL(18,9))` of the lake's files, empty without any.

    Of a (day, currency, base) the rate of the greatest `received_at` counts.
    """
    _open_lake_rates(connection, paths)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE rates AS {_LATEST}")
    connection.execute("DROP TABLE lake_rates")


def set_known_rates_aside(connection: DuckDBPyConnection, paths: Sequence[Path]) -> int:
    """Makes the table `new_rates`: those of `rates` that the lake's files lack, or whose latest there differ.

    Returns how many the others were.
    """
    _open_lake_rates(connection, paths)
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE new_rates AS
        SELECT * FROM rates ANTI JOIN ({_LATEST}) AS latest USING (day, currency, base, rate)"""  # noqa: S608 ours
    )
    connection.execute("DROP TABLE lake_rates")
    ((known,),) = connection.execute(
        "SELECT (SELECT count(*) FROM rates) - (SELECT count(*) FROM new_rates)"
    ).fetchall()
    return int(known)


def write_rates(connection: DuckDBPyConnection, path: Path, received_at: datetime) -> int:
    """Writes `new_rates` as Parquet; returns how many. Without any, writes nothing."""
    ((rates,),) = connection.execute("SELECT count(*) FROM new_rates").fetchall()
    if rates:
        at = received_at.astimezone(UTC).replace(tzinfo=None)
        connection.execute("SET VARIABLE received_at = $at", {"at": at})
        connection.execute(
            "COPY (SELECT *, CAST(getvariable('received_at') AS TIMESTAMP) AS received_at FROM new_rates "  # noqa: S608
            f"ORDER BY currency, base, day) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )
    return int(rates)


def _open_lake_rates(connection: DuckDBPyConnection, paths: Sequence[Path]) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE lake_rates ({_COLUMNS})")
    if paths:
        connection.execute(
            "INSERT INTO lake_rates SELECT day, currency, base, rate, received_at "
            "FROM read_parquet($paths, hive_partitioning = false)",
            {"paths": [glob_literal(path) for path in paths]},
        )
