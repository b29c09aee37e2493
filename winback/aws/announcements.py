"""What happened, told on the stage's event bus, for campaigns to start from and for others to listen to.

An event may arrive twice: it leaves after its snapshot is published and before that is noted. It names no person: it
carries counts, and the key of a file of customer keys.
"""

import json
from typing import Any

from winback.aws.lake import newly_lapsed_key
from winback.aws.snapshots import Snapshot, SnapshotStore
from winback.identifiers import AccountId

SOURCE = "winback"
NEWLY_LAPSED = "Customers Newly Lapsed"


class NotTaken(RuntimeError):
    """The event bus did not take an event; trying again later is right."""


class EventBus:
    def __init__(self, name: str, client: Any) -> None:
        """`client` is boto3's of EventBridge."""
        self._name, self._client = name, client

    def put(self, detail_type: str, detail: dict[str, Any]) -> None:
        """Raises NotTaken."""
        entry = {
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": json.dumps(detail, sort_keys=True),
            "EventBusName": self._name,
        }
        answer = self._client.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise NotTaken(f"{detail_type}: {answer['Entries'][0].get('ErrorCode', 'no reason given')}")


def announce(account_id: AccountId, snapshot: Snapshot, bus: EventBus, store: SnapshotStore) -> None:
    """One event a snapshot, at least once, if customers lapsed since the snapshot before."""
    if not snapshot.to_announce or snapshot.newly_lapsed is None:
        return
    bus.put(
        NEWLY_LAPSED,
        {
            "account_id": account_id,
            "snapshot_id": snapshot.snapshot_id,
            "as_of": snapshot.as_of,
            "previous_snapshot_id": snapshot.previous,
            "customers": sum(snapshot.newly_lapsed.values()),
            "segments": snapshot.newly_lapsed,
            "manifest": newly_lapsed_key(account_id, snapshot.snapshot_id),
        },
    )
    store.set_announced(account_id, snapshot)
