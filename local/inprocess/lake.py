"""S3 in memory, under the real `Lake`: what it calls of boto3's client, with S3's answers and errors."""

import hashlib
import io
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from botocore.exceptions import ClientError

from local.inprocess.hooks import Hook, NoFaults
from winback.aws.lake import Lake

_STATUS = {"NoSuchKey": 404, "PreconditionFailed": 412}


def memory_lake(hook: Hook | None = None) -> Lake:
    return Lake("lake", MemoryS3(hook or NoFaults()))


@dataclass
class MemoryS3:
    """`calls` counts by operation; objects lie as they were put, compressed ones compressed."""

    hook: Hook = field(default_factory=NoFaults)
    objects: dict[str, bytes] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    lock: Any = field(default_factory=threading.Lock)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **options: Any) -> dict[str, Any]:  # noqa: ARG002
        self._begin("put_object")
        with self.lock:
            refused = options.get("IfNoneMatch") == "*" and Key in self.objects
            if not refused:
                self.objects[Key] = bytes(Body)
        self.hook.after("lake.put_object")
        if refused:
            _refuse("PreconditionFailed", "PutObject")
        return {"ETag": _etag(Body)}

    def get_object(
        self,
        *,
        Bucket: str,  # noqa: ARG002
        Key: str,
        Range: str | None = None,
        IfMatch: str | None = None,
    ) -> dict[str, Any]:
        self._begin("get_object")
        body = self._find(Key, "GetObject")
        if IfMatch is not None and IfMatch != _etag(body):
            _refuse("PreconditionFailed", "GetObject")
        if Range is not None:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        self.hook.after("lake.get_object")
        return {"Body": io.BytesIO(body), "ETag": _etag(body), "ContentLength": len(body)}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: ARG002
        self._begin("head_object")
        body = self._find(Key, "HeadObject")
        return {"ETag": _etag(body), "ContentLength": len(body)}

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str]) -> dict[str, Any]:  # noqa: ARG002
        self._begin("copy_object")
        self.objects[Key] = self._find(CopySource["Key"], "CopyObject")
        self.hook.after("lake.copy_object")
        return {}

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.put_object(Bucket=bucket, Key=key, Body=Path(path).read_bytes())

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.get_object(Bucket=bucket, Key=key)["Body"].read())

    def get_paginator(self, operation: str) -> "MemoryS3":
        """Of list_objects_v2, whose one page holds everything."""
        if operation != "list_objects_v2":
            raise ValueError(f"{operation} has no pages here: expected list_objects_v2")
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        self._begin("list_objects_v2")
        found = sorted(key for key in list(self.objects) if key.startswith(Prefix))
        yield {"Contents": [{"Key": k, "Size": len(self.objects[k]), "ETag": _etag(self.objects[k])} for k in found]}

    def generate_presigned_url(self, operation: str, *, Params: dict[str, str], ExpiresIn: int) -> str:
        return f"https://{Params['Bucket']}.example.com/{Params['Key']}?{operation}&expires={ExpiresIn}"

    @property
    def bytes_held(self) -> int:
        return sum(map(len, self.objects.values()))

    def _begin(self, operation: str) -> None:
        self.calls[operation] += 1
        self.hook.before(f"lake.{operation}")

    def _find(self, key: str, operation: str) -> bytes:
        if key not in self.objects:
            _refuse("NoSuchKey", operation)
        return self.objects[key]


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _refuse(code: str, operation: str) -> NoReturn:
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": _STATUS[code]}}
    raise ClientError(answer, operation)
