"""The ways by which a message reaches a customer.

A channel is one module here (whose address, and is it one), one in `winback.aws.channels` (the provider that takes
the message), and a line in the table of each.
"""

from collections.abc import Mapping

from winback.accounts.channels import ChannelName
from winback.delivery.channels.call import CallChannel
from winback.delivery.channels.channel import Channel, Outgoing, Provider
from winback.delivery.channels.email import EmailChannel
from winback.delivery.channels.push import PushChannel
from winback.delivery.channels.sms import SmsChannel
from winback.delivery.channels.webhook import WebhookChannel

CHANNELS: Mapping[ChannelName, Channel] = {
    ChannelName.EMAIL: EmailChannel(),
    ChannelName.SMS: SmsChannel(),
    ChannelName.PUSH: PushChannel(),
    ChannelName.WEBHOOK: WebhookChannel(),
    ChannelName.CALL: CallChannel(),
}

__all__ = ["CHANNELS", "Channel", "ChannelName", "Outgoing", "Provider"]
