"""Runs of the cluster track as items of the campaigns table (docs/data-model.md, `archetypes`)."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.identifiers import AccountId, SnapshotId


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

    def put(self, account_id: AccountId, run: Run) -> None:
        self._table.put_item(Item={**keys.archetypes(account_id, run.run_id), **to_item(run)})

    def finish(self, account_id: AccountId, run: Run) -> None:
        """The run's own item, and the one that names it as the latest."""
        self.put(account_id, run)
        self._table.put_item(Item={**keys.archetypes(account_id, "latest"), **to_item(run)})
