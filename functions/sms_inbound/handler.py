"""What customers text back: STOP puts their number onto the suppression list and withdraws their consent."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.failures import describe
from winback.aws.feedback import FeedbackBook
from winback.aws.ledger import Ledger
from winback.aws.reputation import Reputation
from winback.aws.suppressions import SuppressionList
from winback.aws.tables import Accounts, table
from winback.aws.text_answers import TextAnswers
from winback.aws.texts import TextIndex
from winback.delivery.feedback import json_object
from winback.delivery.text_feedback import read_answer

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    sms_origination_identity: str


@dataclass(frozen=True)
class Parts:
    answers: TextAnswers
    clock: Clock


@cache
def parts() -> Parts:
    settings, wall = read_settings(Settings), SystemClock().now
    campaigns, performance = table(settings.campaigns_table), table(settings.performance_table)
    suppressions = SuppressionList(table(settings.customers_table))
    book = FeedbackBook(Accounts(campaigns), suppressions, Ledger(performance), Reputation(campaigns), wall)
    answers = TextAnswers(book, TextIndex(performance, wall), settings.sms_origination_identity)
    return Parts(answers, clock_of(campaigns))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Returns the identifiers of the messages that come back: malformed ones end among the dead letters."""
    return process_partial_response(
        event=event,
        record_handler=take,
        processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )


def take(record: SQSRecord) -> None:
    """What was texted is read and not kept."""
    try:
        result = parts().answers.take(read_answer(json_object(record.body)), at=parts().clock.now())
    except Exception as error:
        logger.error("answer comes back", message_id=record.message_id, error=describe(error))
        raise
    metrics.add_metric(name=f"text_answers_{result}", unit=MetricUnit.Count, value=1)
