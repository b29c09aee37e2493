"""Stores what one account's run found; or, called with an error by the workflow, marks the run failed."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.archetype_runs import RunState, RunStore
from winback.aws.archetypes import Cloud, finish
from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.refresh import Machine
from winback.aws.tables import table
from winback.identifiers import AccountId

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
    account_id, run_id = AccountId(event["account_id"]), str(event["run_id"])
    runs = RunStore(table(settings().campaigns_table))
    if "error" in event:
        step = str(event["error"]["step"])
        metrics.add_metric("ArchetypeRunsFailed", MetricUnit.Count, 1)
        runs.fail(account_id, run_id, step, SystemClock().now())
        logger.error("archetypes failed", extra={"account_id": account_id, "run_id": run_id, "step": step})
        return {"state": RunState.FAILED.value}
    machine = Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1)
    result = finish(
        account_id,
        run_id,
        cloud=Cloud(Lake(settings().lake_bucket), runs, machine),
        name=str(event["job"]),
    )
    shifted = sum(shift.alarming for shift in result.drift.shifts) if result.drift else 0
    metrics.add_metric("ArchetypesShifted", MetricUnit.Count, shifted)
    logger.info(
        "archetypes found",
        extra={
            "account_id": account_id,
            "run_id": run_id,
            "clusters": len(result.archetypes.clusters),
            "shifted": shifted,
            "diffuse": result.reconciliation.diffuse,
        },
    )
    return {"state": RunState.FINISHED.value}
