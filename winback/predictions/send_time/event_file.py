"""Reads a file of opens, clicks or orders for judging send times, and accounts for every row of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from duckdb import DuckDBPyConnection

from winback.imports.columns import Canon, Layout
from winback.imports.errors import UnreadableFile
from winback.imports.files import FileAccount, account_of, staged_file
from winback.instants import time_zone_names
from winback.predictions.send_time.clocks import create_zone_offsets
from winback.predictions.send_time.contract import EventKind
from winback.predictions.send_time.sql import statement

SEND_EVENTS = Canon(
    "events",
    ("customer_id",),
    (
        "occurred_at",
        "weekday",
        "hour",
        "kind",
        "by_machine",
        "time_zone",
        "segment",
        "propensity",
        "possible_hours",
    ),
)
_REASONS = {
    "kind: not a kind": f"is none of {', '.join(EventKind)}",
    "occurred_at: missing": "is missing",
    "occurred_at: not a date": "is not a date and time: expected ISO 8601 such as 2026-11-21T09:30:00Z",
    "occurred_at: no time of day": "is a date alone, which tells no hour",
    "occurred_at: before 1970": "is before 1970",
    "weekday: not a weekday": "is not a weekday: expected a name such as Monday, or 1 (Monday) to 7 (Sunday)",
    "hour: not an hour": "is not an hour of the day: expected 0 to 23",
    "time_zone: missing": "is missing: every event needs the zone of its customer",
    "by_machine: not true or false": "is not true or false",
    "propensity: not a probability": "is not a probability: expected a number above 0, at most 1",
    "possible_hours: not a number of hours": "is not a number of hours: expected 1 to 840",
}


@dataclass(frozen=True)
class EventsRead:
    """`timed`: whether times are known, and not weekday and hour alone. `by_machine` of the accepted were left out."""

    rows: FileAccount
    timed: bool
    by_machine: int
    with_propensity: int
    has_kinds: bool
    weekdays_from_zero: bool


def load_send_events(
    connection: DuckDBPyConnection,
    path: Path,
    *,
    mapping: Mapping[str, str],
    kind: EventKind,
    zone: str | None,
    scratch: Path | None = None,
) -> EventsRead:
    """Makes the tables `send_events` (sql/hours_of_file.sql) and `rejects` from a CSV, JSON Lines or Parquet file.

    Canonical columns: `customer_id` and either `occurred_at` (an instant, UTC without offset) or local `weekday` and
    `hour`; optional `kind` (else `kind` holds), `by_machine`, `time_zone` (else `zone` holds), `segment`, and of events
    after a send whose hour was drawn, `propensity` with `possible_hours` (168 without).

    Raises UnreadableFile for a file that is not what it should be, UnknownColumn for a column that is missing.
    """
    with staged_file(connection, path, Layout(SEND_EVENTS, mapping), scratch) as staged:
        has = staged.columns.__contains__
        timed, local = has("occurred_at"), has("weekday") and has("hour")
        if staged.columns and not timed and not local:
            raise UnreadableFile(
                "the file says no times: expected the column occurred_at, or weekday and hour; name them in the mapping"
            )
        zero_based = _counts_from_zero(connection)
        connection.execute(
            "INSERT INTO explanations SELECT unnest($problems), unnest($reasons)",
            {"problems": list(_REASONS), "reasons": list(_REASONS.values())},
        )
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE zones AS SELECT unnest($names) AS name",
            {"names": sorted(time_zone_names())},
        )
        connection.execute(
            statement("check_file"),
            {"kind": kind.value, "zone": zone, "timed": timed, "local": local, "zero_based": zero_based},
        )
        connection.execute(statement("file_grain"))
        rows = account_of(connection)
    ((since, until, by_machine, with_propensity),) = connection.execute(
        'SELECT min("at"), max("at"), count(*) FILTER (by_machine), '
        "count(*) FILTER (has_propensity AND NOT by_machine) FROM file_events"
    ).fetchall()
    found = connection.execute("SELECT DISTINCT zone FROM file_events").fetchall() if not local else []
    create_zone_offsets(
        connection,
        [name for (name,) in found],
        since.replace(tzinfo=UTC) if since is not None else None,
        until.replace(tzinfo=UTC) if until is not None else None,
    )
    connection.execute(statement("hours_of_file"), {"timed": timed})
    connection.execute("DROP TABLE zones")
    return EventsRead(rows, timed, int(by_machine), int(with_propensity), has("kind"), zero_based)


def _counts_from_zero(connection: DuckDBPyConnection) -> bool:
    """Whether weekdays count from Monday = 0: a 0 occurs and no 7."""
    ((zeros, sevens),) = connection.execute(
        "SELECT count(*) FILTER (regexp_full_match(trim(weekday), '0([.]0*)?')), "
        "count(*) FILTER (regexp_full_match(trim(weekday), '7([.]0*)?')) FROM source"
    ).fetchall()
    return bool(zeros) and not sevens
