"""Files of opens, clicks and orders: read, accounted for, and turned into local hours."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from winback.imports.errors import UnknownColumn, UnreadableFile
from winback.predictions.send_time.contract import EventKind
from winback.predictions.send_time.event_file import EventsRead, load_send_events


@pytest.fixture
def connection() -> DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def load(connection: DuckDBPyConnection, path: Path, **more: Any) -> EventsRead:
    return load_send_events(
        connection, path, **{"mapping": {}, "kind": EventKind.OPENED, "zone": "UTC", "scratch": path.parent} | more
    )


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def hours(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute("SELECT customer, kind, hour FROM send_events ORDER BY ALL").fetchall()


def test_instants_become_hours_of_the_local_week_on_both_sides_of_a_change_of_the_clocks(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "e.csv",
        "customer_id,occurred_at",
        "ann,2026-03-06T17:00:00Z",
        "ann,2026-03-13T17:00:00Z",
        "ann,2026-03-14T03:30:00+05:30",
    )
    read = load(connection, path, zone="America/New_York")
    assert read.timed
    assert [hour for _, _, hour in hours(connection)] == [4 * 24 + 12, 4 * 24 + 13, 4 * 24 + 18]


def test_each_customers_own_zone_counts(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = write(
        tmp_path / "e.csv",
        "customer_id,occurred_at,zone",
        "ann,2026-11-23T12:00:00Z,Asia/Kolkata",
        "bob,2026-11-23T12:00:00Z,America/New_York",
        "cy,2026-11-23T12:00:00Z,Mars/Base",
    )
    read = load(connection, path, mapping={"time_zone": "zone"})
    assert hours(connection) == [(0, "opened", 17), (1, "opened", 7)]
    assert read.rows.rejects_by_reason == {"time_zone: not a zone": 1}


def test_weekdays_and_hours_are_local_already(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    rows = ["ann,Monday,0", "ann,sun,23", "ann,noday,3", "ann,Tue,24"]
    named = write(tmp_path / "n.csv", "customer_id,weekday,hour", *rows)
    read = load(connection, named, zone="Asia/Kolkata")
    assert (read.timed, read.rows.accepted, read.rows.rejected) == (False, 2, 2)
    assert [hour for _, _, hour in hours(connection)] == [0, 167]
    iso = write(tmp_path / "i.csv", "customer_id,weekday,hour", "ann,1,5", "ann,7,5")
    assert not load(connection, iso).weekdays_from_zero
    assert [hour for _, _, hour in hours(connection)] == [5, 149]
    zero = write(tmp_path / "z.csv", "customer_id,weekday,hour", "ann,0,5", "ann,6,5")
    assert load(connection, zero).weekdays_from_zero
    assert [hour for _, _, hour in hours(connection)] == [5, 149]


def test_repeated_rows_are_one_event_and_every_row_is_accounted_for(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "e.csv",
        "customer_id,occurred_at,kind",
        "ann,2026-11-23T12:00:00Z,open",
        "ann,2026-11-23T12:00:00Z,open",
        "ann,2026-11-23T12:00:00Z,click",
        "ann,2026-11-23,open",
        ",2026-11-23T12:00:00Z,open",
        "ann,soon,open",
        "ann,2026-11-23T12:00:00Z,danced",
    )
    rows = load(connection, path).rows
    assert (rows.read, rows.accepted, rows.duplicates, rows.rejected) == (7, 2, 1, 4)
    assert rows.rejects_by_reason == {
        "customer_id: missing": 1,
        "kind: not a kind": 1,
        "occurred_at: no time of day": 1,
        "occurred_at: not a date": 1,
    }
    assert hours(connection) == [(0, "clicked", 12), (0, "opened", 12)]


def test_machine_opens_at_fixed_hours_move_nothing(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    person = [{"customer_id": "ann", "occurred_at": f"2026-11-{day:02}T20:00:00Z"} for day in range(1, 9)]
    machine = [{**row, "occurred_at": row["occurred_at"].replace("T20", "T03"), "by_machine": True} for row in person]
    path = tmp_path / "e.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in [*machine, *person]).encode()))
    read = load(connection, path)
    with_machines = connection.execute("SELECT * FROM send_events").fetchall()
    assert read.by_machine == 8
    assert {hour % 24 for _, _, hour in hours(connection)} == {20}
    path.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in person).encode()))
    load(connection, path)
    assert connection.execute("SELECT * FROM send_events").fetchall() == with_machines


def test_a_propensity_counts_by_its_inverse(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = write(
        tmp_path / "e.csv",
        "customer_id,occurred_at,propensity,possible_hours",
        "ann,2026-11-23T12:00:00Z,0.05,10",
        "ann,2026-11-24T12:00:00Z,,",
        "ann,2026-11-25T12:00:00Z,1.5,10",
    )
    read = load(connection, path)
    assert (read.with_propensity, read.rows.rejected) == (1, 1)
    assert connection.execute("SELECT weight FROM send_events ORDER BY hour").fetchall() == [(2.0,), (1.0,)]


def test_a_customers_segment_is_that_of_its_earliest_event(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = write(
        tmp_path / "e.csv",
        "customer_id,occurred_at,tier",
        "ann,2026-11-24T12:00:00Z,gold",
        "ann,2026-11-23T12:00:00Z,silver",
    )
    load(connection, path, mapping={"segment": "tier"})
    assert connection.execute("SELECT DISTINCT segment FROM send_events").fetchall() == [("silver",)]


def test_parquet_is_read_as_well(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    connection.execute(
        f"COPY (SELECT 7 AS who, TIMESTAMP '2026-11-23 12:34:56' AS at_time) TO '{path}' (FORMAT parquet)"
    )
    load(connection, path, mapping={"customer_id": "who", "occurred_at": "at_time"}, zone="Europe/Berlin")
    assert hours(connection) == [(0, "opened", 13)]


def test_a_file_without_times_is_refused_in_words(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", "customer_id,weekday", "ann,Monday")
    with pytest.raises(UnreadableFile, match="occurred_at, or weekday and hour"):
        load(connection, path)
    with pytest.raises(UnknownColumn, match="unknown column moment"):
        load(connection, path, mapping={"moment": "weekday"})
