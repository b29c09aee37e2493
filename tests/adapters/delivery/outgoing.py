"""One send, an account with settings of its channels, and clients held to the services' models."""

from datetime import UTC, datetime
from typing import Any

import boto3

from winback.accounts import Account
from winback.accounts.channels import ChannelSettings
from winback.aws.suppressions import SuppressionReason
from winback.delivery.channels import Outgoing
from winback.identifiers import SendId

SEND_ID = SendId.parse("fjord_lau-000000000001_2_" + "a" * 32)
LINK = "https://mail.example.com/u/AbCd"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
APPLICATION = "arn:aws:sns:eu-central-1:123456789012:app/GCM/fjord"
ENDPOINT = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/fjord/0001"


def client(service: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


def outgoing(account: Account, to: str, message: Any, **channels: Any) -> Outgoing:
    return Outgoing(SEND_ID, account.model_copy(update={"channels": ChannelSettings(**channels)}), to, message, LINK)


class Suppressed(list[SuppressionReason]):
    def __call__(self, _: Outgoing, reason: SuppressionReason) -> None:
        self.append(reason)
