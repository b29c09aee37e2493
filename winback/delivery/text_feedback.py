"""Reads what becomes of texts, and what customers answer, into ledger events and suppressions. Pure.

SNS writes a log entry per text, https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html; AWS End User
Messaging emits events, https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html and
.../configuration-sets-event-types.html, and passes answers on,
https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from winback.delivery.channels import ChannelName
from winback.delivery.feedback import Feedback, MalformedEvent
from winback.delivery.ledger import BounceType, EventKind, FeedbackEvent
from winback.identifiers import SendId
from winback.instants import parse_instant

# The carrier's word is the last that most countries give: a device's own receipt comes from few.
_EVENTS: Mapping[str, tuple[EventKind, BounceType | None] | None] = {
    "TEXT_PENDING": None,
    "TEXT_QUEUED": (EventKind.SENT, None),
    "TEXT_SENT": (EventKind.SENT, None),
    "TEXT_SUCCESSFUL": (EventKind.DELIVERED, None),
    "TEXT_DELIVERED": (EventKind.DELIVERED, None),
    "TEXT_INVALID": (EventKind.BOUNCED, BounceType.HARD),  # the number is none
    "TEXT_INVALID_MESSAGE": (EventKind.REJECTED, None),
    "TEXT_UNREACHABLE": (EventKind.BOUNCED, BounceType.SOFT),
    "TEXT_CARRIER_UNREACHABLE": (EventKind.BOUNCED, BounceType.SOFT),
    "TEXT_BLOCKED": (EventKind.BOUNCED, BounceType.SOFT),
    "TEXT_CARRIER_BLOCKED": (EventKind.BOUNCED, BounceType.SOFT),
    "TEXT_SPAM": (EventKind.BOUNCED, BounceType.SOFT),
    "TEXT_TTL_EXPIRED": (EventKind.BOUNCED, BounceType.SOFT),
    "TEXT_PROTECT_BLOCKED": (EventKind.REJECTED, None),
    "TEXT_UNKNOWN": None,  # after three days without a word
}
_OPTED_OUT, _INVALID_NUMBER = "phone number is opted out", "invalid phone number"
# Failures of SNS's log at which no carrier was asked.
_NOT_HANDED_ON = ("exceed max price", "no quota left", "message body is invalid", _OPTED_OUT)
_HARD, _UNSUBSCRIBE = "hard_bounce", "unsubscribe"
# Who begins with one of these wants no more, whatever follows: so does AWS read its keywords,
# https://docs.aws.amazon.com/sms-voice/latest/userguide/keywords.html and .../opt-out-list-keywords.html. The words of
# 47 CFR 64.1200 (a)(10) too, which also counts what a reasonable person takes for the same; and in the languages that
# messages are shipped in.
_STOP = frozenset(
    {"STOP", "STOPP", "STOPPEN", "STOPALL", "UNSUBSCRIBE", "UNSUB", "OPTOUT", "OPT-OUT", "OPT OUT", "ARRET", "ARRÊT"}
    | {"ABMELDEN", "ABBESTELLEN", "DESABONNER", "DÉSABONNER", "DISISCRIVIMI", "AFMELDEN", "UITSCHRIJVEN"}
)
# These begin other sentences as well, and mean it where they are all that is said.
_STOP_ALONE = frozenset(
    {"CANCEL", "END", "QUIT", "REMOVE", "REMOVE ME", "REVOKE", "TD", "ENDE", "BAJA", "NO MAS", "NO MÁS"}
)
_COURTESY = frozenset(
    {"PLEASE", "PLS", "PLZ", "BITTE", "SVP", "HI", "HELLO", "HALLO", "OK", "THANKS", "DANKE", "MERCI"}
)
_WORD = re.compile(r"[\w'-]*\w")
_HELP = frozenset({"HELP", "INFO", "AIDE"})


@dataclass(frozen=True)
class TextReport:
    """Where the provider names no send of ours, `message_id` leads to it (winback.aws.texts)."""

    message_id: str
    feedback: Feedback

    def of(self, send_id: SendId | None) -> Feedback:
        """With the send that the message id was found to be."""
        known = self.feedback
        return Feedback(
            known.send_id or send_id, known.event, channel=known.channel, suppress=known.suppress, address=known.address
        )


class AnswerKind(StrEnum):
    STOP = "stop"
    HELP = "help"
    OTHER = "other"  # nothing of it is kept


@dataclass(frozen=True)
class TextAnswer:
    """`number` is the customer's, `to` the one that they answered, `message_id` our last text to them, if known."""

    kind: AnswerKind
    number: str
    to: str
    message_id: str | None


def read_log_entry(entry: Mapping[str, Any]) -> TextReport:
    """One entry of SNS's log of texts. Raises MalformedEvent."""
    notification, delivery = _part(entry, "notification"), _part(entry, "delivery")
    said = str(delivery.get("providerResponse") or "").lower()
    match entry.get("status"):
        case "SUCCESS":
            kind, bounce = EventKind.DELIVERED, None
        case "FAILURE" if any(words in said for words in _NOT_HANDED_ON):
            kind, bounce = EventKind.REJECTED, None
        case "FAILURE":
            kind, bounce = EventKind.BOUNCED, BounceType.HARD if _INVALID_NUMBER in said else BounceType.SOFT
        case _:
            raise MalformedEvent("status is missing or not one that SNS documents")
    suppress = _UNSUBSCRIBE if _OPTED_OUT in said else _HARD if bounce is BounceType.HARD else None
    took = delivery.get("dwellTimeMsUntilDeviceAck") or delivery.get("dwellTimeMs") or 0
    at = _instant(notification.get("timestamp")) + timedelta(milliseconds=float(took))
    return TextReport(
        message_id=_text(notification, "messageId"),
        feedback=_feedback(None, FeedbackEvent(kind, at.replace(microsecond=0), bounce), suppress, delivery),
    )


def read_text_event(event: Mapping[str, Any]) -> TextReport:
    """One event of AWS End User Messaging; those of other kinds than texts are ignored. Raises MalformedEvent."""
    name = _text(event, "eventType")
    known = _EVENTS.get(name)
    if known is None and name.startswith("TEXT_") and name not in _EVENTS:
        raise MalformedEvent("eventType is none that AWS End User Messaging documents")
    milliseconds = event.get("eventTimestamp")
    if known is not None and not isinstance(milliseconds, int | float):
        raise MalformedEvent("eventTimestamp is missing or no number")
    made = None
    if known is not None:
        kind, bounce = known
        made = FeedbackEvent(kind, datetime.fromtimestamp(int(milliseconds or 0) // 1000, UTC), bounce)
    suppress = _HARD if made is not None and made.bounce_type is BounceType.HARD else None
    address = {"destination": event.get("destinationPhoneNumber")}
    return TextReport(_text(event, "messageId"), _feedback(_send_of(event), made, suppress, address))


def read_answer(payload: Mapping[str, Any]) -> TextAnswer:
    """What a customer texted back. Raises MalformedEvent."""
    previous = payload.get("previousPublishedMessageId")
    return TextAnswer(
        _kind_of(str(payload.get("messageBody") or "")),
        number=_text(payload, "originationNumber"),
        to=_text(payload, "destinationNumber"),
        message_id=previous if isinstance(previous, str) and previous else None,
    )


def _kind_of(text: str) -> AnswerKind:
    """Keyboards write letters of full width, quotes, signs and courtesies around what is said."""
    written = unicodedata.normalize("NFKC", text).replace("\u2019", "'").upper()
    words = [word.lstrip("'-") for word in _WORD.findall(written)]
    said = [word for word in words if word not in _COURTESY]
    if {" ".join(said[:1]), " ".join(said[:2])} & _STOP or " ".join(said) in _STOP_ALONE:
        return AnswerKind.STOP
    return AnswerKind.HELP if " ".join(said) in _HELP else AnswerKind.OTHER


def _feedback(
    send_id: SendId | None, event: FeedbackEvent | None, suppress: str | None, delivery: Mapping[str, Any]
) -> Feedback:
    number = delivery.get("destination")
    return Feedback(
        send_id,
        event,
        channel=ChannelName.SMS.value,
        suppress=suppress,
        address=number if suppress and isinstance(number, str) else None,
    )


def _send_of(event: Mapping[str, Any]) -> SendId | None:
    context = event.get("context")
    named = context.get("send_id") if isinstance(context, Mapping) else None
    try:
        return SendId.parse(named) if isinstance(named, str) else None
    except ValueError:
        return None


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    if not isinstance(found, Mapping):
        raise MalformedEvent(f"the entry has no {name}")
    return found


def _text(of: Mapping[str, Any], name: str) -> str:
    found = of.get(name)
    if not isinstance(found, str) or not found:
        raise MalformedEvent(f"the event has no {name}")
    return found


def _instant(text: object) -> datetime:
    try:
        return parse_instant(str(text))
    except ValueError:
        raise MalformedEvent("the entry's timestamp is none") from None
