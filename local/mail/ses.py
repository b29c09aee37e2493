"""The SES v2 calls that Winback makes at run time, as a pure request handler: no socket, no clock of its own.

Validates as SES does, so that what passes here is no surprise there; what a request's fields may hold is in
`ses_requests`. Quotas: https://docs.aws.amazon.com/ses/latest/dg/quotas.html.
"""

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parseaddr
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from local.mail.messages import Message
from local.mail.resources import Resources
from local.mail.ses_requests import SesError, destination_of, raw_parts, required, simple_parts, tags_of

MAX_MESSAGE_BYTES = 40 * 1024 * 1024

_STATUS = {
    "AccessDeniedException": HTTPStatus.FORBIDDEN,
    "NotFoundException": HTTPStatus.NOT_FOUND,
    "TooManyRequestsException": HTTPStatus.TOO_MANY_REQUESTS,
    "ConcurrentModificationException": HTTPStatus.INTERNAL_SERVER_ERROR,
    "InternalServiceErrorException": HTTPStatus.INTERNAL_SERVER_ERROR,
}


# What a request needs, by method and first part of the path; the resource is the account where none is named.
_ACTIONS = {
    ("POST", "outbound-emails"): "ses:SendEmail",
    ("GET", "account"): "ses:GetAccount",
    ("PUT", "suppression"): "ses:PutSuppressedDestination",
    ("GET", "suppression"): "ses:GetSuppressedDestination",
    ("DELETE", "suppression"): "ses:DeleteSuppressedDestination",
    ("POST", "identities"): "ses:CreateEmailIdentity",
    ("GET", "identities"): "ses:GetEmailIdentity",
    ("GET", "configuration-sets"): "ses:GetConfigurationSet",
    ("POST", "tenants"): "ses:CreateTenant",
    ("POST", "tenants/get"): "ses:GetTenant",
    ("POST", "tenants/resources"): "ses:CreateTenantResourceAssociation",
    ("POST", "tenant"): "ses:PutTenantSuppressionAttributes",
}
_NAMED = {"ses:GetEmailIdentity": "identity", "ses:GetConfigurationSet": "configuration-set"}  # the path names it


def needed_permission(method: str, path: str, body: bytes, *, arns: str) -> tuple[str, list[str]]:
    """Action and resources that IAM checks; `arns` is such as `arn:aws:ses:us-east-1:000000000000`. A message needs its
    sender's domain and its configuration set:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html."""
    kind, *named = unquote(path).removeprefix("/v2/email/").split("/")
    action = _ACTIONS.get((method, "/".join((kind, *named))) if kind == "tenants" else (method, kind), "ses:Unknown")
    if action in _NAMED:
        return action, [f"{arns}:{_NAMED[action]}/{named[0]}"]
    if action != "ses:SendEmail":
        return action, ["*"]
    try:
        payload = json.loads(body)
    except json.JSONDecodeError:
        return action, ["*"]
    domain = parseaddr(payload.get("FromEmailAddress", ""))[1].rpartition("@")[2]
    sets = [payload["ConfigurationSetName"]] if payload.get("ConfigurationSetName") else []
    return action, [f"{arns}:identity/{domain}", *(f"{arns}:configuration-set/{name}" for name in sets)]


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire; `drop` means that the connection breaks instead."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False


@dataclass(frozen=True)
class Sending:
    """What the account may do: verified identities (addresses or domains), configuration sets, quotas."""

    configuration_sets: frozenset[str]
    identities: frozenset[str]
    tenants: frozenset[str] = frozenset()
    max_send_rate: float = 14.0
    max_24_hour_send: int = 50_000


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the n-th SendEmail call from now on, counted from 1.

    `accept_then_drop`: the message is taken, the connection breaks before the answer. `drop`: it breaks and nothing
    is taken. `throttle`, `refuse` and `fail`: the answer is TooManyRequestsException, MessageRejected, or a 500.
    """

    call: int
    kind: str

    KINDS = ("accept_then_drop", "drop", "throttle", "refuse", "fail")

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS:
            raise ValueError(f"fault kind {self.kind!r} is not one of {', '.join(self.KINDS)}")


class Mailbox:
    """One account's SES: answers requests, keeps accepted messages and the suppression list. Safe between threads."""

    def __init__(
        self,
        sending: Sending,
        *,
        now: Callable[[], datetime],
        ticks: Callable[[], float],
        accepted: Callable[[Message], None] = lambda _: None,
    ) -> None:
        """`now` stamps messages; `ticks` are real seconds for the send rate; `accepted` hears of each message once."""
        self._sending = sending
        tenants = {name: {"SuppressionScope": "TENANT"} for name in sending.tenants}
        self._resources = Resources(set(sending.identities), sending.configuration_sets, tenants)
        self._now, self._ticks, self._accepted = now, ticks, accepted
        self._lock = threading.RLock()
        self._last_second: deque[float] = deque()
        self._faults: dict[int, str] = {}
        self._calls = 0
        self.messages: list[Message] = []
        self.suppressed: dict[tuple[str, str], tuple[str, datetime]] = {}  # (tenant or nothing, address)
        self.throttled = 0

    def inject(self, faults: list[Fault]) -> None:
        """Replaces the planned faults and starts to count SendEmail calls anew."""
        with self._lock:
            self._faults = {fault.call: fault.kind for fault in faults}
            self._calls = 0

    def suppress(self, address: str, reason: str, tenant: str | None = None) -> None:
        """As SES does after a hard bounce (`BOUNCE`) or a complaint (`COMPLAINT`), on the list that counts there."""
        with self._lock:
            self.suppressed[self._resources.list_of(tenant), address.lower()] = (reason, self._now())

    def is_suppressed(self, address: str, tenant: str | None = None) -> bool:
        return (self._resources.list_of(tenant), address.lower()) in self.suppressed

    def handle(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        """Answers one request of the SDK. Unknown paths get SES's UnknownOperationException."""
        try:
            payload = json.loads(body) if body else {}
            return self._route(method, unquote(path).rstrip("/"), query, payload, len(body))
        except json.JSONDecodeError:
            return error_answer("SerializationException", "The request body is not JSON")
        except SesError as error:
            return error_answer(error.code, str(error))

    def _route(self, method: str, path: str, query: Mapping[str, str], payload: dict[str, Any], size: int) -> Answer:
        match method, path.removeprefix("/v2/email/").split("/"):
            case "POST", ["outbound-emails"]:
                return self._send(payload, size)
            case "GET", ["account"]:
                return self._account()
            case "PUT", ["suppression", "addresses"]:
                return self._put_suppressed(payload)
            case "GET", ["suppression", "addresses"]:
                return self._list_suppressed(query)
            case "GET", ["suppression", "addresses", address]:
                return self._get_suppressed(address, query.get("TenantName"))
            case "DELETE", ["suppression", "addresses", address]:
                with self._lock:
                    place = self._resources.list_of(query.get("TenantName")), address.lower()
                    if self.suppressed.pop(place, None) is None:
                        raise SesError("NotFoundException", f"Email address {address} does not exist on your list.")
                return Answer(200, {})
            case _, parts:
                return Answer(200, self._resources.answer(method, parts, payload))

    def _account(self) -> Answer:
        day_ago = self._now() - timedelta(days=1)
        quota = {
            "Max24HourSend": self._sending.max_24_hour_send,
            "MaxSendRate": self._sending.max_send_rate,
            "SentLast24Hours": sum(1 for message in self.messages if message.sent_at > day_ago),
        }
        body = {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": True}
        return Answer(200, {**body, "EnforcementStatus": "HEALTHY", "DedicatedIpAutoWarmupEnabled": False})

    def _put_suppressed(self, payload: dict[str, Any]) -> Answer:
        reason = payload.get("Reason")
        if reason not in ("BOUNCE", "COMPLAINT"):
            raise SesError("BadRequestException", f"Reason must be BOUNCE or COMPLAINT, not {reason!r}")
        self.suppress(required(payload, "EmailAddress"), reason, payload.get("TenantName"))
        return Answer(200, {})

    def _get_suppressed(self, address: str, tenant: str | None) -> Answer:
        entry = self.suppressed.get((self._resources.list_of(tenant), address.lower()))
        if entry is None:
            raise SesError("NotFoundException", f"Email address {address} does not exist on your list.")
        return Answer(200, {"SuppressedDestination": _suppressed(address.lower(), entry)})

    def _list_suppressed(self, query: Mapping[str, str]) -> Answer:
        of = self._resources.list_of(query.get("TenantName"))
        with self._lock:
            entries = sorted((address, entry) for (tenant, address), entry in self.suppressed.items() if tenant == of)
        start, size = int(query.get("NextToken", "0")), int(query.get("PageSize", "1000"))
        page = [_suppressed(address, entry) for address, entry in entries[start : start + size]]
        more = {"NextToken": str(start + size)} if start + size < len(entries) else {}
        return Answer(200, {"SuppressedDestinationSummaries": page, **more})

    def _send(self, payload: dict[str, Any], size: int) -> Answer:
        with self._lock:
            self._calls += 1
            fault = self._faults.pop(self._calls, None)
            if fault == "drop":
                return Answer(0, {}, drop=True)
            if fault == "fail":
                raise SesError("InternalServiceErrorException", "An internal error occurred")
            if fault == "refuse":
                raise SesError("MessageRejected", "Address blacklisted.")
            if fault == "throttle" or not self._within_rate():
                self.throttled += 1
                raise SesError("TooManyRequestsException", "Maximum sending rate exceeded.")
            if len(self.messages) >= self._sending.max_24_hour_send and self._sent_today() >= (
                self._sending.max_24_hour_send
            ):
                raise SesError("LimitExceededException", "Daily message quota exceeded.")
            message = self._accept(payload, size)
            self.messages.append(message)
        self._accepted(message)
        return Answer(200, {"MessageId": message.message_id}, drop=fault == "accept_then_drop")

    def _sent_today(self) -> int:
        day_ago = self._now() - timedelta(days=1)
        return sum(1 for message in self.messages if message.sent_at > day_ago)

    def _within_rate(self) -> bool:
        moment = self._ticks()
        while self._last_second and self._last_second[0] <= moment - 1:
            self._last_second.popleft()
        if len(self._last_second) >= self._sending.max_send_rate:
            return False
        self._last_second.append(moment)
        return True

    def _accept(self, payload: dict[str, Any], size: int) -> Message:
        if size > MAX_MESSAGE_BYTES:
            raise SesError("MessageRejected", f"Message length is more than {MAX_MESSAGE_BYTES} bytes long")
        source = required(payload, "FromEmailAddress")
        self._check_identity(source)
        tenant = payload.get("TenantName")
        self._resources.list_of(tenant)  # the tenant is there
        configuration_set = payload.get("ConfigurationSetName", "")
        if configuration_set and configuration_set not in self._sending.configuration_sets:
            raise SesError("NotFoundException", f"Configuration set <{configuration_set}> does not exist.")
        destination = destination_of(payload)
        content = payload.get("Content", {})
        match sorted(content):
            case ["Simple"]:
                subject, text, html, headers = simple_parts(content["Simple"])
            case ["Raw"]:
                subject, text, html, headers = raw_parts(content["Raw"])
            case _:
                raise SesError("BadRequestException", "Content must hold exactly one of Simple and Raw here")
        return Message(
            message_id=f"0100{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000",
            sent_at=self._now(),
            source=source,
            destination=destination,
            subject=subject,
            text=text,
            html=html,
            headers=headers,
            tags=tags_of(payload.get("EmailTags", [])),
            configuration_set=configuration_set,
            tenant=tenant,
        )

    def _check_identity(self, source: str) -> None:
        address = parseaddr(source)[1]
        if "@" not in address:
            raise SesError("BadRequestException", "Missing final '@domain'")
        labels = address.rpartition("@")[2].lower().split(".")
        domains = {".".join(labels[start:]) for start in range(len(labels))}
        if address not in self._resources.identities and not domains & self._resources.identities:
            raise SesError(
                "MessageRejected",
                "Email address is not verified. The following identities failed the check in region US-EAST-1: "
                + address,
            )


def error_answer(code: str, message: str) -> Answer:
    status = _STATUS.get(code, HTTPStatus.BAD_REQUEST)
    return Answer(status, {"message": message}, {"x-amzn-ErrorType": code})


def _suppressed(address: str, entry: tuple[str, datetime]) -> dict[str, Any]:
    reason, at = entry
    return {"EmailAddress": address, "Reason": reason, "LastUpdateTime": at.timestamp()}
