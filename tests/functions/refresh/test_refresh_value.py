"""The step that values customers: what it leaves in the lake, and what the published snapshot tells of it."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.predictions.lifetime.test_published_fits import sample

FIRST, SECOND, THIRD, BEFORE = (f"snp-00000000000{number}" for number in range(1, 5))
SAMPLE = json.loads((Path(__file__).parents[3] / "events" / "refresh_value.json").read_text(encoding="utf-8"))
FEW = [
    {"customer": "ann", "order_id": "1", "day": "1997-09-20", "amount": 9000},
    {"customer": "ann", "order_id": "2", "day": "1997-09-10", "amount": 8000},
    {"customer": "bob", "order_id": "3", "day": "1997-01-20", "amount": 1000},
]


@pytest.fixture
def orders(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every sixteenth customer of the published sample."""
    importlib.import_module("functions.refresh_value.handler").settings.cache_clear()
    rows = [
        {"customer": customer, "order_id": str(number), "day": str(day), "amount": round(amount * 100)}
        for number, (customer, day, amount) in enumerate(sample())
        if int(customer) % 16 == 0
    ]
    cloud.put_orders("batch-1", rows)
    return rows


def refresh(cloud: Any, snapshot_id: str, as_of: str, *, values: bool = True) -> dict[str, Any]:
    """All steps but scoring; returns the published summary."""
    work = {**SAMPLE, "snapshot_id": snapshot_id, "as_of": as_of}
    cloud.call("refresh_compute", work)
    if values:
        cloud.call("refresh_value", work)
    cloud.call("refresh_publish", work)
    summary: dict[str, Any] = cloud.lake.read_json(f"snapshots/account=cdnow/{snapshot_id}/summary.json")
    return summary


def published(cloud: Any, snapshot_id: str, folder: Path, query: str) -> list[Any]:
    path = cloud.lake.download(f"snapshots/account=cdnow/{snapshot_id}/customers.parquet", folder / snapshot_id)
    with duckdb.connect() as connection:
        connection.read_parquet(str(path)).create_view("published")
        return connection.execute(query).fetchall()


def fit_of(cloud: Any, snapshot_id: str) -> dict[str, Any]:
    fit: dict[str, Any] = cloud.lake.read_json(f"snapshots/account=cdnow/{snapshot_id}/lifetime.json")
    return fit


def test_every_customer_of_the_snapshot_has_a_value_and_the_summary_adds_them_up(
    cloud: Any, orders: list[dict[str, Any]], tmp_path: Path
) -> None:
    summary = refresh(cloud, FIRST, SAMPLE["as_of"])

    customers = len({order["customer"] for order in orders})
    told = summary["predicted_value"]
    assert told["sources"] == {"model": customers}
    assert told["fitted_as_of"] == SAMPLE["as_of"]
    assert (told["horizon_days"], told["discount_rate"], told["why_not"]) == (365, 0.1, None)
    ((value, low, high, margin, wrong),) = published(
        cloud,
        FIRST,
        tmp_path,
        "SELECT sum(predicted_value_minor), sum(predicted_value_low_minor), sum(predicted_value_high_minor), "
        "count(predicted_margin_minor), count(*) FILTER (NOT (p_alive BETWEEN 0 AND 1) "
        "OR NOT (predicted_value_low_minor <= predicted_value_minor) "
        "OR NOT (predicted_value_minor <= predicted_value_high_minor)) FROM published",
    )
    assert (margin, wrong) == (0, 0)  # no cost is known
    assert low < value < high
    for rows in ([told["total"]], told["segments"], told["grid"]):
        assert sum(row["customers"] for row in rows) == customers
        assert sum(row["predicted_value_minor"] or 0 for row in rows) == value
    assert told["total"]["net_minor"] == summary["total"]["net_minor"]
    item = cloud.segment_of(orders[0]["customer"])  # what GET /v1/customers/{customer_id} answers
    assert (int(item["predicted_value_minor"]) > 0, item["value_source"]) == (True, "model")


def test_a_fit_is_frozen_for_four_weeks_and_silence_alone_moves_the_values(
    cloud: Any, orders: list[dict[str, Any]], tmp_path: Path
) -> None:
    refresh(cloud, FIRST, "1997-10-01T00:00:00Z")
    refresh(cloud, SECOND, "1997-10-28T00:00:00Z")
    refresh(cloud, THIRD, "1997-10-30T00:00:00Z")

    assert fit_of(cloud, SECOND) == fit_of(cloud, FIRST)
    assert fit_of(cloud, THIRD)["as_of"] == "1997-10-30T00:00:00Z"
    silent = "SELECT customer_key, p_alive FROM published WHERE last_purchase_at < '1997-09-01' ORDER BY customer_key"
    before, after = (published(cloud, snapshot, tmp_path, silent) for snapshot in (FIRST, SECOND))
    later = dict(after)
    fell = [later[customer] < alive for customer, alive in before if customer in later]
    assert len(fell) > 20
    assert all(fell)


def test_a_fit_of_later_never_values_customers_of_earlier(cloud: Any, orders: list[dict[str, Any]]) -> None:
    refresh(cloud, FIRST, "1998-01-01T00:00:00Z")
    refresh(cloud, BEFORE, "1997-07-01T00:00:00Z")

    assert fit_of(cloud, BEFORE)["as_of"] == "1997-07-01T00:00:00Z"
    assert fit_of(cloud, BEFORE)["purchases"]["values"] != fit_of(cloud, FIRST)["purchases"]["values"]


def test_with_fewer_customers_than_before_it_is_fitted_anew(cloud: Any, orders: list[dict[str, Any]]) -> None:
    refresh(cloud, FIRST, "1997-10-01T00:00:00Z")
    gone = [{**order, "amount": -1, "received_at": "1997-10-02T00:00:00Z"} for order in orders[:30]]
    cloud.put_orders("batch-2", gone, "1997-10-02")

    refresh(cloud, SECOND, "1997-10-03T00:00:00Z")

    assert fit_of(cloud, SECOND)["as_of"] == "1997-10-03T00:00:00Z"
    assert fit_of(cloud, SECOND)["customers"] < fit_of(cloud, FIRST)["customers"]


def test_an_account_that_cannot_be_fitted_is_published_and_told_why(
    cloud: Any, orders: Iterator[Any], tmp_path: Path
) -> None:
    cloud.lake.write_rows("orders/account=cdnow/received=1997-10-01/batch-1.jsonl.gz", [])
    cloud.put_orders("batch-2", FEW)

    summary = refresh(cloud, FIRST, SAMPLE["as_of"])

    assert "1 of 2 customers bought again" in summary["predicted_value"]["why_not"]
    assert summary["predicted_value"]["sources"] == {"none": 2}
    assert published(cloud, FIRST, tmp_path, "SELECT DISTINCT p_alive, predicted_value_minor FROM published") == [
        (None, None)
    ]


def test_a_refresh_whose_values_failed_is_published_without(cloud: Any, orders: list[dict[str, Any]]) -> None:
    summary = refresh(cloud, FIRST, SAMPLE["as_of"], values=False)

    assert summary["predicted_value"]["why_not"] == "the step of the refresh that values customers failed"
    assert summary["predicted_value"]["total"]["valued"] == 0
    assert summary["predicted_value"]["total"]["customers"] == summary["total"]["customers"]
    assert "predicted_value_minor" not in cloud.segment_of(orders[0]["customer"])
