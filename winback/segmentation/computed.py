"""The computed snapshot as a file, and the parts of it that the churn endpoint scores."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from winback.features import SCORED

PART_ROWS = 5_000
"""Customers of one part to score: ten calls of 500 rows, well inside a function's time."""


@dataclass(frozen=True)
class Part:
    chunk: int
    rows: int
    path: Path


def write_computed(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """The table `snapshot` as Parquet, its `customer_id` as `customer_key`."""
    rows = connection.table("snapshot").project("customer_id AS customer_key, * EXCLUDE (customer_id)")
    rows.write_parquet(str(path), compression="zstd")


def write_parts(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[Part]:
    """JSON Lines files of at most PART_ROWS rows `{"customer_key", "features": {...}}` of the table `snapshot`.

    It is in the order of its keys, so that a repeated attempt gives the same rows to the same parts. Each file is good
    until the next is asked for.
    """
    rows: int = connection.execute("SELECT count(*) FROM snapshot").fetchall()[0][0]
    features = ", ".join(f"{name} := {name}" for name in SCORED)
    path = folder / "part.jsonl"
    for chunk, start in enumerate(range(0, rows, PART_ROWS)):
        end = min(start + PART_ROWS, rows)
        part = connection.table("snapshot").filter(f"rowid >= {start} AND rowid < {end}")
        part.project(f"customer_id AS customer_key, struct_pack({features}) AS features").create_view("part_to_score")
        connection.execute("COPY part_to_score TO ? (FORMAT json)", [str(path)])
        yield Part(chunk, end - start, path)
