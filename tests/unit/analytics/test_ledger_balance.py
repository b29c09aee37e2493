"""The ledger balances whatever the rows say, and broken rules are found."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winback.analytics.launch_page import launch_page
from winback.campaigns.launch import LaunchState
from winback.delivery.ledger import EventKind, Outcome, State, outcome

per_story = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
instants = st.integers(1, 31).map(lambda day: f"1997-10-{day:02}T00:00:00Z")
rows = st.builds(
    lambda state, events, bounce: {
        "state": state.value,
        **events,
        **({"bounce_type": bounce} if "bounced_at" in events else {}),
        **({"reasons": ["suppressed", "converted"]} if state is State.SKIPPED else {}),
    },
    st.sampled_from(State),
    st.dictionaries(st.sampled_from([kind.value for kind in EventKind]), instants, max_size=4),
    st.sampled_from(["hard", "soft"]),
)
plans = st.lists(
    st.tuples(
        st.sampled_from(["treatment", "treatment", "holdout"]),
        st.sampled_from([(), (), ("frequency_cap",)]),
        st.none() | rows,
        st.none() | rows,
    ),
    max_size=20,
)


@per_story
@given(plans, st.sampled_from([LaunchState.RUNNING, LaunchState.CANCELLED, LaunchState.FINISHED]))
def test_it_balances_for_any_rows(new_story, plan, state):
    story = new_story(state=state)
    for arm, reasons, first, second in plan:
        key = story.customer(arm)
        story.planned(key, first, reasons=reasons)
        story.planned(key, second, reasons=reasons, step=2)
    ledger = story.measured().ledger
    treated = [(reasons, row) for arm, reasons, *both in plan if arm == "treatment" for row in both]
    assert ledger.balanced
    assert ledger.difference == 0
    assert ledger.planned == len(treated)
    for name in ("complained", "bounced_hard", "bounced_soft", "delivered", "accepted", "failed", "unknown"):
        assert getattr(ledger, name) == sum(outcome(row) is Outcome(name) for _, row in treated)
    assert sum(step.planned for step in ledger.steps.values()) == ledger.planned


@per_story
@given(plans)
def test_the_funnel_only_narrows(new_story, plan):
    story = new_story()
    for arm, reasons, row, _ in plan:
        story.planned(story.customer(arm), row, reasons=reasons)
    funnel = story.measured().funnel
    assert funnel.planned >= funnel.arrived >= funnel.opened + funnel.opened_by_machines_only
    assert funnel.arrived >= funnel.clicked + funnel.clicked_by_bots_only


def test_a_customer_planned_twice_unbalances_the_ledger(story):
    key = story.customer()
    story.planned(key, {"state": "accepted"})
    story.planned(key, {"state": "accepted"})
    story.plan_the_rest()
    report = story.measured()
    assert not report.ledger.balanced
    assert report.ledger.difference == -1
    assert {check.name for check in report.checks if not check.holds} == {"at_most_once", "ledger"}


def broken(report):
    return {check.name: check.violations for check in report.checks if not check.holds}


def test_a_send_to_a_held_out_customer_is_found(story):
    story.planned(story.customer(), {"state": "accepted"})
    held_out = story.customer("holdout")
    story.planned(held_out, {"state": "unknown"}, reasons=("held_out",))
    story.plan_the_rest()
    report = story.measured()
    assert broken(report) == {"holdout": 1, "verdict": 1}
    assert report.headline.startswith("The two groups are not comparable, or a rule was broken")


def test_a_send_against_the_gate_is_found(story):
    story.planned(story.customer(), {"state": "accepted"}, reasons=("no_consent",))
    story.plan_the_rest()
    assert broken(story.measured()) == {"verdict": 1}


@pytest.mark.parametrize(
    ("state", "found"), [(LaunchState.FINISHED, {"plan_covers_audience": 1}), (LaunchState.CANCELLED, {})]
)
def test_a_customer_left_out_of_the_plan_is_found_unless_the_launch_was_cancelled(new_story, state, found):
    story = new_story(state=state)
    story.planned(story.customer(), {"state": "accepted"})
    story.plan_the_rest()
    story.planned(story.customer(), {"state": "accepted"}, step=2)
    assert broken(story.measured()) == found


@pytest.mark.parametrize(
    ("state", "found"), [(LaunchState.FINISHED, {"plan_covers_audience": 4}), (LaunchState.CANCELLED, {})]
)
def test_a_launch_that_planned_nothing_at_all_is_found_unless_it_was_cancelled(new_story, state, found):
    story = new_story(state=state)
    story.customer()
    story.customer("holdout")
    assert broken(story.measured()) == found


def test_before_the_window_is_over_a_step_may_be_still_to_plan(story):
    story.planned(story.customer(), {"state": "accepted"})
    assert broken(story.measured(story.launch.starts_at + timedelta(days=3))) == {}


def test_skips_carry_every_reason_of_the_plan_or_of_the_claim(story):
    story.planned(story.customer(), reasons=("no_consent", "frequency_cap"))
    story.planned(story.customer(), {"state": "skipped", "reasons": ["converted", "frequency_cap"]})
    ledger = story.measured().ledger
    assert ledger.skipped == 2
    assert {(r.reason, r.count) for r in ledger.skipped_reasons} == {
        ("no_consent", 1),
        ("frequency_cap", 2),
        ("converted", 1),
    }


def test_what_failed_or_is_unknown_is_counted_by_its_error_and_the_page_says_it(story):
    for row in (
        {"state": "failed", "error": "RenderingFailed"},
        {"state": "failed", "error": "MessageRejected"},
        {"state": "failed", "error": "RenderingFailed"},
        {"state": "unknown", "error": "ReadTimeoutError"},
        {"state": "accepted", "rejected_at": "1997-10-02T00:00:00Z"},
        {"state": "unknown", "error": "Abandoned", "delivered_at": "1997-10-02T00:00:00Z"},
    ):
        story.planned(story.customer(), row)
    report = story.measured()
    errors = [(found.reason, found.count) for found in report.ledger.failed_reasons]
    assert errors == [("RenderingFailed", 2), ("MessageRejected", 1), ("ReadTimeoutError", 1), ("Rejected", 1)]
    assert sum(count for _, count in errors) == report.ledger.failed + report.ledger.unknown
    assert "the template gave no message for the customer" in launch_page(report)


@pytest.mark.parametrize(("state", "reason"), [(LaunchState.CANCELLED, "cancelled"), (LaunchState.FINISHED, "stale")])
def test_what_a_launch_that_is_over_never_sent_is_skipped(new_story, state, reason):
    story = new_story(state=state)
    story.planned(story.customer())
    story.planned(story.customer(), {"state": "throttled"})
    story.planned(story.customer(), {"state": "claimed"})
    ledger = story.measured().ledger
    assert (ledger.skipped, ledger.due) == (2, 1)
    assert [(r.reason, r.count) for r in ledger.skipped_reasons] == [(reason, 2)]


def test_only_what_the_provider_took_costs_anything(story):
    for row in (
        {"state": "accepted"},
        {"state": "failed"},
        {"state": "accepted", "bounced_at": "1997-10-02T00:00:00Z"},
    ):
        story.planned(story.customer(), row)
    cost = story.measured().cost
    assert (cost.emails, cost.total) == (2, "0.0002")
