"""What becomes of the messages that the provider took, as SES tells it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.inprocess.provider import Taken
from winback.identifiers import SendId
from winback.instants import format_instant


@dataclass(frozen=True)
class Reactions:
    """Shares of messages that bounce for good, are complained about, are opened, and make their reader unsubscribe.

    One complaint among a few hundred messages pauses a launch by its guardrail, as it should: here nobody complains.
    """

    bounced: float = 0.01
    complained: float = 0.0
    opened: float = 0.2
    unsubscribed: float = 0.002


def events_of(taken: Taken, reactions: Reactions, chance: random.Random) -> Iterator[dict[str, Any]]:
    """What SES tells about one message, in the order of the times. Of kinds that the configuration set tells."""
    if chance.random() < reactions.bounced:
        yield told(taken, "Bounce", "bounce", taken.at + timedelta(seconds=5), bounceType="Permanent")
        return
    yield told(taken, "Delivery", "delivery", taken.at + timedelta(seconds=3))
    if chance.random() < reactions.opened:
        opened_at = taken.at + timedelta(minutes=chance.randrange(5, 600))
        yield told(taken, "Open", "open", opened_at, userAgent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    if chance.random() < reactions.complained:
        yield told(taken, "Complaint", "complaint", taken.at + timedelta(hours=1))


def wants_out(reactions: Reactions, chance: random.Random) -> bool:
    return chance.random() < reactions.unsubscribed


def told(taken: Taken, kind: str, part: str, at: datetime, **particulars: Any) -> dict[str, Any]:
    mail = {"timestamp": format_instant(taken.at), "destination": [taken.to], "tags": _tags(taken.send_id)}
    return {"eventType": kind, "mail": mail, part: {"timestamp": format_instant(at), **particulars}}


def _tags(send_id: SendId) -> dict[str, list[str]]:
    return {"send_id": [str(send_id)]}
