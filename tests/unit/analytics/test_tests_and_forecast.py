"""What the report says beside its main comparison: tested variants, rules on offers and caps, branches, forecast."""

import random
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.analytics.conftest import DAY, START, Story
from winback.accounts import FrequencyCap
from winback.accounts.frequency_caps import ChannelCaps, FrequencyCaps
from winback.analytics.launch_page import launch_page
from winback.analytics.lift import lift_of
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import Launch, LaunchState
from winback.instants import format_instant
from winback.offers.offer import Offer

OFFER = "off-000000000001"
EXPERIMENT = {"name": "subject", "variants": [{"name": "plain"}, {"name": "warm", "subject": "Hello"}]}


def relaunched(launch: Launch, **definition: Any) -> Launch:
    stated = {**launch.definition.model_dump(mode="json", exclude_none=True), **definition}
    return launch.model_copy(update={"definition": CampaignDefinition.model_validate(stated)})


def with_offer(launch: Launch, budget: int) -> Launch:
    offered = relaunched(
        launch,
        offers={"offers": [OFFER], "budget_minor": budget},
        steps=[{"template": "we-miss-you", "after_days": 0, "offer": True}, {"template": "last-call", "after_days": 7}],
    )
    offer = Offer.model_validate(
        {
            "offer_id": OFFER,
            "version": 1,
            "name": "Five off",
            "kind": "amount",
            "value": 500,
            "currency": "USD",
            "minimum_order_minor": 1000,
            "codes": "generated",
            "created_at": format_instant(START),
            "updated_at": format_instant(START),
        }
    )
    return offered.model_copy(update={"offers": (offer,), "approved_at": START})


def accepted(day: float = 0, **more: Any) -> dict[str, Any]:
    return {"state": "accepted", "channel": "email", "accepted_at": format_instant(START + day * DAY), **more}


def broken(story: Story, **more: Any) -> dict[str, int]:
    return {check.name: check.violations for check in story.measured(**more).checks if not check.holds}


def test_a_variant_that_sells_more_is_told_from_its_control_and_one_that_does_not_is_not(story: Story) -> None:
    story.launch = relaunched(story.launch, experiments=[EXPERIMENT])
    chance = random.Random(1)
    for number in range(800):
        name = ("plain", "warm")[number % 2]
        key = story.customer(variants={"subject": name})
        clicked = {"clicked_at": format_instant(START + DAY)} if chance.random() < 0.1 else {}
        story.planned(key, accepted(delivered_at=format_instant(START), **clicked))
        if chance.random() < (0.3 if name == "warm" else 0.1):
            story.order(key, 5)
    (found,) = story.measured().experiments
    outcomes = {outcome.outcome: outcome.comparisons[0] for outcome in found.outcomes}
    assert (found.control, found.customers, found.plausible) == ("plain", {"plain": 400, "warm": 400}, True)
    assert outcomes["purchased"].verdict == "more"
    assert outcomes["clicked"].verdict == "too small to tell"
    assert outcomes["purchased"].low is not None
    assert 0.1 < outcomes["purchased"].low < 0.2 < (outcomes["purchased"].high or 0)


def test_variants_of_the_wrong_sizes_are_not_compared(story: Story) -> None:
    story.launch = relaunched(story.launch, experiments=[EXPERIMENT])
    for number in range(300):
        key = story.customer(variants={"subject": "plain" if number < 200 else "warm"})
        if number >= 200:
            story.order(key, 3)
    report = story.measured()
    (found,) = report.experiments
    assert not found.plausible
    assert {each.verdict for outcome in found.outcomes for each in outcome.comparisons} == {"no comparison"}
    assert "nothing is concluded here" in launch_page(report)


def test_customers_of_tiers_that_are_never_held_out_are_no_part_of_the_comparison(story: Story) -> None:
    for _ in range(80):
        story.customer("treatment")
        story.customer("treatment", measured=False)
    for _ in range(20):
        story.customer("holdout")
    for member in [one for one in story.audience if not one["measured"]]:
        story.order(member["customer_key"], 3)
    report = story.measured()
    assert (report.main.treated.customers, report.main.treated.returned) == (80, 0)
    assert (report.customers.treated, report.customers.never_held_out) == (160, 80)
    assert report.customers.sample_ratio.plausible
    assert report.revenue.treated.revenue_minor == 0


def test_offers_are_held_against_approval_budget_and_single_codes(story: Story) -> None:
    story.launch = with_offer(story.launch, budget=1000)
    keys = [story.customer() for _ in range(3)]
    for number, key in enumerate(keys):
        story.planned(key, accepted(offer_id=OFFER, code=f"C{number}"))
        story.offers.append({"customer_key": key, "offer_id": OFFER, "spend_minor": 500})
    story.plan_the_rest()
    assert broken(story) == {"offer_budget": 500}
    story.launch = with_offer(story.launch, budget=1500)
    assert broken(story) == {}
    given = story.measured().offers
    assert given is not None
    assert (given.worst_minor, given.offers[0].customers, given.redeemed) == (1500, 3, None)
    story.fates[1]["code"] = "C0"
    assert broken(story) == {"codes": 1}
    story.launch = story.launch.model_copy(update={"approved_at": None})
    assert broken(story)["approved_offers"] == 3


def test_messages_beyond_the_frequency_cap_are_counted(story: Story) -> None:
    key = story.customer()
    for step, day in ((1, 0.0), (2, 6.9)):
        story.planned(key, accepted(day), step=step)
    caps = FrequencyCaps(channels=ChannelCaps(email=FrequencyCap(sends=1, days=7)))
    assert broken(story, caps=caps) == {"caps": 1}
    story.fates[1]["accepted_at"] = format_instant(START + 7 * DAY)
    assert broken(story, caps=caps) == {}


def test_a_step_behind_a_branch_is_for_those_who_went_its_way_and_for_nobody_else(story: Story) -> None:
    branch = {
        "branch": {"on": "engaged"},
        "after_days": 3,
        "then": [{"template": "last-call", "after_days": 7}],
        "otherwise": [],
    }
    story.launch = relaunched(story.launch, steps=[{"template": "we-miss-you", "after_days": 0}, branch])
    yes, no = story.customer(), story.customer()
    story.paths = [
        {"branch": 1, "customer_key": yes, "way": "then"},
        {"branch": 1, "customer_key": no, "way": "otherwise"},
    ]
    for key, step in ((yes, 1), (no, 1), (yes, 2)):
        story.planned(key, accepted(), step=step)
    report = story.measured(dry_run=None)
    assert all(check.holds for check in report.checks)
    (taken,) = report.branches
    assert (taken.then, taken.otherwise, taken.forecast) == (1, 1, None)
    story.planned(no, accepted(), step=2)
    assert broken(story) == {"plan_covers_audience": 1}


def test_each_channel_has_its_own_balance_and_an_unknown_send_is_counted_there(story: Story) -> None:
    for number in range(4):
        sms = number % 2 == 1
        row = {"state": "unknown", "channel": "sms"} if number == 3 else accepted(channel="sms" if sms else "email")
        story.planned(story.customer(), row, channel="sms" if sms else "email")
    ledger = story.measured().ledger
    assert (ledger.channels["sms"].planned, ledger.channels["sms"].unknown) == (2, 1)
    assert (ledger.channels["email"].accepted, ledger.balanced) == (2, True)


@pytest.fixture
def dry_run() -> dict[str, Any]:
    def expected(number: int) -> dict[str, Any]:
        return {"estimate": number, "low": number, "high": number, "basis": "known"}

    amounts = {"estimate": 10.0, "low": 0.0, "high": 30.0}
    return {
        "steps": [
            {"step": 1, "name": "step-1", "recipients": 80, "expected_recipients": expected(80)},
            {"step": 2, "name": "step-2", "recipients": 1, "expected_recipients": expected(1)},
        ],
        "branches": [],
        "audience": {"excluded": {"customers": 0}},
        "cost": {"channels": {"email": {"messages": 160, "provider_cost": "0.02"}}},
        "outlook": {"basis": "assumed", "extra_purchasers": amounts, "revenue_minor": amounts},
    }


def test_the_report_says_whether_what_happened_lies_within_the_forecast(story: Story, dry_run: dict[str, Any]) -> None:
    for number in range(100):
        key = story.customer("treatment" if number < 80 else "holdout")
        if number < 80:
            for step in (1, 2):
                story.planned(key, accepted(), step=step)
        if number < 20:
            story.order(key, 4)
    story.plan_the_rest()
    report = story.measured(dry_run=dry_run)
    lines = {line.name: line for line in report.forecast}
    assert (lines["Step 1, step-1: messages"].actual, lines["Step 1, step-1: messages"].inside) == (80, True)
    assert lines["Step 2, step-2: messages"].inside is False
    assert lines["Provider's cost, e-mail"].inside
    extra = lines["Extra purchasers"]
    assert extra.actual == 20
    assert extra.inside
    assert lines["Extra revenue"].inside is False
    assert "Forecast and actual" in launch_page(report)
    early = story.measured(START + timedelta(days=8), dry_run=dry_run)
    assert all(line.inside is None for line in early.forecast if line.unit != "customers" or line.basis == "assumed")


def test_the_next_launch_learns_how_many_messages_were_opened_or_clicked(story: Story) -> None:
    for number in range(10):
        key = story.customer("treatment" if number < 8 else "holdout")
        opened = {"opened_at": format_instant(START + DAY)} if number < 2 else {}
        if number < 8:
            story.planned(key, accepted(**opened))
    story.launch = story.launch.model_copy(update={"state": LaunchState.FINISHED})
    story.plan_the_rest()
    lift = lift_of(story.measured(), "email")
    assert lift is not None
    assert (lift.engaged, lift.handed_over) == (2, 8)
