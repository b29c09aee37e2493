"""An account with a lake in memory, and the functions of a refresh pointed at it."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

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
WORKFLOW = {
    "Version": "1.0",
    "StartAt": "Done",
    "States": {"Done": {"Type": "Succeed"}},
}


@dataclass
class Context:
    function_name: str = "refresh"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:refresh"
    aws_request_id: str = "request"


@dataclass
class Cloud:
    campaigns: Any
    customers: Any
    lake: Lake
    account: Account

    def call(self, folder: str, event: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = importlib.import_module(f"functions.{folder}.handler").handler(event, Context())
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
                "lines": None,
                "fingerprint": order.get("fingerprint", "f"),
                "received_at": order.get("received_at", f"{received}T00:00:00Z"),
            }
            for order in orders
        ]
        key = lake_module.orders_key(self.account.account_id, received, f"{name}.jsonl.gz")
        self.lake.write_rows(key, rows)

    def score(self, manifest: str, probability: float = 0.25) -> None:
        """What refresh_score would write."""
        for line in self.lake.read_rows(manifest):
            scores = [
                {
                    "customer_key": row["customer_key"],
                    "churn_probability": probability,
                    "source": "endpoint",
                    "model_id": "churn-1",
                }
                for row in self.lake.read_rows(line["key"])
            ]
            prefix = lake_module.refresh_prefix(line["account_id"], line["snapshot_id"])
            self.lake.write_rows(f"{prefix}scores/part-{line['chunk']:05d}.jsonl.gz", scores)

    def refresh(self, snapshot_id: str, as_of: str, probability: float = 0.25) -> dict[str, Any]:
        """Compute, score and publish; the last step's answer."""
        work = {"account_id": self.account.account_id, "snapshot_id": snapshot_id, "as_of": as_of}
        computed = self.call("refresh_compute", work)
        self.score(computed["manifest"], probability)
        return self.call("refresh_publish", work)

    def segment_of(self, customer: str) -> dict[str, Any] | None:
        key = {"pk": f"{self.account.account_id}#{self.account.customer_key(customer)}", "sk": "segment"}
        item: dict[str, Any] | None = self.customers.get_item(Key=key).get("Item")
        return item

    def snapshot_item(self, snapshot_id: str = "latest") -> dict[str, Any] | None:
        key = {"pk": f"{self.account.account_id}#snapshot", "sk": snapshot_id}
        item: dict[str, Any] | None = self.campaigns.get_item(Key=key).get("Item")
        return item


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
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
            "CLOCK_SOURCE": "table",
            "REFRESH_WORKFLOW_ARN": machine["stateMachineArn"],
        }.items():
            monkeypatch.setenv(name, value)
        tables = {name: _table(name) for name in ("campaigns", "customers")}
        Accounts(tables["campaigns"]).put(ACCOUNT)
        tables["campaigns"].put_item(Item={"pk": "clock", "sk": "now", "now": "1997-10-01T00:00:00Z"})
        for folder in ("api_segments", "refresh_start", "refresh_compute", "refresh_publish"):
            importlib.import_module(f"functions.{folder}.handler").settings.cache_clear()
        yield Cloud(tables["campaigns"], tables["customers"], Lake("lake"), ACCOUNT)


@pytest.fixture
def events() -> dict[str, Any]:
    """The sample payloads of this subject's functions."""
    folder = Path(__file__).parents[3] / "events"
    names = ("api_segments", "refresh_start", "refresh_compute", "refresh_publish")
    return {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names}


def _table(name: str) -> Any:
    return boto3.resource("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
