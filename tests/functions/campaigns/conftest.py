"""One account's cloud in memory: tables, lake, a snapshot of 60 customers, workflows that do nothing, and a clock."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from local.invocation import Invocation
from local.tables import new_table
from winback.accounts import (
    Account,
    ChannelCaps,
    FrequencyCap,
    FrequencyCaps,
    QuietHours,
    Sender,
    SendWindow,
)
from winback.aws import keys
from winback.aws.clock import TableClock
from winback.aws.due import DueIndex
from winback.aws.lake import Lake, snapshot_prefix
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts, batch_put
from winback.identifiers import AccountId, CustomerKey, LaunchId
from winback.instants import format_instant

EVENTS = Path(__file__).parents[3] / "events"
NOW = datetime(2026, 3, 26, 8, tzinfo=UTC)
SNAPSHOT = "snp-000000000001"
CUSTOMERS = 60
CHUNK_ROWS = 25
FUNCTIONS = (
    "api_campaigns",
    "launch_candidates",
    "launch_enrol",
    "launch_offers",
    "launch_plan",
    "launch_summary",
    "launch_clock",
    "launch_evaluate",
    "campaign_trigger",
)
CONTEXT = Invocation()


def account(name: str) -> Account:
    return Account(
        account_id=AccountId(name),
        name=name.title(),
        currency="USD",
        time_zone="Europe/Berlin",
        key_salt=f"{len(name):032x}",
        sender=Sender(name=name.title(), email=f"shop@{name}.example.com", postal_address="1 Main Street"),
        public_url="https://mail.example.com",
        frequency_caps=FrequencyCaps(
            channels=ChannelCaps(email=FrequencyCap(sends=3, days=7)), overall=FrequencyCap(sends=4, days=7)
        ),
        quiet_hours=QuietHours(start=time(0), end=time(0)),
        unknown_zone=SendWindow(from_=time(0), until=time(0)),
    )


@dataclass
class Cloud:
    campaigns: Any
    customers: Any
    performance: Any
    lake: Lake
    clock: TableClock
    handlers: dict[str, Any] = field(default_factory=dict)

    def event(self, name: str) -> dict[str, Any]:
        """The sample payload of a function."""
        return json.loads((EVENTS / f"{name}.json").read_text())

    @property
    def customer_keys(self) -> list[CustomerKey]:
        return customer_keys()

    def executions(self, workflow: str) -> list[str]:
        """Names of the workflow's executions."""
        client = boto3.client("stepfunctions")
        arn = next(m["stateMachineArn"] for m in client.list_state_machines()["stateMachines"] if m["name"] == workflow)
        return [execution["name"] for execution in client.list_executions(stateMachineArn=arn)["executions"]]

    def invoke(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Through JSON, as the runtime does."""
        answer = self.handlers[name].handler(json.loads(json.dumps(event)), CONTEXT)
        return json.loads(json.dumps(answer))

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        account_id: str = "acme",
        raw: str | None = None,
        once: str | None = None,
    ) -> tuple[int, Any]:
        event = self.event("api_campaigns")
        if once is not None:
            event["headers"] = {**event["headers"], "Idempotency-Key": once}
        event |= {"httpMethod": method, "path": path, "body": raw or (None if body is None else json.dumps(body))}
        event["requestContext"]["authorizer"]["account_id"] = account_id
        answer = self.invoke("api_campaigns", event)
        return answer["statusCode"], json.loads(answer["body"])

    def prepare(self, launch_id: str) -> None:
        """What the prepare workflow does."""
        found = self.invoke("launch_candidates", {"account_id": "acme", "launch_id": launch_id})
        lines = self.lake.read_rows(found["manifest"])
        for line in lines:
            self.invoke("launch_enrol", line)
        if found["offers"] and lines:
            self.invoke("launch_offers", {"account_id": "acme", "launch_id": launch_id})
        for line in lines:
            for step in found["steps"]:
                self.invoke("launch_plan", {**line, "step": step, "mode": "dry_run"})
        launch = {name: found[name] for name in ("account_id", "launch_id", "steps")}
        self.invoke("launch_summary", launch)

    def plan(self, launch_id: str, step: int) -> None:
        """What the campaign workflow does when a step is due."""
        for line in self.lines(launch_id):
            self.invoke("launch_plan", {**line, "step": step, "mode": "live"})

    def lines(self, launch_id: str) -> list[dict[str, Any]]:
        return self.lake.read_rows(f"launches/account=acme/{launch_id}/candidates/manifest.jsonl")

    def rows(self, launch_id: str, place: str) -> list[dict[str, Any]]:
        found = sorted(self.lake.list(f"launches/account=acme/{launch_id}/{place}/chunk-"))
        return [row for key in found for row in self.lake.read_rows(key)]

    def launches(self) -> LaunchStore:
        return LaunchStore(self.campaigns)

    def launch(self, launch_id: str) -> Any:
        return self.launches().get(AccountId("acme"), LaunchId(launch_id))

    def due(self) -> list[Any]:
        index = DueIndex(self.campaigns)
        forever = datetime(2100, 1, 1, tzinfo=UTC)
        return [entry for shard in range(keys.DUE_SHARDS) for entry in index.due(forever, shard, "email")]

    def new_launch(self, **definition: Any) -> str:
        """A prepared launch of a new campaign, awaiting approval."""
        body = {**json.loads(self.event("api_campaigns")["body"]), **definition}
        status, campaign = self.request("POST", "/v1/campaigns", body)
        assert status == 201, campaign
        status, launch = self.request(
            "POST", f"/v1/campaigns/{campaign['campaign_id']}/launches", {"starts_at": "2026-03-27T08:00:00Z"}
        )
        assert status == 202, launch
        self.prepare(launch["launch_id"])
        return str(launch["launch_id"])

    def approve(self, launch_id: str) -> tuple[int, Any]:
        _, shown = self.request("GET", f"/v1/launches/{launch_id}")
        return self.request(
            "POST",
            f"/v1/launches/{launch_id}/approve",
            {"approved_by": "Ada", "dry_run_fingerprint": shown["dry_run"]["fingerprint"]},
        )

    def running_launch(self, **definition: Any) -> str:
        launch_id = self.new_launch(**definition)
        assert self.approve(launch_id)[0] == 200
        self.clock.set(self.launch(launch_id).starts_at)
        self.look(launch_id)
        return launch_id

    def look(self, launch_id: str, moves_done: int = 0, **asking: Any) -> dict[str, Any]:
        """What the execution that follows the launch asks, again and again."""
        event = {**self.event("launch_clock"), "launch_id": launch_id, "moves_done": moves_done}
        return self.invoke("launch_clock", {**event, "running_since": format_instant(datetime.now(UTC)), **asking})


def customer_keys() -> list[CustomerKey]:
    return [account("acme").customer_key(f"c{number}") for number in range(CUSTOMERS)]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "CAMPAIGNS_TABLE": "campaigns",
        "CUSTOMERS_TABLE": "customers",
        "PERFORMANCE_TABLE": "performance",
        "LAKE_BUCKET": "lake",
        "SEND_TIME_ENDPOINT": "send-time",
        "OFFER_ENDPOINT": "offer",
        "SES_CONFIGURATION_SET": "winback-test",
        "SES_TENANTS": "false",
        "SMS_CONFIGURATION_SET": "",
        "SMS_ORIGINATION_IDENTITY": "",
        "CHANNEL_RATES": '{"sms": 20, "push": 100, "webhook": 20, "call": 100}',
        "CLOCK_SOURCE": "table",
        "POWERTOOLS_SERVICE_NAME": "winback",
        "POWERTOOLS_METRICS_NAMESPACE": "Winback",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        for variable, name in (("PREPARE_WORKFLOW_ARN", "prepare"), ("CAMPAIGN_WORKFLOW_ARN", "campaign")):
            monkeypatch.setenv(variable, _workflow(name))
        tables = [new_table(name) for name in ("campaigns", "customers", "performance")]
        cloud = Cloud(*tables, lake=Lake("lake"), clock=TableClock(tables[0]))
        cloud.clock.set(NOW)
        for name in ("acme", "rival"):
            Accounts(cloud.campaigns).put(account(name))
        _snapshot(cloud, tmp_path)
        _profiles(cloud)
        for name in FUNCTIONS:
            module = importlib.import_module(f"functions.{name}.handler")
            for cached in ("settings", "parts", "control", "lake", "triggers", "enroller", "chooser", "evaluator"):
                if hasattr(module, cached):
                    getattr(module, cached).cache_clear()
            cloud.handlers[name] = module
        monkeypatch.setattr(cloud.handlers["launch_candidates"], "CHUNK_ROWS", CHUNK_ROWS)
        monkeypatch.setattr(cloud.handlers["launch_summary"], "ses_client", _Ses)
        monkeypatch.setattr("winback.aws.preflight.Preflight.check", lambda *_: ())
        yield cloud


class _Ses:
    def get_account(self) -> dict[str, Any]:
        return {"SendQuota": {"MaxSendRate": 14.0, "Max24HourSend": 50_000.0, "SentLast24Hours": 0.0}}


def _snapshot(cloud: Cloud, folder: Path) -> None:
    """Two of three customers are Slipping Regulars, the others Champions."""
    rows = [
        (key, *(("Champions", "Heroes") if number % 3 == 0 else ("Slipping Regulars", "Slipping")))
        for number, key in enumerate(customer_keys())
    ]
    path = folder / "customers.parquet"
    with duckdb.connect() as db:
        columns = [list(column) for column in zip(*rows, strict=True)]
        db.execute("create table s as select unnest(?) customer_key, unnest(?) segment, unnest(?) family", columns)
        db.execute(
            "copy (select *, 'Premium' as value_tier, 'At Risk' as status, true as lapsed, 0.5 as churn_probability, "
            "20000 as net_minor, 5000::double as average_purchase_minor, 10000 as margin_minor, "
            "20000 as costed_net_minor, "
            "4 as purchases, 200 as silence_days, 700 as tenure_days, 500 as span_days, 0 as purchases_last_91_days, "
            "0 as purchases_last_182_days, 0.25::double as discount_share, 3 as sends_182_days, 1 as opens_182_days, "
            f"0 as clicks_182_days from s) to '{path}' (format parquet)"
        )
    prefix = snapshot_prefix(AccountId("acme"), SNAPSHOT)
    cloud.lake.upload(path, f"{prefix}customers.parquet")
    item = {"snapshot_id": SNAPSHOT, "as_of": "2026-03-26T00:00:00Z", "state": "published", "prefix": prefix}
    for name in (SNAPSHOT, "latest"):
        cloud.campaigns.put_item(Item={**keys.snapshot(AccountId("acme"), name), **item})


def _profiles(cloud: Cloud) -> None:
    """Everybody has an address; every tenth customer denies e-mail."""
    batch_put(
        cloud.customers,
        (
            {
                **keys.profile(AccountId("acme"), key),
                "customer_id": f"c{number}",
                "email": f"c{number}@example.com",
                "first_name": f"Firstname{number}",
                "consent": {"email": {"state": "denied" if number % 10 == 0 else "granted"}},
            }
            for number, key in enumerate(customer_keys())
        ),
    )


def _workflow(name: str) -> str:
    answer = boto3.client("stepfunctions").create_state_machine(
        name=name,
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/workflow",
    )
    return str(answer["stateMachineArn"])
