"""What the workflow is told next, whatever has become of the launch and of the execution that asks."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.guardrails import passed_guardrail
from winback.campaigns.launch import Launch, LaunchConflict
from winback.campaigns.policies import Guardrails
from winback.campaigns.progress import (
    LONGEST_EXECUTION,
    LONGEST_WAIT,
    MOST_LOOKS,
    Action,
    Execution,
    Next,
    next_action,
)
from winback.delivery.reputation import Counts

ZONE = ZoneInfo("Europe/Berlin")
FINGERPRINT = "0123456789abcdef"
SECOND = timedelta(seconds=1)


def asked(launch: Launch, now: datetime, **execution: Any) -> Next:
    fresh: dict[str, Any] = {"continuation": launch.continuation, "looks": 1, "age": timedelta(hours=1)}
    return next_action(launch, Execution(**{**fresh, **execution}), now)


def scheduled(launch: Launch) -> Launch:
    return launch.summarised(FINGERPRINT, 3).approved("Ada", FINGERPRINT, launch.created_at)


def running(launch: Launch) -> Launch:
    return scheduled(launch).started(launch.starts_at, ZONE)


def test_an_approved_launch_waits_for_its_start(launch: Launch) -> None:
    assert asked(scheduled(launch), launch.starts_at - SECOND) == Next(Action.WAIT, wait=SECOND)
    assert asked(scheduled(launch), launch.starts_at - timedelta(days=5)).wait == LONGEST_WAIT


def test_it_plans_each_step_when_due_and_reports_after_the_evaluation(launch: Launch) -> None:
    active = running(launch)
    for moves_done, now, expected in (
        (0, launch.planned_at(1), Next(Action.PLAN, 1)),
        (1, launch.planned_at(2) - SECOND, Next(Action.WAIT, wait=SECOND)),
        (1, launch.planned_at(2) + timedelta(days=20), Next(Action.PLAN, 2)),
        (2, launch.evaluation_ends_at - SECOND, Next(Action.WAIT, wait=SECOND)),
        (2, launch.evaluation_ends_at, Next(Action.REPORT)),
    ):
        assert asked(active.advanced(moves_done), now) == expected


def test_a_branch_is_asked_in_its_turn(launch: Launch, definition: Callable[..., CampaignDefinition]) -> None:
    engaged = {"branch": {"on": "engaged"}, "after_days": 3, "then": [{"template": "we-miss-you", "after_days": 3}]}
    branched = Launch.prepare(
        launch.account_id,
        launch.launch_id,
        launch.campaign_id,
        definition(steps=[{"template": "we-miss-you", "after_days": 0}, engaged]),
        launch.snapshot_id,
        prefix=launch.prefix,
        starts_at=launch.starts_at,
        now=launch.created_at,
        zone=ZONE,
    )
    late = launch.starts_at + timedelta(days=9)
    answers = [asked(running(branched).advanced(done), late) for done in (0, 1, 2)]
    assert answers == [Next(Action.PLAN, 1), Next(Action.EVALUATE, 1), Next(Action.PLAN, 2)]


def test_after_a_step_it_looks_often_for_its_guardrails_and_later_once_a_day(launch: Launch) -> None:
    sent = running(launch).advanced(1)
    waits = [asked(sent, launch.planned_at(1) + timedelta(hours=hours)).wait for hours in (0, 7, 80)]
    assert waits == [timedelta(minutes=5), timedelta(hours=1), LONGEST_WAIT]


def test_a_paused_launch_needs_no_execution_and_resuming_gives_it_another(launch: Launch) -> None:
    now = launch.planned_at(2)
    paused = running(launch).advanced(1).paused(now)
    assert asked(paused, now).action is Action.STOP
    resumed = paused.resumed(now + SECOND, ZONE)
    assert asked(resumed, now, continuation=0).action is Action.CONTINUE
    assert asked(resumed, now + timedelta(days=1)) == Next(Action.PLAN, 2)
    assert resumed.execution == f"{launch.launch_id}-1"


def test_a_cancelled_launch_is_reported_once_and_not_at_all_if_it_never_started(launch: Launch) -> None:
    now = launch.planned_at(2)
    cancelled = running(launch).cancelled(now)
    assert asked(cancelled, now).action is Action.REPORT
    assert asked(cancelled.reported(now), now).action is Action.STOP
    assert asked(scheduled(launch).cancelled(now), now).action is Action.STOP


def test_a_launch_of_nobody_is_reported_at_once_and_an_unapproved_one_is_an_error(launch: Launch) -> None:
    now = launch.planned_at(2)
    assert asked(running(launch).model_copy(update={"chunks": 0}), now).action is Action.REPORT
    assert asked(running(launch).reported(now), now).action is Action.STOP
    with pytest.raises(LaunchConflict, match="expected an approved one"):
        asked(launch, now)


@pytest.mark.parametrize("spent", [{"looks": MOST_LOOKS}, {"age": LONGEST_EXECUTION}])
def test_an_execution_that_is_spent_hands_over_wherever_it_is(launch: Launch, spent: dict[str, Any]) -> None:
    assert asked(running(launch), launch.planned_at(1), **spent).action is Action.CONTINUE
    assert asked(scheduled(launch), launch.created_at, **spent).action is Action.CONTINUE


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        (Counts(sent=199, bounced=199), None),
        (Counts(sent=200, bounced=10), None),
        (Counts(sent=200, bounced=11), "bounce rate is 5.50% of 200 sends, above its guardrail of 5.00%"),
        (Counts(sent=500, complained=1), None),
        (Counts(sent=1000, complained=2), "complaint rate is 0.20%"),
        (Counts(sent=1000, unsubscribed=21), "unsubscribe rate is 2.10%"),
    ],
)
def test_a_launch_passes_a_guardrail_above_its_rate_and_with_enough_sends(counts: Counts, found: str | None) -> None:
    because = passed_guardrail(Guardrails(), counts)
    assert because is None if found is None else found in str(because)
