"""The launch's files as DuckDB tables, and the SQL that runs over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from winback.analytics import fates

AUDIENCE_COLUMNS = {
    "customer_key": "VARCHAR",
    "segment": "VARCHAR",
    "family": "VARCHAR",
    "lapsed": "BOOLEAN",
    "eligible": "BOOLEAN",
    "reasons": "VARCHAR[]",
    "arm": "VARCHAR",
    "measured": "BOOLEAN",
    "variants": "MAP(VARCHAR, VARCHAR)",
}
PATH_COLUMNS = {"branch": "INTEGER", "customer_key": "VARCHAR", "way": "VARCHAR"}
OFFER_COLUMNS = {"customer_key": "VARCHAR", "offer_id": "VARCHAR", "spend_minor": "BIGINT"}
ORDER_COLUMNS = {
    "order_id": "VARCHAR",
    "customer_key": "VARCHAR",
    "ordered_at": "TIMESTAMP",
    "amount_minor": "BIGINT",
    "currency": "VARCHAR",
    "discount_minor": "BIGINT",
    "discount_codes": "VARCHAR[]",
    "fingerprint": "VARCHAR",
    "received_at": "TIMESTAMP",
}


@dataclass(frozen=True)
class Sources:
    """Local files. `audience`, `offers`: rows of docs/data-model.md; `fates`: rows of fates.py, one a live plan row;
    `paths`: rows of docs/data-model.md with their `branch`; JSON Lines, gzip by name. `orders`: objects of the lake's
    orders prefix, `.parquet` or `.jsonl.gz`."""

    audience: Sequence[Path]
    fates: Sequence[Path]
    orders: Sequence[Path]
    paths: Sequence[Path] = ()
    offers: Sequence[Path] = ()


@dataclass(frozen=True)
class Limits:
    """What DuckDB may use: `memory` such as `1GB`, `directory` for what does not fit."""

    memory: str = "1GB"
    threads: int = 2
    directory: Path | None = None


def load(db: duckdb.DuckDBPyConnection, sources: Sources) -> None:
    """Tables audience, fates, paths, offers; orders is a view, so that only columns and rows in question are read."""
    for name, paths, columns in (
        ("audience", sources.audience, AUDIENCE_COLUMNS),
        ("fates", sources.fates, fates.COLUMNS),
        ("paths", sources.paths, PATH_COLUMNS),
        ("offers", sources.offers, OFFER_COLUMNS),
    ):
        db.execute(f"CREATE TABLE {name} AS {_rows(paths, columns)}")
    parquet = [path for path in sources.orders if path.suffix == ".parquet"]
    json_lines = [path for path in sources.orders if path.suffix != ".parquet"]
    parts = [_rows(json_lines, ORDER_COLUMNS)]
    if parquet:
        rows = f"FROM read_parquet({_literal(parquet)}, union_by_name = true)"
        there = {name for name, *_ in db.execute(f"DESCRIBE {rows}").fetchall()}
        # Files of before codes were taken lack them: nothing was said.
        typed = ", ".join(
            f"{name if name in there or name != 'discount_codes' else 'NULL'}::{kind} AS {name}"
            for name, kind in ORDER_COLUMNS.items()
        )
        parts.append(f"SELECT {typed} {rows}")
    db.execute(f"CREATE VIEW orders AS {' UNION ALL '.join(parts)}")


def _rows(paths: Sequence[Path], columns: dict[str, str]) -> str:
    """A query for the rows of JSON Lines files; without files for no rows, of the same types."""
    if not paths:
        return f"SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in columns.items())} WHERE false"
    return f"SELECT * FROM read_json({_literal(paths)}, format = 'newline_delimited', columns = {columns})"  # noqa: S608


def _literal(paths: Sequence[Path]) -> str:
    """A view takes no parameters."""
    quoted = (str(path).replace("'", "''") for path in paths)
    return "[" + ", ".join(f"'{path}'" for path in quoted) + "]"


def connect(limits: Limits) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"memory_limit": limits.memory, "threads": limits.threads}
    if limits.directory is not None:
        config["temp_directory"] = str(limits.directory)
    db = duckdb.connect(":memory:", config=config)
    db.execute("SET TimeZone = 'UTC'")
    return db


def run(db: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, Any]) -> None:
    """Each statement of the file, with those of the parameters that it names."""
    for statement in duckdb.extract_statements(sql(name)):
        db.execute(statement, {key: value for key, value in parameters.items() if key in statement.named_parameters})


@cache
def sql(name: str) -> str:
    return files("winback.analytics").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def one_row(db: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
    row = db.execute(query, list(parameters)).fetchone()
    if row is None:
        raise LookupError("an aggregate gave no row")
    return row


def one_value(db: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> int:
    return int(one_row(db, query, parameters)[0])


def naive_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
