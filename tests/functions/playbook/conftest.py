"""One account's cloud in memory: tables, lake, and a published snapshot's summary and call list."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from tests.unit.playbook.standings import summary
from winback.accounts import Account, Sender
from winback.aws import keys
from winback.aws.lake import Lake, snapshot_prefix
from winback.aws.tables import Accounts
from winback.identifiers import AccountId
from winback.segmentation.grid import CELLS, Cell

ACME = AccountId("acme")
SNAPSHOT = "snp-000000000001"
CONTEXT = Invocation()


def account(name: str) -> Account:
    return Account(
        account_id=AccountId(name),
        name=name.title(),
        currency="GBP",
        key_salt=f"{len(name):032x}",
        sender=Sender(name=name.title(), email=f"shop@{name}.example.com", postal_address="1 Main Street"),
        public_url="https://mail.example.com",
    )


@dataclass
class Cloud:
    campaigns: Any
    customers: Any
    lake: Lake
    handler: Any

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        account_id: str = "acme",
        query: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        event = sample()
        event |= {"httpMethod": method, "path": path, "body": None if body is None else json.dumps(body)}
        event["queryStringParameters"] = query
        event["requestContext"]["authorizer"]["account_id"] = account_id
        return self.send(event)

    def send(self, event: dict[str, Any]) -> tuple[int, Any]:
        answer = self.handler.handler(json.loads(json.dumps(event)), CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    def publish(self, snapshot_id: str = SNAPSHOT, customers: dict[Cell, int] | None = None, **more: Any) -> None:
        counts = dict.fromkeys(CELLS, 5_000) if customers is None else customers
        prefix = snapshot_prefix(ACME, snapshot_id)
        self.lake.write_json(f"{prefix}summary.json", summary(counts, **more))
        item = {"snapshot_id": snapshot_id, "as_of": "2026-01-01T00:00:00Z", "state": "published", "prefix": prefix}
        for name in (snapshot_id, "latest"):
            self.campaigns.put_item(Item={**keys.snapshot(ACME, name), **item})

    def write_calls(self, calls: list[dict[str, Any]], snapshot_id: str = SNAPSHOT) -> None:
        self.lake.write_rows(f"{snapshot_prefix(ACME, snapshot_id)}calls.jsonl.gz", calls)

    def campaigns_of(self, account_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.campaigns.scan()["Items"]
        return [item for item in items if item["pk"] == f"{account_id}#campaign"]


def sample() -> dict[str, Any]:
    event: dict[str, Any] = json.loads((Path(__file__).parents[3] / "events" / "api_playbook.json").read_text())
    return event


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "CAMPAIGNS_TABLE": "campaigns",
        "CUSTOMERS_TABLE": "customers",
        "LAKE_BUCKET": "lake",
        "CLOCK_SOURCE": "table",
        "POWERTOOLS_SERVICE_NAME": "winback",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        campaigns, customers = new_table("campaigns"), new_table("customers")
        campaigns.put_item(Item={"pk": "clock", "sk": "now", "now": "2026-01-02T08:00:00Z"})
        for name in ("acme", "rival"):
            Accounts(campaigns).put(account(name))
        handler = importlib.import_module("functions.api_playbook.handler")
        for cached in ("settings", "_lake"):
            getattr(handler, cached).cache_clear()
        yield Cloud(campaigns, customers, Lake("lake"), handler)
