"""Files of orders that are not plain CSV: compressed, JSON Lines, Parquet."""

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import zstandard
from duckdb import DuckDBPyConnection

from tests.unit.imports.order_rows import Load, orders, rejects, rows
from winback.imports.files import UnknownColumn, UnreadableFile, load_orders


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
