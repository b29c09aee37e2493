"""The first data step of a refresh: lake -> computed snapshot and parts to score. The second is in publishing.py.

Objects under `refresh/…/{snapshot_id}/` pass from one to the other; every attempt writes the same bytes again.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from winback.accounts import Account
from winback.aws.lake import Lake, orders_prefix, rates_prefix, refresh_prefix, snapshot_prefix
from winback.aws.snapshots import SnapshotStore
from winback.identifiers import AccountId, SnapshotId
from winback.instants import format_instant, parse_instant
from winback.segmentation.computed import write_computed, write_parts
from winback.segmentation.order_files import open_orders
from winback.segmentation.rubric import Rubric, read_rubric
from winback.segmentation.snapshot import build_snapshot
from winback.segmentation.summary import summarise

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


def compute(refresh: Refresh, account: Account, lake: Lake, store: SnapshotStore, machine: Machine) -> dict[str, Any]:
    """Segments the account's customers; returns what the workflow goes on with (docs/architecture.md)."""
    store.begin(refresh.account_id, refresh.snapshot_id, refresh.as_of)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = download_all(lake, orders_prefix(refresh.account_id), folder / "orders")
        with machine.connect(folder) as connection:
            conversion = open_orders(
                connection,
                parquet=[path for path in files if path.suffix == ".parquet"],
                json_lines=[path for path in files if path.name.endswith(".jsonl.gz")],
                currency=account.currency,
                rates=download_all(lake, rates_prefix(refresh.account_id), folder / "rates"),
            )
            rubric = build_snapshot(
                connection,
                as_of=refresh.as_of,
                rubric=_frozen_rubric(refresh, lake, store),
                trend_category=account.trend_category,
            )
            summary = summarise(connection, as_of=refresh.as_of, currency=account.currency, rubric=rubric)
            write_computed(connection, folder / "computed.parquet")
            lake.upload(folder / "computed.parquet", f"{refresh.work}customers.parquet")
            lines = _write_parts(connection, lake, refresh, folder)
    lake.write_json(f"{refresh.work}rubric.json", rubric.model_dump(mode="json"))
    lake.write_json(
        f"{refresh.work}summary.json",
        {
            **summary.model_dump(mode="json"),
            "snapshot_id": refresh.snapshot_id,
            "conversion": conversion.model_dump(mode="json"),
        },
    )
    manifest = f"{refresh.work}manifest.jsonl"
    lake.write_rows(manifest, lines)
    store.computed(refresh.account_id, refresh.snapshot_id, refresh.as_of)
    return {**refresh.describe(), "manifest": manifest, "parts": len(lines)}


def _frozen_rubric(refresh: Refresh, lake: Lake, store: SnapshotStore) -> Rubric | None:
    latest = store.latest(refresh.account_id)
    if latest is None:
        return None
    return read_rubric(lake.read_json(f"{latest.prefix}rubric.json"))


def download_all(lake: Lake, prefix: str, folder: Path) -> list[Path]:
    """The data files under the prefix, several at a time, each at its key below `folder`."""
    keys = [key for key in lake.list(prefix) if key.endswith((".parquet", ".jsonl.gz"))]
    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        return list(pool.map(lambda key: lake.download(key, folder / key), keys))


def _write_parts(
    connection: duckdb.DuckDBPyConnection, lake: Lake, refresh: Refresh, folder: Path
) -> list[dict[str, Any]]:
    """Uploads the parts to score; returns the manifest's lines."""
    lines = []
    for part in write_parts(connection, folder):
        key = f"{refresh.work}parts/part-{part.chunk:05d}.jsonl.gz"
        lake.write_bytes(key, part.path.read_bytes(), content_type="application/x-ndjson")
        lines.append(
            {
                "account_id": refresh.account_id,
                "snapshot_id": refresh.snapshot_id,
                "chunk": part.chunk,
                "key": key,
                "rows": part.rows,
            }
        )
    return lines
