"""Counts what code asks of AWS while boto3's real clients run against moto in this process.

A request is counted where botocore hands it to the network: it has been made and serialized by then as it would be for
AWS, so nothing of the code under test has to know. Time that moto takes for its answers is not the code's.

- DynamoDB's request units follow from the sizes of items, as
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html and
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html say; of an update the
  larger of the item before and after counts, and a write whose condition failed counts too.
- SQS counts a request for each 64 KB begun, and so does SNS: https://aws.amazon.com/sqs/pricing/
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from threading import Lock
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from moto.core.models import botocore_stubber

Typed = Mapping[str, Mapping[str, Any]]  # an item in DynamoDB's own JSON
READ_UNIT, WRITE_UNIT, CHUNK = 4096, 1024, 64 * 1024


@dataclass
class Usage:
    """Of one cause: units by the name of their price, calls by service (each is waited for), and CPU time."""

    units: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: Counter[str] = field(default_factory=Counter)
    cpu_seconds: float = 0.0
    count: int = 0


class Meter:
    """Answers every client that is made after it, through moto; inside `cause(...)` what is asked counts there."""

    def __init__(self, item_now: Callable[[str, Typed], Typed | None]) -> None:
        """`item_now(table, key)` looks an item up without being counted."""
        self.usage: dict[str, Usage] = defaultdict(Usage)
        self.stored: Counter[str] = Counter()  # bytes put into S3 by cause
        self.on_send_email: Callable[[Mapping[str, Any]], str] = lambda _: "none"
        self._item_now = item_now
        self._followed: tuple[str, str] | None = None
        self._changes: list[Typed] = []
        self._cause: str | None = None
        self._answering = 0.0
        self._lock = Lock()
        boto3.setup_default_session()
        made: Any = boto3.DEFAULT_SESSION
        session = made._session
        session.unregister("before-send", botocore_stubber)  # all handlers of an event are called: moto once, by us
        session.register("before-send", self._answer)

    @contextmanager
    def cause(self, name: str, count: int = 0) -> Iterator[Usage]:
        """What the code within asks and how long it computes; `count` more of what the cause is counted by."""
        usage, self._cause, self._answering = self.usage[name], name, 0.0
        started = time.process_time()
        try:
            yield usage
        finally:
            usage.cpu_seconds += time.process_time() - started - self._answering
            usage.count += count
            self._cause = None

    def follow(self, table: str, sort_key: str) -> None:
        """Keeps the new image of each changed item of the table whose sort key begins so, as its stream would."""
        self._followed = table, sort_key

    def taken_changes(self) -> list[Typed]:
        changes, self._changes = self._changes, []
        return changes

    def _answer(self, event_name: str, request: Any, **_: Any) -> AWSResponse | None:
        """moto's answer. One at a time: moto keeps its tables in plain dictionaries."""
        with self._lock:
            started = time.thread_time()
            service, operation = event_name.split(".")[1:]
            before = self._before(service, operation, request)
            response = self._mail(operation, request) if service == "sesv2" else botocore_stubber(event_name, request)
            if self._cause is not None and response is not None:
                body = request.body or b""
                self._count(self.usage[self._cause], service, operation, body)
                if service == "dynamodb":
                    self._count_table(self.usage[self._cause], operation, json.loads(body), response, before)
            self._answering += time.thread_time() - started
            return response

    def _mail(self, operation: str, request: Any) -> AWSResponse:
        """SES as an account out of the sandbox finds it; moto's keeps too little."""
        if operation == "SendEmail":
            answer: dict[str, Any] = {"MessageId": self.on_send_email(json.loads(request.body))}
        elif operation == "GetAccount":
            quota = {"MaxSendRate": 500.0, "Max24HourSend": -1.0, "SentLast24Hours": 0.0}
            answer = {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": True}
        else:
            raise ValueError(f"sesv2.{operation} has no answer here: say what SES would")
        headers: Any = {"content-type": "application/json", "x-amzn-requestid": "none"}
        return AWSResponse(request.url, 200, headers, _Raw(json.dumps(answer).encode()))

    def _before(self, service: str, operation: str, request: Any) -> Typed | None:
        if service != "dynamodb" or operation not in ("PutItem", "UpdateItem", "DeleteItem"):
            return None
        asked = json.loads(request.body)
        return self._item_now(asked["TableName"], asked.get("Key") or _key(asked["Item"]))

    def _count(self, usage: Usage, service: str, operation: str, body: Any) -> None:
        usage.calls[service] += 1
        match service:
            case "dynamodb":
                pass  # by the sizes of its items: _count_table
            case "s3":
                usage.units["s3_read" if operation in ("GetObject", "HeadObject") else "s3_write"] += 1
                if operation == "PutObject":
                    data = body if isinstance(body, bytes) else getattr(body, "getvalue", bytes)()
                    self.stored[self._cause or ""] += len(data)
            case "sqs":
                usage.units["sqs_request"] += -(-len(body) // CHUNK)
            case "secrets-manager" | "sesv2" | "sfn" | "sns":
                pass  # asked once a process, charged as a message, or counted by transitions
            case _:
                raise ValueError(f"{service}.{operation} has no price: say here what it counts as")

    def _note_change(self, operation: str, asked: dict[str, Any], response: AWSResponse, before: Typed | None) -> None:
        """A stream tells of changes alone: a write that changed nothing, or failed, is none."""
        if self._followed is None or operation not in ("PutItem", "UpdateItem") or response.status_code != 200:
            return
        key = asked.get("Key") or _key(asked["Item"])
        if asked["TableName"] != self._followed[0] or not key["sk"]["S"].startswith(self._followed[1]):
            return
        after = self._item_now(asked["TableName"], key)
        if after is not None and after != before:
            self._changes.append(after)

    def _count_table(
        self, usage: Usage, operation: str, asked: dict[str, Any], response: AWSResponse, before: Typed | None
    ) -> None:
        self._note_change(operation, asked, response, before)
        answer = json.loads(response.content)
        consistent = 1.0 if asked.get("ConsistentRead") else 0.5
        match operation:
            case "GetItem":
                usage.units["dynamodb_read"] += consistent * _units(_size(answer.get("Item")), READ_UNIT)
            case "Query":
                size = sum(_size(item) for item in answer["Items"])
                usage.units["dynamodb_read"] += consistent * _units(size, READ_UNIT)
            case "BatchGetItem":
                for table, wanted in asked["RequestItems"].items():
                    each = 1.0 if wanted.get("ConsistentRead") else 0.5
                    found = answer["Responses"].get(table, [])
                    missing = len(wanted["Keys"]) - len(found)
                    usage.units["dynamodb_read"] += each * (
                        missing + sum(_units(_size(item), READ_UNIT) for item in found)
                    )
            case "BatchWriteItem":
                for writes in asked["RequestItems"].values():
                    for write in writes:
                        item = write.get("PutRequest", {}).get("Item")
                        usage.units["dynamodb_write"] += _units(_size(item), WRITE_UNIT)
            case "PutItem":
                larger = max(_size(asked["Item"]), _size(before))
                usage.units["dynamodb_write"] += _units(larger, WRITE_UNIT)
            case "UpdateItem" | "DeleteItem":
                after = self._item_now(asked["TableName"], asked["Key"])
                usage.units["dynamodb_write"] += _units(max(_size(before), _size(after)), WRITE_UNIT)
            case "TransactWriteItems":
                for action in asked["TransactItems"]:
                    item = next(iter(action.values())).get("Item")
                    usage.units["dynamodb_write"] += 2 * _units(_size(item), WRITE_UNIT)
            case _:
                raise ValueError(f"dynamodb.{operation} has no price: say here what it counts as")


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def size_of(item: Typed | None) -> int:
    """Bytes of a typed item as DynamoDB counts them: names and values."""
    return _size(item)


def _key(item: Typed) -> Typed:
    return {"pk": item["pk"], "sk": item["sk"]}


def _units(size: float, of: int) -> int:
    return max(1, -(-int(size) // of))


def _size(item: Typed | None) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items()) if item else 0


def _value_size(value: Mapping[str, Any]) -> int:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    (kind, content), *_ = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(content.lstrip("-").replace(".", "").strip("0")) + 1) // 2 + 1
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(each) for each in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(each) for name, each in content.items())
        case _:
            raise ValueError(f"no item of ours has a value of type {kind}")
