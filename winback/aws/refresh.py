"""What the two data steps of a refresh share; they are in computing.py and publishing.py.

Objects under `refresh/…/{snapshot_id}/` pass from one to the other; every attempt writes the same bytes again.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from winback.aws.lake import Lake, refresh_prefix, snapshot_prefix
from winback.identifiers import AccountId, SnapshotId
from winback.instants import format_instant, parse_instant

_DOWNLOADS = 8


@dataclass(frozen=True)
class Refresh:
    account_id: AccountId
    snapshot_id: SnapshotId
    as_of: datetime

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Refresh":
        """From a state's input; raises KeyError or ValueError when it is not one."""
        return cls(AccountId(event["account_id"]), SnapshotId(event["snapshot_id"]), parse_instant(event["as_of"]))

    @property
    def work(self) -> str:
        return refresh_prefix(self.account_id, self.snapshot_id)

    @property
    def result(self) -> str:
        return snapshot_prefix(self.account_id, self.snapshot_id)

    def describe(self) -> dict[str, str]:
        return {
            "account_id": self.account_id,
            "snapshot_id": self.snapshot_id,
            "as_of": format_instant(self.as_of),
        }


@dataclass(frozen=True)
class Machine:
    """What DuckDB may use: about half of the function's memory, because Python and buffers live beside it."""

    memory_mb: int
    threads: int

    @contextmanager
    def connect(self, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(
            config={
                "memory_limit": f"{self.memory_mb * 6 // 10}MB",
                "threads": self.threads,
                "temp_directory": str(folder / "spill"),
                "autoinstall_known_extensions": False,
            }
        ) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET preserve_insertion_order = false")  # what must be ordered says ORDER BY
            yield connection


def download_all(lake: Lake, prefix: str, folder: Path) -> list[Path]:
    """The data files under the prefix, several at a time, each at its key below `folder`."""
    return download_keys(lake, (key for key in lake.list(prefix) if is_data(key)), folder)


def download_keys(lake: Lake, keys: Iterable[str], folder: Path) -> list[Path]:
    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        return list(pool.map(lambda key: lake.download(key, folder / key), keys))


def is_data(key: str) -> bool:
    return key.endswith((".parquet", ".jsonl.gz"))
