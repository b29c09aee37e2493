"""Rows of orders: what is taken, what is rejected and why, amounts, dates, duplicates."""

from datetime import UTC, datetime

import pytest
from duckdb import DuckDBPyConnection

from tests.unit.imports.order_rows import HEADER, Load, orders, rejects, rows
from winback.imports.files import FileAccount

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_clean_file_is_taken_whole(load: Load, connection: DuckDBPyConnection) -> None:
    account = load(rows("ann,o1,2026-01-02T10:00:00+02:00,12.50", "bob,o2,2026-01-03,-3"), default_currency="EUR")
    assert account == FileAccount(2, 2, 0, 0, {})
    assert orders(connection, "order_id, customer_id, ordered_at, amount_minor, currency, discount_minor, lines") == [
        ("o1", "ann", datetime(2026, 1, 2, 8), 1250, "EUR", None, None),
        ("o2", "bob", datetime(2026, 1, 3), -300, "EUR", None, None),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",o1,2026-01-01,1", "customer_id: missing"),
        ("   ,o1,2026-01-01,1", "customer_id: missing"),
        (f"{'x' * 129},o1,2026-01-01,1", "customer_id: too long"),
        ("a\x01b,o1,2026-01-01,1", "customer_id: control characters"),
        ("ann,,2026-01-01,1", "order_id: missing"),
        ("ann,o\t1,2026-01-01,1", "order_id: control characters"),
        ("ann,o1,,1", "ordered_at: missing"),
        ("ann,o1,yesterday,1", "ordered_at: not a date"),
        ("ann,o1,2026-02-30,1", "ordered_at: not a date"),
        ("ann,o1,20261301,1", "ordered_at: not a date"),
        ("ann,o1,infinity,1", "ordered_at: not a date"),
        ("ann,o1,01/02/2026,1", "ordered_at: not a date"),
        ("ann,o1,2026-01-01T10:00:00+99:00,1", "ordered_at: not a date"),
        ("ann,o1,2026-01-01T10:00:00 -1500,1", "ordered_at: not a date"),
        ("ann,o1,2026-01-01T10:00:00+14:01,1", "ordered_at: not a date"),
        ("ann,o1,2026-01-01T10:00:00+1410,1", "ordered_at: not a date"),
        ("ann,o1,2026-01-01T10:00:00+01:60,1", "ordered_at: not a date"),
        ("ann,o1,20260101T250000Z,1", "ordered_at: not a date"),
        ("ann,o1,2026-01-01T,1", "ordered_at: not a date"),
        ("ann,o1,1969-12-31,1", "ordered_at: before 1970"),
        ("ann,o1,2026-11-23,1", "ordered_at: in the future"),
        ("ann,o1,2026-01-01,", "amount: missing"),
        ("ann,o1,2026-01-01,NaN", "amount: not a number"),
        ("ann,o1,2026-01-01,inf", "amount: not a number"),
        ("ann,o1,2026-01-01,-Infinity", "amount: not a number"),
        ("ann,o1,2026-01-01,twelve", "amount: not a number"),
        ("ann,o1,2026-01-01,1_000", "amount: not a number"),
        ("ann,o1,2026-01-01,$5", "amount: not a number"),
        ("ann,o1,2026-01-01,1.005", "amount: too many decimals"),
        ("ann,o1,2026-01-01,1.0000001", "amount: too many decimals"),
        ("ann,o1,2026-01-01,1000000000000", "amount: out of range"),
        ("ann,o1,2026-01-01,1e300", "amount: out of range"),
        ("ann,o1,2026-01-01", "row: wrong number of fields"),
        ("ann,o1,2026-01-01,1,extra", "row: wrong number of fields"),
        ('"ann"x,o1,2026-01-01,1', "row: broken quotes"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_the_rest_taken(
    load: Load, connection: DuckDBPyConnection, row: str, problem: str
) -> None:
    account = load(rows("zoe,z1,2026-01-01,1", row, "zoe,z2,2026-01-02,2"), now=NOW)
    assert rejects(connection) == [(3, problem)]
    assert (account.read, account.accepted, account.rejected) == (3, 2, 1)
    assert account.rejects_by_reason == {problem: 1}
    ((reason, text),) = connection.execute("SELECT reason, row FROM rejects").fetchall()
    assert reason != problem, "every problem has a sentence of its own"
    assert text


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.5", "EUR", 1250),
        ("12.500000", "EUR", 1250),
        ("+7", "usd", 700),
        (".5", "EUR", 50),
        ("5.", "EUR", 500),
        ("1e+05", "EUR", 10_000_000),
        ("1200", "JPY", 1200),
        ("1200.00", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("-0.01", "EUR", -1),
        ("999999999999.99", "EUR", 99_999_999_999_999),
    ],
)
def test_amounts_become_minor_units_of_their_currency(
    load: Load, connection: DuckDBPyConnection, amount: str, currency: str, minor: int
) -> None:
    load(rows(f"ann,o1,2026-01-01,{amount},{currency}", header=HEADER + ",currency"))
    assert orders(connection, "amount_minor, currency") == [(minor, currency.upper())]


@pytest.mark.parametrize("bad", ["12.5,JPY", "1.2345,KWD"])
def test_decimals_that_the_currency_lacks_are_refused(load: Load, connection: DuckDBPyConnection, bad: str) -> None:
    load(rows(f"ann,o1,2026-01-01,{bad}", header=HEADER + ",currency"))
    assert rejects(connection) == [(2, "amount: too many decimals")]


def test_a_currency_has_the_shape_of_a_code(load: Load, connection: DuckDBPyConnection) -> None:
    load(rows("ann,o1,2026-01-01,1,Euro", "ann,o2,2026-01-01,1,", header=HEADER + ",currency"), default_currency="SEK")
    assert rejects(connection) == [(2, "currency: not a code")]
    assert orders(connection, "currency") == [("SEK",)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02", datetime(2026, 1, 2)),
        ("20260102", datetime(2026, 1, 2)),
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T03:04", datetime(2026, 1, 2, 3, 4)),
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T03:04:05-0500", datetime(2026, 1, 2, 8, 4, 5)),
        ("2026-01-02 03:04:05+14", datetime(2026, 1, 1, 13, 4, 5)),
        ("2026-01-02 03:04:05+1400", datetime(2026, 1, 1, 13, 4, 5)),
        ("2026-01-15 03:04:05-13:45", datetime(2026, 1, 15, 16, 49, 5)),
        ("2026-01-02 03:04:05 -0500", datetime(2026, 1, 2, 8, 4, 5)),
        ("2026-01-02 03:04:05 +02:00", datetime(2026, 1, 2, 1, 4, 5)),
        ("2026-01-02 03:04:05 Z", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02 03:04:05 UTC", datetime(2026, 1, 2, 3, 4, 5)),
        ("20260102T030405Z", datetime(2026, 1, 2, 3, 4, 5)),
        ("20260102T030405.678+0200", datetime(2026, 1, 2, 1, 4, 5)),
        ("20260102T0304", datetime(2026, 1, 2, 3, 4)),
        ("20260102T03Z", datetime(2026, 1, 2, 3)),
        ("2026-01-02T03Z", datetime(2026, 1, 2, 3)),
        ("2026-01-02T03+02", datetime(2026, 1, 2, 1)),
    ],
)
def test_dates_are_read_as_utc_whatever_the_time_zone_of_the_session(
    load: Load, connection: DuckDBPyConnection, text: str, moment: datetime
) -> None:
    connection.execute("SET TimeZone = 'America/New_York'")
    load(rows(f"ann,o1,{text},1"))
    assert orders(connection, "ordered_at") == [(moment,)]


def test_the_same_order_again_is_a_duplicate_and_other_content_is_rejected(
    load: Load, connection: DuckDBPyConnection
) -> None:
    account = load(
        rows(
            "ann,o1,2026-01-01,1.00",
            "ann,o1,2026-01-01T00:00:00Z,1",
            "ann,o1,2026-01-01,2",
            "bob,o1,2026-01-01,1",
        )
    )
    assert account == FileAccount(4, 1, 1, 2, {"order_id: used again": 2})
    assert connection.execute("SELECT line, field, reason FROM rejects").fetchall()[0][:2] == (4, "order_id")
    assert "line 2 " in connection.execute("SELECT reason FROM rejects").fetchall()[0][0]
    assert orders(connection) == [("o1", "ann", 100)]


def test_a_rejected_row_does_not_stand_in_for_a_good_one_of_the_same_order(
    load: Load, connection: DuckDBPyConnection
) -> None:
    account = load(rows("ann,o1,never,1", "ann,o1,2026-01-01,1"))
    assert (account.accepted, account.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("ann,o1,2026-01-01,1,x", "cost: not a number"),
        ("ann,o1,2026-01-01,1,1e12", "cost: out of range"),
        ("ann,o1,2026-01-01,1,0.001", "cost: too many decimals"),
        ("ann,o1,2026-01-01,0,-1", "cost: negative"),
    ],
)
def test_a_bad_cost_rejects_its_row(load: Load, connection: DuckDBPyConnection, row: str, problem: str) -> None:
    load(
        rows(
            row, "ann,o2,2026-01-01,1,0.5", "ann,o3,2026-01-01,1,", "ann,o4,2026-01-01,-1,-0.5", header=HEADER + ",cost"
        )
    )
    assert rejects(connection) == [(2, problem)]
    assert orders(connection, "order_id, cost_minor") == [("o2", 50), ("o3", None), ("o4", -50)]
    ((reason,),) = connection.execute("SELECT reason FROM rejects").fetchall()
    assert reason != problem


def test_nothing_temporary_is_left_behind(load: Load, connection: DuckDBPyConnection) -> None:
    load(rows("ann,o1,2026-01-01,1"))
    load(rows("ann,o1,2026-01-01,1"))
    assert connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall() == [
        ("orders",),
        ("rejects",),
    ]
    assert connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []
