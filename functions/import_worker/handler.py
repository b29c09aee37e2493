"""An uploaded file -> the lake, its rejects, changed customers. SQS batches of S3's `Object Created` events."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from winback.aws.clock import clock_of
from winback.aws.contacts import ContactBook
from winback.aws.customers import ProfileStore
from winback.aws.environment import read_settings
from winback.aws.file_import import FileImport
from winback.aws.imports import ImportStore, UnknownImport
from winback.aws.lake import Lake, parse_upload_key
from winback.aws.orders import Activity, OrderMarkers
from winback.aws.queue_records import take_each
from winback.aws.tables import Accounts, table
from winback.imports.errors import UnreadableFile

logger = Logger()
metrics = Metrics(namespace="Winback")


@dataclass(frozen=True)
class Settings:
    campaigns_table: str
    customers_table: str
    performance_table: str
    lake_bucket: str


@cache
def settings() -> Settings:
    return read_settings(Settings)


def take(body: str) -> None:
    """One uploaded file. A file that cannot be read ends its import; anything else that fails is tried again."""
    uploaded = json.loads(body)["detail"]["object"]
    account_id, import_id = parse_upload_key(uploaded["key"])
    logger.append_keys(account_id=account_id, import_id=import_id)
    campaigns, customers = table(settings().campaigns_table), table(settings().customers_table)
    store, now, lake = ImportStore(campaigns), clock_of(campaigns).now(), Lake(settings().lake_bucket)
    etag = uploaded["etag"]
    try:
        job = store.get(account_id, import_id)
    except UnknownImport:
        logger.warning("an object was put that belongs to no import")
        return
    if job.state.over:
        logger.info("the import is over already")
        return
    if job.etag is None and lake.etag(uploaded["key"]) != etag:
        logger.info("a later upload took this one's place, and has an event of its own")
        return
    if not store.start(job, etag):
        logger.warning("the import reads another upload, or is over by now")
        return
    work = FileImport(
        lake,
        ProfileStore(customers),
        Activity(customers, campaigns),
        OrderMarkers(customers),
        ContactBook(table(settings().performance_table)),
    )
    try:
        outcome, rejects_key = work.run(Accounts(campaigns).get(account_id), job, etag, now=now)
    except UnreadableFile as error:
        store.fail(job, str(error), now)
        logger.warning("the file cannot be read")
        metrics.add_metric("UnreadableFiles", MetricUnit.Count, 1)
        return
    store.finish(job, outcome, rejects_key, now)
    logger.info("import finished", extra=outcome.model_dump(exclude={"rejects_by_reason"}))
    for name in ("accepted", "duplicates", "rejected"):
        metrics.add_metric(f"Rows{name.title()}", MetricUnit.Count, getattr(outcome, name))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> Any:
    return take_each(event, context, take, logger)
