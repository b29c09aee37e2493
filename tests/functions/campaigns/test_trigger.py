"""Customers newly lapsed: each campaign that starts from it gets one launch, which a person has to approve."""

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from winback.aws import keys
from winback.campaigns.launch import LATEST_START, Launch, LaunchState
from winback.identifiers import AccountId
from winback.instants import parse_instant

DRY_RUN = "0" * 16
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
        assert (launch.snapshot_id, launch.state) == ("snp-000000000001", "draft")
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


def test_a_paused_campaign_starts_nothing_until_it_is_resumed(triggered: Any) -> None:
    first, second, by_hand = triggered.campaign_ids
    for _ in range(2):  # repeating it changes nothing
        status, paused = triggered.request("POST", f"/v1/campaigns/{first}/pause")
        assert (status, paused["paused_at"]) == (200, "2026-03-26T08:00:00Z")
        triggered.clock.set(triggered.clock.now() + timedelta(hours=1))
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    assert list(launches(triggered)) == [second]
    status, resumed = triggered.request("POST", f"/v1/campaigns/{first}/resume")
    assert (status, resumed["paused_at"]) == (200, None)
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    assert sorted(launches(triggered)) == sorted([first, second])
    status, answer = triggered.request("POST", f"/v1/campaigns/{by_hand}/pause")
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert triggered.request("POST", f"/v1/campaigns/{first}/pause", account_id="rival")[0] == 404


def test_launches_that_nobody_approved_in_time_are_withdrawn_by_the_next_event(triggered: Any) -> None:
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    (approved,), (waiting,) = (launches(triggered)[campaign_id] for campaign_id in triggered.campaign_ids[:2])
    triggered.launches().save(waiting.summarised(DRY_RUN, 0))
    triggered.launches().save(_running(approved.summarised(DRY_RUN, 0)))
    by_hand = {"starts_at": "2026-03-27T08:00:00Z", "snapshot_id": "snp-000000000001"}
    path = f"/v1/campaigns/{triggered.campaign_ids[1]}/launches"
    chosen = triggered.request("POST", path, by_hand)[1]["launch_id"]

    triggered.clock.set(waiting.starts_at + LATEST_START)
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    assert triggered.launch(waiting.launch_id).state == "awaiting_approval"
    triggered.clock.set(waiting.starts_at + LATEST_START + timedelta(seconds=1))
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    assert triggered.launch(waiting.launch_id).state == "cancelled"
    assert triggered.launch(approved.launch_id).state == "running"
    assert triggered.launch(chosen).state == "draft", "a person made it, and a person ends it"


def test_a_campaign_that_cannot_be_launched_says_why_and_keeps_no_other_back(triggered: Any) -> None:
    first, second = triggered.campaign_ids[:2]
    broken = triggered.campaigns.get_item(Key=keys.campaign(AccountId("acme"), first))["Item"]
    broken["definition"]["audience"]["slice"] = "slc-0123456789ab"
    triggered.campaigns.put_item(Item=broken)
    answer = triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    assert answer == {"batchItemFailures": []}
    assert list(launches(triggered)) == [second]
    note = triggered.request("GET", f"/v1/campaigns/{first}")[1]["note"]
    assert note["code"] == "UnusableSlice"
    assert "slice slc-0123456789ab cannot be launched" in note["message"]

    del broken["definition"]["audience"]["slice"]
    triggered.campaigns.put_item(Item=broken)
    triggered.invoke("campaign_trigger", triggered.event("campaign_trigger"))
    assert triggered.request("GET", f"/v1/campaigns/{first}")[1]["note"] is None
    assert sorted(launches(triggered)) == sorted([first, second])


def test_a_schedule_prepares_one_launch_a_period_a_day_ahead(triggered: Any) -> None:
    weekly = {"weekday": "friday", "at": "10:00"}  # it is Thursday 2026-03-26, 08:00 in UTC
    campaign_id = triggered.request("POST", "/v1/campaigns", _definition(triggered, schedule=weekly))[1]["campaign_id"]
    for at in ("2026-03-26T08:59:59Z", "2026-03-26T09:00:00Z", "2026-03-26T10:00:00Z", "2026-04-02T08:00:00Z"):
        triggered.clock.set(parse_instant(at))
        assert triggered.invoke("campaign_trigger", hour(triggered)) == {"batchItemFailures": []}
    prepared = launches(triggered)[campaign_id]
    assert sorted(f"{launch.starts_at:%F %R}" for launch in prepared) == ["2026-03-27 09:00", "2026-04-03 08:00"]


def test_the_hour_starts_the_execution_of_an_approval_that_died_before_it(triggered: Any) -> None:
    launch_id = triggered.new_launch()
    approved = triggered.launch(launch_id).approved("Ada", triggered.launch(launch_id).dry_run, triggered.clock.now())
    triggered.launches().save(approved)
    for _ in range(2):
        triggered.invoke("campaign_trigger", hour(triggered))
    assert triggered.executions("campaign") == [launch_id]


def test_the_hour_prepares_a_launch_whose_request_died_before_it_also_where_a_schedule_fails(
    triggered: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = triggered.launch(triggered.new_launch())
    died = made.model_copy(update={"launch_id": "lau-0000000000dd", "state": LaunchState.DRAFT, "dry_run": None})
    triggered.launches().create(died)
    monkeypatch.setattr("winback.aws.triggers.Triggers._scheduled", _refuse)
    answer = triggered.invoke("campaign_trigger", hour(triggered))
    assert len(answer["batchItemFailures"]) == 1
    assert died.launch_id in triggered.executions("prepare")


def hour(cloud: Any) -> dict[str, Any]:
    event = cloud.event("campaign_trigger")
    event["Records"][0]["body"] = json.dumps({"detail-type": "Scheduled Event", "source": "aws.events"})
    return dict(event)


@pytest.mark.parametrize("body", ["no json", "[]", "{}", '{"detail-type": "Something Else", "detail": {}}'])
def test_a_message_that_is_no_such_event_comes_back_until_it_is_a_dead_letter(triggered: Any, body: str) -> None:
    event = triggered.event("campaign_trigger")
    event["Records"][0]["body"] = body
    answer = triggered.invoke("campaign_trigger", event)
    assert answer["batchItemFailures"] == [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert launches(triggered) == {}


def _definition(cloud: Any, **more: Any) -> dict[str, Any]:
    return {**json.loads(cloud.event("api_campaigns")["body"]), **more}


def _running(launch: Launch) -> Launch:
    approved = launch.approved("Ada", DRY_RUN, launch.starts_at)
    return approved.started(launch.starts_at, ZoneInfo("UTC"))


def _refuse(*_: Any, **__: Any) -> None:
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "StartExecution")
