"""Publishes one account's snapshot; or, called with an error by the workflow, marks it failed."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.announcements import EventBus
from winback.aws.clients import quick
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.publishing import Publisher
from winback.aws.refresh import Machine, Refresh
from winback.aws.segment_items import SegmentItems
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import table

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    lake_bucket: str
    event_bus: str


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
    publisher = Publisher(
        Lake(settings().lake_bucket),
        store,
        segments=SegmentItems(settings().customers_table),
        bus=EventBus(settings().event_bus, quick("events")),
        machine=Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1),
    )
    snapshot = publisher.publish(refresh, SystemClock().now())
    counts = {"customers": snapshot.customers, "changed": snapshot.changed}
    logger.info("snapshot published", extra={**refresh.describe(), **counts})
    return {"customers": snapshot.customers, "changed": snapshot.changed}
