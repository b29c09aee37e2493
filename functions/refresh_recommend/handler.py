"""One account's orders and computed snapshot -> what each customer may buy next."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.recommending import Recommender
from winback.aws.refresh import Machine, Refresh
from winback.aws.tables import Accounts, table

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
    account = Accounts(table(settings().campaigns_table)).get(refresh.account_id)
    machine = Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1)
    customers = Recommender(Lake(settings().lake_bucket), machine).recommend(refresh, account)
    metrics.add_metric("CustomersRecommendedTo", MetricUnit.Count, customers)
    logger.info("recommended", extra={**refresh.describe(), "customers": customers})
    return {"customers": customers}
