"""Messages of a queue, one after the other: those that fail come back alone, and end among the dead letters."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from winback.aws.failures import describe


class NotFinished(RuntimeError):
    """Nothing failed, and something is left to do: the message comes back."""


def take_each(event: dict[str, Any], context: Any, take: Callable[[str], object], logger: Logger) -> Any:
    """Gives each message's body to `take`. Returns the identifiers of the messages that come back.

    Those for which it raised. What was raised is logged without the data in it; NotFinished is not.
    """

    def one(record: SQSRecord) -> None:
        try:
            take(record.body)
        except NotFinished:
            raise
        except Exception as error:
            logger.error("message comes back", message_id=record.message_id, error=describe(error))
            raise

    return process_partial_response(
        event=event,
        record_handler=one,
        processor=BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False),
        context=context,
    )
