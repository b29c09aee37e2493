"""Before a launch is approved: can its messages leave, and will they arrive? Pure: facts in, checks out.

What mailbox providers ask of whoever sends much: https://support.google.com/a/answer/81126 and
https://senders.yahooinc.com/best-practices/: SPF and DKIM, a DMARC record, one-click unsubscription over HTTPS.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from winback.delivery.channels import ChannelName

_DAY, _HOUR_SECONDS = timedelta(days=1), 3600
FEW = 0.5  # of the audience that agreed to a channel


class Unchecked(StrEnum):
    """A fact that could not be found out; what stands behind it may be well or not."""

    UNCHECKED = "unchecked"


UNCHECKED = Unchecked.UNCHECKED


@dataclass(frozen=True)
class Check:
    """`passed` is None when it could not be checked. Without a `required` one nothing leaves on the channel; the
    others cost messages their inbox, or us the knowledge of what became of them."""

    name: str
    channel: ChannelName
    passed: bool | None
    required: bool = True
    problem: str | None = None  # in plain words, without a full stop
    remedy: str | None = None

    def as_json(self) -> dict[str, object]:
        known = {"name": self.name, "channel": self.channel.value, "passed": self.passed, "required": self.required}
        return {**known, "problem": self.problem, "remedy": self.remedy}


@dataclass(frozen=True)
class Identity:
    """The sender's domain or address, as SES knows it."""

    verified: bool
    dkim: bool
    mail_from: str | None = None  # the domain of bounces
    mail_from_found: bool = False


@dataclass(frozen=True)
class Provider:
    """The AWS account's own standing with SES. `per_day` None: without a limit."""

    production: bool
    sending: bool
    healthy: bool
    per_second: float
    per_day: int | None


@dataclass(frozen=True)
class EmailFacts:
    sender: str  # the domain
    public_url: str
    identity: Identity | Unchecked | None  # None: SES knows no such identity
    provider: Provider | Unchecked
    configuration_set: bool | Unchecked  # may send
    dmarc: str | Unchecked | None  # the record's policy; None: there is no record
    tenant: bool | Unchecked | None = None  # may send, with a suppression list of its own; None: the stage has none


@dataclass(frozen=True)
class TextFacts:
    """`refused`: by country, why a dry run was refused; empty when none was. `followed`: what becomes of texts is
    logged; None where events say it anyway."""

    through: str  # SNS, or AWS End User Messaging
    sandbox: bool | Unchecked
    followed: bool | Unchecked | None
    refused: Mapping[str, str] | Unchecked = field(default_factory=dict)


@dataclass(frozen=True)
class PushFacts:
    enabled: bool | Unchecked | None  # None: the account has no platform application, or SNS does not know it


@dataclass(frozen=True)
class WebhookFacts:
    set_up: bool
    key: bool | Unchecked = False  # its signing key is there
    public: bool | Unchecked = False  # its host has addresses of the internet alone


Facts = EmailFacts | TextFacts | PushFacts | WebhookFacts


@dataclass(frozen=True)
class Reach:
    """Of the audience: how many there are, and how many of them agreed to the channel."""

    of: int
    agreed: int


@dataclass(frozen=True)
class Need:
    """What a launch asks of a channel: messages by the hour in which they are planned, and whom it reaches."""

    hours: Mapping[datetime, int] = field(default_factory=dict)
    reach: Reach | None = None


def checks(facts: Sequence[Facts], needs: Mapping[ChannelName, Need]) -> tuple[Check, ...]:
    """All checks of the channels, in a fixed order."""
    found: list[Check] = []
    for known in facts:
        match known:
            case EmailFacts():
                found += _email(known, needs.get(ChannelName.EMAIL, Need()))
            case TextFacts():
                found += _texts(known)
            case PushFacts():
                found.append(_push(known))
            case WebhookFacts():
                found += _webhook(known)
    return (*found, *_reach(needs))


def _email(facts: EmailFacts, need: Need) -> Iterator[Check]:
    yield from _identity(facts)
    yield _judged(
        ChannelName.EMAIL,
        f"DMARC record of {facts.sender}",
        facts.dmarc if isinstance(facts.dmarc, Unchecked) else facts.dmarc is not None,
        "mailbox providers refuse mail in bulk from a domain without one",
        f'add a TXT record _dmarc.{facts.sender} with at least "v=DMARC1; p=none"',
    )
    yield _judged(
        ChannelName.EMAIL,
        "Unsubscribe link over HTTPS",
        facts.public_url.startswith("https://"),
        "one-click unsubscription works over HTTPS alone, so mailbox providers will not offer it",
        "set the account's public_url to one that starts with https://",
    )
    yield _judged(
        ChannelName.EMAIL,
        "Configuration set",
        facts.configuration_set,
        "it is missing, or its sending is paused",
        "deploy the stage, or resume it: aws sesv2 put-configuration-set-sending-options --sending-enabled",
    )
    if facts.tenant is not None:
        yield _judged(
            ChannelName.EMAIL,
            "SES tenant",
            facts.tenant,
            "the account's tenant is missing, paused, or shares its suppression list with other brands",
            "update_account makes it and its list; a paused one has reputation findings in SES",
        )
    yield from _provider(facts.provider, need)


def _identity(facts: EmailFacts) -> Iterator[Check]:
    identity, sender = facts.identity, facts.sender
    known = isinstance(identity, Identity)
    unchecked = isinstance(identity, Unchecked)
    yield _judged(
        ChannelName.EMAIL,
        f"Identity {sender}",
        UNCHECKED if unchecked else known and identity.verified,  # type: ignore[union-attr]
        "SES has not verified the domain that the messages come from",
        "create the identity in SES and publish the DNS records that it names",
    )
    yield _judged(
        ChannelName.EMAIL,
        f"DKIM of {sender}",
        UNCHECKED if unchecked else known and identity.dkim,  # type: ignore[union-attr]
        "the messages are not signed as the domain's own",
        "publish the three CNAME records that SES names for the identity",
    )
    mail_from = identity.mail_from if isinstance(identity, Identity) else None
    yield _judged(
        ChannelName.EMAIL,
        f"MAIL FROM of {sender}",
        UNCHECKED if unchecked else isinstance(identity, Identity) and identity.mail_from_found,
        f"SES does not find the MX record of {mail_from}" if mail_from else "bounces go to a domain of SES's own",
        "set a MAIL FROM domain of the identity and publish its MX and SPF records",
        required=False,
    )


def _provider(provider: Provider | Unchecked, need: Need) -> Iterator[Check]:
    unchecked = isinstance(provider, Unchecked)
    yield _judged(
        ChannelName.EMAIL,
        "Production access of SES",
        UNCHECKED if isinstance(provider, Unchecked) else provider.production,
        "the AWS account is in the sandbox: mail reaches verified addresses alone",
        "ask for production access in the SES console, in this region",
    )
    yield _judged(
        ChannelName.EMAIL,
        "Sending of SES",
        UNCHECKED if isinstance(provider, Unchecked) else provider.sending and provider.healthy,
        "SES has paused the AWS account's sending, or reviews it",
        "read the findings in the SES console; lower bounces and complaints before anything else is sent",
    )
    if unchecked or not need.hours:
        return
    assert isinstance(provider, Provider)
    hour, most = max(need.hours.items(), key=lambda entry: (entry[1], -entry[0].timestamp()))
    an_hour = int(provider.per_second * _HOUR_SECONDS)
    yield _judged(
        ChannelName.EMAIL,
        "Rate of SES",
        most <= an_hour,
        f"{most:,} messages are planned for the hour from {hour:%Y-%m-%d %H:%M} UTC, and SES takes {an_hour:,} an hour",
        "spread the step over more hours, or raise the rate in Service Quotas: what is left over leaves later",
        required=False,
    )
    if provider.per_day is not None:
        busiest = _busiest_day(need.hours)
        yield _judged(
            ChannelName.EMAIL,
            "Daily quota of SES",
            busiest <= provider.per_day,
            f"{busiest:,} messages are planned within 24 hours, and SES takes {provider.per_day:,}",
            "spread the launch over more days, or raise the quota in Service Quotas: what is left over leaves later",
            required=False,
        )


def _busiest_day(hours: Mapping[datetime, int]) -> int:
    """Most messages in any 24 hours in a row."""
    planned = sorted(hours.items())
    most = within = first = 0
    for at, count in planned:
        within += count
        while planned[first][0] <= at - _DAY:
            within -= planned[first][1]
            first += 1
        most = max(most, within)
    return most


def _texts(facts: TextFacts) -> Iterator[Check]:
    yield _judged(
        ChannelName.SMS,
        f"Production access of {facts.through}",
        facts.sandbox if isinstance(facts.sandbox, Unchecked) else not facts.sandbox,
        "the AWS account is in the sandbox: texts reach verified numbers alone",
        "ask to leave the SMS sandbox, in this region",
    )
    if facts.followed is not None:
        yield _judged(
            ChannelName.SMS,
            "What becomes of texts",
            facts.followed,
            "SNS does not log every text, so nothing tells which arrived",
            "let SNS write its log: docs/runbook.md, Texts",
            required=False,
        )
    refused = facts.refused
    why = "; ".join(f"{country}: {code}" for country, code in sorted(refused.items())) if refused != UNCHECKED else ""
    yield _judged(
        ChannelName.SMS,
        "Texts by country",
        refused if isinstance(refused, Unchecked) else not refused,
        f"a text that was checked and not sent was refused ({why})",
        "register a number or sender id for the country, or leave the country out",
    )


def _push(facts: PushFacts) -> Check:
    problem, remedy = (
        (
            "the account names none that SNS knows",
            "make one in SNS and set channels.push.platform_application to its ARN",
        )
        if facts.enabled is None
        else (
            "SNS has disabled it: its credentials for the app store's service are no longer valid",
            "renew its credentials in SNS",
        )
    )
    enabled = facts.enabled if isinstance(facts.enabled, Unchecked) else facts.enabled is True
    return _judged(ChannelName.PUSH, "Platform application", enabled, problem, remedy)


def _webhook(facts: WebhookFacts) -> Iterator[Check]:
    yield _judged(
        ChannelName.WEBHOOK, "Webhook", facts.set_up, "the account names none", "set channels.webhook of the account"
    )
    if facts.set_up:
        yield _judged(
            ChannelName.WEBHOOK,
            "Signing key of the webhook",
            facts.key,
            "its secret is missing in Secrets Manager, or may not be read",
            "create the secret that channels.webhook.secret_name names, under winback-, the stage's name and -webhook-",
        )
        yield _judged(
            ChannelName.WEBHOOK,
            "Host of the webhook",
            facts.public,
            "it has no address, or one that is not of the internet",
            "give the endpoint a public name",
        )


def _reach(needs: Mapping[ChannelName, Need]) -> Iterator[Check]:
    for channel, need in needs.items():
        if need.reach is None or not need.reach.of:
            continue
        agreed, of = need.reach.agreed, need.reach.of
        nobody = agreed == 0
        yield _judged(
            channel,
            f"Consent to {channel.value}",
            agreed >= FEW * of,
            "nobody of the audience agreed to it" if nobody else f"{agreed:,} of {of:,} customers agreed to it",
            "ask customers for their consent, or send the consents that the store has: nobody is written to without",
            required=nobody,
        )


def _judged(
    channel: ChannelName, name: str, passed: bool | Unchecked, problem: str, remedy: str, *, required: bool = True
) -> Check:
    if isinstance(passed, Unchecked):
        return Check(name, channel, None, required, "it could not be checked", "repeat the check in a while")
    if passed:
        return Check(name, channel, True, required)
    return Check(name, channel, False, required, problem, remedy)


def missing(found: Iterable[Check]) -> tuple[Check, ...]:
    """Those without which a channel sends nothing."""
    return tuple(check for check in found if check.required and check.passed is False)
