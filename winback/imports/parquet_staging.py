"""Parquet: columns have types, which become the text that a CSV file would have."""

from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from winback.imports.columns import Layout
from winback.imports.errors import UnreadableFile
from winback.imports.sql import identifier
from winback.imports.staged import Staged, create_source


def stage_parquet(connection: DuckDBPyConnection, path: Path, layout: Layout) -> Staged:
    if not path.stat().st_size:
        raise UnreadableFile("the file is empty, which Parquet cannot be")
    try:
        described = connection.execute(
            "DESCRIBE SELECT * FROM read_parquet($path, hive_partitioning = false)", {"path": glob_literal(path)}
        ).fetchall()
        types = {str(name): str(kind) for name, kind, *_ in described}
        chosen = layout.choose(list(types))
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE staged AS SELECT * FROM read_parquet($path, hive_partitioning = false)",
            {"path": glob_literal(path)},
        )
    except (duckdb.InvalidInputException, duckdb.IOException, duckdb.SerializationException) as error:
        raise UnreadableFile("the file is not readable as Parquet: it is truncated or damaged") from error
    expressions = {name: _text(column, types[column]) for name, column in chosen.items()}
    create_source(connection, layout.canon, expressions, "CAST(to_json(staged) AS VARCHAR)")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW file_rows AS "
        "SELECT rowid AS n, rowid + 1 AS line, CAST(to_json(staged) AS VARCHAR) AS row FROM staged "
        "WHERE rowid IN (SELECT wanted.n FROM wanted)"
    )
    return Staged(frozenset(chosen), approximate=True)


def glob_literal(path: Path) -> str:
    """The path with the characters escaped that DuckDB would take for a pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def _text(column: str, kind: str) -> str:
    name = identifier(column)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(timezone('UTC', {name}), '%Y-%m-%dT%H:%M:%SZ')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime(CAST({name} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S')"
    if kind == "DOUBLE":  # whole numbers without the decimal point: ids that a tool turned into floats
        return (
            f"CASE WHEN {name} = trunc({name}) AND abs({name}) < 1e15 THEN CAST(TRY_CAST({name} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({name} AS VARCHAR) END"
        )
    if kind == "BLOB":  # text as older writers leave it
        return f"decode({name})"
    return f"CAST({name} AS VARCHAR)"
