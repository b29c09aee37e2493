"""Last state of the campaign workflow: measures the launch and writes its report; a running launch is finished by it.

May be invoked again at any time with the same event. Before the evaluation ends the report is interim and the launch
stays as it is.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.analytics.lift import lift_of
from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launches import LaunchStore
from winback.aws.ledger import Ledger
from winback.aws.lifts import LiftStore
from winback.aws.reports import write_report
from winback.aws.tables import Accounts, table
from winback.campaigns.launch import Launch, LaunchConflict, LaunchState
from winback.identifiers import AccountId, LaunchId

logger = Logger()
metrics = Metrics()
_STARTED = (LaunchState.RUNNING, LaunchState.PAUSED, LaunchState.CANCELLED, LaunchState.FINISHED)


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    performance_table: str
    lake_bucket: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    launches: LaunchStore
    clock: Clock
    lake: Lake
    ledger: Ledger
    lifts: LiftStore


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    return Parts(
        Accounts(campaigns),
        LaunchStore(campaigns),
        clock_of(campaigns),
        Lake(settings.lake_bucket),
        Ledger(table(settings.performance_table)),
        LiftStore(campaigns),
    )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    read = parts().launches.get(AccountId(event["account_id"]), LaunchId(event["launch_id"]))
    now = parts().clock.now()
    launch = _after_report(read, now)
    account = parts().accounts.get(launch.account_id)
    report = write_report(launch, account, parts().lake, parts().ledger, now, wall=SystemClock().now())
    if launch is not read:
        parts().launches.save(launch)
    lift = lift_of(report, launch.definition.used_channels[0])
    if lift is not None:
        parts().lifts.put(launch.account_id, lift)
    broken = [check.name for check in report.checks if not check.holds]
    metrics.add_metric(name="BrokenRules", unit=MetricUnit.Count, value=len(broken))
    log = logger.error if broken else logger.info
    log("reported", extra={"launch_id": launch.launch_id, "state": launch.state, "broken_rules": broken})
    return {"launch_id": launch.launch_id, "state": launch.state, "interim": report.interim}


def _after_report(launch: Launch, now: datetime) -> Launch:
    """The launch as its report leaves it: the very same one when the report is interim or not the first."""
    if launch.state not in _STARTED:
        raise LaunchConflict(f"launch {launch.launch_id} is {launch.state}: only a started launch has a report")
    over = now >= launch.evaluation_ends_at or launch.chunks == 0
    first_of_cancelled = launch.state is LaunchState.CANCELLED and launch.reported_at is None
    return launch.reported(now) if first_of_cancelled or (launch.state is LaunchState.RUNNING and over) else launch
