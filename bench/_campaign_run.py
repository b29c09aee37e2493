"""One campaign in this process: the functions' own handlers on moto, from the audience to the report.

Every state of the workflows, every message of the queue and every event of the provider is passed on by hand, as AWS
would; what the handlers ask of AWS on the way is counted by `bench._meter`, by cause.
"""

import importlib
import io
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import duckdb
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from bench._meter import Meter, Typed, size_of
from local.mail.events import event as provider_event
from local.mail.messages import Message
from local.mail.recipients import Kind, Reaction
from winback.accounts import Account
from winback.aws import keys
from winback.aws.clock import TableClock
from winback.aws.lake import Lake, launch_prefix, snapshot_prefix
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts, batch_put
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.campaigns.messages import frozen
from winback.costs.counted import Measure
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId

ACCOUNT, LAUNCH, SNAPSHOT = AccountId("acme"), LaunchId("lau-000000000001"), SnapshotId("snp-000000000001")
START = datetime(2026, 3, 27, 8, tzinfo=UTC)
TABLES = ("campaigns", "customers", "performance")
FEEDBACK_BATCH = 25  # the queue gathers for a second, at most 50: half full
SENDER_BATCH = 2
# Events of the provider for each message that it took: assumed, near what shops see.
EVENTS = {
    Kind.DELIVERY: 0.985,
    Kind.OPEN: 0.4,
    Kind.CLICK: 0.03,
    Kind.BOUNCE: 0.012,
    Kind.DELIVERY_DELAY: 0.01,
    Kind.COMPLAINT: 0.0005,
}
_CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f",
    aws_request_id="r",
    get_remaining_time_in_millis=lambda: 50_000,
)
# Cause -> what it is counted by, and what it does.
CAUSES = {
    "audience": (Measure.CANDIDATE, "candidates, eligibility, holdout and variants"),
    "planning": (Measure.PLANNED, "gate, channel and time of each step: the dry run's and the live plan"),
    "releasing": (Measure.MESSAGE, "due index, quota, queue"),
    "sending": (Measure.MESSAGE, "facts, contact, claim, provider, record"),
    "feedback": (Measure.MESSAGE, "the provider's events into the ledger"),
    "export": (Measure.MESSAGE, "changes of the ledger into the lake"),
    "reporting": (Measure.MESSAGE, "adding up the dry run, reading the ledger for the report"),
    "following": (Measure.LAUNCH, "the workflows' own states over 91 days"),
    "import": (Measure.ORDER, "orders and customers of the store, in batches of a hundred"),
    "idle": (Measure.MINUTE, "a minute in which nothing is due"),
}


@dataclass
class Campaign:
    """What was run, and the meter that counted it."""

    meter: Meter
    candidates: int
    planned: int = 0
    messages: int = 0
    events: int = 0
    invocations: Counter[tuple[str, str]] = field(default_factory=Counter)  # (cause, function)
    cpu_seconds: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (cause, function, service)
    transitions: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)  # bytes by cause
    ledger_bytes: int = 0
    contact_bytes: int = 0


def run(customers: int, orders: int) -> Campaign:
    """A campaign of two e-mails to so many customers, and the import of so many orders."""
    asks_the_dns = patch("winback.aws.preflight.Preflight.check", return_value=())
    with mock_aws(), asks_the_dns, TemporaryDirectory() as folder:
        meter = _cloud()
        campaign = Campaign(meter, customers)
        stage = _Stage(campaign, Path(folder))
        stage.populate(customers)
        stage.take_in(orders)
        stage.prepare()
        stage.send()
        stage.report()
        stage.idle()
        stage.weigh()
        return campaign


def _cloud() -> Meter:
    environment = {
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
    os.environ.update(environment)
    meter = Meter(_item_now)
    for name in TABLES:
        boto3.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in ("pk", "sk")],
        )
    boto3.client("s3").create_bucket(Bucket="lake")
    boto3.client("secretsmanager").create_secret(Name="unsubscribe", SecretString="secret")
    os.environ["SENDS_QUEUE_URL"] = boto3.client("sqs").create_queue(QueueName="sends")["QueueUrl"]
    return meter


def _item_now(table: str, key: Typed) -> Typed | None:
    found = dynamodb_backends["123456789012"]["us-east-1"].get_item(table, dict(key))
    return None if found is None else found.to_json()["Attributes"]


class _Stage:
    def __init__(self, campaign: Campaign, folder: Path) -> None:
        self.campaign, self._folder = campaign, folder
        self._tables = {name: boto3.resource("dynamodb").Table(name) for name in TABLES}
        self._lake, self._clock = Lake("lake"), TableClock(self._tables["campaigns"])
        self._taken: list[Message] = []
        campaign.meter.on_send_email = self._take
        campaign.meter.follow("performance", "send#")

    # -- the world before

    def populate(self, customers: int) -> None:
        account = Account.model_validate(
            {
                "account_id": ACCOUNT,
                "name": "Acme",
                "currency": "USD",
                "time_zone": "Europe/Berlin",
                "key_salt": "a" * 32,
                "sender": {"name": "Acme", "email": "shop@acme.example.com", "postal_address": "1 Main Street"},
                "public_url": "https://mail.example.com",
                "website": "https://acme.example.com",
            }
        )
        Accounts(self._tables["campaigns"]).put(account)
        self._clock.set(START - timedelta(days=1))
        people = [account.customer_key(f"c{number}") for number in range(customers)]
        self._people = people
        batch_put(
            self._tables["customers"],
            (
                {
                    **keys.profile(ACCOUNT, key),
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
            ({**keys.activity(ACCOUNT, key), "last_order_at": "2025-10-01T00:00:00Z"} for key in people),
        )
        path = self._folder / "customers.parquet"
        with duckdb.connect() as db:
            db.execute("create table s as select unnest(?) customer_key", [people])
            db.execute(
                "copy (select *, 'Slipping Regulars' as segment, 'Slipping' as family, 'Premium' as value_tier, "
                "'At Risk' as status, true as lapsed, 0.5 as churn_probability from s) "
                f"to '{path}' (format parquet)"
            )
        prefix = snapshot_prefix(ACCOUNT, SNAPSHOT)
        self._lake.upload(path, f"{prefix}customers.parquet")
        item = {"snapshot_id": SNAPSHOT, "as_of": "2026-03-26T00:00:00Z", "state": "published", "prefix": prefix}
        for name in (SNAPSHOT, "latest"):
            self._tables["campaigns"].put_item(Item={**keys.snapshot(ACCOUNT, name), **item})
        definition = CampaignDefinition.model_validate(
            {
                "name": "Come back",
                "audience": {"families": ["Slipping"]},
                "steps": [
                    {"template": "we-miss-you", "after_days": 0},
                    {"template": "still-thinking", "after_days": 7},
                ],
                "holdout": {"share": 0.2},
            }
        )
        launch = Launch.prepare(
            ACCOUNT,
            LAUNCH,
            CampaignId("cmp-000000000001"),
            frozen(definition),
            SNAPSHOT,
            prefix=launch_prefix(ACCOUNT, LAUNCH),
            starts_at=START,
            now=START - timedelta(days=1),
            zone=account.zone,
        )
        LaunchStore(self._tables["campaigns"]).create(launch)

    def take_in(self, orders: int) -> None:
        for start in range(0, orders, 100):
            batch = [
                {
                    "order_id": f"o{number}",
                    "customer_id": f"c{number % len(self._people)}",
                    "ordered_at": "2025-10-01T12:00:00Z",
                    "amount": "49.90",
                    "currency": "USD",
                    "discount": "0.00",
                    "lines": [{"sku": f"s{number % 50}", "category": "music", "quantity": 1, "price": "49.90"}],
                }
                for number in range(start, start + 100)
            ]
            self._request("api_intake", "POST", "/v1/orders:batch", {"orders": batch}, count=100)

    # -- the launch

    def prepare(self) -> None:
        launch = {"account_id": ACCOUNT, "launch_id": LAUNCH}
        found = self._invoke("audience", "launch_candidates", launch, count=self.campaign.candidates)
        lines = self._lake.read_rows(found["manifest"])
        for line in lines:
            self._invoke("audience", "launch_enrol", line, transitions=2)
        for line in lines:
            for step in found["steps"]:
                self._plan(line, step, "dry_run", transitions=1)
            self.campaign.transitions["planning"] += 2  # the child execution's start, its map
        self._invoke("reporting", "launch_summary", {**launch, "steps": found["steps"]})
        self.campaign.transitions["following"] += 12
        store = LaunchStore(self._tables["campaigns"])
        store.save(store.get(ACCOUNT, LAUNCH).model_copy(update={"state": LaunchState.RUNNING, "started_at": START}))

    def _plan(self, line: Mapping[str, Any], step: int, mode: str, *, transitions: int) -> None:
        event = {**line, "step": step, "mode": mode}
        self._invoke("planning", "launch_plan", event, transitions=transitions)
        rows = self._rows(f"plan-{mode}/step-{step}/chunk-{line['chunk']:05d}.jsonl.gz")
        self.campaign.planned += len(rows)
        self.campaign.meter.usage["planning"].count += len(rows)

    def _rows(self, name: str) -> list[dict[str, Any]]:
        return self._lake.read_rows(f"{launch_prefix(ACCOUNT, LAUNCH)}{name}")

    def send(self) -> None:
        launch = LaunchStore(self._tables["campaigns"]).get(ACCOUNT, LAUNCH)
        for planned in launch.steps:
            self._clock.set(planned.planned_at)
            for line in self._lake.read_rows(f"{launch_prefix(ACCOUNT, LAUNCH)}candidates/manifest.jsonl"):
                self._plan(line, planned.step, "live", transitions=2)
            self.campaign.transitions["following"] += 6  # the loop's own states for one step
            minute, waiting = planned.planned_at, True
            while waiting:
                minute += timedelta(minutes=1)
                self._clock.set(minute)
                event = {**_sample("feeder"), "time": minute.strftime("%Y-%m-%dT%H:%M:%SZ")}
                self._invoke("releasing", "feeder", event)
                waiting = self._dispatch()
            self._hear_back(minute)

    def _dispatch(self) -> bool:
        """What is in the queue goes to the sender. False when there was nothing."""
        bodies = []
        sqs = boto3.client("sqs")
        while found := sqs.receive_message(
            QueueUrl=os.environ["SENDS_QUEUE_URL"], MaxNumberOfMessages=10, VisibilityTimeout=3600
        ).get("Messages"):
            bodies += [message["Body"] for message in found]
            for message in found:
                sqs.delete_message(QueueUrl=os.environ["SENDS_QUEUE_URL"], ReceiptHandle=message["ReceiptHandle"])
        for start in range(0, len(bodies), SENDER_BATCH):
            before = len(self._taken)
            self._invoke("sending", "sender", _records("sender", bodies[start : start + SENDER_BATCH]))
            taken = len(self._taken) - before
            for cause in ("releasing", "sending", "feedback", "export", "reporting"):
                self.campaign.meter.usage[cause].count += taken
            self.campaign.messages += taken
            self._poll("sending", 1)
        self._export()
        return bool(bodies)

    def _take(self, request: Mapping[str, Any]) -> str:
        message_id = f"0100019{len(self._taken):09x}-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-000000"
        simple = request["Content"]["Simple"]
        self._taken.append(
            Message(
                message_id=message_id,
                source=request["FromEmailAddress"],
                destination=tuple(request["Destination"]["ToAddresses"]),
                subject=simple["Subject"]["Data"],
                html="",
                text="",
                headers=tuple((header["Name"], header["Value"]) for header in simple.get("Headers", [])),
                tags={tag["Name"]: tag["Value"] for tag in request["EmailTags"]},
                configuration_set=request["ConfigurationSetName"],
                sent_at=START,
                tenant=None,
            )
        )
        return message_id

    def _hear_back(self, moment: datetime) -> None:
        """The provider's events, in the proportions of EVENTS, about the messages it took."""
        messages, self._taken = self._taken, []
        bodies = []
        for kind, share in EVENTS.items():
            for number in range(round(share * len(messages))):
                reaction = Reaction(kind, timedelta(minutes=1 + number % 60), **_particulars(kind))
                heard = provider_event(messages[number], reaction, moment, account="123456789012", region="us-east-1")
                bodies.append(json.dumps(heard))
        for start in range(0, len(bodies), FEEDBACK_BATCH):
            batch = bodies[start : start + FEEDBACK_BATCH]
            self._invoke("feedback", "feedback", _records("feedback", batch))
            self._poll("feedback", len(batch) / 10)
        usage = self.campaign.meter.usage["feedback"]
        usage.units["event"] += len(bodies)
        usage.units["sqs_request"] += len(bodies)  # EventBridge puts each into the queue
        self.campaign.events += len(bodies)
        self._export()

    def _poll(self, cause: str, batches: float) -> None:
        """What Lambda asks of the queue on our behalf: it receives and deletes ten messages at a time."""
        self.campaign.meter.usage[cause].units["sqs_request"] += 2 * max(1, -(-int(batches * 10) // 10))

    def _export(self) -> None:
        changes = self.campaign.meter.taken_changes()
        for start in range(0, len(changes), 10_000):
            records = [
                {
                    "eventName": "MODIFY",
                    "dynamodb": {"SequenceNumber": str(start + place), "NewImage": image, "Keys": _key(image)},
                }
                for place, image in enumerate(changes[start : start + 10_000])
            ]
            self._invoke("export", "engagement_export", {"Records": records})

    def report(self) -> None:
        launch = LaunchStore(self._tables["campaigns"]).get(ACCOUNT, LAUNCH)
        self._clock.set(launch.evaluation_ends_at)
        self._invoke("reporting", "launch_report", {"account_id": ACCOUNT, "launch_id": LAUNCH})
        self.campaign.transitions["following"] += 3
        looks = (launch.evaluation_ends_at - START).days
        for _ in range(looks):  # it looks once a day: what is next, act, wait
            event = {"account_id": ACCOUNT, "launch_id": LAUNCH, **_sample_clock()}
            self._invoke("following", "launch_clock", event, transitions=3)
        self.campaign.meter.usage["following"].count = 1

    def idle(self) -> None:
        event = {**_sample("feeder"), "time": "2026-12-01T00:00:00Z"}
        self._invoke("idle", "feeder", event, count=1)

    def weigh(self) -> None:
        """What of the launch stays: rows of the ledger, and contact lists."""
        for item in dynamodb_backends["123456789012"]["us-east-1"].get_table("performance").all_items():
            typed = item.to_json()["Attributes"]
            size = size_of(typed) + 100  # https://aws.amazon.com/dynamodb/pricing/on-demand/: 100 bytes an item
            if typed["sk"]["S"].startswith("send#"):
                self.campaign.ledger_bytes += size
            else:
                self.campaign.contact_bytes += size

    # -- functions

    def _request(self, function: str, method: str, path: str, body: Any, *, count: int) -> None:
        event = _sample(function)
        event |= {"httpMethod": method, "path": path, "body": json.dumps(body)}
        event["requestContext"]["authorizer"]["account_id"] = ACCOUNT
        answer = self._invoke("import", function, event, count=count)
        if answer["statusCode"] >= 300:
            raise RuntimeError(answer["body"])
        self.campaign.meter.usage["import"].units["api_request"] += 1

    def _invoke(
        self, cause: str, function: str, event: Mapping[str, Any], *, count: int = 0, transitions: int = 0
    ) -> Any:
        """Through JSON, as the runtime does, which is counted too."""
        text = json.dumps(event)
        handler = importlib.import_module(f"functions.{function}.handler")
        if (cause, function) not in self.campaign.invocations:
            _warm(handler)
        with self.campaign.meter.cause(cause, count) as usage, _log_of(handler) as log:
            cpu, calls = usage.cpu_seconds, Counter(usage.calls)
            answer = json.loads(json.dumps(handler.handler(json.loads(text), _CONTEXT)))
        place = (cause, function)
        self.campaign.invocations[place] += 1
        self.campaign.cpu_seconds[place] += usage.cpu_seconds - cpu
        for service, number in (usage.calls - calls).items():
            self.campaign.calls[*place, service] += number
        self.campaign.transitions[cause] += transitions
        self.campaign.logged[cause] += len(log.getvalue())
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        if failures:
            raise RuntimeError(f"{function} returned {len(failures)} messages: {log.getvalue()[-2000:]}")
        return answer


def _warm(handler: Any) -> None:
    """A function that runs has made its clients: boto3's start-up is not of the first message alone."""
    for name in ("parts", "dispatch", "lake", "settings", "control", "intake"):
        if hasattr(handler, name):
            getattr(handler, name)()


@contextmanager
def _log_of(handler: Any) -> Iterator[io.StringIO]:
    """What the function would log, its metrics included."""
    log = io.StringIO()
    stream = handler.logger.registered_handler.stream
    handler.logger.registered_handler.stream = log
    try:
        with redirect_stdout(log):
            yield log
    finally:
        handler.logger.registered_handler.stream = stream


def _sample(function: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path("events") / f"{function}.json").read_text(encoding="utf-8"))
    return found


def _sample_clock() -> dict[str, Any]:
    return {name: value for name, value in _sample("launch_clock").items() if name not in ("account_id", "launch_id")}


def _records(function: str, bodies: Sequence[str]) -> dict[str, Any]:
    record = _sample(function)["Records"][0]
    return {"Records": [{**record, "messageId": str(n), "body": body} for n, body in enumerate(bodies)]}


def _key(image: Typed) -> dict[str, Any]:
    return {"pk": image["pk"], "sk": image["sk"]}


def _particulars(kind: Kind) -> dict[str, Any]:
    agent = {"user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"}
    match kind:
        case Kind.BOUNCE:
            return {"bounce_type": "Permanent", "bounce_sub_type": "General"}
        case Kind.OPEN:
            return agent
        case Kind.CLICK:
            return {**agent, "link": "https://acme.example.com/"}
        case _:
            return {}
