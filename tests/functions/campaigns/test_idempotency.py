"""A request repeated under its idempotency key changes nothing."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

START = {"starts_at": "2026-03-27T08:00:00Z"}


def definition(cloud: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(cloud.event("api_campaigns")["body"])
    return body


def test_a_repeated_definition_is_one_campaign(cloud: Any) -> None:
    first = cloud.request("POST", "/v1/campaigns", definition(cloud), once="autumn")
    assert cloud.request("POST", "/v1/campaigns", definition(cloud), once="autumn") == first
    assert len(cloud.request("GET", "/v1/campaigns")[1]["campaigns"]) == 1


def test_a_repeated_launch_is_one_launch_with_one_execution(cloud: Any) -> None:
    campaign_id = cloud.request("POST", "/v1/campaigns", definition(cloud), once="autumn")[1]["campaign_id"]
    path = f"/v1/campaigns/{campaign_id}/launches"
    first = cloud.request("POST", path, START, once="first")
    assert cloud.request("POST", path, START, once="first") == first
    assert cloud.executions("prepare") == [first[1]["launch_id"]]
    assert cloud.request("POST", path, START, once="second")[1]["launch_id"] != first[1]["launch_id"]


def _refuse(**_: Any) -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "StartExecution")


def test_a_launch_whose_workflow_did_not_start_is_taken_up_under_the_same_key(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = cloud.request("POST", "/v1/campaigns", definition(cloud))[1]["campaign_id"]
    path = f"/v1/campaigns/{campaign_id}/launches"
    client = cloud.handlers["api_campaigns"].control().workflows.client
    with monkeypatch.context() as outage:
        outage.setattr(client, "start_execution", _refuse)
        with pytest.raises(ClientError):
            cloud.request("POST", path, START, once="first")
    status, launch = cloud.request("POST", path, START, once="first")
    assert (status, launch["state"]) == (202, "draft")
    assert cloud.executions("prepare") == [launch["launch_id"]]


def test_without_a_key_a_launch_whose_workflow_did_not_start_has_failed(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = cloud.request("POST", "/v1/campaigns", definition(cloud))[1]["campaign_id"]
    monkeypatch.setattr(cloud.handlers["api_campaigns"].control().workflows.client, "start_execution", _refuse)
    with pytest.raises(ClientError):
        cloud.request("POST", f"/v1/campaigns/{campaign_id}/launches", START)
    launches = cloud.request("GET", f"/v1/campaigns/{campaign_id}")[1]["launches"]
    assert [launch["state"] for launch in launches] == ["failed"]


@pytest.mark.parametrize("number", [4102444800, 4102444800.5, True])
def test_a_start_is_text_so_that_a_repeated_request_means_the_same(cloud: Any, number: float) -> None:
    campaign_id = cloud.request("POST", "/v1/campaigns", definition(cloud))[1]["campaign_id"]
    path = f"/v1/campaigns/{campaign_id}/launches"
    status, answer = cloud.request("POST", path, {"starts_at": number}, once="first")
    assert (status, answer["error"]["fields"][0]["field"]) == (400, "starts_at")
    assert "ISO 8601 text" in answer["error"]["fields"][0]["expected"]


def test_a_key_means_nothing_to_another_account(cloud: Any) -> None:
    mine = cloud.request("POST", "/v1/campaigns", definition(cloud), once="autumn")[1]["campaign_id"]
    theirs = cloud.request("POST", "/v1/campaigns", definition(cloud), once="autumn", account_id="rival")[1]
    assert theirs["campaign_id"] != mine


def test_a_key_used_for_something_else_is_refused(cloud: Any) -> None:
    campaign_id = cloud.request("POST", "/v1/campaigns", definition(cloud), once="autumn")[1]["campaign_id"]
    other = {**definition(cloud), "name": "Another"}
    status, answer = cloud.request("POST", "/v1/campaigns", other, once="autumn")
    assert (status, "Idempotency-Key" in answer["error"]["message"]) == (409, True)
    path = f"/v1/campaigns/{campaign_id}/launches"
    cloud.request("POST", path, START, once="first")
    assert cloud.request("POST", path, {"starts_at": "2026-03-28T08:00:00Z"}, once="first")[0] == 409


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_1_to_255_characters(cloud: Any, key: str) -> None:
    status, answer = cloud.request("POST", "/v1/campaigns", definition(cloud), once=key)
    assert (status, answer["error"]["fields"][0]["field"]) == (400, "Idempotency-Key")
