"""How long a message may be: what mail programs clip, phones cut off, and operators charge for."""

from winback.delivery.channels.sms_parts import measure
from winback.delivery.messages.templates import Problem
from winback.delivery.messages.values import DataMessage, EmailMessage, Message, PushMessage, SmsMessage

MAX_HTML_BYTES = 102 * 1024
"""Gmail clips what follows, the unsubscribe link with it: https://support.google.com/mail/answer/13563112."""
MAX_SMS_PARTS = 3
MAX_PUSH_TITLE, MAX_PUSH_BODY = 65, 240
"""Characters that phones show of a notification at most, opened out."""


def problems_of_message(message: Message, place: str, whom: str) -> list[Problem]:
    """Of a rendered message; `place` stands before the part's name, `whom` says for which customer."""
    match message:
        case EmailMessage():
            size = size_of(message)
            return _too_much(f"{place}mjml", f"{size:,} bytes of HTML", size, MAX_HTML_BYTES, "bytes", whom)
        case SmsMessage(text):
            parts = measure(text).parts
            return _too_much(f"{place}sms", f"{parts} parts", parts, MAX_SMS_PARTS, "parts", whom)
        case PushMessage(title, body, _):
            return [
                *_too_much(f"{place}push_title", f"{len(title)} characters", len(title), MAX_PUSH_TITLE, "", whom),
                *_too_much(f"{place}push_body", f"{len(body)} characters", len(body), MAX_PUSH_BODY, "", whom),
            ]
        case DataMessage():
            return []


def size_of(message: EmailMessage) -> int:
    """Bytes of the HTML part."""
    return len(message.html.encode())


def _too_much(part: str, found: str, size: int, most: int, unit: str, whom: str) -> list[Problem]:  # noqa: PLR0917
    if size <= most:
        return []
    return [Problem(part, 1, f"has {found} {whom}", f"at most {most:,} {unit}".strip())]
