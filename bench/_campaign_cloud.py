"""A stage on moto with a shop, its customers and the launch that `bench._campaign_run` leads to its report."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
from moto.dynamodb.models import dynamodb_backends

from bench._meter import Meter, Typed
from local.inprocess.scenario import ACCOUNT, campaign
from local.tables import new_table
from winback.aws import keys
from winback.aws.clock import TableClock
from winback.aws.lake import Lake, launch_prefix, snapshot_prefix
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts, batch_put
from winback.campaigns.launch import Launch
from winback.campaigns.messages import frozen
from winback.identifiers import CampaignId, CustomerKey, LaunchId, SnapshotId

ACCOUNT_ID, LAUNCH, SNAPSHOT = ACCOUNT.account_id, LaunchId("lau-000000000001"), SnapshotId("snp-000000000001")
START = datetime(2026, 3, 27, 8, tzinfo=UTC)
TABLES = ("campaigns", "customers", "performance")
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "WINBACK_STAGE": "bench",
    **{f"{name.upper()}_TABLE": name for name in TABLES},
    "LAKE_BUCKET": "lake",
    "CLOCK_SOURCE": "table",
    "SES_CONFIGURATION_SET": "winback",
    "SES_TENANTS": "false",
    "UNSUBSCRIBE_SECRET": "unsubscribe",
    "EVENT_BUS": "winback",
    "SMS_CONFIGURATION_SET": "winback",
    "SMS_ORIGINATION_IDENTITY": "",
    "CHANNEL_RATES": '{"sms": 20, "push": 100, "webhook": 20, "call": 100}',
    "SEND_TIME_ENDPOINT": "send-time",
    "OFFER_ENDPOINT": "offer",
    "POWERTOOLS_METRICS_NAMESPACE": "Winback",
    "POWERTOOLS_SERVICE_NAME": "winback",
}


class Cloud:
    """Where handlers find it by their environment; every client made from here on is counted."""

    def __init__(self) -> None:
        os.environ.update(ENVIRONMENT)
        self.meter = Meter(_item_now)
        self._tables = {name: new_table(name) for name in TABLES}
        boto3.client("s3").create_bucket(Bucket="lake")
        boto3.client("secretsmanager").create_secret(Name="unsubscribe", SecretString="secret")
        self._queue = boto3.client("sqs").create_queue(QueueName="sends")["QueueUrl"]
        os.environ["SENDS_QUEUE_URL"] = self._queue
        self.lake, self.clock = Lake("lake"), TableClock(self._tables["campaigns"])
        self.launches = LaunchStore(self._tables["campaigns"])

    def populate(self, customers: int, folder: Path) -> None:
        """The day before the launch: the account, its customers, their snapshot, and the launch to prepare."""
        Accounts(self._tables["campaigns"]).put(ACCOUNT)
        self.clock.set(START - timedelta(days=1))
        people = [ACCOUNT.customer_key(f"c{number}") for number in range(customers)]
        self._put_customers(people)
        self._put_snapshot(people, folder / "customers.parquet")
        self.launches.create(_launch())

    def _put_customers(self, people: Sequence[CustomerKey]) -> None:
        batch_put(
            self._tables["customers"],
            (
                {
                    **keys.profile(ACCOUNT_ID, key),
                    "customer_id": f"c{number}",
                    "email": f"customer.{number}@example.com",
                    "first_name": f"Firstname{number}",
                    "last_name": "Lastname",
                    "country": "DE",
                    "locale": "de-DE",
                    "time_zone": "Europe/Berlin",
                    "consent": {"email": {"state": "granted", "at": "2026-01-01T00:00:00Z", "source": "import"}},
                }
                for number, key in enumerate(people)
            ),
        )
        batch_put(
            self._tables["customers"],
            ({**keys.activity(ACCOUNT_ID, key), "last_order_at": "2025-10-01T00:00:00Z"} for key in people),
        )

    def _put_snapshot(self, people: Sequence[CustomerKey], path: Path) -> None:
        with duckdb.connect() as db:
            db.execute("create table s as select unnest(?) customer_key", [people])
            db.execute(
                "copy (select *, 'Slipping Regulars' as segment, 'Slipping' as family, 'Premium' as value_tier, "
                "'At Risk' as status, true as lapsed, 0.5 as churn_probability from s) "
                f"to '{path}' (format parquet)"
            )
        prefix = snapshot_prefix(ACCOUNT_ID, SNAPSHOT)
        self.lake.upload(path, f"{prefix}customers.parquet")
        item = {"snapshot_id": SNAPSHOT, "as_of": "2026-03-26T00:00:00Z", "state": "published", "prefix": prefix}
        for name in (SNAPSHOT, "latest"):
            self._tables["campaigns"].put_item(Item={**keys.snapshot(ACCOUNT_ID, name), **item})

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Of a file of the launch."""
        return self.lake.read_rows(f"{launch_prefix(ACCOUNT_ID, LAUNCH)}{name}")

    def taken_from_queue(self) -> list[str]:
        """The bodies of all messages in the sends queue, which is empty then."""
        bodies, sqs = [], boto3.client("sqs")
        while found := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def performance_items(self) -> Iterator[Typed]:
        """Uncounted."""
        for item in _backend().get_table("performance").all_items():
            yield item.to_json()["Attributes"]


def _launch() -> Launch:
    """Of two e-mails a week apart."""
    steps = [{"template": "we-miss-you", "after_days": 0}, {"template": "still-thinking", "after_days": 7}]
    return Launch.prepare(
        ACCOUNT_ID,
        LAUNCH,
        CampaignId("cmp-000000000001"),
        frozen(campaign(steps=steps, holdout={"share": 0.2})),
        SNAPSHOT,
        prefix=launch_prefix(ACCOUNT_ID, LAUNCH),
        starts_at=START,
        now=START - timedelta(days=1),
        zone=ACCOUNT.zone,
    )


def _backend() -> Any:
    return dynamodb_backends["123456789012"]["us-east-1"]


def _item_now(table: str, key: Typed) -> Typed | None:
    found = _backend().get_item(table, dict(key))
    return None if found is None else found.to_json()["Attributes"]
