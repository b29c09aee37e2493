"""Two campaigns that want the same customer: the one of higher priority goes first.

While a launch is planned, the contacts that launches of higher priority are expected to make count as if they were
booked. They are no bookings: what such a launch does not send after all is free again when the lower one plans its next
step, and at sending only what was really sent counts. Launches of equal priority take what is left first come, first
served.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from winback.campaigns.launch import UNDER_WAY, Launch
from winback.campaigns.steps import Conditions, Way
from winback.delivery.contacts import Contact, contact_name
from winback.experiments.assignment import Arm
from winback.identifiers import CustomerKey

Row = Mapping[str, Any]
Ways = Mapping[int, Mapping[CustomerKey, Way]]
"""By branch: the way that each customer took, of those who were asked already."""
_SENT_BY_THEN = timedelta(days=1)
"""What is not booked a day after its time was skipped at sending, or is held up: it reserves nothing any more."""


@dataclass(frozen=True)
class Span:
    """From `since` to `until`, instants."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment <= self.until


def going_before(launch: Launch, others: Iterable[Launch]) -> list[Launch]:
    """Those of `others` that go before `launch`: approved or at work, and of higher priority."""
    return [
        other
        for other in others
        if other.launch_id != launch.launch_id
        and other.state in UNDER_WAY
        and other.definition.priority > launch.definition.priority
    ]


def steps_within(launch: Launch, span: Span, now: datetime) -> list[int]:
    """Numbers of the steps whose contacts may be reserved: planned within the span, and not long ago."""
    span = Span(max(span.since, now - _SENT_BY_THEN), span.until)
    return [planned.step for planned in launch.steps if span.holds(planned.planned_at)]


def is_on_path(conditions: Conditions, customer: CustomerKey, ways: Ways) -> bool:
    """Whether the customer has come by all these ways; not as long as one of the branches has not been asked."""
    return all(ways.get(branch, {}).get(customer) == way for branch, way in conditions)


def expected(
    launch: Launch, steps: Sequence[int], audience: Iterable[Row], ways: Ways
) -> dict[CustomerKey, list[Contact]]:
    """What the launch will send to its audience in steps that are not planned yet.

    To whoever is treated and on the step's path, at the step's time, on the channel that it prefers; whether the gate
    lets all of it through shows later.
    """
    touches = {touch.number: touch for touch in launch.definition.touches}
    found: dict[CustomerKey, list[Contact]] = defaultdict(list)
    for row in audience:
        if not row["eligible"] or row["arm"] != Arm.TREATMENT:
            continue
        customer = CustomerKey(row["customer_key"])
        for number in steps:
            if is_on_path(touches[number].conditions, customer, ways):
                channel = touches[number].step.channels or launch.definition.channels
                found[customer].append(_contact(launch, number, launch.planned_at(number), str(channel[0])))
    return found


def planned(launch: Launch, step: int, rows: Iterable[Row]) -> dict[CustomerKey, list[Contact]]:
    """What a step that is planned already is to send: its plan's allowed rows, with `send_at` as an instant."""
    return {
        CustomerKey(row["customer_key"]): [_contact(launch, step, row["send_at"], row["channel"])]
        for row in rows
        if row["verdict"] == "allow"
    }


def _contact(launch: Launch, step: int, at: datetime, channel: str) -> Contact:
    return Contact(at, channel, contact_name(launch.launch_id, step))
