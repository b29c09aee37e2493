import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler

from functions.api_intake import handler as api
from functions.import_worker import handler as worker
from local.invocation import Invocation
from local.tables import new_table
from winback.accounts import Account, Sender
from winback.aws.clock import TableClock
from winback.aws.lake import Lake
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId, new_id

EVENTS = Path(__file__).parents[3] / "events"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Intake:
    """The two functions over tables and a bucket of their own."""

    campaigns: Any
    customers: Any
    performance: Any
    lake: Lake
    context: Any

    def call(self, method: str, path: str, body: Any = None, *, account: str = "acme") -> tuple[int, Any]:
        event = json.loads((EVENTS / "api_intake.json").read_text())
        event |= {"path": path, "httpMethod": method, "body": body if isinstance(body, str) else json.dumps(body)}
        event["requestContext"]["authorizer"]["account_id"] = account
        answer = api.handler(event, self.context)
        return answer["statusCode"], json.loads(answer["body"])

    def start(self, kind: str, *, account: str = "acme", **more: Any) -> Any:
        status, body = self.call("POST", "/v1/imports", {"kind": kind, "format": "csv", **more}, account=account)
        assert status == 201, body
        return body

    def upload(self, import_id: str, content: str | bytes, *, account: str = "acme") -> None:
        body = content.encode() if isinstance(content, str) else content
        self.lake.write_bytes(f"uploads/{account}/{import_id}", body)

    def etag(self, import_id: str, *, account: str = "acme") -> str:
        return self.lake.etag(f"uploads/{account}/{import_id}")

    def work(self, import_id: str, *, account: str = "acme", etag: str | None = None) -> Any:
        """Hands the event of the upload (an earlier one's, with its `etag`) to the worker, and its answer back."""
        event = json.loads((EVENTS / "import_worker.json").read_text())
        body = json.loads(event["Records"][0]["body"])
        body["detail"]["object"]["key"] = f"uploads/{account}/{import_id}"
        body["detail"]["object"]["etag"] = etag or self.etag(import_id, account=account)
        event["Records"][0]["body"] = json.dumps(body)
        return worker.handler(event, self.context)

    def run(self, kind: str, content: str | bytes, *, account: str = "acme", **more: Any) -> Any:
        """A whole import; its final state."""
        import_id = self.start(kind, account=account, **more)["import_id"]
        self.upload(import_id, content, account=account)
        assert self.work(import_id, account=account) == {"batchItemFailures": []}
        return self.read(import_id, account=account)

    def read(self, import_id: str, *, account: str = "acme") -> Any:
        status, body = self.call("GET", f"/v1/imports/{import_id}", account=account)
        assert status == 200, body
        return body

    def everything(self) -> dict[str, Any]:
        """All that imports change: objects but uploads, and items but the imports themselves."""
        objects = {key: self.lake.read_bytes(key) for key in self.lake.list("") if not key.startswith("uploads/")}
        items = {name: sorted(map(repr, self.__dict__[name].scan()["Items"])) for name in ("customers", "performance")}
        return {"objects": objects, **items}

    def launch(self, prepared_at: datetime, state: LaunchState = LaunchState.RUNNING) -> None:
        """A launch of acme in this state, whose audience was chosen then, a day before its start."""
        definition = {
            "name": "Come back",
            "audience": {"families": ["Slipping"]},
            "steps": [{"template": "we-miss-you", "after_days": 0}],
        }
        launch = Launch.prepare(
            AccountId("acme"),
            LaunchId(new_id("lau")),
            CampaignId("cmp-000000000001"),
            CampaignDefinition.model_validate(definition),
            SnapshotId("snp-000000000001"),
            prefix="launches/account=acme/",
            starts_at=prepared_at + timedelta(days=1),
            now=prepared_at,
            zone=ZoneInfo("UTC"),
        )
        LaunchStore(self.campaigns).create(launch.model_copy(update={"state": state}))

    def set_clock(self, now: datetime) -> None:
        TableClock(self.campaigns).set(now)


def one_request_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's transactions copy whole tables, and put the copy back where one is cancelled: nothing may pass them."""
    turn, answer = threading.Lock(), DynamoHandler.call_action

    def in_turn(self: DynamoHandler) -> Any:
        with turn:
            return answer(self)

    monkeypatch.setattr(DynamoHandler, "call_action", in_turn)


@pytest.fixture
def intake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Intake]:
    one_request_at_a_time(monkeypatch)
    environment = {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "CAMPAIGNS_TABLE": "campaigns",
        "CUSTOMERS_TABLE": "customers",
        "PERFORMANCE_TABLE": "performance",
        "LAKE_BUCKET": "lake",
        "CLOCK_SOURCE": "table",
        "POWERTOOLS_METRICS_NAMESPACE": "winback",
        "POWERTOOLS_SERVICE_NAME": "intake",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        for cached in (api.parts, worker.settings):
            cached.cache_clear()
        boto3.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        campaigns, customers, performance = (new_table(name) for name in ("campaigns", "customers", "performance"))
        accounts = Accounts(campaigns)
        for number, name in enumerate(("acme", "other")):
            accounts.put(_account(name, f"{number:032x}"))
        context = Invocation(seconds_left=900)
        made = Intake(campaigns, customers, performance, Lake("lake"), context)
        made.set_clock(NOW)
        yield made


@pytest.fixture
def break_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, str], Callable[[], None]]:
    """Makes a method raise as if the function had been killed there; the result mends it."""

    def broken(owner: type, method: str) -> Callable[[], None]:
        original = getattr(owner, method)

        def killed(*_: Any, **__: Any) -> None:
            raise ConnectionError("killed")

        monkeypatch.setattr(owner, method, killed)
        return lambda: monkeypatch.setattr(owner, method, original)

    return broken


def _account(name: str, salt: str) -> Account:
    return Account(
        account_id=AccountId(name),
        name=name,
        currency="EUR",
        key_salt=salt,
        sender=Sender(name=name, email="hello@example.com", postal_address="1 Example Street"),
        public_url="https://winback.example.com",
    )
