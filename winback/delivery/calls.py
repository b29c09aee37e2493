"""Calls that account managers are to make, and what came of them. Pure.

A call is one send of the channel `call`. It is open until somebody says how it went; a customer who was not reached is
called again on another day, at most on MOST_DAYS days.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from winback.delivery.ledger import BounceType, EventKind
from winback.identifiers import AccountId, SendId

MOST_DAYS = 3


class CallState(StrEnum):
    OPEN = "open"
    DONE = "done"


class CallOutcome(StrEnum):
    REACHED = "reached"  # spoken to, nothing promised: also a feedback survey that was answered
    NOT_REACHED = "not_reached"
    AGREED = "agreed"
    DECLINED = "declined"
    WRONG_NUMBER = "wrong_number"  # nobody's, or somebody else's
    DO_NOT_CALL = "do_not_call"


# How the ledger counts it. A customer who agreed is engaged, as one who clicked is.
_EVENTS: dict[CallOutcome, tuple[EventKind, ...]] = {
    CallOutcome.REACHED: (EventKind.DELIVERED,),
    CallOutcome.AGREED: (EventKind.DELIVERED, EventKind.CLICKED),
    CallOutcome.DECLINED: (EventKind.DELIVERED,),
    CallOutcome.WRONG_NUMBER: (EventKind.BOUNCED,),
    CallOutcome.NOT_REACHED: (EventKind.BOUNCED,),
    CallOutcome.DO_NOT_CALL: (EventKind.DELIVERED, EventKind.UNSUBSCRIBED),
}


class UnknownCall(LookupError):
    """Not a call of this account."""


class NotACursor(ValueError):
    """The text was not the `next_cursor` of a page."""


class CallIsDone(ValueError):
    """Another outcome was given before; it stands."""


@dataclass(frozen=True)
class Settled:
    """What an outcome does: the call's state after it, and the events of its send; `bounce` of those that bounced."""

    state: CallState
    events: tuple[EventKind, ...]
    bounce: BounceType = BounceType.SOFT


def settle(outcome: CallOutcome, tried_on: Collection[date]) -> Settled:
    """`tried_on`: the days on which the customer was not reached, today's among them."""
    if outcome is CallOutcome.NOT_REACHED and len(set(tried_on)) < MOST_DAYS:
        return Settled(CallState.OPEN, ())
    bounce = BounceType.HARD if outcome is CallOutcome.WRONG_NUMBER else BounceType.SOFT
    return Settled(CallState.DONE, _EVENTS[outcome], bounce)


def call_id_of(send_id: SendId, due_on: date) -> str:
    """Starts with the day, so that the calls of a state sort by it; holds nothing personal."""
    return f"{due_on.isoformat()}_{send_id.launch_id}_{send_id.step}_{send_id.customer_key}"


def send_of(account_id: AccountId, call_id: str) -> SendId:
    """Raises UnknownCall."""
    day, _, rest = call_id.partition("_")
    try:
        date.fromisoformat(day)
        return SendId.parse(f"{account_id}_{rest}")
    except ValueError:
        raise UnknownCall("no such call") from None
