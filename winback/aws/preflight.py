"""Finds out what winback.delivery.preflight judges: asks SES, SNS, AWS End User Messaging, Secrets Manager, the DNS."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws.channels.handing_over import code_of
from winback.aws.channels.webhook import Resolve, addresses
from winback.delivery.answers import ProviderMisconfigured
from winback.delivery.channels.webhook import host_of, is_public
from winback.delivery.preflight import (
    UNCHECKED,
    Check,
    EmailFacts,
    Facts,
    Identity,
    Need,
    Provider,
    PushFacts,
    TextFacts,
    Unchecked,
    WebhookFacts,
    checks,
)

DNS_SECONDS = 2.0
_HEALTHY = "HEALTHY"
_SIMULATED_TEXT = "Preflight"
_MOST_COUNTRIES = 5
Found = TypeVar("Found")


class LookupFailed(RuntimeError):
    """The DNS did not answer: nothing is known."""


class Resolver(Protocol):
    def txt(self, name: str) -> list[str]:
        """Texts of the TXT records of a name, none when there is no such name. Raises LookupFailed."""
        ...


class PreflightSettings(Protocol):
    @property
    def ses_configuration_set(self) -> str: ...
    @property
    def ses_tenants(self) -> str: ...
    @property
    def sms_configuration_set(self) -> str: ...


@dataclass(frozen=True)
class Clients:
    """boto3 clients, each made when it is first asked for."""

    make: Callable[[str], Any]

    @cached_property
    def ses(self) -> Any:
        return self.make("sesv2")

    @cached_property
    def sns(self) -> Any:
        return self.make("sns")

    @cached_property
    def texts(self) -> Any:
        return self.make("pinpoint-sms-voice-v2")

    @cached_property
    def secrets(self) -> Any:
        return self.make("secretsmanager")


def quick_client(service: str) -> Any:
    """Two attempts and short time-outs: what is not found out in a few seconds could not be checked."""
    config = Config(retries={"total_max_attempts": 2, "mode": "standard"}, connect_timeout=2, read_timeout=4)
    return boto3.client(service, config=config)  # type: ignore[call-overload]


class PublicDns:
    """The DNS as this machine asks it."""

    def __init__(self, seconds: float = DNS_SECONDS) -> None:
        self._seconds = seconds

    def txt(self, name: str) -> list[str]:
        import dns.exception  # noqa: PLC0415 (slow to load)
        import dns.resolver  # noqa: PLC0415

        try:
            answer = dns.resolver.resolve(name, "TXT", lifetime=self._seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise LookupFailed(type(error).__name__) from error
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


class Preflight:
    def __init__(
        self,
        settings: PreflightSettings,
        *,
        clients: Clients | None = None,
        resolver: Resolver | None = None,
        resolve: Resolve = addresses,
    ) -> None:
        self._settings, self._clients = settings, clients or Clients(quick_client)
        self._resolver, self._resolve = resolver or PublicDns(), resolve

    def check(self, account: Account, needs: Mapping[ChannelName, Need]) -> tuple[Check, ...]:
        """Every check of the channels that are needed. Sends nothing; whatever cannot be asked is unchecked."""
        return checks(list(self._facts(account, needs.keys())), needs)

    def _facts(self, account: Account, channels: Collection[ChannelName]) -> Iterator[Facts]:
        if ChannelName.EMAIL in channels:
            yield self._email(account)
        if ChannelName.SMS in channels:
            yield self._texts(account)
        if ChannelName.PUSH in channels:
            yield self._push(account)
        if ChannelName.WEBHOOK in channels:
            yield self._webhook(account)

    def _email(self, account: Account) -> EmailFacts:
        address = account.sender.email
        domain = address.rpartition("@")[2]
        identity: Identity | Unchecked | None = None
        for name in (address, domain):  # SES takes the identity of the address where there is one
            identity = _found(partial(self._identity, name))
            if identity is not None:
                break
        return EmailFacts(
            sender=domain,
            public_url=account.public_url,
            identity=identity,
            provider=_found(lambda: _provider(self._clients.ses.get_account())) or UNCHECKED,
            configuration_set=_or_false(_found(self._configuration_set)),
            dmarc=dmarc_policy(self._resolver, domain),
            tenant=_or_false(_found(lambda: self._tenant(account))) if self._settings.ses_tenants == "true" else None,
        )

    def _identity(self, name: str) -> Identity:
        return _identity(self._clients.ses.get_email_identity(EmailIdentity=name))

    def _configuration_set(self) -> bool:
        answer = self._clients.ses.get_configuration_set(ConfigurationSetName=self._settings.ses_configuration_set)
        return bool(answer.get("SendingOptions", {}).get("SendingEnabled", True))

    def _tenant(self, account: Account) -> bool:
        tenant = self._clients.ses.get_tenant(TenantName=account.account_id)["Tenant"]
        own_list: bool = tenant.get("SuppressionAttributes", {}).get("SuppressionScope") == "TENANT"
        return own_list and tenant.get("SendingStatus") != "DISABLED"

    def _texts(self, account: Account) -> TextFacts:
        identity = account.channels.sms.origination_identity
        if identity:
            sandbox = _found(self._texts_sandbox)
            refused = self._dry_runs(account, identity)
            return TextFacts("AWS End User Messaging", UNCHECKED if sandbox is None else sandbox, None, refused)
        sandbox = _found(lambda: bool(self._clients.sns.get_sms_sandbox_account_status()["IsInSandbox"]))
        return TextFacts("SNS", UNCHECKED if sandbox is None else sandbox, _or_false(_found(self._texts_are_logged)))

    def _texts_sandbox(self) -> bool:
        """https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_AccountAttribute.html"""
        listed = self._clients.texts.describe_account_attributes()["AccountAttributes"]
        return any(one["Name"] == "ACCOUNT_TIER" and one["Value"] == "SANDBOX" for one in listed)

    def _texts_are_logged(self) -> bool:
        """https://docs.aws.amazon.com/sns/latest/api/API_SetSMSAttributes.html"""
        known = self._clients.sns.get_sms_attributes()["attributes"]
        return bool(known.get("DeliveryStatusIAMRole")) and known.get("DeliveryStatusSuccessSamplingRate") == "100"

    def _dry_runs(self, account: Account, identity: str) -> dict[str, str] | Unchecked:
        """Why a text to each country would be refused. Checked by the service and not sent."""
        refused: dict[str, str] = {}
        for country, number in example_numbers(account):
            try:
                self._clients.texts.send_text_message(
                    DestinationPhoneNumber=number,
                    OriginationIdentity=identity,
                    MessageBody=_SIMULATED_TEXT,
                    MessageType="PROMOTIONAL",
                    DryRun=True,
                )
            except ClientError as error:
                if _is_passing(error):
                    return UNCHECKED
                refused[country] = code_of(error).rpartition("/")[2]
            except BotoCoreError:
                return UNCHECKED
        return refused

    def _push(self, account: Account) -> PushFacts:
        push = account.channels.push
        if push is None:
            return PushFacts(None)

        def enabled() -> bool:
            answer = self._clients.sns.get_platform_application_attributes(
                PlatformApplicationArn=push.platform_application
            )
            return str(answer["Attributes"].get("Enabled", "true")).lower() == "true"

        return PushFacts(_found(enabled))

    def _webhook(self, account: Account) -> WebhookFacts:
        webhook = account.channels.webhook
        if webhook is None:
            return WebhookFacts(set_up=False)
        key = _found(lambda: bool(self._clients.secrets.describe_secret(SecretId=webhook.secret_name)))
        try:
            found = self._resolve(*host_of(webhook.url))
        except (OSError, ProviderMisconfigured):
            found = []
        return WebhookFacts(True, key=_or_false(key), public=bool(found) and all(map(is_public, found)))


def dmarc_policy(resolver: Resolver, domain: str) -> str | Unchecked | None:
    """Of the domain's record, else of the nearest domain above it that has one: the tree walk of DMARCbis
    (draft-ietf-dmarc-dmarcbis, 4.10)."""
    labels = domain.split(".")
    for start in range(max(len(labels) - 1, 1)):
        try:
            records = resolver.txt("_dmarc." + ".".join(labels[start:]))
        except LookupFailed:
            return UNCHECKED
        policies = [_tags(record) for record in records if record.strip().lower().startswith("v=dmarc1")]
        if len(policies) == 1:
            return policies[0].get("p", "none")
    return None


def example_numbers(account: Account) -> list[tuple[str, str]]:
    """A mobile number of each country that the account says something of, which nobody has; else of the US."""
    import phonenumbers  # noqa: PLC0415 (slow to load)

    settings = account.channels.sms
    countries = sorted({*settings.sender_ids, *settings.prices})[:_MOST_COUNTRIES] or ["US"]
    known = [
        (country, phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE))
        for country in countries
    ]
    form = phonenumbers.PhoneNumberFormat.E164
    return [(country, phonenumbers.format_number(number, form)) for country, number in known if number is not None]


def _identity(answer: Mapping[str, Any]) -> Identity:
    dkim, mail_from = answer.get("DkimAttributes", {}), answer.get("MailFromAttributes", {})
    return Identity(
        verified=bool(answer.get("VerifiedForSendingStatus")),
        dkim=bool(dkim.get("SigningEnabled")) and dkim.get("Status") == "SUCCESS",
        mail_from=mail_from.get("MailFromDomain"),
        mail_from_found=bool(mail_from.get("MailFromDomain")) and mail_from.get("MailFromDomainStatus") == "SUCCESS",
    )


def _provider(answer: Mapping[str, Any]) -> Provider:
    quota = answer["SendQuota"]
    daily = float(quota["Max24HourSend"])
    return Provider(
        production=bool(answer.get("ProductionAccessEnabled")),
        sending=bool(answer.get("SendingEnabled")),
        healthy=answer.get("EnforcementStatus", _HEALTHY) == _HEALTHY,
        per_second=float(quota["MaxSendRate"]),
        per_day=None if daily < 0 else int(daily),
    )


def _found(ask: Callable[[], Found]) -> Found | Unchecked | None:
    """What `ask` finds; None when there is no such thing; unchecked when that could not be found out."""
    try:
        return ask()
    except ClientError as error:
        return None if "NotFound" in code_of(error) else UNCHECKED
    except BotoCoreError:
        return UNCHECKED


def _or_false(found: bool | Unchecked | None) -> bool | Unchecked:
    return False if found is None else found


def _is_passing(error: ClientError) -> bool:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return status >= 500 or code_of(error).startswith(("Throttl", "AccessDenied"))


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
