"""One chunk of one step: the gate's verdict for each enrolled customer, written once; live, also its due entries."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.budgets import Budgets
from winback.aws.composing import Composer
from winback.aws.due import DueIndex
from winback.aws.endpoints import ModelEndpoint
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launches import LaunchStore
from winback.aws.planned_texts import PlannedTexts
from winback.aws.planner import Planner
from winback.aws.recipients import RecipientStore
from winback.aws.refresh import Machine
from winback.aws.rivals import Rivals
from winback.aws.send_times import SendTimeAdvisor, StepHours
from winback.aws.tables import Accounts, table
from winback.identifiers import AccountId, LaunchId

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    lake_bucket: str
    send_time_endpoint: str
    sms_origination_identity: str


@cache
def planner(memory_mb: int) -> Planner:
    settings = read_settings(Settings)
    campaigns, lake = table(settings.campaigns_table), Lake(settings.lake_bucket)
    launches = LaunchStore(campaigns)
    machine = Machine(memory_mb, os.cpu_count() or 1)
    return Planner(
        accounts=Accounts(campaigns, texts_from=settings.sms_origination_identity),
        launches=launches,
        recipients=RecipientStore(table(settings.customers_table), table(settings.performance_table)),
        due=DueIndex(campaigns),
        lake=lake,
        rivals=Rivals(launches, lake),
        advise=StepHours(SendTimeAdvisor(lake, machine, ModelEndpoint(settings.send_time_endpoint).invoke)),
        budgets=Budgets(campaigns),
        texts=PlannedTexts(Composer(lake)),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    account_id, launch_id = AccountId(event["account_id"]), LaunchId(event["launch_id"])
    step, chunk = int(event["step"]), int(event["chunk"])
    planner(int(context.memory_limit_in_mb)).plan(account_id, launch_id, step, chunk, event["mode"])
    return {"chunk": chunk}
