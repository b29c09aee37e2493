"""One account's cloud in memory: tables, lake, queue, secret, a running launch, and an SES that records."""

import importlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.invocation import Invocation
from winback.accounts import (
    Account,
    ChannelCaps,
    FrequencyCap,
    FrequencyCaps,
    QuietHours,
    Sender,
    SendWindow,
)
from winback.accounts.look import Look
from winback.accounts.warm_up import WarmUp
from winback.aws import keys
from winback.aws.circuits import Circuits
from winback.aws.clock import SystemClock
from winback.aws.due import DueEntry, DueIndex
from winback.aws.lake import Lake, launch_prefix
from winback.aws.launches import LaunchStore
from winback.aws.ledger import Ledger
from winback.aws.quota import DayQuota
from winback.aws.tables import Accounts, table
from winback.campaigns.audience import Audience
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState, PlannedStep
from winback.campaigns.policies import OfferPolicy
from winback.campaigns.steps import Step
from winback.delivery.release import Release
from winback.identifiers import AccountId, CampaignId, CustomerKey, LaunchId, SendId, SnapshotId
from winback.instants import format_instant
from winback.offers.offer import Offer
from winback.segmentation.names import Family

EVENTS = Path(__file__).parents[3] / "events"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LAUNCH = LaunchId("lau-3f2a9c0d1e4b")
TABLES = ("campaigns", "customers", "performance")
SECRET = "signing-secret"
OFFER = "off-000000000001"
MESSAGE = {
    "name": "note",
    "subject": '{{ customer.first_name | default: "Hello" }}, we miss you',
    "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>"
    "{{ shop.name }} {{ shop.color }} {{ shop.url }} {{ shop.postal_address }} "
    '<a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text></mj-column></mj-section></mj-body></mjml>',
}
KEPT = {  # by function
    "feeder": "parts",
    "sender": "dispatch",
    "feedback": "book",
    "unsubscribe": "parts",
    "sms_events": "parts",
    "sms_inbound": "parts",
    "api_calls": "parts",
}
FUNCTIONS = tuple(KEPT)


@dataclass
class Ses:
    """Takes e-mails as the client would, after the real client has checked the request against SES's model."""

    checked: Any
    sent: list[dict[str, Any]] = field(default_factory=list)
    error: ClientError | None = None
    rate: float = 100.0

    def send_email(self, **request: Any) -> dict[str, str]:
        model = self.checked.meta.service_model.operation_model("SendEmail")
        self.checked._convert_to_request_dict(request, model, "https://email.eu-central-1.amazonaws.com")
        if self.error is not None:
            raise self.error
        self.sent.append(request)
        return {"MessageId": f"m-{len(self.sent)}"}

    def get_account(self) -> dict[str, Any]:
        return {"SendQuota": {"MaxSendRate": self.rate, "Max24HourSend": 1000.0, "SentLast24Hours": 940.0}}


@dataclass
class Cloud:
    account: Account
    campaigns: Any
    customers: Any
    performance: Any
    lake: Lake
    queue_url: str
    ses: Ses
    context: Invocation = field(default_factory=Invocation)
    log: io.StringIO = field(default_factory=io.StringIO)

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """Through JSON, as the runtime does."""
        handler = importlib.import_module(f"functions.{name}.handler").handler
        return json.loads(json.dumps(handler(json.loads(json.dumps(event)), self.context)))

    def event(self, name: str) -> dict[str, Any]:
        sample: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
        return sample

    def records(self, *bodies: Any) -> dict[str, Any]:
        """An SQS event of these bodies."""
        record = self.event("sender")["Records"][0]
        return {
            "Records": [
                {**record, "messageId": str(number), "body": body if isinstance(body, str) else json.dumps(body)}
                for number, body in enumerate(bodies)
            ]
        }

    def send_id(self, number: int, step: int = 1) -> SendId:
        return SendId(self.account.account_id, LAUNCH, step, CustomerKey(f"{number:032x}"))

    def row(self, number: int, step: int = 1) -> dict[str, Any]:
        send_id = self.send_id(number, step)
        return Ledger(self.performance).rows([send_id])[send_id]

    def rows(self) -> list[dict[str, Any]]:
        """Of all sends, in their order."""
        found = Ledger(self.performance).rows([self.send_id(number) for number in range(30)])
        return [row for _, row in sorted(found.items(), key=lambda pair: pair[0].customer_key)]

    @property
    def today(self) -> datetime:
        """By the process's own clock, which switches and counters go by."""
        return NOW

    @property
    def first_day(self) -> WarmUp:
        return WarmUp(started_on=self.today.date())

    def use_up_the_day(self, rows: int) -> None:
        assert DayQuota(self.campaigns, 500, self.account.account_id, self.today.date()).take(rows) == rows

    def pass_time_of_circuit(self) -> None:
        circuits = Circuits(self.campaigns)
        stored = circuits.read("email")
        circuits.save("email", replace(stored.circuit, until=self.today), replacing=stored.version)

    def set_clock(self, now: datetime) -> None:
        self.campaigns.put_item(Item={"pk": "clock", "sk": "now", "now": format_instant(now)})

    def set_launch(self, state: LaunchState) -> None:
        store = LaunchStore(self.campaigns)
        store.save(store.get(self.account.account_id, LAUNCH).model_copy(update={"state": state}))

    def set_steps(
        self,
        *steps: dict[str, Any],
        planned_at: tuple[datetime, ...] = (NOW,),
        offer: dict[str, Any] | None = None,
    ) -> None:
        """The launch with these steps of a definition, their planned times, and the offer that they may carry."""
        store = LaunchStore(self.campaigns)
        launch = store.get(self.account.account_id, LAUNCH)
        policy = OfferPolicy(offers=(OFFER,), budget_minor=100_000) if offer is not None else None
        definition = launch.definition.model_copy(
            update={"steps": tuple(Step.model_validate(one) for one in steps), "offers": policy}
        )
        planned = tuple(PlannedStep(step=number, planned_at=at) for number, at in enumerate(planned_at, start=1))
        at = format_instant(NOW)
        of_catalogue = {"offer_id": OFFER, "name": "Back", "currency": "EUR", "created_at": at, "updated_at": at}
        offers = (Offer.model_validate({**of_catalogue, **offer}),) if offer is not None else ()
        store.save(launch.model_copy(update={"definition": definition, "steps": planned, "offers": offers}))

    def send_offer(self, number: int, step: int, at: datetime) -> None:
        """Plans the step with the launch's offer for this customer alone, and has it sent then."""
        key = f"launches/plan/step-{step}-{number}.jsonl.gz"
        row = {
            "customer_key": f"{number:032x}",
            "send_id": str(self.send_id(number, step)),
            "arm": "treatment",
            "channel": "email",
            "send_at": format_instant(at),
            "verdict": "allow",
            "offer_id": OFFER,
        }
        self.lake.write_rows(key, [row])
        self.set_clock(at)
        release = Release("email", self.account.account_id, LAUNCH, step, 0, key, 0, 1)
        assert self.invoke("sender", self.records(release.to_json())) == {"batchItemFailures": []}

    def message(self) -> dict[str, str]:
        """A template as it is given inline."""
        return dict(MESSAGE)

    def due(self, now: datetime = NOW) -> list[DueEntry]:
        index = DueIndex(self.campaigns)
        return [entry for shard in range(keys.DUE_SHARDS) for entry in index.due(now, shard, "email")]

    def queued(self) -> list[Release]:
        found: list[Release] = []
        while (
            messages := boto3.client("sqs")
            .receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
            .get("Messages")
        ):
            found += [Release.from_json(message["Body"]) for message in messages]
        return found


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "winback-test")
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    with mock_aws():
        for name in TABLES:
            monkeypatch.setenv(f"{name.upper()}_TABLE", name)
            boto3.client("dynamodb").create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in ("pk", "sk")],
            )
        boto3.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        boto3.client("secretsmanager").create_secret(Name="unsubscribe", SecretString=SECRET)
        queue_url = boto3.client("sqs").create_queue(QueueName="sends")["QueueUrl"]
        for name, value in {
            "LAKE_BUCKET": "lake",
            "SENDS_QUEUE_URL": queue_url,
            "SES_CONFIGURATION_SET": "winback-test",
            "SES_TENANTS": "false",
            "SMS_CONFIGURATION_SET": "",
            "SMS_ORIGINATION_IDENTITY": "",
            "UNSUBSCRIBE_SECRET": "unsubscribe",
            "CHANNEL_RATES": '{"sms": 10, "push": 10, "webhook": 10, "call": 10}',
            "CLOCK_SOURCE": "table",
        }.items():
            monkeypatch.setenv(name, value)
        made = _cloud(queue_url)
        _forget()
        for name in FUNCTIONS:
            logger = importlib.import_module(f"functions.{name}.handler").logger
            monkeypatch.setattr(logger.registered_handler, "stream", made.log)
        monkeypatch.setattr("winback.delivery.sending._PAUSES", ())
        monkeypatch.setattr("winback.aws.channels.ses_client", lambda: made.ses)
        monkeypatch.setattr("functions.sender.handler.THREADS", 1)  # the mock's tables are not for threads
        monkeypatch.setattr(SystemClock, "now", lambda clock, event=None: NOW)
        monkeypatch.setattr(boto3, "client", _client_with(made.ses, boto3.client))
        yield made
        _forget()


def _client_with(ses: Ses, real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda service, *args, **kwargs: ses if service == "sesv2" else real(service, *args, **kwargs)


def _forget() -> None:
    """What the functions keep between invocations."""
    for name in FUNCTIONS:
        module = importlib.import_module(f"functions.{name}.handler")
        getattr(module, KEPT[name]).cache_clear()


def _cloud(queue_url: str) -> Cloud:
    account = Account(
        account_id=AccountId("fjord"),
        name="Fjord Records",
        currency="EUR",
        key_salt="0" * 32,
        sender=Sender(name="Fjord Records", email="hello@mail.example.com", postal_address="1 Harbour Street, Bergen"),
        public_url="https://mail.example.com",
        frequency_caps=FrequencyCaps(
            channels=ChannelCaps(email=FrequencyCap(sends=2, days=7)), overall=FrequencyCap(sends=3, days=7)
        ),
        quiet_hours=QuietHours(start=time(0), end=time(0)),
        unknown_zone=SendWindow(from_=time(0), until=time(0)),
    )
    made = Cloud(
        account,
        *(table(name) for name in TABLES),
        lake=Lake("lake"),
        queue_url=queue_url,
        ses=Ses(boto3.client("sesv2")),
    )
    Accounts(made.campaigns).put(account)
    made.campaigns.put_item(Item={"pk": "clock", "sk": "now", "now": format_instant(NOW)})
    launch = Launch.prepare(
        account.account_id,
        LAUNCH,
        CampaignId("cmp-000000000001"),
        CampaignDefinition(
            name="Autumn",
            audience=Audience(families=(Family.SLIPPING,)),
            steps=(Step.model_validate({"template": MESSAGE, "after_days": 0}),),
            evaluation_days=30,
        ),
        SnapshotId("snp-000000000001"),
        prefix=launch_prefix(account.account_id, LAUNCH),
        starts_at=NOW - timedelta(hours=1),
        now=NOW - timedelta(days=1),
        zone=account.zone,
        look=Look.of(account),
    ).model_copy(update={"state": LaunchState.RUNNING})
    LaunchStore(made.campaigns).create(launch)
    rows = []
    for number in range(30):
        made.customers.put_item(
            Item={
                **keys.profile(account.account_id, CustomerKey(f"{number:032x}")),
                "email": f"customer.{number}@example.com",
                "first_name": f"Name{number}",
                "consent": {"email": {"state": "granted", "at": format_instant(NOW), "source": "import"}},
            }
        )
        held_out = number % 5 == 4
        rows.append(
            {
                "customer_key": f"{number:032x}",
                "send_id": str(made.send_id(number)),
                "arm": "holdout" if held_out else "treatment",
                "variants": {},
                "channel": "email",
                "send_at": format_instant(NOW),
                "verdict": "deny" if held_out else "allow",
                "reasons": ["held_out"] if held_out else [],
            }
        )
    key = f"{launch.prefix}plan-live/step-1/chunk-00000.jsonl.gz"
    made.lake.write_rows(key, rows)
    DueIndex(made.campaigns).put(DueEntry("email", account.account_id, LAUNCH, 1, 0, key, 0, len(rows), NOW))
    return made
