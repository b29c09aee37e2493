"""Judges what a training job made: is it better than the champion beyond chance."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.clients import s3
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.model_runs import RunState, RunStore
from winback.aws.model_training import Training, job_name
from winback.aws.models import ModelBucket
from winback.aws.tables import table
from winback.predictions.kinds import Kind

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    winback_stage: str
    campaigns_table: str
    lake_bucket: str
    models_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """State `promoting` or `refused`; the run says why."""
    own, kind, run_id = settings(), Kind(event["kind"]), str(event["run_id"])
    store = RunStore(table(own.campaigns_table))
    training = Training(Lake(own.lake_bucket), ModelBucket(own.models_bucket, s3()), store)
    name = job_name(own.winback_stage, kind, run_id)
    run = training.judge(store.get(kind, run_id), name, SystemClock().now())
    metrics.add_metric("ModelsRefused", MetricUnit.Count, int(run.state is RunState.REFUSED))
    logger.info(
        "model judged",
        extra={"kind": kind, "run_id": run_id, "model_id": run.model_id, "state": run.state, "reasons": run.reasons},
    )
    return {"kind": kind, "run_id": run_id, "state": run.state.value}
