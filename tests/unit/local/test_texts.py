"""The stand-in for AWS End User Messaging refuses what the service's model does not allow, and reports what it took."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import create_parser
from botocore.session import get_session

from local.mail.texts import SERVICE, TextBox, needed_permission
from winback.delivery.ledger import EventKind
from winback.delivery.text_feedback import AnswerKind, read_answer, read_text_event

NOW = datetime(1997, 10, 1, tzinfo=UTC)
TARGET = "PinpointSMSVoiceV2.SendTextMessage"
SEND = "shop_lau-000000000001_1_" + "a" * 32
REQUEST = {
    "DestinationPhoneNumber": "+4915123456789",
    "OriginationIdentity": "pool-1",
    "MessageBody": "We miss you",
    "MessageType": "PROMOTIONAL",
    "MaxPrice": "0.25",
    "TimeToLive": 14400,
    "Context": {"send_id": SEND},
}


class Box:
    def __init__(self) -> None:
        self.queues: dict[str, list[dict[str, Any]]] = {"texts": [], "text-answers": []}
        self.box = TextBox(now=lambda: NOW, emit=lambda queue, events: self.queues[queue].extend(events))

    def send(self, **changes: Any) -> dict[str, Any]:
        """As the SDK sees the answer."""
        status, body = self.box.handle(TARGET, json.dumps({**REQUEST, **changes}).encode())
        shape = get_session().get_service_model(SERVICE).operation_model("SendTextMessage").output_shape
        wire = {"status_code": status, "headers": {}, "body": json.dumps(body).encode()}
        parsed: dict[str, Any] = create_parser("json").parse(wire, shape)
        return parsed


def test_a_text_is_kept_and_its_events_name_the_send() -> None:
    box = Box()
    message_id = box.send()["MessageId"]
    assert box.box.shown()[0]["text"] == "We miss you"
    reports = [read_text_event(event) for event in box.queues["texts"]]
    assert {str(report.feedback.send_id) for report in reports} == {SEND}
    assert [report.feedback.event.kind for report in reports if report.feedback.event] == [
        EventKind.SENT,
        EventKind.DELIVERED,
    ]
    assert {report.message_id for report in reports} == {message_id}


@pytest.mark.parametrize(
    "wrong",
    [
        {"DestinationPhoneNumber": "0151 234"},
        {"MessageBody": ""},
        {"MessageBody": "x" * 1601},
        {"MessageType": "MARKETING"},
        {"MaxPrice": "25 cents"},
        {"TimeToLive": 1},
        {"Context": {f"k{number}": "v" for number in range(6)}},
        {"Colour": "red"},
    ],
)
def test_what_the_model_does_not_allow_is_refused(wrong: dict[str, Any]) -> None:
    box = Box()
    assert box.send(**wrong)["Error"]["Code"] == "ValidationException"
    assert (box.box.shown(), box.queues["texts"]) == ([], [])


def test_a_dry_run_sends_nothing() -> None:
    box = Box()
    assert "Error" not in box.send(DryRun=True)
    assert (box.box.shown(), box.queues["texts"]) == ([], [])


def test_whoever_answers_stop_gets_no_more_texts() -> None:
    box = Box()
    message_id = box.send()["MessageId"]
    box.box.answer(REQUEST["DestinationPhoneNumber"], "Stop", message_id)  # type: ignore[arg-type]
    answer = read_answer(box.queues["text-answers"][0])
    assert (answer.kind, answer.message_id) == (AnswerKind.STOP, message_id)
    assert box.send()["Error"]["Code"] == "ConflictException"


@pytest.mark.parametrize(
    ("identity", "resource"),
    [
        ("pool-1", "pool/pool-1"),
        ("phone-1", "phone-number/phone-1"),
        ("+12065550100", "phone-number/+12065550100"),
        ("Fjord", "sender-id/Fjord"),
    ],
)
def test_a_text_needs_permission_for_its_origination_identity(identity: str, resource: str) -> None:
    body = json.dumps({"OriginationIdentity": identity}).encode()
    assert needed_permission(TARGET, body, arns="arn:x") == ("sms-voice:SendTextMessage", [f"arn:x:{resource}"])
