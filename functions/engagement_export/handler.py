"""Changes of the send ledger, from the performance table's stream -> engagement files of the lake."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from boto3.dynamodb.types import TypeDeserializer

from winback.aws.environment import read_settings
from winback.aws.lake import Lake, engagement_key
from winback.engagement.export import exports
from winback.engagement.sends import MalformedRow, SendTouches, touches_of_send

logger = Logger()
metrics = Metrics(namespace="Winback")
_READER = TypeDeserializer()


@dataclass(frozen=True)
class Settings:
    lake_bucket: str


@cache
def lake() -> Lake:
    return Lake(read_settings(Settings).lake_bucket)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 Lambda passes it
    """Writes what came before the first row that cannot be read, and has the stream go on from that row.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    sends: list[SendTouches] = []
    failures = []
    for record in event["Records"]:
        change = record["dynamodb"]
        try:
            send = read(change)
        except MalformedRow as error:
            logger.error("a row cannot be read", extra={"error": str(error)})
            failures = [{"itemIdentifier": change["SequenceNumber"]}]
            break
        if send is not None:
            sends.append(send)
    for export in exports(sends):
        lake().write_rows(engagement_key(export.account_id, export.received, export.name), export.rows)
        metrics.add_metric("touches_exported", MetricUnit.Count, len(export.touches))
    return {"batchItemFailures": failures}


def read(change: dict[str, Any]) -> SendTouches | None:
    """None for what is no send, or is gone: an erased customer leaves no image."""
    image = change.get("NewImage")
    return touches_of_send({name: _READER.deserialize(value) for name, value in image.items()}) if image else None
