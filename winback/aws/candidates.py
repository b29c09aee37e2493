"""Candidates of a launch: the customers of a snapshot that its audience names, in chunks."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import duckdb

from winback.aws.lake import Lake, Row
from winback.aws.launch_files import LaunchFiles
from winback.campaigns.audience import Audience
from winback.campaigns.launch import Launch
from winback.instants import EARLIEST
from winback.money import NO_CURRENCY
from winback.slices.compilation import Ground, Predicate, compile_condition
from winback.slices.saved import FrozenSlice

CHUNK_ROWS = 1_000
WRITERS = 8  # of ten connections that a client keeps
MEMORY_LIMIT = "600MB"  # beyond it DuckDB sorts beside the snapshot file
COLUMNS = ("customer_key", "segment", "family", "value_tier", "status", "lapsed")


def candidate_chunks(
    snapshot: Path,
    audience: Audience,
    chunk_rows: int,
    *,
    frozen: FrozenSlice | None = None,
    touches: Path | None = None,
) -> Iterator[list[Row]]:
    """Rows of COLUMNS from the snapshot's Parquet file by customer key, at most `chunk_rows` at a time.

    `frozen` is what the launch froze of the audience's slice; `touches` a Parquet file of the touches that it needs.
    Raises ConditionRefused when the snapshot does not have what the audience asks for, such as `newly_lapsed`.
    """
    with _customers(snapshot, touches) as connection:
        predicate = _predicate(connection, audience, frozen, touches)
        found = connection.execute(
            f"SELECT {', '.join(COLUMNS)} FROM customers WHERE {predicate.sql} ORDER BY customer_key",  # noqa: S608
            predicate.parameters,
        )
        while rows := found.fetchmany(chunk_rows):
            yield [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def reachable_customers(
    snapshot: Path,
    audience: Audience,
    channels: Iterable[str],
    spared: Iterable[str],
    *,
    frozen: FrozenSlice | None = None,
    touches: Path | None = None,
) -> dict[str, int]:
    """The audience's customers by segment, without those of the value tiers `spared`, as many as one of the channels
    may reach by the snapshot's consents. Where it has none of a channel, everybody. Raises as `candidate_chunks`."""
    with _customers(snapshot, touches) as connection:
        predicate = _predicate(connection, audience, frozen, touches)
        columns = [f"{channel}_consent" for channel in channels]
        known = set(connection.table("customers").columns)
        consents = " OR ".join(f"{name} = 'granted'" for name in columns) if known.issuperset(columns) else "TRUE"
        found = connection.execute(
            f"SELECT segment, count(*) FROM customers WHERE {predicate.sql} AND ({consents}) "  # noqa: S608
            "AND value_tier NOT IN (SELECT unnest($spared::VARCHAR[])) GROUP BY segment ORDER BY segment",
            {**predicate.parameters, "spared": list(spared)},
        )
        return {str(segment): int(customers) for segment, customers in found.fetchall()}


def write_candidates(lake: Lake, launch: Launch, chunks: Iterator[list[Row]]) -> list[Row]:
    """Writes the chunks, several at a time, and their manifest; returns the manifest's lines."""
    files, lines = LaunchFiles(lake, launch), list[Row]()

    def write(numbered: tuple[int, list[Row]]) -> Row:
        chunk, rows = numbered
        key = files.candidates_key(chunk)
        lake.write_rows(key, rows)
        return {
            "account_id": launch.account_id,
            "launch_id": launch.launch_id,
            "chunk": chunk,
            "key": key,
            "rows": len(rows),
            "first": rows[0]["customer_key"],
            "last": rows[-1]["customer_key"],
        }

    numbered = enumerate(chunks)
    with ThreadPoolExecutor(WRITERS) as writers:
        while some := list(islice(numbered, WRITERS)):  # so many are held in memory
            lines += writers.map(write, some)
    lake.write_rows(files.manifest_key, lines)
    return lines


@contextmanager
def _customers(snapshot: Path, touches: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the views `customers` and, if there are any, `touches`."""
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": 2,
        "temp_directory": str(snapshot.parent),
    }
    with duckdb.connect(config=limits) as connection:
        connection.read_parquet(str(snapshot)).create_view("customers")
        if touches is not None:
            connection.read_parquet(str(touches)).create_view("touches")
        yield connection


def _predicate(
    connection: duckdb.DuckDBPyConnection, audience: Audience, frozen: FrozenSlice | None, touches: Path | None
) -> Predicate:
    columns = frozenset(connection.table("customers").columns)
    ground = (
        frozen.ground(columns, touches=touches is not None)
        if frozen is not None
        else Ground(as_of=EARLIEST, currency=NO_CURRENCY, columns=columns)  # segments and cells need neither
    )
    return compile_condition(audience.condition, ground)
