"""Tells the campaign workflow what comes next and, for a wait, until when."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.launch_files import manifest_key
from winback.aws.launches import LaunchStore
from winback.aws.tables import table
from winback.campaigns.progress import next_action
from winback.identifiers import AccountId, LaunchId
from winback.instants import format_instant

logger = Logger()
SIMULATED_WAIT = timedelta(seconds=2)  # a simulated clock moves when its driver moves it: ask again soon


@dataclass(frozen=True)
class Settings:
    campaigns_table: str


@dataclass(frozen=True)
class Parts:
    launches: LaunchStore
    clock: Clock
    wall_clock: Clock


@cache
def parts() -> Parts:
    campaigns = table(read_settings(Settings).campaigns_table)
    return Parts(LaunchStore(campaigns), clock_of(campaigns), SystemClock())


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    launch = parts().launches.get(AccountId(event["account_id"]), LaunchId(event["launch_id"]))
    steps_planned = int(event["steps_planned"])
    coming = next_action(launch, steps_planned, parts().clock.now())
    wait = min(coming.wait, SIMULATED_WAIT) if parts().clock.simulated else coming.wait
    return {
        "account_id": launch.account_id,
        "launch_id": launch.launch_id,
        "steps_planned": steps_planned,
        "action": coming.action,
        "wait_until": format_instant(parts().wall_clock.now() + wait),
        "step": coming.step,
        "manifest": manifest_key(launch),
    }
