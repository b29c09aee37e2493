"""Snapshots as points in time, the matrices between them, and the event of those who lapsed in between."""

import json
from typing import Any

import pytest

from winback.aws.announcements import EventBus, NotTaken

FIRST, SECOND, THIRD = "snp-000000000001", "snp-000000000002", "snp-000000000003"
ORDERS = [
    {"customer": "ann", "order_id": "1", "day": "1997-09-20", "amount": 9000},
    {"customer": "ann", "order_id": "2", "day": "1997-09-10", "amount": 8000},
    {"customer": "bob", "order_id": "3", "day": "1997-01-20", "amount": 1000},
]
AUTUMN, WINTER = "1997-10-01T00:00:00Z", "1997-12-20T00:00:00Z"


@pytest.fixture
def moved(cloud: Any) -> Any:
    """Ann is in her rhythm in autumn and slips until winter; eve comes; bob stays lost."""
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, AUTUMN)
    cloud.put_orders(
        "batch-2", [{"customer": "eve", "order_id": "5", "day": "1997-12-18", "amount": 500}], "1997-12-19"
    )
    cloud.refresh(SECOND, WINTER)
    return cloud


def test_nobody_is_newly_lapsed_in_the_first_snapshot(cloud: Any) -> None:
    cloud.put_orders("batch-1", ORDERS)
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
    cloud.put_orders("batch-1", ORDERS[:2])
    cloud.refresh(FIRST, AUTUMN)
    cloud.put_orders("batch-2", ORDERS[2:], "1997-10-02")
    cloud.refresh(SECOND, "1997-10-02T00:00:00Z")
    assert cloud.segment_of("bob")["lapsed"]
    assert cloud.events() == []


def test_a_backfill_tells_nothing(moved: Any) -> None:
    moved.events()
    moved.refresh(THIRD, "1997-11-15T00:00:00Z")
    assert moved.events() == []
    assert [point["snapshot_id"] for point in moved.get("/v1/movement/series")[1]["points"]] == [FIRST, THIRD, SECOND]


def test_an_event_that_the_bus_did_not_take_leaves_with_the_retry(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.put_orders("batch-1", ORDERS)
    cloud.refresh(FIRST, AUTUMN)
    with monkeypatch.context() as patched:
        patched.setattr(EventBus, "put", _refuse)
        with pytest.raises(NotTaken):
            cloud.refresh(SECOND, WINTER)
    assert cloud.snapshot_item()["snapshot_id"] == SECOND
    cloud.call("refresh_publish", {"account_id": "cdnow", "snapshot_id": SECOND, "as_of": WINTER})
    assert [event["detail"]["snapshot_id"] for event in cloud.events()] == [SECOND]


def test_an_event_that_no_retry_sent_leaves_with_the_next_snapshot(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.put_orders("batch-1", ORDERS)
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


def test_any_published_snapshot_can_be_read(moved: Any) -> None:
    status, summary = moved.get(f"/v1/snapshots/{FIRST}")
    assert (status, summary["snapshot_id"], summary["total"]["customers"]) == (200, FIRST, 2)
    assert moved.get("/v1/snapshots/snp-00000000000f")[0] == 404
    assert moved.get("/v1/snapshots/publishing")[0] == 404
    failed = {"account_id": "cdnow", "snapshot_id": THIRD, "as_of": WINTER, "error": {"step": "refresh_score"}}
    moved.call("refresh_publish", failed)
    status, answer = moved.get(f"/v1/snapshots/{THIRD}")
    assert (status, answer["error"]["code"]) == (409, "not_published")


def test_the_matrices_of_two_snapshots_say_who_went_where_with_what(moved: Any) -> None:
    status, movement = moved.get("/v1/movement", folder="api_movement", **{"from": FIRST, "to": SECOND})
    assert status == 200
    assert (movement["from"]["as_of"], movement["to"]["as_of"], movement["currency"]) == (AUTUMN, WINTER, "USD")
    assert {(move["from_segment"], move["to_segment"]): move["customers"] for move in movement["segments"]} == {
        ("Big Spenders", "Slipping VIPs"): 1,
        ("Long Gone", "Long Gone"): 1,
        (None, "New Starters"): 1,
    }
    (slipped,) = [move for move in movement["families"] if move["to_family"] == "Slipping"]
    assert (slipped["from_family"], slipped["net_minor_before"], slipped["net_minor_now"]) == ("Heroes", 17000, 17000)
    (came,) = [move for move in movement["cells"] if move["from_cell"] is None]
    assert (came["to_cell"]["status"], came["net_minor_now"]) == ("New", 500)
    assert movement["same_rubric"] is True


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


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"from": FIRST}, 400, "to"),
        ({"from": SECOND, "to": FIRST}, 400, "from"),
        ({"from": FIRST, "to": "snp-00000000000f"}, 404, None),
        ({"from": FIRST, "to": "latest"}, 404, None),
    ],
)
def test_what_cannot_be_compared_is_refused(moved: Any, query: Any, status: int, field: str | None) -> None:
    answered, body = moved.get("/v1/movement", folder="api_movement", **query)
    assert answered == status
    assert [problem["field"] for problem in body["error"]["fields"]] == ([field] if field else [])


def test_the_series_has_headcount_and_value_of_every_segment_and_family_since_a_moment(moved: Any) -> None:
    status, series = moved.get("/v1/movement/series")
    assert (status, series["currency"], "next" in series) == (200, "USD", False)
    autumn, winter = series["points"]
    assert autumn["segments"]["Big Spenders"] == {"customers": 1, "net_minor": 17000, "lapsed": 0}
    assert winter["segments"]["Slipping VIPs"] == {"customers": 1, "net_minor": 17000, "lapsed": 1}
    assert winter["families"]["Heroes"] == {"customers": 0, "net_minor": 0, "lapsed": 0}
    assert winter["families"]["Climbers"]["customers"] == 1
    assert [point["as_of"] for point in moved.get("/v1/movement/series", since="1997-11-01")[1]["points"]] == [WINTER]


@pytest.mark.parametrize(("name", "value"), [("since", "soon"), ("limit", "0"), ("limit", "x"), ("page", "2")])
def test_a_query_that_does_not_fit_is_refused_by_field(cloud: Any, name: str, value: str) -> None:
    status, body = cloud.get("/v1/movement/series", **{name: value})
    assert (status, [field["field"] for field in body["error"]["fields"]]) == (400, [name])


def test_another_accounts_snapshots_do_not_exist(moved: Any) -> None:
    moved.campaigns.put_item(
        Item={**moved.campaigns.get_item(Key={"pk": "accounts", "sk": "cdnow"})["Item"], "sk": "other"}
    )
    assert moved.get("/v1/snapshots", account="other")[1] == {"snapshots": []}
    assert moved.get("/v1/movement/series", account="other")[1]["points"] == []
    assert moved.get(f"/v1/snapshots/{FIRST}", account="other")[0] == 404
    query = {"from": FIRST, "to": SECOND}
    assert moved.get("/v1/movement", account="other", folder="api_movement", **query)[0] == 404


def _refuse(*_: Any) -> None:
    raise NotTaken("ThrottlingException")
