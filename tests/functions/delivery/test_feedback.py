"""Feedback: SES's events reach the ledger row and the suppression list, once, whatever their order."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.functions.delivery.conftest import NOW, Cloud
from winback.aws import keys
from winback.aws.ledger import Ledger
from winback.delivery.ledger import Description, outcome
from winback.identifiers import SendId

SEND_ID = SendId.parse("fjord_lau-3f2a9c0d1e4b_1_9f86d081884c7d659a2feaa0c55ad015")


@pytest.fixture
def claimed(cloud: Cloud) -> Cloud:
    Ledger(cloud.performance).claim(
        SEND_ID,
        claim="one",
        now=NOW,
        lease_until=NOW + timedelta(minutes=1),
        described=Description("cmp-000000000001", "email"),
    )
    return cloud


def row(cloud: Cloud) -> dict[str, Any]:
    return Ledger(cloud.performance).rows([SEND_ID])[SEND_ID]


def delivery(cloud: Cloud) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(cloud.event("feedback")["Records"][0]["body"])
    return told


def suppression(cloud: Cloud, address: str) -> dict[str, Any] | None:
    key = keys.suppression(cloud.account.account_id, cloud.account.address_hash(address), "email")
    item: dict[str, Any] | None = cloud.customers.get_item(Key=key).get("Item")
    return item


def test_the_sample_batch_is_taken(claimed: Cloud) -> None:
    assert claimed.invoke("feedback", claimed.event("feedback")) == {"batchItemFailures": []}
    assert {"sent_at", "delivered_at", "opened_at"} <= set(row(claimed))
    assert outcome(row(claimed)) == "delivered"


def test_an_event_settles_a_send_that_nobody_recorded_as_accepted(claimed: Cloud) -> None:
    assert outcome(row(claimed)) == "due"
    sent = json.loads(claimed.event("feedback")["Records"][1]["body"])
    claimed.invoke("feedback", claimed.records(sent))
    assert outcome(row(claimed)) == "accepted"


def test_the_same_events_again_change_nothing(claimed: Cloud) -> None:
    claimed.invoke("feedback", claimed.event("feedback"))
    before = row(claimed)
    claimed.invoke("feedback", claimed.event("feedback"))
    assert row(claimed) == before


@pytest.mark.parametrize(("kind", "suppressed"), [("Permanent", True), ("Transient", False)])
def test_only_a_hard_bounce_ends_up_on_the_suppression_list(claimed: Cloud, kind: str, suppressed: bool) -> None:
    told = delivery(claimed)
    told |= {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "ada@example.com"}],
            "timestamp": "2026-11-21T09:31:09.000Z",
        },
    }
    claimed.invoke("feedback", claimed.records(told))
    found = suppression(claimed, "ada@example.com")
    assert (found is not None) == suppressed
    if found:
        assert (found["reason"], found["send_id"]) == ("hard_bounce", str(SEND_ID))
    assert outcome(row(claimed)) == ("bounced_hard" if suppressed else "bounced_soft")


def test_a_complaint_is_the_last_word_and_holds_for_every_address_of_the_customer(claimed: Cloud) -> None:
    told = delivery(claimed)
    told |= {
        "eventType": "Complaint",
        "complaint": {"timestamp": "2026-11-21T10:00:00.000Z", "complainedRecipients": []},
    }
    claimed.customers.put_item(
        Item={
            **keys.profile(SEND_ID.account_id, SEND_ID.customer_key),
            "email": "ada.new@example.com",
            "consent": {"email": {"state": "granted", "at": "2026-01-01T00:00:00Z", "source": "import"}},
        }
    )
    claimed.invoke("feedback", claimed.records(told, delivery(claimed)))
    assert outcome(row(claimed)) == "complained"
    assert suppression(claimed, "ada@example.com") is not None
    profile = claimed.customers.get_item(Key=keys.profile(SEND_ID.account_id, SEND_ID.customer_key))["Item"]
    assert profile["consent"]["email"] == {"state": "denied", "at": "2026-11-21T10:00:00Z", "source": "complaint"}


def test_malformed_messages_come_back_alone(claimed: Cloud) -> None:
    answer = claimed.invoke("feedback", claimed.records("not json", "[]", {"mail": {}}, delivery(claimed)))
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["0", "1", "2"]
    assert "delivered_at" in row(claimed)


def test_what_ses_publishes_to_try_a_new_topic_becomes_no_dead_letter(claimed: Cloud) -> None:
    trial = "Successfully validated SNS topic for Amazon SES event publishing."
    assert claimed.invoke("feedback", claimed.records(trial)) == {"batchItemFailures": []}
    assert "delivered_at" not in row(claimed)


def test_an_unknown_send_is_not_asked_about_again(cloud: Cloud) -> None:
    assert cloud.invoke("feedback", cloud.event("feedback")) == {"batchItemFailures": []}
    assert "ada@example.com" not in cloud.log.getvalue()
    assert cloud.performance.scan()["Count"] == 0


def test_a_mail_of_somebody_else_is_left_alone(claimed: Cloud) -> None:
    told = delivery(claimed)
    told["mail"]["tags"] = {}
    assert claimed.invoke("feedback", claimed.records(told)) == {"batchItemFailures": []}
    assert "delivered_at" not in row(claimed)
