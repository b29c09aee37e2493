"""First state of the training workflow when somebody asks for an earlier model: which one."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clients import s3
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.model_runs import RunStore
from winback.aws.model_training import Training
from winback.aws.models import ModelBucket
from winback.aws.tables import table
from winback.identifiers import repeatable_id
from winback.predictions.kinds import Kind

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str
    models_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """`{"kind", "model_id"?}`: the kept model of that id, or the one that the champion replaced.

    Raises ValueError for a kind that is none, NothingToRevert and UnknownModel.
    """
    request, execution = event["request"], str(event["execution"]).rpartition(":")[2]
    own, kind = settings(), Kind(request["kind"])
    bucket = ModelBucket(own.models_bucket, s3())
    training = Training(Lake(own.lake_bucket), bucket, RunStore(table(own.campaigns_table)))
    run_id, model_id = repeatable_id("rev", execution, kind), request.get("model_id")
    run = training.revert(kind, run_id, model_id, SystemClock().now(), execution)
    extra = {"kind": kind, "run_id": run.run_id, "model_id": run.model_id, "replaces": run.replaces}
    logger.info("going back to an earlier model", extra=extra)
    return {"runs": [{"kind": kind, "run_id": run.run_id, "accounts": 0, "reverts": True}]}
