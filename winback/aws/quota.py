"""The sending quota: SES's limits, and a counter per minute that concurrent feeders share."""

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.delivery.feeding import SendQuota

_KEPT = timedelta(days=1)


def read_quota(ses: Any) -> SendQuota:
    """From SES's GetAccount; a daily quota of -1 is unlimited
    (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendQuota.html)."""
    quota = ses.get_account()["SendQuota"]
    daily, sent = float(quota["Max24HourSend"]), float(quota["SentLast24Hours"])
    return SendQuota(
        per_second=float(quota["MaxSendRate"]), left_today=None if daily < 0 else max(0, int(daily - sent))
    )


class MinuteQuota:
    """What one minute of the wall clock allows on a channel."""

    def __init__(self, campaigns_table: Any, quota: SendQuota, minute: datetime, channel: str = "email") -> None:
        self._table = campaigns_table
        self._limit = quota.per_minute if quota.left_today is None else min(quota.per_minute, quota.left_today)
        self._key = keys.quota(channel, minute.strftime("%Y-%m-%dT%H:%MZ"))
        self._expires_at = int((minute + _KEPT).timestamp())

    def take(self, wanted: int) -> int:
        """Adds as much of `wanted` to the minute's counter as its limit leaves; returns how much that was."""
        ask = min(wanted, self._limit)
        while ask > 0:
            try:
                self._table.update_item(
                    Key=self._key,
                    UpdateExpression="SET expires_at = :expires ADD released :ask",
                    ConditionExpression="attribute_not_exists(released) OR released <= :room",
                    ExpressionAttributeValues={
                        ":ask": ask,
                        ":room": self._limit - ask,
                        ":expires": self._expires_at,
                    },
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                item = self._table.get_item(Key=self._key, ConsistentRead=True)["Item"]
                ask = min(ask, self._limit - int(item["released"]))
            else:
                return ask
        return 0
