"""A daily refresh computes from orders only the customers whose orders changed, and says how many."""

from typing import Any

import pytest

FIRST, SECOND, THIRD = "snp-000000000001", "snp-000000000002", "snp-000000000003"
ORDERS = [
    {"customer": "ann", "order_id": "1", "day": "1997-09-20", "amount": 9000},
    {"customer": "ann", "order_id": "2", "day": "1997-09-10", "amount": 8000},
    {"customer": "bob", "order_id": "3", "day": "1997-01-20", "amount": 1000},
    {"customer": "eve", "order_id": "4", "day": "1997-02-20", "amount": 700},
]
NEW = [{"customer": "eve", "order_id": "5", "day": "1997-10-01", "amount": 500, "received_at": "1997-10-02T00:00:00Z"}]


def work(cloud: Any, snapshot_id: str) -> tuple[int, int, int]:
    _, refresh = cloud.get(f"/v1/refreshes/{snapshot_id}")
    return refresh["orders_read"], refresh["customers_recomputed"], refresh["customers_carried"]


@pytest.fixture
def refreshed(cloud: Any) -> Any:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    return cloud


def test_the_first_refresh_computes_everybody(refreshed: Any) -> None:
    assert work(refreshed, FIRST) == (4, 3, 0)


def test_the_next_one_computes_whose_orders_came(refreshed: Any) -> None:
    refreshed.put_orders("batch-2", NEW, "1997-10-02")
    assert refreshed.refresh(SECOND, "1997-10-02T00:00:00Z") == {"customers": 3, "changed": 1}
    assert work(refreshed, SECOND) == (2, 1, 2)
    assert refreshed.get(f"/v1/snapshots/{SECOND}")[1]["total"]["net_minor"] == 19_200
    assert refreshed.segment_of("eve")["net_minor"] == 1200


def test_without_new_orders_everybody_is_carried_and_time_passes(refreshed: Any) -> None:
    assert refreshed.refresh(SECOND, "1997-10-20T00:00:00Z")["customers"] == 3
    assert work(refreshed, SECOND) == (0, 0, 3)


def test_what_was_carried_is_carried_on(refreshed: Any) -> None:
    refreshed.put_orders("batch-2", NEW, "1997-10-02")
    refreshed.refresh(SECOND, "1997-10-02T00:00:00Z")
    refreshed.refresh(THIRD, "1997-10-03T00:00:00Z")
    assert work(refreshed, THIRD) == (0, 0, 3)
    assert refreshed.get(f"/v1/snapshots/{THIRD}")[1]["total"]["net_minor"] == 19_200


@pytest.mark.parametrize(
    ("as_of", "why"),
    [("1997-09-25T00:00:00Z", "a backfill"), ("1997-11-20T00:00:00Z", "the organic return is measured again")],
)
def test_everybody_is_computed_for(refreshed: Any, as_of: str, why: str) -> None:
    refreshed.refresh(SECOND, as_of)
    assert work(refreshed, SECOND)[1:] == (3, 0), why


def test_an_order_file_that_is_gone_makes_everybody_be_computed(refreshed: Any) -> None:
    (key,) = refreshed.lake.list("orders/account=cdnow/")
    refreshed.put_orders("batch-9", ORDERS[:3])
    refreshed.lake._s3.delete_object(Bucket="lake", Key=key)
    refreshed.refresh(SECOND, "1997-10-02T00:00:00Z")
    assert work(refreshed, SECOND) == (3, 2, 0)
    assert refreshed.segment_of("eve") is None


def test_orders_in_another_currency_make_everybody_be_computed(refreshed: Any) -> None:
    refreshed.put_orders("batch-2", [{**NEW[0], "currency": "EUR"}], "1997-10-02")
    refreshed.refresh(SECOND, "1997-10-02T00:00:00Z")
    assert work(refreshed, SECOND) == (5, 3, 0)


def test_a_refresh_says_what_the_data_lacks_and_whom_a_person_calls(refreshed: Any) -> None:
    _, summary = refreshed.get("/v1/snapshots/latest")
    assert {gap["field"] for gap in summary["data_quality"]}
    assert summary["work"] == {"orders_read": 4, "customers_recomputed": 3, "customers_carried": 0}
    prefix = refreshed.snapshot_item()["prefix"]
    assert f"{prefix}calls.jsonl.gz" in refreshed.lake.list(prefix)
