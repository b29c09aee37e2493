"""Store events: what customers did in a store, and what other tools sent them, as a store tells of it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from winback.engagement.touches import Touch, TouchChannel, TouchKind
from winback.fields import LEEWAY, Identifier, Optional, OptionalText, ReceivedInstant
from winback.identifiers import CustomerKey, salted_hash

_SEPARATOR = "\x1f"


class StoreEvent(BaseModel):
    """One event as received.

    An `event_id` names it; without one it is the event of its customer, kind, channel and second. A customer may
    subscribe to two channels in one second, so the channel belongs to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer_id: Identifier
    kind: TouchKind
    at: ReceivedInstant
    channel: Annotated[TouchChannel | None, Optional] = None
    event_id: OptionalText = None

    def ahead_of(self, now: datetime) -> bool:
        """Whether it lies more than a day after `now`."""
        return self.at > now + LEEWAY

    def identity(self) -> str:
        """What names the event; winback/engagement/event_grain.sql computes the same. May be personal."""
        if self.event_id is not None:
            return f"id{_SEPARATOR}{self.event_id}"
        return _SEPARATOR.join(["moment", self.content()])

    def content(self) -> str:
        """Tells a repeated event from another one under the same event id."""
        moment = str(int(self.at.timestamp()))
        return _SEPARATOR.join([self.customer_id, self.kind.value, self.channel.value if self.channel else "", moment])

    def touch_id(self, salt: str) -> str:
        return salted_hash(salt, self.identity())

    def touch(self, salt: str, customer_key: CustomerKey) -> Touch:
        """`salt` is the account's."""
        channel = self.channel.value if self.channel else None
        return Touch(customer_key, self.kind, channel, self.at, self.touch_id(salt))
