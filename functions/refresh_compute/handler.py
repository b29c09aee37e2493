"""Computes one account's snapshot from its orders in the lake, and the parts to score."""

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
from winback.aws.tables import Accounts, table

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
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
    result = computer.compute(refresh, Accounts(campaigns).get(refresh.account_id))
    logger.info("snapshot computed", extra={**refresh.describe(), "parts": result["parts"]})
    return result
