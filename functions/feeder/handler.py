"""Each minute: what is due goes into the sender's queue, as far as the providers' quotas allow."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.accounts.channels import ChannelName
from winback.aws.clients import quick
from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.failures import describe
from winback.aws.feeding import Feeder
from winback.aws.quota import read_quota
from winback.aws.sends_queue import SendsQueue
from winback.aws.tables import table
from winback.delivery.feeding import SendQuota

logger = Logger()
metrics = Metrics()
LATE = timedelta(minutes=1)


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    sends_queue_url: str
    channel_rates: str  # JSON: messages a second of every channel but e-mail, whose provider says so itself


@dataclass(frozen=True)
class Parts:
    clock: Clock
    feeder: Feeder


def quotas(rates: dict[str, float], ses: Any) -> Callable[[ChannelName], SendQuota]:
    def quota(channel: ChannelName) -> SendQuota:
        return read_quota(ses) if channel is ChannelName.EMAIL else SendQuota(per_second=rates[channel])

    return quota


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    rates = quotas(json.loads(settings.channel_rates), quick("sesv2"))
    return Parts(clock_of(campaigns), Feeder(campaigns, SendsQueue(settings.sends_queue_url).put, rates))


def wall_of(event: dict[str, Any], *, simulated: bool) -> datetime:
    """The minute that the schedule meant; of a run that comes late, after a failure or in a queue of its own, the
    present one: the provider's rate is of the moment in which it is asked, and a quota of the past would add to it.

    Simulated time has minutes of its own.
    """
    meant, present = SystemClock().now(event), SystemClock().now()
    return meant if simulated or present - meant < LATE else present


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Run twice for one minute, it still releases one minute's quota. Returns rows by what was done with them.

    Raises the error of a channel that could not be fed, after all others were.
    """
    fed = parts().feeder.feed(
        parts().clock.now(event),
        wall_of(event, simulated=parts().clock.simulated),
        lambda: float(context.get_remaining_time_in_millis()) / 1000,
    )
    for name in ("released", "waiting", "dropped"):
        metrics.add_metric(name=f"rows_{name}", unit=MetricUnit.Count, value=fed.total[name])
    metrics.add_metric(name="circuits_open", unit=MetricUnit.Count, value=fed.total["circuit_open"])
    metrics.add_metric(name="stopped_by_itself", unit=MetricUnit.Count, value=len(fed.stopped))
    for account_id in fed.stopped:
        logger.error("sending stopped by itself", account_id=account_id)
    for launch_id in fed.unreadable:
        logger.error("launch waits: it cannot be read", launch_id=launch_id)
    for channel, error in fed.errors.items():
        logger.error("channel not fed", channel=channel.value, error=describe(error))
    for error in fed.errors.values():
        raise error
    return dict(fed.total)
