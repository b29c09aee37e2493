"""Who takes the messages of each channel."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from winback.accounts.channels import ChannelName
from winback.aws.channels.ses import SesProvider, ses_client
from winback.delivery.channels import Provider


@dataclass(frozen=True)
class ProviderSettings:
    """What the providers need of a function's environment."""

    ses_configuration_set: str
    ses_tenants: str


def _email(settings: ProviderSettings) -> Provider:
    return SesProvider(ses_client(), settings.ses_configuration_set, tenants=settings.ses_tenants == "true")


_BUILT: Mapping[ChannelName, Callable[[ProviderSettings], Provider]] = {ChannelName.EMAIL: _email}


class Providers(Mapping[ChannelName, Provider]):
    """Each is built when it is first asked for: a client takes a while to make."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._known: dict[ChannelName, Provider] = {}

    def __getitem__(self, channel: ChannelName) -> Provider:
        if channel not in self._known:
            self._known[channel] = _BUILT[channel](self._settings)
        return self._known[channel]

    def __iter__(self) -> Iterator[ChannelName]:
        return iter(_BUILT)

    def __len__(self) -> int:
        return len(_BUILT)


def providers(settings: ProviderSettings) -> Mapping[ChannelName, Provider]:
    return Providers(settings)
