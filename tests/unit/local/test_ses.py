"""The SES v2 stand-in refuses what SES refuses, with answers that the SDK understands."""

import base64
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser

from local.mail.messages import Message
from local.mail.ses import Answer, Fault, Mailbox, Sending, needed_permission

NOW = datetime(1997, 10, 1, tzinfo=UTC)


class Account:
    """A mailbox with a clock in hand."""

    def __init__(self, **quota: Any) -> None:
        self.accepted: list[Message] = []
        self.seconds = 0.0
        sending = Sending(frozenset({"winback-local"}), frozenset({"mail.example.com"}), frozenset({"shop"}), **quota)
        self.box = Mailbox(sending, now=lambda: NOW, ticks=lambda: self.seconds, accepted=self.accepted.append)

    def send(self, **changes: Any) -> Answer:
        simple = {
            "Subject": {"Data": "We miss you"},
            "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": "<p>Hello</p>"}},
            "Headers": changes.pop("Headers", [{"Name": "List-Unsubscribe", "Value": "<https://shop.example/u/t>"}]),
        }
        request = {
            "FromEmailAddress": "Shop <hello@mail.example.com>",
            "Destination": {"ToAddresses": ["anna@example.com"]},
            "Content": {"Simple": simple},
            "ConfigurationSetName": "winback-local",
            "EmailTags": [{"Name": "send_id", "Value": "shop_lau-0_1_abc"}],
            **changes,
        }
        return self.box.handle("POST", "/v2/email/outbound-emails", {}, json.dumps(request).encode())


def as_the_sdk_sees(operation: str, answer: Answer) -> dict[str, Any]:
    model = botocore.session.get_session().get_service_model("sesv2")
    wire = {"status_code": int(answer.status), "headers": {**answer.headers}, "body": json.dumps(answer.body).encode()}
    wire["headers"] = {name.lower(): value for name, value in wire["headers"].items()}
    parsed: dict[str, Any] = create_parser("rest-json").parse(wire, model.operation_model(operation).output_shape)
    return parsed


def refusal(answer: Answer) -> str:
    code: str = as_the_sdk_sees("SendEmail", answer)["Error"]["Code"]
    return code


def test_an_accepted_message_keeps_its_tags_headers_and_both_parts() -> None:
    account = Account()
    seen = as_the_sdk_sees("SendEmail", account.send(TenantName="shop"))
    [kept] = account.accepted
    assert seen["MessageId"] == kept.message_id
    assert (kept.send_id, kept.tenant, kept.configuration_set) == ("shop_lau-0_1_abc", "shop", "winback-local")
    assert (kept.text, kept.html, kept.subject) == ("Hello", "<p>Hello</p>", "We miss you")
    assert kept.header("list-unsubscribe") == "<https://shop.example/u/t>"
    assert kept.sent_at == NOW


def test_a_raw_message_is_read_too() -> None:
    mime = EmailMessage()
    mime["Subject"], mime["X-Note"] = "Raw", "here"
    mime.set_content("text")
    mime.add_alternative("<p>html</p>", subtype="html")
    account = Account()
    account.send(Content={"Raw": {"Data": base64.b64encode(mime.as_bytes()).decode()}})
    [kept] = account.accepted
    assert (kept.subject, (kept.text or "").strip(), kept.header("x-note")) == ("Raw", "text", "here")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ConfigurationSetName": "winback-prod"}, "NotFoundException"),
        ({"FromEmailAddress": "hello@elsewhere.example"}, "MessageRejected"),
        ({"FromEmailAddress": "hello@notmail.example.com"}, "MessageRejected"),
        ({"TenantName": "another"}, "NotFoundException"),
        ({"EmailTags": [{"Name": "send_id", "Value": "a b"}]}, "BadRequestException"),
        ({"EmailTags": [{"Name": "send_id", "Value": "a#b"}]}, "BadRequestException"),
        ({"EmailTags": [{"Name": "send_id", "Value": "x" * 257}]}, "BadRequestException"),
        ({"EmailTags": [{"Name": "a", "Value": "1"}, {"Name": "a", "Value": "2"}]}, "BadRequestException"),
        ({"Headers": [{"Name": f"X-{n}", "Value": "v"} for n in range(16)]}, "BadRequestException"),
        ({"Headers": [{"Name": "X-A", "Value": "v" * 871}]}, "BadRequestException"),
        ({"Headers": [{"Name": "X-A", "Value": "ünï"}]}, "BadRequestException"),
        ({"Destination": {"ToAddresses": []}}, "BadRequestException"),
        ({"Destination": {"ToAddresses": ["nobody"]}}, "BadRequestException"),
        ({"Destination": {"ToAddresses": [f"a{n}@example.com" for n in range(51)]}}, "MessageRejected"),
        ({"Content": {}}, "BadRequestException"),
    ],
)
def test_what_ses_would_refuse_is_refused(changes: dict[str, Any], code: str) -> None:
    account = Account()
    assert refusal(account.send(**changes)) == code
    assert account.accepted == []


def test_more_than_the_rate_within_a_second_is_throttled_and_the_next_second_is_free() -> None:
    account = Account(max_send_rate=3)
    assert [account.send().status for _ in range(4)] == [200, 200, 200, 429]
    assert refusal(account.send()) == "TooManyRequestsException"
    account.seconds = 1.01
    assert account.send().status == 200
    assert len(account.accepted) == 4


def test_more_than_the_day_allows_is_refused() -> None:
    account = Account(max_24_hour_send=2, max_send_rate=100)
    answers = [account.send() for _ in range(3)]
    assert refusal(answers[2]) == "LimitExceededException"


def test_a_message_may_be_taken_although_the_connection_breaks() -> None:
    account = Account()
    account.box.inject([Fault(1, "accept_then_drop"), Fault(2, "drop"), Fault(3, "throttle"), Fault(4, "refuse")])
    taken, lost, throttled, refused, fine = [account.send() for _ in range(5)]
    assert (taken.drop, lost.drop, fine.drop) == (True, True, False)
    assert (refusal(throttled), refusal(refused)) == ("TooManyRequestsException", "MessageRejected")
    assert len(account.accepted) == 2


def test_the_suppression_list_is_kept_without_regard_to_case() -> None:
    box = Account().box
    path = "/v2/email/suppression/addresses"
    box.handle("PUT", path, {}, b'{"EmailAddress": "Anna@Example.com", "Reason": "BOUNCE"}')
    answer = box.handle("GET", f"{path}/anna%40example.com", {}, b"")
    assert as_the_sdk_sees("GetSuppressedDestination", answer)["SuppressedDestination"]["Reason"] == "BOUNCE"
    assert len(box.handle("GET", path, {}, b"").body["SuppressedDestinationSummaries"]) == 1
    assert box.handle("DELETE", f"{path}/anna@example.com", {}, b"").status == 200
    assert box.handle("GET", f"{path}/anna@example.com", {}, b"").status == 404


def test_the_account_tells_its_quota() -> None:
    account = Account(max_send_rate=7, max_24_hour_send=70)
    account.send()
    quota = as_the_sdk_sees("GetAccount", account.box.handle("GET", "/v2/email/account", {}, b""))["SendQuota"]
    assert quota == {"MaxSendRate": 7, "Max24HourSend": 70, "SentLast24Hours": 1}


def test_a_message_needs_permission_for_its_senders_domain_and_its_configuration_set() -> None:
    body = json.dumps({"FromEmailAddress": "Shop <hello@mail.example.com>", "ConfigurationSetName": "winback-local"})
    arns = "arn:aws:ses:us-east-1:000000000000"
    assert needed_permission("POST", "/v2/email/outbound-emails", body.encode(), arns=arns) == (
        "ses:SendEmail",
        [f"{arns}:identity/mail.example.com", f"{arns}:configuration-set/winback-local"],
    )


def test_a_tenant_with_a_list_of_its_own_shares_no_suppression() -> None:
    account = Account()
    own = {"SuppressedReasons": ["BOUNCE"], "SuppressionScope": "TENANT"}
    made = {"TenantName": "other", "SuppressionAttributes": own}
    assert account.box.handle("POST", "/v2/email/tenants", {}, json.dumps(made).encode()).status == 200
    answer = account.box.handle("POST", "/v2/email/tenants/get", {}, b'{"TenantName": "other"}')
    assert as_the_sdk_sees("GetTenant", answer)["Tenant"]["SuppressionAttributes"] == own
    account.box.suppress("anna@example.com", "BOUNCE", "other")
    assert account.box.is_suppressed("Anna@example.com", "other")
    assert not account.box.is_suppressed("anna@example.com", "shop")
    assert not account.box.is_suppressed("anna@example.com")


def test_a_known_identity_is_sound_and_an_unknown_one_is_not_found() -> None:
    box = Account().box
    answer = as_the_sdk_sees("GetEmailIdentity", box.handle("GET", "/v2/email/identities/mail.example.com", {}, b""))
    assert (answer["DkimAttributes"]["Status"], answer["MailFromAttributes"]["MailFromDomainStatus"]) == (
        "SUCCESS",
        "SUCCESS",
    )
    assert box.handle("GET", "/v2/email/identities/elsewhere.example", {}, b"").status == 404
    assert box.handle("GET", "/v2/email/configuration-sets/winback-local", {}, b"").status == 200


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "identities/mail.example.com", ("ses:GetEmailIdentity", ["arn:identity/mail.example.com"])),
        ("GET", "configuration-sets/winback", ("ses:GetConfigurationSet", ["arn:configuration-set/winback"])),
        ("POST", "tenants/get", ("ses:GetTenant", ["*"])),
        ("POST", "tenant/suppression", ("ses:PutTenantSuppressionAttributes", ["*"])),
    ],
)
def test_other_requests_need_permissions_of_their_own(method: str, path: str, needed: tuple[str, list[str]]) -> None:
    assert needed_permission(method, f"/v2/email/{path}", b"", arns="arn") == needed
