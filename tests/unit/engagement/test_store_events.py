"""Files of store events: every row accounted for, each event once, named alike in a file and through the API."""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from winback.accounts.channels import ChannelName
from winback.engagement.files import load_events, set_known_events_aside, unsubscriptions, write_events
from winback.engagement.store_events import StoreEvent
from winback.engagement.touches import TouchChannel, TouchKind
from winback.engagement.unsubscriptions import denials
from winback.identifiers import CustomerKey, customer_key
from winback.imports.files import FileAccount

COLUMNS = ["customer_id", "kind", "at", "channel", "event_id"]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SALT = "salt"
Load = Callable[..., FileAccount]


@pytest.fixture
def connection() -> DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2})


@pytest.fixture
def load(connection: DuckDBPyConnection, tmp_path: Path) -> Load:
    def rows(*found: str, header: str = ",".join(COLUMNS)) -> FileAccount:
        path = tmp_path / "file"
        path.write_text("\n".join([header, *found]) + "\n")
        return load_events(connection, path, mapping={}, now=NOW)

    return rows


def events(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute('SELECT customer_id, kind, channel, "at" FROM events').fetchall()


def rejects(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute("SELECT line, problem FROM rejects ORDER BY line").fetchall()


def test_an_event_needs_a_customer_a_kind_and_a_time(load: Load, connection: DuckDBPyConnection) -> None:
    assert load("ann,Visited,2026-11-20T10:00:00+01:00", header="customer_id,kind,at") == FileAccount(1, 1, 0, 0, {})
    assert events(connection) == [("ann", "visited", None, datetime(2026, 11, 20, 9))]


@pytest.mark.parametrize(
    ("row", "problem", "says"),
    [
        (",visited,2026-11-20,,", "customer_id: missing", "needs one"),
        (f"{'x' * 129},visited,2026-11-20,,", "customer_id: too long", "128"),
        ("ann,,2026-11-20,,", "kind: missing", "visited, carted"),
        ("ann,bought,2026-11-20,,", "kind: not a kind", "visited, carted, wishlisted, searched, subscribed"),
        ("ann,visited,,,", "at: missing", "missing"),
        ("ann,visited,soon,,", "at: not a date", "ISO 8601"),
        ("ann,visited,1969-12-31,,", "at: before 1970", "1970"),
        ("ann,visited,2026-11-23,,", "at: in the future", "future"),
        ("ann,visited,2026-11-20,fax,", "channel: not a channel", "email, sms, push, web"),
        (f"ann,visited,2026-11-20,,{'x' * 129}", "event_id: too long", "128"),
        ("ann,visited,2026-11-20,,a\x07b", "event_id: control characters", "control"),
    ],
)
def test_a_bad_row_is_rejected_and_says_what_would_be_right(
    load: Load, connection: DuckDBPyConnection, row: str, problem: str, says: str
) -> None:
    assert load("zoe,carted,2026-11-20,web,", row) == FileAccount(2, 1, 0, 1, {problem: 1})
    assert rejects(connection) == [(3, problem)]
    ((reason,),) = connection.execute("SELECT reason FROM rejects").fetchall()
    assert says in reason


def test_an_event_told_twice_counts_once(load: Load, connection: DuckDBPyConnection) -> None:
    account = load(
        "ann,visited,2026-11-20T10:00:00Z,web,",
        "ann,visited,2026-11-20 10:00:00,web,",
        "ann,visited,2026-11-20T10:00:01Z,web,",
        "ann,visited,2026-11-20T10:00:00Z,web,e1",
        "ann,visited,2026-11-20T10:00:00Z,web,e1",
        "ann,visited,2026-11-20T10:00:00Z,web,e2",
    )
    assert account == FileAccount(6, 4, 2, 0, {})
    assert len(events(connection)) == 4


def test_leaving_two_channels_in_one_second_is_two_events(load: Load) -> None:
    assert load("ann,unsubscribed,2026-11-20,email,", "ann,unsubscribed,2026-11-20,sms,").accepted == 2


def test_an_event_id_with_other_content_is_rejected(load: Load, connection: DuckDBPyConnection) -> None:
    account = load("ann,visited,2026-11-20,,e1", "bob,visited,2026-11-20,,e1", "ann,carted,2026-11-20,,e1")
    assert account == FileAccount(3, 1, 0, 2, {"event_id: used again": 2})
    ((reason,), _) = connection.execute("SELECT reason FROM rejects ORDER BY line").fetchall()
    assert "line 2" in reason


def test_what_the_lake_has_is_not_written_again(load: Load, connection: DuckDBPyConnection, tmp_path: Path) -> None:
    load("ann,visited,2026-11-20,web,", "bob,carted,2026-11-20,,e1")
    assert set_known_events_aside(connection, parquet=[], json_lines=[], salt=SALT) == 0
    written = tmp_path / "written.parquet"
    assert write_events(connection, written) == 2

    load("ann,visited,2026-11-20,web,", "bob,carted,2026-11-20,,e1", "bob,carted,2026-11-20,,e2")
    assert set_known_events_aside(connection, parquet=[written], json_lines=[], salt=SALT) == 2
    assert connection.execute("SELECT customer_key, kind, by_machine FROM new_events").fetchall() == [
        (customer_key(SALT, "bob"), "carted", False)
    ]


def test_another_accounts_salt_gives_other_keys(load: Load, connection: DuckDBPyConnection) -> None:
    load("ann,visited,2026-11-20,web,e1")
    found = set()
    for salt in ("one", "two"):
        set_known_events_aside(connection, parquet=[], json_lines=[], salt=salt)
        found |= set(connection.execute("SELECT customer_key, touch_id FROM new_events").fetchall())
    assert len({key for key, _ in found}) == len({touch for _, touch in found}) == 2


def test_nothing_temporary_is_left_behind(load: Load, connection: DuckDBPyConnection) -> None:
    load("ann,visited,2026-11-20,web,e1", "bob,bought,2026-11-20,web,e1")
    tables = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    assert tables == [("events",), ("rejects",)]


ids = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=3)
stated = st.fixed_dictionaries(
    {
        "customer_id": ids,
        "kind": st.sampled_from([kind.value for kind in TouchKind]),
        "at": st.datetimes(datetime(1971, 1, 1), datetime(2026, 1, 1)).map(lambda at: at.isoformat()),
    },
    optional={"channel": st.sampled_from([channel.value for channel in TouchChannel]), "event_id": ids},
)


def in_file(rows: Iterable[dict[str, str]]) -> tuple[FileAccount, list[Any], list[Any]]:
    """What became of the rows, the touches of those that were taken, and the problems of those that were not."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "file"
        path.write_bytes(buffer.getvalue().encode())
        account = load_events(connection, path, mapping={})
        set_known_events_aside(connection, parquet=[], json_lines=[], salt=SALT)
        taken = connection.execute('SELECT customer_key, kind, channel, "at", touch_id FROM new_events').fetchall()
        problems = connection.execute("SELECT line, problem, reason, row FROM rejects").fetchall()
    return account, taken, problems


@settings(max_examples=25, deadline=None)
@given(st.lists(stated, max_size=6))
def test_the_api_and_a_file_name_an_event_alike(found: list[dict[str, str]]) -> None:
    firsts: dict[str, StoreEvent] = {}
    repeats, others = 0, 0
    for event in map(StoreEvent.model_validate, found):
        first = firsts.setdefault(event.identity(), event)
        if first is not event:
            repeats, others = (repeats + 1, others) if first.content() == event.content() else (repeats, others + 1)
    account, taken, _ = in_file(found)
    assert (account.accepted, account.duplicates, account.rejected) == (len(firsts), repeats, others)
    touches = [event.touch(SALT, customer_key(SALT, event.customer_id)) for event in firsts.values()]
    assert set(taken) == {
        (touch.customer_key, touch.kind.value, touch.channel, touch.at.replace(tzinfo=None), touch.touch_id)
        for touch in touches
    }


text = st.one_of(st.sampled_from(["", "a", " a ", "visited", "2026-01-01", "web"]), st.text(max_size=5))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.fixed_dictionaries(dict.fromkeys(COLUMNS, text)), stated), max_size=8))
def test_every_row_of_a_file_is_accounted_for(rows: list[dict[str, str]]) -> None:
    account, taken, problems = in_file(rows)
    assert account.read == len(rows) == account.accepted + account.duplicates + account.rejected
    assert len(taken) == account.accepted
    assert len(problems) == account.rejected == sum(account.rejects_by_reason.values())
    assert all(line and problem and reason != problem and row is not None for line, problem, reason, row in problems)


@pytest.mark.parametrize(
    "change",
    [
        {"customer_id": ""},
        {"kind": "bought"},
        {"at": "soon"},
        {"channel": "fax"},
        {"event_id": "a\nb"},
        {"colour": "red"},
    ],
)
def test_an_event_that_does_not_fit_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        StoreEvent.model_validate({"customer_id": "ann", "kind": "visited", "at": "2026-11-20"} | change)


def test_an_unsubscription_denies_its_channel_or_all_of_them(load: Load, connection: DuckDBPyConnection) -> None:
    load(
        "ann,unsubscribed,2026-11-19,sms,",
        "ann,unsubscribed,2026-11-20,sms,",
        "bob,unsubscribed,2026-11-18,,",
        "eve,unsubscribed,2026-11-18,web,",
        "zoe,opened,2026-11-18,email,",
    )
    set_known_events_aside(connection, parquet=[], json_lines=[], salt=SALT)
    ann, bob = (CustomerKey(customer_key(SALT, name)) for name in ("ann", "bob"))
    found = {(key, channel.value): at.day for (key, channel), at in denials(unsubscriptions(connection)).items()}
    assert found == {(ann, "sms"): 20, **{(bob, channel.value): 18 for channel in ChannelName}}
