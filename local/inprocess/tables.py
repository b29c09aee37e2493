"""DynamoDB in memory: what winback.aws calls of boto3's `Table`, with its answers and its errors.

Every table's key is `pk` and `sk`, both text. One lock for all tables makes each call, a transaction too, one step.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from botocore.exceptions import ClientError

from local.inprocess.client import BatchWriter, MemoryClient
from local.inprocess.expressions import Path
from local.inprocess.hooks import Hook, NoFaults
from local.inprocess.packing import Found, Item, Partition, given, pack, unpack
from local.inprocess.requests import (
    NOTHING,
    Pair,
    check_placeholders,
    invalid,
    key_pair,
    parsed_condition,
    parsed_key_condition,
    parsed_projection,
    parsed_update,
    projected,
    refuse,
    stored_values,
    within,
)
from local.inprocess.updates import InvalidUpdate, Update
from local.inprocess.usage import Usage, kind_of
from local.inprocess.values import Stored, give, store, wire

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
ITEM_BYTES = 400 * 1024
PAGE_BYTES = 1 << 20
CONDITION_FAILED = "The conditional request failed"


@dataclass(frozen=True)
class Write:
    """One write of an item, checked but not done: what is there, and what is to be there (None: nothing)."""

    pair: Pair
    before: Found
    after: Item | None
    packed: bytes = b""
    size: int = 0
    touched: Sequence[Path] = ()


@dataclass
class MemoryDatabase:
    """Tables by name; one hook and one count for all of them. `watch` sees each write that is done, of which table."""

    watch: Callable[[str, "Write"], None] | None = None
    hook: Hook = field(default_factory=NoFaults)
    usage: Usage = field(default_factory=Usage)
    lock: Any = field(default_factory=threading.RLock)
    tables: dict[str, "MemoryTable"] = field(default_factory=dict)

    def table(self, name: str) -> "MemoryTable":
        if name not in self.tables:
            self.tables[name] = MemoryTable(name, self)
        return self.tables[name]

    def call(self, point: str) -> "Call":
        return Call(self, point)


class Call:
    """One call: counted, one at a time, with the hook before and after its effect."""

    __slots__ = ("_database", "_point")

    def __init__(self, database: MemoryDatabase, point: str) -> None:
        self._database, self._point = database, point

    def __enter__(self) -> None:
        self._database.hook.before(self._point)
        self._database.lock.acquire()
        self._database.usage.calls[self._point] += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.lock.release()
        if error is None or isinstance(error, ClientError):
            self._database.hook.after(self._point)


class MemoryTable:
    def __init__(self, name: str, database: MemoryDatabase | None = None) -> None:
        self.name = name
        self.database = database or MemoryDatabase()
        self.database.tables[name] = self
        self.meta = Meta(MemoryClient(self.database))
        self._partitions: dict[str, Partition] = {}

    # What boto3's Table offers

    def get_item(
        self,
        *,
        Key: Mapping[str, Any],
        ConsistentRead: bool = False,
        ProjectionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        pair, names = key_pair(Key, "GetItem"), ExpressionAttributeNames or {}
        paths, used = parsed_projection(ProjectionExpression, names, "GetItem")
        check_placeholders(used, NOTHING, names, {}, "GetItem", "ProjectionExpression")
        with self._called("get_item"):
            item = self.read(pair, consistent=ConsistentRead)
        return {} if item is None else {"Item": projected(item, paths)}

    def put_item(self, *, Item: Mapping[str, Any], ReturnValues: str = "NONE", **conditions: Any) -> dict[str, Any]:
        with self._called("put_item"):
            write = self.check_put(Item, "PutItem", **conditions)
            self.do(write)
        return returned(write, ReturnValues)

    def delete_item(self, *, Key: Mapping[str, Any], ReturnValues: str = "NONE", **conditions: Any) -> dict[str, Any]:
        with self._called("delete_item"):
            write = self.check_delete(Key, "DeleteItem", **conditions)
            self.do(write)
        return returned(write, ReturnValues)

    def update_item(
        self, *, Key: Mapping[str, Any], UpdateExpression: str = "", ReturnValues: str = "NONE", **conditions: Any
    ) -> dict[str, Any]:
        with self._called("update_item"):
            write = self.check_update(Key, UpdateExpression, "UpdateItem", **conditions)
            self.do(write)
        return returned(write, ReturnValues)

    def query(
        self,
        *,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Mapping[str, Any],
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        FilterExpression: str | None = None,
        ProjectionExpression: str | None = None,
        ScanIndexForward: bool = True,
        Limit: int | None = None,
        ExclusiveStartKey: Mapping[str, Any] | None = None,
        ConsistentRead: bool = False,
        Select: str | None = None,
    ) -> dict[str, Any]:
        """One page: at most `Limit` items, at most 1 MB."""
        names, values = ExpressionAttributeNames or {}, stored_values(ExpressionAttributeValues)
        wanted = parsed_key_condition(KeyConditionExpression)
        kept = parsed_condition(FilterExpression, "Query", "FilterExpression")
        paths, used = parsed_projection(ProjectionExpression, names, "Query")
        check_placeholders(
            wanted.names | kept.names | used,
            wanted.values | kept.values,
            names,
            values,
            "Query",
            "KeyConditionExpression",
        )
        pk = values[wanted.partition]
        start = key_pair(ExclusiveStartKey, "Query")[1] if ExclusiveStartKey else None
        with self._called("query"):
            partition = self._partitions.get(pk) or Partition()
            keys = within(partition.order, [(bound, values[name]) for bound, name in wanted.bounds])
            if not ScanIndexForward:
                keys.reverse()
            if start is not None:
                keys = [sk for sk in keys if (sk > start if ScanIndexForward else sk < start)]
            items: list[Any] = []
            scanned, length, last = 0, 0, None
            for sk in keys:
                one, plain, item = unpack(partition.items[sk])
                if length + one > PAGE_BYTES or scanned == Limit:
                    break
                scanned, length, last = scanned + 1, length + one, sk
                if kept.holds(item, names, values):
                    items.append(projected(item if plain else give(item), paths))
            kind = kind_of(pk, keys[0] if keys else "")
            self.database.usage.read(self.name, kind, length, scanned, consistent=ConsistentRead)
        answer: dict[str, Any] = {"Count": len(items), "ScannedCount": scanned}
        if Select != "COUNT":
            answer["Items"] = items
        if last is not None and (scanned < len(keys) or scanned == Limit):
            answer["LastEvaluatedKey"] = {"pk": pk, "sk": last}
        return answer

    def batch_writer(self) -> BatchWriter:
        return BatchWriter(self)

    # Steps of a call, under the lock

    def check_put(self, item: Mapping[str, Any], operation: str, **conditions: Any) -> Write:
        after: dict[str, Stored] = {}
        for name, value in item.items():
            after[name] = value if type(value) is str else store(value)
        pair = key_pair(item, operation)
        before = self.find(pair)
        self._demand(pair, before, operation, **conditions)
        packed, length = pack(after)
        if length > ITEM_BYTES:
            invalid("Item size has exceeded the maximum allowed size", operation)
        return Write(pair, before, after, packed, length)

    def check_delete(self, key: Mapping[str, Any], operation: str, **conditions: Any) -> Write:
        pair = key_pair(key, operation)
        before = self.find(pair)
        self._demand(pair, before, operation, **conditions)
        return Write(pair, before, None)

    def check_update(self, key: Mapping[str, Any], expression: str, operation: str, **conditions: Any) -> Write:
        pair = key_pair(key, operation)
        names = conditions.get("ExpressionAttributeNames") or {}
        change = parsed_update(expression, names, operation) if expression else Update((), NOTHING, NOTHING)
        before = self.find(pair)
        values = self._demand(pair, before, operation, change=change, **conditions)
        basis = before.item if before.item is not None else {"pk": pair[0], "sk": pair[1]}
        try:
            after, touched = change.apply(basis, names, values)
        except InvalidUpdate as error:
            invalid(str(error), operation)
        packed, length = pack(after)
        if length > ITEM_BYTES:
            invalid("Item size to update has exceeded the maximum allowed size", operation)
        return Write(pair, before, after, packed, length, touched)

    def check_only(self, key: Mapping[str, Any], operation: str, **conditions: Any) -> None:
        pair = key_pair(key, operation)
        self._demand(pair, self.find(pair), operation, **conditions)

    def do(self, write: Write, *, times: int = 1) -> None:
        """`times`: what a write unit is billed as, 2 within a transaction."""
        pk, sk = write.pair
        partition = self._partitions.get(pk)
        if write.after is not None:
            if partition is None:
                partition = self._partitions[pk] = Partition()
            partition.put(sk, write.packed)
        elif partition is not None:
            partition.remove(sk)
            if not partition.items:
                del self._partitions[pk]
        self.database.usage.wrote(self.name, kind_of(pk, sk), max(write.size, write.before.size), times=times)
        if self.database.watch is not None:
            self.database.watch(self.name, write)

    def read(self, pair: Pair, *, consistent: bool) -> Item | None:
        """The item as a call returns it; counted."""
        found = self.find(pair)
        item = found.item
        self.database.usage.read(self.name, kind_of(*pair), found.size, item is not None, consistent=consistent)
        return None if item is None else given(item)

    def find(self, pair: Pair) -> Found:
        """As it is stored; not counted."""
        partition = self._partitions.get(pair[0])
        packed = partition.items.get(pair[1]) if partition is not None else None
        if packed is None:
            return Found(None)
        length, _, item = unpack(packed)
        return Found(item, length)

    # For tests and reports; not counted, and out of the hook's sight

    def sort_keys(self, pk_prefix: str) -> Iterator[tuple[str, list[str]]]:
        """Of each partition whose `pk` begins so: its `pk`, and its sort keys in order."""
        for pk in [pk for pk in self._partitions if pk.startswith(pk_prefix)]:
            yield pk, self._partitions[pk].order

    def look(self, pk: str, sk: str) -> Item | None:
        found = self.find((pk, sk)).item
        return given(found) if found is not None else None

    def items(self) -> Iterator[Item]:
        for partition in list(self._partitions.values()):
            for packed in list(partition.items.values()):
                yield given(unpack(packed)[2])

    @property
    def bytes_held(self) -> int:
        return sum(len(packed) for partition in self._partitions.values() for packed in partition.items.values())

    def _demand(
        self,
        pair: Pair,
        before: Found,
        operation: str,
        *,
        change: Update | None = None,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, Any] | None = None,
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Stored]:
        """Raises ConditionalCheckFailedException when the condition does not hold; returns the values."""
        names, values = ExpressionAttributeNames or {}, stored_values(ExpressionAttributeValues)
        wanted = parsed_condition(ConditionExpression, operation)
        check_placeholders(
            wanted.names | change.names if change else wanted.names,
            wanted.values | change.values if change else wanted.values,
            names,
            values,
            operation,
            "UpdateExpression" if change else "ConditionExpression",
        )
        item = before.item
        if not wanted.holds(item or {}, names, values):
            kind = kind_of(*pair)
            self.database.usage.refuse(self.name, kind, before.size)
            shown = {"Item": wire(item)["M"]} if item and ReturnValuesOnConditionCheckFailure == "ALL_OLD" else {}
            refuse("ConditionalCheckFailedException", CONDITION_FAILED, operation, **shown)
        return values

    def _called(self, operation: str) -> Call:
        return Call(self.database, f"{self.name}.{operation}")


@dataclass(frozen=True)
class Meta:
    client: MemoryClient


def returned(write: Write, wanted: str) -> dict[str, Any]:
    """The answer's `Attributes`, as ReturnValues asks for them."""
    before = write.before.item
    match wanted:
        case "ALL_NEW":
            return {"Attributes": given(write.after or {})}
        case "ALL_OLD":
            return {"Attributes": given(before)} if before else {}
        case "UPDATED_NEW" | "UPDATED_OLD":
            item = write.after if wanted == "UPDATED_NEW" else before
            shown = projected(given(item or {}), tuple(write.touched))
            return {"Attributes": shown} if shown else {}
        case _:
            return {}
