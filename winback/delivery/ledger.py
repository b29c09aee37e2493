"""The send ledger: one row per (account, launch, customer, step). The rules are pure; winback.aws.ledger applies them.

A row has a `state`, moved by the sender alone, and an attribute per feedback event, written by feedback alone. Each
event attribute keeps its earliest instant, so events may repeat and arrive in any order, also before the sender has
recorded `accepted`. What became of a send is derived from both: `outcome`.

Nothing ever moves an `unknown` row back to where it could be sent. An event that carries its key settles it, for it
proves the message; an account may have what no event settled count as failed after some days (UnknownSends).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from winback.accounts.unknown_sends import UnknownSends
from winback.instants import format_instant, parse_instant

Row = Mapping[str, Any]  # a row's attributes as docs/data-model.md names them; instants as text


class State(StrEnum):
    CLAIMED = "claimed"  # one sender has it and may be calling the provider
    ACCEPTED = "accepted"  # the provider took it
    FAILED = "failed"  # the provider refused it for good
    UNKNOWN = "unknown"  # the provider may or may not have taken it: never resent
    THROTTLED = "throttled"  # the provider did not take it now: free to be claimed again
    SKIPPED = "skipped"  # the gate denied it


_LEGAL = {
    State.CLAIMED: {State.ACCEPTED, State.FAILED, State.UNKNOWN, State.THROTTLED},
    State.THROTTLED: {State.CLAIMED, State.SKIPPED},
    State.UNKNOWN: {State.ACCEPTED},
}


@dataclass(frozen=True)
class Description:
    """What a row says of its send from its birth on. `variants`: experiment -> variant."""

    campaign_id: str
    channel: str
    variants: Mapping[str, str] = field(default_factory=dict)
    segment: str | None = None
    offer_id: str | None = None
    code: str | None = None  # the offer's, of this send alone
    hour_propensity: float | None = None
    possible_hours: int | None = None
    cost_hundredths: int | None = None  # of a cent; where the launch has a budget for its messages

    def attributes(self) -> dict[str, Any]:
        """As a table takes them; what is not known is left out."""
        known = {name: value for name, value in vars(self).items() if value is not None and value != {}}
        if self.hour_propensity is not None:
            known["hour_propensity"] = Decimal(str(self.hour_propensity))
        return known


def is_legal(before: State | None, after: State) -> bool:
    """Whether a row may move so; None is a row that does not exist yet."""
    if before is None:
        return after in (State.CLAIMED, State.SKIPPED)
    return after in _LEGAL.get(before, set())


def origins(after: State) -> tuple[State, ...]:
    """States from which a row may become `after`."""
    return tuple(before for before in State if is_legal(before, after))


class Standing(StrEnum):
    """What a sender finds when it comes to a row."""

    FREE = "free"  # no row yet, or a throttled one
    LEASED = "leased"  # another sender is at it: come back
    ABANDONED = "abandoned"  # its sender is gone in the middle: it becomes unknown
    FINAL = "final"


def standing(row: Row | None, now: datetime) -> Standing:
    """`now` is the process's own time, as leases are."""
    if row is None:
        return Standing.FREE
    match State(row["state"]):
        case State.THROTTLED:
            return Standing.FREE
        case State.CLAIMED:
            return Standing.LEASED if parse_instant(row["lease_until"]) > now else Standing.ABANDONED
        case _:
            return Standing.FINAL


class EventKind(StrEnum):
    """A feedback event; the value is the row's attribute that holds its earliest instant."""

    SENT = "sent_at"
    DELIVERED = "delivered_at"
    DELAYED = "delayed_at"
    BOUNCED = "bounced_at"
    COMPLAINED = "complained_at"
    REJECTED = "rejected_at"
    RENDERING_FAILED = "rendering_failed_at"
    OPENED = "opened_at"
    MACHINE_OPENED = "machine_opened_at"
    CLICKED = "clicked_at"
    BOT_CLICKED = "bot_clicked_at"
    UNSUBSCRIBED = "unsubscribed_at"


class BounceType(StrEnum):
    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True)
class FeedbackEvent:
    kind: EventKind
    at: datetime
    bounce_type: BounceType | None = None

    def __post_init__(self) -> None:
        if (self.kind is EventKind.BOUNCED) != (self.bounce_type is not None):
            raise ValueError("a bounce has a bounce type, and nothing else has one")


def apply(row: Row, event: FeedbackEvent) -> dict[str, Any]:
    """The row after the event: the earliest instant of a kind wins, and a hard bounce over a soft one."""
    changed = dict(row)
    at = format_instant(event.at)
    name = event.kind.value
    changed[name] = min(at, changed.get(name, at))
    if event.bounce_type is BounceType.HARD or (event.bounce_type is not None and "bounce_type" not in changed):
        changed["bounce_type"] = event.bounce_type.value
    return changed


def engaged_at(row: Row | None) -> datetime | None:
    """When the recipient first opened or clicked the message; what machines and bots did does not count."""
    found = [row[kind.value] for kind in (EventKind.OPENED, EventKind.CLICKED) if row and kind.value in row]
    return parse_instant(min(found)) if found else None


def left_at(row: Row | None) -> datetime | None:
    """When the recipient first unsubscribed by the message, or complained of it."""
    found = [row[kind.value] for kind in (EventKind.UNSUBSCRIBED, EventKind.COMPLAINED) if row and kind.value in row]
    return parse_instant(min(found)) if found else None


class Outcome(StrEnum):
    """What became of a planned send. Every planned send has exactly one."""

    COMPLAINED = "complained"
    BOUNCED_HARD = "bounced_hard"
    BOUNCED_SOFT = "bounced_soft"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DUE = "due"


# By falling precedence: whichever of these attributes a row has first decides. Whatever comes after the refusals can
# only be caused by a message that the provider took.
_PRECEDENCE = (
    ("complained_at", Outcome.COMPLAINED),
    ("bounced_at", Outcome.BOUNCED_SOFT),
    ("delivered_at", Outcome.DELIVERED),
    ("rejected_at", Outcome.FAILED),
    ("rendering_failed_at", Outcome.FAILED),
    *((kind.value, Outcome.ACCEPTED) for kind in EventKind),
)


def reached_nobody(row: Row) -> bool:
    """Whether the send is over and provably went to nobody: skipped, or refused. One that is unknown may have gone."""
    return outcome(row) in (Outcome.SKIPPED, Outcome.FAILED)


def outcome(row: Row | None, *, wall: datetime | None = None, unknown: UnknownSends | None = None) -> Outcome:
    """By precedence: complained > bounced > delivered > refused after acceptance > accepted > the row's state.

    None, a planned send without a row, is still due; so is one that a sender has claimed or the provider throttled.
    With `wall`, the process's own time, a claim whose lease is over counts as unknown: its sender is gone. With
    `unknown` too, the account's policy says when an unknown one counts as failed.
    """
    if row is None:
        return Outcome.DUE
    proven = next((result for attribute, result in _PRECEDENCE if attribute in row), None)
    if proven is Outcome.BOUNCED_SOFT and row.get("bounce_type") == BounceType.HARD:
        return Outcome.BOUNCED_HARD
    if proven is not None:
        return proven
    state = State(row["state"])
    if wall is not None and standing(row, wall) is Standing.ABANDONED:
        state = State.UNKNOWN
    if state is State.UNKNOWN and wall is not None and unknown is not None and unknown.settle == "failed":
        old = parse_instant(row["claimed_at"]) + timedelta(days=unknown.after_days) <= wall
        return Outcome.FAILED if old else Outcome.UNKNOWN
    return Outcome.DUE if state in (State.CLAIMED, State.THROTTLED) else Outcome(state.value)
