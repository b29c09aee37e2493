from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from local.inprocess.scenario import ACCOUNT
from winback.aws.documents import from_item, to_item
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.launch import TRANSITIONS, IllegalTransition, Launch, LaunchConflict, LaunchState

ZONE = ZoneInfo("Europe/Berlin")
FINGERPRINT = "0123456789abcdef"

Verb = Callable[[Launch, datetime], Launch]
VERBS: dict[str, tuple[Verb, frozenset[LaunchState], LaunchState]] = {
    "summarise": (
        lambda launch, _: launch.summarised(FINGERPRINT, 3),
        frozenset({LaunchState.DRAFT}),
        LaunchState.AWAITING_APPROVAL,
    ),
    "fail": (
        lambda launch, now: launch.failed("launch_enrol", "States.TaskFailed", now),
        frozenset({LaunchState.DRAFT, LaunchState.SCHEDULED}),
        LaunchState.FAILED,
    ),
    "approve": (
        lambda launch, now: launch.approved("Ada", FINGERPRINT, now),
        frozenset({LaunchState.AWAITING_APPROVAL}),
        LaunchState.SCHEDULED,
    ),
    "start": (
        lambda launch, now: launch.started(now, ZONE),
        frozenset({LaunchState.SCHEDULED}),
        LaunchState.RUNNING,
    ),
    "pause": (lambda launch, now: launch.paused(now), frozenset({LaunchState.RUNNING}), LaunchState.PAUSED),
    "resume": (lambda launch, now: launch.resumed(now, ZONE), frozenset({LaunchState.PAUSED}), LaunchState.RUNNING),
    "cancel": (
        lambda launch, now: launch.cancelled(now),
        frozenset(state for state in LaunchState if not state.over),
        LaunchState.CANCELLED,
    ),
}


def running(launch: Launch) -> Launch:
    approved = launch.summarised(FINGERPRINT, 3).approved("Ada", FINGERPRINT, launch.created_at)
    return approved.started(launch.starts_at, ZONE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(VERBS)), max_size=12))
def test_whatever_is_asked_in_whatever_order_only_legal_changes_happen(launch: Launch, verbs: list[str]) -> None:
    for name in verbs:
        verb, allowed_in, leads_to = VERBS[name]
        if launch.state in allowed_in:
            launch = verb(launch, launch.starts_at)
            assert launch.state is leads_to
        else:
            with pytest.raises(IllegalTransition) as refused:
                verb(launch, launch.starts_at)
            assert (refused.value.current, refused.value.wanted) == (launch.state, leads_to)
        assert launch.approved_by is not None or launch.state not in (LaunchState.RUNNING, LaunchState.PAUSED)


def test_a_launch_that_is_over_stays_over() -> None:
    assert all(not TRANSITIONS[state] for state in LaunchState if state.over)


def test_a_launch_can_go_only_where_the_table_of_transitions_says(launch: Launch) -> None:
    for state in LaunchState:
        for verb, allowed_in, leads_to in VERBS.values():
            placed = launch.model_copy(update={"state": state, "dry_run": FINGERPRINT})
            assert (leads_to in TRANSITIONS[state]) >= (state in allowed_in)
            if state in allowed_in:
                assert verb(placed, launch.starts_at).state is leads_to
            else:
                with pytest.raises(IllegalTransition, match=f"is {state} and cannot become {leads_to}"):
                    verb(placed, launch.starts_at)


def test_an_illegal_change_names_both_states_and_what_is_possible(launch: Launch) -> None:
    with pytest.raises(IllegalTransition, match="is draft and cannot become paused; possible: awaiting_approval, "):
        launch.paused(launch.created_at)


def test_the_steps_are_due_at_their_local_times(launch: Launch) -> None:
    assert [step.planned_at.isoformat() for step in launch.steps] == [
        "2026-03-27T08:00:00+00:00",
        "2026-04-03T07:30:00+00:00",
    ]
    assert launch.evaluation_ends_at - launch.starts_at == timedelta(days=91)
    with pytest.raises(ValueError, match="no step 3: expected 1 to 2"):
        launch.planned_at(3)


def test_an_approval_of_another_dry_run_is_refused(launch: Launch) -> None:
    with pytest.raises(LaunchConflict, match="another dry run"):
        launch.summarised(FINGERPRINT, 3).approved("Ada", "f" * 16, launch.created_at)


def test_a_launch_that_starts_late_keeps_its_assignment_and_moves_its_steps(launch: Launch) -> None:
    approved = launch.summarised(FINGERPRINT, 3).approved("Ada", FINGERPRINT, launch.created_at)
    late = approved.started(launch.starts_at + timedelta(days=1), ZONE)
    assert late.starts_at == launch.starts_at
    assert late.evaluation_ends_at == launch.evaluation_ends_at
    assert late.planned_at(1) == launch.starts_at + timedelta(days=1)
    assert late.planned_at(2) == launch.planned_at(2) + timedelta(days=1)


def test_a_launch_that_starts_early_waits_for_its_time(launch: Launch) -> None:
    approved = launch.summarised(FINGERPRINT, 3).approved("Ada", FINGERPRINT, launch.created_at)
    assert approved.started(launch.created_at, ZONE).steps == launch.steps


def test_an_audience_of_more_than_a_week_ago_cannot_be_started(launch: Launch) -> None:
    approved = launch.summarised(FINGERPRINT, 3).approved("Ada", FINGERPRINT, launch.created_at)
    with pytest.raises(LaunchConflict, match="its audience is stale"):
        approved.started(launch.starts_at + timedelta(days=7, seconds=1), ZONE)


def test_a_pause_puts_missed_steps_off_and_leaves_earlier_ones(launch: Launch) -> None:
    paused = running(launch).paused(launch.starts_at + timedelta(days=3))
    resumed = paused.resumed(launch.starts_at + timedelta(days=9), ZONE)
    assert resumed.planned_at(1) == launch.planned_at(1)
    assert resumed.planned_at(2) == launch.planned_at(2) + timedelta(days=3)
    assert resumed.paused_at is None


def test_a_pause_beyond_the_evaluation_cannot_be_resumed(launch: Launch) -> None:
    paused = running(launch).paused(launch.starts_at + timedelta(days=3))
    with pytest.raises(LaunchConflict, match="after its evaluation ends"):
        paused.resumed(launch.starts_at + timedelta(days=92), ZONE)


def test_a_report_finishes_a_running_launch_and_leaves_a_cancelled_one_cancelled(launch: Launch) -> None:
    now = launch.evaluation_ends_at
    finished = running(launch).reported(now)
    assert (finished.state, finished.reported_at) == (LaunchState.FINISHED, now)
    assert finished.reported(now) == finished
    cancelled = running(launch).cancelled(launch.starts_at).reported(now)
    assert (cancelled.state, cancelled.reported_at, cancelled.ended_at) == (
        LaunchState.CANCELLED,
        now,
        launch.starts_at,
    )


def test_a_launch_survives_its_table_item(launch: Launch) -> None:
    paused = running(launch).paused(launch.starts_at)
    assert from_item(Launch, {**to_item(paused), "pk": "acme#launch", "of_a_newer_release": 1}) == paused


def test_a_launch_of_an_older_release_goes_on_by_what_it_froze(
    launch: Launch, definition: Callable[..., CampaignDefinition]
) -> None:
    launch = launch.model_copy(update={"definition": definition(holdout={"share": 0.1})})
    item = {name: value for name, value in to_item(launch).items() if name not in ("look", "time_zone")}
    stored = item["definition"]
    stored["holdout"]["detect_points"] = Decimal("2.0")  # the default was written with each definition
    stored["audience"]["newly_lapsed"] = True
    stored["schedule"] = {"weekday": "monday", "at": "09:00", "every_weeks": 1}
    with pytest.raises(ValidationError, match="expected starts_on: newly_lapsed"):
        CampaignDefinition.model_validate({**stored, "holdout": {}})

    read = from_item(Launch, item)

    assert read.definition.holdout == launch.definition.holdout
    assert read.definition.touches == launch.definition.touches
    moved = ACCOUNT.model_copy(update={"time_zone": "Asia/Tokyo"})
    assert (read.zone_of(moved), read.shown_as(moved)) == (moved.zone, moved)
