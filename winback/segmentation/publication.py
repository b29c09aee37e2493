"""Scores joined to a computed snapshot, who lapsed since the one before, and whose stored item has to change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import duckdb

from winback.segmentation.names import Segment
from winback.segmentation.score_ladder import Ladder, settle_scores
from winback.segmentation.snapshot import read_sql
from winback.segmentation.state import SegmentState

_LIFETIME = {
    "customer_key": "VARCHAR",
    "p_alive": "DOUBLE",
    "expected_purchases_365_days": "DOUBLE",
    "predicted_value_minor": "BIGINT",
    "predicted_value_low_minor": "BIGINT",
    "predicted_value_high_minor": "BIGINT",
    "predicted_margin_minor": "BIGINT",
    "value_source": "VARCHAR",
}
_COMPARED_TO = "customer_key, lapsed, silence_days, last_purchase_at"
_STATE = tuple(field.name for field in fields(SegmentState))


@dataclass(frozen=True)
class Previous:
    """The latest snapshot before the one that is published."""

    customers: Path
    as_of: datetime
    """Aware."""
    same_rubric: bool
    """Whether both were cut by the same thresholds."""


def join_scores(
    connection: duckdb.DuckDBPyConnection,
    *,
    computed: Path,
    scores: Sequence[Path],
    previous: Previous | None,
    ladder: Ladder,
    lifetime: Path | None = None,
) -> int:
    """Creates the table `published` from the computed Parquet file, the JSON Lines score files and lifetime.parquet;
    returns its rows.

    A customer whom the endpoint did not score has what the ladder gives (score_ladder.sql); without `lifetime` nobody
    has a value. Without `previous` nobody is newly lapsed, and nobody has a last score.
    """
    connection.read_parquet(str(computed)).create_view("computed", replace=True)
    last = (previous.customers, previous.as_of) if previous is not None else None
    settle_scores(connection, scores=scores, ladder=ladder, previous=last)
    if lifetime is not None:
        connection.read_parquet(str(lifetime)).project(", ".join(_LIFETIME)).create_view("lifetime", replace=True)
    else:
        nothing = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in _LIFETIME.items())
        connection.execute(f"CREATE OR REPLACE TEMP VIEW lifetime AS SELECT {nothing} LIMIT 0")
    if previous is not None:
        before = connection.read_parquet(str(previous.customers)).project(_COMPARED_TO)
    else:
        before = connection.table("computed").project(_COMPARED_TO).filter("FALSE")
    before.create_view("previous", replace=True)
    connection.execute(read_sql("published"), {"same_rubric": previous is None or previous.same_rubric})
    rows: int = connection.execute("SELECT count(*) FROM published").fetchall()[0][0]
    return rows


def newly_lapsed(connection: duckdb.DuckDBPyConnection) -> dict[Segment, int]:
    """How many customers of `published` lapsed since the snapshot before, by the segment that they are in now."""
    found = connection.execute(
        "SELECT segment, count(*) FROM published WHERE newly_lapsed GROUP BY segment ORDER BY segment"
    ).fetchall()
    return {Segment(segment): customers for segment, customers in found}


def write_newly_lapsed(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """JSON Lines `{"customer_key", "segment", "family"}` by key, gzip: what the event of this snapshot points at."""
    rows = connection.table("published").filter("newly_lapsed").project("customer_key, segment, family")
    rows.order("customer_key").create_view("lapsed_now", replace=True)
    connection.execute("COPY lapsed_now TO ? (FORMAT json, COMPRESSION gzip)", [str(path)])


def find_changes(connection: duckdb.DuckDBPyConnection, before: Sequence[Path]) -> tuple[int, int]:
    """Creates `changed_customers` and `gone_customers` against the `before` snapshots; returns how many of each.

    A customer counts as changed when it differs from any of them; without any, everybody does.
    """
    published = connection.table("published")
    published.project(f"customer_key, {_state(published.columns)} AS state").create_view("stated", replace=True)
    stored = connection.table("stated").project("*, 0 AS base").filter("FALSE")
    for number, path in enumerate(before, start=1):
        rows = connection.read_parquet(str(path))
        stored = stored.union(rows.project(f"customer_key, {_state(rows.columns)} AS state, {number} AS base"))
    stored.create_view("before", replace=True)
    connection.execute(read_sql("changes"))
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM changed_customers), (SELECT count(*) FROM gone_customers)"
    ).fetchall()
    return counts[0][0], counts[0][1]


def changed_states(connection: duckdb.DuckDBPyConnection) -> Iterator[SegmentState]:
    """The changed customers' new states, after `find_changes`; run no other statement while reading them."""
    connection.table("published").project(", ".join(_STATE)).create_view("states", replace=True)
    found = connection.execute("FROM states SEMI JOIN changed_customers USING (customer_key) ORDER BY customer_key")
    while rows := found.fetchmany(10_000):
        yield from (SegmentState(*row) for row in rows)


def gone_customers(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT customer_key FROM gone_customers ORDER BY 1").fetchall()]


def _state(columns: Sequence[str]) -> str:
    """The struct that a stored item is compared by.

    A probability moves a little every day: it counts as changed when its tenth does, and a predicted value, which falls
    with every silent day, when it passes a power of two of minor units, from 128 on. A snapshot of before a column
    existed has none of it, and so differs in everybody who has it now: the items get it then.
    """
    parts = {name: name if name in columns else "NULL" for name in _STATE if name != "customer_key"}
    parts["churn_probability"] = "floor(churn_probability * 10)"
    # Reasons move with it, and are written with it; only having some where there were none is a change of its own.
    parts["churn_reasons"] = "len(churn_reasons) > 0" if "churn_reasons" in columns else "NULL"
    if "predicted_value_minor" in columns:
        parts["predicted_value_minor"] = "floor(log2(greatest(predicted_value_minor, 64)))"
    return f"struct_pack({', '.join(f'{name} := {value}' for name, value in parts.items())})"
