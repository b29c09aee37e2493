"""What the unsubscriptions that other tools report mean for consent."""

from collections.abc import Iterable
from datetime import datetime

from winback.accounts.channels import ChannelName
from winback.engagement.touches import TouchChannel
from winback.identifiers import CustomerKey

Denials = dict[tuple[CustomerKey, ChannelName], datetime]


def denials(unsubscriptions: Iterable[tuple[CustomerKey, str | None, datetime]]) -> Denials:
    """Customer and channel -> when consent was last denied. One that names no channel denies them all.

    Leaving a web site's list denies nothing: nobody is written to there.
    """
    latest: Denials = {}
    for customer, named, at in unsubscriptions:
        if named == TouchChannel.WEB:
            continue
        for channel in ChannelName if named is None else (ChannelName(named),):
            latest[customer, channel] = max(at, latest.get((customer, channel), at))
    return latest
