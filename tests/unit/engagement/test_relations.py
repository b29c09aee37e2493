"""What the lake's files say of touches and consent before a moment."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.accounts.channels import ChannelName
from winback.customers import Customer, profile_of, row_of
from winback.engagement.relations import open_profiles, open_touches
from winback.engagement.touches import Touch, TouchKind, earliest
from winback.identifiers import CustomerKey

DAY = datetime(2026, 11, 1, tzinfo=UTC)
AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
Row = dict[str, Any]
Profiles = Callable[..., dict[str, Any]]


@pytest.fixture
def connection() -> DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def write(path: Path, rows: list[Row]) -> Path:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


def touch(name: str = "t", day: int = 0, kind: TouchKind = TouchKind.SENT, **more: Any) -> Touch:
    plain = {"customer_key": CustomerKey("ann"), "kind": kind, "channel": "email", "touch_id": name}
    return Touch(**plain | {"at": DAY + timedelta(days=day)} | more)


def touches(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute(
        'SELECT customer_id, kind, channel, "at", by_machine FROM touches ORDER BY ALL'
    ).fetchall()


def test_without_files_the_relations_are_empty(connection: DuckDBPyConnection) -> None:
    open_touches(connection, parquet=[], json_lines=[], as_of=AS_OF)
    open_profiles(connection, json_lines=[], as_of=AS_OF)
    assert connection.execute("FROM touches").fetchall() == []
    assert connection.execute("FROM profiles").fetchall() == []
    described = connection.execute("SELECT column_name, column_type FROM (DESCRIBE profiles)").fetchall()
    assert dict(described) == {
        "customer_id": "VARCHAR",
        "email_consent": "VARCHAR",
        "sms_consent": "VARCHAR",
        "push_consent": "VARCHAR",
        "acquisition_channel": "VARCHAR",
        "created_at": "TIMESTAMP",
    }


def test_parquet_and_json_lines_are_one_relation_and_reopening_replaces_it(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    lines = write(tmp_path / "exp-1.jsonl.gz", [touch("a", channel=None).row(), touch("b", by_machine=True).row()])
    table = tmp_path / "imp-1.parquet"
    connection.execute(
        f"""COPY (SELECT 'bob' AS customer_key, 'visited' AS kind, NULL::VARCHAR AS channel,
        TIMESTAMP '2026-11-02' AS "at", 'c' AS touch_id, FALSE AS by_machine) TO '{table}' (FORMAT parquet)"""
    )
    open_touches(connection, parquet=[table], json_lines=[lines], as_of=AS_OF)
    at = DAY.replace(tzinfo=None)
    assert touches(connection) == [
        ("ann", "sent", "email", at, True),
        ("ann", "sent", None, at, False),
        ("bob", "visited", None, datetime(2026, 11, 2), False),
    ]
    open_touches(connection, parquet=[table], json_lines=[], as_of=AS_OF)
    assert len(touches(connection)) == 1


def test_nothing_at_or_after_the_moment_is_a_touch(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    rows = [touch(str(day), day).row() for day in range(19, 23)]
    open_touches(connection, parquet=[], json_lines=[write(tmp_path / "a.gz", rows)], as_of=AS_OF)
    assert [found[3].day for found in touches(connection)] == [20]


def test_a_moment_without_a_zone_is_refused(connection: DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="time zone"):
        open_touches(connection, parquet=[], json_lines=[], as_of=datetime(2026, 1, 1))


told = st.lists(
    st.builds(
        touch,
        st.sampled_from("abc"),
        st.integers(0, 30),
        st.sampled_from(TouchKind),
        channel=st.sampled_from([None, "email", "web"]),
        customer_key=st.sampled_from([CustomerKey("ann"), CustomerKey("bob")]),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(told, st.randoms(use_true_random=False))
def test_a_touch_counts_once_whatever_the_order_of_files(found: list[Touch], random: Any) -> None:
    results = []
    for _ in range(2):
        random.shuffle(found)
        cut = random.randint(0, len(found))
        with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
            parts = [found[:cut], found[cut:], found[:1]]
            files = [
                write(Path(folder) / f"{number}.jsonl.gz", [each.row() for each in part])
                for number, part in enumerate(parts)
            ]
            open_touches(connection, parquet=[], json_lines=files, as_of=AS_OF)
            results.append(touches(connection))
    assert results[0] == results[1]
    expected = [each.at for each in earliest(found) if each.at < AS_OF]
    assert sorted(row[3] for row in results[0]) == sorted(at.replace(tzinfo=None) for at in expected)


def statement(received: int, **fields: Any) -> Row:
    customer = Customer.model_validate({"customer_id": "ann", **fields})
    return row_of(customer, CustomerKey("ann"), DAY + timedelta(days=received))


def consent(state: str, day: int | None = None) -> Row:
    return {"state": state, "at": None if day is None else (DAY + timedelta(days=day)).isoformat()}


@pytest.fixture
def profiles(connection: DuckDBPyConnection, tmp_path: Path) -> Profiles:
    """By customer key, of these statements, each in a file of its own."""

    def of(*statements: Row, left: tuple[Touch, ...] = ()) -> dict[str, Any]:
        files = [write(tmp_path / f"{number}.jsonl.gz", [row]) for number, row in enumerate(statements)]
        sends = write(tmp_path / "exp.jsonl.gz", [each.row() for each in left])
        open_touches(connection, parquet=[], json_lines=[sends], as_of=AS_OF)
        open_profiles(connection, json_lines=files, as_of=AS_OF)
        return {row[0]: row[1:] for row in connection.execute("FROM profiles").fetchall()}

    return of


def test_acquisition_is_as_last_stated_before_the_moment(profiles: Profiles) -> None:
    first = statement(1, acquisition_channel="ads", created_at="2026-10-01")
    second = statement(2, acquisition_channel="store", created_at="2026-10-02")
    later = statement(20, acquisition_channel="fair")
    unknown = ("unknown", "unknown", "unknown")
    assert profiles(second, first, later)["ann"] == (*unknown, "store", datetime(2026, 10, 2))
    assert profiles(second, first, statement(3))["ann"] == (*unknown, None, None), "what is not stated is gone"


def test_nothing_stated_after_the_moment_leaks_in(profiles: Profiles) -> None:
    granted = {"email": consent("granted", 1)}
    assert profiles(statement(20, consent=granted), statement(25, consent=granted)) == {}


def test_a_channel_that_a_statement_does_not_mention_keeps_its_consent(profiles: Profiles) -> None:
    found = profiles(statement(1, consent={"email": consent("granted", 1)}), statement(2, first_name="Ann"))
    assert found["ann"][:3] == ("granted", "unknown", "unknown")


def test_who_unsubscribed_since_the_statement_has_denied(profiles: Profiles) -> None:
    granted = statement(5, consent={"email": consent("granted", 5), "sms": consent("granted", 5)})
    assert profiles(granted, left=(touch(day=6, kind=TouchKind.UNSUBSCRIBED),))["ann"][:2] == ("denied", "granted")
    assert profiles(granted, left=(touch(day=4, kind=TouchKind.UNSUBSCRIBED),))["ann"][:2] == ("granted", "granted")
    everywhere = touch(day=6, kind=TouchKind.UNSUBSCRIBED, channel=None)
    assert profiles(granted, left=(everywhere,))["ann"][:3] == ("denied", "denied", "denied")
    assert profiles(granted, left=(touch(day=20, kind=TouchKind.UNSUBSCRIBED),))["ann"][0] == "granted"


def test_an_undated_statement_never_lifts_an_unsubscription(profiles: Profiles) -> None:
    left = (touch(day=6, kind=TouchKind.UNSUBSCRIBED),)
    assert profiles(statement(8, consent={"email": consent("granted")}), left=left)["ann"][0] == "denied"
    assert profiles(statement(8, consent={"email": consent("granted", 7)}), left=left)["ann"][0] == "granted"


def test_who_only_unsubscribed_is_known_to_have_denied(profiles: Profiles) -> None:
    found = profiles(left=(touch(day=6, kind=TouchKind.UNSUBSCRIBED),))
    assert found == {"ann": ("denied", "unknown", "unknown", None, None)}


stated = st.lists(
    st.dictionaries(
        st.sampled_from([channel.value for channel in ChannelName]),
        st.tuples(st.sampled_from(["granted", "denied", "unknown"]), st.integers(0, 9)),
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(stated)
def test_dated_consent_is_merged_as_in_the_profile(found: list[dict[str, tuple[str, int]]]) -> None:
    """Statements of one instant may differ between the two: the one received later counts, or here the denial."""
    rows, profile = [], None
    for number, each in enumerate(found):
        stated = {name: consent(state, day * 10 + number) for name, (state, day) in each.items()}
        customer = Customer.model_validate({"customer_id": "ann", "consent": stated})
        received = DAY + timedelta(days=number)
        rows.append(row_of(customer, CustomerKey("ann"), received))
        profile = profile_of(customer, profile, received_at=received)
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        open_touches(connection, parquet=[], json_lines=[], as_of=AS_OF)
        open_profiles(connection, json_lines=[write(Path(folder) / "c.jsonl.gz", rows)] if rows else [], as_of=AS_OF)
        known = connection.execute("SELECT email_consent, sms_consent, push_consent FROM profiles").fetchall()
    if profile is None:
        assert known == []
        return
    names = ("email", "sms", "push")
    assert known == [tuple(profile["consent"].get(name, {"state": "unknown"})["state"] for name in names)]


def test_files_of_before_hours_were_drawn_are_read_beside_those_of_after(
    connection: DuckDBPyConnection, tmp_path: Path
) -> None:
    old = tmp_path / "old.parquet"
    connection.execute(
        f"""COPY (SELECT 'ann' AS customer_key, 'opened' AS kind, 'email' AS channel, TIMESTAMP '2026-11-01' AS "at",
            'a' AS touch_id, FALSE AS by_machine) TO '{old}' (FORMAT parquet)"""
    )
    drawn = touch("b", kind=TouchKind.OPENED, hour_weight=2.5)
    new = write(tmp_path / "new.jsonl.gz", [drawn.row(), touch("c", kind=TouchKind.OPENED).row()])
    open_touches(connection, parquet=[old], json_lines=[new], as_of=AS_OF)
    found = connection.execute("SELECT hour_weight FROM touches ORDER BY ALL").fetchall()
    assert found == [(2.5,), (None,), (None,)]
