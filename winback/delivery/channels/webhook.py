"""The account's own endpoint, which passes the message on: to a messenger, a printer of letters, another tool.

Requests are signed as Standard Webhooks has it, so that endpoints can check them with a library of their language:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from winback.accounts.channels import ChannelName
from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.messages.values import DataMessage
from winback.identifiers import SendId
from winback.instants import format_instant

HTTPS_PORT = 443
_ENCODED_KEY = "whsec_"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Statuses that do not depend on the message: the address or the key is wrong.
_WRONG_SETTINGS = frozenset({401, 403, 404, 405, 410})
_COME_LATER = frozenset({408, 425, 503})  # the endpoint says itself that it took nothing


class WebhookChannel:
    name = ChannelName.WEBHOOK

    def address(self, profile: Mapping[str, Any]) -> str | None:
        """The endpoint knows the customer by the store's own id."""
        return profile.get("customer_id") or None

    def deliverable(self, address: str, country: str | None) -> str | None:  # noqa: ARG002 (the same everywhere)
        return address


def body_of(send_id: SendId, customer_id: str, message: DataMessage, at: datetime) -> bytes:
    content = {
        "type": "message",
        "timestamp": format_instant(at),
        "data": {
            "send_id": str(send_id),
            "account_id": send_id.account_id,
            "launch_id": send_id.launch_id,
            "step": send_id.step,
            "customer_id": customer_id,
            "fields": dict(message.fields),
        },
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(secret: str, send_id: SendId, body: bytes, at: datetime) -> dict[str, str]:
    """The send's id is the idempotency key. `secret` is `whsec_` and base64, or any text.

    Raises ProviderMisconfigured when it is not base64.
    """
    timestamp = str(int(at.timestamp()))
    signed = b".".join((str(send_id).encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Winback",
        "Idempotency-Key": str(send_id),
        "webhook-id": str(send_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def _key(secret: str) -> bytes:
    if secret.startswith(_ENCODED_KEY):
        try:
            return base64.b64decode(secret.removeprefix(_ENCODED_KEY), validate=True)
        except binascii.Error as error:
            raise ProviderMisconfigured("SigningKeyIsNotBase64", "the webhook") from error
    return secret.encode()


def answer_of_status(status: int, send_id: SendId) -> Answer:
    """2xx took it, 4xx refused it, 429 and 503 want it later, another 5xx may have taken it.

    Raises ProviderMisconfigured for a redirect, and for what every message would be answered.
    """
    code = f"Http{status}"
    if 200 <= status < 300:
        return Accepted(str(send_id))
    if 300 <= status < 400 or status in _WRONG_SETTINGS:
        raise ProviderMisconfigured(code, "the webhook")
    if status == 429:
        return Throttled(code, brief=True)
    if status in _COME_LATER:
        return Throttled(code)
    return Refused(code) if status < 500 else Unclear(code)


def host_of(url: str) -> tuple[str, int]:
    """Name, in its ASCII form, and port. Raises ProviderMisconfigured for anything but https, and for what is no
    address: a port or a name that there cannot be."""
    try:
        parts = urlsplit(url)
        port, host = parts.port or HTTPS_PORT, (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise ProviderMisconfigured("NoAddress", "the webhook") from error
    if parts.scheme != "https" or not host:
        raise ProviderMisconfigured("NotHttps", "the webhook")
    return host, port


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: not of a private network, this machine, or the cloud's own."""
    found = ipaddress.ip_address(address)
    inner = _inner(found) if isinstance(found, ipaddress.IPv6Address) else None
    return (inner or found).is_global and not (inner or found).is_multicast


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a gateway would go on to: of a mapped address, of NAT64 (RFC 6052) and of 6to4."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
