"""The dry run counts what the plan says, in full, and marks as a range what nobody can know yet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.accounts.channels import SmsSettings
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.dry_run import AudienceTally, Rate, Standing, StepTally, Surroundings, dry_run
from winback.campaigns.dry_run.pacing import pacing
from winback.campaigns.dry_run.page import dry_run_page
from winback.campaigns.launch import Launch
from winback.identifiers import AccountId, CampaignId, LaunchId, SnapshotId
from winback.segmentation.rubric_file import default_settings
from winback.slices.lifts import LaunchLift

START = datetime(2026, 3, 27, 8, tzinfo=UTC)
NINE = "2026-03-27T09:30:00Z"
BRANCHED = [
    {"template": "we-miss-you", "after_days": 0},
    {
        "branch": {"on": "engaged"},
        "after_days": 4,
        "then": [{"template": "still-thinking", "after_days": 5}],
        "otherwise": [{"template": "we-miss-you", "after_days": 7, "channels": ["sms"]}],
    },
]


@pytest.fixture
def launch_of(definition: Callable[..., CampaignDefinition]) -> Callable[..., Launch]:
    def build(**changes: Any) -> Launch:
        return Launch.prepare(
            AccountId("acme"),
            LaunchId("lau-000000000001"),
            CampaignId("cmp-000000000001"),
            definition(**changes),
            SnapshotId("snp-000000000001"),
            prefix="launches/account=acme/lau-000000000001/",
            starts_at=START,
            now=START - timedelta(days=1),
            zone=ZoneInfo("UTC"),
        )

    return build


def member(arm: str | None, *, reasons: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "segment": "Slipping Regulars",
        "family": "Slipping",
        "eligible": arm is not None,
        "reasons": list(reasons),
        "arm": arm,
        "measured": arm is not None,
        "variants": {},
        **more,
    }


def planned(*reasons: str, channel: str | None = "email", send_at: str = NINE, **more: Any) -> dict[str, Any]:
    verdict = "deny" if reasons else "allow"
    return {
        "verdict": verdict,
        "reasons": list(reasons),
        "channel": channel,
        "send_at": send_at,
        "variants": {},
        **more,
    }


def tallies(launch: Launch, audience: list[Any], plans: dict[int, list[Any]], chunk: int = 1000) -> Any:
    whole, steps = AudienceTally(), [StepTally(step.step) for step in launch.steps]
    for start in range(0, len(audience), chunk):
        whole.add(audience[start : start + chunk])
    for step in steps:
        rows = plans.get(step.step, [])
        for start in range(0, len(rows), chunk):
            step.add(rows[start : start + chunk])
    return whole, steps


def around(**changes: Any) -> Surroundings:
    return Surroundings(**{"currency": "EUR", "standing": Standing(default_settings()), **changes})


def run(launch: Launch, audience: list[Any], plans: dict[int, list[Any]], **changes: Any) -> dict[str, Any]:
    return dry_run(launch, *tallies(launch, audience, plans), around(**changes))


def lift(engaged: int, handed_over: int, **changes: Any) -> LaunchLift:
    arms = {"treated": 800, "treated_won": 80, "held_out": 200, "held_out_won": 12}
    return LaunchLift(
        **arms,
        launch_id="lau-000000000009",
        campaign_id="cmp-000000000009",
        channel="email",
        segments=({"segment": "Slipping Regulars", **arms},),  # type: ignore[arg-type]
        evaluation_days=91,
        currency="EUR",
        ended_at="2026-01-01T00:00:00Z",
        engaged=engaged,
        handed_over=handed_over,
        **changes,
    )


def test_each_candidate_is_counted_once_and_each_reason_for_itself(launch: Launch) -> None:
    audience = (
        [member("treatment")] * 6 + [member("holdout")] * 2 + [member(None, reasons=("no_consent", "suppressed"))]
    )
    found = run(launch, audience, {1: [planned()] * 5 + [planned("held_out")] * 2 + [planned("converted", "stale")]})
    assert found["audience"]["excluded"] == {"customers": 1, "reasons": {"no_consent": 1, "suppressed": 1}}
    assert found["audience"]["arms"] == {"treatment": 6, "holdout": 2}
    step = found["steps"][0]
    assert step["recipients"] == sum(step["recipients_by_hour"].values()) == 5
    assert step["excluded"] == {"customers": 3, "reasons": {"held_out": 2, "converted": 1, "stale": 1}}


def test_the_same_rows_give_the_same_bytes_in_any_chunks_and_other_rows_another_fingerprint(launch: Launch) -> None:
    audience = [member("treatment"), member("holdout"), member(None, reasons=("no_address",))] * 5
    plans = {1: [planned(), planned("held_out"), planned(send_at="2026-03-28T10:00:00Z")] * 5, 2: [planned()] * 5}
    first = dry_run(launch, *tallies(launch, audience, plans, chunk=1), around())
    again = dry_run(launch, *tallies(launch, audience, plans, chunk=4), around())
    assert dry_run_page(first) == dry_run_page(again)
    assert first == again
    plans[2][0] = planned("suppressed")
    assert run(launch, audience, plans)["fingerprint"] != first["fingerprint"]


def test_steps_behind_a_branch_are_the_most_that_can_happen_and_a_range_of_them(
    launch_of: Callable[..., Launch],
) -> None:
    launch = launch_of(steps=BRANCHED)
    audience, plans = [member("treatment")] * 100, {step: [planned()] * 100 for step in (1, 2, 3)}
    assumed = run(launch, audience, plans)
    assert [step["recipients"] for step in assumed["steps"]] == [100, 100, 100]
    assert assumed["steps"][0]["expected_recipients"]["basis"] == "known"
    assert assumed["steps"][1]["expected_recipients"] == {"estimate": 20, "low": 5, "high": 50, "basis": "assumed"}
    assert assumed["steps"][2]["expected_recipients"] == {"estimate": 80, "low": 50, "high": 95, "basis": "assumed"}
    measured = run(launch, audience, plans, standing=Standing(default_settings(), [lift(300, 1000)]))
    expected = measured["steps"][1]["expected_recipients"]
    assert (expected["estimate"], expected["basis"]) == (30, "measured")
    assert expected["low"] < 30 < expected["high"] < 40


def test_what_it_may_bring_is_marked_as_assumed_until_launches_of_the_account_measured_it(launch: Launch) -> None:
    worth = {"value_each_minor": {"Slipping Regulars": 5000.0}, "margin_shares": {"Slipping Regulars": 0.4}}
    audience = [member("treatment")] * 1000 + [member("holdout")] * 250
    assumed = run(launch, audience, {}, standing=Standing(default_settings(), **worth))["outlook"]
    assert (assumed["basis"], assumed["revenue_minor"]["low"]) == ("assumed", 0)
    measured = run(launch, audience, {}, standing=Standing(default_settings(), [lift(1, 2)], **worth))
    found = measured["outlook"]
    assert (found["basis"], found["launches"]) == ("measured", 1)
    assert found["revenue_minor"]["low"] < found["revenue_minor"]["estimate"] < found["revenue_minor"]["high"]
    assert found["margin_minor"]["estimate"] == pytest.approx(0.4 * found["revenue_minor"]["estimate"], abs=1)
    assert measured["detectable_effect"]["assumed_return_rate"] == 0.06
    assert "finished launches" in measured["detectable_effect"]["assumption"]


def test_variants_have_sizes_and_the_smallest_difference_that_they_would_find(launch_of: Callable[..., Launch]) -> None:
    experiment = {"name": "subject", "variants": [{"name": "plain"}, {"name": "warm", "share": 3, "subject": "Hello"}]}
    launch = launch_of(experiments=[experiment])
    audience = [
        *[member("treatment", variants={"subject": "plain"})] * 500,
        *[member("treatment", variants={"subject": "warm"})] * 1500,
        *[member("holdout", variants={"subject": "plain"})] * 400,
    ]
    plans = {1: [planned(variants={"subject": "warm"})] * 1500 + [planned(variants={"subject": "plain"})] * 490}
    (found,) = run(launch, audience, plans)["experiments"]
    plain, warm = found["variants"]
    assert (plain["customers"], plain["messages"], plain["share"]) == (500, 490, 0.25)
    assert plain["control"]
    assert 4 < warm["detectable_effect"]["percentage_points"] < 9


def test_an_effect_can_only_be_told_with_customers_in_both_arms_that_are_measured(launch: Launch) -> None:
    kept = [member("treatment", measured=False)] * 500
    assert run(launch, kept, {})["detectable_effect"]["percentage_points"] is None
    told = run(launch, [*kept, *[member("treatment")] * 500, *[member("holdout")] * 500], {})
    assert told["detectable_effect"]["percentage_points"] == pytest.approx(8.3, abs=0.5)


def test_texts_cost_their_own_parts_by_country_known_where_the_account_states_a_price_and_else_assumed(
    launch_of: Callable[..., Launch],
) -> None:
    rows = [
        *[planned(channel="sms", country="DE", text_parts=1)] * 90,
        *[planned(channel="sms", country="DE", text_parts=2)] * 10,
        *[planned(channel="sms", country="NO", text_parts=1)] * 10,
        *[planned(channel="sms", country=None, text_parts=1)] * 2,
        planned(channel="sms", country=None, text_parts=0),
    ]
    paid = SmsSettings(prices={"DE": Decimal("0.10")}, max_price_cents=25)
    run_of = run(launch_of(channels=["sms"], budget={"spend_minor": 1399}), [], {1: rows}, texts=paid)
    found, texts = run_of["cost"], run_of["cost"]["channels"]["sms"]
    assert texts["countries"]["DE"] == {
        "messages": 100,
        "parts": 110,
        "messages_by_parts": {"1": 90, "2": 10},
        "part_price": "0.10",
        "basis": "stated",
        "provider_cost": "11.00",
    }
    assert {name: row["basis"] for name, row in texts["countries"].items()} == {
        "DE": "stated",
        "NO": "assumed",
        "unknown": "assumed",
    }
    assert (texts["provider_cost"], texts["unwritable"]) == ("14.00", 1)
    assert found["budget"] == {"spend": {"limit": "13.99", "at_most": "14.0000", "enough": False}}
    assert Decimal(found["total_estimate"]) >= Decimal(found["providers"]) + Decimal(found["aws_estimate"])
    for words in ("Texts by country", "assumed: the account&#x27;s limit", "it will end before", "1 texts cannot"):
        assert words in dry_run_page(run_of), words


def test_an_audience_that_was_chosen_long_before_the_start_is_pointed_out(launch: Launch) -> None:
    for hours, told in ((7 * 24, False), (8 * 24, True)):
        chosen = launch.model_copy(update={"audience_as_of": launch.starts_at - timedelta(hours=hours)})
        page = dry_run_page(run(chosen, [member("treatment")], {}))
        assert ("8 days after its customers were chosen" in page) is told


def test_a_channel_that_hides_the_code_of_its_offer_is_pointed_out_once(launch: Launch) -> None:
    sample = {"step": 2, "channel": "push", "title": "Come back", "text": "We miss you"}
    shown = {**run(launch, [member("treatment")], {}), "samples": [sample]}
    assert "does not show the code" not in dry_run_page(shown)
    hidden = {**shown, "samples": [{**sample, "without_code": True}] * 2}
    assert dry_run_page(hidden).count("Step 2, push, does not show the code") == 1


def test_a_plan_beyond_the_rate_says_in_which_hours_and_when_the_last_message_leaves() -> None:
    hours = {1: {"2026-03-27T09:00:00Z": 9000}, 2: {"2026-03-27T10:00:00Z": 1000}}
    latest = {1: START + timedelta(days=5), 2: START + timedelta(days=5)}
    whole, steps = pacing(hours, latest, Rate(per_second=1))
    assert whole["hours_over"] == 2
    assert whole["first_hours_over"][0] == {"hour": "2026-03-27T09:00:00Z", "waiting": 9000, "capacity": 3600}
    assert steps[1] == {"last_leaves_at": "2026-03-27T11:30:00Z", "late": 5400, "stale": 0}
    assert steps[2]["last_leaves_at"] == whole["last_leaves_at"] == "2026-03-27T11:46:40Z"


def test_what_cannot_leave_before_the_next_step_is_counted_as_stale() -> None:
    hours = {1: {"2026-03-27T09:00:00Z": 100}}
    whole, steps = pacing(hours, {1: START + timedelta(days=3)}, Rate(per_second=10, per_day=20))
    assert steps[1]["stale"] == 100 - 3 * 20
    assert whole["last_leaves_at"] == "2026-03-29T09:00:02Z"
    _, never = pacing(hours, {1: START + timedelta(days=3)}, Rate(per_second=0))
    assert never[1] == {"last_leaves_at": None, "late": 0, "stale": 100}


@settings(max_examples=60)
@given(
    hours=st.dictionaries(st.integers(0, 60), st.integers(1, 5000), max_size=8),
    rate=st.floats(0.1, 3),
    per_day=st.none() | st.integers(1, 20_000),
    days=st.integers(1, 10),
)
def test_every_planned_message_leaves_or_is_stale_and_none_before_its_hour(
    hours: dict[int, int], rate: float, per_day: int | None, days: int
) -> None:
    plan = {1: {(START + timedelta(hours=hour)).isoformat(): number for hour, number in hours.items()}}
    latest = START + timedelta(days=days)
    whole, steps = pacing(plan, {1: latest}, Rate(rate, per_day))
    assert whole["messages"] == sum(hours.values())
    if steps:
        assert 0 <= steps[1]["stale"] + steps[1]["late"] <= whole["messages"]
        leaves = steps[1]["last_leaves_at"]
        assert (leaves is None) == (steps[1]["stale"] == whole["messages"])
        if leaves is not None:
            assert START + timedelta(hours=min(hours)) <= datetime.fromisoformat(leaves)
            assert datetime.fromisoformat(leaves) <= latest + timedelta(hours=1)


def test_the_page_escapes_names_and_says_what_a_marketer_asks(launch_of: Callable[..., Launch]) -> None:
    launch = launch_of(name="Come <b>back</b>", steps=BRANCHED)
    found = run(launch, [member("treatment")] * 3, {1: [planned()] * 3}, rates={"email": Rate(0.0001)})
    html = dry_run_page(found)
    assert "Come &lt;b&gt;back&lt;/b&gt;" in html
    assert "<b>back</b>" not in html
    assert "0\u202fEUR" not in html, "revenue that nobody can know is not none"
    for words in (
        "what a purchase is worth is not known",
        "08:00 UTC",
        "Who is addressed",
        "The branches",
        "assumed, not measured",
        "would not leave at all",
        "no promise",
    ):
        assert words in html, words
