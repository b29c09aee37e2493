"""Tells the campaign workflow what comes next and, for a wait, until when."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.following import Follower
from winback.aws.launch_files import manifest_key
from winback.aws.launches import LaunchStore
from winback.aws.reputation import Reputation
from winback.aws.tables import Accounts, table
from winback.campaigns.progress import Execution
from winback.identifiers import AccountId, LaunchId
from winback.instants import format_instant, parse_instant

logger = Logger()
SIMULATED_WAIT = timedelta(seconds=2)  # a simulated clock moves when its driver moves it: ask again soon


@dataclass(frozen=True)
class Settings:
    campaigns_table: str


@dataclass(frozen=True)
class Parts:
    follower: Follower
    clock: Clock
    wall_clock: Clock


@cache
def parts() -> Parts:
    campaigns = table(read_settings(Settings).campaigns_table)
    clock = clock_of(campaigns)
    follower = Follower(Accounts(campaigns), LaunchStore(campaigns), Reputation(campaigns), clock)
    return Parts(follower, clock, SystemClock())


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """The answer is the next request too, and the input of what it asks for."""
    wall_now = parts().wall_clock.now()
    looks = int(event["looks"]) + 1
    execution = Execution(int(event["continuation"]), looks, wall_now - parse_instant(event["running_since"]))
    launch, coming = parts().follower.look(
        AccountId(event["account_id"]), LaunchId(event["launch_id"]), execution, int(event["moves_done"])
    )
    wait = min(coming.wait, SIMULATED_WAIT) if parts().clock.simulated else coming.wait
    logger.info("what is next", extra={"launch_id": launch.launch_id, "state": launch.state, "action": coming.action})
    return {
        "account_id": launch.account_id,
        "launch_id": launch.launch_id,
        "continuation": execution.continuation,
        "looks": looks,
        "action": coming.action,
        "number": coming.number or 0,
        "wait_until": format_instant(wall_now + wait),
        "moves_done": launch.moves_done,
        "moves_done_then": launch.moves_done + 1,
        "manifest": manifest_key(launch),
        "successor": {"name": launch.execution, "continuation": launch.continuation},
    }
