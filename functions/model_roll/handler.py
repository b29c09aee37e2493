"""Moves an endpoint one step towards a run's model, or back; the workflow asks until it is there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clients import patient, s3
from winback.aws.clock import SystemClock
from winback.aws.endpoints import ModelEndpoint
from winback.aws.environment import read_settings
from winback.aws.model_runs import RunStore
from winback.aws.models import ModelBucket
from winback.aws.rollout import Answer, Guard, Rollout, State
from winback.aws.tables import table
from winback.predictions.kinds import Kind
from winback.predictions.probes import answered_model, probe_request

logger = Logger()


@dataclass(frozen=True)
class Settings:
    winback_stage: str
    campaigns_table: str
    models_bucket: str
    churn_endpoint: str
    offer_endpoint: str
    send_time_endpoint: str
    bake_seconds: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """`direction` forward: state `updating`, `serving` or `failed`; back: `updating` or `back`; retire: `retired`."""
    kind, run_id = Kind(event["kind"]), str(event["run_id"])
    rollout = _rollout(kind)
    run = rollout.store.get(kind, run_id)
    steps: dict[str, Callable[[], Answer]] = {
        "forward": lambda: rollout.forward(run, SystemClock().now()),
        "back": lambda: rollout.back(run),
        "retire": rollout.retire,
    }
    answer = steps[event["direction"]]()
    extra = {"kind": kind, "run_id": run_id, "model_id": run.model_id, "state": answer.state, "reason": answer.reason}
    if answer.state is State.FAILED and answer.reason is not None:
        rollout.store.put(run.model_copy(update={"reasons": (*run.reasons, answer.reason)}))
        logger.error("the endpoint did not take the model", extra=extra)
    else:
        logger.info("moving an endpoint", extra=extra)
    return {"kind": kind, "run_id": run_id, "state": answer.state.value}


def _rollout(kind: Kind) -> Rollout:
    own = settings()
    endpoints = {
        Kind.CHURN: own.churn_endpoint,
        Kind.OFFER: own.offer_endpoint,
        Kind.SEND_TIME: own.send_time_endpoint,
    }
    serving = ModelEndpoint(endpoints[kind])
    alarm = f"winback-{own.winback_stage}-{kind.replace('_', '-')}-endpoint-errors"
    return Rollout(
        kind=kind,
        endpoint=serving.name,
        sagemaker=patient("sagemaker"),
        bucket=ModelBucket(own.models_bucket, s3()),
        store=RunStore(table(own.campaigns_table)),
        probe=lambda: answered_model(serving.invoke(probe_request(kind))),
        guard=Guard(alarm, int(own.bake_seconds)),
    )
