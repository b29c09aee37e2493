"""Customers newly lapsed: each campaign that starts from it gets one launch, which a person has to approve."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

NEWLY_LAPSED = {"starts_on": "newly_lapsed", "audience": {"families": ["Slipping"], "newly_lapsed": True}}


@pytest.fixture
def triggered(cloud: Any) -> Any:
    """Two campaigns that start from newly lapsed customers, and one that does not."""
    cloud.campaign_ids = [
        cloud.request("POST", "/v1/campaigns", _definition(cloud, **more))[1]["campaign_id"]
        for more in (
            NEWLY_LAPSED,
            {**NEWLY_LAPSED, "name": "Second"},
            {"name": "By hand"},
        )
    ]
    return cloud


def launches(cloud: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for launch in cloud.launches().of_account("acme"):
        found.setdefault(launch.campaign_id, []).append(launch)
    return found


def test_campaigns_that_start_from_it_get_a_launch_of_that_snapshot(triggered: Any) -> None:
    assert triggered.invoke("campaign_trigger", triggered.event("campaign_trigger")) == {"batchItemFailures": []}
    started = launches(triggered)
    assert sorted(started) == sorted(triggered.campaign_ids[:2])
    for (launch,) in started.values():
        assert (launch.snapshot_id, launch.state) == ("snp-000000000001", "dry_run")
        assert launch.starts_at.isoformat() == "2026-03-27T08:00:00+00:00"
    assert sorted(triggered.executions("prepare")) == sorted(launch.launch_id for (launch,) in started.values())
    assert triggered.executions("campaign") == []


def test_an_event_that_comes_twice_and_later_starts_nothing_new(triggered: Any) -> None:
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    first = launches(triggered)
    triggered.clock.set(next(iter(first.values()))[0].starts_at.replace(day=30))
    assert triggered.invoke("campaign_trigger", triggered.event("campaign_trigger")) == {"batchItemFailures": []}
    assert launches(triggered) == first
    assert len(triggered.executions("prepare")) == 2


def test_a_launch_whose_workflow_did_not_start_is_taken_up_when_the_event_comes_back(
    triggered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = triggered.handlers["campaign_trigger"].triggers()._control
    with monkeypatch.context() as outage:
        outage.setattr(control.workflows.client, "start_execution", _refuse)
        answer = triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    (record,) = triggered.event("campaign_trigger")["Records"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert triggered.executions("prepare") == []
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    assert len(triggered.executions("prepare")) == 2


def test_a_snapshot_that_started_a_campaign_is_noted_with_its_launch(triggered: Any) -> None:
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    for campaign_id, (launch,) in launches(triggered).items():
        place = {"pk": "acme#trigger", "sk": f"snp-000000000001#{campaign_id}"}
        assert triggered.campaigns.get_item(Key=place)["Item"]["launch_id"] == launch.launch_id


def test_a_campaign_that_starts_by_itself_addresses_the_newly_lapsed_alone(cloud: Any) -> None:
    status, answer = cloud.request("POST", "/v1/campaigns", _definition(cloud, starts_on="newly_lapsed"))
    assert status == 400
    assert "audience.newly_lapsed" in answer["error"]["fields"][0]["expected"]


def test_another_accounts_campaigns_are_left_alone(triggered: Any) -> None:
    event = triggered.event("campaign_trigger")
    envelope = json.loads(event["Records"][0]["body"])
    envelope["detail"]["account_id"] = "rival"
    event["Records"][0]["body"] = json.dumps(envelope)
    assert triggered.invoke("campaign_trigger", event) == {"batchItemFailures": []}
    assert launches(triggered) == {}


@pytest.mark.parametrize("body", ["no json", "[]", "{}", '{"detail-type": "Something Else", "detail": {}}'])
def test_a_message_that_is_no_such_event_comes_back_until_it_is_a_dead_letter(triggered: Any, body: str) -> None:
    event = triggered.event("campaign_trigger")
    event["Records"][0]["body"] = body
    answer = triggered.invoke("campaign_trigger", event)
    assert answer["batchItemFailures"] == [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert launches(triggered) == {}


def _definition(cloud: Any, **more: Any) -> dict[str, Any]:
    return {**json.loads(cloud.event("api_campaigns")["body"]), **more}


def _refuse(**_: Any) -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "StartExecution")
