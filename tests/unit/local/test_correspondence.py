"""Reactions wait for their time, happen once, and are not lost when the queue is away."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.mail.correspondence import Correspondence
from local.mail.messages import Message
from local.mail.recipients import Kind, Rates, Reaction

NOW = datetime(1997, 10, 1, tzinfo=UTC)
NOTHING = Rates(**{field.name: 0.0 for field in fields(Rates)})


class World:
    """What a correspondence reaches, in memory."""

    def __init__(self, rates: Rates) -> None:
        self.events: list[dict[str, Any]] = []
        self.visits: list[Reaction] = []
        self.suppressed: dict[str, str] = {}
        self.queue_is_away = False
        self.correspondence = Correspondence(
            publish=self.publish,
            visit=self.visit,
            suppress=lambda message, reason: self.suppressed.update({message.destination[0]: reason}),
            is_suppressed=lambda message: message.destination[0] in self.suppressed,
            account="000000000000",
            region="us-east-1",
        )
        self.correspondence.rates = rates
        self.correspondence.set_clock(NOW)

    def publish(self, events: list[dict[str, Any]]) -> None:
        if self.queue_is_away:
            raise ConnectionError("queue")
        self.events += events

    def visit(self, reaction: Reaction) -> int:
        self.visits.append(reaction)
        return 200

    def send(self, number: int = 1) -> None:
        headers = (
            ("List-Unsubscribe", "<https://shop.example/u/token>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        )
        address = (f"customer{number}@example.com",)
        self.correspondence.accept(
            Message(f"m{number}", NOW, "a@b.example", address, "", "", "", headers, {"send_id": f"s{number}"}, "set")
        )


def test_nothing_happens_before_its_time() -> None:
    world = World(replace(NOTHING, open=1.0))
    world.send()
    assert world.correspondence.advance(NOW) == {}
    assert world.correspondence.advance(NOW + timedelta(minutes=1)) == {"Delivery": 1}
    assert world.correspondence.advance(NOW + timedelta(days=3)) == {"Open": 1}
    assert world.correspondence.advance(NOW + timedelta(days=300)) == {}


def test_events_carry_the_time_at_which_they_happened_not_that_of_the_call() -> None:
    world = World(NOTHING)
    world.send()
    world.correspondence.advance(NOW + timedelta(days=30))
    assert [event["delivery"]["timestamp"][:10] for event in world.events] == ["1997-10-01"]


def test_a_recipient_unsubscribes_by_a_request_and_not_by_an_event() -> None:
    world = World(replace(NOTHING, unsubscribe=1.0, bot_click=1.0))
    world.send()
    counts = world.correspondence.advance(NOW + timedelta(days=3))
    assert counts["Unsubscribe"] == counts["Scan"] == 1
    assert [visit.kind for visit in world.visits] == [Kind.SCAN, Kind.UNSUBSCRIBE]
    assert all(visit.link == "https://shop.example/u/token" for visit in world.visits)
    assert {event["eventType"] for event in world.events} == {"Delivery"}


def test_a_queue_that_is_away_loses_nothing() -> None:
    world = World(NOTHING)
    world.send()
    world.queue_is_away = True
    with pytest.raises(ConnectionError):
        world.correspondence.advance(NOW + timedelta(days=1))
    world.queue_is_away = False
    assert world.correspondence.advance(NOW + timedelta(days=1)) == {"Delivery": 1}


def test_ses_lists_addresses_that_bounced_hard_or_complained() -> None:
    for rates, reason in (
        (replace(NOTHING, hard_bounce=1.0), "BOUNCE"),
        (replace(NOTHING, complaint=1.0), "COMPLAINT"),
    ):
        world = World(rates)
        world.send()
        world.correspondence.advance(NOW + timedelta(days=3))
        assert world.suppressed == {"customer1@example.com": reason}
        world.send()
        world.correspondence.advance(NOW + timedelta(days=6))
        assert world.events[-1]["bounce"]["bounceSubType"] == "OnAccountSuppressionList"


def test_a_tick_of_real_time_does_nothing_while_the_clock_is_set() -> None:
    world = World(NOTHING)
    world.send()
    assert world.correspondence.tick() == {}
    world.correspondence.set_clock(None)
    assert world.correspondence.tick() == {"Delivery": 1}


def test_in_real_time_a_day_passes_in_half_a_minute_and_a_person_still_takes_seconds() -> None:
    world = World(replace(NOTHING, open=1.0))
    world.correspondence.set_clock(None)
    world.send()
    world.correspondence.advance(NOW + timedelta(seconds=1))
    assert [event["eventType"] for event in world.events] == ["Delivery"]
    world.correspondence.advance(NOW + timedelta(seconds=60))
    opened = world.events[1]["open"]["timestamp"]
    assert "1997-10-01T00:00:03" <= opened <= "1997-10-01T00:00:52"
