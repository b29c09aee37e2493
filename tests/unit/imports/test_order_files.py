import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from duckdb import DuckDBPyConnection

from winback.imports.files import FileAccount, UnknownColumn, UnreadableFile, load_orders

Load = Callable[..., FileAccount]
HEADER = "customer_id,order_id,ordered_at,amount"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def orders(connection: DuckDBPyConnection, columns: str = "order_id, customer_id, amount_minor") -> list[Any]:
    return connection.execute(f"SELECT {columns} FROM orders ORDER BY order_id").fetchall()


def rejects(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute("SELECT line, problem FROM rejects ORDER BY line").fetchall()


def rows(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *lines, ""])


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


LINES = "customer_id,order_id,ordered_at,amount,sku,category,quantity,discount"


def test_rows_with_a_sku_are_lines_of_their_orders(load: Load, connection: DuckDBPyConnection) -> None:
    account = load(
        rows(
            "ann,o1,2026-01-01T11:00:00Z,2.00,s2,tea,1,0.50",
            "ann,o1,2026-01-01T10:00:00Z,3.00,s1,,2.5,",
            "ann,o1,2026-01-01T11:00:00Z,2.00,s2,tea,1,0.50",
            "bob,o2,2026-01-01,1,s1,tea,,",
            header=LINES,
        )
    )
    assert account == FileAccount(4, 3, 1, 0, {})
    first, second = orders(connection, "order_id, ordered_at, amount_minor, discount_minor, lines")
    assert first[:4] == ("o1", datetime(2026, 1, 1, 10), 500, 50)
    assert [(line["sku"], line["category"], str(line["quantity"]), line["price_minor"]) for line in first[4]] == [
        ("s1", None, "2.500", 300),
        ("s2", "tea", "1.000", 200),
    ]
    assert second[2:4] == (100, None)


def test_the_cost_of_an_order_is_known_when_each_line_has_one(load: Load, connection: DuckDBPyConnection) -> None:
    load(
        rows(
            "ann,o1,2026-01-01,2,s1,1.25",
            "ann,o1,2026-01-01,3,s2,0.50",
            "bob,o2,2026-01-01,2,s1,1.25",
            "bob,o2,2026-01-01,3,s2,",
            "bob,o3,2026-01-01,-3,s2,-0.50",
            header="customer_id,order_id,ordered_at,amount,sku,cost",
        )
    )
    found = orders(connection, "order_id, cost_minor, [line.cost_minor FOR line IN lines]")
    assert found == [("o1", 175, [125, 50]), ("o2", None, [125, None]), ("o3", -50, [-50])]


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


def test_an_order_is_taken_whole_or_not_at_all(load: Load, connection: DuckDBPyConnection) -> None:
    account = load(
        rows(
            "ann,o1,2026-01-01,2,s1,tea,1,",
            "ann,o1,2026-01-01,two,s2,tea,1,",
            "ann,o1,2026-01-01,2,s1,tea,1,",
            "bob,o2,2026-01-01,1,s1,tea,1,",
            header=LINES,
        )
    )
    assert (account.read, account.accepted, account.duplicates, account.rejected) == (4, 1, 0, 3)
    assert rejects(connection) == [
        (2, "order_id: another line was rejected"),
        (3, "amount: not a number"),
        (4, "order_id: another line was rejected"),
    ]
    assert orders(connection, "order_id") == [("o2",)]


def test_lines_of_one_order_name_one_customer(load: Load, connection: DuckDBPyConnection) -> None:
    load(rows("ann,o1,2026-01-01,2,s1,,,", "bob,o1,2026-01-01,2,s2,,,", header=LINES))
    assert rejects(connection) == [
        (2, "customer_id: differs within the order"),
        (3, "customer_id: differs within the order"),
    ]
    assert orders(connection) == []


def test_the_order_of_lines_does_not_change_the_fingerprint(load: Load, connection: DuckDBPyConnection) -> None:
    lines = ["ann,o1,2026-01-01,2,s1,tea,1,", "ann,o1,2026-01-01,3,s2,tea,1,"]
    load(rows(*lines, header=LINES))
    first = orders(connection, "fingerprint")
    load(rows(*reversed(lines), header=LINES))
    assert orders(connection, "fingerprint") == first


def test_columns_are_mapped_by_name(load: Load, connection: DuckDBPyConnection) -> None:
    content = 'Buyer;"Total; net";When;No;amount\nann;1.5;2026-01-01;7;99\n'
    load(content, mapping={"customer_id": "Buyer", "order_id": "No", "ordered_at": "When", "amount": "Total; net"})
    assert orders(connection) == [("7", "ann", 150)]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"customer_id": "Kunde"}, "'Kunde'.*columns: customer, order_id, ordered_at, amount"),
        ({}, "no column customer_id.*columns: customer, order_id"),
        ({"customer_id": "customer", "colour": "amount"}, "unknown column colour.*customer_id, order_id"),
    ],
)
def test_a_missing_column_is_named_with_those_there_are(load: Load, mapping: dict[str, str], says: str) -> None:
    with pytest.raises(UnknownColumn, match=says):
        load("customer,order_id,ordered_at,amount\nann,o1,2026-01-01,1\n", mapping=mapping)


def test_a_column_that_is_there_twice_is_not_guessed(load: Load) -> None:
    with pytest.raises(UnknownColumn, match="more than one column amount"):
        load("customer_id,order_id,ordered_at,amount,amount\nann,o1,2026-01-01,1,2\n")


@pytest.mark.parametrize("content", ["", "\n", "\ufeff", HEADER, HEADER + "\n", HEADER + "\r\n\r\n", "\ufeff" + HEADER])
def test_a_file_without_rows_is_fine(load: Load, connection: DuckDBPyConnection, content: str) -> None:
    assert load(content) == FileAccount(0, 0, 0, 0, {})
    assert orders(connection) == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_and_a_byte_order_mark_are_fine(load: Load, connection: DuckDBPyConnection, end: str) -> None:
    account = load("\ufeff" + rows("ann,o1,2026-01-01,1", "ann,o2,2026-01-02,x", end=end))
    assert (account.accepted, account.rejected) == (1, 1)
    assert rejects(connection) == [(3, "amount: not a number")]


def test_no_row_is_lost_where_line_ends_are_mixed(load: Load, connection: DuckDBPyConnection) -> None:
    account = load(f"{HEADER}\r\nann,o1,2026-01-01,1\nann,o2,2026-01-01,x\r\nann,o3,2026-01-01,3\r\n")
    assert (account.read, account.accepted) == (3, 2)
    assert rejects(connection) == [(3, "amount: not a number")]


def test_lines_are_counted_through_quoted_line_breaks_and_blank_lines(
    load: Load, connection: DuckDBPyConnection
) -> None:
    account = load(
        f"note,{HEADER}\n"
        '"one\ntwo\n\nthree",ann,o1,2026-01-01,1\n'
        "\n"
        ",ann,o2,2026-01-01\n"
        ",ann,o3,2026-01-01,x\n"
        '",ann,o4,2026-01-01,1\n'
        ",ann,o5,2026-01-01,1\n"
    )
    assert rejects(connection) == [
        (7, "row: wrong number of fields"),
        (8, "amount: not a number"),
        (9, "row: broken quotes"),
    ]
    assert (account.read, account.accepted) == (5, 2)


def test_lines_are_right_after_many_malformed_ones(load: Load, connection: DuckDBPyConnection) -> None:
    lines, expected = [], []
    for i in range(30_000):
        if i % 1000 == 3:
            lines.append("short")
            expected.append((i + 2, "row: wrong number of fields"))
        elif i % 1000 in (2, 4):
            lines.append(f"ann,o{i},2026-01-01,x")
            expected.append((i + 2, "amount: not a number"))
        else:
            lines.append(f"ann,o{i},2026-01-01,{i}")
    account = load(rows(*lines))
    assert rejects(connection) == expected
    assert account.read == 30_000


@pytest.mark.parametrize(
    ("row", "read"),
    [
        ('"c1" ,o1,2026-05-01,5', "row: broken quotes"),
        ('c1,o1,2026-05-01,"5" ', "row: broken quotes"),
        ('"c1" "x",o1,2026-05-01,5', "row: broken quotes"),
        (' "c1",o1,2026-05-01,5', ("o1", "c1", 500)),
        ('c1, "o1",2026-05-01,  "5"', ("o1", "c1", 500)),
        (' "c,1",o1,2026-05-01,5', ("o1", "c,1", 500)),
        ('" c1 ",o1,2026-05-01,5', ("o1", "c1", 500)),
        ('"c ""1""",o1,2026-05-01,5', ("o1", 'c "1"', 500)),
        (" c1 , o1 ,2026-05-01 , 5", ("o1", "c1", 500)),
        ("c1,o1,2026-05-01,5," + "x" * 200_000, ("o1", "c1", 500)),
    ],
)
@pytest.mark.parametrize("other", ["", "\n", '"two\nlines",z,2026-01-01,1,'], ids=["alone", "blank line", "line break"])
def test_a_row_is_read_alike_whatever_the_other_lines_are(
    load: Load, connection: DuckDBPyConnection, row: str, read: object, other: str
) -> None:
    header = f"{HEADER},note" if row.endswith("xx") else HEADER
    load(f"{header}\n{row}\n{other if header != HEADER else other.rstrip(',')}")
    assert [found for found in orders(connection) if found[0] == "o1"] == ([read] if isinstance(read, tuple) else [])
    assert [problem for line, problem in rejects(connection) if line == 2] == ([read] if isinstance(read, str) else [])


@pytest.mark.parametrize("malformed", [1, 2, 3, 40])
def test_lines_are_right_after_adjacent_malformed_ones(
    load: Load, connection: DuckDBPyConnection, malformed: int
) -> None:
    bad = ["short,of"] * malformed
    load(rows(*bad, "ann,o1,2026-01-01,x", "ann,o2,2026-01-01,1", *bad, "ann,o3,never,1"))
    found = [line for line, problem in rejects(connection) if not problem.startswith("row")]
    assert found == [malformed + 2, 2 * malformed + 4]


@pytest.mark.parametrize(
    "content", [HEADER.encode() + b"\nJos\xe9,o1,2026-01-01,1\n", b"caf\xe9" + HEADER.encode() + b"\n"]
)
def test_another_encoding_is_said_to_be_one(load: Load, content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        load(content)


def test_utf_16_is_said_to_be_that(load: Load) -> None:
    with pytest.raises(UnreadableFile, match="UTF-16"):
        load(rows("ann,o1,2026-01-01,1").encode("utf-16"))


@pytest.mark.parametrize(
    "pack", [gzip.compress, zstandard.compress, lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:])]
)
@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz", "no ending", "it's [1]*?.zst"])
def test_compression_is_told_by_content_not_by_name(
    connection: DuckDBPyConnection, write: Callable[..., Path], pack: Callable[[bytes], bytes], name: str
) -> None:
    path = write(pack(rows("ann,o1,2026-01-01,1").encode()), name)
    assert load_orders(connection, path, mapping={}).accepted == 1


def test_a_broken_archive_is_said_to_be_broken(load: Load) -> None:
    packed = gzip.compress(rows(*(f"ann,o{i},2026-01-01,{i}" for i in range(1000))).encode())
    with pytest.raises(UnreadableFile, match="gzip but broken"):
        load(packed[:-50])


def test_json_lines_are_read_with_their_own_lines(load: Load, connection: DuckDBPyConnection) -> None:
    good = {"customer_id": 17, "order_id": "o1", "ordered_at": "2026-01-01", "amount": 19.99}
    content = "\n".join(
        [
            "\ufeff" + json.dumps(good),
            "",
            "{broken",
            json.dumps([1, 2]),
            json.dumps({**good, "order_id": "o2", "amount": None}),
            json.dumps({**good, "order_id": "o3", "amount": 0.1 + 0.2}),
            json.dumps({**good, "order_id": "o4", "customer_id": None}),
        ]
    )
    account = load(content)
    assert (account.read, account.accepted, account.rejected) == (6, 2, 4)
    assert rejects(connection) == [
        (3, "row: not a JSON object"),
        (4, "row: not a JSON object"),
        (5, "amount: missing"),
        (7, "customer_id: missing"),
    ]
    assert orders(connection) == [("o1", "17", 1999), ("o3", "17", 30)]


def test_json_names_may_hold_any_character(load: Load, connection: DuckDBPyConnection) -> None:
    row = {"a/b~c": "ann", 'say "no"': "o1", "ordered_at": "2026-01-01", "amount": "1"}
    load(json.dumps(row), mapping={"customer_id": "a/b~c", "order_id": 'say "no"'})
    assert orders(connection) == [("o1", "ann", 100)]


def test_json_lines_lack_the_columns_that_no_line_has(load: Load) -> None:
    with pytest.raises(UnknownColumn, match=r"no column customer_id.*amount, order_id"):
        load('{"order_id": 1, "amount": 2, "ordered_at": "2026-01-01"}\n')


def test_parquet_types_are_understood(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "account=other" / "orders"
    path.parent.mkdir()
    connection.execute("SET TimeZone = 'Asia/Tokyo'")
    connection.execute(
        f"""COPY (
            SELECT 17.0::DOUBLE AS customer_id, 'o1' AS order_id, TIMESTAMPTZ '2026-01-01 10:00:00+01' AS ordered_at,
                0.1 + 0.2::DOUBLE AS amount
            UNION ALL SELECT 18.0, 'o2', TIMESTAMPTZ '2026-01-01 00:00:00Z', 12.345
            UNION ALL SELECT NULL, 'o3', TIMESTAMPTZ '2026-01-01 00:00:00Z', 1
            UNION ALL SELECT 1, 'o4', TIMESTAMPTZ '2026-01-01 00:00:00Z', 'nan'::DOUBLE
        ) TO '{path}' (FORMAT parquet)"""
    )
    account = load_orders(connection, path, mapping={})
    assert orders(connection, "customer_id, ordered_at, amount_minor") == [("17", datetime(2026, 1, 1, 9), 30)]
    assert rejects(connection) == [
        (2, "amount: too many decimals"),
        (3, "customer_id: missing"),
        (4, "amount: not a number"),
    ]
    assert account.read == 4


def test_bytes_in_parquet_that_are_not_utf_8_reject_their_row(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "orders"
    connection.execute(
        f"""COPY (
            SELECT * FROM (VALUES ('\\xFF'::BLOB, 'o1', '1'), ('ann'::BLOB, 'o2', '1'), ('\\xC3'::BLOB, 'o3', '1'),
                ('\\xFE'::BLOB, 'o4', '1'), (NULL, 'o5', '1'), ('ann'::BLOB, 'o6', 'x'))
                AS listed (customer_id, order_id, amount), (SELECT DATE '2026-01-01' AS ordered_at)
        ) TO '{path}' (FORMAT parquet)"""
    )
    account = load_orders(connection, path, mapping={})
    assert orders(connection) == [("o2", "ann", 100)]
    assert rejects(connection) == [
        (1, "row: not UTF-8"),
        (3, "row: not UTF-8"),
        (4, "row: not UTF-8"),
        (5, "customer_id: missing"),
        (6, "amount: not a number"),
    ]
    assert account.read == 6


def test_parquet_that_is_cut_off_is_said_to_be_damaged(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "orders"
    connection.execute(f"COPY (SELECT 1 AS customer_id FROM range(1000)) TO '{path}' (FORMAT parquet)")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableFile, match="Parquet"):
        load_orders(connection, path, mapping={})


def test_a_format_that_is_not_the_files_is_refused(load: Load) -> None:
    with pytest.raises(UnreadableFile, match="not Parquet"):
        load(rows("ann,o1,2026-01-01,1"), format="parquet")
    with pytest.raises(UnreadableFile, match="expected one of csv, jsonl, parquet"):
        load(rows(), format="xlsx")


def test_nothing_temporary_is_left_behind(load: Load, connection: DuckDBPyConnection) -> None:
    load(rows("ann,o1,2026-01-01,1"))
    load(rows("ann,o1,2026-01-01,1"))
    assert connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall() == [
        ("orders",),
        ("rejects",),
    ]
    assert connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []
