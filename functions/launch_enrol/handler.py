"""One chunk of candidates -> audience: eligibility, then holdout and variants. Written once."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.enrolling import Enroller
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launches import LaunchStore
from winback.aws.recipients import RecipientStore
from winback.aws.tables import Accounts, table
from winback.identifiers import AccountId, LaunchId

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    lake_bucket: str


@cache
def enroller() -> Enroller:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    return Enroller(
        accounts=Accounts(campaigns),
        launches=LaunchStore(campaigns),
        recipients=RecipientStore(table(settings.customers_table)),
        lake=Lake(settings.lake_bucket),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    enroller().enrol(AccountId(event["account_id"]), LaunchId(event["launch_id"]), event["chunk"])
    return {"chunk": event["chunk"]}
