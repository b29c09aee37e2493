"""Objects beside the data that Spark reads and writes itself, through the same file systems: S3, or a folder."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import SparkSession


class Files:
    """Keys below one URI, such as `s3://bucket/` or `file:///folder/`, by Hadoop's FileSystem
    (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-common/filesystem/filesystem.html)."""

    def __init__(self, session: SparkSession, root: str) -> None:
        self.root = root
        java: Any = session.sparkContext._jvm
        self._path = java.org.apache.hadoop.fs.Path
        self._read_fully = java.org.apache.commons.io.IOUtils.toByteArray
        self._files = self._path(root).getFileSystem(session.sparkContext._jsc.hadoopConfiguration())

    def uri(self, key: str) -> str:
        return f"{self.root}{key}"

    def read(self, key: str) -> bytes:
        stream = self._files.open(self._at(key))
        try:
            return bytes(self._read_fully(stream))
        finally:
            stream.close()

    def write(self, key: str, body: bytes) -> None:
        """Replaces what is there."""
        stream = self._files.create(self._at(key), True)
        try:
            stream.write(bytearray(body))
        finally:
            stream.close()

    def write_json(self, key: str, value: Any) -> None:
        """As winback.aws.lake writes it: keys sorted."""
        self.write(key, json.dumps(value, indent=1, sort_keys=True).encode())

    def write_rows(self, key: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """JSON Lines, as winback.aws.lake writes them."""
        lines = (json.dumps(row, separators=(",", ":"), sort_keys=True) + "\n" for row in rows)
        self.write(key, "".join(lines).encode())

    def list(self, prefix: str) -> list[str]:
        """Keys of all files below a folder, in order; none when there is no such folder."""
        folder = self._at(prefix)
        if not self._files.exists(folder):
            return []
        found = self._files.listFiles(folder, True)
        keys = []
        base = self._at("").toString().rstrip("/") + "/"
        while found.hasNext():
            keys.append(found.next().getPath().toString().removeprefix(base))
        return sorted(keys)

    def move(self, key: str, to: str) -> None:
        """Replaces what is at `to`."""
        self._files.delete(self._at(to), False)
        if not self._files.rename(self._at(key), self._at(to)):
            raise OSError(f"could not move an object of {self.root} to {to}")

    def remove(self, prefix: str) -> None:
        self._files.delete(self._at(prefix), True)

    def _at(self, key: str) -> Any:
        return self._files.makeQualified(self._path(self.uri(key)))
