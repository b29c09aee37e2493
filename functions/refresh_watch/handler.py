"""Last state of an account's refresh: are the churn model's inputs and forecasts still what they were."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.clients import s3
from winback.aws.environment import read_settings
from winback.aws.history import SnapshotHistory
from winback.aws.lake import Lake
from winback.aws.models import ModelBucket
from winback.aws.refresh import Machine, Refresh
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import table
from winback.aws.watching import Watcher

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str
    models_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    refresh, campaigns = Refresh.of(event), table(settings().campaigns_table)
    watcher = Watcher(
        lake=Lake(settings().lake_bucket),
        bucket=ModelBucket(settings().models_bucket, s3()),
        snapshots=SnapshotStore(campaigns),
        history=SnapshotHistory(campaigns),
        machine=Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1),
    )
    drift = watcher.watch(refresh)
    metrics.add_metric("InputsShifted", MetricUnit.Count, len(drift.newly_shifted))
    metrics.add_metric("ForecastsMissed", MetricUnit.Count, int(drift.newly_missed))
    words = {"inputs": drift.inputs_say, "newly_shifted": drift.newly_shifted, "calibration": drift.calibration_says}
    (logger.warning if drift.alarming else logger.info)("drift", extra={**refresh.describe(), **words})
    return {"alarming": drift.alarming}
