"""One account's data -> what a kind of model learns from and is judged by, as CSV files of the lake."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.environment import read_settings
from winback.aws.history import SnapshotHistory
from winback.aws.lake import Lake
from winback.aws.refresh import Machine
from winback.aws.tables import Accounts, table
from winback.aws.training_examples import ExampleWriter
from winback.identifiers import AccountId
from winback.instants import parse_instant
from winback.predictions.kinds import Kind

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
    """Rows that the account contributes, none when it has too little data."""
    kind, run_id, account_id = Kind(event["kind"]), str(event["run_id"]), AccountId(event["account_id"])
    campaigns = table(settings().campaigns_table)
    account = Accounts(campaigns).get(account_id)
    machine = Machine(int(context.memory_limit_in_mb), os.cpu_count() or 1)
    writer = ExampleWriter(Lake(settings().lake_bucket), SnapshotHistory(campaigns), machine)
    counts = writer.write(kind, run_id, account, parse_instant(event["as_of"]))
    extra = {"kind": kind, "run_id": run_id, "account_id": account_id, "train": counts.train, "test": counts.test}
    logger.info("examples written", extra=extra)
    return {"rows": counts.train + counts.test}
