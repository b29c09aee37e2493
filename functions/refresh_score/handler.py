"""One part of a refresh -> churn probabilities from the endpoint, in batches."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.endpoints import ModelEndpoint
from winback.aws.environment import read_settings
from winback.aws.lake import Lake, scores_key
from winback.identifiers import AccountId
from winback.predictions.scoring import score_part

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    lake_bucket: str
    churn_endpoint: str


@dataclass(frozen=True)
class Parts:
    lake: Lake
    endpoint: ModelEndpoint


@cache
def parts() -> Parts:
    settings = read_settings(Settings)
    return Parts(lake=Lake(settings.lake_bucket), endpoint=ModelEndpoint(settings.churn_endpoint))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    account_id, snapshot_id, chunk = AccountId(event["account_id"]), event["snapshot_id"], event["chunk"]
    scored = score_part(
        parts().lake.read_rows(event["key"]),
        parts().endpoint.invoke,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    parts().lake.write_rows(scores_key(account_id, snapshot_id, chunk), (score.row() for score in scored.scores))
    metrics.add_metric("CustomersScored", MetricUnit.Count, len(scored.scores) - scored.unscored)
    metrics.add_metric("CustomersUnscored", MetricUnit.Count, scored.unscored)
    if scored.failures:
        logger.warning(
            "customers went without a churn score",
            extra={
                "account_id": account_id,
                "snapshot_id": snapshot_id,
                "chunk": chunk,
                "unscored": scored.unscored,
                "reasons": scored.failures,
            },
        )
    return {"chunk": chunk}
