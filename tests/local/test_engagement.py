"""What is told of customers reaches the lake: by the ledger's stream, by the API and by a file."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local.cloud import Cloud
from winback.aws.lake import Lake, engagement_prefix
from winback.aws.ledger import Ledger
from winback.delivery.ledger import Description, EventKind, FeedbackEvent
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId

SENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECONDS = 60


def touches(shop: Cloud) -> list[dict[str, Any]]:
    lake = Lake(shop.lake_bucket, shop.client("s3"))
    keys = list(lake.list(engagement_prefix(AccountId(shop.state.account_id))))
    return [row for key in keys if key.endswith(".gz") for row in lake.read_rows(key)]


def wait_for(shop: Cloud, kinds: set[str]) -> list[dict[str, Any]]:
    deadline = time.monotonic() + SECONDS
    while True:
        found = touches(shop)
        if {row["kind"] for row in found} == kinds:
            return found
        assert time.monotonic() < deadline, sorted(row["kind"] for row in found)
        time.sleep(0.5)


def test_a_send_and_what_came_of_it_are_exported_as_they_happen(shop: Cloud) -> None:
    ledger = Ledger(shop.table("performance"))
    send = SendId(AccountId(shop.state.account_id), LaunchId("lau-0123456789ab"), 1, CustomerKey(f"{7:032x}"))
    ledger.claim(
        send,
        claim="c",
        now=SENT,
        lease_until=SENT + timedelta(minutes=2),
        described=Description("cmp-0123456789ab", "email"),
    )
    ledger.accepted(send, claim="c", at=SENT, message_id="m")
    ledger.record(send, FeedbackEvent(EventKind.SENT, SENT + timedelta(seconds=1)))
    wait_for(shop, {"sent"})
    ledger.record(send, FeedbackEvent(EventKind.DELIVERED, SENT + timedelta(seconds=5)))
    ledger.record(send, FeedbackEvent(EventKind.BOT_CLICKED, SENT + timedelta(seconds=9)))

    found = wait_for(shop, {"sent", "delivered", "clicked"})

    assert {(row["customer_key"], row["channel"]) for row in found} == {(f"{7:032x}", "email")}
    assert {(row["kind"], row["by_machine"]) for row in found} == {
        ("sent", False),
        ("delivered", False),
        ("clicked", True),
    }
    assert len({row["touch_id"] for row in found}) == 3


def test_store_events_reach_the_lake_by_batch_and_by_file(shop: Cloud) -> None:
    shop.set_clock(SENT)
    event = {"customer_id": "ann", "kind": "visited", "at": "2026-11-20T10:00:00Z", "channel": "web"}
    answer = shop.api.post("/v1/events:batch", json={"events": [event, event, {**event, "kind": "bought"}]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["counts"] == {"accepted": 1, "duplicate": 1, "rejected": 1}

    started = shop.api.post("/v1/imports", json={"kind": "events", "format": "csv"}).json()
    content = "customer_id,kind,at,channel\nann,visited,2026-11-20T10:00:00Z,web\nbob,carted,2026-11-20,web\n"
    form = started["upload"]
    httpx.post(form["url"], data=form["fields"], files={"file": content.encode()}).raise_for_status()
    deadline = time.monotonic() + SECONDS
    while (job := shop.api.get(f"/v1/imports/{started['import_id']}").json())["state"] != "finished":
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
    assert (job["read"], job["accepted"], job["duplicates"], job["rejected"]) == (2, 1, 1, 0)
