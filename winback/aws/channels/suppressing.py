"""Addresses that a provider says are gone, onto the suppression list at once."""

from collections.abc import Callable
from datetime import datetime

from winback.aws.suppressions import SuppressionList, SuppressionReason
from winback.delivery.channels import ChannelName, Outgoing

Suppress = Callable[[Outgoing, SuppressionReason], None]


def suppressing(suppressions: SuppressionList, channel: ChannelName, wall: Callable[[], datetime]) -> Suppress:
    def suppress(outgoing: Outgoing, reason: SuppressionReason) -> None:
        suppressions.add(outgoing.account, outgoing.to, channel.value, reason, at=wall(), send_id=outgoing.send_id)

    return suppress
