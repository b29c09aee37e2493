"""What SES is asked, checked against its own model, and how its answers are understood."""

from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.stub import Stubber

from tests.adapters.hanging import hanging
from winback.accounts import Account, Sender
from winback.aws.channels.ses import SesProvider, ses_client
from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.delivery.channels.email import sender_of
from winback.delivery.messages.values import EmailMessage
from winback.identifiers import AccountId, SendId

SEND_ID = SendId.parse("fjord_lau-000000000001_2_" + "a" * 32)
LINK = "https://mail.example.com/u/AbCd"
FJORD = Account(
    account_id=AccountId("fjord"),
    name="Fjord",
    currency="EUR",
    key_salt="0" * 32,
    sender=Sender(name="Fjord", email="hello@mail.example.com", postal_address="1 Harbour Street, Bergen"),
    public_url="https://mail.example.com",
)
EMAIL = Outgoing(SEND_ID, FJORD, "ada@example.com", EmailMessage("Hällo", "<p>ö</p>", "ö"), LINK)
REQUEST = {
    "FromEmailAddress": "Fjord <hello@mail.example.com>",
    "Destination": {"ToAddresses": ["ada@example.com"]},
    "Content": {
        "Simple": {
            "Subject": {"Data": "Hällo", "Charset": "UTF-8"},
            "Body": {"Html": {"Data": "<p>ö</p>", "Charset": "UTF-8"}, "Text": {"Data": "ö", "Charset": "UTF-8"}},
            "Headers": [
                {"Name": "List-Unsubscribe", "Value": f"<{LINK}>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ],
        }
    },
    "EmailTags": [{"Name": "send_id", "Value": str(SEND_ID)}],
    "ConfigurationSetName": "winback-test",
}


@pytest.fixture
def client() -> Any:
    return boto3.client("sesv2", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")


def answer_to(client: Any, code: str, status: int) -> Answer:
    with Stubber(client) as stub:
        stub.add_client_error("send_email", service_error_code=code, http_status_code=status)
        return SesProvider(client, "winback-test", tenants=False).deliver(EMAIL)


@pytest.mark.parametrize(("tenants", "extra"), [(False, {}), (True, {"TenantName": "fjord"})])
def test_a_message_carries_its_send_id_both_parts_and_one_click_unsubscribe(
    client: Any, tenants: bool, extra: dict[str, str]
) -> None:
    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "m-1"}, {**REQUEST, **extra})
        assert SesProvider(client, "winback-test", tenants=tenants).deliver(EMAIL) == Accepted("m-1")


@pytest.mark.parametrize(
    ("code", "status", "brief"),
    [
        ("TooManyRequestsException", 429, True),
        ("ThrottlingException", 400, True),
        ("LimitExceededException", 400, False),
        ("AccountSuspendedException", 400, False),
        ("SendingPausedException", 400, False),
    ],
)
def test_what_ses_does_not_take_now_may_be_sent_later(client: Any, code: str, status: int, brief: bool) -> None:
    assert answer_to(client, code, status) == Throttled(code, brief)


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_what_ses_refuses_is_refused_for_good(client: Any, code: str) -> None:
    assert answer_to(client, code, 400) == Refused(code)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "MessageRejected",
            "Email address is not verified. The following identities failed the check: mail.example.com",
        ),
        ("MailFromDomainNotVerifiedException", "Mail from domain is not verified"),
    ],
)
def test_a_domain_that_is_verified_no_more_waits_for_an_operator_and_burns_no_launch(
    client: Any, code: str, message: str
) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("send_email", service_error_code=code, service_message=message, http_status_code=400)
        with pytest.raises(ProviderMisconfigured, match="NotVerified") as raised:
            SesProvider(client, "winback-test", tenants=False).deliver(EMAIL)
    assert "example.com" not in str(raised.value)


@pytest.mark.parametrize(("code", "status"), [("InternalFailure", 500), ("ServiceUnavailable", 503)])
def test_a_server_error_leaves_it_open_whether_the_message_was_taken(client: Any, code: str, status: int) -> None:
    assert answer_to(client, code, status) == Unclear(code)


@pytest.mark.parametrize(("code", "status"), [("AccessDeniedException", 403), ("NotFoundException", 404)])
def test_a_missing_permission_or_configuration_set_is_for_an_operator(client: Any, code: str, status: int) -> None:
    with pytest.raises(ProviderMisconfigured, match=code):
        answer_to(client, code, status)


class Broken:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def send_email(self, **_: Any) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ReadTimeoutError(endpoint_url="x"), Unclear("ReadTimeoutError")),
        (ConnectionClosedError(endpoint_url="x"), Unclear("ConnectionClosedError")),
        (ConnectTimeoutError(endpoint_url="x"), Throttled("ConnectTimeoutError")),
        (EndpointConnectionError(endpoint_url="x"), Throttled("EndpointConnectionError")),
    ],
)
def test_only_a_connection_that_never_stood_is_certain(error: Exception, expected: Answer) -> None:
    assert SesProvider(Broken(error), "winback-test", tenants=False).deliver(EMAIL) == expected


def test_missing_credentials_are_for_an_operator() -> None:
    with pytest.raises(ProviderMisconfigured, match="NoCredentials"):
        SesProvider(Broken(NoCredentialsError()), "winback-test", tenants=False).deliver(EMAIL)


def test_an_email_of_which_no_answer_came_is_unclear_and_was_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DEFAULT_REGION": "eu-central-1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    ses = ses_client()
    asked = hanging(ses)
    assert SesProvider(ses, "winback-test", tenants=False).deliver(EMAIL) == Unclear("ReadTimeoutError")
    assert len(asked) == 1


def from_header(account: Account, name: str) -> str:
    sender = Sender(name=name, email="hello@mail.example.com", postal_address="x")
    return sender_of(account.model_copy(update={"sender": sender}))


@pytest.mark.parametrize("email", ["hello@fjörd.example", "hello@xn--fjrd-6qa.example"])
def test_a_sender_s_international_domain_is_in_the_form_that_ses_takes(account: Account, email: str) -> None:
    sender = Sender(name="Fjörd", email=email, postal_address="x")
    assert sender_of(account.model_copy(update={"sender": sender})).endswith(" <hello@xn--fjrd-6qa.example>")


def test_a_sender_s_name_cannot_add_a_header(account: Account) -> None:
    told = from_header(account, "Fjord\r\nBcc: eve@example.com")
    assert told == '"Fjord Bcc: eve@example.com" <hello@mail.example.com>'
    assert from_header(account, "Fjord") == "Fjord <hello@mail.example.com>"


@pytest.mark.parametrize("name", ["Fjörd", "Müller & Söhne, Feinkost und Weinhandlung in Düsseldorf", "株式会社" * 20])
def test_a_sender_s_name_in_any_script_reads_as_it_was_written(account: Account, name: str) -> None:
    told = from_header(account, name)
    assert told.isascii()
    assert max(map(len, told.split())) <= 75
    shown, address = parseaddr(told)
    assert (str(make_header(decode_header(shown))), address) == (name, "hello@mail.example.com")
