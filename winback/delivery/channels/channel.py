"""What every channel and every provider answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.delivery.answers import Answer
from winback.delivery.messages.values import Message
from winback.identifiers import AccountId, SendId


@dataclass(frozen=True)
class Outgoing:
    """A message on its way to the provider. `to` is in the channel's deliverable form."""

    send_id: SendId
    account: Account
    to: str
    message: Message
    unsubscribe_url: str
    country: str | None = None  # the recipient's, ISO 3166-1 alpha-2

    @property
    def account_id(self) -> AccountId:
        return self.send_id.account_id


class Channel(Protocol):
    @property
    def name(self) -> ChannelName: ...

    def address(self, profile: Mapping[str, Any]) -> str | None:
        """Where the customer of this profile (docs/data-model.md) is reached; suppressions are of this, however it is
        written (winback.identifiers.address_hash)."""
        ...

    def deliverable(self, address: str, country: str | None) -> str | None:
        """The address as the provider takes it; None when it cannot be delivered to. `country` is the recipient's."""
        ...


class Provider(Protocol):
    def deliver(self, outgoing: Outgoing) -> Answer:
        """One attempt, within SHORT_OF_TIME of winback.delivery.sending. Raises ProviderMisconfigured."""
        ...
