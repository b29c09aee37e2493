"""A touch: one thing that happened between a brand and a customer, as the lake keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from winback.identifiers import CustomerKey
from winback.instants import format_instant


class TouchKind(StrEnum):
    VISITED = "visited"
    CARTED = "carted"
    WISHLISTED = "wishlisted"
    SEARCHED = "searched"
    SUBSCRIBED = "subscribed"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"


class TouchChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WEB = "web"


@dataclass(frozen=True)
class Touch:
    """`touch_id` names the occurrence, whoever tells of it and however often; of several, the earliest `at` counts.

    `channel` is None where it is not known. `by_machine`: a mail scanner's click, a proxy's open. `hour_weight`: of an
    answer to a send whose hour was drawn with a logged propensity, what it counts in learning send times
    (winback.predictions.send_time.choice.Choice.weight); else None.
    """

    customer_key: CustomerKey
    kind: TouchKind
    channel: str | None
    at: datetime
    touch_id: str
    by_machine: bool = False
    hour_weight: float | None = None

    def row(self) -> dict[str, Any]:
        """A row of the lake's engagement files (docs/data-model.md)."""
        drawn = {} if self.hour_weight is None else {"hour_weight": self.hour_weight}
        return {
            "customer_key": self.customer_key,
            "kind": self.kind.value,
            "channel": self.channel,
            "at": format_instant(self.at),
            "touch_id": self.touch_id,
            "by_machine": self.by_machine,
        } | drawn


def earliest(touches: Iterable[Touch]) -> list[Touch]:
    """Of each touch id the earliest, ordered by id: the same touches give the same list, however they come."""
    firsts: dict[str, Touch] = {}
    for touch in touches:
        known = firsts.get(touch.touch_id)
        if known is None or touch.at < known.at:
            firsts[touch.touch_id] = touch
    return sorted(firsts.values(), key=lambda touch: touch.touch_id)
