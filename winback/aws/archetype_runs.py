"""Runs of the cluster track as items of the campaigns table (docs/data-model.md, `archetypes`)."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.lake import archetypes_prefix
from winback.aws.tables import batch_get
from winback.identifiers import AccountId, SnapshotId
from winback.instants import format_instant


class RunState(StrEnum):
    TRAINING = "training"
    FINISHED = "finished"
    FAILED = "failed"
    NOTHING = "nothing"
    """There was no snapshot, or it had too few customers."""


class Run(BaseModel):
    model_config = ConfigDict(frozen=True)

    run_id: str
    state: RunState
    snapshot_id: SnapshotId | None = None
    as_of: str | None = None
    prefix: str
    started_at: str
    alarming: bool | None = None
    failed_step: str | None = None


class RunStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def get(self, account_id: AccountId, run_id: str = "latest") -> Run | None:
        item = self._table.get_item(Key=keys.archetypes(account_id, run_id), ConsistentRead=True).get("Item")
        return from_item(Run, item) if item is not None else None

    def undone(self, runs: Iterable[tuple[AccountId, str]]) -> list[AccountId]:
        """The accounts of those that neither finished nor had nothing to do, or that nobody ever wrote down."""
        places = {account_id: keys.archetypes(account_id, run_id) for account_id, run_id in runs}
        items = batch_get(self._table, places.values(), consistent=True)
        done = {pair for pair, item in items.items() if item["state"] in (RunState.FINISHED, RunState.NOTHING)}
        return [account_id for account_id, place in places.items() if keys.pair(place) not in done]

    def put(self, account_id: AccountId, run: Run) -> None:
        self._table.put_item(Item={**keys.archetypes(account_id, run.run_id), **to_item(run)})

    def fail(self, account_id: AccountId, run_id: str, step: str, now: datetime) -> None:
        """Also of a run that failed before its item was written."""
        prefix = archetypes_prefix(account_id, run_id)
        run = self.get(account_id, run_id) or Run(
            run_id=run_id, state=RunState.FAILED, prefix=prefix, started_at=format_instant(now)
        )
        self.put(account_id, run.model_copy(update={"state": RunState.FAILED, "failed_step": step}))

    def finish(self, account_id: AccountId, run: Run) -> None:
        """The run's own item, and the one that names it as the latest."""
        self.put(account_id, run)
        self._table.put_item(Item={**keys.archetypes(account_id, "latest"), **to_item(run)})
