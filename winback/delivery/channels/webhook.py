"""The account's own endpoint, which passes the message on: to a messenger, a printer of letters, another tool."""

from collections.abc import Mapping
from typing import Any

from winback.accounts.channels import ChannelName


class WebhookChannel:
    name = ChannelName.WEBHOOK

    def address(self, profile: Mapping[str, Any]) -> str | None:
        """The endpoint knows the customer by the store's own id."""
        return profile.get("customer_id") or None

    def deliverable(self, address: str, country: str | None) -> str | None:  # noqa: ARG002 (the same everywhere)
        return address
