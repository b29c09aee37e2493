"""The customers' segment items: a first refresh writes one for every customer, so writing them has to be lean.

Typed items on a client without validation take 86 microseconds each (measured, bench/refresh_cost.py); boto3's table
resource takes more than twice as long, which for a million items is minutes of the 15 that a function has.
"""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from winback.aws import keys
from winback.aws.clients import unchecked_tables
from winback.aws.snapshots import Snapshot
from winback.aws.tables import PUT_BATCH, Throttled
from winback.identifiers import AccountId, CustomerKey
from winback.segmentation.state import SegmentState

_WRITERS = 4
_WINDOW = 40  # batches at a time: a million items must not wait in memory
_ATTEMPTS = 10
_Write = dict[str, Any]


class SegmentItems:
    def __init__(self, table_name: str, client: Any = None) -> None:
        self._name = table_name
        # The items are typed here, and tested against a table.
        self._client: Any = client or unchecked_tables()

    def write(
        self, account_id: AccountId, snapshot: Snapshot, changed: Iterable[SegmentState], gone: Iterable[str]
    ) -> None:
        """Puts the items of `changed` customers and deletes those of `gone` ones. Repeating it changes nothing.

        Raises Throttled when the table keeps refusing part of it.
        """
        puts = ({"PutRequest": {"Item": _item(account_id, snapshot, state)}} for state in changed)
        deletes = ({"DeleteRequest": {"Key": _typed(keys.segment(account_id, CustomerKey(key)))}} for key in gone)
        with ThreadPoolExecutor(_WRITERS) as pool:
            for writes in (puts, deletes):
                batches = _batches(writes)
                while window := list(islice(batches, _WINDOW)):
                    list(pool.map(self._send, window))

    def _send(self, batch: list[_Write]) -> None:
        pending = batch
        for attempt in range(_ATTEMPTS):
            answer = self._client.batch_write_item(RequestItems={self._name: pending})
            pending = answer.get("UnprocessedItems", {}).get(self._name, [])
            if not pending:
                return
            time.sleep(min(0.05 * 2**attempt, 2))
        raise Throttled(f"{self._name}: {len(pending)} items still unwritten")


def _item(account_id: AccountId, snapshot: Snapshot, state: SegmentState) -> dict[str, Any]:
    place = keys.segment(account_id, CustomerKey(state.customer_key))
    return _typed({**place, "snapshot_id": snapshot.snapshot_id, "as_of": snapshot.as_of, **state.attributes()})


def _typed(item: dict[str, Any]) -> dict[str, Any]:
    """In DynamoDB's JSON; attributes that are None are left out, as everywhere (documents.py)."""
    typed: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, str):
            typed[name] = {"S": value}
        elif isinstance(value, bool):
            typed[name] = {"BOOL": value}
        elif isinstance(value, list):
            typed[name] = {"L": [{"M": _typed(part)} for part in value]}
        elif value is not None:
            typed[name] = {"N": str(value)}
    return typed


def _batches(writes: Iterable[_Write]) -> Iterator[list[_Write]]:
    iterator = iter(writes)
    while batch := list(islice(iterator, PUT_BATCH)):
        yield batch
