"""Last state of the prepare workflow: adds the chunks up to the dry run, or records what failed."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.channels.ses import ses_client
from winback.aws.clock import Clock, clock_of
from winback.aws.code_pools import CodePools
from winback.aws.dry_runs import DryRuns
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launches import LaunchStore
from winback.aws.lifts import LiftStore
from winback.aws.preflight import Preflight
from winback.aws.tables import Accounts, table
from winback.campaigns.launch import Launch, LaunchState
from winback.identifiers import AccountId, LaunchId

logger = Logger()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    lake_bucket: str
    ses_configuration_set: str
    ses_tenants: str
    sms_configuration_set: str
    sms_origination_identity: str
    channel_rates: str  # JSON: messages a second of every channel but e-mail


@dataclass(frozen=True)
class Parts:
    launches: LaunchStore
    clock: Clock
    dry_runs: DryRuns


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    launches = LaunchStore(campaigns)
    return Parts(
        launches,
        clock_of(campaigns),
        DryRuns(
            Accounts(campaigns, texts_from=settings.sms_origination_identity),
            launches,
            LiftStore(campaigns),
            CodePools(campaigns),
            Lake(settings.lake_bucket),
            ses_client(),
            json.loads(settings.channel_rates),
            Preflight(settings).check,
        ),
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    account_id, launch_id = AccountId(event["account_id"]), LaunchId(event["launch_id"])
    launch = parts().launches.get(account_id, launch_id)
    if launch.state is LaunchState.DRAFT:
        launch = (
            _failed(launch, event["error"]) if "error" in event else parts().dry_runs.summarise(account_id, launch_id)
        )
    logger.info("prepared", extra={"launch_id": launch.launch_id, "state": launch.state})
    return {"launch_id": launch.launch_id, "state": launch.state}


def _failed(launch: Launch, error: dict[str, str]) -> Launch:
    return parts().launches.save(launch.failed(error["step"], error["code"], parts().clock.now()))
