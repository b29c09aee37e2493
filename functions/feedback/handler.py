"""SES's events: each into its ledger row, hard bounces and complaints onto the suppression list as well."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from winback.aws.environment import read_settings
from winback.aws.failures import describe
from winback.aws.ledger import Ledger
from winback.aws.suppressions import SuppressionList, SuppressionReason
from winback.aws.tables import Accounts, UnknownAccount, table
from winback.delivery.feedback import MalformedEvent, SesFeedback, read_event

logger = Logger()
metrics = Metrics()
CHANNEL = "email"


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str


@dataclass(frozen=True)
class Parts:
    accounts: Accounts
    suppressions: SuppressionList
    ledger: Ledger


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    return Parts(
        accounts=Accounts(table(settings.campaigns_table)),
        suppressions=SuppressionList(table(settings.customers_table)),
        ledger=Ledger(table(settings.performance_table)),
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
        result = apply(read_event(envelope_of(record.body)))
    except Exception as error:
        logger.error("event comes back", message_id=record.message_id, error=describe(error))
        raise
    metrics.add_metric(name=f"feedback_{result}", unit=MetricUnit.Count, value=1)


def envelope_of(body: str) -> dict[str, Any]:
    try:
        envelope = json.loads(body)
    except ValueError:
        raise MalformedEvent("the message is not JSON") from None
    if not isinstance(envelope, dict):
        raise MalformedEvent("the message is not an object")
    return envelope


def apply(feedback: SesFeedback) -> str:
    """What was done. A mail or a send that is not ours is counted and left: no repetition would find it."""
    if feedback.event is None:
        return "ignored"
    if feedback.send_id is None:
        return "foreign"
    if feedback.suppress and feedback.address:
        try:
            account = parts().accounts.get(feedback.send_id.account_id)
        except UnknownAccount:
            return "unknown_account"
        parts().suppressions.add(
            account,
            feedback.address,
            CHANNEL,
            SuppressionReason(feedback.suppress),
            at=feedback.event.at,
            send_id=feedback.send_id,
        )
    known = parts().ledger.record(feedback.send_id, feedback.event)
    return feedback.event.kind.name.lower() if known else "unknown_send"
