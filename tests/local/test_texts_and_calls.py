"""A campaign by every channel but e-mail on the deployed cloud: what arrives, what comes back, who is left alone."""

import base64
import csv
import hashlib
import hmac
import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.cloud import Cloud, create_account
from local.datasets import orders_csv, purchases
from local.demo.store import Store
from local.demo.timeline import Timeline
from winback.identifiers import SendId
from winback.instants import format_instant

HISTORY_ENDS = datetime(1997, 10, 1, tzinfo=UTC)
CUSTOMERS = 120
NUMBER_OF_OURS = "phone-0123456789abcdef"
HOOK_KEY = b"0123456789abcdef01234567"
HOOK_SECRET = "winback-local-webhook-talking-shop"
DEFINITION: dict[str, Any] = {
    "name": "A word with you",
    "audience": {"families": ["Slipping", "Already Lost"]},
    "channels": ["push", "sms"],
    "steps": [
        {"template": "vip-at-risk", "after_days": 0, "send_at": "10:00"},
        {"template": "vip-at-risk", "channels": ["call"], "after_days": 2, "send_at": "11:00"},
        {"template": "vip-at-risk", "channels": ["sms", "webhook"], "after_days": 4, "send_at": "11:00"},
    ],
    "holdout": {"share": 0},
    "stop_on": ["unsubscribe"],
    "evaluation_days": 9,
}


@dataclass(frozen=True)
class Customer:
    customer_id: str
    number: str
    allows_texts: bool
    is_there: bool  # or the number is nobody's
    language: str
    push_token: str


@dataclass
class Spoken:
    """What happened, for the tests to look at."""

    cloud: Cloud
    store: Store
    customers: dict[str, "Customer"] = field(default_factory=dict)  # by telephone number
    launch: dict[str, Any] = field(default_factory=dict)
    texts: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""  # the number of who texted STOP
    calls: list[dict[str, Any]] = field(default_factory=list)
    said: dict[str, dict[str, Any]] = field(default_factory=dict)  # of calls, by outcome
    hooks: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def spoken(cloud: Cloud) -> Spoken:
    sns, secrets = cloud.client("sns"), cloud.client("secretsmanager")
    app = sns.create_platform_application(Name="talking-shop", Platform="GCM", Attributes={"PlatformCredential": "key"})
    secrets.create_secret(Name=HOOK_SECRET, SecretString="whsec_" + base64.b64encode(HOOK_KEY).decode())
    settings = {
        "time_zone": "America/New_York",
        "channels": {
            "sms": {"origination_identity": NUMBER_OF_OURS},
            "push": {"platform_application": app["PlatformApplicationArn"]},
            "webhook": {"url": "https://hooks.example.com/in?brand=talking", "secret_name": HOOK_SECRET},
        },
    }
    shop = replace(cloud, state=create_account(cloud.state, "talking-shop", **settings))
    played = Spoken(shop, Store(shop.api))
    shop.set_clock(HISTORY_ENDS)
    _import(played, app["PlatformApplicationArn"])
    played.store.refresh(format_instant(HISTORY_ENDS))
    launch_id = _launch(played)
    timeline = Timeline(shop, played.store, launch_id, channels=("push", "sms", "call", "webhook"))
    timeline.dispatch([1], planning=lambda _: None, sending=lambda: None)
    shop.wait_drained("texts")
    texts = [text for text in shop.mail.texts() if _send_id(text).launch_id == launch_id]
    said = next(text for text in texts if played.customers[text["number"]].is_there)
    played.stopped = said["number"]
    shop.mail.text_back(said["number"], "Stopp, bitte!", said["message_id"])
    shop.wait_drained("text-answers")
    timeline.dispatch([2], planning=lambda _: None, sending=lambda: None)
    played.calls = played.store.get("/v1/calls")["calls"]
    _call(played)
    shop.mail.answer_hooks(503)
    timeline.dispatch([3], planning=lambda _: None, sending=lambda: None)
    shop.wait_drained("texts")
    played.texts = [text for text in shop.mail.texts() if _send_id(text).launch_id == launch_id]
    played.hooks = shop.mail.hook_requests()
    timeline.move_to(HISTORY_ENDS + timedelta(days=10))
    played.launch = played.store.launch_in(launch_id, "finished")
    played.report = played.store.get(f"/v1/launches/{launch_id}/report")["report"]
    return played


def _import(played: Spoken, platform_application: str) -> None:
    bought = [row for row in purchases() if int(row.customer_id) <= CUSTOMERS and row.on < HISTORY_ENDS.date()]
    sns = played.cloud.client("sns")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    consents = ["sms_consent", "push_consent", "call_consent", "webhook_consent", "consent_at"]
    writer.writerow(["customer_id", "phone", "country", "time_zone", "locale", "push_token", *consents])
    for place, customer_id in enumerate(sorted({row.customer_id for row in bought})):
        is_there, language = place % 3 != 1, "de" if place % 6 == 2 else "en"
        living = f"+49151234560{place:02}" if language == "de" else f"+1206555{1200 + place}"
        number, token = living if is_there else f"+1206{320 + place}0000", ""
        if place % 7 == 0:
            token = sns.create_platform_endpoint(PlatformApplicationArn=platform_application, Token=f"device-{place}")[
                "EndpointArn"
            ]
        played.customers[number] = Customer(customer_id, number, place % 3 != 0, is_there, language, token)
        texts, pushes = "granted" if place % 3 else "denied", "granted" if token else "unknown"
        where = ("DE", "Europe/Berlin") if language == "de" else ("US", "America/New_York")
        writer.writerow(
            [customer_id, number, *where, language, token, texts, pushes, "granted", "granted", "1997-01-01T00:00:00Z"]
        )
    played.store.import_file("customers", text.getvalue().encode())
    played.store.import_file("orders", orders_csv(bought))


def _call(played: Spoken) -> None:
    """Says how calls went of customers who allow texts and may be contacted once more; the first of them gets texts."""
    allow = {customer.customer_id: customer for customer in played.customers.values() if customer.allows_texts}
    again = [call for call in played.calls if call["customer_id"] in allow and _is_slipping(played, call)]
    reached = next(call for call in again if allow[call["customer_id"]].is_there)
    others = [call for call in again if call is not reached]
    played.said = dict(zip(("reached", "wrong_number", "do_not_call"), (reached, *others), strict=False))
    assert len(played.said) == 3
    for outcome, call in played.said.items():
        played.store.post(f"/v1/calls/{call['call_id']}/outcome", {"outcome": outcome})


def _is_slipping(played: Spoken, call: dict[str, Any]) -> bool:
    segment: str = played.store.get(f"/v1/customers/{call['customer_id']}")["segment"]["segment"]
    return segment.startswith("Slipping")


def _launch(played: Spoken) -> str:
    defined = played.store.post("/v1/campaigns", DEFINITION, once="test")
    starts_at = {"starts_at": format_instant(HISTORY_ENDS)}
    launch = played.store.post(f"/v1/campaigns/{defined['campaign_id']}/launches", starts_at, once="test")
    ready = played.store.launch_in(launch["launch_id"], "awaiting_approval")
    approval = {"approved_by": "a test", "dry_run_fingerprint": ready["dry_run"]["fingerprint"]}
    played.store.post(f"/v1/launches/{launch['launch_id']}/approve", approval)
    launch_id: str = launch["launch_id"]
    return launch_id


def _send_id(text: dict[str, Any]) -> SendId:
    return SendId.parse(text["context"]["send_id"])


def _texts_of(spoken: Spoken, step: int) -> list[dict[str, Any]]:
    return [text for text in spoken.texts if _send_id(text).step == step]


def test_every_text_goes_once_to_who_allows_texts_in_their_language_and_says_how_to_stop(spoken: Spoken) -> None:
    numbers = [text["number"] for text in _texts_of(spoken, 1)]
    assert len(numbers) == len(set(numbers)) == spoken.launch["dry_run"]["steps"][0]["channels"]["sms"]["recipients"]
    assert all(spoken.customers[number].allows_texts for number in numbers)
    for text in spoken.texts:
        german = spoken.customers[text["number"]].language == "de"
        assert ("Abmelden: Antwort STOP" if german else "Reply STOP to opt out") in text["text"]
    assert {text["origination_identity"] for text in spoken.texts} == {NUMBER_OF_OURS}


def test_who_has_the_app_is_notified_and_not_texted(spoken: Spoken) -> None:
    counted = spoken.report["ledger"]["channels"]["push"]
    assert 0 < counted["accepted"] == counted["planned"]
    assert not any(spoken.customers[text["number"]].push_token for text in _texts_of(spoken, 1))


def test_what_became_of_texts_is_in_the_ledger(spoken: Spoken) -> None:
    counted = spoken.report["ledger"]["channels"]["sms"]
    arrived = sum(spoken.customers[text["number"]].is_there for text in spoken.texts)
    assert 0 < arrived < len(spoken.texts)
    assert (counted["delivered"], counted["bounced_hard"]) == (arrived, len(spoken.texts) - arrived)
    assert spoken.report["ledger"]["balanced"]
    assert all(check["holds"] for check in spoken.report["checks"])


def test_who_texted_stop_is_not_called_and_the_others_are(spoken: Spoken) -> None:
    called = {call["customer_id"] for call in spoken.calls}
    numbers = {text["number"] for text in _texts_of(spoken, 1)} - {spoken.stopped}
    assert {spoken.customers[number].customer_id for number in numbers} <= called
    assert spoken.customers[spoken.stopped].customer_id not in called


def test_an_outcome_closes_a_call_and_counts(spoken: Spoken) -> None:
    left = {call["call_id"] for call in spoken.store.get("/v1/calls")["calls"]}
    assert left == {call["call_id"] for call in spoken.calls} - {call["call_id"] for call in spoken.said.values()}
    counted = spoken.report["ledger"]["channels"]["call"]
    assert (counted["delivered"], counted["bounced_hard"], counted["accepted"]) == (2, 1, len(left))


def test_who_wants_no_calls_is_left_alone_and_a_wrong_number_is_not_texted(spoken: Spoken) -> None:
    reached_by = {spoken.customers[text["number"]].customer_id: "sms" for text in _texts_of(spoken, 3)}
    reached_by |= {json.loads(hook["body"])["data"]["customer_id"]: "webhook" for hook in spoken.hooks}
    found = {outcome: reached_by.get(call["customer_id"]) for outcome, call in spoken.said.items()}
    assert found == {"reached": "sms", "wrong_number": "webhook", "do_not_call": None}


def test_a_webhook_gets_each_message_once_signed_also_when_it_asked_to_come_later(spoken: Spoken) -> None:
    assert [hook["status"] for hook in spoken.hooks].count(503) == 1
    taken = [hook["headers"]["webhook-id"] for hook in spoken.hooks if hook["status"] == 202]
    assert {hook["headers"]["webhook-id"] for hook in spoken.hooks} == set(taken)
    assert len(taken) == len(set(taken)) == spoken.report["ledger"]["channels"]["webhook"]["accepted"]
    for hook in spoken.hooks:
        assert (hook["host"], hook["path"]) == ("hooks.example.com", "/in?brand=talking")
        headers = hook["headers"]
        signed = ".".join((headers["webhook-id"], headers["webhook-timestamp"], hook["body"])).encode()
        signature = base64.b64encode(hmac.new(HOOK_KEY, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{signature}"
