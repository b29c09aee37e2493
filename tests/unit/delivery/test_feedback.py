"""SES's events as ledger events: kinds, times, suppressions, machines told from people, and what is malformed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.feedback import Feedback, MalformedEvent, read_event, read_message
from winback.delivery.ledger import BounceType, EventKind

SAMPLE = json.loads((Path(__file__).parents[3] / "events" / "feedback.json").read_text())
DELIVERY = json.loads(SAMPLE["Records"][0]["body"])
SENT_AT = "2026-11-21T09:31:02.000Z"
LATER = "2026-11-21T12:10:44.000Z"
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Thunderbird/133.0"


def ses_event(kind: str, particulars_name: str, particulars: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(DELIVERY))
    del told["delivery"]
    return {**told, "eventType": kind, particulars_name: particulars}


def seen(kind: str, agent: str, at: str = LATER) -> EventKind:
    told = ses_event(kind.title(), kind, {"timestamp": at, "userAgent": agent, "ipAddress": "203.0.113.7"})
    event = read_event(told).event
    assert event is not None
    return event.kind


def test_the_sample_events_are_read() -> None:
    kinds = [read_message(record["body"]).event.kind for record in SAMPLE["Records"]]  # type: ignore[union-attr]
    assert kinds == [EventKind.DELIVERED, EventKind.SENT, EventKind.OPENED]


def test_a_delivery_has_its_own_time_and_names_its_send() -> None:
    feedback = read_event(DELIVERY)
    assert feedback.event is not None
    assert feedback.event.at == datetime(2026, 11, 21, 9, 31, 4, tzinfo=UTC)
    assert str(feedback.send_id) == "fjord_lau-3f2a9c0d1e4b_1_9f86d081884c7d659a2feaa0c55ad015"
    assert feedback.suppress is None


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("Send", "send", EventKind.SENT),
        ("DeliveryDelay", "deliveryDelay", EventKind.DELAYED),
        ("Reject", "reject", EventKind.REJECTED),
        ("Rendering Failure", "failure", EventKind.RENDERING_FAILED),
    ],
)
def test_events_without_a_time_of_their_own_have_that_of_the_mail(kind: str, name: str, expected: EventKind) -> None:
    event = read_event(ses_event(kind, name, {})).event
    assert event is not None
    assert event.kind is expected
    assert event.at == datetime(2026, 11, 21, 9, 31, 2, tzinfo=UTC)


def test_a_permanent_bounce_suppresses_the_address() -> None:
    bounced = [{"emailAddress": "Ada <ada@example.com>"}]
    event = ses_event("Bounce", "bounce", {"bounceType": "Permanent", "timestamp": LATER, "bouncedRecipients": bounced})
    del event["mail"]["destination"]
    feedback = read_event(event)
    assert feedback.event is not None
    assert (feedback.event.bounce_type, feedback.suppress, feedback.address) == (
        BounceType.HARD,
        "hard_bounce",
        "ada@example.com",
    )


@pytest.mark.parametrize(
    ("kind", "name", "who"), [("Bounce", "bounce", "bounced"), ("Complaint", "complaint", "complained")]
)
def test_the_address_that_we_wrote_to_is_suppressed_and_not_the_one_that_it_forwards_to(
    kind: str, name: str, who: str
) -> None:
    forwarded = [{"emailAddress": "ada.elsewhere@example.org"}]
    told = {"bounceType": "Permanent", "timestamp": LATER, f"{who}Recipients": forwarded}
    assert read_event(ses_event(kind, name, told)).address == "ada@example.com"


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_passing_bounce_suppresses_nobody(kind: str) -> None:
    feedback = read_event(ses_event("Bounce", "bounce", {"bounceType": kind, "timestamp": LATER}))
    assert feedback.event is not None
    assert feedback.event.bounce_type is BounceType.SOFT
    assert feedback.suppress is None


def test_who_calls_a_message_no_spam_has_not_complained() -> None:
    particulars = {"timestamp": LATER, "complainedRecipients": [], "complaintFeedbackType": "not-spam"}
    event = ses_event("Complaint", "complaint", particulars)
    assert read_event(event) == Feedback(read_event(DELIVERY).send_id, None)


def test_a_complaint_suppresses_the_destination_when_it_names_nobody() -> None:
    feedback = read_event(ses_event("Complaint", "complaint", {"timestamp": LATER, "complainedRecipients": []}))
    assert (feedback.suppress, feedback.address) == ("complaint", "ada@example.com")


@pytest.mark.parametrize(
    "agent",
    ["Mozilla/5.0", "", "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"],
)
def test_a_picture_proxy_is_no_reader(agent: str) -> None:
    assert seen("open", agent) is EventKind.MACHINE_OPENED


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Barracuda Sentinel (EE); https://www.barracuda.com/)",
        "Mozilla/5.0 (compatible; proofpoint-urldefense/1.0)",
        "python-requests/2.32",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
    ],
)
def test_a_scanner_is_no_visitor(agent: str) -> None:
    assert seen("click", agent) is EventKind.BOT_CLICKED


def test_a_person_is_a_person() -> None:
    assert seen("open", PERSON) is EventKind.OPENED
    assert seen("click", PERSON) is EventKind.CLICKED


@pytest.mark.parametrize("at", [SENT_AT, "2026-11-21T09:31:04.000Z", "2026-11-21T09:30:00.000Z"])
def test_nobody_reads_within_two_seconds_of_the_hand_over(at: str) -> None:
    assert seen("open", PERSON, at) is EventKind.MACHINE_OPENED
    assert seen("click", PERSON, at) is EventKind.BOT_CLICKED


def test_what_ses_publishes_to_try_a_new_topic_is_no_event() -> None:
    assert read_message("Successfully validated SNS topic for Amazon SES event publishing.").event is None


def test_subscription_events_of_ses_are_ignored() -> None:
    assert read_event(ses_event("Subscription", "subscription", {})).event is None


@pytest.mark.parametrize("tags", [None, {}, {"send_id": []}, {"send_id": ["something else"]}])
def test_a_mail_of_somebody_else_names_no_send(tags: Any) -> None:
    told: dict[str, Any] = json.loads(json.dumps(DELIVERY))
    told["mail"]["tags"] = tags
    assert read_event(told).send_id is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["mail", "eventType", "delivery", "timestamp"]), JSON)
def test_what_is_malformed_is_said_to_be_without_being_repeated(spoilt: str, value: Any) -> None:
    told: dict[str, Any] = json.loads(json.dumps(DELIVERY))
    if spoilt == "timestamp":
        told["delivery"]["timestamp"] = value or "never"
    else:
        told[spoilt] = value
    problem = ""
    try:
        read_event(told)
    except MalformedEvent as error:
        problem = str(error)
    assert "ada@" not in problem
