"""What a provider answers when a message is handed to it, the same for every channel."""

from dataclasses import dataclass


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

    def __init__(self, code: str, provider: str = "SES") -> None:
        super().__init__(f"{provider} takes nothing until an operator acts: {code}")
        self.code = code
        self.provider = provider
