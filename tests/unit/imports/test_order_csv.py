"""CSV files of orders: columns, malformed lines and their numbers, line ends, encodings."""

import pytest
from duckdb import DuckDBPyConnection

from tests.unit.imports.order_rows import HEADER, Load, orders, rejects, rows
from winback.imports.files import FileAccount, UnknownColumn, UnreadableFile


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
