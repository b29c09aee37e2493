"""One run of the cluster track: features of the latest snapshot -> a training job -> what it found, beside the rules.

Keys and items are in docs/data-model.md; the states that call these steps in docs/architecture.md.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict

from winback.aws.archetype_runs import Run, RunState, RunStore
from winback.aws.lake import Lake, archetypes_prefix, snapshot_prefix
from winback.aws.refresh import Machine
from winback.aws.snapshots import SnapshotStore
from winback.aws.trainings import TrainingJobs, fetch_result
from winback.identifiers import AccountId, SnapshotId, repeatable_id
from winback.instants import format_instant
from winback.segmentation.archetypes import (
    Archetypes,
    Drift,
    Reconciliation,
    compare,
    count_moves,
    reconcile,
    write_features,
)

FEWEST_CUSTOMERS = 100
"""Below this many customers the training job refuses, so none is started."""


class Result(BaseModel):
    """`result.json` of a run, and what `GET /v1/archetypes/latest` answers."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    snapshot_id: SnapshotId
    as_of: str
    archetypes: Archetypes
    reconciliation: Reconciliation
    drift: Drift | None
    """Null for the first run."""


@dataclass(frozen=True)
class Cloud:
    lake: Lake
    runs: RunStore
    machine: Machine


def job_name(stage: str, account_id: AccountId, run_id: str) -> str:
    """At most 63 characters of letters, digits and dashes, as SageMaker wants; no account's run meets another's."""
    return repeatable_id(f"winback-{stage}-archetypes", account_id, run_id)


def train(
    account_id: AccountId,
    run_id: str,
    *,
    cloud: Cloud,
    snapshots: SnapshotStore,
    jobs: TrainingJobs,
    name: str,
    now: datetime,
) -> Run:
    """Writes the features of the latest snapshot as CSV and starts the job `name` on them; or notes that there is
    nothing to cluster."""
    prefix = archetypes_prefix(account_id, run_id)
    snapshot = snapshots.latest(account_id)
    run = Run(run_id=run_id, state=RunState.NOTHING, prefix=prefix, started_at=format_instant(now))
    if snapshot is None:
        cloud.runs.put(account_id, run)
        return run
    with TemporaryDirectory() as temporary, cloud.machine.connect(Path(temporary)) as connection:
        folder = Path(temporary)
        source = cloud.lake.download(f"{snapshot.prefix}customers.parquet", folder / "customers.parquet")
        rows = write_features(connection, source, folder / "customers.csv")
        if rows < FEWEST_CUSTOMERS:
            cloud.runs.put(account_id, run)
            return run
        cloud.lake.upload(folder / "customers.csv", f"{prefix}train/customers.csv")
    started = run.model_copy(
        update={"state": RunState.TRAINING, "snapshot_id": snapshot.snapshot_id, "as_of": snapshot.as_of}
    )
    cloud.runs.put(account_id, started)
    jobs.start(
        name, channels={"train": jobs.uri(f"{prefix}train/")}, output=f"{prefix}jobs/", hyperparameters={"seed": 1}
    )
    return started


def finish(account_id: AccountId, run_id: str, *, cloud: Cloud, name: str) -> Result:
    """Reads what the job found, compares it with the segments and with the run before, and stores it."""
    run = cloud.runs.get(account_id, run_id)
    if run is None or run.snapshot_id is None or run.as_of is None:
        raise LookupError(f"run {run_id} was never started")
    with TemporaryDirectory() as temporary, cloud.machine.connect(Path(temporary)) as connection:
        folder = Path(temporary)
        found = fetch_result(cloud.lake, TrainingJobs.result_key(name, f"{run.prefix}jobs/"), folder)
        archetypes = Archetypes.model_validate_json((found / "archetypes.json").read_bytes())
        source = f"{snapshot_prefix(account_id, run.snapshot_id)}customers.parquet"
        snapshot = cloud.lake.download(source, folder / "customers.parquet")
        assignments = found / "assignments.csv"
        reconciliation = reconcile(connection, archetypes, snapshot=snapshot, assignments=assignments)
        before = cloud.runs.get(account_id)
        drift = None
        if before is not None and before.run_id != run_id:
            earlier = cloud.lake.download(f"{before.prefix}assignments.csv", folder / "before.csv")
            moves = count_moves(connection, before=earlier, now=assignments)
            previous = Archetypes.model_validate(cloud.lake.read_json(f"{before.prefix}archetypes.json"))
            drift = compare(archetypes, previous, moves)
        result = Result(
            run_id=run_id,
            snapshot_id=run.snapshot_id,
            as_of=run.as_of,
            archetypes=archetypes,
            reconciliation=reconciliation,
            drift=drift,
        )
        cloud.lake.upload(assignments, f"{run.prefix}assignments.csv")
        cloud.lake.write_json(f"{run.prefix}archetypes.json", archetypes.model_dump(mode="json"))
        cloud.lake.write_json(f"{run.prefix}result.json", result.model_dump(mode="json"))
    alarming = drift is not None and drift.alarming
    cloud.runs.finish(account_id, run.model_copy(update={"state": RunState.FINISHED, "alarming": alarming}))
    return result
