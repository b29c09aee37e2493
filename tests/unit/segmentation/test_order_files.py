import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winback.segmentation.order_files import COLUMNS, open_orders

_versions = st.builds(
    dict,
    order_id=st.integers(1, 8).map(str),
    received_at=st.integers(1, 4).map(lambda day: f"2026-01-0{day}T00:00:00Z"),
    fingerprint=st.sampled_from("abc"),
    currency=st.sampled_from(["EUR", "EUR", "USD"]),
)


@given(
    largest=st.lists(_versions, max_size=8, unique_by=lambda version: version["order_id"]),
    later=st.lists(_versions, max_size=4, unique_by=lambda version: version["order_id"]),
    batches=st.lists(st.lists(_versions, min_size=1, max_size=5), max_size=3),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_latest_version_of_each_order_counts_in_whatever_files_they_lie(
    tmp_path_factory: Any, largest: list[Any], later: list[Any], batches: list[list[Any]]
) -> None:
    folder = tmp_path_factory.mktemp("lake") / "account=a" / "received=2026-01-01"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        parquet = [_parquet(connection, folder / f"{n}.parquet", rows) for n, rows in enumerate((largest, later))]
        json_lines = [_json_lines(folder / f"{n}.jsonl", rows) for n, rows in enumerate(batches)]
        left_out = open_orders(connection, parquet=parquet, json_lines=json_lines, currency="EUR")
        found = connection.execute(
            "SELECT order_id, strftime(received_at, '%Y-%m-%dT%H:%M:%SZ'), fingerprint FROM orders"
        ).fetchall()

    latest: dict[str, Any] = {}
    for version in [*largest, *later, *(version for rows in batches for version in rows)]:
        known = latest.get(version["order_id"])
        if known is None or _age(version) > _age(known):
            latest[version["order_id"]] = version
    ambiguous = _same_version_in_two_currencies([*largest, *later, *(v for rows in batches for v in rows)])
    if ambiguous:
        return
    wanted = [version for version in latest.values() if version["currency"] == "EUR"]
    assert sorted(found) == sorted((version["order_id"], *_age(version)) for version in wanted)
    assert left_out == len(latest) - len(wanted)


def test_an_account_without_files_has_no_orders() -> None:
    with duckdb.connect() as connection:
        assert open_orders(connection, parquet=[], json_lines=[], currency="EUR") == 0
        assert connection.execute("FROM orders").fetchall() == []


def test_the_stores_own_customer_id_is_not_read(tmp_path: Path) -> None:
    path = _json_lines(tmp_path / "a.jsonl", [{"order_id": "1", "customer_id": "ann@example.com"}])
    with duckdb.connect() as connection:
        open_orders(connection, parquet=[], json_lines=[path], currency="EUR")
        assert connection.execute("SELECT customer_id FROM orders").fetchall() == [("key",)]


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
        "amount_minor": 1,
        "currency": "EUR",
        "discount_minor": 0,
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
