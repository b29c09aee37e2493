"""Who takes the messages of each channel."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from winback.accounts.channels import ChannelName
from winback.aws.call_tasks import CallTasks
from winback.aws.channels.calls import CallProvider
from winback.aws.channels.handing_over import one_attempt
from winback.aws.channels.push import PushProvider, push_client
from winback.aws.channels.ses import SesProvider, ses_client
from winback.aws.channels.sms import SmsProvider
from winback.aws.channels.suppressing import suppressing
from winback.aws.channels.webhook import WebhookProvider, secrets_client
from winback.aws.channels.webhook_stand_in import stand_in
from winback.aws.clock import SystemClock, clock_of
from winback.aws.suppressions import SuppressionList
from winback.aws.tables import table
from winback.aws.texts import TextIndex
from winback.delivery.channels import Provider


class ProviderSettings(Protocol):
    """What the providers need of a function's environment."""

    @property
    def campaigns_table(self) -> str: ...
    @property
    def customers_table(self) -> str: ...
    @property
    def performance_table(self) -> str: ...
    @property
    def ses_configuration_set(self) -> str: ...
    @property
    def ses_tenants(self) -> str:
        """`true` or `false`."""
        ...

    @property
    def sms_configuration_set(self) -> str:
        """Of AWS End User Messaging; empty where the stage has none."""
        ...


class Shared:
    """What several providers share."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self.wall: Callable[[], datetime] = SystemClock().now

    @property
    def performance(self) -> Any:
        return table(self.settings.performance_table)

    @property
    def suppressions(self) -> SuppressionList:
        return SuppressionList(table(self.settings.customers_table))


def _email(shared: Shared) -> Provider:
    settings = shared.settings
    return SesProvider(ses_client(), settings.ses_configuration_set, tenants=settings.ses_tenants == "true")


def _sms(shared: Shared) -> Provider:
    settings = shared.settings
    return SmsProvider(
        sns=one_attempt("sns"),
        end_user_messaging=one_attempt("pinpoint-sms-voice-v2"),
        texts=TextIndex(shared.performance, shared.wall),
        suppress=suppressing(shared.suppressions, ChannelName.SMS, shared.wall),
        configuration_set=settings.sms_configuration_set,
    )


def _push(shared: Shared) -> Provider:
    return PushProvider(push_client(), suppressing(shared.suppressions, ChannelName.PUSH, shared.wall))


def _webhook(shared: Shared) -> Provider:
    elsewhere = stand_in()
    if elsewhere is None:
        return WebhookProvider(secrets_client(), wall=shared.wall)
    return WebhookProvider(secrets_client(), wall=shared.wall, resolve=elsewhere.resolve, post=elsewhere.post)


def _call(shared: Shared) -> Provider:
    return CallProvider(CallTasks(shared.performance), clock_of(table(shared.settings.campaigns_table)).now)


_BUILT: Mapping[ChannelName, Callable[[Shared], Provider]] = {
    ChannelName.EMAIL: _email,
    ChannelName.SMS: _sms,
    ChannelName.PUSH: _push,
    ChannelName.WEBHOOK: _webhook,
    ChannelName.CALL: _call,
}


class Providers(Mapping[ChannelName, Provider]):
    """Each is built when it is first asked for: a client takes a while to make."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._shared = Shared(settings)
        self._known: dict[ChannelName, Provider] = {}

    def __getitem__(self, channel: ChannelName) -> Provider:
        if channel not in self._known:
            self._known[channel] = _BUILT[channel](self._shared)
        return self._known[channel]

    def __iter__(self) -> Iterator[ChannelName]:
        return iter(_BUILT)

    def __len__(self) -> int:
        return len(_BUILT)
