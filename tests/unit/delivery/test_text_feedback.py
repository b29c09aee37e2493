"""What became of texts, and what customers text back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.session import get_session

from winback.delivery.feedback import MalformedEvent
from winback.delivery.ledger import BounceType, EventKind, FeedbackEvent
from winback.delivery.text_feedback import AnswerKind, read_answer, read_log_entry, read_text_event
from winback.identifiers import SendId

SEND = SendId.parse("fjord_lau-000000000001_2_" + "a" * 32)
NUMBER = "+4915123456789"
AT = datetime(2026, 11, 21, 9, 31, 1, tzinfo=UTC)


def logged(status: str, said: str) -> dict[str, Any]:
    return {
        "notification": {"messageId": "m-1", "timestamp": "2026-11-21 09:31:00.558"},
        "delivery": {"destination": NUMBER, "providerResponse": said, "dwellTimeMs": 1599},
        "status": status,
    }


def event(kind: str, **changes: Any) -> dict[str, Any]:
    known = {"eventType": kind, "eventVersion": "1.0", "eventTimestamp": int(AT.timestamp() * 1000) + 470}
    return {
        **known,
        "messageId": "m-1",
        "destinationPhoneNumber": NUMBER,
        "context": {"send_id": str(SEND)},
        **changes,
    }


@pytest.mark.parametrize(
    ("status", "said", "expected", "suppressed"),
    [
        ("SUCCESS", "Message has been accepted by phone carrier", FeedbackEvent(EventKind.DELIVERED, AT), None),
        ("FAILURE", "Invalid phone number", FeedbackEvent(EventKind.BOUNCED, AT, BounceType.HARD), "hard_bounce"),
        (
            "FAILURE",
            "Phone carrier has blocked this message",
            FeedbackEvent(EventKind.BOUNCED, AT, BounceType.SOFT),
            None,
        ),
        ("FAILURE", "Phone number is opted out", FeedbackEvent(EventKind.REJECTED, AT), "unsubscribe"),
        ("FAILURE", "This delivery would exceed max price", FeedbackEvent(EventKind.REJECTED, AT), None),
    ],
)
def test_the_log_of_sns(status: str, said: str, expected: FeedbackEvent, suppressed: str | None) -> None:
    found = read_log_entry(logged(status, said))
    assert (found.message_id, found.feedback.event) == ("m-1", expected)
    assert (found.feedback.suppress, found.feedback.address) == (suppressed, NUMBER if suppressed else None)
    assert found.of(SEND).send_id == SEND


@pytest.mark.parametrize(
    ("kind", "expected", "suppressed"),
    [
        ("TEXT_QUEUED", FeedbackEvent(EventKind.SENT, AT), None),
        ("TEXT_DELIVERED", FeedbackEvent(EventKind.DELIVERED, AT), None),
        ("TEXT_INVALID", FeedbackEvent(EventKind.BOUNCED, AT, BounceType.HARD), "hard_bounce"),
        ("TEXT_TTL_EXPIRED", FeedbackEvent(EventKind.BOUNCED, AT, BounceType.SOFT), None),
        ("TEXT_UNKNOWN", None, None),
        ("MEDIA_DELIVERED", None, None),
    ],
)
def test_events_of_end_user_messaging(kind: str, expected: FeedbackEvent | None, suppressed: str | None) -> None:
    found = read_text_event(event(kind)).feedback
    assert (found.send_id, found.channel) == (SEND, "sms")
    assert (found.event, found.suppress) == (expected, suppressed)


def test_every_kind_of_text_event_in_the_services_model_is_known() -> None:
    model = get_session().get_service_model("pinpoint-sms-voice-v2")
    for kind in model.shape_for("EventType").metadata["enum"]:
        if kind.startswith("TEXT_") and kind != "TEXT_ALL":
            read_text_event(event(kind))


def test_a_text_of_somebody_else_names_no_send() -> None:
    assert read_text_event(event("TEXT_SENT", context={"send_id": "not one"})).feedback.send_id is None


@pytest.mark.parametrize(
    "broken",
    [
        lambda: read_text_event(event("TEXT_INVENTED")),
        lambda: read_text_event(event("TEXT_SENT", eventTimestamp=None)),
        lambda: read_log_entry({**logged("SUCCESS", ""), "status": "MAYBE"}),
        lambda: read_log_entry({"status": "SUCCESS"}),
        lambda: read_answer({"messageBody": "STOP"}),
    ],
)
def test_what_is_not_as_documented_is_refused_without_repeating_it(broken: Any) -> None:
    with pytest.raises(MalformedEvent) as refused:
        broken()
    assert NUMBER not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("STOP", AnswerKind.STOP),
        (" stop. ", AnswerKind.STOP),
        ("Arrêt", AnswerKind.STOP),
        ("unsubscribe", AnswerKind.STOP),
        ("Opt  out", AnswerKind.STOP),
        ("“STOP”", AnswerKind.STOP),  # as phones write what they were told to
        ("\uff33\uff34\uff2f\uff30", AnswerKind.STOP),  # of full width
        ("Stopp!", AnswerKind.STOP),
        ("Bitte abmelden", AnswerKind.STOP),
        ("Please stop texting me", AnswerKind.STOP),
        ("Stop 🛑\n-- \nSent from my phone", AnswerKind.STOP),
        ("Ende.", AnswerKind.STOP),
        ("help", AnswerKind.HELP),
        ("Don't stop!", AnswerKind.OTHER),
        ("End of the month is fine", AnswerKind.OTHER),
        ("Stoppers?", AnswerKind.OTHER),
        ("", AnswerKind.OTHER),
    ],
)
def test_whoever_texts_a_word_for_stop_means_it(words: str, kind: AnswerKind) -> None:
    payload = {"originationNumber": NUMBER, "destinationNumber": "+491579", "messageBody": words}
    assert read_answer(payload).kind is kind
