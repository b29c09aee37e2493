"""What customers text back: STOP puts their number onto the suppression list and withdraws their consent."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.clock import Clock, SystemClock, clock_of
from winback.aws.environment import read_settings
from winback.aws.feedback import FeedbackBook
from winback.aws.queue_records import take_each
from winback.aws.tables import table
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
    book = FeedbackBook.of_tables(
        campaigns_table=campaigns,
        customers_table=table(settings.customers_table),
        performance_table=performance,
        wall=wall,
        texts_from=settings.sms_origination_identity,
    )
    answers = TextAnswers(book, TextIndex(performance, wall))
    return Parts(answers, clock_of(campaigns))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """Returns the identifiers of the messages that come back: malformed ones end among the dead letters."""
    return take_each(event, context, take, logger)


def take(body: str) -> None:
    """What was texted is read and not kept."""
    result = parts().answers.take(read_answer(json_object(body)), at=parts().clock.now())
    metrics.add_metric(name=f"text_answers_{result}", unit=MetricUnit.Count, value=1)
