"""How often a customer was and may be contacted: the limits that planning, the gate and the booking share.

Windows roll: a limit of n contacts in d days allows no d days in which there are more than n. Contacts that are yet to
come, reserved by campaigns of higher priority, count like those that were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from winback.accounts import FrequencyCap
from winback.identifiers import LaunchId


@dataclass(frozen=True)
class Contact:
    """One message to a customer, of ours or of another tool. `send` names it; `offer`: the offer that it carried."""

    at: datetime
    channel: str
    send: str
    offer: str | None = None


def contact_name(launch_id: LaunchId, step: int) -> str:
    """Names a send of ours within its customer's contact list."""
    return f"{launch_id}#{step}"


@dataclass(frozen=True)
class ContactPolicy:
    """How a segment may be contacted, as the rubric says: `at_most` messages of all channels in `days` days.

    `channels`: only these; None: any. Unlike a frequency cap it can forbid every message (`at_most` 0).
    """

    at_most: int
    days: int
    channels: tuple[str, ...] | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        channels = row.get("channels")
        return cls(int(row["at_most"]), int(row["days"]), tuple(channels) if channels is not None else None)

    def row(self) -> dict[str, Any]:
        """As a plan row carries it."""
        return {
            "at_most": self.at_most,
            "days": self.days,
            **({"channels": list(self.channels)} if self.channels is not None else {}),
        }


class Limit(StrEnum):
    """What one more contact would go beyond. The values are reasons of the gate."""

    CHANNEL = "frequency_cap"
    OVERALL = "overall_cap"
    POLICY = "contact_policy"
    DISCOUNT = "discount_cap"


@dataclass(frozen=True)
class ContactLimits:
    """Everything that holds one send. `cooldown_days`: days since the last offer, for a message that carries one.

    `offered_by`: its launch, whose earlier messages with the offer are no other offer: this one reminds of it.
    `other_days`: the longest window of the account's other caps, which need to know of this contact too.
    """

    channel: FrequencyCap
    overall: FrequencyCap
    policy: ContactPolicy | None = None
    cooldown_days: int | None = None
    offered_by: LaunchId | None = None
    other_days: int = 0

    @property
    def longest_days(self) -> int:
        days = [self.channel.days, self.overall.days, self.other_days]
        if self.policy is not None:
            days.append(self.policy.days)
        if self.cooldown_days is not None:
            days.append(self.cooldown_days)
        return max(days)


def exceeded(contacts: Sequence[Contact], channel: str, at: datetime, limits: ContactLimits) -> tuple[Limit, ...]:
    """The limits that one more contact on `channel` at `at` would go beyond, in the order of Limit."""
    everything = [one.at for one in contacts]
    same_channel = [one.at for one in contacts if one.channel == channel]
    policy, cooldown = limits.policy, limits.cooldown_days
    found = []
    if cap_reached(same_channel, limits.channel.sends, limits.channel.days, at):
        found.append(Limit.CHANNEL)
    if cap_reached(everything, limits.overall.sends, limits.overall.days, at):
        found.append(Limit.OVERALL)
    if policy is not None and (
        (policy.channels is not None and channel not in policy.channels)
        or cap_reached(everything, policy.at_most, policy.days, at)
    ):
        found.append(Limit.POLICY)
    if cooldown is not None:
        own = f"{limits.offered_by}#"
        others = [one.at for one in contacts if one.offer is not None and not one.send.startswith(own)]
        if cap_reached(others, 1, cooldown, at):
            found.append(Limit.DISCOUNT)
    return tuple(found)


def cap_reached(contacts: Sequence[datetime], sends: int, days: int, at: datetime) -> bool:
    """Whether with one more contact at `at` some `days` days would hold more than `sends`.

    Two contacts exactly `days` days apart are in no common window.
    """
    span = timedelta(days=days)
    near = sorted(moment for moment in contacts if abs(moment - at) < span)
    if len(near) < sends:
        return False
    if not near or near[-1] <= at:
        return True  # all of them lie in the window that ends with this one
    # A window that starts with each of them up to `at`, and holds those of less than `days` later.
    starts = [moment for moment in near if moment <= at] + [at]
    return any(sum(1 for moment in near if start <= moment < start + span) >= sends for start in starts)
