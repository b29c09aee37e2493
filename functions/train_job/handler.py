"""Starts a run's training job, and says how it is; the workflow asks until it is done."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clients import patient, s3
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.model_runs import RunStore
from winback.aws.model_training import Training, job_name
from winback.aws.models import ModelBucket
from winback.aws.tables import table
from winback.aws.trainings import JobState, TrainingJobs, TrainingPlace
from winback.predictions.kinds import Kind

logger = Logger()


@dataclass(frozen=True)
class Settings:
    winback_stage: str
    campaigns_table: str
    lake_bucket: str
    models_bucket: str
    training_role_arn: str
    training_image: str
    customer_key_arn: str
    churn_code: str
    offer_code: str
    send_time_code: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """State `running`, `done`, `failed`; `nothing` when all accounts together have too little to learn from."""
    own, kind, run_id = settings(), Kind(event["kind"]), str(event["run_id"])
    code = {Kind.CHURN: own.churn_code, Kind.OFFER: own.offer_code, Kind.SEND_TIME: own.send_time_code}[kind]
    place = TrainingPlace(own.training_role_arn, own.training_image, code, own.customer_key_arn)
    lake, store = Lake(own.lake_bucket), RunStore(table(own.campaigns_table))
    training = Training(lake, ModelBucket(own.models_bucket, s3()), store)
    jobs = TrainingJobs(patient("sagemaker"), own.lake_bucket, place)
    found = training.advance(store.get(kind, run_id), jobs, job_name(own.winback_stage, kind, run_id))
    state = found.value if isinstance(found, JobState) else found.state.value
    logger.info("training job", extra={"kind": kind, "run_id": run_id, "state": state})
    return {"kind": kind, "run_id": run_id, "state": state}
