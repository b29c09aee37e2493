"""The touches that a row of the send ledger tells of."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from winback.engagement.touches import Touch, TouchKind
from winback.identifiers import KEY_LENGTH, SendId
from winback.instants import parse_instant

# What says that a message left, the earliest: the provider's answer to the sender, its event where it tells one, and
# the arrival of a send whose answer was lost.
_SENT_BY = ("sent_at", "accepted_at", "delivered_at")
# The ledger's attribute of the earliest instant of each (docs/data-model.md, send), and whether a machine did it.
_TOLD_BY = {
    "delivered_at": (TouchKind.DELIVERED, False),
    "opened_at": (TouchKind.OPENED, False),
    "machine_opened_at": (TouchKind.OPENED, True),
    "clicked_at": (TouchKind.CLICKED, False),
    "bot_clicked_at": (TouchKind.CLICKED, True),
    "unsubscribed_at": (TouchKind.UNSUBSCRIBED, False),
}


class MalformedRow(ValueError):
    """A row of the ledger that nothing of ours writes; the message names the attribute, not its value."""


@dataclass(frozen=True)
class SendTouches:
    send_id: SendId
    touches: tuple[Touch, ...]


_ANSWERS = (TouchKind.OPENED, TouchKind.CLICKED)


def touches_of_send(row: Mapping[str, Any]) -> SendTouches | None:
    """All touches that the row tells of so far, those told before included; None for a row that is no send.

    Their ids depend on the send and the kind alone, so an instant that moves back later names the same touch.
    Raises MalformedRow.
    """
    pk, sk = row.get("pk"), row.get("sk")
    if not isinstance(pk, str) or not isinstance(sk, str):
        raise MalformedRow("the row has no keys: expected pk and sk")
    if not sk.startswith("send#"):
        return None
    send_id = _send_id(pk, sk)
    return SendTouches(send_id, tuple(_touches(send_id, row)))


def _send_id(pk: str, sk: str) -> SendId:
    account, _, customer = pk.partition("#")
    launch, _, step = sk.removeprefix("send#").partition("#")
    try:
        return SendId.parse(f"{account}_{launch}_{step}_{customer}")
    except ValueError:
        raise MalformedRow("the row's keys are no send's: expected account#customer and send#launch#step") from None


def _touches(send_id: SendId, row: Mapping[str, Any]) -> Iterator[Touch]:
    drawn, channel, customer = _hour_weight(row), row.get("channel"), send_id.customer_key
    sent = [_instant(row, attribute) for attribute in _SENT_BY if row.get(attribute) is not None]
    if sent:
        yield Touch(customer, TouchKind.SENT, channel, min(sent), _touch_id(send_id, "sent_at"), False, None)
    for attribute, (kind, by_machine) in _TOLD_BY.items():
        if row.get(attribute) is None:
            continue
        weight = drawn if kind in _ANSWERS else None
        at = _instant(row, attribute)
        yield Touch(customer, kind, channel, at, _touch_id(send_id, attribute), by_machine, weight)


def _instant(row: Mapping[str, Any], attribute: str) -> datetime:
    try:
        return parse_instant(row[attribute])
    except (AttributeError, ValueError):
        raise MalformedRow(f"{attribute} of the row is not an instant") from None


def _hour_weight(row: Mapping[str, Any]) -> float | None:
    """The inverse of the propensity of the send's hour, relative to drawing all possible hours alike."""
    propensity, possible = row.get("hour_propensity"), row.get("possible_hours")
    if propensity is None or possible is None:
        return None
    try:
        weight = 1 / (float(possible) * float(propensity))
    except (ArithmeticError, TypeError, ValueError):
        weight = 0.0
    if not 0 < weight < float("inf") or float(propensity) > 1:
        raise MalformedRow("hour_propensity and possible_hours of the row are no probability and number of hours")
    return round(weight, 6)


def _touch_id(send_id: SendId, attribute: str) -> str:
    return hashlib.sha256(f"{send_id}:{attribute}".encode()).hexdigest()[:KEY_LENGTH]
