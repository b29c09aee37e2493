"""The second data step of a refresh: computed snapshot and scores -> the published one.

In this order: the snapshot's files; the changed customers' items; the snapshot as the latest, with its point in the
history; the event of those who lapsed. Whatever is killed in between is done again (winback/aws/snapshots.py).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from winback.aws.announcements import EventBus, announce
from winback.aws.lake import Lake, movement_key, newly_lapsed_key, scores_key, snapshot_prefix
from winback.aws.refresh import Machine, Refresh, download_keys
from winback.aws.segment_items import SegmentItems
from winback.aws.snapshots import OutOfOrder, Snapshot, SnapshotState, SnapshotStore
from winback.identifiers import SnapshotId
from winback.instants import format_instant, parse_instant
from winback.playbook.calls import OBJECT as CALLS
from winback.recommendations.reading import PREFIX as RECOMMENDATIONS
from winback.segmentation.migration import compare
from winback.segmentation.movement import Headcount, Movement, Point, RubricUsed
from winback.segmentation.names import Segment
from winback.segmentation.predicted_value import summarise_predictions
from winback.segmentation.publication import (
    Previous,
    changed_states,
    find_changes,
    gone_customers,
    join_scores,
    newly_lapsed,
    write_newly_lapsed,
)
from winback.segmentation.score_ladder import Ladder, organic_shares


@dataclass(frozen=True)
class Publisher:
    lake: Lake
    store: SnapshotStore
    segments: SegmentItems
    bus: EventBus
    machine: Machine

    def publish(self, refresh: Refresh, now: datetime) -> Snapshot:
        """`now` is the wall clock's. Raises PublishingElsewhere or OutOfOrder when it should be tried again."""
        known = self.store.get(refresh.account_id, refresh.snapshot_id)
        if known is None or known.state is not SnapshotState.PUBLISHED:
            with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
                known = _Publication(self, refresh, connection, Path(temporary)).run(now)
        announce(refresh.account_id, known, self.bus, self.store)
        return known


@dataclass(frozen=True)
class _Publication:
    """One attempt, on one connection and in one folder."""

    by: Publisher
    refresh: Refresh
    connection: duckdb.DuckDBPyConnection
    folder: Path

    def run(self, now: datetime) -> Snapshot:
        account_id, store = self.refresh.account_id, self.by.store
        moment = format_instant(self.refresh.as_of)
        computed = self.by.lake.download(f"{self.refresh.work}customers.parquet", self.folder / "computed.parquet")
        scores, lifetime = self._scores(), self._lifetime()
        latest = store.latest(account_id)
        if latest is not None and latest.as_of > moment:
            customers = join_scores(
                self.connection,
                computed=computed,
                scores=scores,
                previous=None,
                ladder=self._ladder(),
                lifetime=lifetime,
            )
            point = self._write_files(None)
            backfill = self._snapshot(customers)
            store.finish_backfill(account_id, backfill, point)
            return backfill

        abandoned = store.claim(account_id, self.refresh.snapshot_id, now)
        latest = store.latest(account_id)
        if latest is not None and latest.as_of > moment:
            raise OutOfOrder(f"{latest.snapshot_id} became the latest before {self.refresh.snapshot_id} was published")
        if latest is not None and latest.snapshot_id == self.refresh.snapshot_id:
            latest = None
        before = self._published_before(latest, abandoned)
        previous = self._previous(latest, before)
        customers = join_scores(
            self.connection,
            computed=computed,
            scores=scores,
            previous=previous,
            ladder=self._ladder(),
            lifetime=lifetime,
        )
        point = self._write_files(latest)
        changed, gone = find_changes(self.connection, list(before.values()))
        point = point.model_copy(update={"changed": changed + gone})
        lapsed = newly_lapsed(self.connection)
        snapshot = self._snapshot(
            customers,
            changed=changed + gone,
            previous=latest.snapshot_id if latest is not None else None,
            newly_lapsed=lapsed or None,
        )
        removed = gone_customers(self.connection)
        self.by.segments.write(account_id, snapshot, changed_states(self.connection), removed)
        self._announce_what_was_left(latest)
        store.finish(account_id, snapshot, point)
        return snapshot

    def _scores(self) -> list[Path]:
        """Of the parts that the manifest names alone: an attempt before may have had more of them, and those left over
        tell customers a second time."""
        lake, refresh = self.by.lake, self.refresh
        parts = {
            scores_key(refresh.account_id, refresh.snapshot_id, line["chunk"])
            for line in lake.read_rows(f"{refresh.work}manifest.jsonl")
        }
        written = (key for key in lake.list(f"{refresh.work}scores/") if key in parts)
        return download_keys(lake, written, self.folder / "scores")

    def _lifetime(self) -> Path | None:
        """None when the step that values customers failed."""
        key = f"{self.refresh.work}lifetime.parquet"
        if key not in self.by.lake.list(key):
            return None
        return self.by.lake.download(key, self.folder / "lifetime.parquet")

    def _snapshot(self, customers: int, **more: Any) -> Snapshot:
        return Snapshot(
            snapshot_id=self.refresh.snapshot_id,
            as_of=format_instant(self.refresh.as_of),
            state=SnapshotState.PUBLISHED,
            prefix=self.refresh.result,
            customers=customers,
            **self.by.lake.read_json(f"{self.refresh.work}summary.json").get("work", {}),
            **{"changed": 0, **more},
        )

    def _published_before(self, latest: Snapshot | None, abandoned: list[SnapshotId]) -> dict[str, Path]:
        """The files of the snapshots that the stored segment items may come from."""
        lake, found = self.by.lake, {}
        if latest is not None:
            found["latest"] = lake.download(f"{latest.prefix}customers.parquet", self.folder / "latest.parquet")
        for other in abandoned:
            prefix = snapshot_prefix(self.refresh.account_id, other)
            # Its files come before its first item: without a file nothing of it is stored.
            if f"{prefix}customers.parquet" in lake.list(f"{prefix}customers.parquet"):
                found[other] = lake.download(f"{prefix}customers.parquet", self.folder / f"{other}.parquet")
        return found

    def _previous(self, latest: Snapshot | None, before: dict[str, Path]) -> Previous | None:
        if latest is None:
            return None
        rubrics = [self.by.lake.read_json(f"{prefix}rubric.json") for prefix in (latest.prefix, self.refresh.work)]
        taken = parse_instant(latest.as_of)
        return Previous(before["latest"], as_of=taken, same_rubric=rubrics[0] == rubrics[1])

    def _ladder(self) -> Ladder:
        summary = self.by.lake.read_json(f"{self.refresh.work}summary.json")
        return Ladder(self.refresh.as_of, organic_shares(summary.get("priorities", [])))

    def _write_files(self, latest: Snapshot | None) -> Point:
        """Everything under the snapshot's prefix, and the movement since the latest one."""
        lake, refresh = self.by.lake, self.refresh
        summary = lake.read_json(f"{refresh.work}summary.json")
        rubric = lake.read_json(f"{refresh.work}rubric.json")
        customers = self.folder / "customers.parquet"
        self.connection.table("published").write_parquet(str(customers), compression="zstd")
        moved = Movement(segments=(), families=(), cells=())
        if latest is not None:
            moved = compare(self.connection, self.folder / "latest.parquet", customers)
            key = movement_key(refresh.account_id, latest.snapshot_id, refresh.snapshot_id)
            lake.write_json(key, moved.model_dump(mode="json"))
        lapsed = newly_lapsed(self.connection)
        if lapsed:
            write_newly_lapsed(self.connection, self.folder / "newly_lapsed.jsonl.gz")
            lake.upload(
                self.folder / "newly_lapsed.jsonl.gz", newly_lapsed_key(refresh.account_id, refresh.snapshot_id)
            )
        for prefix in (CALLS, RECOMMENDATIONS):  # none of a snapshot that Spark computed
            for key in lake.list(f"{refresh.work}{prefix}"):
                lake.copy(key, f"{refresh.result}{key.removeprefix(refresh.work)}")
        fit = lake.find_json(f"{refresh.work}lifetime.json")
        if fit is not None:
            lake.write_json(f"{refresh.result}lifetime.json", fit)
        lake.write_json(f"{refresh.result}rubric.json", rubric)
        lake.write_json(
            f"{refresh.result}summary.json",
            {
                **summary,
                "newly_lapsed": sum(lapsed.values()),
                "migrations": [move.model_dump(mode="json") for move in moved.segments],
                "predicted_value": summarise_predictions(self.connection, fit).model_dump(mode="json"),
            },
        )
        lake.upload(customers, f"{refresh.result}customers.parquet")
        return Point(
            snapshot_id=refresh.snapshot_id,
            as_of=format_instant(refresh.as_of),
            rubric=RubricUsed.of(rubric),
            newly_lapsed=sum(lapsed.values()),
            segments={
                Segment(row["segment"]): Headcount.model_validate({name: row[name] for name in Headcount.model_fields})
                for row in summary["segments"]
                if row["customers"]
            },
        )

    def _announce_what_was_left(self, latest: Snapshot | None) -> None:
        """The event of a snapshot whose function was killed between publishing and announcing it."""
        if latest is None:
            return
        own = self.by.store.get(self.refresh.account_id, latest.snapshot_id)
        if own is not None:
            announce(self.refresh.account_id, own, self.by.bus, self.by.store)
