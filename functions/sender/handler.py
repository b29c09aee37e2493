"""Takes releases from the queue and sends their rows; what cannot be finished goes back, message by message."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.channels import Providers
from winback.aws.clock import SystemClock, clock_of
from winback.aws.dispatch import Dispatch
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.queue_records import NotFinished, take_each
from winback.aws.signing import SigningKey
from winback.aws.tables import SharedTable, table
from winback.delivery.release import Release
from winback.identifiers import AccountId
from winback.offers.pool import PoolState

logger = Logger()
metrics = Metrics()
THREADS = 8  # rows at a time: each waits for a table or a provider nearly all of its time


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    lake_bucket: str
    ses_configuration_set: str
    ses_tenants: str
    sms_configuration_set: str
    sms_origination_identity: str
    unsubscribe_secret: str


@cache
def dispatch() -> Dispatch:
    settings = read_settings(Settings)
    campaigns = SharedTable(table(settings.campaigns_table))
    return Dispatch(
        campaigns_table=campaigns,
        customers_table=SharedTable(table(settings.customers_table)),
        performance_table=SharedTable(table(settings.performance_table)),
        lake=Lake(settings.lake_bucket),
        providers=Providers(settings),
        signing_key=SigningKey(settings.unsubscribe_secret),
        clock=clock_of(campaigns),
        wall=SystemClock().now,
        threads=THREADS,
        on_low_codes=warn_of_low_codes,
        texts_from=settings.sms_origination_identity,
    )


def warn_of_low_codes(account_id: AccountId, offer_id: str, state: PoolState) -> None:
    """Once as a pool runs low: sends without a code are skipped."""
    metrics.add_metric(name="code_pools_low", unit=MetricUnit.Count, value=1)
    logger.warning("codes run low", account_id=account_id, offer_id=offer_id, left=state.left, given=state.given)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Returns the identifiers of the messages that come back."""

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    def send(body: str) -> None:
        """Raises NotFinished when some rows are another sender's at the moment, or time ran short."""
        report = dispatch().send(Release.from_json(body), seconds_left)
        for outcome, rows in report.outcomes.items():
            metrics.add_metric(name=f"sends_{outcome}", unit=MetricUnit.Count, value=rows)
        if report.come_back:
            raise NotFinished

    return take_each(event, context, send, logger)
