from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.aws.budgets import Budgets
from winback.identifiers import AccountId, LaunchId
from winback.offers.budget import Limits, Spend, fitting, total

ACME, LAUNCH = AccountId("acme"), LaunchId("lau-000000000001")


@pytest.fixture
def budgets(tables: Any) -> Budgets:
    return Budgets(tables.campaigns)


def test_senders_that_race_for_one_budget_never_exceed_it_and_use_it_up(budgets: Budgets) -> None:
    limits = Limits(sends=1_000, offers_minor=500)
    wanted = [Spend(sends=1, offers_minor=7 + number % 3) for number in range(10)]

    def send(_: int) -> int:
        taken = budgets.take(ACME, LAUNCH, wanted, limits)
        return sum(one.offers_minor for one, fits in zip(wanted, taken, strict=True) if fits)

    with ThreadPoolExecutor(8) as senders:
        spent = sum(senders.map(send, range(16)))
    assert spent == budgets.spent(ACME, LAUNCH).offers_minor
    assert 500 - 7 < spent <= 500


def test_what_does_not_fit_is_left_out_and_what_follows_may_still_fit(budgets: Budgets) -> None:
    limits = Limits(messages_hundredths=10)
    wanted = [Spend(messages_hundredths=amount) for amount in (6, 5, 4, 11, 0)]
    assert budgets.take(ACME, LAUNCH, wanted, limits) == [True, False, True, False, True]
    assert budgets.take(ACME, LAUNCH, [Spend(messages_hundredths=1)], limits) == [False]
    assert budgets.take(ACME, LAUNCH, [Spend(offers_minor=1_000_000)], limits) == [True]  # no limit of that kind
    assert budgets.take(ACME, LaunchId("lau-000000000002"), [Spend(messages_hundredths=10)], limits) == [True]


def test_what_is_given_back_can_be_taken_again_and_never_more_than_was_taken(budgets: Budgets) -> None:
    limits = Limits(sends=2)
    one = Spend(sends=1)
    assert budgets.take(ACME, LAUNCH, [one, one, one], limits) == [True, True, False]
    assert budgets.give_back(ACME, LAUNCH, one)
    assert budgets.take(ACME, LAUNCH, [one, one], limits) == [True, False]
    assert not budgets.give_back(ACME, LAUNCH, Spend(sends=3))
    assert budgets.spent(ACME, LAUNCH) == Spend(sends=2)


def test_an_amount_is_given_back_once_also_where_the_answer_is_lost_and_the_request_repeated(tables: Any) -> None:
    budgets, one = Budgets(tables.campaigns), Spend(sends=1)
    budgets.take(ACME, LAUNCH, [one] * 3, Limits(sends=3))
    lost = iter([0.01])  # seconds until the client asks again; then no more
    events = tables.campaigns.meta.client.meta.events
    events.register_first("needs-retry.dynamodb.UpdateItem", lambda **_: next(lost, None))
    assert budgets.give_back(ACME, LAUNCH, one)
    assert budgets.spent(ACME, LAUNCH) == Spend(sends=2)


AMOUNTS = st.builds(Spend, st.integers(0, 3), st.integers(0, 50), st.integers(0, 50))
ROOMS = st.none() | st.integers(0, 100)


@given(st.lists(AMOUNTS, max_size=12), AMOUNTS, st.builds(Limits, ROOMS, ROOMS, ROOMS))
def test_whatever_is_wanted_the_limits_hold(wanted: list[Spend], spent: Spend, limits: Limits) -> None:
    answers = fitting(wanted, spent, limits)
    taken = total([one for one, fits in zip(wanted, answers, strict=True) if fits])
    if limits.hold(spent):
        assert limits.hold(spent + taken)
        for one, fits in zip(wanted, answers, strict=True):
            assert fits or not limits.hold(spent + taken + one)
    else:
        assert not any(answers)
