"""Publishes one account's snapshot; or, called with an error by the workflow, marks it failed."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.refresh import Machine, Refresh, publish
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import table

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    lake_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    refresh = Refresh.of(event)
    store = SnapshotStore(table(settings().campaigns_table))
    if "error" in event:
        step = str(event["error"]["step"])
        store.fail(refresh.account_id, refresh.snapshot_id, refresh.as_of, step)
        logger.error("refresh failed", extra={**refresh.describe(), "step": step})
        return {"state": "failed"}
    snapshot = publish(
        refresh,
        Lake(settings().lake_bucket),
        store,
        customers_table=table(settings().customers_table),
        machine=Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1),
        now=SystemClock().now(),
    )
    logger.info("snapshot published", extra={**refresh.describe(), "customers": snapshot.customers})
    return {"customers": snapshot.customers, "changed": snapshot.changed}
