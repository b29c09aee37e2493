"""What a refresh costs in AWS list prices (bench/prices.py), split by service: the first one, and a daily one after it.

The very code of the functions runs here, at full size, over a lake in a folder and tables that only count:

- counted: calls to S3 (parts of 8 MiB), items and KB written to DynamoDB, parts to score, batches for the endpoint
- measured on this machine: seconds of compute, of valuing customers, of looking for order lines (there are none, so
  nothing is recommended), of publishing, of one part's scoring, of one batch in the endpoint
- assumed: S3 moves 80 MB/s and a batch write takes 10 ms; Lambda at its memory is as fast as this machine with 2
  cores; state transitions are counted in the definition's states by hand

The daily refresh is a day later, when 1 % of the customers ordered. Storage is a month's, after it; KMS, logs and what
others start from the event are left out.
"""

import gzip
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import boto3
import duckdb
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from bench import prices
from bench.endpoint import measure as measure_endpoint
from bench.refresh import AS_OF, prepare
from winback.accounts import Account
from winback.aws import keys
from winback.aws.announcements import EventBus
from winback.aws.computing import Computer
from winback.aws.imports import ImportStore
from winback.aws.lake import Lake, scores_key
from winback.aws.lifts import LiftStore
from winback.aws.playbook import PlaybookStore
from winback.aws.publishing import Publisher
from winback.aws.recommending import Recommender
from winback.aws.refresh import Machine, Refresh
from winback.aws.segment_items import SegmentItems
from winback.aws.snapshots import SnapshotStore
from winback.aws.valuing import Valuer
from winback.identifiers import AccountId, SnapshotId
from winback.predictions.requests import MAX_ROWS
from winback.predictions.scoring import score_part

PART_BYTES = 8 << 20  # what boto3 splits objects into
S3_BYTES_PER_SECOND = 80e6
BATCH_WRITE_SECONDS, WRITERS = 0.010, 4
COMPUTE_GB, SCORE_GB, STORAGE_GB = 3008 / 1024, 0.5, 10 - 0.5
INVOKE_SECONDS = 0.015  # of a call to the endpoint, beside the work in it
ACCOUNT = AccountId("acme")
SIZES = (100_000, 1_000_000)


@dataclass
class Counts:
    """What was asked of AWS since the last look."""

    calls: Counter[str] = field(default_factory=Counter)

    def add(self, what: str, number: int = 1) -> None:
        self.calls[what] += number

    def taken(self) -> Counter[str]:
        calls, self.calls = self.calls, Counter()
        return calls


class FolderLake(Lake):
    """The lake's objects as files; what would be a request to S3 is counted."""

    def __init__(self, folder: Path, counts: Counts) -> None:
        super().__init__("lake", client=SimpleNamespace())
        self._folder, self._counts = folder, counts

    def _wrote(self, key: str) -> None:
        size = (self._folder / key).stat().st_size
        self._counts.add("s3 put", _parts(size))
        self._counts.add("bytes up", size)

    def _read(self, key: str) -> Path:
        path = self._folder / key
        self._counts.add("s3 get", _parts(path.stat().st_size))
        self._counts.add("bytes down", path.stat().st_size)
        return path

    def write_bytes(
        self,
        key: str,
        body: bytes,
        *,
        once: bool = False,  # noqa: ARG002
        content_type: str = "",  # noqa: ARG002
    ) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(body, 1, mtime=0) if key.endswith(".gz") else body)
        self._wrote(key)

    def read_bytes(self, key: str) -> bytes:
        body = self._read(key).read_bytes()
        return gzip.decompress(body) if key.endswith(".gz") else body

    def find_json(self, key: str) -> Any | None:
        return self.read_json(key) if (self._folder / key).exists() else None

    def upload(self, path: Path, key: str) -> None:
        (self._folder / key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self._folder / key)
        self._wrote(key)

    def download(self, key: str, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._read(key), path)
        return path

    def list(self, prefix: str) -> Iterator[str]:
        yield from self.versions(prefix)

    def versions(self, prefix: str) -> dict[str, str]:
        self._counts.add("s3 put")  # a LIST costs as much
        found = (path for path in sorted(self._folder.rglob("*")) if path.is_file())
        tags = {str(path.relative_to(self._folder)): f"{path.stat().st_size}" for path in found}
        return {key: tag for key, tag in tags.items() if key.startswith(prefix)}

    def copy(self, key: str, to: str) -> None:
        (self._folder / to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._folder / key, self._folder / to)
        self._counts.add("s3 put")


class CountedTable:
    """Keeps the items of few keys, as the stores of the campaigns table ask for them; every write unit is counted."""

    name = "campaigns"

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._items: dict[tuple[str, str], dict[str, Any]] = {}
        self.meta = SimpleNamespace(client=SimpleNamespace(transact_write_items=self._transact))

    def get_item(self, Key: keys.Key, **_: Any) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        self._counts.add("read units")
        found = self._items.get((Key["pk"], Key["sk"]))
        return {"Item": found} if found else {}

    def put_item(self, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self._counts.add("write units", _units(Item))
        self._items[Item["pk"], Item["sk"]] = Item

    def update_item(self, **_: Any) -> dict[str, Any]:
        self._counts.add("write units")
        return {}

    def query(self, **_: Any) -> dict[str, Any]:
        self._counts.add("read units")
        return {"Items": []}

    def _transact(self, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803
        for write in TransactItems:
            if "Put" in write:
                self.put_item(write["Put"]["Item"])
                self.put_item(write["Put"]["Item"])  # a transaction costs twice


def run(small: bool) -> None:
    customers = SIZES[0] if small else SIZES[1]
    print(f"{customers:,} customers; list prices of {prices.REGION}, {prices.AS_OF}")
    with TemporaryDirectory() as scratch:
        counts = Counts()
        lake = FolderLake(Path(scratch), counts)
        orders = Path(scratch) / f"orders/account={ACCOUNT}/received=2026-01-01"
        orders.mkdir(parents=True)
        for path in prepare(customers).glob("*.parquet"):
            (orders / path.name).symlink_to(path)
        campaigns, endpoint = CountedTable(counts), measure_endpoint(rounds=30).contract / 1e6
        _report("first", _refresh(lake, campaigns, counts, 1, endpoint), customers)
        _orders_of_a_day(orders)
        _report("daily", _refresh(lake, campaigns, counts, 2, endpoint), customers)


@dataclass(frozen=True)
class Measured:
    calls: Counter[str]
    compute_seconds: float
    value_seconds: float
    recommend_seconds: float
    publish_seconds: float
    write_seconds: float
    score_seconds: float
    parts: int
    batches: int
    endpoint_seconds: float
    told: str


def _refresh(lake: FolderLake, campaigns: CountedTable, counts: Counts, number: int, endpoint: float) -> Measured:
    refresh = Refresh(ACCOUNT, SnapshotId(f"snp-{number:012x}"), AS_OF + timedelta(days=number - 1))
    machine, store = Machine(3008, 2), SnapshotStore(campaigns)
    account = Account.model_validate(_ACCOUNT)
    stores = store, ImportStore(campaigns), PlaybookStore(campaigns), LiftStore(campaigns)
    computer = Computer(lake, *stores, machine)
    start = perf_counter()
    computed = computer.compute(refresh, account)
    compute_seconds = perf_counter() - start + _transfer(counts)
    value_seconds = _seconds(counts, lambda: Valuer(lake, store, machine).value(refresh))
    recommend_seconds = _seconds(counts, lambda: Recommender(lake, machine).recommend(refresh, account))
    moved = counts.calls["bytes up"] + counts.calls["bytes down"]

    batches, each = 0, []
    for line in lake.read_rows(computed["manifest"]):
        start = perf_counter()
        part = lake.read_rows(line["key"])
        scored = score_part(part, _answer)
        lake.write_rows(
            scores_key(ACCOUNT, refresh.snapshot_id, line["chunk"]), (score.row() for score in scored.scores)
        )
        each.append(perf_counter() - start)
        batches += -(-len(part) // MAX_ROWS)
    scoring = counts.calls["bytes up"] + counts.calls["bytes down"] - moved

    publisher = Publisher(lake, store, _segment_items(counts), EventBus("winback", _Bus(counts)), machine)
    start = perf_counter()
    snapshot = publisher.publish(refresh, datetime.now(UTC))
    publish_seconds = perf_counter() - start
    calls = counts.taken()
    published = calls["bytes up"] + calls["bytes down"] - moved - scoring
    told = (
        f"{snapshot.orders_read:,} orders read, {snapshot.customers_recomputed:,} customers recomputed, "
        f"{snapshot.customers_carried:,} carried, {snapshot.changed:,} changed"
    )
    return Measured(
        calls,
        compute_seconds,
        value_seconds,
        recommend_seconds,
        publish_seconds + published / S3_BYTES_PER_SECOND,
        calls["batch writes"] * BATCH_WRITE_SECONDS / WRITERS,
        (median(each) if each else 0.0) * len(each) + batches * (INVOKE_SECONDS + endpoint),
        len(each),
        batches,
        batches * endpoint,
        told,
    )


def _report(which: str, found: Measured, customers: int) -> None:
    calls = found.calls
    long = (
        found.compute_seconds
        + found.value_seconds
        + found.recommend_seconds
        + found.publish_seconds
        + found.write_seconds
    )
    transitions = 10 + 2 * found.parts  # accounts and account; a child's start and its one state
    scored_gb = customers * 120 / 1e9  # a row's JSON in and its answer out, measured: 119 bytes
    lines = {
        "Lambda": (
            prices.LAMBDA_GB_SECOND * (long * COMPUTE_GB + found.score_seconds * SCORE_GB)
            + prices.LAMBDA_STORAGE_GB_SECOND * long * STORAGE_GB
            + prices.LAMBDA_REQUEST * (5 + found.parts),
            f"{long:.0f} s of compute to publish at {COMPUTE_GB:.1f} GB; {found.parts:,} parts in "  # noqa: ISC004
            f"{found.score_seconds:.0f} s at {SCORE_GB} GB",
        ),
        "DynamoDB": (
            prices.DYNAMODB_WRITE_UNIT * calls["write units"] + prices.DYNAMODB_READ_UNIT * calls["read units"],
            f"{calls['write units']:,} write units, {calls['read units']:,} read units",
        ),
        "S3": (
            prices.S3_PUT * calls["s3 put"] + prices.S3_GET * calls["s3 get"],
            f"{calls['s3 put']:,} writes and lists, {calls['s3 get']:,} reads",
        ),
        "S3, kept a month": (
            prices.S3_GB_MONTH * calls["bytes up"] / 1e9,
            f"{calls['bytes up'] / 1e6:,.0f} MB written",
        ),
        "Step Functions": (prices.STATE_TRANSITION * transitions, f"{transitions:,} state transitions"),
        "SageMaker": (
            prices.SAGEMAKER_SERVERLESS_SECOND_2GB * found.endpoint_seconds
            + prices.SAGEMAKER_SERVERLESS_GB * scored_gb,
            f"{found.batches:,} batches of {MAX_ROWS}, {found.endpoint_seconds:.0f} s, serverless at 2 GB",
        ),
        "EventBridge": (prices.EVENT * calls["events"], f"{calls['events']} events"),
    }
    print(f"\n{which} refresh: {found.told}")
    print(
        f"  compute {found.compute_seconds:.0f} s; value {found.value_seconds:.0f} s; recommend "
        f"{found.recommend_seconds:.0f} s; publish {found.publish_seconds:.0f} s, of 900 that a function has, and"
        f" {found.write_seconds:.0f} s of waiting for {calls['batch writes']:,} batch writes"
    )
    for service, (dollars, why) in lines.items():
        print(f"  {service:18} $ {dollars:8.4f}   {why}")
    print(f"  {'together':18} $ {sum(dollars for dollars, _ in lines.values()):8.4f}")


def _orders_of_a_day(folder: Path) -> None:
    """1 % of the customers order once more, on the day after the first refresh's moment."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        orders = connection.read_parquet(str(folder / "history.parquet"))
        orders.filter("abs(hash(customer_key)) % 100 = 0").create_view("history")
        connection.execute(
            "CREATE TABLE fresh AS SELECT * REPLACE ('D' || order_id AS order_id, TIMESTAMP '2026-01-01 12:00:00' "
            "AS ordered_at, TIMESTAMP '2026-01-01 13:00:00' AS received_at) FROM history "
            "QUALIFY row_number() OVER (PARTITION BY customer_key ORDER BY order_id) = 1"
        )
        connection.table("fresh").write_parquet(str(folder / "a-day.parquet"), compression="zstd")


def _segment_items(counts: Counts) -> SegmentItems:
    """The real ones with boto3's own serialization; only the network is left out."""
    session = boto3.Session("none", "none", region_name=prices.REGION)
    client = session.client("dynamodb", config=Config(parameter_validation=False))

    def answer(request: Any, **_: Any) -> AWSResponse:
        writes = json.loads(request.body)["RequestItems"]["customers"]
        items = (write.get("PutRequest", {}).get("Item", {}) for write in writes)
        counts.add("batch writes")
        counts.add("write units", sum(-(-_size(item) // 1024) or 1 for item in items))
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "none"}
        return AWSResponse(request.url, 200, headers, _Raw(b'{"UnprocessedItems": {}}'))

    client.meta.events.register_first("before-send.dynamodb.BatchWriteItem", answer)
    return SegmentItems("customers", client)


@dataclass
class _Raw:
    body: bytes

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.body


class _Bus:
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self._counts.add("events", len(Entries))
        return {"FailedEntryCount": 0, "Entries": []}


def _answer(body: bytes) -> bytes:
    asked = json.loads(body)
    rows = [{"churn_probability": 0.2, "reasons": []}] * len(asked["rows"])
    return json.dumps({"schema_version": asked["schema_version"], "model_id": "m", "rows": rows}).encode()


def _parts(size: int) -> int:
    return max(1, -(-size // PART_BYTES))


def _units(item: Iterable[Any]) -> int:
    return -(-len(json.dumps(item, default=str)) // 1024)


def _size(item: dict[str, dict[str, Any]]) -> int:
    """Of a typed item, about as DynamoDB counts it: names and values."""
    return sum(len(name) + len(str(value)) for name, typed in item.items() for value in typed.values())


def _seconds(counts: Counts, work: Callable[[], object]) -> float:
    """Of the work, and of moving what it reads and writes."""
    before, start = _transfer(counts), perf_counter()
    work()
    return perf_counter() - start + _transfer(counts) - before


def _transfer(counts: Counts) -> float:
    return (counts.calls["bytes up"] + counts.calls["bytes down"]) / S3_BYTES_PER_SECOND


_ACCOUNT = {
    "account_id": ACCOUNT,
    "name": "Acme",
    "currency": "EUR",
    "key_salt": "a" * 32,
    "sender": {"name": "Acme", "email": "shop@example.com", "postal_address": "1 Main Street"},
    "public_url": "https://example.com",
}


if __name__ == "__main__":
    run(small="--small" in sys.argv)
