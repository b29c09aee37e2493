"""Reads SES's events, as a topic of SNS hands them on raw, into ledger events and suppressions. Pure.

Shapes: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from winback.delivery.ledger import BounceType, EventKind, FeedbackEvent
from winback.identifiers import SendId
from winback.instants import parse_instant

# What SES publishes, as plain text, when a topic becomes the destination of a configuration set.
TOPIC_TRIED = "Successfully validated SNS topic"
# Each event type with the object that holds its particulars; its `timestamp` is the event's time.
_TYPES: dict[str, tuple[EventKind, str]] = {
    "Send": (EventKind.SENT, "send"),
    "Delivery": (EventKind.DELIVERED, "delivery"),
    "DeliveryDelay": (EventKind.DELAYED, "deliveryDelay"),
    "Bounce": (EventKind.BOUNCED, "bounce"),
    "Complaint": (EventKind.COMPLAINED, "complaint"),
    "Reject": (EventKind.REJECTED, "reject"),
    "Rendering Failure": (EventKind.RENDERING_FAILED, "failure"),
    "Open": (EventKind.OPENED, "open"),
    "Click": (EventKind.CLICKED, "click"),
}
# SES's own subscription management, which we do not use: our unsubscribe page is the only way out.
_IGNORED = frozenset({"Subscription"})

# A reader took the mail out of the junk folder, which mailbox providers tell in the form of a complaint.
NOT_SPAM = "not-spam"

# Nobody reads or clicks this soon after the hand-over to SES, with the delivery still to come in between.
_TOO_FAST = timedelta(seconds=2)
# Apple's Mail Privacy Protection sends this and nothing more; Gmail's and Yahoo's proxies name themselves.
_PROXY = re.compile(r"^Mozilla/5\.0$|GoogleImageProxy|YahooMailProxy|^$", re.IGNORECASE)
_ROBOT = re.compile(
    r"bot\b|crawler|spider|scanner|barracuda|proofpoint|urldefense|mimecast|safelinks|symantec|trend ?micro|cloudmark"
    r"|headlesschrome|python-requests|aiohttp|curl/|wget/|go-http-client|java/|okhttp|libwww",
    re.IGNORECASE,
)


class MalformedEvent(ValueError):
    """Not an SES event as documented. The text names what is missing and repeats nothing of the event."""


@dataclass(frozen=True)
class Feedback:
    """One event of a channel's provider. `send_id` is None when the message was not one of ours, `event` when it is a
    kind that is ignored.

    `suppress` is the suppression reason (hard_bounce, complaint, unsubscribe) that the event gives for `address`.
    """

    send_id: SendId | None
    event: FeedbackEvent | None
    channel: str = "email"
    suppress: str | None = None
    address: str | None = None


def json_object(text: str) -> dict[str, Any]:
    """Raises MalformedEvent."""
    try:
        found = json.loads(text)
    except ValueError:
        raise MalformedEvent("the message is not JSON") from None
    if not isinstance(found, dict):
        raise MalformedEvent("the message is not an object")
    return found


def read_message(text: str) -> Feedback:
    """A message of the topic: an event, or SES's trial of the topic. Raises MalformedEvent."""
    if text.startswith(TOPIC_TRIED):
        return Feedback(None, None)
    return read_event(json_object(text))


def read_event(told: Mapping[str, Any]) -> Feedback:
    """Raises MalformedEvent."""
    mail = _part(told, "mail")
    kind_name = str(told.get("eventType"))
    send_id = _send_id(mail)
    if kind_name in _IGNORED:
        return Feedback(send_id, None)
    if kind_name not in _TYPES:
        raise MalformedEvent("eventType is missing or not one that SES documents")
    kind, particulars_name = _TYPES[kind_name]
    particulars = _part(told, particulars_name)
    # A send, a reject and a rendering failure have no time of their own: SES tells of them when it took the mail.
    at = _instant(particulars.get("timestamp") or mail.get("timestamp"))
    match kind:
        case EventKind.BOUNCED:
            hard = particulars.get("bounceType") == "Permanent"
            event = FeedbackEvent(kind, at, BounceType.HARD if hard else BounceType.SOFT)
            return Feedback(
                send_id,
                event,
                suppress="hard_bounce" if hard else None,
                address=_address(particulars.get("bouncedRecipients"), mail) if hard else None,
            )
        case EventKind.COMPLAINED if particulars.get("complaintFeedbackType") == NOT_SPAM:
            return Feedback(send_id, None)
        case EventKind.COMPLAINED:
            address = _address(particulars.get("complainedRecipients"), mail)
            return Feedback(send_id, FeedbackEvent(kind, at), suppress="complaint", address=address)
        case EventKind.OPENED | EventKind.CLICKED:
            return Feedback(send_id, FeedbackEvent(_by_whom(kind, particulars, mail, at), at))
        case _:
            return Feedback(send_id, FeedbackEvent(kind, at))


def _by_whom(kind: EventKind, particulars: Mapping[str, Any], mail: Mapping[str, Any], at: datetime) -> EventKind:
    """A person, or a machine: by what its agent says of itself, and by a speed that no person has.

    Decided from the event alone, so that the order of events does not matter.
    """
    agent = str(particulars.get("userAgent") or "")
    handed_over = mail.get("timestamp")
    machine = (
        _ROBOT.search(agent) is not None
        or (kind is EventKind.OPENED and _PROXY.search(agent) is not None)
        or (isinstance(handed_over, str) and at - _instant(handed_over) <= _TOO_FAST)
    )
    if not machine:
        return kind
    return EventKind.MACHINE_OPENED if kind is EventKind.OPENED else EventKind.BOT_CLICKED


def _send_id(mail: Mapping[str, Any]) -> SendId | None:
    tags = mail.get("tags")
    values = tags.get("send_id") if isinstance(tags, Mapping) else None
    if not isinstance(values, list) or len(values) != 1:
        return None
    try:
        return SendId.parse(str(values[0]))
    except ValueError:
        return None


def _address(recipients: object, mail: Mapping[str, Any]) -> str | None:
    """Of the mail's destination: each of our mails has one recipient. Who bounced may be named by the address that the
    recipient forwards to (the report's Final-Recipient), to which we never write."""
    destination = mail.get("destination")
    address = destination[0] if isinstance(destination, list) and len(destination) == 1 else None
    if address is None and isinstance(recipients, list) and recipients and isinstance(recipients[0], Mapping):
        address = recipients[0].get("emailAddress")
    if not isinstance(address, str) or "@" not in address:
        return None
    return address.rpartition("<")[2].rstrip(">").strip()


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    if not isinstance(part, Mapping):
        raise MalformedEvent(f"the event has no object {name!r}")
    return part


def _instant(text: object) -> datetime:
    try:
        return parse_instant(str(text))
    except ValueError:
        raise MalformedEvent("the event has no readable time") from None
