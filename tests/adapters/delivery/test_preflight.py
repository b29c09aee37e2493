"""What a preflight asks of AWS, held to the services' own models, and of the DNS."""

from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from winback.accounts import Account
from winback.accounts.channels import ChannelName, ChannelSettings, PushSettings, SmsSettings, WebhookSettings
from winback.aws.preflight import Clients, LookupFailed, Preflight, dmarc_policy
from winback.delivery.preflight import UNCHECKED, Check, Need

QUOTA = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 100.0}


@dataclass
class Settings:
    ses_configuration_set: str = "winback-test"
    ses_tenants: str = "true"
    sms_configuration_set: str = ""


@dataclass
class Dns:
    records: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def txt(self, name: str) -> list[str]:
        self.asked.append(name)
        if name not in self.records:
            return []
        if self.records[name] == ["down"]:
            raise LookupFailed("Timeout")
        return self.records[name]


@pytest.fixture
def stubs() -> dict[str, tuple[Any, Stubber]]:
    made = {}
    for service in ("sesv2", "sns", "pinpoint-sms-voice-v2", "secretsmanager"):
        client = boto3.client(service, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
        made[service] = (client, Stubber(client))
        made[service][1].activate()
    return made


def ask(stubs: Any, account: Account, *channels: ChannelName, **more: Any) -> dict[str, Check]:
    preflight = Preflight(
        more.pop("settings", Settings()),
        clients=Clients(lambda service: stubs[service][0]),
        resolver=Dns({"_dmarc.example.com": ["v=DMARC1; p=reject"]}),
        resolve=more.pop("resolve", lambda host, port: ["93.184.215.14"]),
    )
    found = preflight.check(account, {channel: Need() for channel in channels})
    for _, stub in stubs.values():
        stub.assert_no_pending_responses()
    return {check.name: check for check in found}


def with_channels(account: Account, **settings: Any) -> Account:
    return account.model_copy(update={"channels": ChannelSettings(**settings)})


def test_ses_is_asked_for_the_senders_identity_and_the_tenants_own_list(stubs: Any, account: Account) -> None:
    ses = stubs["sesv2"][1]
    ses.add_client_error("get_email_identity", "NotFoundException", http_status_code=404)
    known = {
        "VerifiedForSendingStatus": True,
        "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS"},
        "MailFromAttributes": {
            "MailFromDomain": "bounce.mail.example.com",
            "MailFromDomainStatus": "PENDING",
            "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
        },
    }
    ses.add_response("get_email_identity", known, {"EmailIdentity": "mail.example.com"})
    sending = {"ProductionAccessEnabled": True, "SendingEnabled": True, "EnforcementStatus": "PROBATION"}
    ses.add_response("get_account", {**sending, "SendQuota": QUOTA}, {})
    ses.add_response("get_configuration_set", {"SendingOptions": {"SendingEnabled": True}})
    tenant = {"SendingStatus": "ENABLED", "SuppressionAttributes": {"SuppressionScope": "ACCOUNT"}}
    ses.add_response("get_tenant", {"Tenant": tenant}, {"TenantName": "fjord"})
    found = ask(stubs, account, ChannelName.EMAIL)
    assert [name for name, check in found.items() if check.passed is False] == [
        "MAIL FROM of mail.example.com",
        "SES tenant",
        "Sending of SES",
    ]


def test_what_aws_does_not_answer_could_not_be_checked(stubs: Any, account: Account) -> None:
    ses = stubs["sesv2"][1]
    for call in ("get_email_identity", "get_account", "get_configuration_set", "get_tenant"):
        ses.add_client_error(call, "AccessDeniedException", http_status_code=403)
    found = ask(stubs, account, ChannelName.EMAIL)
    assert {name for name, check in found.items() if check.passed is not None} == {
        "DMARC record of mail.example.com",
        "Unsubscribe link over HTTPS",
    }


def test_texts_through_sns_want_production_access_and_its_log(stubs: Any, account: Account) -> None:
    sns = stubs["sns"][1]
    sns.add_response("get_sms_sandbox_account_status", {"IsInSandbox": False})
    sns.add_response("get_sms_attributes", {"attributes": {"DeliveryStatusSuccessSamplingRate": "10"}})
    found = ask(stubs, account, ChannelName.SMS)
    assert [check.passed for check in found.values()] == [True, False, True]


def test_a_dry_run_says_which_countries_an_origination_identity_cannot_text(stubs: Any, account: Account) -> None:
    sms = SmsSettings(origination_identity="pool-1", sender_ids={"DE": "Fjord", "US": "Fjord"})
    texts = stubs["pinpoint-sms-voice-v2"][1]
    tier = {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}]}
    texts.add_response("describe_account_attributes", tier)
    dry_run = {
        "OriginationIdentity": "pool-1",
        "MessageBody": "Preflight",
        "MessageType": "PROMOTIONAL",
        "DryRun": True,
    }
    texts.add_response("send_text_message", {}, {"DestinationPhoneNumber": "+4915123456789", **dry_run})
    texts.add_client_error(
        "send_text_message", "ValidationException", modeled_fields={"Reason": "SENDER_ID_NOT_SUPPORTED"}
    )
    found = ask(stubs, with_channels(account, sms=sms), ChannelName.SMS)
    assert "US: SENDER_ID_NOT_SUPPORTED" in str(found["Texts by country"].problem)
    assert found["Production access of AWS End User Messaging"].passed


def test_the_platform_application_and_the_webhooks_key_are_looked_up(stubs: Any, account: Account) -> None:
    application = "arn:aws:sns:eu-central-1:123456789012:app/GCM/fjord"
    webhook = WebhookSettings(url="https://hooks.example.com/in", secret_name="winback-test-webhook-fjord")
    stubs["sns"][1].add_response("get_platform_application_attributes", {"Attributes": {"Enabled": "false"}})
    stubs["secretsmanager"][1].add_client_error("describe_secret", "ResourceNotFoundException")
    changed = with_channels(account, push=PushSettings(platform_application=application), webhook=webhook)
    found = ask(stubs, changed, ChannelName.PUSH, ChannelName.WEBHOOK, resolve=lambda host, port: ["10.0.0.7"])
    assert {name: check.passed for name, check in found.items()} == {
        "Platform application": False,
        "Webhook": True,
        "Signing key of the webhook": False,
        "Host of the webhook": False,
    }


@pytest.mark.parametrize(
    ("records", "policy"),
    [
        ({"_dmarc.mail.example.com": ["v=DMARC1; p=none"], "_dmarc.example.com": ["v=DMARC1; p=reject"]}, "none"),
        ({"_dmarc.example.com": ["google-site-verification=x", "V=DMARC1;P=Quarantine"]}, "quarantine"),
        ({"_dmarc.example.com": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, None),  # two are as good as none
        ({}, None),
        ({"_dmarc.mail.example.com": ["down"]}, UNCHECKED),
    ],
)
def test_the_nearest_dmarc_record_counts(records: dict[str, list[str]], policy: Any) -> None:
    dns = Dns(records)
    assert dmarc_policy(dns, "mail.example.com") == policy
    assert "_dmarc.com" not in dns.asked
