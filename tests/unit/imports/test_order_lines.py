"""Rows with a sku are lines of orders: an order is taken whole or not at all."""

from datetime import datetime

from duckdb import DuckDBPyConnection

from tests.unit.imports.order_rows import Load, orders, rejects, rows
from winback.imports.files import FileAccount

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
