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
    # Read once, to be published: the default level costs a seventh more time and saves two per cent.
    connection.execute(
        "COPY (SELECT customer_id AS customer_key, * EXCLUDE (customer_id) FROM snapshot) TO ? "
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
        [str(path)],
    )


def write_parts(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[Part]:
    """JSON Lines files of at most PART_ROWS rows `{"customer_key", "features": {...}}` of the table `snapshot`.

    In the order of the keys, so that a repeated attempt gives the same rows to the same parts. Each file is good until
    the next is asked for.
    """
    features = ", ".join(f"{name} := {name}" for name in SCORED)
    rows = connection.table("snapshot").project(f"customer_id AS customer_key, struct_pack({features}) AS features")
    rows.order("customer_key").create("to_score")
    total: int = connection.execute("SELECT count(*) FROM to_score").fetchall()[0][0]
    path = folder / "part.jsonl"
    for chunk, start in enumerate(range(0, total, PART_ROWS)):
        end = min(start + PART_ROWS, total)
        connection.table("to_score").filter(f"rowid >= {start} AND rowid < {end}").create_view("part_to_score")
        connection.execute("COPY part_to_score TO ? (FORMAT json)", [str(path)])
        yield Part(chunk, end - start, path)
