"""Snapshots as points in time, the matrices between them, and the event of those who lapsed in between."""

import json
from typing import Any

import pytest

from winback.aws.announcements import EventBus, NotTaken

FIRST, SECOND, THIRD = "snp-000000000001", "snp-000000000002", "snp-000000000003"
AUTUMN, WINTER = "1997-10-01T00:00:00Z", "1997-12-20T00:00:00Z"


@pytest.fixture
def moved(cloud: Any) -> Any:
    cloud.move_to_winter()
    return cloud


def test_nobody_is_newly_lapsed_in_the_first_snapshot(cloud: Any) -> None:
    cloud.put_orders("batch-1", cloud.autumn_orders)
    cloud.refresh(FIRST, AUTUMN)
    assert cloud.segment_of("bob")["lapsed"]
    assert cloud.events() == []
    assert cloud.get("/v1/snapshots/latest")[1]["newly_lapsed"] == 0


def test_who_lapsed_since_the_snapshot_before_is_told_once_by_key_and_count(moved: Any) -> None:
    (event,) = moved.events()
    assert event["detail-type"] == "Customers Newly Lapsed"
    detail = event["detail"]
    assert (detail["account_id"], detail["snapshot_id"], detail["previous_snapshot_id"]) == ("cdnow", SECOND, FIRST)
    assert (detail["customers"], detail["segments"]) == (1, {"Slipping VIPs": 1})
    ann = moved.account.customer_key("ann")
    assert moved.lake.read_rows(detail["manifest"]) == [
        {"customer_key": ann, "segment": "Slipping VIPs", "family": "Slipping"}
    ]
    assert "ann" not in json.dumps(event).replace("announced", "")
    moved.call("refresh_publish", {"account_id": "cdnow", "snapshot_id": SECOND, "as_of": WINTER})
    assert moved.events() == []


def test_a_customer_is_newly_lapsed_in_one_snapshot_only(moved: Any) -> None:
    moved.events()
    moved.refresh(THIRD, "1997-12-21T00:00:00Z")
    assert moved.events() == []


def test_history_that_is_imported_late_makes_nobody_newly_lapsed(cloud: Any) -> None:
    cloud.put_orders("batch-1", cloud.autumn_orders[:2])
    cloud.refresh(FIRST, AUTUMN)
    cloud.put_orders("batch-2", cloud.autumn_orders[2:], "1997-10-02")
    cloud.refresh(SECOND, "1997-10-02T00:00:00Z")
    assert cloud.segment_of("bob")["lapsed"]
    assert cloud.events() == []


def test_a_backfill_tells_nothing(moved: Any) -> None:
    moved.events()
    moved.refresh(THIRD, "1997-11-15T00:00:00Z")
    assert moved.events() == []
    assert [point["snapshot_id"] for point in moved.get("/v1/movement/series")[1]["points"]] == [FIRST, THIRD, SECOND]


def test_an_event_that_the_bus_did_not_take_leaves_with_the_retry(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.put_orders("batch-1", cloud.autumn_orders)
    cloud.refresh(FIRST, AUTUMN)
    with monkeypatch.context() as patched:
        patched.setattr(EventBus, "put", _refuse)
        with pytest.raises(NotTaken):
            cloud.refresh(SECOND, WINTER)
    assert cloud.snapshot_item()["snapshot_id"] == SECOND
    cloud.call("refresh_publish", {"account_id": "cdnow", "snapshot_id": SECOND, "as_of": WINTER})
    assert [event["detail"]["snapshot_id"] for event in cloud.events()] == [SECOND]


def test_an_event_that_no_retry_sent_leaves_with_the_next_snapshot(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.put_orders("batch-1", cloud.autumn_orders)
    cloud.refresh(FIRST, AUTUMN)
    with monkeypatch.context() as patched:
        patched.setattr(EventBus, "put", _refuse)
        with pytest.raises(NotTaken):
            cloud.refresh(SECOND, WINTER)
    cloud.refresh(THIRD, "1997-12-21T00:00:00Z")
    assert [event["detail"]["snapshot_id"] for event in cloud.events()] == [SECOND]


def test_snapshots_are_listed_newest_first_page_by_page(moved: Any) -> None:
    moved.refresh(THIRD, "1997-12-21T00:00:00Z")
    status, first = moved.get("/v1/snapshots", limit="2")
    assert status == 200
    assert [(one["snapshot_id"], one["total"]["customers"]) for one in first["snapshots"]] == [(THIRD, 3), (SECOND, 3)]
    assert first["snapshots"][1]["newly_lapsed"] == 1
    _, second = moved.get("/v1/snapshots", limit="2", page=first["next"])
    assert [one["snapshot_id"] for one in second["snapshots"]] == [FIRST]
    assert "next" not in second


def test_two_snapshots_that_do_not_follow_each_other_are_compared_and_kept(moved: Any) -> None:
    moved.refresh(THIRD, "1997-12-21T00:00:00Z")
    query = {"folder": "api_movement", "from": FIRST, "to": THIRD}
    first = moved.get("/v1/movement", **query)
    assert first[0] == 200
    assert sum(move["customers"] for move in first[1]["segments"]) == 3
    assert moved.lake.find_json(f"movement/account=cdnow/{FIRST}_{THIRD}.json")["segments"] == first[1]["segments"]
    assert moved.get("/v1/movement", **query) == first


def test_movement_across_a_calibration_says_so(moved: Any) -> None:
    moved.refresh(THIRD, "1998-05-01T00:00:00Z")
    _, movement = moved.get("/v1/movement", folder="api_movement", **{"from": FIRST, "to": THIRD})
    assert movement["same_rubric"] is False
    assert "different rubrics" in movement["caution"]
    series = moved.get("/v1/movement/series")[1]["points"]
    assert [point["same_rubric"] for point in series] == [None, True, False]


def _refuse(*_: Any) -> None:
    raise NotTaken("ThrottlingException")
