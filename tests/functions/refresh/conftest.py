"""An account with a lake in memory, and the functions of a refresh pointed at it."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from winback.accounts import Account
from winback.aws import lake as lake_module
from winback.aws.lake import Lake
from winback.aws.tables import Accounts

ACCOUNT = Account.model_validate(
    {
        "account_id": "cdnow",
        "name": "CDNOW",
        "currency": "USD",
        "key_salt": "a" * 32,
        "sender": {"name": "CDNOW", "email": "hello@example.com", "postal_address": "1 High Street"},
        "public_url": "https://example.com",
    }
)
FUNCTIONS = ("api_segments", "api_movement", "refresh_start", "refresh_compute", "refresh_publish")
EVENTS = Path(__file__).parents[3] / "events"
FIRST, SECOND = "snp-000000000001", "snp-000000000002"
AUTUMN, WINTER = "1997-10-01T00:00:00Z", "1997-12-20T00:00:00Z"
AUTUMN_ORDERS = [
    {"customer": "ann", "order_id": "1", "day": "1997-09-20", "amount": 9000},
    {"customer": "ann", "order_id": "2", "day": "1997-09-10", "amount": 8000},
    {"customer": "bob", "order_id": "3", "day": "1997-01-20", "amount": 1000},
]
WORKFLOW = {
    "Version": "1.0",
    "StartAt": "Done",
    "States": {"Done": {"Type": "Succeed"}},
}


@dataclass
class Cloud:
    campaigns: Any
    customers: Any
    lake: Lake
    account: Account
    inbox: str  # of every event on the bus
    autumn_orders: ClassVar = AUTUMN_ORDERS

    def call(self, folder: str, event: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = importlib.import_module(f"functions.{folder}.handler").handler(
            event, Invocation(memory_limit_in_mb=1024)
        )
        return result

    def put_orders(self, name: str, orders: list[dict[str, Any]], received: str = "1997-10-01") -> None:
        """Each order names `customer`, `order_id`, `day`, `amount` in minor units; the rest is filled in."""
        rows = [
            {
                "order_id": order["order_id"],
                "customer_id": order["customer"],
                "customer_key": self.account.customer_key(order["customer"]),
                "ordered_at": f"{order['day']}T12:00:00Z",
                "amount_minor": order["amount"],
                "currency": order.get("currency", "USD"),
                "discount_minor": 0,
                "lines": order.get("lines"),
                "fingerprint": order.get("fingerprint", "f"),
                "received_at": order.get("received_at", f"{received}T00:00:00Z"),
            }
            for order in orders
        ]
        key = lake_module.orders_key(self.account.account_id, received, f"{name}.jsonl.gz")
        self.lake.write_rows(key, rows)

    def get(self, path: str, *, account: str = "cdnow", folder: str = "api_segments", **query: str) -> tuple[int, Any]:
        """Status and body of a GET request."""
        sample = json.loads((EVENTS / f"{folder}.json").read_text(encoding="utf-8"))
        context = {**sample["requestContext"], "httpMethod": "GET", "authorizer": {"account_id": account}}
        event = {**sample, "path": path, "httpMethod": "GET", "body": None, "requestContext": context}
        event["queryStringParameters"] = query or None
        event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()} or None
        response = self.call(folder, event)
        return response["statusCode"], json.loads(response["body"])

    def score(self, manifest: str, probability: float | None = 0.25) -> None:
        """What refresh_score would write."""
        for line in self.lake.read_rows(manifest):
            scores = [
                {
                    "customer_key": row["customer_key"],
                    "churn_probability": probability,
                    "source": "endpoint" if probability is not None else "none",
                    "model_id": "churn-1" if probability is not None else None,
                    "reasons": [{"feature": "silence_ratio", "effect": -0.4}] if probability is not None else [],
                }
                for row in self.lake.read_rows(line["key"])
            ]
            prefix = lake_module.refresh_prefix(line["account_id"], line["snapshot_id"])
            self.lake.write_rows(f"{prefix}scores/part-{line['chunk']:05d}.jsonl.gz", scores)

    def refresh(self, snapshot_id: str, as_of: str, probability: float | None = 0.25) -> dict[str, Any]:
        """Compute, score and publish; the last step's answer."""
        work = {"account_id": self.account.account_id, "snapshot_id": snapshot_id, "as_of": as_of}
        computed = self.call("refresh_compute", work)
        self.call("refresh_recommend", work)
        self.score(computed["manifest"], probability)
        return self.call("refresh_publish", work)

    def move_to_winter(self) -> None:
        """Ann is in her rhythm in autumn and slips until winter; eve comes; bob stays lost."""
        self.put_orders("batch-1", AUTUMN_ORDERS)
        self.refresh(FIRST, AUTUMN)
        eve = {"customer": "eve", "order_id": "5", "day": "1997-12-18", "amount": 500}
        self.put_orders("batch-2", [eve], "1997-12-19")
        self.refresh(SECOND, WINTER)

    def segment_of(self, customer: str) -> dict[str, Any] | None:
        key = {"pk": f"{self.account.account_id}#{self.account.customer_key(customer)}", "sk": "segment"}
        item: dict[str, Any] | None = self.customers.get_item(Key=key).get("Item")
        return item

    def events(self) -> list[dict[str, Any]]:
        """Those that arrived since the last look."""
        sqs = boto3.client("sqs")
        found = []
        while messages := sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
        return found

    def snapshot_item(self, snapshot_id: str = "latest") -> dict[str, Any] | None:
        key = {"pk": f"{self.account.account_id}#snapshot", "sk": snapshot_id}
        item: dict[str, Any] | None = self.campaigns.get_item(Key=key).get("Item")
        return item


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    yield from _open_cloud(monkeypatch)


@pytest.fixture(scope="module")
def kept_cloud() -> Iterator[Cloud]:
    """For a module whose tests only read; `cloud` cannot be used beside it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from _open_cloud(monkeypatch)


def _open_cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        role = "arn:aws:iam::123456789012:role/states"
        machine = boto3.client("stepfunctions").create_state_machine(
            name="refresh", definition=json.dumps(WORKFLOW), roleArn=role
        )
        boto3.client("s3").create_bucket(Bucket="lake")
        for name, value in {
            "CAMPAIGNS_TABLE": "campaigns",
            "CUSTOMERS_TABLE": "customers",
            "LAKE_BUCKET": "lake",
            "REFRESH_ENGINE": "auto",
            "SPARK_FROM_ORDERS": "1000000",
            "CLOCK_SOURCE": "table",
            "EVENT_BUS": "winback",
            "REFRESH_WORKFLOW_ARN": machine["stateMachineArn"],
            "POWERTOOLS_METRICS_NAMESPACE": "Winback",
        }.items():
            monkeypatch.setenv(name, value)
        inbox = _inbox()
        tables = {name: new_table(name) for name in ("campaigns", "customers")}
        Accounts(tables["campaigns"]).put(ACCOUNT)
        tables["campaigns"].put_item(Item={"pk": "clock", "sk": "now", "now": "1997-10-01T00:00:00Z"})
        for folder in (*FUNCTIONS, "refresh_recommend"):
            importlib.import_module(f"functions.{folder}.handler").settings.cache_clear()
        yield Cloud(tables["campaigns"], tables["customers"], Lake("lake"), ACCOUNT, inbox)


@pytest.fixture
def events() -> dict[str, Any]:
    """The sample payloads of this subject's functions."""
    return {name: json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")) for name in FUNCTIONS}


def _inbox() -> str:
    """A bus whose events all land in one queue; returns the queue's URL."""
    events, sqs = boto3.client("events"), boto3.client("sqs")
    events.create_event_bus(Name="winback")
    url: str = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="winback", EventPattern=json.dumps({"source": ["winback"]}))
    events.put_targets(Rule="all", EventBusName="winback", Targets=[{"Id": "inbox", "Arn": arn}])
    return url
