"""Recommendations through a refresh: written with the snapshot, and read for one customer."""

import json
from pathlib import Path
from typing import Any

from winback.accounts import Account
from winback.aws.recommending import Recommender
from winback.aws.refresh import Machine, Refresh

SAMPLE = json.loads((Path(__file__).parents[3] / "events" / "refresh_recommend.json").read_text(encoding="utf-8"))
FIRST, SECOND = "snp-000000000001", "snp-000000000002"


def line(category: str) -> dict[str, Any]:
    return {"sku": f"{category}-1", "category": category, "quantity": "1", "price_minor": 500, "cost_minor": None}


def weekly(customer: str, *, categories: tuple[str, ...], month: int = 9) -> list[dict[str, Any]]:
    return [
        {
            "customer": customer,
            "order_id": f"{customer}-{day}",
            "day": f"1997-{month:02d}-{day:02d}",
            "amount": 500 * len(categories),
            "lines": [line(category) for category in categories],
        }
        for day in (1, 8, 15, 22)
    ]


def test_a_customer_is_recommended_what_it_buys_again_with_when_it_is_due(cloud: Any) -> None:
    cloud.put_orders("batch-1", weekly("ann", categories=("coffee",)) + weekly("bob", categories=("coffee", "milk")))
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    status, answer = cloud.get("/v1/customers/ann/recommendations")
    assert status == 200
    assert (answer["snapshot_id"], answer["item"], answer["ranker"]) == (FIRST, "category", "model")
    coffee, milk = answer["recommendations"]
    assert (coffee["rank"], coffee["item"], coffee["product"], coffee["kind"]) == (1, "coffee", "coffee-1", "repeat")
    assert (coffee["purchases"], coffee["last_bought_on"], coffee["days_since"]) == (4, "1997-09-22", 9)
    assert coffee["due_from"] < coffee["due_on"] < coffee["due_until"]
    assert (milk["item"], milk["kind"]) == ("milk", "popular")
    assert "due" not in milk


def test_an_incremental_refresh_recommends_to_everybody_as_of_its_own_day(cloud: Any) -> None:
    cloud.put_orders("batch-1", weekly("ann", categories=("coffee",)) + weekly("bob", categories=("milk",)))
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    fresh = {"customer": "bob", "order_id": "b", "day": "1997-10-01", "amount": 500, "lines": [line("tea")]}
    cloud.put_orders("batch-2", [fresh], "1997-10-01")
    cloud.refresh(SECOND, "1997-10-02T00:00:00Z")
    assert cloud.snapshot_item()["customers_carried"] == 1
    ann = cloud.get("/v1/customers/ann/recommendations")[1]["recommendations"]
    assert (ann[0]["item"], ann[0]["days_since"]) == ("coffee", 10)
    bob = cloud.get("/v1/customers/bob/recommendations")[1]["recommendations"]
    assert [row["item"] for row in bob] == ["milk", "coffee"], "tea came yesterday: it is not due yet"


def test_orders_without_lines_give_no_recommendations(cloud: Any) -> None:
    cloud.put_orders("batch-1", [{"customer": "ann", "order_id": "1", "day": "1997-09-20", "amount": 9000}])
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    assert not list(cloud.lake.list(f"snapshots/account=cdnow/{FIRST}/recommendations"))
    status, body = cloud.get("/v1/customers/ann/recommendations")
    assert (status, body["error"]["code"]) == (404, "no_recommendations")


def test_a_customer_whom_the_snapshot_does_not_know_has_none(cloud: Any) -> None:
    cloud.put_orders("batch-1", weekly("ann", categories=("coffee",)))
    assert cloud.get("/v1/customers/ann/recommendations")[0] == 404
    cloud.refresh(FIRST, "1997-10-01T00:00:00Z")
    assert cloud.get("/v1/customers/eve/recommendations")[1]["recommendations"] == []


def test_more_lines_than_a_call_can_take_give_none_and_no_failure(cloud: Any) -> None:
    cloud.put_orders("batch-1", weekly("ann", categories=("coffee", "milk")))
    cloud.call("refresh_compute", SAMPLE)
    account: Account = cloud.account
    assert Recommender(cloud.lake, Machine(512, 1), most_lines=7).recommend(Refresh.of(SAMPLE), account) == 0
    assert Recommender(cloud.lake, Machine(512, 1), most_lines=8).recommend(Refresh.of(SAMPLE), account) == 1
