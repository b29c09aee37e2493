"""Hands e-mails to SES v2 and reads its answer."""

import re
from typing import Any

from botocore.exceptions import ClientError

from winback.aws.channels.handing_over import Meanings, code_of, handed_over, one_attempt
from winback.delivery.answers import Answer, ProviderMisconfigured
from winback.delivery.channels import Outgoing
from winback.delivery.channels.email import sender_of
from winback.delivery.messages.values import EmailMessage

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
_MEANINGS = Meanings(
    provider="SES",
    refused={"MessageRejected", "BadRequestException"},
    later={"LimitExceededException", "AccountSuspendedException", "SendingPausedException"},
)
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html says 126 and 870 printable ASCII
# characters, the service's own model 995 and 996 for both together: the smaller figure holds for name and value here.
MOST_HEADERS = 15
LONGEST_NAME, LONGEST_HEADER = 126, 870
_NAME, _VALUE = re.compile(r"[!-9;-@A-~]+"), re.compile(r"[ -~]+")
_UTF8 = "UTF-8"
# How SES refuses every message of a sender whose domain is not verified, or no more; it has no code of its own:
# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
_NOT_VERIFIED = "is not verified"


def ses_client() -> Any:
    return one_attempt("sesv2")


class SesProvider:
    """With `tenants`, each account is a tenant of its own (winback/aws/tenants.py)."""

    def __init__(self, client: Any, configuration_set: str, *, tenants: bool) -> None:
        self._client = client
        self._configuration_set = configuration_set
        self._tenants = tenants

    def deliver(self, outgoing: Outgoing) -> Answer:
        """Raises ProviderMisconfigured when SES takes nothing until an operator acts."""
        request = self._request(outgoing)

        def send() -> str:
            try:
                return str(self._client.send_email(**request)["MessageId"])
            except ClientError as error:
                if code_of(error) == "MessageRejected" and _NOT_VERIFIED in error.response["Error"].get("Message", ""):
                    raise ProviderMisconfigured("IdentityNotVerified", _MEANINGS.provider) from error
                raise

        return handed_over(send, _MEANINGS)

    def _request(self, outgoing: Outgoing) -> dict[str, Any]:
        message = outgoing.message
        if not isinstance(message, EmailMessage):
            raise TypeError("a message of another channel was given to SES")
        headers = {  # one-click unsubscribe, RFC 8058
            "List-Unsubscribe": f"<{outgoing.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        return {
            "FromEmailAddress": sender_of(outgoing.account),
            "Destination": {"ToAddresses": [outgoing.to]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": message.subject, "Charset": _UTF8},
                    "Body": {
                        "Html": {"Data": message.html, "Charset": _UTF8},
                        "Text": {"Data": message.text, "Charset": _UTF8},
                    },
                    "Headers": checked(headers),
                }
            },
            "EmailTags": [{"Name": "send_id", "Value": str(outgoing.send_id)}],
            "ConfigurationSetName": self._configuration_set,
            **({"TenantName": outgoing.account_id} if self._tenants else {}),
        }


def checked(headers: dict[str, str]) -> list[dict[str, str]]:
    """As SES takes them. Raises ProviderMisconfigured: what we put into headers comes from the account's settings, so
    no message of the account would pass."""
    if len(headers) > MOST_HEADERS:
        raise ProviderMisconfigured("TooManyHeaders", _MEANINGS.provider)
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise ProviderMisconfigured("InvalidHeaderName", _MEANINGS.provider)
        if not _VALUE.fullmatch(value) or len(name) + len(value) > LONGEST_HEADER:
            raise ProviderMisconfigured(f"InvalidHeader/{name}", _MEANINGS.provider)
    return [{"Name": name, "Value": value} for name, value in headers.items()]
