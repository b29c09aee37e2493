"""What the API says of two published snapshots and of the way between them: nothing here changes them."""

from typing import Any

import pytest

FIRST, SECOND, THIRD = "snp-000000000001", "snp-000000000002", "snp-000000000003"
AUTUMN, WINTER = "1997-10-01T00:00:00Z", "1997-12-20T00:00:00Z"


@pytest.fixture(scope="module")
def moved(kept_cloud: Any) -> Any:
    kept_cloud.move_to_winter()
    return kept_cloud


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
def test_a_query_that_does_not_fit_is_refused_by_field(moved: Any, name: str, value: str) -> None:
    status, body = moved.get("/v1/movement/series", **{name: value})
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
