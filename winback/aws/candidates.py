"""Candidates of a launch: the customers of a snapshot that its audience names, in chunks."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from winback.aws.lake import Row
from winback.campaigns.definition import Audience

CHUNK_ROWS = 500
MEMORY_LIMIT = "600MB"  # beyond it DuckDB sorts beside the snapshot file
COLUMNS = ("customer_key", "segment", "family", "value_tier", "status", "lapsed")

_SQL = """
    select customer_key, segment, family, value_tier, status, lapsed
    from read_parquet($path)
    where list_contains($segments, segment) or list_contains($families, family)
    order by customer_key
"""


def candidate_chunks(snapshot: Path, audience: Audience, chunk_rows: int) -> Iterator[list[Row]]:
    """Rows of COLUMNS from the snapshot's Parquet file by customer key, at most `chunk_rows` at a time."""
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": 2,
        "temp_directory": str(snapshot.parent),
    }
    with duckdb.connect(config=limits) as connection:
        parameters = {
            "path": str(snapshot),
            "segments": [str(name) for name in audience.segments],
            "families": [str(name) for name in audience.families],
        }
        found = connection.execute(_SQL, parameters)
        while rows := found.fetchmany(chunk_rows):
            yield [dict(zip(COLUMNS, row, strict=True)) for row in rows]
