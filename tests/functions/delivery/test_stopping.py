"""What stops sending: a person's switch, the operator's, the account's own figures, a provider that is out."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.feeder.handler import wall_of
from tests.functions.delivery.conftest import NOW, Cloud
from tests.functions.delivery.test_dispatch import send_first, ses_error
from winback.accounts.channels import ChannelName
from winback.aws.circuits import Circuits
from winback.aws.clock import SystemClock
from winback.aws.due import DueIndex
from winback.aws.feedback import FeedbackBook
from winback.aws.tables import Accounts
from winback.delivery.circuit import FAILURES, CircuitState
from winback.delivery.feedback import Feedback
from winback.delivery.ledger import BounceType, EventKind, FeedbackEvent
from winback.delivery.reputation import Counts
from winback.identifiers import LaunchId


def ask(cloud: Cloud, method: str, path: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
    event = cloud.event("api_sending") | {"httpMethod": method, "body": json.dumps(body) if body else None}
    event["path"] = event["resource"] = f"/v1/sending{path}"
    answer = cloud.invoke("api_sending", event)
    assert answer["statusCode"] == 200, answer["body"]
    content: dict[str, Any] = json.loads(answer["body"])
    return content


def feed(cloud: Cloud) -> Any:
    return cloud.invoke("feeder", cloud.event("feeder"))


def reputation(cloud: Cloud, **counts: int) -> None:
    """As it was counted today, by the process's own clock."""
    today = cloud.today
    key = {"pk": f"{cloud.account.account_id}#reputation", "sk": f"email#{today.date().isoformat()}"}
    cloud.campaigns.put_item(Item={**key, **counts})


def test_the_sample_request_stops_the_account_and_says_so(cloud: Cloud) -> None:
    answer = cloud.invoke("api_sending", cloud.event("api_sending"))
    content = json.loads(answer["body"])
    assert (content["sending"], content["stopped_by"]) == ("stopped", "you")
    assert content["because"] == "a wrong price in the newsletter"


def test_a_stopped_account_releases_and_sends_nothing_until_it_is_resumed(cloud: Cloud) -> None:
    ask(cloud, "POST", "/stop")
    assert feed(cloud) == {"waiting": 30}
    send_first(cloud)  # a message that was in the queue already
    assert cloud.ses.sent == []
    assert ask(cloud, "POST", "/resume")["sending"] == "on"
    assert feed(cloud)["released"] == 30
    send_first(cloud)
    assert len(cloud.ses.sent) == 20


def test_the_operator_stops_everybody_and_nobody_else_resumes_it(cloud: Cloud) -> None:
    cloud.invoke("admin_sending", cloud.event("admin_sending"))
    assert ask(cloud, "POST", "/resume")["sending"] == "stopped"
    assert feed(cloud) == {"waiting": 30}
    send_first(cloud)
    assert cloud.ses.sent == []
    assert cloud.invoke("admin_sending", {"action": "resume"})["sending"] == "on"
    assert feed(cloud)["released"] == 30


def test_an_operator_s_slip_is_named(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="acount_id is not a known field"):
        cloud.invoke("admin_sending", {"action": "stop", "acount_id": "fjord"})


def test_too_many_bounces_stop_the_account_by_themselves_and_a_person_resumes_it(cloud: Cloud) -> None:
    reputation(cloud, sent=1000, bounced=50)
    assert feed(cloud) == {"waiting": 30}
    assert "sending stopped by itself" in cloud.log.getvalue()
    told = ask(cloud, "GET")
    assert (told["stopped_by"], told["because"]) == ("itself", "5.00 % of the e-mails bounced for good")
    resumed = ask(cloud, "POST", "/resume")
    assert (resumed["sending"], resumed["health"]["sent"]) == ("on", 0)
    assert feed(cloud)["released"] == 30


def test_many_bounces_slow_the_account_down(cloud: Cloud) -> None:
    reputation(cloud, sent=1000, bounced=30)
    cloud.ses.rate = 1.0
    assert feed(cloud)["released"] == 6  # a tenth of a minute's quota
    assert ask(cloud, "GET")["sending"] == "slow"


def test_a_new_domain_sends_no_more_than_its_day_allows(cloud: Cloud) -> None:
    Accounts(cloud.campaigns).put(cloud.account.model_copy(update={"warm_up": cloud.first_day}))
    cloud.use_up_the_day(490)
    assert feed(cloud)["released"] == 10
    assert feed(cloud) == {}
    told = ask(cloud, "GET")["warm_up"]
    assert (told["day"], told["limit_today"], told["released_today"]) == (1, 500, 500)


def test_a_provider_that_is_out_makes_the_plan_wait_and_is_tried_with_one_message(cloud: Cloud) -> None:
    cloud.ses.error = ses_error("ServiceUnavailable", 503)
    send_first(cloud)
    states = [row["state"] for row in cloud.rows()]
    assert states == ["unknown"] * FAILURES
    again = [(one.from_row, one.to_row) for one in cloud.due(NOW + timedelta(minutes=1)) if one.send_at > NOW]
    assert again == [(FAILURES + 1, 25)]
    assert feed(cloud) == {"circuit_open": 1}
    assert ask(cloud, "GET")["channels"]["email"]["provider"] == "out"
    cloud.pass_time_of_circuit()
    assert feed(cloud)["released"] == 25
    (probe,) = cloud.queued()
    cloud.invoke("sender", cloud.records(probe.to_json()))  # rows that were tried are not tried again
    assert sum(row["state"] == "unknown" for row in cloud.rows()) == FAILURES + 1
    assert feed(cloud) == {"circuit_open": 1}
    cloud.pass_time_of_circuit()
    cloud.ses.error = None
    cloud.set_clock(NOW + timedelta(minutes=1))
    assert feed(cloud)["released"] > 1
    send_first(cloud)  # an ordinary message still waits
    assert cloud.ses.sent == []
    (probe,) = cloud.queued()
    cloud.invoke("sender", cloud.records(probe.to_json()))
    assert len(cloud.ses.sent) > 1
    assert Circuits(cloud.campaigns).read("email").circuit.state is CircuitState.CLOSED


def away() -> Any:
    raise ses_error("ServiceUnavailable", 503)


def test_the_switch_is_turned_and_seen_while_ses_is_away(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud.ses, "get_account", away)
    told = ask(cloud, "POST", "/stop")
    assert (told["sending"], told["email_quota"]) == ("stopped", None)
    assert ask(cloud, "POST", "/resume")["sending"] == "on"


def test_a_provider_that_does_not_say_what_it_allows_holds_up_its_own_channel_alone(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    (email,) = cloud.due()
    others = [channel.value for channel in ChannelName if channel is not ChannelName.EMAIL]
    for channel in others:
        DueIndex(cloud.campaigns).put(replace(email, channel=channel, to_row=2))

    monkeypatch.setattr(cloud.ses, "get_account", away)
    with pytest.raises(ClientError):
        feed(cloud)
    assert sorted(release.channel for release in cloud.queued()) == sorted(others)
    assert [entry.to_row for entry in cloud.due()] == [30]


@pytest.mark.parametrize(
    ("late", "simulated", "taken_of"),
    [
        (timedelta(seconds=50), False, NOW - timedelta(seconds=50)),
        (timedelta(minutes=3), False, NOW),
        (timedelta(minutes=3), True, NOW - timedelta(minutes=3)),
    ],
)
def test_a_run_that_comes_late_takes_of_the_present_minute(
    monkeypatch: pytest.MonkeyPatch, late: timedelta, simulated: bool, taken_of: datetime
) -> None:
    """Lambda repeats a failed run with its old event: two minutes' quotas must not leave in one."""
    monkeypatch.setattr(SystemClock, "now", lambda clock, event=None: NOW - late if event else NOW)
    assert wall_of({"time": "2026-11-21T09:00:00Z"}, simulated=simulated) == taken_of


def test_what_is_counted_counts_once_per_send_however_often_it_is_told(cloud: Cloud) -> None:
    send_first(cloud)
    book = FeedbackBook.of_tables(
        campaigns_table=cloud.campaigns,
        customers_table=cloud.customers,
        performance_table=cloud.performance,
        wall=lambda: cloud.today,
    )
    soft, hard = BounceType.SOFT, BounceType.HARD
    for kind, seconds, bounce in (
        (EventKind.BOUNCED, 5, soft),
        (EventKind.BOUNCED, 9, hard),
        (EventKind.BOUNCED, 2, hard),
        (EventKind.COMPLAINED, 9, None),
        (EventKind.COMPLAINED, 3, None),
        (EventKind.UNSUBSCRIBED, 4, None),
    ):
        assert book.apply(Feedback(cloud.send_id(0), FeedbackEvent(kind, NOW + timedelta(seconds=seconds), bounce)))
    book.apply(Feedback(cloud.send_id(1), FeedbackEvent(EventKind.BOUNCED, NOW, soft)))
    assert book.apply(Feedback(cloud.send_id(29), FeedbackEvent(EventKind.COMPLAINED, NOW))) == "unknown_send"
    counted = Counts(sent=20, bounced=1, complained=1, unsubscribed=1)
    assert book.reputation.of_launch(cloud.account.account_id, LaunchId("lau-3f2a9c0d1e4b")) == counted
    assert sum(book.reputation.of_days(cloud.account.account_id, "email", cloud.today).values(), Counts()) == counted
    assert cloud.row(0)["complained_at"] == "2026-11-21T09:30:03Z"
    assert cloud.row(0)["bounced_at"] == "2026-11-21T09:30:02Z"
