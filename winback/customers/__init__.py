"""Customers as a store tells them: profile and consent, and what a new statement changes."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from winback.accounts.channels import ChannelName
from winback.fields import LEEWAY, Identifier, Optional, OptionalText, ReceivedInstant
from winback.identifiers import CustomerKey
from winback.instants import format_instant, time_zone_names

_SEPARATOR = "\x1f"
# The HTML standard's pattern with a dot in the domain and international names; winback/imports/sql has the same.
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+[^\W_](?:(?:[^\W_]|-){{0,61}}[^\W_])")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
_LOCALE = re.compile(r"[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8}){0,3}")


class OpenCase(StrEnum):
    """What is open between the store and a customer: until it is closed the customer hears from no campaign."""

    COMPLAINT = "complaint"
    REFUND = "refund"
    ORDER_IN_TRANSIT = "order_in_transit"


class ConsentState(StrEnum):
    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


def _email(text: str) -> str:
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise ValueError("is not an e-mail address: expected one such as ann@example.com")
    return text


def _phone(text: str) -> str:
    digits = re.sub(r"[ ().-]", "", text)
    if not _PHONE.fullmatch(digits):
        raise ValueError("is not an international number: expected one such as +4930123456")
    return digits


def _zone(name: str) -> str:
    if name not in time_zone_names():
        raise ValueError("is not a time zone: expected an IANA name such as Europe/Berlin")
    return name


def _country(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", code.upper()):
        raise ValueError("is not a country: expected an ISO 3166 code of two letters such as DE")
    return code.upper()


def _locale(tag: str) -> str:
    if not _LOCALE.fullmatch(tag):
        raise ValueError("is not a locale: expected a language tag such as de-DE")
    return tag


def _each_once(cases: tuple[OpenCase, ...]) -> tuple[OpenCase, ...]:
    return tuple(sorted(set(cases)))


OpenCases = Annotated[tuple[OpenCase, ...], AfterValidator(_each_once)]
PushToken = Annotated[str, Field(min_length=8, max_length=4096, pattern=r"^[\x21-\x7e]+$")]


class Consent(BaseModel):
    """What the customer said about one channel; `at` is when, `source` where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: ConsentState
    at: ReceivedInstant | None = None
    source: OptionalText = None


class Customer(BaseModel):
    """One customer as received; a channel without a consent is one that the store says nothing about.

    `acquisition_channel` is the store's own word for where the customer came from, such as `paid search`. `push_token`
    is the device's, of the account's app, or the ARN of its endpoint in SNS. `open_cases` are all that are open: an
    empty list closes those told before, and a statement without one says nothing of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer_id: Identifier
    email: Annotated[Annotated[str, AfterValidator(_email)] | None, Optional] = None
    phone: Annotated[Annotated[str, AfterValidator(_phone)] | None, Optional] = None
    first_name: OptionalText = None
    last_name: OptionalText = None
    time_zone: Annotated[Annotated[str, AfterValidator(_zone)] | None, Optional] = None
    country: Annotated[Annotated[str, AfterValidator(_country)] | None, Optional] = None
    locale: Annotated[Annotated[str, AfterValidator(_locale)] | None, Optional] = None
    consent: dict[ChannelName, Consent] = Field(default_factory=dict)
    created_at: ReceivedInstant | None = None
    acquisition_channel: OptionalText = None
    push_token: Annotated[PushToken | None, Optional] = None
    open_cases: OpenCases | None = None

    def ahead_of(self, now: datetime) -> list[str]:
        """Fields whose time is more than a day after `now`. A consent of the future would outlast every denial."""
        times = {f"consent.{channel.value}.at": consent.at for channel, consent in self.consent.items()}
        times["created_at"] = self.created_at
        return [field for field, at in times.items() if at is not None and at > now + LEEWAY]

    def fingerprint(self) -> str:
        """Tells a repeated statement from a changed one."""
        parts = [self.customer_id, self.email, self.phone, self.first_name, self.last_name]
        parts += [self.time_zone, self.country, self.locale, _text(self.created_at)]
        for channel in (ChannelName.EMAIL, ChannelName.SMS, ChannelName.PUSH):
            consent = self.consent.get(channel)
            parts += [consent.state, _text(consent.at), consent.source] if consent else ["", "", ""]
        # A statement without what was not always taken keeps the fingerprint of before.
        if self.acquisition_channel is not None:
            parts.append(self.acquisition_channel)
        if self.push_token is not None:
            parts.append(f"push_token={self.push_token}")
        if self.open_cases is not None:
            parts.append(f"open_cases={';'.join(self.open_cases)}")
        for channel in (ChannelName.WEBHOOK, ChannelName.CALL):
            if consent := self.consent.get(channel):
                parts += [channel, consent.state, _text(consent.at), consent.source]
        return hashlib.sha256(_SEPARATOR.join(part or "" for part in parts).encode()).hexdigest()[:16]


def profile_of(customer: Customer, known: Mapping[str, Any] | None, *, received_at: datetime) -> dict[str, Any]:
    """The profile after this statement (docs/data-model.md, without its key).

    Names and addresses are as stated now: what is not stated is gone. Consent is per channel: a channel that is not
    mentioned keeps what is known; of two dated statements the later counts; an undated one never lifts a denial. Open
    cases that are not mentioned stay as they are known. Of a statement that was received before what is known, such as
    a file that waited in the queue, consent alone counts.
    """
    stated = customer.model_dump(exclude={"consent", "created_at", "open_cases"}, exclude_none=True)
    consent: dict[str, Any] = dict((known or {}).get("consent") or {})
    for channel, statement in customer.consent.items():
        before = consent.get(channel.value)
        if before is None or _supersedes(statement, before, format_instant(received_at)):
            consent[channel.value] = {
                "state": statement.state.value,
                "at": format_instant(statement.at or received_at),
                **({"source": statement.source} if statement.source else {}),
                **({"undated": True} if statement.at is None and statement.state is not ConsentState.DENIED else {}),
            }
    if known is not None and known.get("updated_at", "") > format_instant(received_at):
        return {**known, "consent": consent}
    profile = {**stated, "consent": consent, "fingerprint": customer.fingerprint()}
    known_cases = (known or {}).get("open_cases", [])
    if cases := known_cases if customer.open_cases is None else [case.value for case in customer.open_cases]:
        profile["open_cases"] = list(cases)
    if customer.created_at:
        profile["created_at"] = format_instant(customer.created_at)
    return {**profile, "updated_at": format_instant(received_at)}


def _supersedes(statement: Consent, before: Mapping[str, Any], received_at: str) -> bool:
    """An undated statement yields to a denial of whatever day, also to one that is told after it. One that denies what
    was denied before holds from when it was received, so that no consent given in between lifts it."""
    denies, denied = statement.state is ConsentState.DENIED, before.get("state") == ConsentState.DENIED
    if statement.at is None:
        newer, same = received_at > before.get("at", ""), before.get("state") == statement.state
        return denies and newer if denied else denies or (not same and newer)
    if before.get("undated") and denies:
        return True
    return "at" not in before or format_instant(statement.at) >= before["at"]


def row_of(customer: Customer, customer_key: CustomerKey, received_at: datetime) -> dict[str, Any]:
    """As the lake keeps a received profile."""
    body = customer.model_dump(mode="json", exclude_none=True)
    return {**body, "customer_key": customer_key, "received_at": format_instant(received_at)}


def _text(moment: datetime | None) -> str | None:
    return format_instant(moment) if moment else None
