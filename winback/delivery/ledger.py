"""The send ledger: one row per (account, launch, customer, step). The rules are pure; winback.aws.ledger applies them.

A row has a `state`, moved by the sender alone, and an attribute per feedback event, written by feedback alone. Each
event attribute keeps its earliest instant, so events may repeat and arrive in any order, also before the sender has
recorded `accepted`. What became of a send is derived from both: `outcome`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

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


def outcome(row: Row | None) -> Outcome:
    """By precedence: complained > bounced > delivered > refused after acceptance > accepted > the row's state.

    None, a planned send without a row, is still due; so is one that a sender has claimed or the provider throttled.
    """
    if row is None:
        return Outcome.DUE
    proven = next((result for attribute, result in _PRECEDENCE if attribute in row), None)
    if proven is Outcome.BOUNCED_SOFT and row.get("bounce_type") == BounceType.HARD:
        return Outcome.BOUNCED_HARD
    if proven is not None:
        return proven
    state = State(row["state"])
    return Outcome.DUE if state in (State.CLAIMED, State.THROTTLED) else Outcome(state.value)
