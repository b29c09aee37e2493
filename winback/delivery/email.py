"""An e-mail on its way to the provider, and the provider's answer."""

from dataclasses import dataclass
from email.utils import formataddr

from winback.accounts import Account
from winback.delivery.messages.values import Message
from winback.identifiers import AccountId, SendId


@dataclass(frozen=True)
class Email:
    sender: str  # `Name <address>`, ASCII
    to: str
    message: Message
    send_id: SendId
    unsubscribe_url: str

    @property
    def account_id(self) -> AccountId:
        return self.send_id.account_id


@dataclass(frozen=True)
class Accepted:
    message_id: str


@dataclass(frozen=True)
class Refused:
    """For good: asking again would give the same answer."""

    code: str


@dataclass(frozen=True)
class Throttled:
    """Not taken now, certainly; asking later may help: within seconds when the pause is `brief`, as for a rate."""

    code: str
    brief: bool = False


@dataclass(frozen=True)
class Unclear:
    """It may or may not have been taken."""

    code: str


Answer = Accepted | Refused | Throttled | Unclear


class ProviderMisconfigured(RuntimeError):
    """The provider took nothing because of how we are set up: a missing permission, an unknown configuration set.

    An operator has to act; the message waits in the queue and then among the dead letters.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"SES refuses SendEmail with {code}")
        self.code = code


def sender_of(account: Account) -> str:
    """The From header's value. A name is one line and MIME-encoded where it is not ASCII (RFC 2047)."""
    name = " ".join("".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in account.sender.name).split())
    return formataddr((name, account.sender.email))
