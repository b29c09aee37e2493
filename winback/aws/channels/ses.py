"""Hands e-mails to SES v2 and reads its answer. Nothing is retried here: a retry could send a message twice."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
    ReadTimeoutError,
)

from winback.delivery.answers import Accepted, Answer, ProviderMisconfigured, Refused, Throttled, Unclear
from winback.delivery.channels import Outgoing
from winback.delivery.channels.email import sender_of
from winback.delivery.messages.values import EmailMessage

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
_REFUSALS = frozenset({"MessageRejected", "MailFromDomainNotVerifiedException", "BadRequestException"})
_TOO_FAST = frozenset({"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded"})
_LATER = frozenset({"LimitExceededException", "AccountSuspendedException", "SendingPausedException"})
# https://docs.aws.amazon.com/ses/latest/dg/header-fields.html; values are limited to 995 characters.
_HEADER_MAX = 995
_UTF8 = "UTF-8"


def ses_client() -> Any:
    """One attempt a call, and time-outs well below a function's own time."""
    return boto3.client(
        "sesv2",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=8, max_pool_connections=4),
    )


class SesProvider:
    def __init__(self, client: Any, configuration_set: str, *, tenants: bool) -> None:
        self._client = client
        self._configuration_set = configuration_set
        self._tenants = tenants

    def deliver(self, outgoing: Outgoing) -> Answer:
        """Raises ProviderMisconfigured when SES takes nothing until an operator acts."""
        try:
            answer = self._client.send_email(**self._request(outgoing))
        except ClientError as error:
            return _answer_of(error)
        except ParamValidationError:
            return Refused("ParamValidation")
        except (ConnectTimeoutError, EndpointConnectionError) as error:  # no connection, so nothing was handed over
            return Throttled(type(error).__name__)
        except (ReadTimeoutError, HTTPClientError) as error:
            return Unclear(type(error).__name__)
        except BotoCoreError as error:  # credentials, region, endpoint: before any call
            raise ProviderMisconfigured(type(error).__name__) from error
        return Accepted(str(answer["MessageId"]))

    def _request(self, outgoing: Outgoing) -> dict[str, Any]:
        message = outgoing.message
        if not isinstance(message, EmailMessage):
            raise TypeError("a message of another channel was given to SES")
        link = f"<{outgoing.unsubscribe_url}>"
        if len(link) > _HEADER_MAX:
            raise ProviderMisconfigured("UnsubscribeLinkTooLong")
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
                    "Headers": [  # one-click unsubscribe, RFC 8058
                        {"Name": "List-Unsubscribe", "Value": link},
                        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                    ],
                }
            },
            "EmailTags": [{"Name": "send_id", "Value": str(outgoing.send_id)}],
            "ConfigurationSetName": self._configuration_set,
            **({"TenantName": outgoing.account_id} if self._tenants else {}),
        }


def _answer_of(error: ClientError) -> Answer:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _TOO_FAST or status == 429:
        return Throttled(code, brief=True)
    if code in _LATER:
        return Throttled(code)
    if code in _REFUSALS:
        return Refused(code)
    if status >= 500 or status == 0:
        return Unclear(code)
    raise ProviderMisconfigured(code) from error
