"""Simulated recipients: what they do depends on who they are and on the send, on nothing else."""

from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.mail.events import event
from local.mail.messages import Message
from local.mail.recipients import HUMAN_AGENTS, Kind, Rates, Reaction, reactions
from winback.delivery.feedback import read_event
from winback.delivery.ledger import EventKind

SENT = datetime(1997, 10, 1, 12, tzinfo=UTC)
NOTHING = Rates(**{field.name: 0.0 for field in fields(Rates)})


def message(number: int = 1, send_id: str | None = None, unsubscribe: bool = True) -> Message:
    headers = (
        ("List-Unsubscribe", "<https://shop.example/u/token>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    return Message(
        message_id=f"message-{number}",
        sent_at=SENT,
        source="Shop <hello@mail.example.com>",
        destination=(f"customer{number}@example.com",),
        subject="We miss you",
        text="Hello",
        html='<a href="https://shop.example/a?x=1&amp;y=2">A</a> <a href="https://shop.example/u/token">leave</a>',
        headers=headers if unsubscribe else (),
        tags={"send_id": send_id or f"send-{number}"},
        configuration_set="winback-local",
    )


def kinds(found: list[Reaction]) -> set[Kind]:
    return {reaction.kind for reaction in found}


def test_the_one_click_address_is_not_a_link_to_click() -> None:
    assert message().links == ("https://shop.example/a?x=1&y=2",)
    assert message().one_click_url == "https://shop.example/u/token"
    assert message(unsubscribe=False).one_click_url is None


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_same_send_gets_the_same_reactions_whatever_its_message_id_and_time(seed: int, number: int) -> None:
    first = message(number)
    again = replace(first, message_id="another", sent_at=SENT + timedelta(days=400), subject="Later")
    assert reactions(seed, Rates(), first) == reactions(seed, Rates(), again)


@given(st.integers(0, 10**6), st.integers(0, 2000))
def test_reactions_come_in_order_and_nothing_is_both_delivered_and_bounced(seed: int, number: int) -> None:
    found = reactions(seed, Rates(hard_bounce=0.3, soft_bounce=0.3, complaint=0.3, bot_click=0.3), message(number))
    assert [one.after for one in found] == sorted(one.after for one in found)
    assert (Kind.DELIVERY in kinds(found)) != (Kind.BOUNCE in kinds(found))
    if Kind.DELIVERY not in kinds(found):
        assert kinds(found) <= {Kind.DELIVERY_DELAY, Kind.BOUNCE}


def test_an_address_that_does_not_exist_bounces_every_send() -> None:
    rates = replace(NOTHING, hard_bounce=0.5)
    for number in range(50):
        bounced = {
            Kind.BOUNCE in kinds(reactions(7, rates, message(number, send_id=f"{number}-{step}"))) for step in range(5)
        }
        assert len(bounced) == 1


def test_reactions_happen_as_often_as_the_rates_say() -> None:
    rates = Rates(
        hard_bounce=0.1, soft_bounce=0.05, open=0.4, click=0.5, unsubscribe=0.1, machine_open=0.0, bot_click=0.0
    )
    seen: Counter[Kind] = Counter()
    for number in range(4000):
        seen.update(kinds(reactions(3, rates, message(number))))
    assert seen[Kind.BOUNCE] / 4000 == pytest.approx(0.1 + 0.9 * 0.05, abs=0.02)
    assert seen[Kind.OPEN] / seen[Kind.DELIVERY] == pytest.approx(0.4, abs=0.03)
    assert seen[Kind.CLICK] / seen[Kind.OPEN] == pytest.approx(0.5, abs=0.04)
    assert seen[Kind.UNSUBSCRIBE] / seen[Kind.DELIVERY] == pytest.approx(0.1, abs=0.02)


def test_raising_one_rate_changes_no_other_reaction() -> None:
    for number in range(300):
        before = reactions(1, Rates(unsubscribe=0.0), message(number))
        after = reactions(1, Rates(unsubscribe=1.0), message(number))
        assert before == [one for one in after if one.kind is not Kind.UNSUBSCRIBE]


def test_machines_open_within_seconds_of_delivery_and_a_person_takes_minutes() -> None:
    machine = reactions(1, replace(NOTHING, machine_open=1.0), message())
    person = reactions(1, replace(NOTHING, open=1.0), message())
    for found, longest in ((machine, timedelta(seconds=8)), (person, timedelta(hours=49))):
        delivered = next(one for one in found if one.kind is Kind.DELIVERY)
        opened = next(one for one in found if one.kind is Kind.OPEN)
        assert opened.after - delivered.after <= longest
    assert opened.after - delivered.after >= timedelta(minutes=2)


def test_a_scanner_follows_every_link_and_looks_at_the_unsubscribe_page() -> None:
    found = reactions(1, replace(NOTHING, bot_click=1.0), message())
    assert {one.link for one in found if one.kind is Kind.CLICK} == set(message().links)
    assert [one.link for one in found if one.kind is Kind.SCAN] == ["https://shop.example/u/token"]


def test_an_address_on_ses_own_list_bounces_without_a_delivery() -> None:
    found = reactions(1, Rates(), message(), suppressed=True)
    assert [(one.kind, one.bounce_sub_type) for one in found] == [(Kind.BOUNCE, "OnAccountSuppressionList")]


def test_a_rate_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"open is 1\.5"):
        Rates(open=1.5)


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (Kind.DELIVERY, "delivery"),
        (Kind.DELIVERY_DELAY, "deliveryDelay"),
        (Kind.BOUNCE, "bounce"),
        (Kind.COMPLAINT, "complaint"),
        (Kind.REJECT, "reject"),
        (Kind.RENDERING_FAILURE, "failure"),
        (Kind.OPEN, "open"),
        (Kind.CLICK, "click"),
    ],
)
def test_an_event_looks_as_ses_publishes_it(kind: Kind, part: str) -> None:
    reaction = Reaction(kind, timedelta(seconds=3), "Permanent", "General", "Mozilla/5.0", "https://shop.example/a")
    built = event(message(), reaction, SENT + timedelta(seconds=3), account="000000000000", region="us-east-1")
    assert set(built) == {"eventType", "mail", part}
    assert built["eventType"] == kind
    mail = built["mail"]
    assert mail["tags"]["send_id"] == ["send-1"]
    assert mail["tags"]["ses:configuration-set"] == ["winback-local"]
    assert mail["timestamp"] == "1997-10-01T12:00:00.000Z"
    assert built[part].get("timestamp") in (None, "1997-10-01T12:00:03.000Z")


def test_building_an_event_twice_gives_the_same_event() -> None:
    reaction = Reaction(Kind.DELIVERY, timedelta(seconds=3))
    first, second = (event(message(), reaction, SENT, account="0", region="r") for _ in range(2))
    assert first == second


@given(st.integers(0, 10**6), st.integers(0, 2000))
def test_feedback_understands_every_event_and_tells_people_from_machines(seed: int, number: int) -> None:
    send_id = f"shop_lau-0123456789ab_1_{number:032x}"
    rates = Rates(
        hard_bounce=0.1, soft_bounce=0.1, delay=0.2, reject=0.1, complaint=0.3, open=0.8, click=0.8, bot_click=0.3
    )
    sent = message(number, send_id=send_id)
    for reaction in reactions(seed, rates, sent):
        if reaction.kind in (Kind.UNSUBSCRIBE, Kind.SCAN):
            continue
        read = read_event(event(sent, reaction, SENT + reaction.after, account="000000000000", region="us-east-1"))
        assert str(read.send_id) == send_id
        assert read.event is not None
        assert read.event.at == (SENT if reaction.kind is Kind.REJECT else SENT + reaction.after)
        if reaction.kind in (Kind.OPEN, Kind.CLICK):
            person = reaction.user_agent in HUMAN_AGENTS
            assert read.event.kind in (
                (EventKind.OPENED, EventKind.CLICKED) if person else (EventKind.MACHINE_OPENED, EventKind.BOT_CLICKED)
            )
