"""Files of store events: read and accounted for row by row, then written into the lake as far as they are new."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from winback.engagement.sql import statement
from winback.engagement.touches import Touch, TouchChannel, TouchKind
from winback.identifiers import CustomerKey
from winback.imports.columns import EVENTS, Layout
from winback.imports.files import FileAccount, account_of, latest_moment, staged_file
from winback.imports.parquet_staging import glob_literal
from winback.imports.sql import literal

_ROWS_AT_A_TIME = 10_000
_KINDS, _CHANNELS = [kind.value for kind in TouchKind], [channel.value for channel in TouchChannel]
_REASONS = {
    "kind: missing": f"is missing: expected one of {', '.join(_KINDS)}",
    "kind: not a kind": f"is none of {', '.join(_KINDS)}",
    "channel: not a channel": f"is none of {', '.join(_CHANNELS)}",
    "event_id: used again": "line {line} has this event_id with other content: the first one counts",
}


def load_events(
    connection: DuckDBPyConnection,
    path: Path | str,
    *,
    mapping: Mapping[str, str],
    format: str | None = None,  # noqa: A002 the field's word
    now: datetime | None = None,
    scratch: Path | None = None,
) -> FileAccount:
    """Makes the tables `events` and `rejects` in `connection` from a CSV, JSON Lines or Parquet file.

    Files, `mapping` and the rest as for `winback.imports.files.load_orders`. Canonical columns: `customer_id`, `kind`
    (TouchKind), `at`; optional `channel` (TouchChannel), `event_id`. A row that repeats an earlier one, by its
    `event_id` or, without, by customer, kind, channel and second, is a duplicate; one that gives an `event_id` other
    content is rejected.

    `events`: customer_id, kind, channel, "at" TIMESTAMP (UTC, whole seconds), identity (StoreEvent.identity).
    `rejects`: as of `load_orders`. Raises what `load_orders` raises.
    """
    with staged_file(connection, Path(path), Layout(EVENTS, mapping, format), scratch):
        connection.execute(
            "INSERT INTO explanations SELECT unnest($problems), unnest($reasons)",
            {"problems": list(_REASONS), "reasons": list(_REASONS.values())},
        )
        connection.execute(
            statement("check_events"), {"kinds": _KINDS, "channels": _CHANNELS, "latest": latest_moment(now)}
        )
        connection.execute(statement("event_grain"))
        return account_of(connection)


def set_known_events_aside(
    connection: DuckDBPyConnection, *, parquet: Sequence[Path], json_lines: Sequence[Path], salt: str
) -> int:
    """Makes the table `new_events`: those of the file that these files of the lake lack, as touches.

    After `load_events`. Returns how many the others were. `salt` is the account's.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE lake_events (touch_id VARCHAR)")
    if parquet:
        connection.execute(
            "INSERT INTO lake_events SELECT touch_id FROM read_parquet($paths, hive_partitioning = false)",
            {"paths": [glob_literal(path) for path in parquet]},
        )
    if json_lines:
        connection.execute(
            "INSERT INTO lake_events SELECT touch_id FROM read_json($paths, format = 'newline_delimited', "
            "columns = {'touch_id': 'VARCHAR'}, hive_partitioning = false)",
            {"paths": [glob_literal(path) for path in json_lines]},
        )
    connection.execute("SET VARIABLE key_salt = $salt", {"salt": salt})
    connection.execute(statement("new_events"))
    connection.execute("DROP TABLE lake_events")
    ((known,),) = connection.execute(
        "SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM new_events)"
    ).fetchall()
    return int(known)


def unsubscriptions(connection: DuckDBPyConnection) -> list[tuple[CustomerKey, str | None, datetime]]:
    """Customer, channel (None: not told) and latest time of those among `new_events`."""
    found = connection.execute(
        'SELECT customer_key, channel, max("at") FROM new_events WHERE kind = $kind GROUP BY customer_key, channel',
        {"kind": TouchKind.UNSUBSCRIBED.value},
    ).fetchall()
    return [(CustomerKey(customer), channel, moment.replace(tzinfo=UTC)) for customer, channel, moment in found]


def sends_of_others(connection: DuckDBPyConnection, since: datetime) -> Iterator[Touch]:
    """Messages among `new_events` that other tools sent after `since`, customer by customer. To be read to the end
    before the connection is used for anything else."""
    found = connection.execute(
        'SELECT customer_key, channel, "at", touch_id FROM new_events WHERE kind = $kind AND "at" > $since '
        'ORDER BY customer_key, "at", touch_id',
        {"kind": TouchKind.SENT.value, "since": since.astimezone(UTC).replace(tzinfo=None)},
    )
    while rows := found.fetchmany(_ROWS_AT_A_TIME):
        for customer, channel, moment, touch_id in rows:
            yield Touch(CustomerKey(customer), TouchKind.SENT, channel, moment.replace(tzinfo=UTC), touch_id)


def write_events(connection: DuckDBPyConnection, path: Path) -> int:
    """Writes `new_events` as Parquet; returns how many. Without any, writes nothing."""
    ((events,),) = connection.execute("SELECT count(*) FROM new_events").fetchall()
    if events:
        connection.execute(
            'COPY (FROM new_events ORDER BY customer_key, "at", touch_id) '
            f"TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )
    return int(events)
