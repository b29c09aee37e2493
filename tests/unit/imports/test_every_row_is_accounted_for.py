"""Invariant 11: read = accepted + duplicates + rejected, whatever the file holds."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.imports.files import UnreadableFile, load_customers, load_orders

COLUMNS = ["customer_id", "order_id", "ordered_at", "amount"]

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)
ids = st.one_of(st.sampled_from(["", "a", "b", " a "]), text)
dates = st.one_of(st.sampled_from(["2026-01-01", "20260101", "2026-01-01T00:00:00Z", "x", ""]), text)
amounts = st.one_of(
    st.sampled_from(["1", "1.00", "-2.5", "nan", "1e400", "1.001", ""]),
    st.decimals(allow_nan=False).map(str),
    st.floats().map(str),
    text,
)
order_rows = st.lists(st.tuples(ids, ids, dates, amounts), max_size=12)


def load(content: str, columns: list[str], name: str = "csv") -> tuple[int, int]:
    """Rows read and accepted, checked against the tables."""
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "file"
        path.write_bytes(content.encode())
        account = load_orders(connection, path, mapping={}, format=name)
        kept = "coalesce(sum(len(lines)), 0)" if "sku" in columns else "count(*)"
        ((held, distinct, orders),) = connection.execute(
            f"SELECT {kept}, count(DISTINCT order_id), count(*) FROM orders"
        ).fetchall()
        ((listed, without),) = connection.execute(
            "SELECT count(*), count(*) FILTER (line IS NULL OR problem IS NULL OR reason IS NULL OR row IS NULL) "
            "FROM rejects"
        ).fetchall()
    assert account.read == account.accepted + account.duplicates + account.rejected
    assert sum(account.rejects_by_reason.values()) == account.rejected
    assert held == account.accepted
    assert distinct == orders
    assert (listed, without) == (account.rejected, 0)
    return account.read, account.accepted


@settings(max_examples=30, deadline=None)
@given(order_rows, st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_rows_of_a_well_formed_csv(rows: list[tuple[str, str, str, str]], delimiter: str, end: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *rows])
    read, _ = load(buffer.getvalue(), COLUMNS)
    assert read == len(rows)


@settings(max_examples=30, deadline=None)
@given(order_rows, st.lists(st.sampled_from(["s1", "s2", ""]), min_size=12, max_size=12))
def test_rows_of_order_lines(rows: list[tuple[str, str, str, str]], skus: list[str]) -> None:
    buffer = io.StringIO()
    columns = [*COLUMNS, "sku"]
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        [columns, *[(*row, sku) for row, sku in zip(rows, skus, strict=False)]]
    )
    read, _ = load(buffer.getvalue(), columns)
    assert read == len(rows)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(text, st.just("a,o,2026-01-01,1"), st.just('a,"o'), st.just('a","o"'))))
def test_lines_of_any_text(lines: list[str]) -> None:
    load("\n".join([",".join(COLUMNS), *lines]), COLUMNS)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(text.filter(str.strip), order_rows.map(json.dumps))), order_rows)
def test_json_lines_of_any_text(lines: list[str], rows: list[tuple[str, str, str, str]]) -> None:
    good = [json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows]
    everything = [line.replace("\n", " ") for line in lines] + good
    try:
        read, _ = load("\n".join(everything), COLUMNS, "jsonl")
    except UnreadableFile:
        assert not rows
    else:
        assert read == sum(1 for line in everything if line.strip(" \t\r"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(ids, text, text, st.sampled_from(["granted", "denied", "", "x"]))))
def test_rows_of_customers(rows: list[tuple[str, str, str, str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        [["customer_id", "email", "time_zone", "email_consent"], *rows]
    )
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "file"
        path.write_bytes(buffer.getvalue().encode())
        account = load_customers(connection, path, mapping={})
        ((kept,),) = connection.execute("SELECT count(*) FROM customers").fetchall()
    assert account.read == len(rows) == account.accepted + account.duplicates + account.rejected
    assert kept == account.accepted
