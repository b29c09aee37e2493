"""Measures a published snapshot's drift and leaves it beside the snapshot as drift.json."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from winback.aws.history import SnapshotHistory
from winback.aws.lake import Lake, drift_key, snapshot_prefix
from winback.aws.models import ModelBucket, UnknownModel
from winback.aws.refresh import Machine, Refresh
from winback.aws.snapshots import SnapshotState, SnapshotStore
from winback.instants import parse_instant
from winback.predictions.drift import (
    FEWEST,
    HORIZON,
    NEAR,
    Drift,
    InputDrift,
    inputs_words,
    measure_calibration,
    measure_inputs,
    newly_missed,
    newly_shifted,
    snapshot_before,
)
from winback.predictions.kinds import Kind
from winback.predictions.promotion import Reference

_NEAR_SNAPSHOTS = 50  # of a week: refreshes may be asked for at any time


class NotYetPublished(LookupError):
    """There is no published snapshot to measure."""


@dataclass(frozen=True)
class _Before:
    snapshot_id: str
    as_of: datetime


@dataclass(frozen=True)
class Watcher:
    lake: Lake
    bucket: ModelBucket
    snapshots: SnapshotStore
    history: SnapshotHistory
    machine: Machine

    def watch(self, refresh: Refresh) -> Drift:
        """Writes and returns it; repeated, the same. Raises NotYetPublished."""
        snapshot = self.snapshots.get(refresh.account_id, refresh.snapshot_id)
        if snapshot is None or snapshot.state is not SnapshotState.PUBLISHED:
            raise NotYetPublished(f"snapshot {refresh.snapshot_id} is not published")
        before = None
        if snapshot.previous is not None:
            found = self.lake.find_json(drift_key(refresh.account_id, snapshot.previous))
            before = Drift.model_validate(found) if found is not None else None
        with TemporaryDirectory() as temporary, self.machine.connect(Path(temporary)) as connection:
            drift = self._measure(refresh, before, connection, Path(temporary))
        self.lake.write_json(drift_key(refresh.account_id, refresh.snapshot_id), drift.model_dump(mode="json"))
        return drift

    def _measure(
        self, refresh: Refresh, before: Drift | None, connection: duckdb.DuckDBPyConnection, folder: Path
    ) -> Drift:
        self._open(connection, "snapshot", f"{refresh.result}customers.parquet", folder)
        scored = connection.execute(
            "SELECT mode(model_id) FROM snapshot WHERE score_source = 'endpoint' AND model_id IS NOT NULL"
        ).fetchall()
        model_id = scored[0][0]
        inputs: tuple[InputDrift, ...] | None = None
        says = "not measurable yet: no customer has a score of the model"
        if model_id is not None:
            references = self._references(model_id)
            inputs = tuple(measure_inputs(connection, references)) if references else None
            says = inputs_words(inputs) if inputs is not None else f"not measurable: {model_id} brings no reference"
        earlier = self._earlier(refresh)
        calibration, calibration_says = None, "not measurable yet: there is no snapshot of about 91 days ago"
        if earlier is not None:
            key = f"{snapshot_prefix(refresh.account_id, earlier.snapshot_id)}customers.parquet"
            self._open(connection, "earlier", key, folder)
            days = (refresh.as_of - earlier.as_of).days
            calibration = measure_calibration(connection, snapshot_id=earlier.snapshot_id, days=days)
            calibration_says = (
                calibration.says
                if calibration is not None
                else f"too small to tell: fewer than {FEWEST} customers had a score of the model then"
            )
        return Drift(
            snapshot_id=refresh.snapshot_id,
            model_id=model_id,
            inputs=inputs,
            inputs_say=says,
            newly_shifted=newly_shifted(inputs or (), before, model_id),
            calibration=calibration,
            calibration_says=calibration_says,
            newly_missed=newly_missed(calibration, before),
        )

    def _open(self, connection: duckdb.DuckDBPyConnection, name: str, key: str, folder: Path) -> None:
        path = self.lake.download(key, folder / f"{name}.parquet")
        connection.read_parquet(str(path)).create(name)

    def _references(self, model_id: str) -> dict[str, Reference]:
        """Of the model that gave the scores; empty when it brings none, or is kept nowhere any more."""
        champion = self.bucket.champion(Kind.CHURN)
        if champion is None or champion.model_id != model_id:
            try:
                champion = self.bucket.kept(Kind.CHURN, model_id)
            except UnknownModel:
                return {}
        evaluation = champion.read_json("evaluation.json") or {}
        return {name: Reference.model_validate(found) for name, found in evaluation.get("reference", {}).items()}

    def _earlier(self, refresh: Refresh) -> _Before | None:
        points = self.history.since(refresh.account_id, refresh.as_of - HORIZON - NEAR, limit=_NEAR_SNAPSHOTS).points
        known = [_Before(point.snapshot_id, parse_instant(point.as_of)) for point in points]
        found = snapshot_before(known, refresh.as_of)
        return _Before(found.snapshot_id, found.as_of) if found is not None else None
