"""Snapshots in DynamoDB: their items, and which one is the latest.

Publishing must end as if one process had done it at one moment, whatever is killed, retried or started twice:

- One snapshot of an account publishes at a time: the item `publishing` is its claim, with a lease as long as a function
  can live. Whoever takes over a claim whose lease is over gets the abandoned snapshot's id, and must compare with that
  one too, because an unknown part of it is already stored.
- `latest`, the snapshot's own item, its point in the account's history and the end of the claim are written in one
  transaction, after all customers.
- `latest` only moves forward in `as_of`: a backfill is published without touching it or the customers.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.lake import snapshot_prefix
from winback.aws.tables import batch_get, conditionally, standing_in_the_way
from winback.identifiers import AccountId, SnapshotId
from winback.instants import format_instant
from winback.segmentation.movement import Point
from winback.segmentation.names import Segment

LEASE = timedelta(minutes=16)
"""A claim outlives its function: Lambda ends every invocation after 15 minutes at most."""


LONGEST_ID = 100
"""Bytes of a snapshot's id that an operator chose; ours have 16."""


class SnapshotState(StrEnum):
    REQUESTED = "requested"
    COMPUTING = "computing"
    SCORING = "scoring"
    PUBLISHED = "published"
    FAILED = "failed"


class Snapshot(BaseModel):
    """One refresh and its result."""

    model_config = ConfigDict(frozen=True)

    snapshot_id: SnapshotId
    as_of: str
    state: SnapshotState
    prefix: str
    customers: int | None = None
    changed: int | None = None
    failed_step: str | None = None
    orders_read: int | None = None
    """Of the account's orders in the lake, in all their versions: those that histories were computed from."""
    customers_recomputed: int | None = None
    customers_carried: int | None = None
    """Whose histories are those of the refresh before."""
    previous: SnapshotId | None = None
    """The latest snapshot before, with which it was compared; none for the first one and for backfills."""
    newly_lapsed: dict[Segment, int] | None = None
    """Customers who lapsed since `previous`, by their segment now; absent when there are none."""
    announced: bool | None = None
    """Whether the event of the newly lapsed left; see winback/aws/announcements.py."""

    @property
    def to_announce(self) -> bool:
        return bool(self.newly_lapsed) and not self.announced


class UnknownSnapshot(LookupError):
    """The account has no snapshot of that id."""


class NotPublished(RuntimeError):
    """The snapshot is on its way, or failed."""


class PublishingElsewhere(RuntimeError):
    """Another snapshot of the account is being published; trying again later is right."""


class OutOfOrder(RuntimeError):
    """A newer snapshot became the latest in the meantime; trying again publishes this one as a backfill."""


class SnapshotStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def get(self, account_id: AccountId, snapshot_id: SnapshotId) -> Snapshot | None:
        return self._read(keys.snapshot(account_id, snapshot_id))

    def published(self, account_id: AccountId, snapshot_id: str) -> Snapshot:
        """Raises UnknownSnapshot or NotPublished. Any text is an id that may be asked for."""
        # `latest` and `publishing` lie beside the snapshots' own items; a longer text is no key that can be asked for.
        possible = snapshot_id.startswith("snp-") and len(snapshot_id.encode()) <= LONGEST_ID
        found = self.get(account_id, SnapshotId(snapshot_id)) if possible else None
        if found is None:
            raise UnknownSnapshot("this account has no such snapshot: GET /v1/snapshots lists them")
        if found.state is not SnapshotState.PUBLISHED:
            raise NotPublished(f"snapshot {found.snapshot_id} is {found.state}: only a published one can be read")
        return found

    def unpublished(self, snapshots: Iterable[tuple[AccountId, SnapshotId]]) -> list[AccountId]:
        """The accounts of those that are not published, or that nobody ever wrote down."""
        places = {account_id: keys.snapshot(account_id, snapshot_id) for account_id, snapshot_id in snapshots}
        items = batch_get(self._table, places.values(), consistent=True)
        there = {pair for pair, item in items.items() if item["state"] == SnapshotState.PUBLISHED}
        return [account_id for account_id, place in places.items() if keys.pair(place) not in there]

    def latest(self, account_id: AccountId) -> Snapshot | None:
        return self._read(keys.snapshot(account_id))

    def request(self, account_id: AccountId, snapshot_id: SnapshotId, as_of: datetime) -> Snapshot:
        """The item of a refresh that is about to start."""
        return self._put(account_id, snapshot_id, as_of, SnapshotState.REQUESTED)

    def begin(self, account_id: AccountId, snapshot_id: SnapshotId, as_of: datetime) -> Snapshot:
        """State `computing`, unless it is published already."""
        return self._put(account_id, snapshot_id, as_of, SnapshotState.COMPUTING)

    def computed(self, account_id: AccountId, snapshot_id: SnapshotId, as_of: datetime) -> Snapshot:
        """State `scoring`, unless it is published already."""
        return self._put(account_id, snapshot_id, as_of, SnapshotState.SCORING)

    def fail(self, account_id: AccountId, snapshot_id: SnapshotId, as_of: datetime, step: str) -> Snapshot:
        """State `failed` at the step, unless it is published already. A claim stays until its lease is over."""
        return self._put(account_id, snapshot_id, as_of, SnapshotState.FAILED, failed_step=step)

    def claim(self, account_id: AccountId, snapshot_id: SnapshotId, now: datetime) -> list[SnapshotId]:
        """Starts publishing. Returns the snapshots that began publishing before and were abandoned.

        `now` is the wall clock's, for a lease is about running machines. Raises PublishingElsewhere while another
        snapshot's lease runs.
        """
        place = keys.snapshot(account_id, "publishing")
        until, moment = format_instant(now + LEASE), format_instant(now)
        try:
            before = self._table.update_item(
                Key=place,
                UpdateExpression=(
                    "SET snapshot_id = :id, lease_until = :until, "
                    "started = list_append(if_not_exists(started, :none), :ids)"
                ),
                ConditionExpression="attribute_not_exists(pk) OR snapshot_id = :id OR lease_until < :now",
                ExpressionAttributeValues={
                    ":id": snapshot_id,
                    ":ids": [snapshot_id],
                    ":until": until,
                    ":now": moment,
                    ":none": [],
                },
                ReturnValues="ALL_OLD",
            ).get("Attributes", {})
        except ClientError as error:
            standing_in_the_way(error)
            raise PublishingElsewhere(f"another snapshot of account {account_id} is being published") from error
        return [SnapshotId(other) for other in dict.fromkeys(before.get("started", [])) if other != snapshot_id]

    def finish(self, account_id: AccountId, snapshot: Snapshot, point: Point) -> None:
        """Makes `snapshot` the latest, adds its point to the history and ends its claim, all or nothing.

        Raises OutOfOrder when the latest is newer by now or the claim was lost.
        """
        item = to_item(snapshot)
        name = self._table.name
        writes = [
            {
                "Put": {
                    "TableName": name,
                    "Item": {**keys.snapshot(account_id), **item},
                    "ConditionExpression": "attribute_not_exists(pk) OR as_of <= :as_of",
                    "ExpressionAttributeValues": {":as_of": snapshot.as_of},
                }
            },
            {"Put": {"TableName": name, "Item": {**keys.snapshot(account_id, snapshot.snapshot_id), **item}}},
            {"Put": {"TableName": name, "Item": point_item(account_id, point)}},
            {
                "Delete": {
                    "TableName": name,
                    "Key": keys.snapshot(account_id, "publishing"),
                    "ConditionExpression": "snapshot_id = :id",
                    "ExpressionAttributeValues": {":id": snapshot.snapshot_id},
                }
            },
        ]
        try:
            self._table.meta.client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error.response["Error"]["Code"] == "TransactionCanceledException":
                raise OutOfOrder(f"{snapshot.snapshot_id} cannot become the latest") from error
            raise

    def finish_backfill(self, account_id: AccountId, snapshot: Snapshot, point: Point) -> None:
        """Published beside a newer latest, which stays; with its point in the history."""
        items = [
            {**keys.snapshot(account_id, snapshot.snapshot_id), **to_item(snapshot)},
            point_item(account_id, point),
        ]
        self._table.meta.client.transact_write_items(
            TransactItems=[{"Put": {"TableName": self._table.name, "Item": item}} for item in items]
        )

    def set_announced(self, account_id: AccountId, snapshot: Snapshot) -> Snapshot:
        announced = snapshot.model_copy(update={"announced": True})
        self._table.put_item(Item={**keys.snapshot(account_id, snapshot.snapshot_id), **to_item(announced)})
        return announced

    def _read(self, place: keys.Key) -> Snapshot | None:
        item = self._table.get_item(Key=place, ConsistentRead=True).get("Item")
        return from_item(Snapshot, item) if item is not None else None

    def _put(
        self,
        account_id: AccountId,
        snapshot_id: SnapshotId,
        as_of: datetime,
        state: SnapshotState,
        failed_step: str | None = None,
    ) -> Snapshot:
        snapshot = Snapshot(
            snapshot_id=snapshot_id,
            as_of=format_instant(as_of),
            state=state,
            prefix=snapshot_prefix(account_id, snapshot_id),
            failed_step=failed_step,
        )
        written = conditionally(
            self._table.put_item,
            Item={**keys.snapshot(account_id, snapshot_id), **to_item(snapshot)},
            ConditionExpression="attribute_not_exists(pk) OR #state <> :published",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":published": SnapshotState.PUBLISHED},
        )
        return snapshot if written else self.get(account_id, snapshot_id) or snapshot


def point_item(account_id: AccountId, point: Point) -> dict[str, Any]:
    """Of a snapshot published twice the point is the same: it is replaced by itself."""
    return {**keys.movement(account_id, point.as_of, SnapshotId(point.snapshot_id)), **to_item(point)}
