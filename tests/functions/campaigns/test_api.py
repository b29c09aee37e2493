"""The campaign API, request by request."""

import json
from datetime import timedelta
from typing import Any

import pytest

from winback.aws.launches import LaunchChanged
from winback.aws.tables import Accounts
from winback.identifiers import AccountId
from winback.instants import format_instant

LAUNCH_VERBS = ("approve", "start", "pause", "resume", "cancel")


def create(cloud: Any, account_id: str = "acme") -> str:
    body = json.loads(cloud.event("api_campaigns")["body"])
    status, campaign = cloud.request("POST", "/v1/campaigns", body, account_id=account_id)
    assert status == 201
    return str(campaign["campaign_id"])


def test_the_sample_request_creates_a_campaign(cloud: Any) -> None:
    answer = cloud.invoke("api_campaigns", cloud.event("api_campaigns"))
    assert answer["statusCode"] == 201
    campaign = json.loads(answer["body"])
    sent = {"template": "still-thinking", "after_days": 7, "send_at": "09:30"}
    assert campaign["definition"]["steps"][1] == {**sent, "on": [], "offer": False}
    status, listed = cloud.request("GET", "/v1/campaigns")
    assert (status, listed["campaigns"]) == (200, [campaign])
    status, read = cloud.request("GET", f"/v1/campaigns/{campaign['campaign_id']}")
    assert (status, read) == (200, {**campaign, "launches": []})


def test_a_definition_that_does_not_fit_is_refused_with_every_field_and_what_would_be_right(cloud: Any) -> None:
    body = {"name": "", "audience": {"segments": ["Sleepers"]}, "steps": [{"after_days": -1}], "budget": 3}
    status, answer = cloud.request("POST", "/v1/campaigns", body)
    assert status == 400
    assert answer["error"]["code"] == "invalid_request"
    fields = {field["field"]: field for field in answer["error"]["fields"]}
    assert set(fields) == {"name", "audience.segments[0]", "steps[0].template", "steps[0].after_days", "budget"}
    assert fields["steps[0].template"]["problem"] == "is missing"
    assert fields["steps[0].after_days"]["problem"] == "is -1"
    assert fields["steps[0].after_days"]["expected"] == "0 or more"
    assert fields["audience.segments[0]"]["problem"] == "is 'Sleepers'"
    assert "'Slipping VIPs'" in fields["audience.segments[0]"]["expected"]


def test_a_budget_in_money_that_no_message_is_priced_in_is_refused(cloud: Any) -> None:
    Accounts(cloud.campaigns).change(AccountId("acme"), lambda one: one.model_copy(update={"currency": "EUR"}))
    body = {**json.loads(cloud.event("api_campaigns")["body"]), "budget": {"spend_minor": 10_000}}
    status, answer = cloud.request("POST", "/v1/campaigns", body)
    assert (status, answer["error"]["code"]) == (409, "unusable_budget")
    assert "expected budget.sends" in answer["error"]["message"]


def test_a_message_that_cannot_be_sent_is_refused_with_part_and_line(cloud: Any) -> None:
    body = {**json.loads(cloud.event("api_campaigns")["body"])}
    text = "<mj-text>{{ nobody }}</mj-text>"
    mjml = f"<mjml><mj-body><mj-section><mj-column>{text}</mj-column></mj-section></mj-body></mjml>"
    body["steps"] = [{"template": {"subject": "Hi", "mjml": mjml}, "after_days": 0}]
    status, answer = cloud.request("POST", "/v1/campaigns", body)
    assert (status, answer["error"]["code"]) == (400, "invalid_template")
    assert any(
        field["field"] == "steps[0].template.mjml" and field["problem"] == "line 1: nobody is not known"
        for field in answer["error"]["fields"]
    )


def test_the_list_shows_messages_by_name_and_the_single_campaign_shows_all(cloud: Any) -> None:
    unsubscribe = '<mj-text>{{ shop.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>'
    mjml = f"<mjml><mj-body><mj-section><mj-column>{unsubscribe}</mj-column></mj-section></mj-body></mjml>"
    template = {"name": "own", "subject": "Hi", "mjml": mjml}
    body = {**json.loads(cloud.event("api_campaigns")["body"]), "steps": [{"template": template, "after_days": 0}]}
    status, created = cloud.request("POST", "/v1/campaigns", body)
    assert status == 201, created
    listed = cloud.request("GET", "/v1/campaigns")[1]["campaigns"][0]
    assert listed["definition"]["steps"][0]["template"] == {"name": "own", "subject": "Hi"}
    assert {**listed, "definition": None} == {**created, "definition": None}
    read = cloud.request("GET", f"/v1/campaigns/{created['campaign_id']}")[1]
    assert read["definition"]["steps"][0]["template"].items() >= template.items()


def test_what_is_not_json_is_refused(cloud: Any) -> None:
    status, answer = cloud.request("POST", "/v1/campaigns", raw="{name")
    assert (status, answer["error"]["code"]) == (400, "invalid_json")


def test_a_launch_starts_its_preparation_once_under_its_own_name(cloud: Any) -> None:
    status, launch = cloud.request(
        "POST", f"/v1/campaigns/{create(cloud)}/launches", {"starts_at": "2026-03-27T08:00:00Z"}
    )
    assert (status, launch["state"]) == (202, "draft")
    assert cloud.executions("prepare") == [launch["launch_id"]]
    assert [step["planned_at"] for step in launch["steps"]] == ["2026-03-27T08:00:00Z", "2026-04-03T07:30:00Z"]
    kept = cloud.launch(launch["launch_id"])
    assert (format_instant(kept.chosen_at), kept.time_zone) == ("2026-03-26T00:00:00Z", "Europe/Berlin")


def test_a_launch_in_the_past_is_refused(cloud: Any) -> None:
    path = f"/v1/campaigns/{create(cloud)}/launches"
    status, answer = cloud.request("POST", path, {"starts_at": "2026-03-26T07:59:59Z"})
    assert (status, answer["error"]["code"]) == (400, "starts_in_the_past")
    assert cloud.request("POST", path, {"starts_at": "2026-03-26T08:00:00Z"})[0] == 202


def test_a_launch_that_would_be_followed_for_more_than_three_years_is_refused(cloud: Any) -> None:
    path = f"/v1/campaigns/{create(cloud)}/launches"  # evaluated for 91 days; it is 2026-03-26T08:00:00Z
    for late in ("2028-12-24T08:00:01Z", "2099-12-31T23:59:59Z"):
        status, answer = cloud.request("POST", path, {"starts_at": late})
        assert (status, answer["error"]["code"]) == (400, "ends_too_late")
        assert answer["error"]["message"].endswith("expected a start until 2028-12-24T08:00:00Z")
    assert cloud.request("POST", path, {"starts_at": "9000-01-01T00:00:00Z"})[0] == 400
    assert cloud.executions("prepare") == []
    assert cloud.request("POST", path, {"starts_at": "2028-12-24T08:00:00Z"})[0] == 202


@pytest.mark.parametrize("snapshot_id", ["snp-00000000000f", None])
def test_a_launch_without_a_finished_snapshot_is_refused(cloud: Any, snapshot_id: str | None) -> None:
    if snapshot_id is None:
        cloud.campaigns.update_item(
            Key={"pk": "acme#snapshot", "sk": "latest"},
            UpdateExpression="SET #state = :state",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": "failed"},
        )
    body = {"starts_at": "2026-03-27T08:00:00Z"} | ({"snapshot_id": snapshot_id} if snapshot_id else {})
    status, answer = cloud.request("POST", f"/v1/campaigns/{create(cloud)}/launches", body)
    assert (status, answer["error"]["code"]) == (409, "no_snapshot")


def test_an_approval_names_the_dry_run_that_was_read(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    path = f"/v1/launches/{launch_id}/approve"
    status, answer = cloud.request("POST", path, {"approved_by": "Ada", "dry_run_fingerprint": "0" * 16})
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert cloud.launch(launch_id).state == "awaiting_approval"
    status, answer = cloud.approve(launch_id)
    assert (status, answer["state"], answer["approved_by"]) == (200, "scheduled", "Ada")


def test_nothing_starts_without_an_approval(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    status, answer = cloud.request("POST", f"/v1/launches/{launch_id}/start")
    assert (status, answer["error"]["code"]) == (409, "illegal_transition")
    assert "is awaiting_approval and cannot become running" in answer["error"]["message"]
    assert cloud.executions("campaign") == []


def test_approving_starts_a_launch_and_starting_it_again_changes_nothing(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    for _ in range(2):
        assert cloud.request("POST", f"/v1/launches/{launch_id}/start")[0] == 200
    assert cloud.executions("campaign") == [launch_id]


def test_of_two_changes_at_once_one_wins_and_the_other_is_told(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    read = cloud.launch(launch_id)
    cloud.request("POST", f"/v1/launches/{launch_id}/cancel")
    with pytest.raises(LaunchChanged, match="read it again"):
        cloud.launches().save(read.approved("Ada", read.dry_run, read.created_at))
    assert cloud.launch(launch_id).state == "cancelled"


def test_a_launch_is_paused_resumed_and_cancelled(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        status, answer = cloud.request("POST", f"/v1/launches/{launch_id}/{verb}")
        assert (status, answer["state"]) == (200, state)
    for verb in ("start", "pause", "resume"):
        assert cloud.request("POST", f"/v1/launches/{launch_id}/{verb}")[0] == 409


def test_a_report_is_asked_for_too_early_and_then_in_time(cloud: Any) -> None:
    launch_id = cloud.running_launch()
    path = f"/v1/launches/{launch_id}/report"
    status, answer = cloud.request("GET", path)
    assert (status, answer["error"]["code"]) == (409, "no_report_yet")
    launch = cloud.launch(launch_id)
    assert format_instant(launch.evaluation_ends_at) in answer["error"]["message"]
    cloud.lake.write_json(f"{launch.prefix}report.json", {"verdict": "too small to tell"})
    cloud.launches().save(launch.reported(launch.evaluation_ends_at + timedelta(seconds=1)))
    status, answer = cloud.request("GET", path)
    assert (status, answer["report"]) == (200, {"verdict": "too small to tell"})
    assert "report.html" in answer["page"]


def test_another_account_sees_nothing_of_it(cloud: Any) -> None:
    launch_id = cloud.new_launch()
    campaign_id = cloud.launch(launch_id).campaign_id
    assert cloud.request("GET", "/v1/campaigns", account_id="rival")[1]["campaigns"] == []
    body = {"starts_at": "2026-03-27T08:00:00Z"}
    fingerprint = {"approved_by": "Eve", "dry_run_fingerprint": cloud.launch(launch_id).dry_run}
    requests: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/campaigns/{campaign_id}", None),
        ("POST", f"/v1/campaigns/{campaign_id}/launches", body),
        ("GET", f"/v1/launches/{launch_id}", None),
        ("GET", f"/v1/launches/{launch_id}/report", None),
        *[
            ("POST", f"/v1/launches/{launch_id}/{verb}", fingerprint if verb == "approve" else None)
            for verb in LAUNCH_VERBS
        ],
    ]
    for method, path, content in requests:
        status, answer = cloud.request(method, path, content, account_id="rival")
        assert (status, answer["error"]["code"]) == (404, "not_found"), path
    assert cloud.launch(launch_id).state == "awaiting_approval"


def test_a_path_nobody_serves_is_not_found_in_the_same_form(cloud: Any) -> None:
    status, answer = cloud.request("GET", "/v1/nothing")
    assert (status, answer["error"]) == (
        404,
        {"code": "not_found", "message": "there is nothing at this path", "fields": []},
    )
