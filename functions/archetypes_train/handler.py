"""Writes one account's features and starts the training job that clusters its customers."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.archetype_runs import RunStore
from winback.aws.archetypes import Cloud, job_name, train
from winback.aws.clients import patient
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.refresh import Machine
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import table
from winback.aws.trainings import TrainingJobs, TrainingPlace
from winback.identifiers import AccountId

logger = Logger()


@dataclass(frozen=True)
class Settings:
    winback_stage: str
    campaigns_table: str
    lake_bucket: str
    training_role_arn: str
    training_image: str
    archetypes_code: str
    customer_key_arn: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """State `nothing` when there is no snapshot, or too few customers to cluster."""
    account_id, run_id = AccountId(event["account_id"]), str(event["run_id"])
    own = settings()
    campaigns = table(own.campaigns_table)
    place = TrainingPlace(own.training_role_arn, own.training_image, own.archetypes_code, own.customer_key_arn)
    name = job_name(own.winback_stage, account_id, run_id)
    run = train(
        account_id,
        run_id,
        cloud=Cloud(
            Lake(own.lake_bucket),
            RunStore(campaigns),
            Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1),
        ),
        snapshots=SnapshotStore(campaigns),
        jobs=TrainingJobs(patient("sagemaker"), own.lake_bucket, place),
        name=name,
        now=SystemClock().now(),
    )
    logger.info("archetypes training", extra={"account_id": account_id, "run_id": run_id, "state": run.state})
    return {"account_id": account_id, "run_id": run_id, "job": name, "state": run.state.value}
