"""Requests to the send-time endpoint and its answers.

The other side of this contract is ml/send_time/inference.py; a test feeds one to the other. Limits of a call:
winback/predictions/requests.py.
"""

import array
import base64
import binascii
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from winback.identifiers import AccountId
from winback.predictions.requests import InvalidAnswer, batches, is_number, read_answer
from winback.predictions.send_time.hours import HOURS

SCHEMA_VERSION = 1
MOST_EVENTS = 200
"""Of one kind and customer: the newest count, and older ones would hardly change anything after their decay."""
BEST = 6
LARGEST_WEIGHT = 1000.0


class EventKind(StrEnum):
    """What tells when a customer acts. Opens and clicks by machines tell nothing and are left out."""

    OPENED = "opened"
    CLICKED = "clicked"
    ORDERED = "ordered"


class Base(StrEnum):
    """Whose distribution a customer's own is shrunk to."""

    SEGMENT = "segment"
    ACCOUNT = "account"
    PRIOR = "prior"


@dataclass(frozen=True)
class Happened:
    """One event: hour of the local week, how many weeks ago, and 1 or the weight of the send's logged propensity
    (`Choice.weight`)."""

    hour: int
    weeks_ago: float
    weight: float = 1.0


@dataclass(frozen=True)
class History:
    """What one customer did, each kind newest first."""

    account_id: AccountId
    segment: str | None
    events: Mapping[EventKind, Sequence[Happened]] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """As the endpoint reads it."""
        return {"account": self.account_id, "segment": self.segment} | {
            kind.value: [
                number
                for each in self.events.get(kind, ())[:MOST_EVENTS]
                for number in (each.hour, round(each.weeks_ago, 2), round(min(each.weight, LARGEST_WEIGHT), 3))
            ]
            for kind in EventKind
        }


@dataclass(frozen=True)
class SendTime:
    """`best_hours`: the likeliest, best first. `own_share`: how much of it is the customer's own, from 0 to 1.

    `distribution`: 168 probabilities, None unless they were asked for.
    """

    best_hours: tuple[int, ...]
    own_share: float
    base: Base
    distribution: tuple[float, ...] | None


@dataclass(frozen=True)
class SendTimeAnswer:
    model_id: str
    send_times: tuple[SendTime, ...]
    """In the order of the request's rows."""


def encode_requests(histories: Iterable[History], *, in_full: bool) -> Iterator[tuple[int, bytes]]:
    """(number of rows, body) of each call. `in_full` asks for distributions."""
    head = {"schema_version": SCHEMA_VERSION, "answer": "all" if in_full else "best"}
    return batches(head, histories, History.row)


def decode_answer(body: bytes, rows: int, *, in_full: bool) -> SendTimeAnswer:
    """The answer to a request of `rows` rows. Raises InvalidAnswer unless it is whole."""
    read = partial(_send_time, in_full=in_full)
    answer = read_answer(body, read, endpoint="send-time", schema_version=SCHEMA_VERSION, rows=rows)
    return SendTimeAnswer(answer.model_id, answer.rows)


def _send_time(number: int, row: dict[str, Any], *, in_full: bool) -> SendTime:
    hours, own = row["best_hours"], row["own_share"]
    if len(hours) != BEST or len(set(hours)) != BEST or not all(type(h) is int and 0 <= h < HOURS for h in hours):
        raise InvalidAnswer(f"row {number}: best_hours are not {BEST} different hours from 0 to {HOURS - 1}")
    if not is_number(own) or not 0 <= own <= 1:
        raise InvalidAnswer(f"row {number}: own_share is no number from 0 to 1")
    if row["base"] not in set(Base):
        raise InvalidAnswer(f"row {number}: base is none of {', '.join(Base)}")
    distribution = _distribution(number, row["probabilities"]) if in_full else None
    return SendTime(tuple(hours), float(own), Base(row["base"]), distribution)


def _distribution(number: int, text: Any) -> tuple[float, ...]:
    """Of base64 of 168 big-endian unsigned 16-bit numbers."""
    try:
        packed = base64.b64decode(text, validate=True)
    except (TypeError, binascii.Error) as error:
        raise InvalidAnswer(f"row {number}: probabilities are not base64") from error
    values = array.array("H")
    if len(packed) != HOURS * values.itemsize:
        raise InvalidAnswer(f"row {number}: probabilities are not {HOURS} numbers of 16 bits")
    values.frombytes(packed)
    if sys.byteorder == "little":
        values.byteswap()
    total = sum(values)
    if not total:
        raise InvalidAnswer(f"row {number}: probabilities are all zero")
    return tuple(value / total for value in values)
