"""The S3 lake: object keys as docs/data-model.md lists them, and JSON Lines objects."""

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from winback.aws.clients import s3
from winback.identifiers import AccountId, ImportId

Row = dict[str, Any]


class AlreadyWritten(RuntimeError):
    """A write-once object exists already: an earlier attempt won."""


def upload_key(account_id: AccountId, import_id: str) -> str:
    return f"uploads/{account_id}/{import_id}"


def parse_upload_key(key: str) -> tuple[AccountId, ImportId]:
    """Raises ValueError when `key` is not an upload's."""
    folder, account_id, import_id = key.split("/")
    if folder != "uploads":
        raise ValueError("not an upload's key: expected uploads/account/import")
    return AccountId(account_id), ImportId(import_id)


def orders_prefix(account_id: AccountId) -> str:
    return f"orders/account={account_id}/"


def orders_key(account_id: AccountId, received: str, name: str) -> str:
    """`received` is a date, `name` has its ending: `imp-….parquet` or `….jsonl.gz`."""
    return f"{orders_prefix(account_id)}received={received}/{name}"


def customers_prefix(account_id: AccountId) -> str:
    return f"customers/account={account_id}/"


def customers_key(account_id: AccountId, received: str, name: str) -> str:
    return f"{customers_prefix(account_id)}received={received}/{name}"


def engagement_prefix(account_id: AccountId) -> str:
    return f"engagement/account={account_id}/"


def engagement_key(account_id: AccountId, received: str, name: str) -> str:
    """`received` is a date, `name` has its ending: `imp-….parquet`, `bat-….jsonl.gz` or `exp-….jsonl.gz`."""
    return f"{engagement_prefix(account_id)}received={received}/{name}"


def rates_prefix(account_id: AccountId) -> str:
    """What a refresh of an account with orders in other currencies downloads beside the orders."""
    return f"rates/account={account_id}/"


def rates_key(account_id: AccountId, received: str, import_id: str) -> str:
    return f"{rates_prefix(account_id)}received={received}/{import_id}.parquet"


def rejects_key(account_id: AccountId, import_id: str) -> str:
    return f"rejects/account={account_id}/{import_id}.jsonl.gz"


def archetypes_prefix(account_id: AccountId, run_id: str) -> str:
    return f"archetypes/account={account_id}/{run_id}/"


def training_prefix(kind: str, run_id: str) -> str:
    """Of no account: a model learns from all of them."""
    return f"training/{kind}/{run_id}/"


def accounts_key(workflow: str, list_id: str) -> str:
    """Of the accounts that an execution of a workflow goes through."""
    return f"workflows/{workflow}/accounts/{list_id}.jsonl"


def refresh_prefix(account_id: AccountId, snapshot_id: str) -> str:
    return f"refresh/account={account_id}/{snapshot_id}/"


def scores_key(account_id: AccountId, snapshot_id: str, chunk: int) -> str:
    return f"{refresh_prefix(account_id, snapshot_id)}scores/part-{chunk:05d}.jsonl.gz"


def snapshot_prefix(account_id: AccountId, snapshot_id: str) -> str:
    return f"snapshots/account={account_id}/{snapshot_id}/"


def drift_key(account_id: AccountId, snapshot_id: str) -> str:
    return f"{snapshot_prefix(account_id, snapshot_id)}drift.json"


def newly_lapsed_key(account_id: AccountId, snapshot_id: str) -> str:
    return f"{snapshot_prefix(account_id, snapshot_id)}newly_lapsed.jsonl.gz"


def proposed_rubric_key(account_id: AccountId) -> str:
    return f"rubrics/account={account_id}/proposed.json"


def adopted_rubric_key(account_id: AccountId) -> str:
    """Put there by an operator (docs/runbook.md)."""
    return f"rubrics/account={account_id}/adopted.json"


def movement_key(account_id: AccountId, before: str, now: str) -> str:
    """Of the matrices between two snapshots, which never change."""
    return f"movement/account={account_id}/{before}_{now}.json"


def launch_prefix(account_id: AccountId, launch_id: str) -> str:
    return f"launches/account={account_id}/{launch_id}/"


def chunk_name(chunk: int) -> str:
    return f"chunk-{chunk:05d}.jsonl.gz"


class Replaced(RuntimeError):
    """The object is another one by now than the one that was asked for."""


class Lake:
    """One bucket. Keys ending in `.gz` are compressed on the way in and out."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        self.bucket = bucket
        # Links to objects under a customer key must be signed with version 4:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        self._s3 = client or s3()

    def write_bytes(
        self, key: str, body: bytes, *, once: bool = False, content_type: str = "application/octet-stream"
    ) -> None:
        """With `once`, raises AlreadyWritten when the object exists (conditional write, no race)."""
        body = gzip.compress(body, 1, mtime=0) if key.endswith(".gz") else body
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if once else {}
        try:
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, **condition)
        except ClientError as error:
            if once and error.response["Error"]["Code"] in (
                "PreconditionFailed",
                "ConditionalRequestConflict",
                "412",
            ):
                raise AlreadyWritten(key) from error
            raise

    def read_bytes(self, key: str) -> bytes:
        body = self.read_object(key)
        return gzip.decompress(body) if key.endswith(".gz") else body

    def read_object(self, key: str) -> bytes:
        """As it is stored, an archive too."""
        body: bytes = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def write_rows(self, key: str, rows: Iterable[Row], *, once: bool = False) -> None:
        """JSON Lines, one object a row, keys sorted: the same rows give the same bytes."""
        lines = "".join(json.dumps(row, separators=(",", ":"), sort_keys=True) + "\n" for row in rows)
        self.write_bytes(key, lines.encode(), once=once, content_type="application/x-ndjson")

    def read_rows(self, key: str) -> list[Row]:
        return [json.loads(line) for line in self.read_bytes(key).splitlines() if line.strip()]

    def write_json(self, key: str, value: Any) -> None:
        self.write_bytes(key, json.dumps(value, indent=1, sort_keys=True).encode(), content_type="application/json")

    def read_json(self, key: str) -> Any:
        return json.loads(self.read_bytes(key))

    def find_json(self, key: str) -> Any | None:
        """None when there is no such object.

        Whoever may not list the whole bucket may be told AccessDenied of an object that is not there
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html): a role needs to list the key's prefix.
        """
        try:
            return self.read_json(key)
        except ClientError as error:
            self._require_missing(key, error)
            return None

    def find_rows(self, key: str) -> list[Row] | None:
        """None when there is no such object; see `find_json`."""
        try:
            return self.read_rows(key)
        except ClientError as error:
            self._require_missing(key, error)
            return None

    def _require_missing(self, key: str, error: ClientError) -> None:
        code = error.response["Error"]["Code"]
        if not (code == "NoSuchKey" or (code == "AccessDenied" and key not in self.list(key))):
            raise error

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """The object's bytes from `start` up to `end`, excluded; as they are stored."""
        if start >= end:
            return b""
        body: bytes = self._s3.get_object(Bucket=self.bucket, Key=key, Range=f"bytes={start}-{end - 1}")["Body"].read()
        return body

    def upload(self, path: Path, key: str) -> None:
        self._s3.upload_file(str(path), self.bucket, key)

    def download(self, key: str, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._s3.download_file(self.bucket, key, str(path))
        return path

    def etag(self, key: str) -> str:
        """Without its quotes, as S3's events give it."""
        return str(self._s3.head_object(Bucket=self.bucket, Key=key)["ETag"]).strip('"')

    def download_exactly(self, key: str, etag: str, path: Path) -> Path:
        """Raises Replaced when the object has another ETag. Managed downloads take no such condition."""
        try:
            body = self._s3.get_object(Bucket=self.bucket, Key=key, IfMatch=f'"{etag}"')["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "412"):
                raise
            raise Replaced(key) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(body, file, 1 << 20)
        return path

    def list(self, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"]

    def versions(self, prefix: str) -> dict[str, str]:
        """ETags by key. An object that is written again with other content has another one."""
        found = {}
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                found[entry["Key"]] = str(entry["ETag"]).strip('"')
        return found

    def size(self, prefix: str) -> int:
        """Bytes of all objects under the prefix."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sum(int(entry["Size"]) for page in pages for entry in page.get("Contents", []))

    def copy(self, key: str, to: str) -> None:
        self._s3.copy_object(Bucket=self.bucket, Key=to, CopySource={"Bucket": self.bucket, "Key": key})

    def link(self, key: str, seconds: int = 3600) -> str:
        """A link that lets its holder read the object for a while."""
        url: str = self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=seconds
        )
        return url
