"""Hands notifications to the account's platform application in SNS (FCM, APNs).

https://docs.aws.amazon.com/sns/latest/dg/sns-mobile-application-as-subscriber.html
"""

import json
from collections import OrderedDict
from typing import Any

from botocore.exceptions import ClientError

from winback.aws.channels.handing_over import Meanings, code_of, handed_over, one_attempt, prepared
from winback.aws.channels.suppressing import Suppress
from winback.aws.suppressions import SuppressionReason
from winback.delivery.answers import Answer, ProviderMisconfigured, Refused
from winback.delivery.channels import Outgoing
from winback.delivery.messages.values import PushMessage

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors. A platform application that is
# disabled (its credentials ran out) or missing is an operator's.
_GONE = frozenset({"EndpointDisabled", "NotFound"})
_MEANINGS = Meanings(
    provider="SNS",
    refused={*_GONE, "InvalidParameter", "ParameterValueInvalid", "ValidationError", "ValidationException"},
)
_KEPT_ENDPOINTS = 5_000


def push_client() -> Any:
    """A notification may take two calls: its endpoint's and its own."""
    return one_attempt("sns", connect=2, read=4)


class PushProvider:
    """An endpoint stands for a device's token; the profile may hold either."""

    def __init__(self, sns: Any, suppress: Suppress) -> None:
        self._sns, self._suppress = sns, suppress
        self._endpoints: OrderedDict[tuple[str, str], str] = OrderedDict()

    def deliver(self, outgoing: Outgoing) -> Answer:
        """Raises ProviderMisconfigured, also when the account has no platform application."""
        message = outgoing.message
        if not isinstance(message, PushMessage):
            raise TypeError("a message of another channel was given to the push provider")
        push = outgoing.account.channels.push
        if push is None:
            raise ProviderMisconfigured("NoPlatformApplication", _MEANINGS.provider)

        found = prepared(lambda: self._endpoint(push.platform_application, outgoing.to), _MEANINGS)
        if not isinstance(found, str):
            return found

        def publish() -> str:
            text = payload(outgoing, message)
            answer = self._sns.publish(TargetArn=found, Message=text, MessageStructure="json")
            return str(answer["MessageId"])

        answer = handed_over(publish, _MEANINGS)
        if isinstance(answer, Refused) and answer.code in _GONE:
            self._suppress(outgoing, SuppressionReason.HARD_BOUNCE)
        return answer

    def _endpoint(self, application: str, token: str) -> str:
        """Creating an endpoint again answers the one that is there."""
        if token.startswith("arn:"):
            return token
        place = (application, token)
        endpoint = self._endpoints.get(place)
        if endpoint is None:
            endpoint = self._endpoints[place] = self._created(application, token)
            while len(self._endpoints) > _KEPT_ENDPOINTS:
                self._endpoints.popitem(last=False)
        return endpoint

    def _created(self, application: str, token: str) -> str:
        try:
            answer = self._sns.create_platform_endpoint(PlatformApplicationArn=application, Token=token)
        except ClientError as error:
            if code_of(error) == "NotFound":  # the application, not the device
                raise ProviderMisconfigured("PlatformApplicationNotFound", _MEANINGS.provider) from error
            raise
        return str(answer["EndpointArn"])


def payload(outgoing: Outgoing, message: PushMessage) -> str:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html; FCM's
    own form, https://docs.aws.amazon.com/sns/latest/dg/sns-fcm-v1-payloads.html. A platform's part is JSON in text."""
    data = {"send_id": str(outgoing.send_id), **({"link": message.link} if message.link else {})}
    shown = {"title": message.title, "body": message.body}
    apple = json.dumps({"aps": {"alert": shown}, **data}, ensure_ascii=False)
    google = json.dumps({"fcmV1Message": {"message": {"notification": shown, "data": data}}}, ensure_ascii=False)
    parts = {"default": message.body, "GCM": google, "APNS": apple, "APNS_SANDBOX": apple}
    return json.dumps(parts, ensure_ascii=False)
