"""Notifications of the account's app."""

import re
from collections.abc import Mapping
from typing import Any

from winback.accounts.channels import ChannelName

# A device token of FCM or APNs, or the ARN of an endpoint that stands for one in SNS.
_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")


class PushChannel:
    name = ChannelName.PUSH

    def address(self, profile: Mapping[str, Any]) -> str | None:
        return profile.get("push_token") or None

    def deliverable(self, address: str, country: str | None) -> str | None:  # noqa: ARG002 (the same everywhere)
        return address if _TOKEN.fullmatch(address) else None
