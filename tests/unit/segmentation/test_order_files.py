import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winback.rates.conversion import LINES, ORDER_COLUMNS
from winback.segmentation.order_files import COLUMNS, open_orders

_versions = st.builds(
    dict,
    order_id=st.integers(1, 12).map(str),
    received_at=st.integers(1, 4).map(lambda day: f"2026-01-0{day}T00:00:00Z"),
    fingerprint=st.sampled_from("abc"),
    currency=st.sampled_from(["EUR", "EUR", "USD"]),
)


@given(
    largest=st.lists(_versions, max_size=12, unique_by=lambda version: version["order_id"]),
    later=st.lists(_versions, max_size=8, unique_by=lambda version: version["order_id"]),
    batches=st.lists(st.lists(_versions, min_size=1, max_size=8), max_size=3),
)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_latest_version_of_each_order_counts_in_whatever_files_they_lie(
    tmp_path_factory: Any, largest: list[Any], later: list[Any], batches: list[list[Any]]
) -> None:
    folder = tmp_path_factory.mktemp("lake") / "account=a" / "received=2026-01-01"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        parquet = [_parquet(connection, folder / f"{n}.parquet", rows) for n, rows in enumerate((largest, later))]
        json_lines = [_json_lines(folder / f"{n}.jsonl", rows) for n, rows in enumerate(batches)]
        conversion = open_orders(connection, parquet=parquet, json_lines=json_lines, currency="EUR")
        found = connection.execute("SELECT order_id, amount_minor FROM orders").fetchall()

    latest: dict[str, Any] = {}
    for version in [*largest, *later, *(version for rows in batches for version in rows)]:
        known = latest.get(version["order_id"])
        if known is None or _age(version) > _age(known):
            latest[version["order_id"]] = version
    ambiguous = _same_version_in_two_currencies([*largest, *later, *(v for rows in batches for v in rows)])
    if ambiguous:
        return
    wanted = [version for version in latest.values() if version["currency"] == "EUR"]
    assert sorted(found) == sorted((version["order_id"], _age_as_amount(version)) for version in wanted)
    assert conversion.left_out == len(latest) - len(wanted)


def test_an_account_without_files_has_no_orders() -> None:
    with duckdb.connect() as connection:
        assert open_orders(connection, parquet=[], json_lines=[], currency="EUR").foreign == []
        assert connection.execute("FROM orders").fetchall() == []


def test_the_stores_own_customer_id_is_not_read(tmp_path: Path) -> None:
    path = _json_lines(tmp_path / "a.jsonl", [{"order_id": "1", "customer_id": "ann@example.com"}])
    with duckdb.connect() as connection:
        open_orders(connection, parquet=[], json_lines=[path], currency="EUR")
        assert connection.execute("SELECT customer_id FROM orders").fetchall() == [("key",)]


def test_files_older_than_costs_and_codes_are_read_beside_those_with_them(tmp_path: Path) -> None:
    line = "{'sku': 's', 'category': 'c', 'quantity': 1::DECIMAL(18, 3), 'price_minor': 5"
    first = (
        "SELECT 'k' AS customer_key, TIMESTAMP '2025-01-01' AS ordered_at, 5::BIGINT AS amount_minor, 'EUR' AS currency"
    )
    last = "0::BIGINT AS discount_minor, 'a' AS fingerprint, TIMESTAMP '2026-01-01' AS received_at"
    with duckdb.connect() as connection:

        def written(name: str, columns: str) -> Path:
            path = tmp_path / f"{name}.parquet"
            connection.sql(f"{first}, {last}, {columns}").write_parquet(str(path))
            return path

        old = [written(f"old-{n}", f"'{n}' AS order_id, [{line}}}] AS lines") for n in (1, 2)]
        new = [
            written(
                f"new-{n}",
                f"'{n}' AS order_id, 3::BIGINT AS cost_minor, [{line}, 'cost_minor': 2}}] AS lines, "
                f"{['A'] if n == 4 else []}::VARCHAR[] AS discount_codes",
            )
            for n in (3, 4)
        ]
        for files in (old, [*old, *new], [*new, *old], new[:1]):
            by_name = sorted(files)
            by_name[0].touch()
            open_orders(connection, parquet=files, json_lines=[], currency="EUR")
            found = connection.execute(
                "SELECT order_id, cost_minor, lines[1].cost_minor, lines[1].price_minor FROM orders ORDER BY order_id"
            ).fetchall()
            expected = {old[0]: ("1", None, None, 5), old[1]: ("2", None, None, 5)}
            expected |= {new[0]: ("3", 3, 2, 5), new[1]: ("4", 3, 2, 5)}
            assert found == sorted(expected[path] for path in files)


def test_the_view_has_the_same_columns_however_many_currencies_there_are(tmp_path: Path) -> None:
    for currencies in (["EUR"], ["EUR", "USD"]):
        rows = [{"order_id": code, "currency": code} for code in currencies]
        with duckdb.connect() as connection:
            path = _json_lines(tmp_path / "orders.jsonl", rows)
            open_orders(connection, parquet=[], json_lines=[path], currency="EUR")
            orders = connection.table("orders")
            assert tuple(orders.columns) == ORDER_COLUMNS
            assert [str(kind) for kind in orders.types][-1] == LINES.replace("(18, 3)", "(18,3)")


def test_orders_in_another_currency_are_converted_by_the_rates_of_the_lake(tmp_path: Path) -> None:
    orders = _json_lines(tmp_path / "orders.jsonl", [{"order_id": "1", "currency": "USD", "amount_minor": 1000}])
    with duckdb.connect() as connection:
        rates = []
        for received, rate in (("2026-01-01", "2"), ("2026-01-02", "1.25")):
            path = tmp_path / f"{received}.parquet"
            connection.sql(
                f"SELECT DATE '2024-12-31' AS day, 'USD' AS currency, 'EUR' AS base, {rate}::DECIMAL(18, 9) AS rate, "
                f"TIMESTAMP '{received}' AS received_at"
            ).write_parquet(str(path))
            rates.append(path)
        conversion = open_orders(connection, parquet=[], json_lines=[orders], currency="EUR", rates=rates)
        assert (conversion.converted, conversion.left_out) == (1, 0)
        found = connection.execute("SELECT amount_minor, currency FROM orders").fetchall()
        assert found == [(800, "EUR")], "of a day's rates the one that was received last counts"


def _age_as_amount(version: Mapping[str, Any]) -> int:
    return int(version["received_at"][8:10]) * 10 + "abc".index(version["fingerprint"])


def _age(version: Mapping[str, Any]) -> tuple[str, str]:
    return version["received_at"], version["fingerprint"]


def _same_version_in_two_currencies(versions: list[Any]) -> bool:
    """Cannot be in a real lake: a fingerprint is of the content."""
    seen = {(version["order_id"], *_age(version)) for version in versions}
    return len(seen) < len({(version["order_id"], *_age(version), version["currency"]) for version in versions})


def _full(version: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": "c",
        "customer_key": "key",
        "ordered_at": "2025-01-01T00:00:00Z",
        "amount_minor": _age_as_amount(version) if "fingerprint" in version else 1,
        "currency": "EUR",
        "discount_minor": 0,
        "cost_minor": None,
        "lines": None,
        "fingerprint": "a",
        "received_at": "2026-01-01T00:00:00Z",
        **version,
    }


def _json_lines(path: Path, versions: list[Any]) -> Path:
    path.write_text("".join(json.dumps(_full(version)) + "\n" for version in versions), encoding="utf-8")
    return path


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path, versions: list[Any]) -> Path:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE written ({columns})")
    names = ", ".join("?" for _ in COLUMNS)
    for version in versions:
        row = _full(version)
        connection.execute(f"INSERT INTO written VALUES ({names})", [row[name] for name in COLUMNS])
    connection.table("written").write_parquet(str(path))
    return path
