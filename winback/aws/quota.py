"""Sending quotas: a provider's limits with a counter per minute that feeders share, and an account's days."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import query_all, standing_in_the_way
from winback.delivery.feeding import SendQuota
from winback.identifiers import AccountId

IN_FLIGHT = timedelta(minutes=5)
"""A released message is sent within a minute, or a few where it came back; only then does the provider count it."""
_KEPT = timedelta(days=1)
_DAYS_KEPT = timedelta(days=60)


def read_quota(ses: Any) -> SendQuota:
    """From SES's GetAccount; a daily quota of -1 is unlimited
    (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendQuota.html)."""
    quota = ses.get_account()["SendQuota"]
    daily, sent = float(quota["Max24HourSend"]), float(quota["SentLast24Hours"])
    return SendQuota(
        per_second=float(quota["MaxSendRate"]), left_today=None if daily < 0 else max(0, int(daily - sent))
    )


class MinuteQuota:
    """What one minute of the wall clock allows on a channel. `read` asks for the provider's limits, when needed."""

    def __init__(
        self, campaigns_table: Any, read: Callable[[], SendQuota], minute: datetime, channel: str = "email"
    ) -> None:
        self._table, self._read, self._minute, self._channel = campaigns_table, read, minute, channel

    @property
    def per_second(self) -> float:
        return self._limits.per_second

    @property
    def per_minute(self) -> int:
        return self._limits.per_minute

    def take(self, wanted: int) -> int:
        """Adds as much of `wanted` to the minute's counter as its limit leaves; returns how much that was."""
        limits = self._limits
        most = limits.per_minute if limits.left_today is None else min(limits.per_minute, limits.left_today)
        key = keys.quota(self._channel, _name(self._minute))
        return _add_up_to(self._table, key, wanted, most, expires_at=int((self._minute + _KEPT).timestamp()))

    @cached_property
    def _limits(self) -> SendQuota:
        limits = self._read()
        if limits.left_today is None:
            return limits
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": keys.quota(self._channel, "")["pk"],
                ":first": _name(self._minute - IN_FLIGHT),
                ":last": _name(self._minute - timedelta(minutes=1)),
            },
        )
        in_flight = sum(int(row["released"]) for row in rows)
        return SendQuota(limits.per_second, max(0, limits.left_today - in_flight))


class DayQuota:
    """What an account may release on one day, in UTC."""

    def __init__(self, campaigns_table: Any, limit: int, account_id: AccountId, day: date) -> None:
        self._table, self.limit = campaigns_table, limit
        self._key = keys.released(account_id, day.isoformat())
        midnight = datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00")
        self._expires_at = int((midnight + _DAYS_KEPT).timestamp())

    def used(self) -> int:
        item = self._table.get_item(Key=self._key, ConsistentRead=True).get("Item") or {}
        return int(item.get("released", 0))

    def left(self) -> int:
        return max(0, self.limit - self.used())

    def take(self, wanted: int) -> int:
        return _add_up_to(self._table, self._key, wanted, self.limit, expires_at=self._expires_at)


def _name(minute: datetime) -> str:
    return minute.strftime("%Y-%m-%dT%H:%MZ")


def _add_up_to(table: Any, key: keys.Key, wanted: int, most: int, *, expires_at: int) -> int:
    """Adds as much of `wanted` to the counter `released` as `most` leaves room for; returns how much that was."""
    ask = min(wanted, most)
    while ask > 0:
        try:
            table.update_item(
                Key=key,
                UpdateExpression="SET expires_at = :expires ADD released :ask",
                ConditionExpression="attribute_not_exists(released) OR released <= :room",
                ExpressionAttributeValues={":ask": ask, ":room": most - ask, ":expires": expires_at},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            there = standing_in_the_way(error) or {}
            ask = min(ask, most - int(there.get("released", 0)))
        else:
            return ask
    return 0
