"""Computes one account's snapshot from its orders in the lake, and the parts to score; or has Spark compute it."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.computing import Computer
from winback.aws.environment import read_settings
from winback.aws.imports import ImportStore
from winback.aws.lake import Lake
from winback.aws.lifts import LiftStore
from winback.aws.playbook import PlaybookStore
from winback.aws.refresh import Machine, Refresh
from winback.aws.snapshots import SnapshotStore
from winback.aws.spark_refresh import Engine, SparkRefresh
from winback.aws.tables import Accounts, table

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str
    refresh_engine: str
    spark_from_orders: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """With `request`, that of a job on Spark which is done."""
    refresh = Refresh.of(event)
    campaigns = table(settings().campaigns_table)
    computer = Computer(
        Lake(settings().lake_bucket),
        SnapshotStore(campaigns),
        ImportStore(campaigns),
        PlaybookStore(campaigns),
        LiftStore(campaigns),
        Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1),
    )
    spark = SparkRefresh(computer, Engine(settings().refresh_engine), int(settings().spark_from_orders))
    if "request" in event:
        result = spark.take_over(refresh)
    elif spark.takes(refresh):
        result = spark.hand_over(refresh, Accounts(campaigns).get(refresh.account_id))
    else:
        result = computer.compute(refresh, Accounts(campaigns).get(refresh.account_id))
    logger.info("snapshot computed", extra={**refresh.describe(), "parts": result.get("parts", "on Spark")})
    return result
