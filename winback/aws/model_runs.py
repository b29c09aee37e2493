"""Training runs and the one promotion under way, as items of the campaigns table (docs/data-model.md, `models`)."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from boto3.dynamodb.conditions import Key
from pydantic import BaseModel, ConfigDict

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import put_if
from winback.instants import format_instant
from winback.predictions.kinds import Kind
from winback.predictions.promotion import Judged

ABANDONED = timedelta(hours=6)
"""A promotion takes minutes, at most about an hour: one that old was killed, and the next takes over from it."""


class RunState(StrEnum):
    TRAINING = "training"
    NOTHING = "nothing"
    """Too few rows to train on."""
    REFUSED = "refused"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


class Run(BaseModel):
    """One training run, or one change of the champion by hand (`reverts`)."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    kind: Kind
    state: RunState
    started_at: str
    as_of: str | None = None
    """The data's time: no order on or after it was seen."""
    execution: str | None = None
    """Of the workflow; CloudTrail knows who started it."""
    reverts: bool = False
    watched: bool = True
    """Whether the endpoint's alarm takes the model back while it is rolled out; not one that served before."""
    train_rows: int | None = None
    test_rows: int | None = None
    compared_with: str | None = None
    """The champion when the training started."""
    model_id: str | None = None
    replaces: str | None = None
    reasons: tuple[str, ...] = ()
    evaluation: Judged | None = None
    data_fingerprint: str | None = None
    """SHA-256 over keys and ETags of the training and test objects."""
    ended_at: str | None = None
    failed_step: str | None = None


class Promotion(BaseModel):
    """The claim on a kind's endpoint, and what is needed to go back."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    model_id: str
    replaces: str | None
    from_config: str
    """The endpoint's configuration while the champion before served."""
    started_at: str
    asked: bool = False
    """Whether SageMaker took the update: from then on the old configuration in service means that it went back."""


class PromotionElsewhere(RuntimeError):
    """Another promotion of the kind is under way; trying again later is right."""


class RunStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def get(self, kind: Kind, run_id: str) -> Run:
        """Raises LookupError."""
        item = self._table.get_item(Key=keys.model_run(kind, run_id), ConsistentRead=True).get("Item")
        if item is None:
            raise LookupError(f"{kind} has no run {run_id}")
        return from_item(Run, item)

    def put(self, run: Run) -> Run:
        self._table.put_item(Item={**keys.model_run(run.kind, run.run_id), **to_item(run)})
        return run

    def begin(self, run: Run) -> Run:
        """Keeps the run's item when a repeated attempt finds it."""
        item = {**keys.model_run(run.kind, run.run_id), **to_item(run)}
        return run if put_if(self._table, item, "attribute_not_exists(pk)") else self.get(run.kind, run.run_id)

    def changes(self, kind: Kind) -> list[Run]:
        """Those that changed the champion, oldest first."""
        promoted = (run for run in self._runs(kind) if run.state == RunState.PROMOTED)
        return sorted(promoted, key=lambda run: run.ended_at or "")

    def rolled_out(self, kind: Kind) -> list[Run]:
        """Those that an endpoint may have been moved to, newest first."""
        ended = (RunState.PROMOTED, RunState.ROLLED_BACK, RunState.FAILED)
        moved = (run for run in self._runs(kind) if run.model_id is not None and run.state in ended)
        return sorted(moved, key=lambda run: run.ended_at or "", reverse=True)

    def _runs(self, kind: Kind) -> list[Run]:
        """A run a week is some fifty items a year."""
        found: list[Run] = []
        query: dict[str, Any] = {
            "KeyConditionExpression": Key("pk").eq(keys.models_pk(kind)) & Key("sk").begins_with("run#"),
            "ConsistentRead": True,
        }
        while True:
            page = self._table.query(**query)
            found += [from_item(Run, item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def promotion(self, kind: Kind) -> Promotion | None:
        item = self._table.get_item(Key=keys.model_promotion(kind), ConsistentRead=True).get("Item")
        return from_item(Promotion, item) if item is not None else None

    def claim(self, kind: Kind, wanted: Promotion, now: datetime) -> Promotion:
        """This run's claim: a repeated attempt finds its own; an abandoned one is taken over, with the configuration
        that it came from. Raises PromotionElsewhere."""
        known = self.promotion(kind)
        if known is not None and known.run_id == wanted.run_id:
            return known
        if known is not None and known.started_at >= format_instant(now - ABANDONED):
            raise PromotionElsewhere(f"run {known.run_id} of {kind} is changing the endpoint")
        if known is not None:
            wanted = wanted.model_copy(update={"from_config": known.from_config})
        condition = "attribute_not_exists(pk)" if known is None else "run_id = :abandoned"
        values = {} if known is None else {":abandoned": known.run_id}
        if not put_if(self._table, {**keys.model_promotion(kind), **to_item(wanted)}, condition, values):
            raise PromotionElsewhere(f"another run of {kind} is changing the endpoint")
        return wanted

    def set_asked(self, kind: Kind, promotion: Promotion) -> None:
        self._table.update_item(
            Key=keys.model_promotion(kind),
            UpdateExpression="SET asked = :yes",
            ConditionExpression="run_id = :run",
            ExpressionAttributeValues={":yes": True, ":run": promotion.run_id},
        )

    def end(self, run: Run) -> Run:
        """The run's outcome and the end of its claim, all or nothing."""
        name = self._table.name
        writes: list[dict[str, Any]] = [
            {"Put": {"TableName": name, "Item": {**keys.model_run(run.kind, run.run_id), **to_item(run)}}}
        ]
        claim = self.promotion(run.kind)
        if claim is not None and claim.run_id == run.run_id:
            condition = {"ConditionExpression": "run_id = :run", "ExpressionAttributeValues": {":run": run.run_id}}
            writes.append({"Delete": {"TableName": name, "Key": keys.model_promotion(run.kind), **condition}})
        self._table.meta.client.transact_write_items(TransactItems=writes)
        return run
