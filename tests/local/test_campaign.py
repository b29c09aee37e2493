"""A small campaign on real purchases through the deployed cloud: import, refresh, dry run, approval, mail, feedback."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from local.cloud import Cloud, create_account
from local.datasets import customers_csv, orders_csv, purchases
from local.demo.store import Store
from local.demo.timeline import Timeline
from local.mail.recipients import Rates
from local.mail.ses import Fault
from winback.aws import keys
from winback.identifiers import SendId
from winback.instants import format_instant

HISTORY_ENDS = datetime(1997, 10, 1, tzinfo=UTC)
CUSTOMERS = 300
RATES = Rates(hard_bounce=0.15, soft_bounce=0.1, open=0.6, click=0.5, unsubscribe=0.0, complaint=0.05, bot_click=0.2)
DEFINITION: dict[str, Any] = {
    "name": "Come back",
    "audience": {"families": ["Slipping"]},
    "channels": ["email"],
    "steps": [
        {"template": "we-miss-you", "after_days": 0, "send_at": "10:00"},
        {"template": "still-thinking", "after_days": 7, "send_at": "10:00"},
    ],
    "holdout": {"share": 0.3},
    "stop_on": ["purchase", "unsubscribe"],
    "evaluation_days": 30,
    "attribution_days": 14,
}


@dataclass
class Campaign:
    """What happened, for the tests to look at."""

    cloud: Cloud
    store: Store
    launch: dict[str, Any] = field(default_factory=dict)
    imported: dict[str, dict[str, Any]] = field(default_factory=dict)
    first_step: list[dict[str, Any]] = field(default_factory=list)
    second_step: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    left: str = ""  # the send id of the customer who unsubscribed
    unsubscribing: list[tuple[str, int, int]] = field(default_factory=list)  # method, status, suppressions afterwards

    def ledger(self, send_id: str) -> dict[str, Any]:
        row: dict[str, Any] = self.cloud.table("performance").get_item(
            Key=keys.send(SendId.parse(send_id)), ConsistentRead=True
        )["Item"]
        return row

    def sent(self, step: int) -> list[dict[str, Any]]:
        """The launch's messages of one step; the recorder has other accounts' too."""
        prefix = f"{self.cloud.state.account_id}_{self.launch['launch_id']}_{step}_"
        return [message for message in self.cloud.mail.messages(limit=100_000) if message["send_id"].startswith(prefix)]

    def suppressions(self) -> int:
        """How many addresses of the account are suppressed for having unsubscribed."""
        scan = self.cloud.table("customers").scan(ConsistentRead=True)["Items"]
        mine = f"{self.cloud.state.account_id}#address#"
        return sum(item["pk"].startswith(mine) and item["reason"] == "unsubscribe" for item in scan)


@pytest.fixture(scope="module")
def campaign(cloud: Cloud) -> Campaign:
    shop = replace(cloud, state=create_account(cloud.state, "campaign-shop", time_zone="America/New_York"))
    played = Campaign(shop, Store(shop.api))
    shop.set_clock(HISTORY_ENDS)
    shop.mail.set_recipients(7, RATES)
    _import(played)
    played.store.refresh(format_instant(HISTORY_ENDS))
    _launch(played)
    timeline = Timeline(shop, played.store, played.launch["launch_id"])
    shop.mail.inject([Fault(2, "accept_then_drop"), Fault(4, "throttle"), Fault(6, "refuse")])
    timeline.dispatch([1], planning=lambda _: None, sending=lambda: None)
    played.first_step = played.sent(1)
    timeline.move_to(HISTORY_ENDS + timedelta(days=5))
    _one_customer_leaves(played)
    timeline.dispatch([2], planning=lambda _: None, sending=lambda: None)
    played.second_step = played.sent(2)
    timeline.move_to(HISTORY_ENDS + timedelta(days=31))
    played.store.launch_in(played.launch["launch_id"], "finished")
    played.report = played.store.get(f"/v1/launches/{played.launch['launch_id']}/report")["report"]
    return played


def _import(played: Campaign) -> None:
    bought = [row for row in purchases() if int(row.customer_id) <= CUSTOMERS]
    customers = customers_csv(sorted({row.customer_id for row in bought}), 7)
    orders = orders_csv(row for row in bought if row.on < HISTORY_ENDS.date())
    played.imported["customers"] = played.store.import_file("customers", customers)
    played.imported["orders"] = played.store.import_file("orders", orders)
    played.imported["orders again"] = played.store.import_file("orders", orders)


def _launch(played: Campaign) -> None:
    defined = played.store.post("/v1/campaigns", DEFINITION, once="test")
    path = f"/v1/campaigns/{defined['campaign_id']}/launches"
    launch = played.store.post(path, {"starts_at": format_instant(HISTORY_ENDS)}, once="test")
    played.launch = played.store.launch_in(launch["launch_id"], "awaiting_approval")
    approval = {"approved_by": "a test", "dry_run_fingerprint": played.launch["dry_run"]["fingerprint"]}
    played.store.post(f"/v1/launches/{played.launch['launch_id']}/approve", approval)
    played.store.post(f"/v1/launches/{played.launch['launch_id']}/start")


def _one_customer_leaves(played: Campaign) -> None:
    """Looks at the unsubscribe page by GET and HEAD, then leaves by RFC 8058's POST, twice."""
    rows = {one["send_id"]: (one, played.ledger(one["send_id"])) for one in played.first_step}
    # Whoever complained is suppressed already, for that reason.
    message = next(one for one, row in rows.values() if "delivered_at" in row and "complained_at" not in row)
    played.left = message["send_id"]
    link = dict(message["headers"])["List-Unsubscribe"].split("<")[1].split(">")[0]
    for method in ("GET", "HEAD", "POST", "POST"):
        content = "List-Unsubscribe=One-Click" if method == "POST" else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = httpx.request(method, link, content=content, headers=headers, timeout=30)
        played.unsubscribing.append((method, answer.status_code, played.suppressions()))


def test_every_row_of_a_file_is_accounted_for(campaign: Campaign) -> None:
    for job in campaign.imported.values():
        assert job["read"] == job["accepted"] + job["duplicates"] + job["rejected"]
        assert job["rejected"] == 0


def test_importing_a_file_again_adds_nothing(campaign: Campaign) -> None:
    first, again = campaign.imported["orders"], campaign.imported["orders again"]
    assert first["accepted"] > CUSTOMERS
    assert (again["accepted"], again["duplicates"]) == (0, first["read"])


def test_imported_orders_lie_in_the_lake(campaign: Campaign) -> None:
    prefix = f"orders/account={campaign.cloud.state.account_id}/"
    found = campaign.cloud.client("s3").list_objects_v2(Bucket=campaign.cloud.lake_bucket, Prefix=prefix)["Contents"]
    assert any(entry["Key"].endswith(".parquet") for entry in found)


def test_mail_reaches_the_recorder_with_one_click_unsubscribe_and_both_parts(campaign: Campaign) -> None:
    assert len(campaign.first_step) >= 5
    for message in campaign.first_step:
        headers = dict(message["headers"])
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert all(message[part] for part in ("html", "text", "subject"))
        assert message["configuration_set"] == "winback-local"
        assert message["tags"]["send_id"] == message["send_id"]


def test_nobody_gets_a_step_twice(campaign: Campaign) -> None:
    sends = [message["send_id"] for message in campaign.first_step + campaign.second_step]
    assert len(sends) == len(set(sends))


def test_a_throttled_send_comes_again_and_a_refused_one_does_not(campaign: Campaign) -> None:
    """One call was throttled, one refused for good, and one taken although its connection broke."""
    treated = campaign.launch["dry_run"]["audience"]["arms"]["treatment"]
    assert len(campaign.first_step) == treated - 1
    assert campaign.report["ledger"]["failed"] == 1
    assert campaign.report["ledger"]["unknown"] == 0  # its feedback settled it


def test_a_holdout_receives_nothing(campaign: Campaign) -> None:
    arms = campaign.launch["dry_run"]["audience"]["arms"]
    assert arms["holdout"] > 0
    assert len(campaign.first_step) <= arms["treatment"]
    assert campaign.report["checks"]
    assert {check["name"]: check["violations"] for check in campaign.report["checks"]}["holdout"] == 0


def test_feedback_reaches_the_ledger(campaign: Campaign) -> None:
    rows = [campaign.ledger(message["send_id"]) for message in campaign.first_step]
    (unanswered,) = [row for row in rows if "accepted_at" not in row]  # taken, and the connection broke
    assert unanswered["state"] == "unknown"
    assert all(("delivered_at" in row) != ("bounced_at" in row) for row in rows)
    assert any("bounced_at" in row for row in rows)
    assert any("opened_at" in row for row in rows)


def test_looking_at_the_unsubscribe_page_changes_nothing_and_one_post_is_enough(campaign: Campaign) -> None:
    (get, get_status, after_get), (head, head_status, after_head), *posts = campaign.unsubscribing
    assert (get, get_status, after_get) == ("GET", 200, 0)
    assert (head, head_status, after_head) == ("HEAD", 200, 0)
    assert posts == [("POST", 200, 1), ("POST", 200, 1)]


def test_who_left_gets_no_second_step_and_the_others_do(campaign: Campaign) -> None:
    second = {SendId.parse(message["send_id"]).customer_key for message in campaign.second_step}
    assert second
    assert SendId.parse(campaign.left).customer_key not in second


def test_who_bounced_hard_or_complained_gets_no_second_step(campaign: Campaign) -> None:
    second = {SendId.parse(message["send_id"]).customer_key for message in campaign.second_step}
    for message in campaign.first_step:
        row = campaign.ledger(message["send_id"])
        if row.get("bounce_type") == "hard" or "complained_at" in row:
            assert SendId.parse(message["send_id"]).customer_key not in second


def test_the_report_balances(campaign: Campaign) -> None:
    assert all(check["holds"] for check in campaign.report["checks"])
    assert campaign.report["ledger"]["balanced"]
    assert campaign.report["funnel"]["handed_over"] == len(campaign.first_step) + len(campaign.second_step)
