"""The due index: which rows of which plan chunk are to be sent from when on. It holds chunks, not sends."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import Item, conditionally, query_all, standing_in_the_way
from winback.delivery.release import DueEntry
from winback.identifiers import AccountId, LaunchId
from winback.instants import format_instant, parse_instant

__all__ = ["DueEntry", "DueIndex"]


class DueIndex:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def put(self, entry: DueEntry) -> DueEntry:
        """Adds the rows; repeating it is harmless. Of two entries that start at the same row the longer one stays.

        Returns what is stored.
        """
        token = secrets.token_hex(4)
        item = {
            **_key(entry),
            "key": entry.key,
            "from_row": entry.from_row,
            "to_row": entry.to_row,
            "token": token,
        }
        condition = "attribute_not_exists(pk) OR to_row < :to"
        values: dict[str, Any] = {":to": entry.to_row}
        while (there := self._put(item, condition, values)) is not None:
            if int(there["to_row"]) < entry.to_row:
                continue  # it was replaced in between by a shorter one
            # A longer one is there. Mark it as put again, so that a feeder that has just released it keeps it.
            longer = int(there["to_row"])
            if (
                self._put({**item, "to_row": longer}, "#token = :read", {":read": there["token"]}, {"#token": "token"})
                is None
            ):
                return replace(entry, token=token, to_row=longer)
        return replace(entry, token=token)

    def due(self, now: datetime, shard: int, channel: str) -> Iterator[DueEntry]:
        """Entries of one shard with `send_at` <= now, oldest first, read page by page as they are consumed."""
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk AND sk < :until",
            # '$' is the character after the '#' that ends the time.
            ExpressionAttributeValues={":pk": _pk(channel, shard), ":until": f"{format_instant(now)}$"},
            ConsistentRead=True,
        )
        return (_entry(row, channel) for row in rows)

    def advance(self, entry: DueEntry, next_row: int) -> DueEntry | None:
        """Rows before `next_row` are released: keeps the rest, which is returned, or None when nothing is left.

        The rest is written before the old entry goes, so a crash in between releases rows twice and loses none.
        """
        rest = None
        if next_row < entry.to_row:
            rest = self.put(replace(entry, from_row=next_row))
        self.delete(entry)
        return rest

    def _put(
        self, item: Item, condition: str, values: dict[str, Any], names: dict[str, str] | None = None
    ) -> Item | None:
        """None when it was written, else the item that stood in the way; an empty one when that is gone again."""
        try:
            self._table.put_item(
                Item=item,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({"ExpressionAttributeNames": names} if names else {}),
            )
        except ClientError as error:
            return standing_in_the_way(error) or {"to_row": 0}
        return None

    def delete(self, entry: DueEntry) -> bool:
        """False when the entry was put again since it was read: then it stays."""
        return conditionally(
            self._table.delete_item,
            Key=_key(entry),
            ConditionExpression="attribute_not_exists(pk) OR #token = :token",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={":token": entry.token},
        )


def _pk(channel: str, shard: int) -> str:
    return f"due#{channel}#{shard}"


def _key(entry: DueEntry) -> keys.Key:
    place = f"{entry.account_id}#{entry.launch_id}#{entry.step}#{entry.chunk}#{entry.from_row}"
    return keys.key(
        _pk(entry.channel, keys.due_shard(entry.launch_id, entry.chunk)), f"{format_instant(entry.send_at)}#{place}"
    )


def _entry(item: Item, channel: str) -> DueEntry:
    send_at, account, launch, step, chunk, _ = item["sk"].split("#")
    return DueEntry(
        channel=channel,
        account_id=AccountId(account),
        launch_id=LaunchId(launch),
        step=int(step),
        chunk=int(chunk),
        key=item["key"],
        from_row=int(item["from_row"]),
        to_row=int(item["to_row"]),
        send_at=parse_instant(send_at),
        token=item["token"],
    )
