"""SES's events: each into its ledger row, hard bounces and complaints onto the suppression list as well."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.failures import describe
from winback.aws.feedback import FeedbackBook
from winback.aws.ledger import Ledger
from winback.aws.reputation import Reputation
from winback.aws.suppressions import SuppressionList
from winback.aws.tables import Accounts, table
from winback.delivery.feedback import json_object, read_event

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
    campaigns = table(settings.campaigns_table)
    return FeedbackBook(
        accounts=Accounts(campaigns),
        suppressions=SuppressionList(table(settings.customers_table)),
        ledger=Ledger(table(settings.performance_table)),
        reputation=Reputation(campaigns),
        wall=SystemClock().now,
    )


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Returns the identifiers of the messages that come back: malformed ones end among the dead letters."""
    return process_partial_response(
        event=event,
        record_handler=record_event,
        processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )


def record_event(record: SQSRecord) -> None:
    try:
        result = book().apply(read_event(json_object(record.body)))
    except Exception as error:
        logger.error("event comes back", message_id=record.message_id, error=describe(error))
        raise
    metrics.add_metric(name=f"feedback_{result}", unit=MetricUnit.Count, value=1)
