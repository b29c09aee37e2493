"""What comes back about texts, through the functions: events, log entries, answers."""

import base64
import gzip
import json
from typing import Any

import pytest

from functions.sms_events.handler import LogNotRead
from tests.functions.delivery.conftest import NOW, Cloud
from winback.accounts.channels import ChannelSettings, SmsSettings
from winback.aws import keys
from winback.aws.ledger import Ledger
from winback.aws.tables import Accounts
from winback.aws.texts import TextIndex
from winback.delivery.ledger import Description, State
from winback.instants import format_instant

NUMBER = "+4915123456789"
MESSAGE_ID = "34d9b400-c6dd-5444-820d-fbeb0f1f54cf"


@pytest.fixture
def texted(cloud: Cloud) -> Cloud:
    """Customer 1 has been texted, and nothing was heard of it yet."""
    cloud.customers.put_item(
        Item={
            **keys.profile(cloud.account.account_id, cloud.send_id(1).customer_key),
            "phone": NUMBER,
            "consent": {"sms": {"state": "granted", "at": format_instant(NOW), "source": "import"}},
        }
    )
    ledger, described = Ledger(cloud.performance), Description("cmp-000000000001", "sms")
    ledger.claim(cloud.send_id(1), described=described, claim="c", now=NOW, lease_until=NOW)
    ledger.accepted(cloud.send_id(1), claim="c", at=NOW, message_id=MESSAGE_ID)
    TextIndex(cloud.performance, lambda: NOW).remember(MESSAGE_ID, cloud.send_id(1))
    return cloud


def suppressed(cloud: Cloud) -> str | None:
    key = keys.suppression(cloud.account.account_id, cloud.account.address_hash(NUMBER), "sms")
    item = cloud.customers.get_item(Key=key).get("Item")
    return str(item["reason"]) if item else None


def consent(cloud: Cloud) -> str:
    key = keys.profile(cloud.account.account_id, cloud.send_id(1).customer_key)
    return str(cloud.customers.get_item(Key=key)["Item"]["consent"]["sms"]["state"])


def logged(*entries: dict[str, Any], kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    batch = {"messageType": kind, "logEvents": [{"message": json.dumps(entry)} for entry in entries]}
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()}}


def test_the_log_of_sns_delivers_a_text_however_often_it_comes(texted: Cloud) -> None:
    for _ in range(2):
        assert texted.invoke("sms_events", texted.event("sms_events")) == {"read": 1}
    assert texted.invoke("sms_events", logged({"any": "thing"}, kind="CONTROL_MESSAGE")) == {"read": 0}
    row = texted.row(1)
    assert (row["state"], row["delivered_at"]) == (State.ACCEPTED, "2026-11-21T09:31:01Z")


def test_a_number_that_is_none_is_suppressed(texted: Cloud) -> None:
    entry = {
        "notification": {"messageId": MESSAGE_ID, "timestamp": "2026-11-21 09:31:00.558"},
        "delivery": {"destination": NUMBER, "providerResponse": "Invalid phone number", "dwellTimeMs": 5},
        "status": "FAILURE",
    }
    texted.invoke("sms_events", logged(entry))
    assert (suppressed(texted), texted.row(1)["bounce_type"]) == ("hard_bounce", "hard")


def test_an_entry_that_nobody_can_read_hides_no_other(texted: Cloud) -> None:
    opted_out = {
        "notification": {"messageId": MESSAGE_ID, "timestamp": "2026-11-21 09:31:00.558"},
        "delivery": {"destination": NUMBER, "providerResponse": "Phone number is opted out", "dwellTimeMs": 5},
        "status": "FAILURE",
    }
    with pytest.raises(LogNotRead, match="1 of 2"):
        texted.invoke("sms_events", logged({"status": "OF TOMORROW"}, opted_out))
    assert suppressed(texted) == "unsubscribe"


def test_events_of_end_user_messaging_name_their_send(texted: Cloud) -> None:
    event = {
        "eventType": "TEXT_DELIVERED",
        "eventTimestamp": int(NOW.timestamp() * 1000),
        "messageId": "another",
        "destinationPhoneNumber": NUMBER,
        "context": {"send_id": str(texted.send_id(1))},
    }
    answer = texted.invoke("sms_events", texted.records(event, {**event, "context": {}}, "not JSON"))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert texted.row(1)["delivered_at"] == format_instant(NOW)
    assert NUMBER not in texted.log.getvalue()


def test_stop_withdraws_consent_and_suppresses_the_number(texted: Cloud) -> None:
    for _ in range(2):
        assert texted.invoke("sms_inbound", texted.event("sms_inbound")) == {"batchItemFailures": []}
    assert (suppressed(texted), consent(texted)) == ("unsubscribe", "denied")
    assert texted.row(1)["unsubscribed_at"] == format_instant(NOW)


def test_stop_without_a_known_text_counts_for_whoever_may_have_written(texted: Cloud) -> None:
    """For the number's owner; where it is nobody's own, for all with an identity: a pool hides its numbers."""
    answer = {"originationNumber": NUMBER, "destinationNumber": "+4915799999999", "messageBody": "stop"}
    put_account(texted, "fjord", "pool-1")
    put_account(texted, "owner", "+4915799999999")
    texted.invoke("sms_inbound", texted.records(answer))
    assert suppressed(texted) is None
    texted.invoke("sms_inbound", texted.records({**answer, "destinationNumber": "+4915788888888"}))
    assert suppressed(texted) == "unsubscribe"


def test_stop_to_an_account_that_is_gone_leaves_no_number_among_the_dead_letters(texted: Cloud) -> None:
    texted.campaigns.delete_item(Key=keys.account(texted.account.account_id))
    assert texted.invoke("sms_inbound", texted.event("sms_inbound")) == {"batchItemFailures": []}


def put_account(cloud: Cloud, name: str, identity: str) -> None:
    channels = ChannelSettings(sms=SmsSettings(origination_identity=identity))
    Accounts(cloud.campaigns).put(cloud.account.model_copy(update={"account_id": name, "channels": channels}))


def test_any_other_answer_changes_nothing_and_is_not_kept(texted: Cloud) -> None:
    answer = {"originationNumber": NUMBER, "destinationNumber": "+4915799999999"}
    said = [{**answer, "messageBody": words} for words in ("HELP", "thank you")]
    assert texted.invoke("sms_inbound", texted.records(*said)) == {"batchItemFailures": []}
    assert (suppressed(texted), consent(texted)) == (None, "granted")
