"""Which discount codes a file says that its orders were paid with."""

import json
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from tests.unit.imports.order_rows import HEADER, Load, orders, rejects, rows
from winback.imports.files import load_orders

PLAIN = {"customer_id": "ann", "ordered_at": "2026-01-01", "amount": 1}


@pytest.mark.parametrize(
    ("stated", "codes"),
    [
        ("SPRING30", ["SPRING30"]),
        ('"b-2; A ,,b-2"', ["A", "b-2"]),
        ("", []),
        ('"[""B"", "" a""]"', ["B", "a"]),
        ("[]", []),
    ],
)
def test_a_csv_lists_codes_with_commas_semicolons_or_as_json(
    load: Load, connection: DuckDBPyConnection, stated: str, codes: list[str]
) -> None:
    load(
        rows(f"ann,o1,2026-01-01,1,{stated}", header=HEADER + ",Discount Code"),
        mapping={"discount_codes": "Discount Code"},
    )
    assert orders(connection, "discount_codes") == [(codes,)]


@pytest.mark.parametrize(
    ("column", "stated", "codes"),
    [
        ("discount_codes", [{"code": "SPRING30", "amount": "30.00", "type": "fixed_amount"}], ["SPRING30"]),
        ("coupon_lines", [{"id": 71, "code": "spring30", "discount": "30", "discount_tax": "0"}], ["spring30"]),
        ("discount_codes", ["B", "A"], ["A", "B"]),
        ("discount_codes", "A;B", ["A", "B"]),
        ("discount_codes", [], []),
    ],
)
def test_json_lines_are_taken_as_shopify_and_woocommerce_state_them(
    load: Load, connection: DuckDBPyConnection, column: str, stated: Any, codes: list[str]
) -> None:
    load(json.dumps({**PLAIN, "order_id": "o1", column: stated}), mapping={"discount_codes": column})
    assert orders(connection, "discount_codes") == [(codes,)]


def test_parquet_has_codes_as_a_list_of_texts_or_of_structs(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    plain = "SELECT 'ann' AS customer_id, 'o1' AS order_id, DATE '2026-01-01' AS ordered_at, 1 AS amount"
    for stated in ("['B, x', 'A']", "[{'code': 'A'}, {'code': 'B, x'}]"):
        connection.execute(f"COPY ({plain}, {stated} AS discount_codes) TO '{tmp_path / 'orders'}' (FORMAT parquet)")
        load_orders(connection, tmp_path / "orders", mapping={})
        assert orders(connection, "discount_codes") == [(["A", "B, x"],)]


def test_a_file_without_the_column_does_not_say_that_there_were_no_codes(
    load: Load, connection: DuckDBPyConnection
) -> None:
    load(rows("ann,o1,2026-01-01,1"))
    assert orders(connection, "discount_codes") == [(None,)]


def test_the_codes_of_an_orders_lines_are_put_together(load: Load, connection: DuckDBPyConnection) -> None:
    load(
        rows(
            "ann,o1,2026-01-01,1,s1,B",
            "ann,o1,2026-01-01,2,s2,",
            "ann,o1,2026-01-01,3,s3,A;B",
            "bob,o2,2026-01-01,1,s1,",
            header=HEADER + ",sku,discount_codes",
        )
    )
    assert orders(connection, "order_id, discount_codes") == [("o1", ["A", "B"]), ("o2", [])]
    load(rows("ann,o1,2026-01-01,1,s1", header=HEADER + ",sku"))
    assert orders(connection, "discount_codes") == [(None,)]


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ([7], "not codes"),
        ([{"id": 7}], "not codes"),
        ([None], "not codes"),
        ({"code": "A"}, "not codes"),
        ("[A", "not codes"),
        ([str(number) for number in range(21)], "too many"),
        (["x" * 256], "too long"),
        (["a\nb"], "control characters"),
    ],
)
def test_what_is_no_list_of_codes_rejects_its_row(
    load: Load, connection: DuckDBPyConnection, stated: Any, problem: str
) -> None:
    good = {**PLAIN, "order_id": "o2", "discount_codes": ["A"]}
    load("\n".join(json.dumps(row) for row in ({**PLAIN, "order_id": "o1", "discount_codes": stated}, good)))
    assert rejects(connection) == [(1, f"discount_codes: {problem}")]
    assert orders(connection, "order_id") == [("o2",)]
