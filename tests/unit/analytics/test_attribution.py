"""Last touch: each order to at most one send, the latest that a person touched in time."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def opened(at, day, **more):
    return {"state": "accepted", "delivered_at": at(0), "opened_at": at(day), **more}


def test_an_order_soon_after_an_open_is_credited(story, at):
    customer = story.customer()
    story.planned(customer, opened(at, 1))
    story.order(customer, 3, 4200)
    attribution = story.measured().attribution
    assert (attribution.orders, attribution.customers, attribution.revenue_minor) == (1, 1, 4200)
    assert attribution.share_of_treated == 1


def test_the_latest_touch_takes_the_credit(story, at):
    customer = story.customer()
    story.planned(customer, opened(at, 1, clicked_at=at(2)))
    story.planned(customer, opened(at, 8), step=2)
    story.order(customer, 3)
    story.order(customer, 9)
    attribution = story.measured().attribution
    assert {step: credit.orders for step, credit in attribution.steps.items()} == {1: 1, 2: 1}
    assert attribution.after_click == 1


@pytest.mark.parametrize(("day", "credited"), [(0.5, 0), (1, 1), (15, 1), (15.001, 0)])
def test_a_touch_counts_from_its_second_to_the_end_of_its_days(story, at, day, credited):
    customer = story.customer()
    story.planned(customer, opened(at, 1))
    story.order(customer, day)
    assert story.measured().attribution.orders == credited


def test_machines_and_bots_earn_nothing(story, at):
    customer = story.customer()
    story.planned(customer, {"state": "accepted", "machine_opened_at": at(1), "bot_clicked_at": at(1)})
    story.order(customer, 2)
    report = story.measured()
    assert report.attribution.orders == 0
    assert (report.funnel.opened_by_machines_only, report.funnel.clicked_by_bots_only) == (1, 1)


def test_a_return_is_not_credited(story, at):
    customer = story.customer()
    story.planned(customer, opened(at, 1))
    story.order(customer, 2, -100)
    assert story.measured().attribution.orders == 0


days = st.integers(0, 80)
per_story = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@per_story
@given(st.lists(st.tuples(st.lists(st.tuples(days, days), max_size=2), st.lists(days, max_size=5)), max_size=10))
def test_no_order_is_credited_twice(new_story, at, crowd):
    story = new_story()
    expected = 0
    for touches, orders in crowd:
        customer = story.customer()
        for step, (open_day, click_day) in enumerate(touches, start=1):
            story.planned(customer, opened(at, open_day, clicked_at=at(click_day)), step=step)
        moments = [day for pair in touches for day in pair]
        for day in orders:
            story.order(customer, day)
            expected += any(0 <= day - moment <= 14 for moment in moments)
    report = story.measured()
    assert report.attribution.orders == expected
    assert sum(step.orders for step in report.attribution.steps.values()) == expected
    assert report.attribution.revenue_minor == expected * 1000


def test_of_touches_in_one_second_the_click_takes_the_credit(story, at):
    customer = story.customer()
    story.planned(customer, opened(at, 1, clicked_at=at(1)))
    story.planned(customer, opened(at, 1), step=2)
    story.order(customer, 2)
    attribution = story.measured().attribution
    assert attribution.after_click == 1
    assert {step: credit.orders for step, credit in attribution.steps.items()} == {1: 1}
