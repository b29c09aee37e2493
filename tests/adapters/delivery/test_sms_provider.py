"""Texts: what SNS and AWS End User Messaging are asked, and how their answers are understood."""

from typing import Any

import pytest
from botocore.stub import Stubber

from local.inprocess.tables import MemoryTable
from tests.adapters.delivery.outgoing import NOW, SEND_ID, Suppressed, client, outgoing
from winback.accounts import Account
from winback.accounts.channels import SmsSettings
from winback.aws.channels.sms import TIME_TO_LIVE_SECONDS, SmsProvider
from winback.aws.suppressions import SuppressionReason
from winback.aws.texts import TextIndex
from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.messages.values import SmsMessage

TO = "+4915123456789"


@pytest.fixture
def parts() -> tuple[Stubber, Stubber, SmsProvider, Suppressed, TextIndex]:
    sns, texting = client("sns"), client("pinpoint-sms-voice-v2")
    suppressed, index = Suppressed(), TextIndex(MemoryTable("performance"), lambda: NOW)
    provider = SmsProvider(sns, texting, index, suppressed, configuration_set="winback-test")
    return Stubber(sns), Stubber(texting), provider, suppressed, index


def test_without_an_origination_identity_sns_takes_it_under_the_countrys_sender_id(
    parts: Any, account: Account
) -> None:
    sns, _, provider, _, index = parts
    attributes = {
        "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Promotional"},
        "AWS.SNS.SMS.MaxPrice": {"DataType": "Number", "StringValue": "0.24"},  # of both parts
        "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Fjord"},
    }
    text = "a" * 161
    sent = {"PhoneNumber": TO, "Message": text, "MessageAttributes": attributes}
    sns.add_response("publish", {"MessageId": "m-1"}, sent)
    sms = SmsSettings(sender_ids={"DE": "Fjord", "GB": "Other"}, max_price_cents=12)
    with sns:
        assert provider.deliver(outgoing(account, TO, SmsMessage(text), sms=sms)) == Accepted("m-1")
    assert index.find("m-1") == SEND_ID
    assert index.find("m-2") is None


def test_with_one_end_user_messaging_takes_it_and_its_events_name_the_send(parts: Any, account: Account) -> None:
    _, texting, provider, _, index = parts
    sent = {
        "DestinationPhoneNumber": TO,
        "OriginationIdentity": "pool-1",
        "MessageBody": "Hello",
        "MessageType": "PROMOTIONAL",
        "MaxPrice": "0.25",
        "TimeToLive": TIME_TO_LIVE_SECONDS,
        "Context": {"send_id": str(SEND_ID)},
        "ConfigurationSetName": "winback-test",
    }
    texting.add_response("send_text_message", {"MessageId": "m-2"}, sent)
    sms = SmsSettings(origination_identity="pool-1")
    with texting:
        assert provider.deliver(outgoing(account, TO, SmsMessage("Hello"), sms=sms)) == Accepted("m-2")
    assert index.find("m-2") == SEND_ID


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (("ThrottlingException", "", 400), Throttled("ThrottlingException", brief=True)),
        (
            ("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", 402),
            Throttled("ServiceQuotaExceededException/MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"),
        ),
        (("InternalServerException", "", 500), Unclear("InternalServerException")),
        (("ValidationException", "PRICE_OVER_THRESHOLD", 400), Refused("ValidationException/PRICE_OVER_THRESHOLD")),
        (("ValidationException", "INVALID_ARN", 400), None),
        (("ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", 409), None),
        (("AccessDeniedException", "ACCOUNT_DISABLED", 403), None),
        (("ResourceNotFoundException", "", 404), None),
    ],
)
def test_what_end_user_messaging_answers_instead(
    parts: Any, account: Account, error: tuple[str, str, int], expected: Answer | None
) -> None:
    _, texting, provider, suppressed, _ = parts
    code, reason, status = error
    fields = {"Reason": reason} if reason else {}
    texting.add_client_error("send_text_message", code, http_status_code=status, modeled_fields=fields)
    message = outgoing(account, TO, SmsMessage("Hello"), sms=SmsSettings(origination_identity="pool-1"))
    with texting:
        if expected is None:
            with pytest.raises(ProviderMisconfigured, match=code):
                provider.deliver(message)
        else:
            assert provider.deliver(message) == expected
    assert suppressed == []


def test_whoever_opted_out_at_aws_is_suppressed_here_as_well(parts: Any, account: Account) -> None:
    _, texting, provider, suppressed, _ = parts
    fields = {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}
    texting.add_client_error("send_text_message", "ConflictException", modeled_fields=fields)
    message = outgoing(account, TO, SmsMessage("Hello"), sms=SmsSettings(origination_identity="pool-1"))
    with texting:
        assert isinstance(provider.deliver(message), Refused)
    assert suppressed == [SuppressionReason.UNSUBSCRIBE]


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("InvalidParameter", 400, Refused("InvalidParameter")),
        ("Throttled", 429, Throttled("Throttled", brief=True)),
        ("InternalError", 500, Unclear("InternalError")),
        ("AuthorizationError", 403, None),
    ],
)
def test_what_sns_answers_instead(
    parts: Any, account: Account, code: str, status: int, expected: Answer | None
) -> None:
    sns, _, provider, _, _ = parts
    sns.add_client_error("publish", code, http_status_code=status)
    with sns:
        if expected is None:
            with pytest.raises(ProviderMisconfigured, match=code):
                provider.deliver(outgoing(account, TO, SmsMessage("Hello")))
        else:
            assert provider.deliver(outgoing(account, TO, SmsMessage("Hello"))) == expected
