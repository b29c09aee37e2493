"""Each minute: what is due goes into the sender's queue, as far as the provider's quota allows."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws import keys
from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.dispatch import permit_of
from winback.aws.due import DueIndex
from winback.aws.environment import read_settings
from winback.aws.launches import LaunchStore, UnknownLaunch
from winback.aws.quota import MinuteQuota, read_quota
from winback.aws.sends_queue import SendsQueue
from winback.aws.tables import table
from winback.delivery.feeding import Feeding, Permit
from winback.identifiers import AccountId, LaunchId

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    sends_queue_url: str


@dataclass(frozen=True)
class Parts:
    campaigns: Any
    clock: Clock
    launches: LaunchStore
    queue: SendsQueue
    ses: Any

    def permit(self, account_id: AccountId, launch_id: LaunchId) -> Permit:
        try:
            return permit_of(self.launches.get(account_id, launch_id).state)
        except UnknownLaunch:  # erased with its account: its entries go too
            return Permit.DROP


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    return Parts(
        campaigns=campaigns,
        clock=clock_of(campaigns),
        launches=LaunchStore(campaigns),
        queue=SendsQueue(settings.sends_queue_url),
        ses=boto3.client("sesv2"),
    )


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Run twice for one minute, it still releases one minute's quota. Returns rows by what was done with them."""
    minute = SystemClock().now(event).replace(second=0)
    quota = read_quota(parts().ses)
    feeding = Feeding(
        due=DueIndex(parts().campaigns),
        quota=MinuteQuota(parts().campaigns, quota, minute),
        release=parts().queue.put,
        per_second=quota.per_second,
        permit=parts().permit,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    # Another shard begins each minute: when the quota ends early, no shard is always the last.
    first = minute.minute % keys.DUE_SHARDS
    shards = [(first + place) % keys.DUE_SHARDS for place in range(keys.DUE_SHARDS)]
    done = feeding.feed(parts().clock.now(event), shards)
    for name in ("released", "waiting", "dropped"):
        metrics.add_metric(name=f"rows_{name}", unit=MetricUnit.Count, value=done[name])
    return dict(done)
