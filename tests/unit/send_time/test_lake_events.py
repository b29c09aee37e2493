"""When customers acted, as the lake tells it."""

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from ml.send_time import train
from winback.engagement.relations import open_touches
from winback.identifiers import AccountId, CustomerKey
from winback.predictions.send_time.contract import EventKind
from winback.predictions.send_time.lake_events import (
    TEST,
    histories,
    hours_of_account,
    open_segments,
    open_send_events,
    open_time_zones,
    write_training_rows,
)
from winback.predictions.send_time.prior import awake_prior

BRAND = AccountId("brand")
UNTIL = datetime(2026, 11, 23, tzinfo=UTC)
CUT = UNTIL - TEST
Row = dict[str, Any]


@pytest.fixture
def connection() -> DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def touch(customer: str, at: datetime, kind: str = "opened", **more: Any) -> Row:
    name = f"{customer}{kind}{at}{more}"
    return {"customer_key": customer, "kind": kind, "channel": "email", "at": f"{at:%FT%TZ}", "touch_id": name} | more


def lake(
    connection: DuckDBPyConnection,
    folder: Path,
    *,
    touches: list[Row] = [],  # noqa: B006 never changed
    orders: list[tuple[str, datetime, int]] = [],  # noqa: B006
    zones: list[Row] = [],  # noqa: B006
) -> None:
    def packed(name: str, rows: list[Row]) -> list[Path]:
        path = folder / f"{name}.jsonl.gz"
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
        return [path] if rows else []

    open_touches(connection, parquet=[], json_lines=packed("touches", touches), as_of=UNTIL)
    connection.execute("CREATE TEMP TABLE orders (customer_id VARCHAR, ordered_at TIMESTAMP, amount_minor BIGINT)")
    for customer, at, amount in orders:
        connection.execute("INSERT INTO orders VALUES (?, ?, ?)", [customer, at.replace(tzinfo=None), amount])
    open_time_zones(connection, json_lines=packed("customers", zones), as_of=UNTIL)
    open_segments(connection, None)
    open_send_events(connection, account_zone="Europe/Berlin", until=UNTIL)


def found(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute("SELECT customer_id, kind, hour, weight FROM send_events ORDER BY ALL").fetchall()


def test_each_kind_is_read_on_the_customers_own_clock(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    noon = datetime(2026, 11, 16, 12, tzinfo=UTC)
    lake(
        connection,
        tmp_path,
        touches=[touch("ann", noon), touch("bob", noon, "clicked"), touch("bob", noon, "sent")],
        orders=[("cy", noon, 500)],
        zones=[
            {"customer_key": "bob", "time_zone": "Asia/Tokyo", "received_at": "2026-01-01T00:00:00Z"},
            {"customer_key": "bob", "time_zone": "Asia/Kolkata", "received_at": "2026-02-01T00:00:00Z"},
            {"customer_key": "bob", "time_zone": "Mars/Base", "received_at": "2026-03-01T00:00:00Z"},
            {"customer_key": "bob", "time_zone": "UTC", "received_at": "2027-03-01T00:00:00Z"},
        ],
    )
    assert found(connection) == [("ann", "opened", 13, 1.0), ("bob", "clicked", 17, 1.0), ("cy", "ordered", 13, 1.0)]


def test_machines_returns_and_dates_without_a_time_tell_nothing(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    noon = datetime(2026, 11, 16, 12, tzinfo=UTC)
    lake(
        connection,
        tmp_path,
        touches=[touch("ann", noon, by_machine=True), touch("ann", noon, "clicked", by_machine=True)],
        orders=[("ann", noon, -500), ("ann", datetime(2026, 11, 16, tzinfo=UTC), 500)],
    )
    assert found(connection) == []
    assert hours_of_account(connection) == pytest.approx(awake_prior())


def test_an_answer_to_a_drawn_hour_carries_its_weight(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    noon = datetime(2026, 11, 16, 12, tzinfo=UTC)
    lake(connection, tmp_path, touches=[touch("ann", noon, hour_weight=10.0), touch("bob", noon)])
    assert [(row[0], row[3]) for row in found(connection)] == [("ann", 10.0), ("bob", 1.0)]


def test_training_rows_know_nothing_after_the_cut_and_name_nobody(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    opens = [touch("ann", CUT + timedelta(days=day, hours=9)) for day in (-400, -20, -10, 5)]
    lake(connection, tmp_path, touches=[*opens, touch("new", CUT + timedelta(days=3, hours=9))])
    channel, test = tmp_path / "train", tmp_path / "test"
    channel.mkdir()
    test.mkdir()
    written = write_training_rows(
        connection, account_id=BRAND, until=UNTIL, train=channel / "a.csv", test=test / "a.csv"
    )
    assert (written.train_rows, written.test_rows) == (2, 1)
    with (channel / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == train.COLUMNS
    assert {row["customer"] for row in rows} == {"1"}
    assert [float(row["weeks_ago"]) > 0 for row in rows] == [True, True]
    known, later = train.read_events(channel, test)
    assert later is not None
    assert len(known) == 2
    assert len(later) == 1
    assert (later.weeks_ago < 0).all()


def test_segments_come_from_the_snapshot_that_is_given(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    lake(connection, tmp_path, touches=[touch("ann", CUT - timedelta(days=2)), touch("bob", CUT - timedelta(days=2))])
    snapshot = tmp_path / "customers.parquet"
    connection.execute(f"COPY (SELECT 'ann' AS customer_key, 'Champions' AS segment) TO '{snapshot}' (FORMAT parquet)")
    open_segments(connection, snapshot)
    rows = tmp_path / "train.csv"
    write_training_rows(connection, account_id=BRAND, until=UNTIL, train=rows, test=tmp_path / "test.csv")
    with rows.open() as file:
        assert sorted(row["segment"] for row in csv.DictReader(file)) == ["", "Champions"]


def test_a_history_has_the_newest_events_of_each_kind(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    opens = [touch("ann", UNTIL - timedelta(days=1, minutes=10 * number)) for number in range(210)]
    lake(connection, tmp_path, touches=opens, orders=[("ann", UNTIL - timedelta(days=7, minutes=1), 100)])
    audience = {CustomerKey("ann"): "Champions", CustomerKey("bob"): None}
    (_, history), (bob, nothing) = histories(connection, account_id=BRAND, as_of=UNTIL, audience=audience)
    weeks = [each.weeks_ago for each in history.events[EventKind.OPENED]]
    assert history.segment == "Champions"
    assert len(weeks) == 200
    assert weeks == sorted(weeks)
    assert weeks[0] == pytest.approx(1 / 7, abs=0.01)
    assert [each.weeks_ago for each in history.events[EventKind.ORDERED]] == [1.0]
    assert history.events[EventKind.CLICKED] == ()
    assert len(history.row()["opened"]) == 600
    assert bob == "bob"
    assert nothing.row() == {"account": "brand", "segment": None, "opened": [], "clicked": [], "ordered": []}


def test_an_accounts_hours_are_those_of_reading_where_people_read(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    evening = datetime(2026, 11, 16, 19, tzinfo=UTC)
    opens = [touch(f"c{number}", evening, "opened") for number in range(50)]
    lake(connection, tmp_path, touches=opens, orders=[("ann", evening - timedelta(hours=9), 100)])
    account = hours_of_account(connection)
    assert account[20] == max(account)
    assert account[11] < 2 * awake_prior()[11]
