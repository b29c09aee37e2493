"""Scores joined to a computed snapshot, and what differs from the snapshots published before."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict

from winback.segmentation.names import Segment
from winback.segmentation.snapshot import read_sql
from winback.segmentation.state import SegmentState

_SCORES = {"customer_key": "VARCHAR", "churn_probability": "DOUBLE", "source": "VARCHAR", "model_id": "VARCHAR"}
_COMPARED = ("customer_key", "segment", "family", "value_tier", "status", "lapsed", "churn_probability", "score_source")


class Migration(BaseModel):
    """Customers who went from one segment to another between two snapshots. None: not a buyer at that moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_segment: Segment | None
    to_segment: Segment | None
    customers: int


def join_scores(connection: duckdb.DuckDBPyConnection, *, computed: Path, scores: Sequence[Path]) -> int:
    """Creates the table `published` from the computed Parquet file and the JSON Lines score files; returns its rows.

    A customer without a score has no probability and the source `none`.
    """
    connection.read_parquet(str(computed)).create_view("computed")
    types = ", ".join(f"{name} {kind}" for name, kind in _SCORES.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE scores ({types})")
    if scores:
        connection.read_json(
            [str(path) for path in scores],  # type: ignore[arg-type]  # a list works; the stub is narrower
            format="newline_delimited",
            columns=dict(_SCORES),
        ).project(", ".join(_SCORES)).insert_into("scores")
    connection.execute(read_sql("published"))
    rows: int = connection.execute("SELECT count(*) FROM published").fetchall()[0][0]
    return rows


def find_changes(connection: duckdb.DuckDBPyConnection, before: Sequence[Path]) -> tuple[int, int]:
    """Creates `changed_customers` and `gone_customers` against the `before` snapshots; returns how many of each.

    A customer counts as changed when it differs from any of them; without any, everybody does.
    """
    _view_before(connection, before)
    connection.execute(read_sql("changes"))
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM changed_customers), (SELECT count(*) FROM gone_customers)"
    ).fetchall()
    return counts[0][0], counts[0][1]


def changed_states(connection: duckdb.DuckDBPyConnection) -> Iterator[SegmentState]:
    """The changed customers' new states, after `find_changes`; run no other statement while reading them."""
    found = connection.execute(
        "SELECT customer_key, segment, family, value_tier, status, lapsed, churn_probability, score_source "
        "FROM published SEMI JOIN changed_customers USING (customer_key) ORDER BY customer_key"
    )
    while rows := found.fetchmany(10_000):
        yield from (SegmentState(*row) for row in rows)


def gone_customers(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT customer_key FROM gone_customers ORDER BY 1").fetchall()]


def find_migrations(connection: duckdb.DuckDBPyConnection, before: Path) -> list[Migration]:
    """From the segments of one earlier snapshot to those of `published`."""
    _view_before(connection, [before])
    rows = connection.execute(read_sql("migration")).fetchall()
    return [Migration(from_segment=old, to_segment=new, customers=customers) for old, new, customers in rows]


def _view_before(connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Path]) -> None:
    connection.execute("DROP VIEW IF EXISTS before")
    columns = ", ".join(_COMPARED)
    relation = connection.table("published").project(f"{columns}, 0 AS base").filter("FALSE")
    for number, path in enumerate(snapshots, start=1):
        relation = relation.union(connection.read_parquet(str(path)).project(f"{columns}, {number} AS base"))
    relation.create_view("before")
