"""When an account's customers acted, from the lake: rows to train on, and histories to ask the endpoint about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from winback.identifiers import AccountId, CustomerKey
from winback.imports.parquet_staging import glob_literal
from winback.imports.sql import literal
from winback.instants import time_zone_names
from winback.predictions.send_time.asking import account_hours
from winback.predictions.send_time.clocks import create_zone_offsets
from winback.predictions.send_time.contract import MOST_EVENTS, EventKind, Happened, History
from winback.predictions.send_time.hours import HOURS
from winback.predictions.send_time.sql import statement

HISTORY = timedelta(days=364)
"""What is older counts next to nothing after its decay, and is not read."""
TEST = timedelta(days=28)
"""The newest period, that a model is judged on."""
MOST_CUSTOMERS = 50_000
"""Of one account in a training run: strengths and histograms change no digit that matters with more."""

_ZONE_COLUMNS = {"customer_key": "VARCHAR", "time_zone": "VARCHAR", "received_at": "TIMESTAMP"}


@dataclass(frozen=True)
class Written:
    """Rows, one an event."""

    train_rows: int
    test_rows: int


def open_time_zones(connection: DuckDBPyConnection, *, json_lines: Sequence[Path], as_of: datetime) -> None:
    """Creates the table `time_zones` (customer_id, time_zone) of the lake's customer files: what was stated before
    `as_of`, valid zones alone. Its `customer_id` is the customer key. Raises ValueError without a time zone."""
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in _ZONE_COLUMNS.items())
    rows = f"SELECT {empty} WHERE FALSE"
    if json_lines:
        paths = ", ".join(literal(glob_literal(path)) for path in json_lines)
        typed = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in _ZONE_COLUMNS.items())
        rows = (
            f"SELECT {', '.join(_ZONE_COLUMNS)} FROM read_json([{paths}], format = 'newline_delimited', "  # noqa: S608
            f"columns = {{{typed}}}, hive_partitioning = false)"
        )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW zone_files AS {rows}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE known_zones AS SELECT unnest($names) AS name",
        {"names": sorted(time_zone_names())},
    )
    connection.execute(statement("time_zones"), {"as_of": _plain(as_of)})
    connection.execute("DROP VIEW zone_files")
    connection.execute("DROP TABLE known_zones")


def open_segments(connection: DuckDBPyConnection, snapshot: Path | None) -> None:
    """Creates the view `segments` (customer_id, segment) of a snapshot's customers.parquet, empty without one."""
    rows = "SELECT CAST(NULL AS VARCHAR) AS customer_id, CAST(NULL AS VARCHAR) AS segment WHERE FALSE"
    if snapshot is not None:
        path = literal(glob_literal(snapshot))
        rows = f"SELECT customer_key AS customer_id, segment FROM read_parquet({path})"  # noqa: S608 quoted
    connection.execute(f"CREATE OR REPLACE TEMP VIEW segments AS {rows}")


def open_send_events(connection: DuckDBPyConnection, *, account_zone: str, until: datetime) -> None:
    """Creates the table `send_events` (sql/send_events.sql) of the 364 days before `until`.

    Needs the relations `orders` (winback.segmentation.order_files), `touches` (winback.engagement.relations) and
    `time_zones`. Raises ValueError when `until` has no time zone, ZoneInfoNotFoundError for an `account_zone` that is
    none.
    """
    since = until - HISTORY
    stated = connection.execute("SELECT DISTINCT time_zone FROM time_zones").fetchall()
    create_zone_offsets(connection, {account_zone, *(zone for (zone,) in stated)}, since, until)
    connection.execute(
        statement("send_events"), {"account_zone": account_zone, "since": _plain(since), "until": _plain(until)}
    )


def write_training_rows(
    connection: DuckDBPyConnection,
    *,
    account_id: AccountId,
    until: datetime,
    train: Path,
    test: Path,
    most_customers: int = MOST_CUSTOMERS,
) -> Written:
    """Writes what ml/send_time/train.py reads: events before the cut, 28 days before `until`, and those after it.

    After `open_send_events` with the same `until` and `open_segments` of a snapshot no later than the cut. Nobody's key
    is in the files; without events neither is written.
    """
    connection.execute(
        statement("training_rows"),
        {
            "account_id": account_id,
            "cut": _plain(until - TEST),
            "most": MOST_EVENTS,
            "customers": most_customers,
        },
    )
    counts = []
    for path, in_test in ((train, "FALSE"), (test, "TRUE")):
        ((rows,),) = connection.execute(f"SELECT count(*) FROM training_rows WHERE in_test = {in_test}").fetchall()  # noqa: S608
        if rows:
            connection.execute(
                f"COPY (SELECT * EXCLUDE (in_test) FROM training_rows WHERE in_test = {in_test}) "  # noqa: S608
                f"TO {literal(str(path))} (FORMAT csv, HEADER)"
            )
        counts.append(int(rows))
    connection.execute("DROP TABLE training_rows")
    return Written(*counts)


def histories(
    connection: DuckDBPyConnection,
    *,
    account_id: AccountId,
    as_of: datetime,
    audience: Mapping[CustomerKey, str | None],
) -> list[tuple[CustomerKey, History]]:
    """What each customer of the audience (key -> segment) did before `as_of`, by key; after `open_send_events`."""
    connection.execute("CREATE OR REPLACE TEMP TABLE audience (customer_id VARCHAR, segment VARCHAR)")
    if audience:
        connection.execute(
            "INSERT INTO audience SELECT unnest($customers), unnest($segments)",
            {"customers": list(audience), "segments": list(audience.values())},
        )
    found = connection.execute(statement("histories"), {"as_of": _plain(as_of), "most": MOST_EVENTS}).fetchall()
    return [
        (
            CustomerKey(customer),
            History(
                account_id,
                segment,
                {
                    kind: tuple(Happened(each["hour"], each["weeks_ago"], each["weight"]) for each in listed)
                    for kind, listed in zip(EventKind, by_kind, strict=True)
                },
            ),
        )
        for customer, segment, *by_kind in found
    ]


def hours_of_account(connection: DuckDBPyConnection) -> tuple[float, ...]:
    """The account's distribution, for customers without an answer; after `open_send_events`."""
    counts = [0.0] * HOURS
    for hour, weight in connection.execute(statement("account_hours")).fetchall():
        counts[hour] = float(weight)
    return account_hours(counts)


def _plain(moment: datetime) -> Any:
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).replace(tzinfo=None)
