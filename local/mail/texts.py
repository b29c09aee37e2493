"""AWS End User Messaging as far as Winback calls it, as a pure request handler, held to the service's own model.

Accepted texts are kept, and each is reported at once: as delivered, or as invalid where the number ends in 0000. An
answer of a customer is made by whoever drives the recorder. Shapes:
https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from botocore.model import OperationModel, Shape, StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator

TARGET = "PinpointSMSVoiceV2."
SERVICE = "pinpoint-sms-voice-v2"
_NOBODY = "0000"
Emit = Callable[[str, list[dict[str, Any]]], None]  # `texts` or `text-answers`, and what is put there


class TextError(Exception):
    """An answer that the service gives instead of a result; `reason` is one of the error's own."""

    def __init__(self, code: str, reason: str | None = None) -> None:
        super().__init__(code)
        self.code, self.reason = code, reason

    @property
    def body(self) -> dict[str, str]:
        return {"__type": self.code, "Message": self.code, **({"Reason": self.reason} if self.reason else {})}


@dataclass(frozen=True)
class Text:
    message_id: str
    number: str
    text: str
    origination_identity: str
    context: Mapping[str, str]


class TextBox:
    """Safe between threads. `opted_out` numbers are refused, as those of an opt-out list are."""

    def __init__(self, *, now: Callable[[], datetime], emit: Emit) -> None:
        self._now, self._emit = now, emit
        self._lock = threading.Lock()
        self._model = get_session().get_service_model(SERVICE)
        self.texts: list[Text] = []
        self.opted_out: set[str] = set()

    def handle(self, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body of a request with the header `X-Amz-Target: PinpointSMSVoiceV2.…`."""
        name = target.removeprefix(TARGET)
        try:
            if name == "SendTextMessage":
                return 200, self._send(json.loads(body))
            if name == "DescribeAccountAttributes":
                return 200, {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}]}
            raise TextError("UnknownOperationException")
        except json.JSONDecodeError:
            return 400, TextError("SerializationException").body
        except TextError as error:
            return 400, error.body

    def answer(self, number: str, text: str, message_id: str | None) -> None:
        """A customer texts back; STOP puts the number onto the opt-out list, as the service does by itself."""
        if text.strip().upper() == "STOP":
            self.opted_out.add(number)
        previous = {"previousPublishedMessageId": message_id} if message_id else {}
        said = {"originationNumber": number, "destinationNumber": "+12065550100", "messageBody": text}
        self._emit("text-answers", [{**said, "inboundMessageId": str(uuid.uuid4()), **previous}])

    def shown(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(text) for text in self.texts]

    def _send(self, payload: dict[str, Any]) -> dict[str, Any]:
        problems = list(problems_of(self._model.operation_model("SendTextMessage"), payload))
        if problems:
            raise TextError("ValidationException", "FIELD_VALIDATION_FAILED")
        number = payload["DestinationPhoneNumber"]
        if number in self.opted_out:
            raise TextError("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")
        text = Text(
            message_id=str(uuid.uuid4()),
            number=number,
            text=payload["MessageBody"],
            origination_identity=payload.get("OriginationIdentity", ""),
            context=payload.get("Context", {}),
        )
        if not payload.get("DryRun"):
            with self._lock:
                self.texts.append(text)
            self._emit("texts", list(self._events(text)))
        return {"MessageId": text.message_id}

    def _events(self, text: Text) -> Iterator[dict[str, Any]]:
        invalid = text.number.endswith(_NOBODY)
        for kind in ("TEXT_QUEUED", "TEXT_INVALID" if invalid else "TEXT_DELIVERED"):
            yield {
                "eventType": kind,
                "eventVersion": "1.0",
                "eventTimestamp": int(self._now().timestamp() * 1000),
                "isFinal": kind != "TEXT_QUEUED",
                "destinationPhoneNumber": text.number,
                "messageId": text.message_id,
                "messageType": "PROMOTIONAL",
                "context": dict(text.context),
            }


def problems_of(operation: OperationModel, payload: Mapping[str, Any]) -> Iterator[str]:
    """What of a request the service's model does not allow: names, types, required members, and what botocore itself
    leaves to the service: patterns, lengths, ranges and enumerations."""
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    report = ParamValidator().validate(payload, shape)
    if report.has_errors():
        yield report.generate_report()
    else:
        for name, value in payload.items():
            yield from _problems(name, value, shape.members[name])


def _problems(name: str, value: Any, shape: Shape) -> Iterator[str]:
    limits = shape.metadata
    size = value if shape.type_name in ("integer", "long") else len(value) if hasattr(value, "__len__") else None
    if size is not None and not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{name} is outside {limits.get('min')} to {limits.get('max')}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
        yield f"{name} does not match {limits['pattern']}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"{name} is none of {', '.join(limits['enum'])}"


def needed_permission(target: str, body: bytes, *, arns: str) -> tuple[str, list[str]]:
    """Action and resources that IAM checks; `arns` is such as `arn:aws:sms-voice:us-east-1:000000000000`:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsendusermessagingsmsandvoicev2.html."""
    action = f"sms-voice:{target.removeprefix(TARGET)}"
    if action != "sms-voice:SendTextMessage":
        return action, ["*"]
    try:
        identity = json.loads(body).get("OriginationIdentity", "")
    except json.JSONDecodeError:
        identity = ""
    if identity.startswith("arn:"):
        return action, [identity]
    kind = "pool" if identity.startswith("pool-") else "phone-number" if identity[:1] in "+p" else "sender-id"
    return action, [f"{arns}:{kind}/{identity}"]
