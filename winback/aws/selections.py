"""Conditions asked of a published snapshot: its files fetched once and kept beside the function, the rest is SQL."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from winback.aws.lake import Lake, engagement_prefix
from winback.aws.refresh import download_keys, is_data
from winback.aws.snapshots import Snapshot
from winback.engagement.relations import open_touches
from winback.fields import LEEWAY
from winback.identifiers import AccountId
from winback.instants import parse_instant
from winback.slices.compilation import Ground, touches_since
from winback.slices.condition import Condition
from winback.slices.preview import ground_of

KEPT = 3
"""Files of a kind that stay beside a running function: the latest snapshot and one or two that a request named."""


@dataclass(frozen=True)
class SnapshotCache:
    """Snapshots as local files, by account and snapshot id, which name content that never changes."""

    lake: Lake
    folder: Path

    def snapshot(self, account_id: AccountId, snapshot: Snapshot) -> Path:
        path = self.folder / "snapshots" / f"{account_id}-{snapshot.snapshot_id}.parquet"
        if not path.exists():
            with self._made(path) as fresh:
                self.lake.download(f"{snapshot.prefix}customers.parquet", fresh)
        path.touch()
        return path

    def touches(self, account_id: AccountId, snapshot: Snapshot, since: date) -> Path:
        """The account's touches from that day until the snapshot's moment, as Parquet."""
        path = self.folder / "touches" / f"{account_id}-{snapshot.snapshot_id}-{since}.parquet"
        if not path.exists():
            with self._made(path) as fresh:
                fetch_touches(self.lake, account_id, since, parse_instant(snapshot.as_of), fresh)
        path.touch()
        return path

    @contextmanager
    def _made(self, path: Path) -> Iterator[Path]:
        """A place beside `path` that becomes it when all went well; makes room before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        there = sorted(path.parent.glob("*.parquet"), key=lambda file: file.stat().st_mtime)
        for file in there[: max(0, len(there) - KEPT + 1)]:
            file.unlink()
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        yield fresh
        fresh.rename(path)


def fetch_touches(lake: Lake, account_id: AccountId, since: date, as_of: datetime, path: Path) -> Path:
    """The account's touches from that day on and before `as_of`, as Parquet at `path`; earlier ones may be in it."""
    with TemporaryDirectory(dir=path.parent) as scratch, duckdb.connect() as db:
        prefix = engagement_prefix(account_id)
        wanted = (key for key in lake.list(prefix) if is_data(key) and _may_hold(key, since))
        files = download_keys(lake, wanted, Path(scratch))
        open_touches(
            db,
            parquet=[file for file in files if file.suffix == ".parquet"],
            json_lines=[file for file in files if file.suffix == ".gz"],
            as_of=as_of,
        )
        db.table("touches").write_parquet(str(path), compression="zstd")
    return path


def _may_hold(key: str, since: date) -> bool:
    """Whether the object may hold touches from `since` on: a touch is received on its day or later, clocks aside."""
    received = key.partition("/received=")[2].partition("/")[0]
    return date.fromisoformat(received) >= since - min(LEEWAY, since - date.min)


@contextmanager
def opened(
    cache: SnapshotCache,
    account_id: AccountId,
    snapshot: Snapshot,
    currency: str,
    *,
    condition: Condition | None,
    slices: Mapping[str, Condition],
    others: Mapping[str, str] | None = None,
    memory_mb: int = 600,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Ground]]:
    """A connection with the view `customers`, and `touches` where the condition or the `others` ask for some."""
    as_of = parse_instant(snapshot.as_of)
    asked = Ground(as_of=as_of, currency=currency, columns=(), slices=slices)
    trees = [*([condition] if condition is not None else []), *(slices[name] for name in others or {})]
    days = [day for tree in trees if (day := touches_since(tree, asked)) is not None]
    cache.folder.mkdir(parents=True, exist_ok=True)
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_mb}MB",
        "threads": os.cpu_count() or 1,
        "temp_directory": str(cache.folder / "spill"),
        "autoinstall_known_extensions": False,
    }
    with duckdb.connect(config=limits) as connection:
        connection.read_parquet(str(cache.snapshot(account_id, snapshot))).create_view("customers")
        if days:
            connection.read_parquet(str(cache.touches(account_id, snapshot, min(days)))).create_view("touches")
        yield (
            connection,
            ground_of(connection, as_of=as_of, currency=currency, slices=slices, touches=bool(days)),
        )
