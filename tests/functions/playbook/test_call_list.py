"""The call list page by page: whom to contact, and who must not be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.functions.playbook.conftest import ACME, CONTEXT, SNAPSHOT, Cloud, account, sample
from winback.aws import keys
from winback.aws.lake import launch_prefix
from winback.aws.launches import LaunchStore
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.campaigns.messages import frozen
from winback.experiments.assignment import Arm, arm, assignment_salt
from winback.identifiers import CampaignId, CustomerKey, LaunchId, SnapshotId

PATH = "/v1/playbook/calls"


def key(name: str) -> CustomerKey:
    return account("acme").customer_key(name)


def listed(*names: str, **facts: Any) -> list[dict[str, Any]]:
    return [
        {
            "customer_key": key(name),
            "segment": "Slipping VIPs",
            "value_tier": "VIP",
            "status": "At Risk",
            "purchases": 9,
            "purchase_orders": 9,
            "net_minor": 241_000,
            "last_purchase_at": "2025-06-12T09:00:00Z",
            "silence_days": 203,
            "lapse_days": 82,
            **facts,
        }
        for name in names
    ]


def put_profile(cloud: Cloud, name: str, consent: dict[str, str] | None = None, **profile: Any) -> None:
    states = {"email": "granted"} if consent is None else consent
    cloud.customers.put_item(
        Item={
            **keys.profile(ACME, key(name)),
            "customer_id": name,
            "email": f"{name}@example.com",
            "phone": "+4930123456",
            "first_name": "Ada",
            "consent": {channel: {"state": state} for channel, state in states.items()},
            **profile,
        }
    )


def suppress(cloud: Cloud, name: str) -> None:
    place = keys.suppression(ACME, account("acme").address_hash(f"{name}@example.com"), "email")
    cloud.customers.put_item(Item={**place, "reason": "complaint"})


def test_whoever_may_be_contacted_is_named_with_the_reason_and_the_ways(cloud: Cloud) -> None:
    cloud.publish()
    cloud.write_calls(listed("ann", "bob"))
    put_profile(cloud, "ann")
    put_profile(cloud, "bob", {"email": "granted", "sms": "granted"})
    status, page = cloud.request("GET", PATH)
    assert (status, page["of"], page["left_out"], page["next_cursor"]) == (200, 2, {}, None)
    assert [(call["customer_id"], call["by"]) for call in page["calls"]] == [
        ("ann", ["account manager", "events"]),
        ("bob", ["account manager", "phone", "events"]),
    ]
    assert page["calls"][0]["why"].startswith("Slipping VIP: spent 2,410.00 GBP in 9 orders")
    assert "do-not-call register" in page["checked"]


def test_a_page_holds_no_address_number_or_name(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.publish()
    cloud.write_calls(listed("ann"))
    put_profile(cloud, "ann", {"email": "granted", "sms": "granted"})
    _, page = cloud.request("GET", PATH)
    logged = capsys.readouterr()
    for personal in ("@example.com", "+4930", "Ada"):
        assert personal not in str(page) + logged.out + logged.err
    assert "'ann'" not in logged.out


def test_whoever_must_not_be_contacted_is_counted_by_reason(cloud: Cloud) -> None:
    cloud.publish()
    cloud.write_calls(listed("gone", "denied", "unasked", "complained", "back", "ann"))
    put_profile(cloud, "denied", {"email": "denied"})
    put_profile(cloud, "unasked", {})
    for name in ("complained", "back", "ann"):
        put_profile(cloud, name)
    suppress(cloud, "complained")
    cloud.customers.put_item(Item={**keys.activity(ACME, key("back")), "last_order_at": "2026-01-01T10:00:00Z"})
    _, page = cloud.request("GET", PATH)
    assert [call["customer_id"] for call in page["calls"]] == ["ann"]
    assert page["left_out"] == {"no_profile": 1, "no_consent": 2, "suppressed": 1, "purchased_since": 1}


def test_the_phone_is_open_to_whoever_agreed_to_calls_until_they_say_never_again(cloud: Cloud) -> None:
    cloud.publish()
    cloud.write_calls(listed("ann", "bob"))
    put_profile(cloud, "ann", {"call": "granted", "sms": "granted"}, phone="+4930123457")
    put_profile(cloud, "bob", {"call": "granted"})
    _, page = cloud.request("GET", PATH)
    assert ["phone" in call["by"] for call in page["calls"]] == [True, True]
    never = keys.suppression(ACME, account("acme").address_hash("+4930123457"), "call")
    cloud.customers.put_item(Item={**never, "reason": "unsubscribe"})
    _, page = cloud.request("GET", PATH)
    assert ([call["customer_id"] for call in page["calls"]], page["left_out"]) == (["bob"], {"suppressed": 1})


def test_pages_go_on_over_the_same_snapshot_though_a_newer_one_is_published(cloud: Cloud) -> None:
    names = [f"c{n}" for n in range(5)]
    cloud.publish()
    cloud.write_calls(listed(*names))
    for name in names:
        put_profile(cloud, name)
    _, first = cloud.request("GET", PATH, query={"limit": "2"})
    cloud.publish("snp-000000000002")
    cloud.write_calls(listed("other"), "snp-000000000002")
    seen, cursor = first["calls"], first["next_cursor"]
    while cursor:
        _, page = cloud.request("GET", PATH, query={"limit": "2", "cursor": cursor})
        seen, cursor = [*seen, *page["calls"]], page["next_cursor"]
    assert [call["customer_id"] for call in seen] == names


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"cursor": "nonsense"}, {"cursor": "w7w6MQ=="}, {"page": "2"}]
)
def test_a_page_that_cannot_be_is_refused(cloud: Cloud, query: dict[str, str]) -> None:
    cloud.publish()
    cloud.write_calls([])
    assert cloud.request("GET", PATH, query=query)[0] == 400


def test_a_snapshot_of_before_call_lists_asks_for_a_refresh(cloud: Cloud) -> None:
    cloud.publish()
    status, answer = cloud.request("GET", PATH)
    assert (status, answer["error"]["code"]) == (404, "no_call_list")
    assert "refresh once more" in answer["error"]["message"]


def put_launch(
    cloud: Cloud, audience: dict[str, Any], state: LaunchState = LaunchState.RUNNING, share: float = 0.5
) -> None:
    definition = CampaignDefinition.model_validate(
        {
            "name": "Come back",
            "audience": audience,
            "steps": [{"template": "we-miss-you", "after_days": 0}],
            "holdout": {"share": share},
        }
    )
    at = datetime(2026, 1, 1, 9, tzinfo=UTC)
    launch = Launch.prepare(
        ACME,
        LaunchId("lau-000000000001"),
        CampaignId("cmp-000000000001"),
        frozen(definition),
        SnapshotId(SNAPSHOT),
        prefix=launch_prefix(ACME, "lau-000000000001"),
        starts_at=at + timedelta(days=1),
        now=at,
        zone=account("acme").zone,
    )
    LaunchStore(cloud.campaigns).create(launch.model_copy(update={"state": state}))


def half_held_out(cloud: Cloud) -> tuple[set[str], set[str]]:
    """(who is listed, whom the campaign's holdout holds out) of 40 customers."""
    names = [f"c{n}" for n in range(40)]
    cloud.publish()
    cloud.write_calls(listed(*names))
    for name in names:
        put_profile(cloud, name)
    salt = assignment_salt(CampaignId("cmp-000000000001"), "holdout")
    held = {name for name in names if arm(salt, key(name), 0.5) is Arm.HOLDOUT}
    return {call["customer_id"] for call in cloud.request("GET", PATH)[1]["calls"]}, held


@pytest.mark.parametrize(
    "audience",
    [
        {"segments": ["Slipping VIPs"]},
        {"families": ["Slipping"]},
        {"cells": [{"value_tier": "VIP", "status": "At Risk"}]},
        {"slice": "slc-000000000001"},
    ],
)
def test_nobody_is_called_whom_a_launch_under_way_holds_out(cloud: Cloud, audience: dict[str, Any]) -> None:
    put_launch(cloud, audience)
    shown, held = half_held_out(cloud)
    assert held
    assert not shown & held
    assert len(shown) + len(held) == 40


@pytest.mark.parametrize(
    ("audience", "state", "share"),
    [
        ({"segments": ["Champions"]}, LaunchState.RUNNING, 0.5),
        ({"cells": [{"value_tier": "VIP", "status": "Active"}]}, LaunchState.RUNNING, 0.5),
        ({"segments": ["Slipping VIPs"]}, LaunchState.FINISHED, 0.5),
        ({"segments": ["Slipping VIPs"]}, LaunchState.RUNNING, 0.0),
    ],
)
def test_a_launch_that_holds_out_none_of_them_keeps_nobody_from_the_list(
    cloud: Cloud, audience: dict[str, Any], state: LaunchState, share: float
) -> None:
    put_launch(cloud, audience, state, share)
    assert len(half_held_out(cloud)[0]) == 40


def test_a_page_is_not_to_be_kept_by_what_lies_between(cloud: Cloud) -> None:
    event = sample() | {"httpMethod": "GET", "path": PATH, "body": None}
    answer = cloud.handler.handler(event, CONTEXT)
    assert answer["multiValueHeaders"]["Cache-Control"] == ["no-store"]
