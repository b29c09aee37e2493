"""The account's published snapshots as points in time: one small item each, read by range, never by scan.

Three years of daily refreshes are some 1,100 items of about a kilobyte: two pages of one query.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.documents import from_item
from winback.aws.tables import query_all
from winback.identifiers import AccountId, SnapshotId
from winback.instants import format_instant
from winback.segmentation.movement import Point


@dataclass(frozen=True)
class Page:
    points: list[Point]
    following: str | None
    """Where the next page starts; none after the last one."""


class SnapshotHistory:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def newest(self, account_id: AccountId, *, limit: int, until: str | None = None) -> Page:
        """Newest `as_of` first; `until` is `following` of the page before."""
        return self._read(account_id, "sk <= :place", until or "~", limit, forward=False)

    def since(self, account_id: AccountId, moment: datetime, *, limit: int, place: str | None = None) -> Page:
        """Oldest first, from `moment` on; `place` is `following` of the page before."""
        return self._read(account_id, "sk >= :place", place or format_instant(moment), limit, forward=True)

    def _read(self, account_id: AccountId, condition: str, place: str, limit: int, *, forward: bool) -> Page:
        rows = query_all(
            self._table,
            KeyConditionExpression=f"pk = :pk AND {condition}",
            ExpressionAttributeValues={
                ":pk": keys.movement(account_id, "", SnapshotId(""))["pk"],
                ":place": place,
            },
            ScanIndexForward=forward,
            Limit=limit + 1,
        )
        found: list[Point] = []
        for row in rows:
            if len(found) == limit:
                return Page(found, row["sk"])
            found.append(from_item(Point, row))
        return Page(found, None)
