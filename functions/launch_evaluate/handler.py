"""One chunk of one branch: which way each of its customers goes, written once."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.environment import read_settings
from winback.aws.evaluating import Evaluator
from winback.aws.lake import Lake
from winback.aws.launches import LaunchStore
from winback.aws.ledger import Ledger
from winback.aws.tables import table
from winback.identifiers import AccountId, LaunchId

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    lake_bucket: str


@cache
def evaluator() -> Evaluator:
    settings = read_settings(Settings)
    return Evaluator(
        LaunchStore(table(settings.campaigns_table)),
        Ledger(table(settings.performance_table)),
        table(settings.customers_table),
        Lake(settings.lake_bucket),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    chunk = int(event["chunk"])
    evaluator().evaluate(AccountId(event["account_id"]), LaunchId(event["launch_id"]), int(event["branch"]), chunk)
    return {"chunk": chunk}
