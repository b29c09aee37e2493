"""What became of texts: SNS's log entries and the events of AWS End User Messaging, into ledger and suppressions."""

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.clock import SystemClock
from winback.aws.environment import read_settings
from winback.aws.failures import describe
from winback.aws.feedback import FeedbackBook
from winback.aws.queue_records import take_each
from winback.aws.tables import table
from winback.aws.texts import TextIndex
from winback.delivery.feedback import json_object
from winback.delivery.text_feedback import TextReport, read_log_entry, read_text_event

logger = Logger()
metrics = Metrics()


class LogNotRead(RuntimeError):
    """Some entries of a batch failed; the whole batch comes back."""


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str


@dataclass(frozen=True)
class Parts:
    book: FeedbackBook
    texts: TextIndex


@cache
def parts() -> Parts:
    settings, wall = read_settings(Settings), SystemClock().now
    performance = table(settings.performance_table)
    book = FeedbackBook.of_tables(
        campaigns_table=table(settings.campaigns_table),
        customers_table=table(settings.customers_table),
        performance_table=performance,
        wall=wall,
    )
    return Parts(book, TextIndex(performance, wall))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Any:
    """From a log subscription: raises for the whole batch, which is then tried again and harmlessly repeated, once all
    that can be read of it is kept: one entry of a form that nobody knows hides no opt-out.
    From the queue: returns the identifiers of the messages that come back."""
    if "awslogs" in event:
        entries = log_entries(event["awslogs"]["data"])
        keep_all(entries)
        return {"read": len(entries)}
    return take_each(event, context, lambda body: keep(read_text_event(json_object(body))), logger)


def log_entries(data: str) -> list[str]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html; a control message has none."""
    batch = json.loads(gzip.decompress(base64.b64decode(data)))
    return [one["message"] for one in batch["logEvents"]] if batch["messageType"] == "DATA_MESSAGE" else []


def keep_all(entries: Sequence[str]) -> None:
    """Raises LogNotRead when some could not be kept."""
    failures = 0
    for entry in entries:
        try:
            keep(read_log_entry(json_object(entry)))
        except Exception as error:  # noqa: BLE001 (told here, and raised below)
            failures += 1
            logger.error("log entry comes back", error=describe(error))
    if failures:
        raise LogNotRead(f"{failures} of {len(entries)} entries could not be kept")


def keep(report: TextReport) -> None:
    known = report.feedback.send_id or parts().texts.find(report.message_id)
    result = parts().book.apply(report.of(known))
    metrics.add_metric(name=f"texts_{result}", unit=MetricUnit.Count, value=1)
