"""The call list through its API: whom to call, and what came of it."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from tests.functions.delivery.conftest import LAUNCH, NOW, Cloud
from winback.aws import keys
from winback.aws.call_tasks import CallTasks
from winback.aws.ledger import Ledger
from winback.campaigns.launch import LaunchState
from winback.delivery.ledger import Description, Outcome
from winback.delivery.ledger import outcome as outcome_of
from winback.instants import format_instant

TODAY = NOW.date()


@pytest.fixture
def listed(cloud: Cloud) -> Cloud:
    """Customers 1 to 3 are to be called: one today, two from tomorrow on."""
    for number in (1, 2, 3):
        send_id = cloud.send_id(number)
        cloud.customers.put_item(
            Item={
                **keys.profile(cloud.account.account_id, send_id.customer_key),
                "customer_id": f"c-{number}",
                "first_name": "Ann",
                "phone": f"+49301234567{number}",
                "consent": {"call": {"state": "granted", "at": format_instant(NOW), "source": "import"}},
            }
        )
        due_on = TODAY + timedelta(days=number - 1)
        call_id = CallTasks(cloud.performance).add(send_id, {"script": "Ask how it fits"}, due_on=due_on, at=NOW)
        ledger = Ledger(cloud.performance)
        described = Description("cmp-000000000001", "call")
        ledger.claim(send_id, described=described, claim="c", now=NOW, lease_until=NOW)
        ledger.accepted(send_id, claim="c", at=NOW, message_id=call_id)
    return cloud


def call_id(cloud: Cloud, number: int) -> str:
    send_id = cloud.send_id(number)
    return f"{TODAY + timedelta(days=number - 1)}_{LAUNCH}_1_{send_id.customer_key}"


def ask(cloud: Cloud, **query: str) -> tuple[int, Any]:
    event = cloud.event("api_calls")
    event["requestContext"]["authorizer"]["account_id"] = "fjord"
    event |= {"httpMethod": "GET", "path": "/v1/calls", "queryStringParameters": query, "body": None}
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
    answer = cloud.invoke("api_calls", event)
    return answer["statusCode"], json.loads(answer["body"])


def say(cloud: Cloud, named: str, **said: str) -> tuple[int, Any]:
    event = cloud.event("api_calls")
    event["requestContext"]["authorizer"]["account_id"] = "fjord"
    event |= {"path": f"/v1/calls/{named}/outcome", "pathParameters": {"call_id": named}, "body": json.dumps(said)}
    answer = cloud.invoke("api_calls", event)
    return answer["statusCode"], json.loads(answer["body"])


def test_calls_come_by_due_day_page_by_page(listed: Cloud) -> None:
    _, first = ask(listed, limit="2")
    assert [call["customer_id"] for call in first["calls"]] == ["c-1", "c-2"]
    assert (
        first["calls"][0] | {"phone": "+493012345671", "may_call": True, "fields": {"script": "Ask how it fits"}}
        == (first["calls"][0])
    )
    _, second = ask(listed, limit="2", cursor=first["next_cursor"])
    assert ([call["customer_id"] for call in second["calls"]], second["next_cursor"]) == (["c-3"], None)
    _, today = ask(listed, due_until=TODAY.isoformat())
    assert [call["customer_id"] for call in today["calls"]] == ["c-1"]


def test_whoever_withdrew_consent_since_is_listed_without_a_number(listed: Cloud) -> None:
    listed.customers.update_item(
        Key=keys.profile(listed.account.account_id, listed.send_id(1).customer_key),
        UpdateExpression="SET consent.#call.#state = :denied",
        ExpressionAttributeNames={"#call": "call", "#state": "state"},
        ExpressionAttributeValues={":denied": "denied"},
    )
    _, page = ask(listed)
    assert (page["calls"][0]["may_call"], page["calls"][0]["phone"]) == (False, None)
    assert page["calls"][0]["reasons"] == ["no_consent"]


def bought_since(cloud: Cloud) -> str:
    key = keys.activity(cloud.account.account_id, cloud.send_id(1).customer_key)
    cloud.customers.put_item(Item={**key, "last_order_at": format_instant(NOW)})
    return "converted"


def left_by_another_step(cloud: Cloud) -> str:
    cloud.performance.put_item(Item={**keys.send(cloud.send_id(1, step=2)), "unsubscribed_at": format_instant(NOW)})
    return "unsubscribed"


def complains_at_the_shop(cloud: Cloud) -> str:
    cloud.customers.update_item(
        Key=keys.profile(cloud.account.account_id, cloud.send_id(1).customer_key),
        UpdateExpression="SET open_cases = :cases",
        ExpressionAttributeValues={":cases": ["complaint"]},
    )
    return "open_complaint"


def cancelled_for_all(cloud: Cloud) -> str:
    cloud.set_launch(LaunchState.CANCELLED)
    return "cancelled"


@pytest.mark.parametrize("happens", [bought_since, left_by_another_step, complains_at_the_shop, cancelled_for_all])
def test_whoever_is_not_to_be_called_after_all_is_listed_with_the_reason(listed: Cloud, happens: Any) -> None:
    steps = ({"template": "vip-at-risk", "channels": ["call"], "after_days": day} for day in (0, 2))
    listed.set_steps(*steps, planned_at=(NOW, NOW + timedelta(days=2)))
    reason = happens(listed)
    _, page = ask(listed)
    assert (page["calls"][0]["phone"], page["calls"][0]["reasons"]) == (None, [reason])
    others = {call["may_call"] for call in page["calls"][1:]}
    assert others == {happens is not cancelled_for_all}


def test_how_a_call_went_is_the_feedback_of_its_send(listed: Cloud) -> None:
    for number, said, mark in ((1, "reached", None), (2, "agreed", "clicked_at"), (3, "declined", None)):
        for _ in range(2):  # a repeated request changes nothing
            status, body = say(listed, call_id(listed, number), outcome=said, comment="wants the catalogue")
            assert (status, body["state"]) == (200, "done")
        assert outcome_of(listed.row(number)) is Outcome.DELIVERED
        assert mark is None or mark in listed.row(number)
    _, done = ask(listed, state="done")
    assert [(call["outcome"], call["comment"]) for call in done["calls"]] == [
        (said, "wants the catalogue") for said in ("reached", "agreed", "declined")
    ]
    assert ask(listed)[1]["calls"] == []
    assert say(listed, call_id(listed, 2), outcome="declined")[0] == 409  # the first outcome stands


def may_be_called(cloud: Cloud, number: int) -> bool:
    account = cloud.account
    suppression = keys.suppression(account.account_id, account.address_hash(f"+49301234567{number}"), "call")
    profile = keys.profile(account.account_id, cloud.send_id(number).customer_key)
    consent = cloud.customers.get_item(Key=profile)["Item"]["consent"]["call"]["state"]
    suppressed = "Item" in cloud.customers.get_item(Key=suppression)
    assert (consent == "denied") == suppressed
    return not suppressed


def test_whoever_wants_no_calls_is_never_called_again(listed: Cloud) -> None:
    say(listed, call_id(listed, 1), outcome="do_not_call")
    assert not may_be_called(listed, 1)
    assert "unsubscribed_at" in listed.row(1)


def test_whoever_wants_no_calls_after_all_is_heeded_too(listed: Cloud) -> None:
    say(listed, call_id(listed, 1), outcome="reached")
    assert may_be_called(listed, 1)
    assert say(listed, call_id(listed, 1), outcome="do_not_call")[0] == 409
    assert not may_be_called(listed, 1)


def test_a_wish_for_no_calls_outlives_the_process_that_takes_it(listed: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(CallTasks, "settle", dies)
    with pytest.raises(MemoryError):
        say(listed, call_id(listed, 1), outcome="do_not_call")
    assert not may_be_called(listed, 1)


@pytest.mark.parametrize("said_before", [None, "reached"])
def test_a_wrong_number_is_neither_called_nor_texted_again(listed: Cloud, said_before: str | None) -> None:
    if said_before:
        say(listed, call_id(listed, 1), outcome=said_before)
    say(listed, call_id(listed, 1), outcome="wrong_number")
    hashed = listed.account.address_hash("+493012345671")
    for channel in ("call", "sms"):
        found = listed.customers.get_item(Key=keys.suppression(listed.account.account_id, hashed, channel))["Item"]
        assert found["reason"] == "hard_bounce"
    profile = keys.profile(listed.account.account_id, listed.send_id(1).customer_key)
    assert listed.customers.get_item(Key=profile)["Item"]["consent"]["call"]["state"] == "granted"
    assert outcome_of(listed.row(1)) is (Outcome.DELIVERED if said_before else Outcome.BOUNCED_HARD)


def test_who_was_not_reached_is_called_again_on_other_days_and_then_no_more(listed: Cloud) -> None:
    named = call_id(listed, 1)
    for day, state in ((0, "open"), (0, "open"), (1, "open"), (2, "done")):
        at = NOW + timedelta(days=day)
        listed.campaigns.put_item(Item={"pk": "clock", "sk": "now", "now": format_instant(at)})
        assert say(listed, named, outcome="not_reached")[1]["state"] == state
    assert outcome_of(listed.row(1)) is Outcome.BOUNCED_SOFT


def test_what_is_no_call_no_outcome_or_no_cursor_is_refused(listed: Cloud) -> None:
    known = call_id(listed, 1)
    assert say(listed, f"{date(2026, 1, 1)}_{LAUNCH}_1_{'f' * 32}", outcome="agreed")[0] == 404
    assert say(listed, "nonsense", outcome="agreed")[0] == 404
    unknown = f"{date(2026, 1, 1)}_{LAUNCH}_1_{listed.send_id(1).customer_key}"
    assert say(listed, unknown, outcome="do_not_call")[0] == 404
    assert may_be_called(listed, 1)
    assert say(listed, known, outcome="perhaps")[0] == 400
    assert say(listed, known, outcome="agreed", comment="x" * 1001)[0] == 400
    assert ask(listed, cursor="elsewhere")[0] == 400
