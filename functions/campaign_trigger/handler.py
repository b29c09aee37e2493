"""Customers newly lapsed, or the hour: campaigns that start from it get launches, for a person to approve."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws import announcements
from winback.aws.clients import quick
from winback.aws.clock import clock_of
from winback.aws.environment import read_settings
from winback.aws.launch_control import LaunchControl, Workflows
from winback.aws.queue_records import take_each
from winback.aws.tables import table
from winback.aws.triggers import Triggers
from winback.campaigns.launch import Launch
from winback.identifiers import AccountId, SnapshotId

logger = Logger()


class ForeignEvent(ValueError):
    """The message is no event that a campaign starts from."""


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    prepare_workflow_arn: str
    campaign_workflow_arn: str


@cache
def triggers() -> Triggers:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    workflows = Workflows(quick("stepfunctions"), settings.prepare_workflow_arn, settings.campaign_workflow_arn)
    return Triggers(campaigns, LaunchControl.of_table(campaigns, clock_of(campaigns), workflows))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Returns the identifiers of the messages that come back: those that cannot be read end among the dead letters."""
    return take_each(event, context, start_campaigns, logger)


def start_campaigns(body: str) -> None:
    launches = _launches(json.loads(body))
    logger.info("campaigns started", extra={"launches": [launch.launch_id for launch in launches]})


def _launches(envelope: dict[str, Any]) -> list[Launch]:
    match envelope.get("detail-type"):
        case announcements.NEWLY_LAPSED:
            detail = envelope["detail"]
            return triggers().newly_lapsed(AccountId(detail["account_id"]), SnapshotId(detail["snapshot_id"]))
        case "Scheduled Event":
            return triggers().hourly(clock_of(table(read_settings(Settings).campaigns_table)).now(envelope))
        case _:
            raise ForeignEvent("expected customers newly lapsed, or the hour")
