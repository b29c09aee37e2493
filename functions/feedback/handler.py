"""SES's events: each into its ledger row, hard bounces and complaints onto the suppression list as well."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.feedback import FeedbackBook
from winback.aws.queue_records import take_each
from winback.aws.tables import table
from winback.delivery.feedback import read_message

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str


@cache
def book() -> FeedbackBook:
    settings = read_settings(Settings)
    return FeedbackBook.of_tables(
        campaigns_table=table(settings.campaigns_table),
        customers_table=table(settings.customers_table),
        performance_table=table(settings.performance_table),
        wall=SystemClock().now,
    )


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Returns the identifiers of the messages that come back: malformed ones end among the dead letters."""
    return take_each(event, context, take, logger)


def take(body: str) -> None:
    result = book().apply(read_message(body))
    metrics.add_metric(name=f"feedback_{result}", unit=MetricUnit.Count, value=1)
