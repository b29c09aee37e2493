"""One account's computed snapshot -> what each customer is expected to purchase and be worth."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.refresh import Machine, Refresh
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import table
from winback.aws.valuing import Valuer

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    refresh = Refresh.of(event)
    valuer = Valuer(
        Lake(settings().lake_bucket),
        SnapshotStore(table(settings().campaigns_table)),
        Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1),
    )
    done = valuer.value(refresh)
    metrics.add_metric("CustomersValued", MetricUnit.Count, done.customers.get("model", 0))
    details = {**refresh.describe(), "customers": done.customers, "fitted_as_of": done.fit.as_of, "fresh": done.fresh}
    if done.fit.fitted is None:
        logger.warning("lifetime value cannot be fitted", extra={**details, "reason": done.fit.why_not})
    else:
        logger.info("customers valued", extra=details)
    return {"customers": sum(done.customers.values())}
