"""Feeder and sender together: what is due leaves once, within the quota, to those who may be written to."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from tests.functions.delivery.conftest import NOW, Cloud
from winback.accounts import Sender
from winback.accounts.brand import Brand
from winback.accounts.global_holdout import GlobalHoldout
from winback.aws import keys
from winback.aws.contacts import ContactBook
from winback.aws.due import DueIndex
from winback.aws.tables import Accounts
from winback.campaigns.launch import LaunchState
from winback.delivery.contacts import ContactLimits
from winback.delivery.ledger import outcome
from winback.delivery.unsubscribing import unsubscribe_url
from winback.experiments.global_holdout import Turn, turn
from winback.identifiers import CustomerKey, LaunchId, SendId
from winback.instants import format_instant

TREATED = [number for number in range(30) if number % 5 != 4]


def ses_error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendEmail"
    )  # type: ignore[typeddict-item]


def send_first(cloud: Cloud) -> Any:
    """The sample message: rows 0 to 25."""
    return cloud.invoke("sender", cloud.event("sender"))


def test_a_minute_takes_what_is_due_from_the_index_to_ses(cloud: Cloud) -> None:
    assert cloud.invoke("feeder", cloud.event("feeder")) == {"released": 30}
    assert cloud.due() == []
    releases = cloud.queued()
    assert sorted((one.from_row, one.to_row) for one in releases) == [(0, 25), (25, 30)]
    answer = cloud.invoke("sender", cloud.records(*[one.to_json() for one in releases]))
    assert answer == {"batchItemFailures": []}
    tags = Counter(mail["EmailTags"][0]["Value"] for mail in cloud.ses.sent)
    assert tags == Counter({str(cloud.send_id(number)): 1 for number in TREATED})
    assert {outcome(cloud.row(number)) for number in TREATED} == {"accepted"}


def test_a_message_is_personal_and_has_its_own_way_out(cloud: Cloud) -> None:
    send_first(cloud)
    mail = cloud.ses.sent[1]
    content = mail["Content"]["Simple"]
    link = unsubscribe_url(cloud.account.public_url, "signing-secret", cloud.send_id(1))
    assert mail["Destination"] == {"ToAddresses": ["customer.1@example.com"]}
    assert mail["FromEmailAddress"] == "Fjord Records <hello@mail.example.com>"
    assert "Name1" in content["Subject"]["Data"]
    assert content["Headers"][0]["Value"] == f"<{link}>"
    assert all(link in content["Body"][part]["Data"] for part in ("Html", "Text"))


def test_a_message_looks_as_it_was_approved_and_names_who_sends_it_today(cloud: Cloud) -> None:
    moved = Sender(name="Aurora Records", email="hello@mail.example.com", postal_address="2 New Street, Oslo")
    brand = Brand(color="#123456", logo_url="https://cdn.example.com/new.png")
    changed = {"name": "Aurora Records", "website": "https://new.example.com", "brand": brand, "sender": moved}
    Accounts(cloud.campaigns).change(cloud.account.account_id, lambda account: account.model_copy(update=changed))

    send_first(cloud)

    mail = cloud.ses.sent[0]
    body = mail["Content"]["Simple"]["Body"]["Html"]["Data"]
    assert "Fjord Records" in body
    assert cloud.account.brand.color in body
    assert not any(new in body for new in ("Aurora", "#123456", "new.png", "new.example.com"))
    assert "2 New Street, Oslo" in body
    assert "1 Harbour Street" not in body
    assert mail["FromEmailAddress"] == "Aurora Records <hello@mail.example.com>"


def test_a_second_feeder_of_the_same_minute_gets_no_second_quota(cloud: Cloud) -> None:
    index_entry = cloud.due()[0]
    cloud.invoke("feeder", cloud.event("feeder"))
    DueIndex(cloud.campaigns).put(replace(index_entry, chunk=1, to_row=500))
    assert cloud.invoke("feeder", cloud.event("feeder")) == {"released": 30}  # 60 are left of the day
    assert cloud.invoke("feeder", cloud.event("feeder")) == {}


def test_a_repeated_message_sends_nothing_more(cloud: Cloud) -> None:
    send_first(cloud)
    sent = len(cloud.ses.sent)
    assert send_first(cloud) == {"batchItemFailures": []}
    assert len(cloud.ses.sent) == sent == 20


def test_a_paused_launch_keeps_its_rows_for_later(cloud: Cloud) -> None:
    cloud.set_launch(LaunchState.PAUSED)
    assert cloud.invoke("feeder", cloud.event("feeder")) == {"waiting": 30}
    send_first(cloud)
    assert cloud.ses.sent == []
    assert [(one.from_row, one.to_row) for one in cloud.due(NOW + timedelta(minutes=1))] == [(0, 30), (0, 25)]


def test_a_cancelled_launch_sends_nothing_and_says_so(cloud: Cloud) -> None:
    cloud.set_launch(LaunchState.CANCELLED)
    send_first(cloud)
    assert cloud.ses.sent == []
    assert cloud.row(0)["reasons"] == ["cancelled"]
    assert cloud.invoke("feeder", cloud.event("feeder")) == {"dropped": 30}
    assert cloud.due() == []


def test_an_unsubscribe_after_planning_stops_the_message(cloud: Cloud) -> None:
    event = cloud.event("unsubscribe")
    link = unsubscribe_url("", "signing-secret", cloud.send_id(3))
    event["pathParameters"]["token"] = link.rpartition("/")[2]
    assert cloud.invoke("unsubscribe", event)["statusCode"] == 200
    send_first(cloud)
    assert cloud.row(3)["reasons"] == ["no_consent", "suppressed"]
    assert len(cloud.ses.sent) == 19


def test_a_purchase_after_planning_stops_the_message(cloud: Cloud) -> None:
    key = keys.activity(cloud.account.account_id, CustomerKey(f"{2:032x}"))
    cloud.customers.put_item(Item={**key, "last_order_at": format_instant(NOW)})
    send_first(cloud)
    assert cloud.row(2)["reasons"] == ["converted"]


def test_the_cap_counts_what_other_campaigns_sent_since_planning(cloud: Cloud) -> None:
    customer = CustomerKey(f"{1:032x}")
    caps = cloud.account.frequency_caps
    for number in (1, 2):
        other = SendId(cloud.account.account_id, LaunchId(f"lau-{number:012x}"), 1, customer)
        limits = ContactLimits(caps.of("email"), caps.overall)
        assert not ContactBook(cloud.performance).book(other, "email", now=NOW, limits=limits)
    send_first(cloud)
    assert cloud.row(1)["reasons"] == ["frequency_cap"]


def test_a_throttled_send_comes_again_a_minute_later(cloud: Cloud) -> None:
    cloud.ses.error = ses_error("TooManyRequestsException", 429)
    assert send_first(cloud) == {"batchItemFailures": []}
    assert cloud.row(0)["state"] == "throttled"
    later = [one for one in cloud.due(NOW + timedelta(minutes=1)) if one.send_at > NOW]
    assert [(one.from_row, one.to_row) for one in later] == [(0, 25)]
    cloud.ses.error = None
    send_first(cloud)
    assert len(cloud.ses.sent) == 20


def test_a_refused_send_fails_with_the_code(cloud: Cloud) -> None:
    cloud.ses.error = ses_error("MessageRejected", 400)
    send_first(cloud)
    assert (cloud.row(0)["state"], cloud.row(0)["error"]) == ("failed", "MessageRejected")


def test_what_was_held_up_until_a_day_before_the_next_step_is_not_sent_any_more(cloud: Cloud) -> None:
    steps = [{"template": cloud.message(), "after_days": 0}, {"template": cloud.message(), "after_days": 7}]
    cloud.set_steps(*steps, planned_at=(NOW - timedelta(days=6), NOW + timedelta(days=1)))
    send_first(cloud)
    assert cloud.ses.sent == []
    assert cloud.row(0)["reasons"] == ["stale"]
    cloud.set_steps(*steps, planned_at=(NOW - timedelta(days=5), NOW + timedelta(days=2)))
    cloud.invoke(
        "sender",
        cloud.records(
            json.dumps(json.loads(cloud.event("sender")["Records"][0]["body"]) | {"from_row": 25, "to_row": 30})
        ),
    )
    assert len(cloud.ses.sent) == 4


def test_a_name_that_the_template_cannot_take_fails_that_send_alone(cloud: Cloud) -> None:
    subject = '{{ customer.first_name | default: "0" | date: "%Y" }}Hello'
    cloud.set_steps({"template": {**cloud.message(), "subject": subject}, "after_days": 0})
    key = keys.profile(cloud.account.account_id, CustomerKey(f"{1:032x}"))
    cloud.customers.update_item(
        Key=key, UpdateExpression="SET first_name = :name", ExpressionAttributeValues={":name": "9999999999999"}
    )
    assert send_first(cloud) == {"batchItemFailures": []}
    assert (cloud.row(1)["state"], cloud.row(1)["error"]) == ("failed", "RenderingFailed")
    assert len(cloud.ses.sent) == 19
    assert "9999999999999" not in cloud.log.getvalue()


def test_a_reminder_of_an_offer_states_the_last_day_of_the_first_message_and_is_stale_after_it(cloud: Cloud) -> None:
    weeks = tuple(NOW + timedelta(days=7 * number) for number in range(3))
    subject = "{{ offer.code }} until {{ offer.valid_until }}"
    step = {"template": {**cloud.message(), "subject": subject}, "offer": True}
    cloud.set_steps(
        *({**step, "after_days": 7 * number} for number in range(3)),
        planned_at=weeks,
        offer={
            "kind": "amount",
            "value": 500,
            "minimum_order_minor": 500,
            "codes": "shared",
            "shared_code": "BACK",
            "valid_days": 10,
        },
    )
    cloud.send_offer(1, 1, weeks[0])
    cloud.ses.error = ses_error("MessageRejected", 400)
    cloud.send_offer(2, 1, weeks[0])
    cloud.ses.error = None
    cloud.send_offer(1, 2, weeks[1])
    cloud.send_offer(2, 2, weeks[1])
    cloud.send_offer(1, 3, weeks[2])
    ends = "BACK until December 1, 2026"
    own = "BACK until December 8, 2026"  # the refused message brought nothing
    assert [mail["Content"]["Simple"]["Subject"]["Data"] for mail in cloud.ses.sent] == [ends, ends, own]
    assert cloud.row(1, step=3)["reasons"] == ["stale"]


def test_who_entered_the_global_holdout_since_the_plan_is_sent_nothing(cloud: Cloud) -> None:
    rules = GlobalHoldout(share=0.5)
    Accounts(cloud.campaigns).put(cloud.account.model_copy(update={"global_holdout": rules}))
    send_first(cloud)
    asked = [number for number in TREATED if number < 25]
    held = {
        number
        for number in asked
        if turn(rules, cloud.account.account_id, cloud.send_id(number).customer_key, None, NOW) is Turn.HELD_OUT
    }
    assert 0 < len(held) < len(asked)
    assert len(cloud.ses.sent) == len(asked) - len(held)
    assert all(cloud.row(number)["reasons"] == ["global_holdout"] for number in held)


def test_a_broken_answer_leaves_the_send_unknown_and_is_never_repeated(cloud: Cloud) -> None:
    cloud.ses.error = ses_error("ServiceUnavailable", 503)
    send_first(cloud)
    cloud.ses.error = None
    send_first(cloud)
    assert cloud.row(0)["state"] == "unknown"
    assert cloud.ses.sent == []


def test_a_missing_permission_brings_the_message_back_and_names_itself(cloud: Cloud) -> None:
    cloud.ses.error = ses_error("AccessDeniedException", 403)
    answer = send_first(cloud)
    assert len(answer["batchItemFailures"]) == 1
    assert "SES takes nothing until an operator acts: AccessDeniedException" in cloud.log.getvalue()
    assert cloud.row(0)["error"] == "AccessDeniedException"
    assert outcome(cloud.row(0)) == "due"


def test_a_sender_short_of_time_gives_the_message_back_untouched(cloud: Cloud) -> None:
    cloud.context.seconds_left = 5.0
    assert len(send_first(cloud)["batchItemFailures"]) == 1
    assert cloud.ses.sent == []


def test_a_message_that_is_no_release_comes_back_alone(cloud: Cloud) -> None:
    good = cloud.event("sender")["Records"][0]["body"]
    assert cloud.invoke("sender", cloud.records("nonsense", good)) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert len(cloud.ses.sent) == 20


def test_no_log_line_holds_an_address_or_a_name(cloud: Cloud) -> None:
    cloud.invoke("feeder", cloud.event("feeder"))
    send_first(cloud)
    cloud.ses.error = ses_error("AccessDeniedException", 403)
    cloud.invoke("sender", cloud.records(*[one.to_json() for one in cloud.queued()]))
    written = cloud.log.getvalue()
    assert "comes back" in written
    assert "@example.com" not in written
    assert "Name1" not in written
