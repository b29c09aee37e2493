"""The published snapshot that an answer is about, and its summary."""

from typing import Any

from winback.aws.lake import Lake
from winback.aws.snapshots import Snapshot, SnapshotStore
from winback.identifiers import AccountId, SnapshotId


class NothingPublished(LookupError):
    """The account has no snapshot yet."""


class PublishedSnapshots:
    def __init__(self, campaigns_table: Any, lake: Lake) -> None:
        self._store, self._lake = SnapshotStore(campaigns_table), lake

    def get(self, account_id: AccountId, snapshot_id: SnapshotId | None = None) -> Snapshot:
        """The named one, or the latest. Raises UnknownSnapshot, NotPublished, NothingPublished."""
        if snapshot_id is not None:
            return self._store.published(account_id, snapshot_id)
        found = self._store.latest(account_id)
        if found is None:
            raise NothingPublished("no snapshot yet: import orders, then POST /v1/refreshes")
        return found

    def summary(self, snapshot: Snapshot) -> dict[str, Any]:
        """summary.json, which is all that is read of it: a snapshot's rows have no place in a request."""
        summary: dict[str, Any] = self._lake.read_json(f"{snapshot.prefix}summary.json")
        return summary
