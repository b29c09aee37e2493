"""Notifications: what SNS is asked, and how its answers are understood."""

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber

from tests.adapters.delivery.outgoing import APPLICATION, ENDPOINT, SEND_ID, Suppressed, client, outgoing
from winback.accounts import Account
from winback.accounts.channels import PushSettings
from winback.aws.channels.push import PushProvider
from winback.aws.suppressions import SuppressionReason
from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled
from winback.delivery.channels import Outgoing
from winback.delivery.messages.values import EmailMessage, PushMessage

MESSAGE = PushMessage("We miss you", "Grüße", "https://shop.example.com")


@pytest.fixture
def parts() -> tuple[Stubber, PushProvider, Suppressed]:
    sns, suppressed = client("sns"), Suppressed()
    return Stubber(sns), PushProvider(sns, suppressed), suppressed


def out(account: Account, to: str = "token-12345") -> Outgoing:
    return outgoing(account, to, MESSAGE, push=PushSettings(platform_application=APPLICATION))


def test_a_token_gets_its_endpoint_once_and_each_platform_its_own_form(parts: Any, account: Account) -> None:
    sns, provider, _ = parts
    sns.add_response(
        "create_platform_endpoint",
        {"EndpointArn": ENDPOINT},
        {"PlatformApplicationArn": APPLICATION, "Token": "token-12345"},
    )
    data = {"send_id": str(SEND_ID), "link": "https://shop.example.com"}
    shown = {"title": "We miss you", "body": "Grüße"}
    parts_of = {
        "default": "Grüße",
        "GCM": json.dumps({"fcmV1Message": {"message": {"notification": shown, "data": data}}}, ensure_ascii=False),
        "APNS": json.dumps({"aps": {"alert": shown}, **data}, ensure_ascii=False),
        "APNS_SANDBOX": json.dumps({"aps": {"alert": shown}, **data}, ensure_ascii=False),
    }
    published = {
        "TargetArn": ENDPOINT,
        "Message": json.dumps(parts_of, ensure_ascii=False),
        "MessageStructure": "json",
    }
    for number in (1, 2):
        sns.add_response("publish", {"MessageId": f"m-{number}"}, published)
    with sns:
        assert provider.deliver(out(account)) == Accepted("m-1")
        assert provider.deliver(out(account)) == Accepted("m-2")
        sns.assert_no_pending_responses()


@pytest.mark.parametrize(("code", "status"), [("EndpointDisabled", 400), ("NotFound", 404)])
def test_a_device_that_is_gone_is_suppressed(parts: Any, account: Account, code: str, status: int) -> None:
    sns, provider, suppressed = parts
    sns.add_client_error("publish", code, http_status_code=status)
    with sns:
        assert provider.deliver(out(account, ENDPOINT)) == Refused(code)
    assert suppressed == [SuppressionReason.HARD_BOUNCE]


@pytest.mark.parametrize(
    ("call", "code"), [("create_platform_endpoint", "NotFound"), ("publish", "PlatformApplicationDisabled")]
)
def test_an_application_that_is_gone_is_for_an_operator(parts: Any, account: Account, call: str, code: str) -> None:
    sns, provider, suppressed = parts
    sns.add_client_error(call, code, http_status_code=404 if code == "NotFound" else 400)
    with sns, pytest.raises(ProviderMisconfigured):
        provider.deliver(out(account, "token-12345" if call != "publish" else ENDPOINT))
    assert suppressed == []


def test_an_endpoint_that_could_not_be_made_leaves_the_send_for_later(
    parts: Any, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, provider, _ = parts

    def slow(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="x")

    monkeypatch.setattr(provider._sns, "create_platform_endpoint", slow)
    assert provider.deliver(out(account)) == Throttled("ReadTimeoutError")


def test_an_account_without_an_application_is_for_an_operator(parts: Any, account: Account) -> None:
    with pytest.raises(ProviderMisconfigured, match="NoPlatformApplication"):
        parts[1].deliver(outgoing(account, "token-12345", MESSAGE))


@pytest.mark.parametrize(
    ("error", "expected"),
    [(ConnectTimeoutError(endpoint_url="x"), Throttled("ConnectTimeoutError")), (NoCredentialsError(), None)],
)
def test_troubles_of_the_connection_are_understood_alike_on_every_channel(
    account: Account, error: Exception, expected: Answer | None
) -> None:
    class Broken:
        def publish(self, **_: Any) -> Any:
            raise error

    provider = PushProvider(Broken(), Suppressed())
    message = outgoing(account, ENDPOINT, MESSAGE, push=PushSettings(platform_application=APPLICATION))
    if expected is None:
        with pytest.raises(ProviderMisconfigured, match="NoCredentials"):
            provider.deliver(message)
    else:
        assert provider.deliver(message) == expected


def test_a_message_of_another_channel_is_a_fault_and_no_refusal(account: Account) -> None:
    with pytest.raises(TypeError):
        PushProvider(client("sns"), Suppressed()).deliver(outgoing(account, "x", EmailMessage("s", "h", "t")))
