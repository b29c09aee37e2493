"""One account with a published snapshot of 200 customers, some touches, and the slice API pointed at it."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from winback.accounts import Account
from winback.aws import keys
from winback.aws.clock import TableClock
from winback.aws.lake import Lake, engagement_key, snapshot_prefix
from winback.aws.lifts import LiftStore
from winback.aws.tables import Accounts
from winback.identifiers import AccountId
from winback.instants import parse_instant
from winback.segmentation.rubric_file import default_settings

EVENT = json.loads((Path(__file__).parents[3] / "events" / "api_slices.json").read_text(encoding="utf-8"))
CONTEXT = Invocation()
ACCOUNT = AccountId("acme")
SNAPSHOT = "snp-000000000001"
OLD_SNAPSHOT = "snp-000000000000"
AS_OF = "2026-03-26T00:00:00Z"
CUSTOMERS = """
    SELECT
        substr(sha256(i::VARCHAR), 1, 32) AS customer_key,
        CASE WHEN i % 4 = 0 THEN 'Slipping VIPs' WHEN i % 4 = 1 THEN 'Champions' ELSE 'Long Gone' END AS segment,
        CASE WHEN i % 4 = 0 THEN 'Slipping' WHEN i % 4 = 1 THEN 'Heroes' ELSE 'Already Lost' END AS family,
        'Premium' AS value_tier,
        'At Risk' AS status,
        i % 4 <> 1 AS lapsed,
        (i + 1) * 100::BIGINT AS net_minor,
        (i + 1) * 100::BIGINT AS gross_minor,
        2 AS purchases
"""
NEWER = """,
        i % 10 = 0 AS newly_lapsed,
        'active' AS premium_tier,
        CASE WHEN i % 8 = 0 THEN 'never' ELSE 'repeat' END AS discount_tier,
        CASE WHEN i % 2 = 0 THEN 'wide' ELSE 'narrow' END AS breadth_tier,
        'n/a' AS engagement_tier,
        'Repetitive Buyer' AS behaviour,
        CASE WHEN i % 5 = 0 THEN 'denied' ELSE 'granted' END AS email_consent,
        'unknown' AS sms_consent,
        'unknown' AS push_consent,
        NULL::BIGINT AS margin_minor,
        NULL::BIGINT AS costed_net_minor
"""


@dataclass
class Cloud:
    campaigns: Any
    lake: Lake
    lifts: LiftStore
    handler: Any

    def request(
        self, method: str, path: str, body: Any = None, *, account: str = "acme", once: str | None = None
    ) -> tuple[int, Any]:
        event = json.loads(json.dumps(EVENT))
        event |= {"httpMethod": method, "path": path, "body": None if body is None else json.dumps(body)}
        event["requestContext"]["authorizer"]["account_id"] = account
        if once is not None:
            event["headers"] |= {"Idempotency-Key": once}
        answer = self.handler.handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    def save(self, name: str, condition: Any) -> str:
        status, made = self.request("POST", "/v1/slices", {"name": name, "condition": condition})
        assert status == 201, made
        return str(made["slice_id"])

    def touch(self, customer: int, kind: str, at: str, *, by_machine: bool = False) -> None:
        with duckdb.connect() as db:
            (key,) = db.execute("SELECT substr(sha256(?), 1, 32)", [str(customer)]).fetchall()[0]
        row = {"customer_key": key, "kind": kind, "channel": "email", "at": at, "by_machine": by_machine}
        name = f"exp-{customer:012x}{kind}.jsonl.gz"
        self.lake.write_rows(engagement_key(ACCOUNT, at[:10], name), [{**row, "touch_id": f"{customer}{kind}{at}"}])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "CAMPAIGNS_TABLE": "campaigns",
        "LAKE_BUCKET": "lake",
        "CLOCK_SOURCE": "table",
        "POWERTOOLS_SERVICE_NAME": "winback",
    }.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("functions.api_slices.handler")
    module.settings.cache_clear()
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        campaigns = new_table("campaigns")
        TableClock(campaigns).set(parse_instant(AS_OF))
        cloud = Cloud(campaigns, Lake("lake"), LiftStore(campaigns), module)
        for name in ("acme", "rival"):
            Accounts(campaigns).put(_account(name))
        _snapshot(cloud, OLD_SNAPSHOT, CUSTOMERS, tmp_path, latest=False)
        _snapshot(cloud, SNAPSHOT, CUSTOMERS + NEWER, tmp_path, latest=True)
        yield cloud


def _account(name: str) -> Account:
    return Account.model_validate(
        {
            "account_id": name,
            "name": name.title(),
            "currency": "USD",
            "key_salt": "a" * 32,
            "sender": {"name": name, "email": f"shop@{name}.example.com", "postal_address": "1 Main Street"},
            "public_url": "https://mail.example.com",
        }
    )


def _snapshot(cloud: Cloud, snapshot_id: str, columns: str, folder: Path, *, latest: bool) -> None:
    path, prefix = folder / f"{snapshot_id}.parquet", snapshot_prefix(ACCOUNT, snapshot_id)
    with duckdb.connect() as db:
        db.execute(f"COPY ({columns} FROM range(200) t(i) ORDER BY 1) TO '{path}' (FORMAT parquet)")
    cloud.lake.upload(path, f"{prefix}customers.parquet")
    path.unlink()
    # What simulation reads of the rubric and the summary: the policies, and who came back without a campaign.
    cloud.lake.write_json(f"{prefix}rubric.json", {"version": 1})
    organic = {"share": 0.3, "low": 0.2, "high": 0.4}
    cloud.lake.write_json(f"{prefix}summary.json", {"priorities": [{"segment": "Slipping VIPs", "organic": organic}]})
    item = {"snapshot_id": snapshot_id, "as_of": AS_OF, "state": "published", "prefix": prefix}
    for name in (snapshot_id, "latest") if latest else (snapshot_id,):
        cloud.campaigns.put_item(Item={**keys.snapshot(ACCOUNT, name), **item})


@pytest.fixture
def assumed() -> dict[str, float]:
    return {str(name): policy.assumed_lift for name, policy in default_settings().segments.items()}
