"""The client of boto3's table resource in memory: batches and transactions, over all tables of a database."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from local.inprocess.expressions import plain_path, projection
from local.inprocess.requests import invalid, key_pair, projected, refuse

if TYPE_CHECKING:
    from local.inprocess.tables import MemoryDatabase, MemoryTable, Write

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
GET_BATCH, PUT_BATCH, TRANSACTION = 100, 25, 100


class MemoryClient:
    def __init__(self, database: "MemoryDatabase") -> None:
        self._database = database

    def get_item(self, *, TableName: str, **arguments: Any) -> dict[str, Any]:
        return self._database.table(TableName).get_item(**arguments)

    def put_item(self, *, TableName: str, **arguments: Any) -> dict[str, Any]:
        return self._database.table(TableName).put_item(**arguments)

    def update_item(self, *, TableName: str, **arguments: Any) -> dict[str, Any]:
        return self._database.table(TableName).update_item(**arguments)

    def delete_item(self, *, TableName: str, **arguments: Any) -> dict[str, Any]:
        return self._database.table(TableName).delete_item(**arguments)

    def query(self, *, TableName: str, **arguments: Any) -> dict[str, Any]:
        return self._database.table(TableName).query(**arguments)

    def batch_get_item(self, *, RequestItems: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """What the hook leaves over comes back as UnprocessedKeys."""
        wanted = [
            (name, key_pair(key, "BatchGetItem")) for name, asked in RequestItems.items() for key in asked["Keys"]
        ]
        if len(wanted) > GET_BATCH:
            invalid("Too many items requested for the BatchGetItem call", "BatchGetItem")
        if len(set(wanted)) < len(wanted):
            invalid("Provided list of item keys contains duplicates", "BatchGetItem")
        point = f"{'+'.join(RequestItems)}.batch_get_item"
        responses: dict[str, list[dict[str, Any]]] = {name: [] for name in RequestItems}
        left: dict[str, dict[str, Any]] = {}
        done = len(wanted) - self._database.hook.left_over(point, len(wanted))
        with self._database.call(point):
            for name, pair in wanted[:done]:
                asked = RequestItems[name]
                item = self._database.table(name).read(pair, consistent=asked.get("ConsistentRead", False))
                if item is None:
                    continue
                if paths := asked.get("ProjectionExpression"):
                    names = asked.get("ExpressionAttributeNames") or {}
                    item = projected(item, tuple(plain_path(path, names) for path in projection(paths)[0]))
                responses[name].append(item)
        for name, (pk, sk) in wanted[done:]:
            left.setdefault(name, {**RequestItems[name], "Keys": []})["Keys"].append({"pk": pk, "sk": sk})
        return {"Responses": responses, "UnprocessedKeys": left}

    def batch_write_item(self, *, RequestItems: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
        """Puts and deletes without conditions, each a step of its own; the hook's left-overs are UnprocessedItems."""
        operation = "BatchWriteItem"
        wanted = [(name, request) for name, requests in RequestItems.items() for request in requests]
        if len(wanted) > PUT_BATCH:
            invalid("Too many items requested for the BatchWriteItem call", operation)
        pairs = {(name, key_pair(_key_of(request), operation)) for name, request in wanted}
        if len(pairs) < len(wanted):
            invalid("Provided list of item keys contains duplicates", operation)
        point = f"{'+'.join(RequestItems)}.batch_write_item"
        left: dict[str, list[Mapping[str, Any]]] = {}
        done = len(wanted) - self._database.hook.left_over(point, len(wanted))
        with self._database.call(point):
            for name, request in wanted[:done]:
                table = self._database.table(name)
                if "PutRequest" in request:
                    table.do(table.check_put(request["PutRequest"]["Item"], operation))
                else:
                    table.do(table.check_delete(request["DeleteRequest"]["Key"], operation))
        for name, request in wanted[done:]:
            left.setdefault(name, []).append(request)
        return {"UnprocessedItems": left}

    def transact_write_items(
        self,
        *,
        TransactItems: Sequence[Mapping[str, Mapping[str, Any]]],
        ClientRequestToken: str = "",  # noqa: ARG002 (a repetition finds its own conditions failed)
    ) -> dict[str, Any]:
        """All or nothing; TransactionCanceledException names a reason for each action."""
        operation = "TransactWriteItems"
        if len(TransactItems) > TRANSACTION:
            invalid("Member must have length less than or equal to 100", operation)
        actions = [(kind, dict(action)) for item in TransactItems for kind, action in item.items()]
        tables = [self._database.table(action.pop("TableName")) for _, action in actions]
        pairs = [key_pair(action["Item"] if kind == "Put" else action["Key"], operation) for kind, action in actions]
        if len({(table.name, pair) for table, pair in zip(tables, pairs, strict=True)}) < len(actions):
            invalid("Transaction request cannot include multiple operations on one item", operation)
        with self._database.call(f"{'+'.join(dict.fromkeys(t.name for t in tables))}.transact_write_items"):
            reasons: list[dict[str, Any]] = []
            writes: list[tuple[MemoryTable, Write]] = []
            for table, (kind, action) in zip(tables, actions, strict=True):
                try:
                    write = _checked(table, kind, action, operation)
                except ClientError as error:
                    reasons.append(_reason(error))
                else:
                    reasons.append({"Code": "None"})
                    if write is not None:
                        writes.append((table, write))
            codes = [reason["Code"] for reason in reasons]
            if set(codes) - {"None"}:
                refuse(
                    "TransactionCanceledException",
                    "Transaction cancelled, please refer cancellation reasons for specific reasons "
                    f"[{', '.join(codes)}]",
                    operation,
                    CancellationReasons=reasons,
                )
            for table, write in writes:
                table.do(write, times=2)
        return {}


def _key_of(request: Mapping[str, Any]) -> Mapping[str, Any]:
    key: Mapping[str, Any] = (
        request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
    )
    return key


def _checked(table: "MemoryTable", kind: str, action: dict[str, Any], operation: str) -> "Write | None":
    match kind:
        case "Put":
            return table.check_put(action.pop("Item"), operation, **action)
        case "Delete":
            return table.check_delete(action.pop("Key"), operation, **action)
        case "Update":
            return table.check_update(action.pop("Key"), action.pop("UpdateExpression"), operation, **action)
        case "ConditionCheck":
            table.check_only(action.pop("Key"), operation, **action)
        case _:
            invalid(f"{kind} is no action of a transaction", operation)
    return None


def _reason(error: ClientError) -> dict[str, Any]:
    """Why an action cancels its transaction; a request that is wrong in itself is no such reason."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    item = {"Item": error.response["Item"]} if "Item" in error.response else {}  # type: ignore[typeddict-item]
    return {"Code": "ConditionalCheckFailed", "Message": error.response["Error"]["Message"], **item}


class BatchWriter:
    """boto3's: 25 requests at a time, unprocessed ones again, the rest at the end; a killed process sends no more."""

    def __init__(self, table: "MemoryTable") -> None:
        self._table = table
        self._requests: list[Mapping[str, Any]] = []

    def put_item(self, Item: Mapping[str, Any]) -> None:
        self._add({"PutRequest": {"Item": Item}})

    def delete_item(self, Key: Mapping[str, Any]) -> None:
        self._add({"DeleteRequest": {"Key": Key}})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._requests and (error is None or isinstance(error, Exception)):
            self._flush()

    def _add(self, request: Mapping[str, Any]) -> None:
        self._requests.append(request)
        if len(self._requests) >= PUT_BATCH:
            self._flush()

    def _flush(self) -> None:
        now, self._requests = self._requests[:PUT_BATCH], self._requests[PUT_BATCH:]
        answer = self._table.meta.client.batch_write_item(RequestItems={self._table.name: now})
        self._requests.extend(answer["UnprocessedItems"].get(self._table.name, []))
