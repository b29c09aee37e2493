"""After enrolment: which offer each treated customer of a launch gets, within its budget."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.endpoints import ModelEndpoint
from winback.aws.environment import read_settings
from winback.aws.lake import Lake
from winback.aws.launches import LaunchStore
from winback.aws.offer_choice import OfferChooser
from winback.aws.snapshots import SnapshotStore
from winback.aws.tables import table
from winback.identifiers import AccountId, LaunchId

logger = Logger()
metrics = Metrics()


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    performance_table: str
    lake_bucket: str
    offer_endpoint: str


@cache
def chooser() -> OfferChooser:
    settings = read_settings(Settings)
    campaigns = table(settings.campaigns_table)
    return OfferChooser(
        launches=LaunchStore(campaigns),
        snapshots=SnapshotStore(campaigns),
        lake=Lake(settings.lake_bucket),
        performance=table(settings.performance_table),
        invoke=ModelEndpoint(settings.offer_endpoint).invoke,
    )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    account_id, launch_id = AccountId(event["account_id"]), LaunchId(event["launch_id"])
    told = chooser().choose(account_id, launch_id)
    metrics.add_metric("OfferEndpointFailures", MetricUnit.Count, told["endpoint_failures"])
    logger.info("offers chosen", extra={"account_id": account_id, "launch_id": launch_id, **told})
    return {"account_id": account_id, "launch_id": launch_id}
