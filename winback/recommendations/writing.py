"""Writes an account's recommendations: a file for SQL, and one from which a single customer's can be read."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from winback.instants import format_instant
from winback.recommendations.learning import FEWEST_JUDGED, JUDGES, SETTINGS, Learner, Ranker, Settings, best, item_of
from winback.recommendations.reading import PARQUET, ROWS, SUMMARY, digits_for

_LINES_AT_ONCE = 4_000_000
"""Customers of about so many order lines are ranked at a time, so that memory does not grow with the account."""
_FETCHED = 50_000


@dataclass(frozen=True)
class Written:
    """Files by their names under a snapshot, and the content of SUMMARY."""

    files: dict[str, Path]
    summary: dict[str, Any]


def write_recommendations(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    as_of: datetime,
    segments: str | None = None,
    settings: Settings = SETTINGS,
    lines_at_once: int = _LINES_AT_ONCE,
) -> Written | None:
    """From the relation `orders` before `as_of`; `segments` is a relation of customer_id and segment.

    The account's own last window says whether the model or a baseline is served. None when orders have no lines.
    """
    item, lines = item_of(connection, as_of)
    if item is None:
        return None
    learner = Learner(connection, item, settings)
    ranker, check = _check(learner, as_of)
    learner.learn(as_of, segments=segments)
    folder.mkdir(parents=True, exist_ok=True)
    buckets = max(1, -(-lines // lines_at_once))
    for bucket in range(buckets):
        learner.choose_bucket(bucket, buckets)
        learner.set_segments(segments)
        learner.read_histories(as_of)
        learner.find_candidates(as_of)
        if ranker is not Ranker.MODEL:
            learner.find_baselines()
        learner.rank(as_of, ranker)
        connection.table("ranked").write_parquet(str(folder / f"bucket-{bucket}.parquet"))
    factors = connection.execute("SELECT round(factor, 3) FROM due_factors ORDER BY due_band").fetchall()
    learner.forget()
    rows = connection.read_parquet(str(folder / "bucket-*.parquet"))
    sorted_rows = rows.project("customer_id AS customer_key, * EXCLUDE (customer_id)").order("customer_key, rank")
    sorted_rows.write_parquet(str(folder / PARQUET), compression="zstd")
    for part in folder.glob("bucket-*.parquet"):
        part.unlink()
    customers, blocks = _write_rows(connection, folder)
    return Written(
        {name: folder / name for name in (PARQUET, ROWS)},
        {
            "schema_version": 1,
            "as_of": format_instant(as_of),
            "item": item,
            "ranker": ranker.value,
            "customers": customers,
            "due_factors": [factor for (factor,) in factors],
            "check": check,
            "blocks": blocks,
        },
    )


def _check(learner: Learner, as_of: datetime) -> tuple[Ranker, dict[str, Any]]:
    """What would have been served a window ago, judged by the orders since."""
    before = as_of - timedelta(days=learner.settings.window_days)
    learner.learn(before)
    learner.find_baselines()
    learner.find_next(before)
    orders, rates = 0, {}
    for ranker in (Ranker.MODEL, *JUDGES):
        learner.rank(before, ranker)
        orders, rates[ranker] = learner.hits()
    check = {
        "as_of": format_instant(before),
        "orders": orders,
        "hit_rates": {ranker.value: round(rate, 4) for ranker, rate in rates.items()},
    }
    return (best(rates) if orders >= FEWEST_JUDGED else Ranker.MODEL), check


def _write_rows(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[int, dict[str, Any]]:
    """Gzip members of customers with the same first digits, in turn; returns customers, and where each member is."""
    rows = connection.read_parquet(str(folder / PARQUET))
    ((customers,),) = rows.aggregate("count(DISTINCT customer_key)").fetchall()
    digits = digits_for(customers)
    offsets = [0]
    with (folder / ROWS).open("wb") as file:
        for prefix, lines in _blocks(connection, folder, digits):
            offsets += [file.tell()] * (int(prefix or "0", 16) + 1 - len(offsets))
            file.write(gzip.compress("".join(lines).encode(), 1, mtime=0))
            offsets.append(file.tell())
        offsets += [file.tell()] * (16**digits + 1 - len(offsets))
    return customers, {"digits": digits, "offsets": offsets}


def _blocks(connection: duckdb.DuckDBPyConnection, folder: Path, digits: int) -> Iterator[tuple[str, list[str]]]:
    """JSON Lines of recommendations, by the first digits of their customers' keys."""
    cursor = connection.execute(
        "SELECT customer_key[:$digits], to_json(rows) || chr(10) FROM read_parquet($path) AS rows "
        "ORDER BY customer_key, rank",
        {"digits": digits, "path": str(folder / PARQUET)},
    )
    prefix, lines = None, []
    while fetched := cursor.fetchmany(_FETCHED):
        for own, line in fetched:
            if own != prefix and prefix is not None:
                yield prefix, lines
                lines = []
            prefix = own
            lines.append(line)
    if prefix is not None:
        yield prefix, lines


__all__ = ["PARQUET", "ROWS", "SUMMARY", "Written", "write_recommendations"]
