"""A campaign by text, then by telephone, on the deployed cloud: what arrives, what comes back, who is left alone."""

import csv
import io
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
CUSTOMERS = 60
NUMBER_OF_OURS = "phone-0123456789abcdef"
DEFINITION: dict[str, Any] = {
    "name": "A word with you",
    "audience": {"families": ["Slipping", "Already Lost"]},
    "channels": ["sms"],
    "steps": [
        {"template": "vip-at-risk", "after_days": 0, "send_at": "10:00"},
        {"template": "vip-at-risk", "channels": ["call"], "after_days": 2, "send_at": "11:00"},
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
    reached: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def spoken(cloud: Cloud) -> Spoken:
    settings = {
        "time_zone": "America/New_York",
        "channels": {"sms": {"origination_identity": NUMBER_OF_OURS}},
    }
    shop = replace(cloud, state=create_account(cloud.state, "talking-shop", **settings))
    played = Spoken(shop, Store(shop.api))
    shop.set_clock(HISTORY_ENDS)
    _import(played)
    played.store.refresh(format_instant(HISTORY_ENDS))
    launch_id = _launch(played)
    timeline = Timeline(shop, played.store, launch_id, channels=("sms", "call"))
    timeline.dispatch([1], planning=lambda _: None, sending=lambda: None)
    shop.wait_drained("texts")
    played.texts = [text for text in shop.mail.texts() if _send_id(text).launch_id == launch_id]
    said = next(text for text in played.texts if played.customers[text["number"]].is_there)
    played.stopped = said["number"]
    shop.mail.text_back(said["number"], "Stop.", said["message_id"])
    shop.wait_drained("text-answers")
    timeline.dispatch([2], planning=lambda _: None, sending=lambda: None)
    played.calls = played.store.get("/v1/calls")["calls"]
    call_id = played.calls[0]["call_id"]
    played.reached = played.store.post(f"/v1/calls/{call_id}/outcome", {"outcome": "reached"})
    timeline.move_to(HISTORY_ENDS + timedelta(days=10))
    played.launch = played.store.launch_in(launch_id, "finished")
    played.report = played.store.get(f"/v1/launches/{launch_id}/report")["report"]
    return played


def _import(played: Spoken) -> None:
    bought = [row for row in purchases() if int(row.customer_id) <= CUSTOMERS and row.on < HISTORY_ENDS.date()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["customer_id", "phone", "country", "time_zone", "sms_consent", "call_consent", "consent_at"])
    for place, customer_id in enumerate(sorted({row.customer_id for row in bought})):
        is_there = place % 3 != 1
        number = f"+1206555{1200 + place}" if is_there else f"+1206{320 + place}0000"
        played.customers[number] = Customer(customer_id, number, place % 3 != 0, is_there)
        texts = "granted" if played.customers[number].allows_texts else "denied"
        writer.writerow([customer_id, number, "US", "America/New_York", texts, "granted", "1997-01-01T00:00:00Z"])
    played.store.import_file("customers", text.getvalue().encode())
    played.store.import_file("orders", orders_csv(bought))


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


def test_every_text_goes_once_to_who_allows_texts_and_says_how_to_stop(spoken: Spoken) -> None:
    numbers = [text["number"] for text in spoken.texts]
    assert len(numbers) == len(set(numbers)) == spoken.launch["dry_run"]["steps"][0]["recipients"]
    assert all(spoken.customers[number].allows_texts for number in numbers)
    assert all("STOP" in text["text"] for text in spoken.texts)
    assert {text["origination_identity"] for text in spoken.texts} == {NUMBER_OF_OURS}


def test_what_became_of_texts_is_in_the_ledger(spoken: Spoken) -> None:
    counted = spoken.report["ledger"]["channels"]["sms"]
    arrived = sum(spoken.customers[text["number"]].is_there for text in spoken.texts)
    assert 0 < arrived < len(spoken.texts)
    assert (counted["delivered"], counted["bounced_hard"]) == (arrived, len(spoken.texts) - arrived)
    assert spoken.report["ledger"]["balanced"]
    assert all(check["holds"] for check in spoken.report["checks"])


def test_who_texted_stop_is_not_called_and_the_others_are(spoken: Spoken) -> None:
    called = {call["customer_id"] for call in spoken.calls}
    texted = {spoken.customers[text["number"]].customer_id for text in spoken.texts if text["number"] != spoken.stopped}
    assert texted <= called
    assert spoken.customers[spoken.stopped].customer_id not in called


def test_an_outcome_closes_a_call(spoken: Spoken) -> None:
    left = {call["call_id"] for call in spoken.store.get("/v1/calls")["calls"]}
    assert left == {call["call_id"] for call in spoken.calls[1:]}
    assert spoken.reached["outcome"] == "reached"
