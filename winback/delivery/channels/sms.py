"""Text messages."""

from collections.abc import Mapping
from typing import Any

from winback.accounts.channels import ChannelName
from winback.delivery.channels.phone import dialled_form, phone_of


class SmsChannel:
    name = ChannelName.SMS

    def address(self, profile: Mapping[str, Any]) -> str | None:
        return phone_of(profile)

    def deliverable(self, address: str, country: str | None) -> str | None:
        return dialled_form(address, country, texted=True)
