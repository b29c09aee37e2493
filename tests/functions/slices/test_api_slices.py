import json
from typing import Any

import pytest

from tests.functions.slices.conftest import ACCOUNT, CONTEXT, EVENT, OLD_SNAPSHOT, SNAPSHOT, Cloud
from winback.aws import keys
from winback.identifiers import AccountId
from winback.slices import saved
from winback.slices.lifts import LaunchLift, SegmentArms
from winback.slices.recipes import shipped_recipes

VIPS = {"column": "segment", "operator": "=", "value": "Slipping VIPs"}
WIDE = {"column": "breadth_tier", "operator": "=", "value": "wide"}


def fields(answer: Any) -> dict[str, tuple[str, str]]:
    return {found["field"]: (found["problem"], found["expected"]) for found in answer["error"]["fields"]}


def test_a_slice_is_saved_listed_read_replaced_and_deleted(cloud: Cloud) -> None:
    status, made = cloud.request("POST", "/v1/slices", {"name": "Wide", "condition": WIDE})
    assert (status, made["version"], made["name"]) == (201, 1, "Wide")
    path = f"/v1/slices/{made['slice_id']}"
    assert cloud.request("GET", path) == (200, made)
    _, listed = cloud.request("GET", "/v1/slices")
    assert listed["slices"] == [made]
    assert [recipe["name"] for recipe in listed["recipes"]] == list(shipped_recipes())
    status, changed = cloud.request("PUT", path, {"name": "VIPs", "condition": VIPS, "version": 1})
    assert (status, changed["version"], changed["condition"]) == (200, 2, VIPS)
    assert cloud.request("DELETE", path)[0] == 200
    assert cloud.request("GET", path)[0] == 404
    assert cloud.request("DELETE", path)[0] == 404


def test_a_change_made_of_an_older_version_is_refused(cloud: Cloud) -> None:
    path = f"/v1/slices/{cloud.save('Wide', WIDE)}"
    assert cloud.request("PUT", path, {"name": "a", "condition": VIPS, "version": 1})[0] == 200
    status, answer = cloud.request("PUT", path, {"name": "b", "condition": WIDE, "version": 1})
    assert (status, answer["error"]["code"]) == (409, "changed_meanwhile")
    assert cloud.request("GET", path)[1]["name"] == "a"


def test_repeating_a_creation_makes_one_slice(cloud: Cloud) -> None:
    body = {"name": "Wide", "condition": WIDE}
    first, again = (cloud.request("POST", "/v1/slices", body, once="k") for _ in range(2))
    assert first == again
    assert cloud.request("POST", "/v1/slices", {"name": "Other", "condition": WIDE}, once="k")[0] == 409
    assert len(cloud.request("GET", "/v1/slices")[1]["slices"]) == 1


def test_accounts_do_not_see_each_others_slices(cloud: Cloud) -> None:
    slice_id = cloud.save("Wide", WIDE)
    assert cloud.request("GET", f"/v1/slices/{slice_id}", account="rival")[0] == 404
    body = {"name": "Not mine", "condition": {"not": {"slice": slice_id}}}
    assert cloud.request("POST", "/v1/slices", body, account="rival")[0] == 400


def test_accounts_do_not_see_each_others_snapshots(cloud: Cloud) -> None:
    slice_id = cloud.save("Wide", WIDE)
    for path in ("/v1/slices:preview", "/v1/segments:explore"):
        status, answer = cloud.request("POST", path, {"condition": WIDE, "snapshot_id": SNAPSHOT}, account="rival")
        assert (status, answer["error"]["code"]) == (404, "unknown_snapshot")
        status, answer = cloud.request("POST", path, {"condition": WIDE}, account="rival")
        assert (status, answer["error"]["code"]) == (404, "no_snapshot")
    _snapshot_of_rival(cloud)
    for field, more in {"slice": {"slice": slice_id}, "compare_with[0]": {"compare_with": [slice_id]}}.items():
        body = {"condition": WIDE, **more} if "slice" not in more else more
        status, answer = cloud.request("POST", "/v1/slices:preview", body, account="rival")
        assert (status, list(fields(answer))) == (400, [field])


def _snapshot_of_rival(cloud: Cloud) -> None:
    item = cloud.campaigns.get_item(Key=keys.snapshot(ACCOUNT))["Item"]
    cloud.campaigns.put_item(Item={**item, **keys.snapshot(AccountId("rival"))})


@pytest.mark.parametrize(
    "condition",
    [
        {"column": "return_rate", "operator": ">=", "value": 1e-300},
        {"column": "return_rate", "operator": "between", "value": [-1e-200, 1]},
        {"share": 1e-200, "salt": "a"},
    ],
)
def test_a_number_too_small_for_a_table_is_refused(cloud: Cloud, condition: Any) -> None:
    status, answer = cloud.request("POST", "/v1/slices", {"name": "Tiny", "condition": condition})
    assert (status, answer["error"]["code"]) == (400, "invalid_request")


def test_an_id_longer_than_any_key_is_nobodys(cloud: Cloud) -> None:
    for method, body in (("GET", None), ("PUT", {"name": "a", "condition": WIDE, "version": 1}), ("DELETE", None)):
        status, answer = cloud.request(method, f"/v1/slices/{'a' * 1025}", body)
        assert (status, answer["error"]["code"], answer["error"]["message"]) == (
            404,
            "not_found",
            "there is nothing at this path",
        )


def test_all_slices_together_fit_one_answer(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = 8  # an eighth of the room, and of the answer
    monkeypatch.setattr(saved, "MAX_SLICES_SIZE", saved.MAX_SLICES_SIZE // parts)
    values = [f"{number:03}" + "é" * 100 for number in range(200)]
    large = {"column": "acquisition_channel", "operator": "in", "value": values}
    answers = [cloud.request("POST", "/v1/slices", {"name": "Large", "condition": large}) for _ in range(5)]
    statuses = [status for status, _ in answers]
    assert statuses == sorted(statuses)
    assert answers[-1][1]["error"]["code"] == "too_many_slices"
    event = json.loads(json.dumps(EVENT)) | {"httpMethod": "GET", "path": "/v1/slices", "body": None}
    event["requestContext"]["authorizer"]["account_id"] = "acme"
    assert len(json.dumps(cloud.handler.handler(event, CONTEXT))) < 6_000_000 / parts
    paths = [f"/v1/slices/{made['slice_id']}" for _, made in answers[:3]]
    larger = {"column": "acquisition_channel", "operator": "in", "value": [f"{value}{'é' * 15}" for value in values]}
    changed = [cloud.request("PUT", path, {"name": "a", "condition": larger, "version": 1}) for path in paths]
    assert changed[-1][1]["error"]["code"] == "too_many_slices"
    assert cloud.request("PUT", paths[-1], {"name": "a", "condition": WIDE, "version": 1})[0] == 200


def test_a_slice_that_another_names_stays_and_circles_are_refused(cloud: Cloud) -> None:
    wide = cloud.save("Wide", WIDE)
    others = cloud.save("Not wide", {"not": {"slice": wide}})
    status, answer = cloud.request("DELETE", f"/v1/slices/{wide}")
    assert (status, answer["error"]["code"]) == (409, "slice_in_use")
    assert "Not wide" in answer["error"]["message"]
    circle = {"name": "Wide", "condition": {"any": [WIDE, {"slice": others}]}, "version": 1}
    status, answer = cloud.request("PUT", f"/v1/slices/{wide}", circle)
    assert status == 400
    assert fields(answer)["condition.any[1].slice"][0] == "leads back to this slice"
    assert cloud.request("DELETE", f"/v1/slices/{others}")[0] == 200
    assert cloud.request("DELETE", f"/v1/slices/{wide}")[0] == 200


def test_what_does_not_fit_is_named_by_its_path(cloud: Cloud) -> None:
    tree = {"all": [WIDE, {"any": [{"column": "net", "operator": ">", "value": "a"}]}]}
    for path, body in (("/v1/slices", {"name": "x", "condition": tree}), ("/v1/slices:preview", {"condition": tree})):
        status, answer = cloud.request("POST", path, body)
        assert status == 400
        assert fields(answer)["condition.all[1].any[0].value"][0] == "is not a number"
    cents = {"column": "net", "operator": ">", "value": "0.001"}
    status, answer = cloud.request("POST", "/v1/slices:preview", {"condition": {"not": cents}})
    assert fields(answer)["condition.not.value"] == ("has more decimals than USD allows", "at most 2")


def test_the_sample_event_is_previewed(cloud: Cloud) -> None:
    status, found = cloud.request("POST", "/v1/slices:preview", json.loads(EVENT["body"]))
    assert status == 200
    assert found["snapshot_id"] == SNAPSHOT
    assert (found["selected"]["customers"], found["universe"]["customers"]) == (0, 200)


def test_a_preview_tells_who_they_are_and_how_they_overlap(cloud: Cloud) -> None:
    wide = cloud.save("Wide", WIDE)
    status, found = cloud.request("POST", "/v1/slices:preview", {"condition": VIPS, "hidden_below": 0})
    assert status == 200
    assert found["selected"]["customers"] == 50
    assert found["overlaps"] == [
        {"slice_id": wide, "name": "Wide", "customers": 50, "share": 1.0, "share_of_slice": 0.5}
    ]
    marks = {(row["dimension"], row["value"]): row["mark"] for row in found["representation"]}
    assert marks["discount_tier", "never"] == "over"
    assert marks["breadth_tier", "narrow"] == "under"
    assert len(found["sample"]) == 20
    status, of_slice = cloud.request("POST", "/v1/slices:preview", {"slice": wide})
    assert of_slice["selected"]["customers"] == 100
    assert of_slice["overlaps"] == []


def test_recipes_can_be_previewed_by_name(cloud: Cloud) -> None:
    status, found = cloud.request("POST", "/v1/slices:preview", {"recipe": "slipping-vips-wide"})
    assert (status, found["selected"]["customers"]) == (200, 50)
    status, answer = cloud.request("POST", "/v1/slices:preview", {"recipe": "nobody"})
    assert "slipping-vips-wide" in fields(answer)["recipe"][1]


@pytest.mark.parametrize("body", [{}, {"condition": VIPS, "recipe": "slipping-vips-wide"}])
def test_exactly_one_selection_is_previewed(cloud: Cloud, body: Any) -> None:
    assert cloud.request("POST", "/v1/slices:preview", body)[0] == 400


def test_an_old_snapshot_says_which_column_a_refresh_would_add(cloud: Cloud) -> None:
    body = {"condition": {"all": [VIPS, WIDE]}, "snapshot_id": OLD_SNAPSHOT}
    status, answer = cloud.request("POST", "/v1/slices:preview", body)
    problem, expected = fields(answer)["condition.all[1].column"]
    assert status == 400
    assert "breadth_tier" in problem
    assert "refresh" in expected
    wide = cloud.save("Wide", WIDE)
    _, found = cloud.request("POST", "/v1/slices:preview", {"condition": VIPS, "snapshot_id": OLD_SNAPSHOT})
    assert found["selected"]["customers"] == 50
    assert [row["slice_id"] for row in found["not_compared"]] == [wide]


def test_touches_are_read_as_of_the_snapshot(cloud: Cloud) -> None:
    cloud.touch(1, "opened", "2026-03-20T10:00:00Z")
    cloud.touch(2, "opened", "2026-01-20T10:00:00Z")
    cloud.touch(3, "opened", "2026-03-27T10:00:00Z")
    cloud.touch(4, "opened", "2026-03-20T10:00:00Z", by_machine=True)
    for days, count in ((30, 1), (90, 2)):
        tree = {"event": "opened", "channel": "email", "within_days": days}
        _, found = cloud.request("POST", "/v1/slices:preview", {"condition": tree})
        assert found["selected"]["customers"] == count
        _, rest = cloud.request("POST", "/v1/slices:preview", {"condition": {"not": tree}})
        assert rest["selected"]["customers"] == 200 - count


def test_without_a_snapshot_the_api_says_what_to_do(cloud: Cloud) -> None:
    status, answer = cloud.request("POST", "/v1/slices:preview", {"condition": VIPS}, account="rival")
    assert (status, answer["error"]["code"]) == (404, "no_snapshot")


def test_exploring_gives_segments_by_overlay(cloud: Cloud) -> None:
    status, found = cloud.request("POST", "/v1/segments:explore", {"hidden_below": 0})
    assert status == 200
    assert found["selected"]["customers"] == 200
    cells = {(row["segment"], row["overlay"], row["tier"]): row["customers"] for row in found["crossings"]}
    assert cells["Slipping VIPs", "breadth", "wide"] == 50
    assert cells["Champions", "breadth", "narrow"] == 50
    assert sum(row["customers"] for row in found["crossings"] if row["overlay"] == "discount") == 200
    assert found["consent"][0] == {"channel": "email", "granted": 160, "denied": 40, "unknown": 0}
    assert "simulation" not in found


def test_a_simulated_campaign_is_marked_as_assumed_until_a_launch_has_measured(
    cloud: Cloud, assumed: dict[str, float]
) -> None:
    body = {"condition": VIPS, "campaign": {"messages": 2, "holdout_share": 0.25}}
    status, found = cloud.request("POST", "/v1/segments:explore", body)
    assert status == 200
    told = found["simulation"]
    assert (told["reachable"], told["treated"], told["held_out"]) == (40, 30, 10)
    assert told["basis"] == "assumed"
    (row,) = told["segments"]
    assert (row["lift"]["estimate"], row["lift"]["low"]) == (assumed["Slipping VIPs"], 0)
    assert told["cost"] == {
        "messages": 60,
        "price_per_message": "0.0001",
        "total": "0.01",
        "currency": "USD",
        "price_source": told["cost"]["price_source"],
    }
    assert "list price" in told["cost"]["price_source"]
    assert told["untreated_rate"] == 0.3
    assert told["verdict"] == "too small to tell"
    arms = SegmentArms(segment="Slipping VIPs", treated=4_000, treated_won=1_600, held_out=1_000, held_out_won=300)
    cloud.lifts.put(
        ACCOUNT,
        LaunchLift(
            launch_id="lau-000000000001",
            campaign_id="cmp-000000000001",
            channel="email",
            segments=(arms,),
            evaluation_days=91,
            currency="USD",
            ended_at="2026-01-01T00:00:00Z",
            **arms.model_dump(exclude={"segment"}),
        ),
    )
    _, found = cloud.request("POST", "/v1/segments:explore", body)
    (row,) = found["simulation"]["segments"]
    assert (row["lift"]["basis"], row["lift"]["launches"], row["told"]) == ("measured", 1, "more")
    assert row["lift"]["estimate"] == pytest.approx(0.1)
    assert 0 < row["lift"]["low"] < 0.1 < row["lift"]["high"]
    assert found["simulation"]["basis"] == "measured"


def test_a_price_must_be_named_where_there_is_no_list_price(cloud: Cloud) -> None:
    campaign = {"channel": "sms"}
    status, answer = cloud.request("POST", "/v1/segments:explore", {"campaign": campaign})
    assert status == 400
    assert "campaign.price_per_message" in fields(answer)
    status, found = cloud.request(
        "POST", "/v1/segments:explore", {"campaign": {**campaign, "price_per_message": "0.0712"}}
    )
    assert (status, found["simulation"]["reachable"], found["simulation"]["cost"]["total"]) == (200, 0, "0.00")


def test_a_campaign_on_a_snapshot_without_consent_is_refused(cloud: Cloud) -> None:
    body = {"campaign": {}, "snapshot_id": OLD_SNAPSHOT}
    status, answer = cloud.request("POST", "/v1/segments:explore", body)
    assert status == 400
    assert "email_consent" in fields(answer)["condition"][0]
