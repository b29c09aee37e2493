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
    _set_aside_undecodable(connection, [column for column in chosen.values() if types[column] == "BLOB"])
    expressions = {name: _text(column, types[column]) for name, column in chosen.items()}
    create_source(connection, layout.canon, expressions, "CAST(to_json(staged) AS VARCHAR)")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW file_rows AS "
        "SELECT n, n + 1 + coalesce(malformed_before, 0) AS line, row FROM ("
        "SELECT rowid AS n, CAST(to_json(staged) AS VARCHAR) AS row FROM staged "
        "WHERE rowid IN (SELECT wanted.n FROM wanted)) ASOF LEFT JOIN line_shifts ON n >= rows_before"
    )
    return Staged(frozenset(chosen), approximate=True)


def _set_aside_undecodable(connection: DuckDBPyConnection, columns: list[str]) -> None:
    """Moves the rows to `malformed` of which one of the columns, of bytes, is not UTF-8."""
    broken = " OR ".join(f"({name} IS NOT NULL AND TRY(decode({name})) IS NULL)" for name in map(identifier, columns))
    if columns:
        connection.execute(
            "INSERT INTO malformed SELECT rowid + 1, 'row: not UTF-8', CAST(to_json(staged) AS VARCHAR) "  # noqa: S608 quoted
            f"FROM staged WHERE {broken}"
        )
    if columns and connection.execute("SELECT 1 FROM malformed LIMIT 1").fetchall():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS FROM staged WHERE NOT ({broken})")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE line_shifts AS "
        "SELECT line - malformed_before AS rows_before, max(malformed_before) AS malformed_before "
        "FROM (SELECT line, row_number() OVER (ORDER BY line) AS malformed_before FROM malformed) GROUP BY rows_before"
    )


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
    if kind.endswith("[]"):
        return f"CAST(to_json({name}) AS VARCHAR)"
    return f"CAST({name} AS VARCHAR)"
