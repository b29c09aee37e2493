"""Hands texts to AWS End User Messaging where there is an origination identity, else to SNS."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from winback.aws.channels.handing_over import Meanings, handed_over
from winback.aws.channels.suppressing import Suppress
from winback.aws.suppressions import SuppressionReason
from winback.aws.texts import TextIndex
from winback.delivery.answers import Accepted, Answer, Refused
from winback.delivery.channels import Outgoing
from winback.delivery.channels.phone import country_of
from winback.delivery.channels.sms_parts import measure
from winback.delivery.messages.values import SmsMessage

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors, by their wire names.
_SNS = Meanings(
    provider="SNS", refused={"InvalidParameter", "ParameterValueInvalid", "ValidationError", "ValidationException"}
)
_OPTED_OUT = "ConflictException/DESTINATION_PHONE_NUMBER_OPTED_OUT"
# https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html#API_SendTextMessage_Errors
# Reasons that lie in the number or its country; the others lie in how we are set up.
_END_USER_MESSAGING = Meanings(
    provider="AWS End User Messaging",
    refused={
        _OPTED_OUT,
        "ConflictException/DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
        "ConflictException/DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
        *(
            f"ValidationException/{reason}"
            for reason in (
                "CANNOT_PARSE",
                "COUNTRY_CODE_MISMATCH",
                "COUNTRY_NOT_ENABLED",
                "DESTINATION_COUNTRY_BLOCKED",
                "FIELD_VALIDATION_FAILED",
                "INTERNATIONAL_SENDING_NOT_SUPPORTED",
                "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY",
                "INVALID_PARAMETER",
                "MAXIMUM_SIZE_EXCEEDED",
                "PRICE_OVER_THRESHOLD",
                "SENDER_ID_NOT_REGISTERED",
                "SENDER_ID_NOT_SUPPORTED",
                "SENDER_ID_REQUIRES_REGISTRATION",
            )
        ),
    },
    later={"ServiceQuotaExceededException"},
)
# A text that could not be handed to the phone for so long has lost its hour; the services' own limit is three days.
TIME_TO_LIVE_SECONDS = 4 * 3600


@dataclass(frozen=True)
class SmsProvider:
    """`configuration_set` is the stage's; the account's origination identity is its own, or the stage's
    (winback.aws.tables.Accounts)."""

    sns: Any
    end_user_messaging: Any
    texts: TextIndex
    suppress: Suppress
    configuration_set: str

    def deliver(self, outgoing: Outgoing) -> Answer:
        """Raises ProviderMisconfigured."""
        message = outgoing.message
        if not isinstance(message, SmsMessage):
            raise TypeError("a message of another channel was given to the text provider")
        identity = outgoing.account.channels.sms.origination_identity
        if identity is not None:
            answer = handed_over(
                lambda: str(
                    self.end_user_messaging.send_text_message(**self.request(outgoing, message, identity))["MessageId"]
                ),
                _END_USER_MESSAGING,
            )
        else:
            answer = handed_over(
                lambda: str(self.sns.publish(**publication(outgoing, message))["MessageId"]),
                _SNS,
            )
        match answer:
            case Accepted(message_id):
                self.texts.remember(message_id, outgoing.send_id)
            case Refused(code) if code == _OPTED_OUT:
                self.suppress(outgoing, SuppressionReason.UNSUBSCRIBE)
        return answer

    def request(self, outgoing: Outgoing, message: SmsMessage, identity: str) -> dict[str, Any]:
        """A SendTextMessage."""
        return {
            "DestinationPhoneNumber": outgoing.to,
            "OriginationIdentity": identity,
            "MessageBody": message.text,
            "MessageType": "PROMOTIONAL",
            "MaxPrice": most_dollars(outgoing, message),
            "TimeToLive": TIME_TO_LIVE_SECONDS,
            "Context": {"send_id": str(outgoing.send_id)},
            **({"ConfigurationSetName": self.configuration_set} if self.configuration_set else {}),
        }


def publication(outgoing: Outgoing, message: SmsMessage) -> dict[str, Any]:
    """What SNS is asked: https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html"""
    sender_id = outgoing.account.channels.sms.sender_ids.get(country_of(outgoing.to) or "")
    return {
        "PhoneNumber": outgoing.to,
        "Message": message.text,
        "MessageAttributes": {
            "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Promotional"},
            "AWS.SNS.SMS.MaxPrice": {"DataType": "Number", "StringValue": most_dollars(outgoing, message)},
            **({"AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": sender_id}} if sender_id else {}),
        },
    }


def most_dollars(outgoing: Outgoing, message: SmsMessage) -> str:
    """The account's most for a part, times the text's parts; both services stop at the price of the whole text."""
    cents = outgoing.account.channels.sms.max_price_cents * max(measure(message.text).parts, 1)
    return f"{Decimal(min(cents, 9999)) / 100:.2f}"
