"""What became of an account's messages, counted by day and channel, and by launch, in the campaigns table.

`sent` is added once a message of the queue, after its rows were accepted: killed in between, it counts a few too few,
which makes the rates look worse and never better. The rare kinds are added in the very transaction that writes a
send's event for the first time, so each counts once per send whatever is delivered twice (winback/aws/feedback.py).
"""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import Item, query_all
from winback.delivery.ledger import EventKind
from winback.delivery.reputation import WINDOW, Counts
from winback.identifiers import AccountId, LaunchId, SendId

KEPT = timedelta(days=60)
_ATTEMPTS = 8
COUNTED: Mapping[EventKind, str] = {
    EventKind.BOUNCED: "bounced",
    EventKind.COMPLAINED: "complained",
    EventKind.UNSUBSCRIBED: "unsubscribed",
}


class Reputation:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def add_sent(self, account_id: AccountId, launch_id: LaunchId, channel: str, sends: int, *, at: datetime) -> None:
        for update in _updates(account_id, launch_id, channel, at, ("sent", sends)):
            self._add(update)

    def _add(self, update: Item) -> None:
        """Bounces and complaints write the same counters in transactions, which turn a plain write away meanwhile; no
        client of AWS repeats it: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html"""
        for attempt in range(_ATTEMPTS):
            try:
                self._table.update_item(**update)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionConflictException" or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(min(0.02 * 2**attempt, 0.5))
            else:
                return

    def counted_with(self, send_id: SendId, channel: str, kind: EventKind, *, at: datetime) -> list[Item]:
        """Writes for a transaction: the send's event of this kind counts once more, for its account and launch."""
        updates = _updates(send_id.account_id, send_id.launch_id, channel, at, (COUNTED[kind], 1))
        return [{"Update": {"TableName": self._table.name, **update}} for update in updates]

    def of_launch(self, account_id: AccountId, launch_id: LaunchId) -> Counts:
        """All of the launch so far, over all its channels."""
        return _counts(self._table.get_item(Key=keys.launch_counts(account_id, launch_id)).get("Item"))

    def of_days(self, account_id: AccountId, channel: str, now: datetime) -> dict[str, Counts]:
        """Each day of the window that ends at `now`, as `YYYY-MM-DD` in UTC."""
        first, last = ((now - WINDOW).date().isoformat(), now.date().isoformat())
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": keys.reputation(account_id, channel, first)["pk"],
                ":first": f"{channel}#{first}",
                ":last": f"{channel}#{last}",
            },
        )
        return {row["sk"].partition("#")[2]: _counts(row) for row in rows}


def _updates(
    account_id: AccountId, launch_id: LaunchId, channel: str, at: datetime, added: tuple[str, int]
) -> tuple[Item, Item]:
    """Adds to the day's counters and to the launch's."""
    name, number = added
    return (
        {
            "Key": keys.reputation(account_id, channel, at.date().isoformat()),
            "UpdateExpression": "SET expires_at = :expires ADD #name :number",
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":number": number, ":expires": int((at + KEPT).timestamp())},
        },
        {
            "Key": keys.launch_counts(account_id, launch_id),
            "UpdateExpression": "ADD #name :number",
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":number": number},
        },
    )


def _counts(item: Item | None) -> Counts:
    return Counts(**{name: int((item or {}).get(name, 0)) for name in asdict(Counts())})
