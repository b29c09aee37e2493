"""One contact list a customer: caps, contact policy and discount cap hold exactly, whoever books at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.delivery.conftest import NOW, Tables
from winback.accounts import FrequencyCap
from winback.aws import keys
from winback.aws.contacts import KEPT_DAYS, ContactBook, ContactList
from winback.aws.tables import table
from winback.delivery.contacts import Contact, ContactLimits, ContactPolicy, Limit
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId

ACCOUNT, ADA = AccountId("fjord"), CustomerKey("a" * 32)


def send_id(number: int) -> SendId:
    return SendId(ACCOUNT, LaunchId(f"lau-{number:012x}"), 1, ADA)


def limits(sends: int = 2, **more: Any) -> ContactLimits:
    week = FrequencyCap(sends=sends, days=7)
    return ContactLimits(**{"channel": week, "overall": FrequencyCap(sends=100, days=7), **more})


def stored(tables: Tables) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tables.performance.get_item(Key=keys.contacts(ACCOUNT, ADA))["Item"]["recent"]
    return entries


def test_the_cap_is_per_window_and_a_slot_is_booked_once_per_send(tables: Tables) -> None:
    book = ContactBook(tables.performance)

    def take(number: int, days: float = 0) -> bool:
        return not book.book(send_id(number), "email", now=NOW + timedelta(days=days), limits=limits())

    assert [take(1), take(1), take(2), take(2), take(3)] == [True, True, True, True, False]
    assert take(3, days=7)


def test_every_limit_that_is_in_the_way_is_named(tables: Tables) -> None:
    book = ContactBook(tables.performance)
    held = limits(
        1,
        overall=FrequencyCap(sends=2, days=7),
        policy=ContactPolicy(at_most=2, days=91),
        cooldown_days=90,
    )

    def beyond(number: int, channel: str, days: float, offer: str | None = None) -> tuple[Limit, ...]:
        return book.book(send_id(number), channel, now=NOW + timedelta(days=days), limits=held, offer=offer)

    assert beyond(1, "email", 0, "off-1") == ()
    assert beyond(2, "email", 1) == (Limit.CHANNEL, Limit.DISCOUNT)
    assert book.book(send_id(2), "sms", now=NOW + timedelta(days=1), limits=limits(1)) == ()
    assert beyond(3, "push", 2) == (Limit.OVERALL, Limit.POLICY, Limit.DISCOUNT)
    assert beyond(3, "push", 60) == (Limit.POLICY, Limit.DISCOUNT)
    assert beyond(3, "push", 91, "off-2") == ()
    assert [entry.get("offer") for entry in stored(tables)] == ["off-1", None, "off-2"]


def test_the_slot_of_a_send_that_comes_again_later_moves_to_when_it_leaves(tables: Tables) -> None:
    book = ContactBook(tables.performance)

    def take(number: int, day: int) -> bool:
        return not book.book(send_id(number), "email", now=NOW + timedelta(days=day), limits=limits(1))

    assert take(1, day=0)  # throttled, and sent eight days later
    assert take(1, day=8)
    assert not take(2, day=9)
    assert take(1, day=3)  # an attempt with an earlier clock does not move it back
    assert not take(2, day=14)
    assert take(2, day=15)


def test_a_send_that_comes_again_later_gives_way_to_those_that_left_meanwhile(tables: Tables) -> None:
    book = ContactBook(tables.performance)
    granted = [
        not book.book(send_id(number), "email", now=NOW + timedelta(days=day), limits=limits(1))
        for number, day in ((1, 0), (2, 7), (1, 8))
    ]
    assert granted == [True, True, False]


def test_a_slot_that_is_freed_is_somebody_else_s_and_that_of_no_other_send(tables: Tables) -> None:
    for number in (1, 2):
        assert not ContactBook(tables.performance).book(send_id(number), "email", now=NOW, limits=limits(2))
    outdated = {ADA: ContactList((Contact(NOW, "email", "lau-000000000001#1"),), 1)}  # since then another was booked
    ContactBook(tables.performance, outdated).release(send_id(1))
    ContactBook(tables.performance).release(send_id(1))
    assert [entry["send"] for entry in stored(tables)] == ["lau-000000000002#1"]
    assert not ContactBook(tables.performance).book(send_id(3), "email", now=NOW, limits=limits(2))


def test_a_book_frees_what_it_booked_itself_and_writes_nothing_for_a_send_without_a_slot(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = ContactBook(tables.performance, {ADA: ContactList()})
    assert not book.book(send_id(1), "email", now=NOW, limits=limits())
    book.release(send_id(1))
    assert stored(tables) == []
    monkeypatch.setattr(tables.performance, "put_item", None)
    book.release(send_id(1))
    ContactBook(tables.performance, {ADA: ContactList()}).release(send_id(2))


def test_old_contacts_are_forgotten_when_no_limit_looks_at_them_any_more(tables: Tables) -> None:
    book = ContactBook(tables.performance)
    for number in range(5):
        assert not book.book(send_id(number + 1), "email", now=NOW + timedelta(days=60 * number), limits=limits())
    assert len(stored(tables)) == 2
    assert not book.book(send_id(6), "email", now=NOW + timedelta(days=241), limits=limits(), offer="off-000000000001")
    for days in (260, 280, 300 + KEPT_DAYS):  # without an offer, so of a limit that looks at none
        assert not book.book(send_id(days), "sms", now=NOW + timedelta(days=days), limits=limits(9))
    assert "off-000000000001" in {entry.get("offer") for entry in stored(tables)}


def test_a_cap_of_another_channel_keeps_what_it_looks_at(tables: Tables) -> None:
    book, other = ContactBook(tables.performance), limits(other_days=365)
    assert not book.book(send_id(1), "sms", now=NOW, limits=other)
    assert not book.book(send_id(2), "email", now=NOW + timedelta(days=300), limits=other)
    assert [entry["channel"] for entry in stored(tables)] == ["sms", "email"]
    assert not book.book(send_id(3), "email", now=NOW + timedelta(days=301), limits=limits())
    assert [entry["channel"] for entry in stored(tables)] == ["email", "email"]


def test_a_list_that_was_loaded_costs_one_write_and_an_outdated_one_still_keeps_the_cap(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    ContactBook(tables.performance).book(send_id(1), "email", now=NOW, limits=limits())
    outdated = {ADA: ContactList()}
    current = {ADA: ContactList((Contact(NOW, "email", "lau-000000000001#1"),), 1)}

    def no_read(**_: Any) -> None:
        raise AssertionError("a read")

    monkeypatch.setattr(tables.performance, "get_item", no_read)
    assert ContactBook(tables.performance, current).book(send_id(2), "email", now=NOW, limits=limits()) == ()
    assert ContactBook(tables.performance, outdated).book(send_id(3), "email", now=NOW, limits=limits()) == (
        Limit.CHANNEL,
    )


def test_a_message_of_another_tool_counts_once_and_only_for_a_month(tables: Tables) -> None:
    book = ContactBook(tables.performance)
    told = [Contact(NOW - timedelta(days=day), "email", f"other#{day}") for day in (1, 1, 2, 40)]
    assert book.add_others(ACCOUNT, ADA, told, NOW) == 2
    assert book.add_others(ACCOUNT, ADA, told, NOW) == 0
    assert book.book(send_id(1), "email", now=NOW, limits=limits(2)) == (Limit.CHANNEL,)
    assert book.book(send_id(1), "email", now=NOW, limits=limits(3)) == ()


def test_another_tool_cannot_make_a_list_too_long(tables: Tables) -> None:
    book = ContactBook(tables.performance)
    book.book(send_id(1), "email", now=NOW - timedelta(days=2), limits=limits())
    for start in (0, 80):
        told = [Contact(NOW - timedelta(minutes=n), "email", f"other#{n}") for n in range(start, start + 80)]
        book.add_others(ACCOUNT, ADA, told, NOW)
    assert len(stored(tables)) == 101
    assert stored(tables)[0]["send"] == "lau-000000000001#1"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["email", "sms", "push"]), min_size=4, max_size=8),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_campaigns_that_race_for_one_customer_stay_within_every_limit(
    tables: Tables, channels: list[str], sends: int, overall: int, at_most: int
) -> None:
    tables.performance.delete_item(Key=keys.contacts(ACCOUNT, ADA))
    held = limits(sends, overall=FrequencyCap(sends=overall, days=7), policy=ContactPolicy(at_most, 30))

    def take(number: int) -> bool:
        own = ContactBook(table("performance"), {ADA: ContactList()})  # a resource is not for sharing between threads
        return not own.book(send_id(number), channels[number], now=NOW, limits=held)

    with ThreadPoolExecutor(4) as threads:
        granted = [channel for channel, ok in zip(channels, threads.map(take, range(len(channels))), strict=True) if ok]
    per_channel = [min(sends, channels.count(channel)) for channel in set(channels)]
    assert len(granted) == min(sum(per_channel), overall, at_most)
    assert all(granted.count(channel) <= sends for channel in granted)
    assert len(stored(tables)) == len(granted)
