"""The call list page by page: whom to contact, and who must not be."""

from typing import Any

import pytest

from tests.functions.playbook.conftest import ACME, Cloud, account
from winback.aws import keys
from winback.identifiers import CustomerKey

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
