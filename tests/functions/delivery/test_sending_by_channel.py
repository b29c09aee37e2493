"""A due message of each channel leaves through its own provider, from the queue to the ledger."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends

from tests.functions.delivery.conftest import LAUNCH, NOW, Cloud
from winback.accounts.channels import ChannelSettings, PushSettings, SmsSettings, WebhookSettings
from winback.aws import keys
from winback.aws.call_tasks import CallTasks
from winback.aws.channels.webhook import WebhookProvider
from winback.aws.circuits import Circuits
from winback.aws.due import DueIndex
from winback.aws.lake import launch_prefix
from winback.aws.launches import LaunchStore
from winback.aws.tables import Accounts
from winback.aws.texts import TextIndex
from winback.delivery.calls import CallState
from winback.delivery.channels import ChannelName
from winback.delivery.circuit import FAILURES, circuit_of
from winback.delivery.ledger import State
from winback.delivery.release import Release
from winback.identifiers import AccountId
from winback.instants import format_instant

HOOK = WebhookSettings(url="https://hooks.example.com/in", secret_name="winback-test-webhook-fjord")
TEMPLATE = {
    "name": "every-channel",
    "sms": "Hi {{ customer.first_name }}, {{ shop.name }} misses you. {{ opt_out }}",
    "push_title": "We miss you",
    "push_body": "Hello {{ customer.first_name }}",
    "call": "Ask {{ customer.first_name }} how it fits.",
}


def send(cloud: Cloud, channel: str, **settings: Any) -> dict[str, Any]:
    """The ledger row of customer 1 after one release of one row by this channel."""
    release_rows(cloud, channel, [1], **settings)
    found = cloud.row(1)
    assert (found["state"], found["channel"]) == (State.ACCEPTED, channel), found
    return found


def release_rows(cloud: Cloud, channel: str, customers: list[int], **settings: Any) -> None:
    account = cloud.account.model_copy(update={"channels": ChannelSettings(**settings)})
    Accounts(cloud.campaigns).put(account)
    for number in customers:
        cloud.customers.put_item(
            Item={
                **keys.profile(account.account_id, cloud.send_id(number).customer_key),
                "customer_id": f"c-{number}",
                "first_name": "Ann",
                "phone": "+4915123456789",
                "push_token": "token-12345",
                "consent": {channel: {"state": "granted", "at": format_instant(NOW), "source": "import"}},
            }
        )
    cloud.set_steps({"template": TEMPLATE, "after_days": 0, "channels": [channel]})
    store = LaunchStore(cloud.campaigns)
    launch = store.get(account.account_id, LAUNCH)
    store.save(
        launch.model_copy(
            update={"definition": launch.definition.model_copy(update={"channels": (ChannelName(channel),)})}
        )
    )
    rows = [
        {
            "customer_key": cloud.send_id(number).customer_key,
            "send_id": str(cloud.send_id(number)),
            "arm": "treatment",
            "variants": {},
            "channel": channel,
            "send_at": format_instant(NOW),
            "verdict": "allow",
            "reasons": [],
        }
        for number in customers
    ]
    key = f"{launch_prefix(account.account_id, LAUNCH)}plan-live/step-1/chunk-00001.jsonl.gz"
    cloud.lake.write_rows(key, rows)
    release = Release(channel, account.account_id, LAUNCH, 1, 1, key, 0, len(rows))
    assert cloud.invoke("sender", cloud.records(release.to_json())) == {"batchItemFailures": []}, cloud.log.getvalue()


def test_a_text_leaves_through_sns_and_its_message_leads_back_to_the_send(cloud: Cloud) -> None:
    row = send(cloud, "sms", sms=SmsSettings(sender_ids={"DE": "Fjord"}))
    (sent,) = sns_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sms_messages.values()
    assert sent[0] == "+4915123456789"
    assert sent[1].startswith("Hi Ann, Fjord Records misses you. ")
    assert TextIndex(cloud.performance, lambda: NOW).find(row["message_id"]) == cloud.send_id(1)


def test_a_notification_leaves_through_the_accounts_application(cloud: Cloud) -> None:
    sns = boto3.client("sns")
    application = sns.create_platform_application(Name="fjord", Platform="GCM", Attributes={})["PlatformApplicationArn"]
    send(cloud, "push", push=PushSettings(platform_application=application))
    endpoints = sns.list_endpoints_by_platform_application(PlatformApplicationArn=application)["Endpoints"]
    assert [endpoint["Attributes"]["Token"] for endpoint in endpoints] == ["token-12345"]


Posted = list[tuple[str, Mapping[str, str]]]


@pytest.fixture
def posted(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> tuple[Posted, list[int]]:
    """What was posted, and the statuses that answer it; 200 once these are used up."""
    boto3.client("secretsmanager").create_secret(Name=HOOK.secret_name, SecretString="key")
    seen: Posted = []
    statuses: list[int] = []

    def post(url: str, _: str, __: bytes, headers: Mapping[str, str]) -> int:
        seen.append((url, headers))
        return statuses.pop(0) if statuses else 200

    def provider(secrets: Any, **more: Any) -> WebhookProvider:
        return WebhookProvider(secrets, **more, resolve=lambda host, port: ["93.184.215.14"], post=post)

    monkeypatch.setattr("winback.aws.channels.WebhookProvider", provider)
    return seen, statuses


def test_a_webhook_gets_the_message_signed(cloud: Cloud, posted: tuple[Posted, list[int]]) -> None:
    send(cloud, "webhook", webhook=HOOK)
    assert [(to, headers["Idempotency-Key"]) for to, headers in posted[0]] == [(HOOK.url, str(cloud.send_id(1)))]


def test_an_endpoint_in_trouble_holds_up_its_own_account_alone(cloud: Cloud, posted: tuple[Posted, list[int]]) -> None:
    posted[1].extend([500] * FAILURES)
    release_rows(cloud, "webhook", list(range(1, FAILURES + 3)), webhook=HOOK)
    assert [cloud.row(number)["state"] for number in range(1, FAILURES + 1)] == [State.UNKNOWN] * FAILURES
    assert len(posted[0]) == FAILURES
    circuits = Circuits(cloud.campaigns)
    mine, others = (circuit_of("webhook", AccountId(account)) for account in (cloud.account.account_id, "others"))
    assert [circuits.read(name).circuit.passes for name in (mine, others, "webhook")] == [False, True, True]
    later = [
        entry
        for shard in range(keys.DUE_SHARDS)
        for entry in DueIndex(cloud.campaigns).due(NOW + timedelta(minutes=1), shard, "webhook")
    ]
    assert [(entry.from_row, entry.to_row) for entry in later] == [(FAILURES, FAILURES + 2)]


def test_a_call_is_put_on_the_account_managers_list(cloud: Cloud) -> None:
    row = send(cloud, "call")
    page = CallTasks(cloud.performance).page(
        cloud.account.account_id, CallState.OPEN, due_until=None, limit=10, cursor=None
    )
    (call,) = page.calls
    assert (call["sk"], "Ask Ann how it fits." in call["fields"].values()) == (row["message_id"], True)
