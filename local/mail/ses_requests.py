"""What a request to SES v2 says: its fields, checked as SES does, or the error that SES answers instead.

Limits and error codes: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html,
.../API_MessageTag.html, .../API_MessageHeader.html and https://docs.aws.amazon.com/ses/latest/dg/quotas.html.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

MAX_RECIPIENTS = 50
MAX_HEADERS = 15
MAX_HEADER_NAME, MAX_HEADER_VALUE = 126, 870
MAX_TAG = 256
_TAG = re.compile(r"[A-Za-z0-9_-]+")
_SYSTEM_TAG = re.compile(r"ses:[A-Za-z0-9_-]+")  # names that SES itself reads, e.g. ses:no-track
_HEADER_NAME = re.compile(r"[!-9;-@A-~]+")
_HEADER_VALUE = re.compile(r"[ -~]*")

Parts = tuple[str, str | None, str | None, tuple[tuple[str, str], ...]]
"""Subject, text, HTML, headers."""


class SesError(Exception):
    """An answer that SES gives instead of a result; `code` is the exception's name in the SDKs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def required(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise SesError("BadRequestException", f"{name} is required")
    return value


def destination_of(payload: Mapping[str, Any]) -> tuple[str, ...]:
    named = payload.get("Destination", {})
    addresses = [one for kind in ("ToAddresses", "CcAddresses", "BccAddresses") for one in named.get(kind, [])]
    if not addresses:
        raise SesError("BadRequestException", "Destination needs at least one address")
    if len(addresses) > MAX_RECIPIENTS:
        raise SesError("MessageRejected", f"Recipient count exceeds {MAX_RECIPIENTS}.")
    plain = [address for _, address in getaddresses(addresses)]
    for address in plain:
        local, _, domain = address.rpartition("@")
        if not local or not domain:
            raise SesError("BadRequestException", "Missing final '@domain'")
        if not address.isascii():
            raise SesError("BadRequestException", "Local address contains control or whitespace, or is not ASCII")
    return tuple(plain)


def tags_of(listed: list[Mapping[str, str]]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for tag in listed:
        name, value = tag.get("Name", ""), tag.get("Value", "")
        for part, text in (("name", name), ("value", value)):
            well_formed = _TAG.fullmatch(text) or (part == "name" and _SYSTEM_TAG.fullmatch(text))
            if not well_formed or len(text) > MAX_TAG:
                raise SesError(
                    "BadRequestException",
                    f"Invalid tag {part} <{text[:40]}>: 1 to {MAX_TAG} characters of A-Z a-z 0-9 _ -",
                )
        if name in tags:
            raise SesError("BadRequestException", f"Duplicate tag name <{name}>.")
        tags[name] = value
    return tags


def simple_parts(content: Mapping[str, Any]) -> Parts:
    subject = content.get("Subject", {}).get("Data")
    body = content.get("Body", {})
    text, html = body.get("Text", {}).get("Data"), body.get("Html", {}).get("Data")
    if subject is None or (text is None and html is None):
        raise SesError("BadRequestException", "Content.Simple needs a Subject and a Body with Text or Html")
    headers = [(header.get("Name", ""), header.get("Value", "")) for header in content.get("Headers", [])]
    if len(headers) > MAX_HEADERS:
        raise SesError("BadRequestException", f"At most {MAX_HEADERS} headers are allowed, not {len(headers)}")
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name) or len(name) > MAX_HEADER_NAME:
            raise SesError("BadRequestException", f"Invalid header name <{name[:40]}>")
        if not value or len(value) > MAX_HEADER_VALUE or not _HEADER_VALUE.fullmatch(value):
            raise SesError(
                "BadRequestException",
                f"Invalid value of header <{name}>: 1 to {MAX_HEADER_VALUE} printable ASCII characters",
            )
    return subject, text, html, tuple(headers)


def raw_parts(content: Mapping[str, Any]) -> Parts:
    try:
        parsed = message_from_bytes(base64.b64decode(content.get("Data", ""), validate=True), policy=policy.default)
    except binascii.Error:
        raise SesError("SerializationException", "Raw.Data is not base64") from None
    assert isinstance(parsed, EmailMessage)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return (
        str(parsed.get("Subject", "")),
        text.get_content() if text is not None else None,
        html.get_content() if html is not None else None,
        tuple((name, str(value)) for name, value in parsed.items()),
    )
