"""E-mail."""

from collections.abc import Mapping
from email.header import Header
from email.utils import formataddr
from typing import Any

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.delivery.addresses import deliverable_form

_LONGEST_WORD = 75


class EmailChannel:
    name = ChannelName.EMAIL

    def address(self, profile: Mapping[str, Any]) -> str | None:
        return profile.get("email") or None

    def deliverable(self, address: str, country: str | None) -> str | None:  # noqa: ARG002 (the same everywhere)
        return deliverable_form(address)


def sender_of(account: Account) -> str:
    """The From header's value. A name is one line and MIME-encoded where it is not ASCII, in words of at most 75
    characters (RFC 2047, section 2: longer ones are no encoded words, and are shown as they stand)."""
    name = " ".join("".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in account.sender.name).split())
    if name.isascii():
        return formataddr((name, account.sender.email))
    return f"{Header(name, 'utf-8', maxlinelen=_LONGEST_WORD).encode(linesep='')} <{account.sender.email}>"
