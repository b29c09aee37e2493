"""Ends a run: its model becomes the champion; or, called with an error by the workflow, says how far it came."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.clients import s3
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.model_runs import RunStore
from winback.aws.models import ModelBucket
from winback.aws.rollout import crown, give_up
from winback.aws.tables import table
from winback.predictions.kinds import Kind

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    models_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """State `promoted`; with `error` `rolled_back`, or `failed` when the endpoint was not moved at all."""
    kind, run_id, now = Kind(event["kind"]), str(event["run_id"]), SystemClock().now()
    store = RunStore(table(settings().campaigns_table))
    run = store.get(kind, run_id)
    if "error" in event:
        run = give_up(store, run, step=str(event["error"]["step"]), now=now)
        metrics.add_metric("ModelRunsFailed", MetricUnit.Count, 1)
        extra = {"kind": kind, "run_id": run_id, "model_id": run.model_id, "state": run.state, "step": run.failed_step}
        logger.error("the champion stays", extra=extra)
    else:
        run = crown(store, ModelBucket(settings().models_bucket, s3()), run, now)
        metrics.add_metric("ModelsPromoted", MetricUnit.Count, 1)
        extra = {"kind": kind, "run_id": run_id, "model_id": run.model_id, "replaces": run.replaces}
        logger.info("a new champion", extra=extra)
    return {"kind": kind, "run_id": run_id, "state": run.state.value}
